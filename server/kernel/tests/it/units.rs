//! Streams and units: conflicts, all or nothing, group commit.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;
use symbolon_kernel::{Cause, Claim, Claimed, Conflict, Error, Expected};
use tokio::task::JoinSet;

use crate::fixture::{Home, append, effects, happened, manual, noon, note, tenant, thing, unit};

#[tokio::test]
async fn an_event_comes_back_as_it_was_appended() {
    let home = Home::new();
    let (_, clock) = manual();
    let kernel = home.open_at(clock).await;
    let mut unit = unit(&kernel, "acme").await;
    let events = vec![happened(1), happened(2)];
    let appended = unit.append(&thing("a"), Expected::New, events).await.unwrap();
    unit.commit().await.unwrap();

    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    assert_eq!(view.load(&thing("a")).await.unwrap(), appended);
    assert_eq!(view.version(&thing("a")).await.unwrap(), 2);
    let id = appended[1].message_id;
    assert!(appended[0].message_id < id, "ids sort as events do");
    assert_eq!(id.get_version_num(), 7);
    let expected = json!({
        "messageId": id, "tenantId": "acme", "aggregateType": "Thing", "aggregateId": "a",
        "type": "Happened", "timestamp": noon().to_string(), "correlationId": "request-1",
        "causationId": "request-1", "schemaVersion": 1, "version": 2, "data": {"number": 2},
    });
    assert_eq!(serde_json::to_value(&appended[1]).unwrap(), expected);
}

#[tokio::test]
async fn a_stale_writer_gets_a_typed_conflict_and_writes_nothing() {
    let home = Home::new();
    let kernel = home.open().await;
    append(&kernel, "acme", "a", 1).await;

    let mut unit = unit(&kernel, "acme").await;
    for expected in [Expected::New, Expected::Version(0), Expected::Version(2)] {
        let refused = unit.append(&thing("a"), expected, vec![happened(2)]).await;
        let Err(Error::Conflict(conflict)) = refused else { panic!("{refused:?}") };
        assert_eq!(conflict, Conflict { stream: thing("a"), expected, actual: 1 });
    }
    unit.append(&thing("a"), Expected::Version(1), vec![happened(2)]).await.unwrap();
    unit.commit().await.unwrap();

    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    assert_eq!(view.load(&thing("a")).await.unwrap().len(), 2);
    assert_eq!(kernel.stats().await.unwrap().outbox_depth, 2);
}

#[tokio::test]
async fn a_unit_may_find_what_causes_it_in_its_own_transaction() {
    let home = Home::new();
    let kernel = home.open().await;
    append(&kernel, "acme", "a", 1).await;

    for (version, kept) in [(1, false), (1, true)] {
        let mut opening = kernel.opening(&tenant("acme")).await.unwrap();
        note(opening.sql(), "me", "a", version).await;
        let events = opening.load(&thing("a")).await.unwrap();
        assert_eq!(events.len(), 1);
        if !kept {
            opening.rollback().await.unwrap();
            continue;
        }
        let mut unit = opening.caused_by(Cause::event(&events[0]));
        let expected = Expected::Version(version);
        let appended = unit.append(&thing("a"), expected, vec![happened(2)]).await.unwrap();
        // What was written before there was a unit is a part of it.
        unit.commit().await.unwrap();
        assert_eq!(appended[0].causation_id, events[0].message_id.to_string());
        assert_eq!(appended[0].correlation_id, events[0].correlation_id);
    }

    // Another's stream is not there, and an opening that is dropped holds nothing.
    let mut opening = kernel.opening(&tenant("other")).await.unwrap();
    assert!(opening.load(&thing("a")).await.unwrap().is_empty());
    drop(opening);
    append(&kernel, "acme", "b", 1).await;
}

#[tokio::test]
async fn a_unit_that_is_dropped_leaves_nothing() {
    let home = Home::new();
    let kernel = home.open().await;
    let claim = Claim { operation: "make", key: "k", fingerprint: "f", resource: "a" };
    for attempt in 0..2 {
        let claimed = unit(&kernel, "acme").await.claim(claim).await.unwrap();
        let Claimed::Fresh(mut unit) = claimed else { panic!("{claimed:?}") };
        unit.append(&thing("a"), Expected::New, vec![happened(1)]).await.unwrap();
        unit.schedule("wake", "a", noon(), &()).await.unwrap();
        note(unit.sql(), "me", "a", 1).await;
        unit.after_commit(async { panic!("it was never committed") });
        match attempt {
            0 => drop(unit),
            _ => unit.rollback().await.unwrap(),
        }
    }
    let stats = kernel.stats().await.unwrap();
    assert_eq!((stats.head, stats.outbox_depth, stats.timers_pending), (0, 0, 0));
    assert_eq!(effects(&kernel, "acme").await, []);
    kernel.shutdown().await.unwrap();

    let kernel = home.open().await;
    assert_eq!(kernel.stats().await.unwrap().outbox_depth, 0);
    let claimed = unit(&kernel, "acme").await.claim(claim).await.unwrap();
    assert!(matches!(claimed, Claimed::Fresh(_)));
}

