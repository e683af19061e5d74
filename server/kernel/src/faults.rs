//! Places at which a test can make the kernel fail; nothing at all without the feature `faults`.
//!
//! `SYMBOLON_FAILPOINT=name:action[:count[:skipped]]`, several between commas, arms places of a
//! process from outside; docs/testing.md lists what there is.

#[cfg(feature = "faults")]
pub use armed::{Action, arm, disarm_all, hits};

/// Every place, by name. A test sees to it that each is there and is hit.
#[cfg(feature = "faults")]
pub const POINTS: [&str; 52] = [
    "answer.begin.before",
    "answer.begin.after",
    "answer.end.before",
    "answer.end.after",
    "unit.begun",
    "unit.commit.before",
    "unit.commit.after",
    "writer.begin",
    "writer.release",
    "writer.commit.before",
    "writer.commit.after",
    "stream.advance.before",
    "stream.advance.after",
    "message.insert.before",
    "message.insert.after",
    "idempotency.claim.before",
    "idempotency.claim.after",
    "timer.insert.before",
    "timer.insert.after",
    "timer.fire.before",
    "timer.fire.after",
    "timer.postpone.before",
    "job.insert.before",
    "job.insert.after",
    "job.take.before",
    "job.take.after",
    "job.end.before",
    "job.end.after",
    "relay.before",
    "relay.placed",
    "relay.committed",
    "consumer.begun",
    "consumer.recorded",
    "consumer.handled",
    "consumer.saved",
    "letter.insert.before",
    "letter.insert.after",
    "letter.replay.before",
    "ledger.open.after",
    "ledger.lock.before",
    "ledger.lock.after",
    "ledger.transfer.after",
    "ledger.hold.made",
    "ledger.hold.changed",
    "ledger.entries.after",
    "ledger.balances.after",
    "audit.append.before",
    "audit.append.after",
    "projection.begun",
    "projection.applied",
    "projection.swap.before",
    "projection.swap.after",
];

/// A place: does what a test wants done here.
macro_rules! fault {
    ($name:literal) => {{
        #[cfg(feature = "faults")]
        $crate::faults::at($name).await?;
    }};
}
pub(crate) use fault;

/// Whether a simulation has the kernel break a rule here, to see whether it is found.
#[cfg(feature = "simulation")]
macro_rules! broken {
    ($rule:ident) => {
        $crate::simulation::mutation::is_broken($crate::simulation::Mutation::$rule)
    };
}

#[cfg(not(feature = "simulation"))]
macro_rules! broken {
    ($rule:ident) => {
        false
    };
}
pub(crate) use broken;

#[cfg(feature = "faults")]
pub(crate) use armed::at;

#[cfg(feature = "faults")]
mod armed {
    use std::collections::BTreeMap;
    use std::str::FromStr;
    use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
    use std::time::Duration;

    use crate::error::Error;

    /// What happens at a place.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Action {
        /// The database seems to fail.
        Error,
        /// The task panics.
        Panic,
        /// The task stands still until it is dropped.
        Cancel,
        /// The task stands still for so long.
        Delay(Duration),
        /// The process ends at once, as by SIGKILL.
        Abort,
    }

    /// A text is no action.
    #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
    #[error("`{0}` is none of error, panic, cancel, delay=MILLISECONDS and abort")]
    pub struct UnknownAction(String);

    impl FromStr for Action {
        type Err = UnknownAction;

        fn from_str(text: &str) -> Result<Self, UnknownAction> {
            let unknown = || UnknownAction(text.to_owned());
            match text.split_once('=') {
                None => match text {
                    "error" => Ok(Self::Error),
                    "panic" => Ok(Self::Panic),
                    "cancel" => Ok(Self::Cancel),
                    "abort" => Ok(Self::Abort),
                    _ => Err(unknown()),
                },
                Some(("delay", millis)) => {
                    let millis = millis.parse().map_err(|_| unknown())?;
                    Ok(Self::Delay(Duration::from_millis(millis)))
                }
                Some(_) => Err(unknown()),
            }
        }
    }

    /// What is to happen at a place, how often yet, and how often it is passed before.
    #[derive(Debug, Clone, Copy)]
    struct Armed {
        action: Action,
        count: u64,
        skipped: u64,
    }

    #[derive(Debug, Default)]
    struct Places {
        armed: BTreeMap<String, Armed>,
        hits: BTreeMap<&'static str, u64>,
    }

    static PLACES: LazyLock<Mutex<Places>> = LazyLock::new(|| {
        let text = std::env::var("SYMBOLON_FAILPOINT").unwrap_or_default();
        let mut places = Places::default();
        for armed in text.split(',').filter(|armed| !armed.is_empty()) {
            let parts: Vec<_> = armed.split(':').collect();
            let refuse = || -> ! {
                panic!("SYMBOLON_FAILPOINT: `{armed}` is not name:action[:count[:skipped]]")
            };
            let (name, action, count, skipped) = match parts[..] {
                [name, action] => (name, action, Ok(u64::MAX), Ok(0)),
                [name, action, count] => (name, action, count.parse(), Ok(0)),
                [name, action, count, skipped] => (name, action, count.parse(), skipped.parse()),
                _ => refuse(),
            };
            let (Ok(action), Ok(count), Ok(skipped)) = (action.parse(), count, skipped) else {
                refuse();
            };
            let is_known = super::POINTS.contains(&name);
            assert!(is_known, "SYMBOLON_FAILPOINT: there is no place `{name}`");
            places.armed.insert(name.to_owned(), Armed { action, count, skipped });
        }
        Mutex::new(places)
    });

    fn places() -> MutexGuard<'static, Places> {
        PLACES.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has something happen at a place, the next `count` times it is passed.
    pub fn arm(name: &str, action: Action, count: u64) {
        places().armed.insert(name.to_owned(), Armed { action, count, skipped: 0 });
    }

    /// Nothing happens anywhere any more, and no place has been passed yet.
    pub fn disarm_all() {
        *places() = Places::default();
    }

    /// How often each place was passed.
    pub fn hits() -> BTreeMap<&'static str, u64> {
        places().hits.clone()
    }

    pub(crate) async fn at(name: &'static str) -> Result<(), Error> {
        let action = {
            let mut places = places();
            *places.hits.entry(name).or_default() += 1;
            match places.armed.get_mut(name) {
                None | Some(Armed { count: 0, .. }) => return Ok(()),
                Some(armed) if armed.skipped > 0 => {
                    armed.skipped -= 1;
                    return Ok(());
                }
                Some(armed) => {
                    armed.count -= 1;
                    armed.action
                }
            }
        };
        match action {
            Action::Error => {
                let injected = std::io::Error::other(format!("failpoint {name}"));
                Err(Error::Unavailable(sqlx::Error::Io(injected)))
            }
            Action::Panic => panic!("failpoint {name}"),
            Action::Cancel => std::future::pending().await,
            Action::Delay(lasting) => {
                tokio::time::sleep(lasting).await;
                Ok(())
            }
            Action::Abort => std::process::abort(),
        }
    }
}
