//! Virtual time: it passes when nobody has anything to do, and each machine has a clock of its own.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::world::{Machine, World};
use crate::clock::{Clock, Sleep};

/// When a world begins: 2026-01-01T12:00:00Z, in microseconds.
const BEGINNING: i64 = 1_767_268_800_000_000;
/// Clocks are moved while somebody sleeps: this often they look.
const LOOK: Duration = Duration::from_millis(50);

/// Waits until the world's time has come so far.
#[derive(Debug)]
pub struct Until {
    world: World,
    at: i64,
    place: Option<u64>,
}

impl World {
    /// Waits for so long.
    #[must_use]
    pub fn sleep(&self, lasting: Duration) -> Until {
        let micros = i64::try_from(lasting.as_micros()).unwrap_or(i64::MAX / 4);
        Until { world: self.clone(), at: self.now().saturating_add(micros), place: None }
    }

    /// The clock of a machine.
    #[must_use]
    pub fn clock(&self, machine: Machine) -> MachineClock {
        MachineClock { world: self.clone(), machine }
    }
}

impl Future for Until {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Self { world, at, place } = &mut *self;
        if world.is_past(*at, place, context.waker()) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Until {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.world.wait_no_more(self.at, place);
        }
    }
}

/// The clock of a machine: the world's time, and how far it is off.
#[derive(Debug, Clone)]
pub struct MachineClock {
    world: World,
    machine: Machine,
}

impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        let micros = BEGINNING + self.world.now() + self.world.offset(self.machine);
        Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
    }

    fn sleep_until(&self, deadline: Timestamp) -> Sleep<'_> {
        Box::pin(async move {
            loop {
                let left: SignedDuration = deadline.duration_since(self.now());
                let Ok(left) = Duration::try_from(left) else { return };
                if left.is_zero() {
                    return;
                }
                self.world.sleep(left.min(LOOK)).await;
            }
        })
    }

    fn entropy(&self) -> Option<[u8; 10]> {
        Some(self.world.entropy())
    }
}