#[tokio::test]
async fn a_commit_is_carried_through_when_its_caller_is_gone() {
    let home = Home::new();
    let kernel = home.open().await;
    for number in 0..20 {
        let mut unit = unit(&kernel, "acme").await;
        unit.append(&thing("a"), Expected::Any, vec![happened(number)]).await.unwrap();
        let _ = tokio::time::timeout(Duration::ZERO, unit.commit()).await;
    }
    kernel.shutdown().await.unwrap();
    let kernel = home.open().await;
    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    assert_eq!(view.version(&thing("a")).await.unwrap(), 20);
}

#[tokio::test]
async fn what_follows_a_commit_runs_once_and_shutdown_waits_for_it() {
    let home = Home::new();
    let kernel = home.open().await;
    let mut first = unit(&kernel, "acme").await;
    let later = kernel.clone();
    first.after_commit(async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        append(&later, "acme", "a", 1).await;
    });
    first.commit().await.unwrap();
    kernel.shutdown().await.unwrap();
    let refused = kernel.unit(&tenant("acme"), Cause::request("late")).await;
    assert!(matches!(refused, Err(Error::Closed)));

    let kernel = home.open().await;
    assert_eq!(kernel.stats().await.unwrap().outbox_depth, 1);
}

/// A handler's future must be `Send` whatever it borrows across an await.
#[test]
fn what_a_domain_holds_can_be_shared_and_sent() {
    fn shared<T: Send + Sync>() {}
    shared::<symbolon_kernel::Kernel>();
    shared::<symbolon_kernel::Unit>();
    shared::<symbolon_kernel::View>();
    shared::<symbolon_kernel::Tail>();
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// What a unit of the law below does at its end.
#[derive(Debug, Clone, Copy)]
enum End {
    Commit,
    Drop,
    Rollback,
    Cancel,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A stream is at the sum of the appends that went through, and an append goes through if and
    /// only if the stream is where it expects it.
    #[test]
    fn streams_follow_their_model(
        steps in prop::collection::vec((0u8..3, -1i64..6, 1i64..4, any::<bool>()), 1..25),
    ) {
        runtime().block_on(async {
            let home = Home::new();
            let kernel = home.open().await;
            let mut model: BTreeMap<u8, i64> = BTreeMap::new();
            for (stream, at, count, commits) in steps {
                let expected = match at {
                    -1 => Expected::Any,
                    0 => Expected::New,
                    version => Expected::Version(version),
                };
                let before = model.get(&stream).copied().unwrap_or(0);
                let mut unit = unit(&kernel, "acme").await;
                let events = (0..count).map(happened).collect();
                let stream_id = thing(&stream.to_string());
                match unit.append(&stream_id, expected, events).await {
                    Ok(events) => {
                        assert!(at == -1 || at == before);
                        let versions: Vec<_> = events.iter().map(|it| it.version).collect();
                        let sequence: Vec<_> = (before + 1..=before + count).collect();
                        assert_eq!(versions, sequence);
                        if commits {
                            unit.commit().await.unwrap();
                            model.insert(stream, before + count);
                        }
                    }
                    Err(Error::Conflict(conflict)) => {
                        assert_eq!(conflict.actual, before);
                        assert!(at != -1 && at != before);
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            let mut view = kernel.read(&tenant("acme")).await.unwrap();
            for (stream, version) in model {
                let events = view.load(&thing(&stream.to_string())).await.unwrap();
                assert_eq!(events.len() as i64, version);
            }
        });
    }

    /// Units that share a group do not share a fate: those that committed are there after a
    /// restart, the others are not.
    #[test]
    fn a_group_keeps_exactly_what_committed(ends in prop::collection::vec(
        prop_oneof![Just(End::Commit), Just(End::Drop), Just(End::Rollback), Just(End::Cancel)],
        1..40,
    )) {
        runtime().block_on(async {
            let home = Home::new();
            let kernel = home.open().await;
            let mut tasks = JoinSet::new();
            for (number, end) in (0i64..).zip(ends.clone()) {
                let kernel = kernel.clone();
                tasks.spawn(async move {
                    let mut unit = unit(&kernel, "acme").await;
                    let stream = thing(&number.to_string());
                    let append = unit.append(&stream, Expected::New, vec![happened(number)]);
                    match end {
                        End::Cancel => drop(tokio::time::timeout(Duration::ZERO, append).await),
                        End::Commit | End::Drop | End::Rollback => drop(append.await.unwrap()),
                    }
                    match end {
                        End::Commit => unit.commit().await.unwrap(),
                        End::Rollback => unit.rollback().await.unwrap(),
                        End::Drop | End::Cancel => drop(unit),
                    }
                });
            }
            while let Some(done) = tasks.join_next().await {
                done.unwrap();
            }
            kernel.shutdown().await.unwrap();
            let kernel = home.open().await;
            let mut view = kernel.read(&tenant("acme")).await.unwrap();
            for (number, end) in ends.into_iter().enumerate() {
                let version = view.version(&thing(&number.to_string())).await.unwrap();
                assert_eq!(version, i64::from(matches!(end, End::Commit)), "{number} {end:?}");
            }
        });
    }
}
