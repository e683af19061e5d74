//! From the outbox to a consumer: at least once, effects once, in order per aggregate.

use std::sync::atomic::Ordering;
use std::time::Duration;

use symbolon_kernel::{Consumer, Envelope, Error, Expected, Handled, Handlers, NewEvent, Unit};

use crate::fixture::{
    Home, Writer, append, effects, eventually, happened, manual, tenant, thing, unit,
};

async fn numbers(kernel: &symbolon_kernel::Kernel, who: &str, what: &str) -> Vec<i64> {
    let effects = effects(kernel, "acme").await;
    effects.into_iter().filter(|it| it.0 == who && it.1 == what).map(|it| it.2).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_key_holds_itself_and_no_other() {
    let home = Home::new();
    let (clock, injected) = manual();
    let kernel = home.open_at(injected).await;
    let writer = Writer::failing("writer", "bad", 1);
    let other = Writer::new("other");
    kernel.start(Handlers::new().consumer(writer.clone()).consumer(other)).await.unwrap();
    for number in 1..=5 {
        append(&kernel, "acme", "bad", number).await;
        append(&kernel, "acme", "good", number).await;
    }
    // The clock stands still: the failed one is not tried again yet.
    eventually("the good are handled", || async {
        numbers(&kernel, "writer", "good").await.len() == 5
            && numbers(&kernel, "other", "bad").await.len() == 5
    })
    .await;
    assert!(numbers(&kernel, "writer", "bad").await.is_empty());
    assert_eq!(writer.calls_for("bad"), 1);

    clock.advance(jiff::SignedDuration::from_secs(1));
    eventually("the bad are handled", || async {
        numbers(&kernel, "writer", "bad").await.len() == 5
    })
    .await;
    for what in ["good", "bad"] {
        assert_eq!(numbers(&kernel, "writer", what).await, [1, 2, 3, 4, 5]);
        assert_eq!(numbers(&kernel, "other", what).await, [1, 2, 3, 4, 5]);
    }
    eventually("nothing is left", || async {
        let stats = kernel.stats().await.unwrap();
        stats.outbox_depth == 0 && stats.readers.iter().all(|reader| reader.lag == 0)
    })
    .await;
    kernel.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_is_one_more_failure() {
    let home = Home::new();
    let kernel = home.open().await;
    let writer = Writer { panics: true, ..Writer::failing("writer", "bad", 3) };
    kernel.start(Handlers::new().consumer(writer.clone())).await.unwrap();
    append(&kernel, "acme", "bad", 1).await;
    append(&kernel, "acme", "bad", 2).await;
    eventually("it is handled", || async { numbers(&kernel, "writer", "bad").await == [1, 2] })
        .await;
    assert_eq!(writer.calls_for("bad"), 5);
    kernel.shutdown().await.unwrap();
}

/// Stops processes without a word, with handlers failing and undone work in every stage.
#[test]
fn effects_happen_once_across_restarts() {
    let home = Home::new();
    let rounds: i64 = 6;
    for round in 0..rounds {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let kernel = home.open().await;
            let writer = Writer::failing("writer", "b", 1_000_000);
            kernel.start(Handlers::new().consumer(writer)).await.unwrap();
            for number in 0..10 {
                for id in ["a", "b", "c"] {
                    append(&kernel, "acme", id, round * 10 + number).await;
                }
            }
            tokio::time::sleep(Duration::from_millis(7 * round as u64)).await;
        });
        // Until nothing of it is left: the end of a process would let go of the file at once.
        runtime.shutdown_timeout(Duration::from_secs(10));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let kernel = home.open().await;
        kernel.start(Handlers::new().consumer(Writer::new("writer"))).await.unwrap();
        let all: Vec<i64> = (0..rounds * 10).collect();
        eventually("everything is handled", || async {
            effects(&kernel, "acme").await.len() >= all.len() * 3
        })
        .await;
        for id in ["a", "b", "c"] {
            assert_eq!(numbers(&kernel, "writer", id).await, all);
        }
        kernel.shutdown().await.unwrap();
    });
}

/// Answers each question; takes no notice of answers.
struct Answers;

impl Consumer for Answers {
    fn name(&self) -> &str {
        "answers"
    }

    fn accepts(&self, event_type: &str) -> bool {
        event_type == "Happened"
    }

    async fn handle(&self, event: &Envelope, unit: &mut Unit) -> Handled {
        let answer = NewEvent::new("things", "Answered", 2, &event.data)?;
        unit.append(&event.stream(), Expected::Version(event.version), vec![answer]).await?;
        Ok(())
    }
}

#[tokio::test]
async fn what_a_handler_appends_carries_its_cause() {
    let home = Home::new();
    let kernel = home.open().await;
    kernel.start(Handlers::new().consumer(Answers)).await.unwrap();
    let question = append(&kernel, "acme", "a", 1).await;
    eventually("it is answered", || async {
        let mut view = kernel.read(&tenant("acme")).await.unwrap();
        view.version(&thing("a")).await.unwrap() == 2
    })
    .await;
    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    let answer = view.load(&thing("a")).await.unwrap().remove(1);
    assert_eq!(answer.correlation_id, question.correlation_id);
    assert_eq!(answer.causation_id, question.message_id.to_string());
    assert_eq!((answer.event_type.as_str(), answer.schema_version), ("Answered", 2));
    drop(view);
    kernel.shutdown().await.unwrap();
}

#[tokio::test]
async fn nothing_is_lost_that_was_never_published() {
    let home = Home::new();
    let kernel = home.open().await;
    let mut unit = unit(&kernel, "acme").await;
    let events = (0..600).map(happened).collect();
    unit.append(&thing("a"), Expected::New, events).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(kernel.stats().await.unwrap().outbox_depth, 600);
    kernel.shutdown().await.unwrap();

    let kernel = home.open().await;
    let writer = Writer::new("writer");
    kernel.start(Handlers::new().consumer(writer.clone())).await.unwrap();
    eventually("all are handled", || async { numbers(&kernel, "writer", "a").await.len() == 600 })
        .await;
    assert_eq!(numbers(&kernel, "writer", "a").await, (0..600).collect::<Vec<_>>());
    assert_eq!(writer.failures.load(Ordering::SeqCst), 0);
    kernel.shutdown().await.unwrap();
}

#[tokio::test]
async fn two_handlers_cannot_share_a_name() {
    let home = Home::new();
    let kernel = home.open().await;
    let handlers = Handlers::new().consumer(Writer::new("w")).consumer(Writer::new("w"));
    let refused = kernel.start(handlers).await;
    assert!(matches!(refused, Err(Error::DuplicateHandler(name)) if name == "consumer:w"));
}
