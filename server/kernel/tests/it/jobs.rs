//! Jobs: done at least once, what comes of them once, by one worker at a time.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use symbolon_kernel::{Error, Handled, Handlers, Job, JobHandler, Kernel, NewJob, SystemClock};
use tokio::sync::Notify;

use crate::fixture::{Home, effects, eventually, manual, noon, note, tenant, unit};

/// Notes each job in the unit that ends it; fails as often as it is told, after having noted it.
#[derive(Clone, Default)]
struct Mail {
    failures: Arc<AtomicU32>,
    attempts: Arc<Mutex<Vec<u32>>>,
}

impl JobHandler for Mail {
    fn queue(&self) -> &str {
        "mail"
    }

    async fn run(&self, job: &Job) -> Handled {
        self.attempts.lock().unwrap().push(job.attempt);
        let mut unit = job.unit().await?;
        let key = job.key.clone().unwrap_or_default();
        note(unit.sql(), "mail", &key, job.decode()?).await;
        let failing = |left: u32| left.checked_sub(1);
        if self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, failing).is_ok() {
            return Err("told to fail".into());
        }
        Ok(unit.commit().await?)
    }
}

async fn enqueue(
    kernel: &Kernel,
    key: Option<&str>,
    run_at: Option<Timestamp>,
    number: i64,
) -> bool {
    let mut unit = unit(kernel, "acme").await;
    let job = NewJob { queue: "mail", key, run_at, payload: &number };
    let is_new = unit.enqueue(job).await.unwrap();
    unit.commit().await.unwrap();
    is_new
}

async fn sent(kernel: &Kernel) -> Vec<i64> {
    let mut sent: Vec<_> = effects(kernel, "acme").await.into_iter().map(|it| it.2).collect();
    sent.sort_unstable();
    sent
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_are_done_when_their_time_has_come_and_once_a_key() {
    let home = Home::new();
    let (clock, injected) = manual();
    let kernel = home.open_at(injected).await;
    kernel.start(Handlers::new().job(Mail::default())).await.unwrap();
    let later = noon() + SignedDuration::from_secs(60);
    assert!(enqueue(&kernel, Some("later"), Some(later), 1).await);
    assert!(!enqueue(&kernel, Some("later"), None, 2).await, "there is one of this key");
    for number in 10..40 {
        assert!(enqueue(&kernel, None, None, number).await);
    }
    let at_once: Vec<i64> = (10..40).collect();
    eventually("they are done", || async { sent(&kernel).await == at_once }).await;
    clock.set(later);
    eventually("it is done", || async { sent(&kernel).await.len() == 31 }).await;
    assert!(enqueue(&kernel, Some("later"), None, 3).await, "the key is free again");
    eventually("it is done again", || async { sent(&kernel).await[..2] == [1, 3] }).await;
    kernel.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_fails_is_tried_again_and_then_given_up() {
    let home = Home::new();
    let kernel = home.open_with(Arc::new(SystemClock), 3).await;
    let mail = Mail::default();
    mail.failures.store(4, Ordering::SeqCst);
    kernel.start(Handlers::new().job(mail.clone())).await.unwrap();
    enqueue(&kernel, Some("a"), None, 7).await;
    let letters = || async {
        let mut view = kernel.read(&tenant("acme")).await.unwrap();
        view.dead_letters(None, 10).await.unwrap()
    };
    eventually("it is given up", || async { letters().await.len() == 1 }).await;
    assert_eq!(*mail.attempts.lock().unwrap(), [1, 2, 3]);
    let letter = letters().await.remove(0);
    assert_eq!((letter.source.as_str(), letter.subject.as_str()), ("job:mail", "a"));
    assert_eq!((letter.reason.as_str(), letter.attempts), ("told to fail", 3));

    let mut unit = unit(&kernel, "acme").await;
    assert!(unit.replay(letter.id).await.unwrap());
    unit.commit().await.unwrap();
    eventually("it is done", || async { sent(&kernel).await == [7] }).await;
    assert_eq!(*mail.attempts.lock().unwrap(), [1, 2, 3, 1, 2]);
    assert_eq!(letters().await, []);
    kernel.shutdown().await.unwrap();
}

/// Holds the first try of a job until it is let go, and says so.
#[derive(Default)]
struct Slow {
    begun: AtomicU32,
    go: Notify,
    refused: AtomicU32,
}

impl JobHandler for Slow {
    fn queue(&self) -> &str {
        "mail"
    }

    fn lease(&self) -> SignedDuration {
        SignedDuration::from_millis(300)
    }

    async fn run(&self, job: &Job) -> Handled {
        if self.begun.fetch_add(1, Ordering::SeqCst) == 0 {
            self.go.notified().await;
        }
        match job.unit().await {
            Ok(mut unit) => {
                note(unit.sql(), "slow", "", job.decode()?).await;
                Ok(unit.commit().await?)
            }
            Err(Error::Fenced(_)) => {
                self.refused.fetch_add(1, Ordering::SeqCst);
                Err("another has it".into())
            }
            Err(error) => Err(error.into()),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_heard_of_keeps_its_job_however_long_it_takes() {
    let home = Home::new();
    let kernel = home.open().await;
    let slow = Arc::new(Slow::default());
    kernel.start(Handlers::new().job(Arc::clone(&slow))).await.unwrap();
    enqueue(&kernel, None, None, 1).await;
    eventually("it is begun", || async { slow.begun.load(Ordering::SeqCst) == 1 }).await;
    tokio::time::sleep(Duration::from_millis(900)).await;
    assert_eq!(slow.begun.load(Ordering::SeqCst), 1);
    slow.go.notify_one();
    eventually("it is done", || async { sent(&kernel).await == [1] }).await;
    kernel.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_comes_too_late_is_refused() {
    let home = Home::new();
    let (clock, injected) = manual();
    let kernel = home.open_at(injected).await;
    let slow = Arc::new(Slow::default());
    kernel.start(Handlers::new().job(Arc::clone(&slow))).await.unwrap();
    enqueue(&kernel, None, None, 1).await;
    eventually("it is begun", || async { slow.begun.load(Ordering::SeqCst) == 1 }).await;
    // As if the process had stood still for an hour.
    clock.advance(SignedDuration::from_hours(1));
    eventually("another does it", || async { sent(&kernel).await == [1] }).await;
    slow.go.notify_one();
    eventually("it is refused", || async { slow.refused.load(Ordering::SeqCst) == 1 }).await;
    assert_eq!(sent(&kernel).await, [1]);
    kernel.shutdown().await.unwrap();
}
