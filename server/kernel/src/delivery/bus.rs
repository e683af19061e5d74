//! The in-process bus: how far the log is published, and the live tail of it, both bounded.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, watch};

use crate::delivery::messages;
use crate::envelope::{Recorded, TenantId};
use crate::error::Error;
use crate::kernel::Kernel;
use crate::tasks;

/// How many events a tail may be behind before it reads them from the log instead.
const TAIL_CAPACITY: usize = 1024;
const BATCH: i64 = 256;
/// This often the log is looked at when nobody in this process has told of news.
const POLL: Duration = Duration::from_millis(25);
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Bus {
    /// The position up to which everything is published.
    published: watch::Sender<i64>,
    publishing: Mutex<()>,
    tail: broadcast::Sender<Arc<Recorded>>,
}

impl Bus {
    pub(crate) fn new(published: i64) -> Self {
        Self {
            published: watch::Sender::new(published),
            publishing: Mutex::default(),
            tail: broadcast::Sender::new(TAIL_CAPACITY),
        }
    }

    /// Publishes events together: no reader goes on to one of them before it may go on to all. What
    /// was published already is left out: the relay and whoever follows the log may both be at it.
    pub(crate) fn publish(&self, mut batch: Vec<Recorded>) {
        // One at a time: a tail takes what is sent to it for the whole of what comes next.
        let _publishing = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let published = *self.published.borrow();
        batch.retain(|recorded| recorded.position > published);
        let Some(last) = batch.last() else { return };
        // First, so that a tail which begins in between finds in the log what it was not sent.
        self.published.send_replace(last.position);
        for recorded in batch {
            // Nobody may be listening.
            let _ = self.tail.send(Arc::new(recorded));
        }
    }

    pub(crate) fn published(&self) -> watch::Receiver<i64> {
        self.published.subscribe()
    }
}

/// Tells the bus of this process what is in the log, whichever process relays.
pub(crate) async fn follow(kernel: Kernel) {
    let closing = kernel.closing();
    while !closing.is_cancelled() {
        let pause = match catch_up(&kernel).await {
            Ok(0) => POLL,
            Ok(_) => continue,
            Err(error) => {
                tracing::warn!(cause = ?error, "the log could not be read");
                PAUSE
            }
        };
        tokio::select! {
            biased;
            () = closing.cancelled() => {}
            () = kernel.inner().log.notified() => {}
            () = tasks::sleep(pause) => {}
        }
    }
}

/// Publishes what the log has more than was published; returns how many messages that were.
pub(crate) async fn catch_up(kernel: &Kernel) -> Result<usize, Error> {
    let inner = kernel.inner();
    let after = *inner.bus.published.borrow();
    let mut snapshot = inner.database.read().await?;
    let batch = messages::log(snapshot.connection(), after, i64::MAX, BATCH).await?;
    let (units, mut batch): (Vec<i64>, Vec<Recorded>) = batch.into_iter().unzip();
    batch.truncate(messages::whole_units(&units, BATCH));
    let count = batch.len();
    inner.bus.publish(batch);
    Ok(count)
}

/// Where a [`Tail`] begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TailFrom {
    /// With the next event that is published.
    Now,
    /// With the first event after this position of the log.
    After(i64),
}

/// The events of one tenant as they are published, none left out.
#[derive(Debug)]
pub struct Tail {
    kernel: Kernel,
    tenant: TenantId,
    live: broadcast::Receiver<Arc<Recorded>>,
    /// Everything up to here was given out or is in `backlog`.
    position: i64,
    backlog: VecDeque<Arc<Recorded>>,
    behind: bool,
}

impl Tail {
    pub(crate) fn new(kernel: &Kernel, tenant: &TenantId, from: TailFrom) -> Self {
        let bus = &kernel.inner().bus;
        let live = bus.tail.subscribe();
        let published = *bus.published.borrow();
        let (position, behind) = match from {
            TailFrom::Now => (published, false),
            TailFrom::After(position) => (position, position < published),
        };
        let tenant = tenant.clone();
        Self { kernel: kernel.clone(), tenant, live, position, backlog: VecDeque::new(), behind }
    }

    /// The position of the log up to which it has given out everything, or has it ready.
    #[must_use]
    pub fn position(&self) -> i64 {
        self.position
    }

    /// The next event; none when the kernel shuts down. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the tail has to read from the log and the database fails.
    pub async fn next(&mut self) -> Result<Option<Arc<Recorded>>, Error> {
        let closing = self.kernel.closing();
        tokio::select! {
            biased;
            () = closing.cancelled() => Ok(None),
            next = self.follow() => next.map(Some),
        }
    }

    async fn follow(&mut self) -> Result<Arc<Recorded>, Error> {
        loop {
            if let Some(recorded) = self.backlog.pop_front() {
                return Ok(recorded);
            }
            if self.behind {
                self.catch_up().await?;
                continue;
            }
            match self.live.recv().await {
                Ok(recorded) if recorded.position <= self.position => {}
                Ok(recorded) => {
                    self.position = recorded.position;
                    if recorded.envelope.tenant_id == self.tenant {
                        return Ok(recorded);
                    }
                }
                Err(broadcast::error::RecvError::Lagged(_)) => self.behind = true,
                Err(broadcast::error::RecvError::Closed) => return Err(Error::Closed),
            }
        }
    }

    async fn catch_up(&mut self) -> Result<(), Error> {
        let kernel = self.kernel.inner();
        let through = *kernel.bus.published.borrow();
        let mut snapshot = kernel.database.read().await?;
        let (tenant, after) = (&self.tenant, self.position);
        let events =
            messages::log_of_tenant(snapshot.connection(), tenant, after, through, BATCH).await?;
        match events.last() {
            Some(last) if events.len() as i64 == BATCH => self.position = last.position,
            Some(_) | None => {
                self.position = self.position.max(through);
                self.behind = false;
            }
        }
        self.backlog.extend(events.into_iter().map(Arc::new));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::delivery::messages::tests::recorded_at;

    #[test]
    fn a_reader_never_stops_in_the_middle_of_what_is_published_together() {
        let bus = Bus::new(0);
        let (published, done) = (bus.published(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for first in (1..30_000).step_by(3) {
                    bus.publish(
                        (first..first + 3).map(|position| recorded_at(position, "one")).collect(),
                    );
                }
                done.store(true, Ordering::SeqCst);
            });
            while !done.load(Ordering::SeqCst) {
                assert_eq!(*published.borrow() % 3, 0);
            }
        });
        assert_eq!(*published.borrow(), 30_000);
    }

    #[test]
    fn a_reader_misses_nothing_of_what_two_publish() {
        let bus = Bus::new(0);
        let mut tail = bus.tail.subscribe();
        // Each reads on from what is published, as `catch_up` does.
        let publish = || {
            while *bus.published().borrow() < 30_000 {
                let first = *bus.published().borrow() + 1;
                let batch = first..first + 3;
                bus.publish(batch.map(|position| recorded_at(position, "one")).collect());
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(publish);
            scope.spawn(publish);
            let mut position = 0;
            while position < 30_000 {
                match tail.blocking_recv() {
                    Ok(recorded) => {
                        assert_eq!(recorded.position, position + 1);
                        position = recorded.position;
                    }
                    Err(broadcast::error::RecvError::Lagged(missed)) => position += missed as i64,
                    Err(broadcast::error::RecvError::Closed) => unreachable!("the bus is there"),
                }
            }
        });
    }
}
