//! What a handler gives up on is kept, holds nobody up, and can be handled again.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use symbolon_kernel::{DeadLetter, Handlers, Kernel, SystemClock};
use uuid::Uuid;

use crate::fixture::{Home, Writer, append, effects, eventually, happened, tenant, thing, unit};

async fn letters(kernel: &Kernel, name: &str) -> Vec<DeadLetter> {
    let mut view = kernel.read(&tenant(name)).await.unwrap();
    view.dead_letters(None, 100).await.unwrap()
}

async fn handled(kernel: &Kernel) -> Vec<i64> {
    effects(kernel, "acme").await.into_iter().map(|it| it.2).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poisoned_event_becomes_a_dead_letter_and_the_next_ones_go_on() {
    let home = Home::new();
    let kernel = home.open_with(Arc::new(SystemClock), 3).await;
    // The first event fails four times: three until it is given up, and once when it is replayed.
    let writer = Writer::failing("writer", "bad", 4);
    kernel.start(Handlers::new().consumer(writer.clone())).await.unwrap();
    append(&kernel, "acme", "bad", 1).await;
    eventually("it is given up", || async { letters(&kernel, "acme").await.len() == 1 }).await;
    assert_eq!(writer.calls_for("bad"), 3);
    let letter = letters(&kernel, "acme").await.remove(0);
    assert_eq!((letter.source.as_str(), letter.attempts), ("consumer:writer", 3));
    assert_eq!(letter.reason, "told to fail");
    assert_eq!(letter.subject, "Happened of Thing/bad");
    assert!(!letter.is_replaying);
    assert_eq!(letters(&kernel, "other").await, []);

    let replay = |name: &'static str| {
        let kernel = &kernel;
        async move {
            let mut unit = unit(kernel, name).await;
            let found = unit.replay(letter.id).await.unwrap();
            unit.commit().await.unwrap();
            found
        }
    };
    assert!(!replay("other").await, "it is another tenant's");
    assert!(replay("acme").await);
    eventually("the replay has failed", || async {
        letters(&kernel, "acme").await.iter().any(|it| it.attempts == 4 && !it.is_replaying)
    })
    .await;
    assert_eq!(writer.failures.load(Ordering::SeqCst), 0);
    append(&kernel, "acme", "bad", 2).await;
    eventually("the next is handled", || async { handled(&kernel).await == [2] }).await;

    assert!(replay("acme").await);
    eventually("it is handled", || async { handled(&kernel).await == [2, 1] }).await;
    assert_eq!(letters(&kernel, "acme").await, []);
    assert!(!replay("acme").await, "it is gone");
    kernel.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_survives_a_restart_and_can_be_thrown_away() {
    let home = Home::new();
    let kernel = home.open_with(Arc::new(SystemClock), 1).await;
    let poisoned = Writer { panics: true, ..Writer::failing("writer", "bad", u32::MAX) };
    kernel.start(Handlers::new().consumer(poisoned)).await.unwrap();
    append(&kernel, "acme", "bad", 1).await;
    eventually("it is given up", || async { letters(&kernel, "acme").await.len() == 1 }).await;
    kernel.shutdown().await.unwrap();

    let kernel = home.open_with(Arc::new(SystemClock), 1).await;
    kernel.start(Handlers::new().consumer(Writer::new("writer"))).await.unwrap();
    append(&kernel, "acme", "bad", 2).await;
    eventually("the next is handled", || async { handled(&kernel).await == [2] }).await;
    let letter = letters(&kernel, "acme").await.remove(0);
    for (name, found) in [("other", false), ("acme", true), ("acme", false)] {
        let mut unit = unit(&kernel, name).await;
        assert_eq!(unit.discard(letter.id).await.unwrap(), found, "{name}");
        unit.commit().await.unwrap();
    }
    assert_eq!(letters(&kernel, "acme").await, []);
    assert_eq!(handled(&kernel).await, [2]);
    kernel.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drill_leaves_a_letter_that_its_consumer_can_handle() {
    let home = Home::new();
    let kernel = home.open().await;
    let writer = Writer::new("writer");
    kernel.start(Handlers::new().consumer(writer.clone())).await.unwrap();
    let mut drill = unit(&kernel, "acme").await;
    let leave = |source| (source, thing("drill"), happened(7), "a drill");
    let mut left = Vec::new();
    for (source, about, message, reason) in ["consumer:writer", "projection:some"].map(leave) {
        left.push(drill.give_up(source, &about, message, reason).await.unwrap());
    }
    drill.commit().await.unwrap();
    let found = letters(&kernel, "acme").await;
    assert_eq!(found.iter().map(|it| it.id).collect::<Vec<_>>(), left);
    assert_eq!(found.iter().map(DeadLetter::is_replayable).collect::<Vec<_>>(), [true, false]);
    assert_eq!((found[0].reason.as_str(), found[0].attempts), ("a drill", 1));
    assert!(handled(&kernel).await.is_empty(), "it was given to nobody");

    let mut other = unit(&kernel, "other").await;
    assert_eq!(other.dead_letter(left[0]).await.unwrap(), None);
    other.rollback().await.unwrap();
    let mut replay = unit(&kernel, "acme").await;
    assert_eq!(replay.dead_letter(Uuid::nil()).await.unwrap(), None);
    assert_eq!(replay.dead_letter(left[0]).await.unwrap(), Some(found[0].clone()));
    assert!(replay.replay(left[0]).await.unwrap());
    assert!(!replay.replay(left[1]).await.unwrap());
    replay.commit().await.unwrap();
    eventually("it is handled", || async { handled(&kernel).await == [7] }).await;
    assert_eq!(letters(&kernel, "acme").await, found[1..]);
    kernel.shutdown().await.unwrap();
}
