//! The kernel in numbers.

use std::sync::Arc;

use jiff::SignedDuration;
use symbolon_kernel::{Handled, Handlers, Job, JobHandler, NewJob, SystemClock};
use tokio::sync::Notify;

use crate::fixture::{Home, Writer, append, eventually, manual, noon, unit};

/// Does its jobs when it is told to.
#[derive(Clone, Default)]
struct Patient(Arc<Notify>);

impl JobHandler for Patient {
    fn queue(&self) -> &str {
        "patient"
    }

    async fn run(&self, _: &Job) -> Handled {
        self.0.notified().await;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_are_counted_while_they_wait_and_run() {
    let home = Home::new();
    let kernel = home.open_at(Arc::new(SystemClock)).await;
    let patient = Patient::default();
    kernel.start(Handlers::new().job(patient.clone())).await.unwrap();
    let mut unit = unit(&kernel, "acme").await;
    let job = NewJob { queue: "patient", key: None, run_at: None, payload: &() };
    unit.enqueue(job).await.unwrap();
    let later = Some(jiff::Timestamp::now() + SignedDuration::from_hours(1));
    unit.enqueue(NewJob { run_at: later, ..job }).await.unwrap();
    unit.commit().await.unwrap();
    let counted = |queued, running| {
        let kernel = kernel.clone();
        async move {
            let stats = kernel.stats().await.unwrap();
            let [queue] = &stats.queues[..] else { panic!("one queue: {stats:?}") };
            (queue.queue.as_str(), queue.queued, queue.running) == ("patient", queued, running)
        }
    };
    eventually("one runs, one waits", || counted(2, 1)).await;
    patient.0.notify_one();
    eventually("one is done", || counted(1, 0)).await;
    kernel.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_are_counted_by_who_gave_them_up() {
    let home = Home::new();
    let kernel = home.open_with(Arc::new(SystemClock), 1).await;
    let handlers = Handlers::new().consumer(Writer::failing("careless", "a", 1));
    kernel.start(handlers.consumer(Writer::new("careful")).job(Patient::default())).await.unwrap();
    append(&kernel, "acme", "a", 1).await;
    append(&kernel, "acme", "b", 2).await;
    let expected = [("consumer:careful", 0), ("consumer:careless", 1), ("job:patient", 0)];
    let expected = expected.map(|(source, count)| (source.to_owned(), count));
    eventually("it is given up", || async {
        kernel.stats().await.unwrap().dead_letters.into_iter().eq(expected.clone())
    })
    .await;
    eventually("both are relayed", || async { kernel.activity().relayed == 2 }).await;
    kernel.shutdown().await.unwrap();
}

#[tokio::test]
async fn overdue_timers_tell_since_when() {
    let home = Home::new();
    let (clock, injected) = manual();
    let kernel = home.open_at(injected).await;
    assert_eq!(kernel.stats().await.unwrap().timers_oldest_due_at, None);
    let mut unit = unit(&kernel, "acme").await;
    let at = |seconds| noon() + SignedDuration::from_secs(seconds);
    for (key, due_at) in [("a", at(30)), ("b", at(20)), ("c", at(90))] {
        unit.schedule("nobody's", key, due_at, &()).await.unwrap();
    }
    unit.commit().await.unwrap();
    assert_eq!(kernel.stats().await.unwrap().timers_oldest_due_at, None);
    clock.set(at(60));
    let stats = kernel.stats().await.unwrap();
    assert_eq!((stats.timers_pending, stats.timers_overdue), (3, 2));
    assert_eq!(stats.timers_oldest_due_at, Some(at(20)));
    kernel.shutdown().await.unwrap();
}

#[tokio::test]
async fn connections_that_are_held_are_counted() {
    let home = Home::new();
    let kernel = home.open().await;
    let used = |kernel: &symbolon_kernel::Kernel| {
        let pools = kernel.activity().pools;
        assert!(pools.iter().all(|pool| pool.used + pool.idle <= pool.limit), "{pools:?}");
        pools.iter().map(|pool| pool.used).sum::<u64>()
    };
    eventually("what opened it is back", || async { used(&kernel) == 0 }).await;
    let view = kernel.read(&crate::fixture::tenant("acme")).await.unwrap();
    let unit = unit(&kernel, "acme").await;
    assert_eq!(used(&kernel), 2);
    unit.rollback().await.unwrap();
    drop(view);
    eventually("both are back", || async { used(&kernel) == 0 }).await;
    kernel.probe().await.unwrap();
    assert_eq!(kernel.activity().refused, 0);
    kernel.shutdown().await.unwrap();
}
