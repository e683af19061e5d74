//! A projection: in order, resumed at its checkpoint, never half applied.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use symbolon_kernel::{
    Cause, Envelope, Expected, Handled, Handlers, Kernel, Projection, ReadModel,
};

use crate::fixture::{Home, append, effects, eventually, happened, note, tenant, thing};

#[derive(Default)]
struct Numbers {
    applied: Mutex<Vec<i64>>,
    stuck_at_7: AtomicBool,
}

impl Projection for Numbers {
    fn name(&self) -> &str {
        "numbers"
    }

    async fn apply(&self, event: &Envelope, model: &mut ReadModel<'_>) -> Handled {
        let number = event.data["number"].as_i64().ok_or("no number")?;
        note(model.sql(), "numbers", &event.aggregate_id, number).await;
        self.applied.lock().unwrap().push(number);
        if number == 7 && self.stuck_at_7.load(Ordering::SeqCst) {
            return Err("stuck".into());
        }
        Ok(())
    }
}

async fn projected(kernel: &Kernel) -> Vec<i64> {
    effects(kernel, "acme").await.into_iter().map(|it| it.2).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_projection_resumes_at_its_checkpoint() {
    let home = Home::new();
    let kernel = home.open().await;
    let first = Arc::new(Numbers::default());
    kernel.start(Handlers::new().projection(Arc::clone(&first))).unwrap();
    for number in 0..5 {
        append(&kernel, "acme", "a", number).await;
        append(&kernel, "other", "a", 100 + number).await;
    }
    eventually("five are projected", || async { projected(&kernel).await.len() == 5 }).await;
    eventually("it has caught up", || async { kernel.stats().await.unwrap().readers[0].lag == 0 })
        .await;
    kernel.shutdown().await.unwrap();

    let kernel = home.open().await;
    append(&kernel, "acme", "b", 5).await;
    let second = Arc::new(Numbers::default());
    kernel.start(Handlers::new().projection(Arc::clone(&second))).unwrap();
    eventually("one more is", || async { projected(&kernel).await.len() == 6 }).await;
    assert_eq!(projected(&kernel).await, [0, 1, 2, 3, 4, 5]);
    assert_eq!(*second.applied.lock().unwrap(), [5]);
    kernel.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_fails_stops_the_projection_before_it() {
    let home = Home::new();
    let kernel = home.open().await;
    for number in 0..10 {
        append(&kernel, "acme", "a", number).await;
    }
    let numbers = Arc::new(Numbers { stuck_at_7: AtomicBool::new(true), ..Numbers::default() });
    kernel.start(Handlers::new().projection(Arc::clone(&numbers))).unwrap();
    eventually("seven are projected", || async { projected(&kernel).await.len() == 7 }).await;
    let tried = numbers.applied.lock().unwrap().len();
    eventually("it is tried again", || async { numbers.applied.lock().unwrap().len() > tried + 2 })
        .await;
    assert_eq!(projected(&kernel).await, [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(kernel.stats().await.unwrap().readers[0].position, 7);

    numbers.stuck_at_7.store(false, Ordering::SeqCst);
    eventually("the rest is projected", || async { projected(&kernel).await.len() == 10 }).await;
    assert_eq!(projected(&kernel).await, (0..10).collect::<Vec<_>>());
    kernel.shutdown().await.unwrap();
}

/// Appends three events in one unit of work.
async fn append_three(kernel: &Kernel, round: i64) {
    let cause = Cause::request(format!("request-{round}"));
    let mut unit = kernel.unit(&tenant("acme"), cause).await.unwrap();
    let events = vec![happened(round), happened(round), happened(round)];
    unit.append(&thing("a"), Expected::Any, events).await.unwrap();
    unit.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_committed_together_is_seen_together() {
    let home = Home::new();
    let kernel = home.open().await;
    // More than is read at once.
    for round in 0..100 {
        append_three(&kernel, round).await;
    }
    kernel.start(Handlers::new().projection(Numbers::default())).unwrap();
    let writer = kernel.clone();
    let writing = tokio::spawn(async move {
        for round in 100..200 {
            append_three(&writer, round).await;
        }
    });
    eventually("all are projected", || async {
        let seen = projected(&kernel).await.len();
        assert_eq!(seen % 3, 0, "half a commit is seen");
        seen == 600
    })
    .await;
    writing.await.unwrap();
    kernel.shutdown().await.unwrap();
}
