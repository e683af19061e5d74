//! The ledger against a model in memory: whatever is asked of it, in whatever order, both answer
//! the same, hold the same, and did so at every moment.

mod model;
mod steps;

use jiff::SignedDuration;
use proptest::prelude::*;
use symbolon_kernel::ledger::{Entry, Floors, Ledger, Money};
use symbolon_kernel::{Error, Handlers, Kernel};

use crate::fixture::{Home, eventually, manual, tenant, unit};
use crate::ledger::{account, assert_lawful, currency, hold};
use model::{Answer, Model, expiry, named};
use steps::{ACCOUNTS, Legs, Step, code, name, step, transfer};

async fn act(ledger: &mut Ledger<'_>, step: &Step) -> Answer {
    let answer = match step {
        Step::Post { id, legs, floors } => ledger.post(&transfer(*id, legs, *floors)).await,
        Step::PostFrom { hold: number, consume, id, legs } => {
            let transfer = transfer(*id, legs, Floors::Kept);
            ledger.post_from(&hold(&number.to_string()), consume, &transfer).await
        }
        Step::Reserve { hold: number, account: at, minor, lasts } => {
            let amount = Money::new(*minor, &currency(code(*at)));
            let (id, at) = (hold(&number.to_string()), account(name(*at)));
            ledger.reserve(&id, &at, &amount, expiry(*lasts)).await
        }
        Step::Void(number) => ledger.void(&hold(&number.to_string())).await,
        Step::Reverse { id, of, floors } => {
            ledger.reverse(&named(*id), &named(*of), "because", *floors).await
        }
        Step::Draw { .. } | Step::ReverseOne { .. } | Step::Again(_) | Step::Wait(_) => {
            unreachable!("they are no calls")
        }
    };
    match answer {
        Ok(posted) => Ok(posted),
        Err(Error::Ledger(refusal)) => Err(refusal),
        Err(error) => panic!("{error:?}"),
    }
}

/// The books say what the model says, now and at every moment.
async fn agree(kernel: &Kernel, model: &Model) {
    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    let mut books = view.ledger();
    for (number, expected) in &model.accounts {
        let (name, floor) = (name(*number), expected.floor);
        let account = account(name);
        let balance = books.balance(&account).await.unwrap().unwrap();
        assert_eq!((balance.total, balance.reserved), (expected.total, expected.reserved));
        let entries = books.entries(&account, 0, u32::MAX).await.unwrap();
        let fold = |delta: fn(&Entry) -> i64| entries.iter().map(delta).sum::<i64>();
        assert_eq!(fold(|it| it.total_delta.minor), expected.total, "{name} {floor:?}");
        assert_eq!(fold(|it| it.reserved_delta), expected.reserved, "{name} {floor:?}");
        for (at, ..) in &expected.past {
            for moment in [*at, *at + SignedDuration::from_millis(500)] {
                let last = expected.past.iter().rfind(|past| past.0 <= moment).unwrap();
                let balance = books.balance_at(&account, moment).await.unwrap().unwrap();
                assert_eq!((balance.total, balance.reserved), (last.1, last.2), "{name} {moment}");
            }
        }
    }
    for (number, expected) in &model.holds {
        let found = books.hold(&hold(&number.to_string())).await.unwrap().unwrap();
        assert_eq!((found.remaining, found.state), (expected.remaining, expected.state));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_ledger_follows_its_model(
        units in prop::collection::vec(
            (prop::collection::vec(step(), 1..6), prop::bool::weighted(0.85)), 5..25,
        ),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let home = Home::new();
            let (clock, injected) = manual();
            let kernel = home.open_at(injected).await;
            let mut first = unit(&kernel, "acme").await;
            for (name, code, floor) in ACCOUNTS {
                first.ledger().open(&account(name), &currency(code), floor).await.unwrap();
            }
            first.commit().await.unwrap();
            let mut model = Model::new();
            let legs = Legs::from([(0, -400), (1, -100), (2, 200), (4, 200), (5, 100)]);
            let mut asked = vec![Step::Post { id: 200, legs, floors: Floors::Kept }];
            for (steps, commits) in units {
                let before = model.clone();
                let mut unit = unit(&kernel, "acme").await;
                // The first step asks for the money to begin with.
                for step in std::iter::once(Step::Again(asked.len() - 1)).chain(steps) {
                    if let Step::Wait(seconds) = step {
                        clock.advance(SignedDuration::from_secs(seconds));
                    }
                    let Some(step) = step.call(&model, &asked) else { continue };
                    let now = unit.now();
                    let answer = act(&mut unit.ledger(), &step).await;
                    assert_eq!(answer, model.act(&step, now), "{step:?}");
                    asked.push(step);
                }
                if commits {
                    unit.commit().await.unwrap();
                } else {
                    unit.rollback().await.unwrap();
                    model = before;
                }
            }
            agree(&kernel, &model).await;
            assert_lawful(&kernel).await;

            clock.set(kernel.now());
            model.expire(kernel.now());
            kernel.start(Handlers::new()).await.unwrap();
            eventually("overdue holds expire", || async {
                kernel.stats().await.unwrap().timers_overdue == 0
            })
            .await;
            agree(&kernel, &model).await;
            assert_lawful(&kernel).await;
            kernel.shutdown().await.unwrap();
        });
    }
}
