//! Room for connections: so many at once, and when all are taken, those go that only wait.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// When nobody waits, this often somebody may have begun to.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// One of so many connections goes at once, so that a crowd at the door is not looked through for
/// each of its members.
const SHARE: usize = 64;
/// Of a place whose connection has a request under way.
const BUSY: u64 = 0;

/// The seats of a server. A clone is the same seats.
#[derive(Debug, Clone)]
pub(crate) struct Seats {
    limit: usize,
    room: Arc<Semaphore>,
    taken: Arc<Mutex<BTreeMap<u64, Arc<Place>>>>,
    turns: Arc<AtomicU64>,
}

/// What is known of one connection.
#[derive(Debug)]
pub(crate) struct Place {
    /// The turn since which it waits for a request, or [`BUSY`].
    waiting_since: AtomicU64,
    /// Whether some of an answer has not left yet.
    unsent: AtomicBool,
    /// Whether the connection has become something else, which keeps the seat.
    upgraded: AtomicBool,
    /// Told when the connection is gone.
    gone: Notify,
    leave: Notify,
    turns: Arc<AtomicU64>,
}

/// A connection's seat until it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    place: Arc<Place>,
    id: u64,
    seats: Seats,
    _permit: OwnedSemaphorePermit,
}

/// A request is under way until this is dropped.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Place>);

impl Seats {
    pub(crate) fn new(limit: usize) -> Self {
        let limit = limit.clamp(1, Semaphore::MAX_PERMITS);
        let (room, taken) = (Arc::new(Semaphore::new(limit)), Arc::default());
        Self { limit, room, taken, turns: Arc::new(AtomicU64::new(BUSY + 1)) }
    }

    /// A seat. When all are taken, those who have waited longest leave theirs; nobody is sent away
    /// who is being answered.
    pub(crate) async fn take(&self) -> Seat {
        let permit = loop {
            let room = Arc::clone(&self.room);
            match room.clone().try_acquire_owned() {
                Ok(permit) => break permit,
                Err(_) => self.make_room(),
            }
            let freed = tokio::time::timeout(LOOK_AGAIN, room.acquire_owned()).await;
            if let Ok(Ok(permit)) = freed {
                break permit;
            }
        };
        let id = self.turns.fetch_add(1, Ordering::Relaxed);
        let (leave, turns) = (Notify::new(), Arc::clone(&self.turns));
        let place = Arc::new(Place {
            waiting_since: AtomicU64::new(id),
            unsent: AtomicBool::new(false),
            upgraded: AtomicBool::new(false),
            gone: Notify::new(),
            leave,
            turns,
        });
        self.places().insert(id, Arc::clone(&place));
        Seat { place, id, seats: self.clone(), _permit: permit }
    }

    /// Asks those who have waited longest for a request to leave.
    pub(crate) fn make_room(&self) {
        let places = self.places();
        let since = |place: &Arc<Place>| place.waiting_since.load(Ordering::Relaxed);
        let waiting = places.values().map(|place| (since(place), place));
        let is_waiting = |place: &Arc<Place>| !place.upgraded.load(Ordering::Relaxed);
        let mut waiting: Vec<_> =
            waiting.filter(|(since, place)| *since != BUSY && is_waiting(place)).collect();
        let leaving = (self.limit / SHARE).clamp(1, waiting.len().max(1));
        if leaving < waiting.len() {
            waiting.select_nth_unstable_by_key(leaving, |(since, _)| *since);
        }
        for (_, place) in waiting.into_iter().take(leaving) {
            place.leave.notify_one();
        }
    }

    fn places(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Arc<Place>>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Resolves when the connection is to go, and has no request under way.
    pub(crate) async fn asked_to_leave(&self) {
        loop {
            self.place.leave.notified().await;
            if self.is_waiting() {
                return;
            }
        }
    }

    /// Whether no request is under way, and no answer on its way.
    pub(crate) fn is_waiting(&self) -> bool {
        let place = &self.place;
        place.waiting_since.load(Ordering::Relaxed) != BUSY && !place.unsent.load(Ordering::Relaxed)
    }

    /// Resolves when the connection is gone, if it has become something else; else at once.
    pub(crate) async fn given_up(&self) {
        if self.place.upgraded.load(Ordering::Relaxed) {
            self.place.gone.notified().await;
        }
    }

    pub(crate) fn place(&self) -> Arc<Place> {
        Arc::clone(&self.place)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.places().remove(&self.id);
    }
}

impl Place {
    /// Takes note that the connection becomes something else, and keeps its seat until it is gone.
    pub(crate) fn note_upgraded(&self) {
        self.upgraded.store(true, Ordering::Relaxed);
    }

    /// Takes note that the connection is gone.
    pub(crate) fn note_gone(&self) {
        self.gone.notify_one();
    }

    /// Takes note of whether all that is to be sent has been.
    pub(crate) fn note_unsent(&self, unsent: bool) {
        self.unsent.store(unsent, Ordering::Relaxed);
    }
}

impl Busy {
    /// A request begins.
    pub(crate) fn at(place: Arc<Place>) -> Self {
        place.waiting_since.store(BUSY, Ordering::Relaxed);
        Self(place)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let turn = self.0.turns.fetch_add(1, Ordering::Relaxed);
        self.0.waiting_since.store(turn, Ordering::Relaxed);
    }
}
