//! The simulated world: machines, their tasks, one virtual time, and one seed that decides
//! everything that could go this way or that.
//!
//! One thread polls one task at a time. A task that is ready and one that waits are told apart by
//! sets, not by queues: in which order something woke its waiters has no say in what runs next.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use super::dice::Dice;
use super::mutation::Mutation;

/// One of the computers of a world, or the world outside of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Machine(pub u32);

/// Where clients are: it does not crash.
pub const OUTSIDE: Machine = Machine(0);

pub(super) type TaskId = u64;
type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

struct Task {
    machine: Machine,
    /// None while it is polled.
    job: Option<Job>,
    waker: Waker,
}

/// What befalls statements, each in so many of ten thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Weather {
    /// They take some virtual time.
    pub slow: u64,
    /// They fail, and with them the connection.
    pub failing: u64,
}

struct State {
    now: i64,
    dice: Dice,
    next_task: TaskId,
    tasks: BTreeMap<TaskId, Task>,
    ready: BTreeSet<TaskId>,
    next_sleep: u64,
    sleeps: BTreeMap<(i64, u64), Waker>,
    /// Machines that stand still, and until when.
    stalled: BTreeMap<Machine, i64>,
    /// By how much the clock of a machine is off.
    offsets: BTreeMap<Machine, i64>,
    weather: Weather,
    mutation: Option<Mutation>,
    ids: u64,
    /// The epoch under which each lease was taken last.
    epochs: BTreeMap<String, i64>,
    broken: Vec<String>,
    digest: u64,
    trace: Option<Vec<String>>,
}

/// A world; a clone is the same one.
#[derive(Clone)]
pub struct World(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    woken: Arc<Mutex<Vec<TaskId>>>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("World").finish_non_exhaustive()
    }
}

thread_local! {
    static CURRENT: RefCell<Option<(World, Machine)>> = const { RefCell::new(None) };
}

/// The world and the machine whose task runs on this thread, if it is one.
pub(super) fn current() -> Option<(World, Machine)> {
    CURRENT.with_borrow(Clone::clone)
}

/// A lease was taken.
pub(crate) fn taken(name: &str, epoch: Option<i64>) {
    if let (Some((world, _)), Some(epoch)) = (current(), epoch) {
        let mut state = world.state();
        let latest = state.epochs.entry(name.to_owned()).or_default();
        *latest = epoch.max(*latest);
    }
}

/// Somebody writes under a lease.
pub(crate) fn held(name: &str, epoch: i64) {
    if let Some((world, _)) = current() {
        let mut state = world.state();
        let latest = state.epochs.get(name).copied().unwrap_or_default();
        if epoch < latest {
            let broken = format!("`{name}` was used under epoch {epoch} after {latest} was taken");
            state.broken.push(broken);
        }
    }
}

/// Puts back what was current before.
struct Entered(Option<(World, Machine)>);

impl Drop for Entered {
    fn drop(&mut self) {
        let before = self.0.take();
        CURRENT.with_borrow_mut(|current| *current = before);
    }
}

struct Alarm {
    task: TaskId,
    woken: Arc<Mutex<Vec<TaskId>>>,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner).push(self.task);
    }
}

impl World {
    /// An empty world of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let state = State {
            now: 0,
            dice: Dice::new(seed),
            next_task: 1,
            tasks: BTreeMap::new(),
            ready: BTreeSet::new(),
            next_sleep: 0,
            sleeps: BTreeMap::new(),
            stalled: BTreeMap::new(),
            offsets: BTreeMap::new(),
            weather: Weather::default(),
            mutation: None,
            ids: 0,
            epochs: BTreeMap::new(),
            broken: Vec::new(),
            digest: 0xcbf2_9ce4_8422_2325,
            trace: None,
        };
        Self(Arc::new(Shared { state: Mutex::new(state), woken: Arc::default() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, machine: Machine) -> Entered {
        let current = Some((self.clone(), machine));
        Entered(CURRENT.with_borrow_mut(|place| std::mem::replace(place, current)))
    }

    /// Microseconds since the world began.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.state().now
    }

    /// A number below `sides`.
    pub fn roll(&self, sides: u64) -> u64 {
        self.state().dice.roll(sides)
    }

    /// What befalls statements from now on.
    pub fn set_weather(&self, weather: Weather) {
        self.state().weather = weather;
    }

    /// Whether anything befalls anybody.
    pub(super) fn is_stormy(&self) -> bool {
        self.state().weather != Weather::default()
    }

    /// Makes the kernel wrong on purpose.
    pub fn mutate(&self, mutation: Option<Mutation>) {
        self.state().mutation = mutation;
    }

    pub(super) fn mutation(&self) -> Option<Mutation> {
        self.state().mutation
    }

    /// Keeps what happens as lines of text.
    pub fn trace(&self) {
        self.state().trace = Some(Vec::new());
    }

    /// The lines kept so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.state().trace.clone().unwrap_or_default()
    }

    /// A number that stands for everything that has happened.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.state().digest
    }

    /// Rules of which the world itself has seen that they were broken.
    #[must_use]
    pub fn broken(&self) -> Vec<String> {
        self.state().broken.clone()
    }

    /// Adds to the trace, and to the digest.
    pub fn note(&self, number: u64, line: impl FnOnce() -> String) {
        let mut state = self.state();
        state.stir(number);
        if state.trace.is_some() {
            let line = line();
            for byte in line.bytes() {
                state.stir(u64::from(byte));
            }
            let now = state.now;
            if let Some(trace) = &mut state.trace {
                trace.push(format!("{:>9.3} ms  {line}", now as f64 / 1000.0));
            }
        }
    }

    /// Moves the clock of a machine by so many microseconds.
    pub fn move_clock(&self, machine: Machine, micros: i64) {
        *self.state().offsets.entry(machine).or_default() += micros;
    }

    /// Runs a future on a machine.
    pub fn spawn(&self, machine: Machine, job: impl Future<Output = ()> + Send + 'static) -> Abort {
        let mut state = self.state();
        let id = state.next_task;
        state.next_task += 1;
        let alarm = Arc::new(Alarm { task: id, woken: Arc::clone(&self.0.woken) });
        let task = Task { machine, job: Some(Box::pin(job)), waker: Waker::from(alarm) };
        state.tasks.insert(id, task);
        state.ready.insert(id);
        drop(state);
        Abort { world: self.clone(), task: id }
    }

    /// Ends every task of a machine at the await where it is.
    pub fn crash(&self, machine: Machine) {
        let entered = self.enter(machine);
        loop {
            // What they have spawned while they were dropped goes with them.
            let tasks = self.take_tasks(machine);
            if tasks.is_empty() {
                break;
            }
            drop(tasks);
        }
        drop(entered);
        self.state().stalled.remove(&machine);
    }

    fn take_tasks(&self, machine: Machine) -> Vec<Task> {
        let mut state = self.state();
        let is_there = |task: &&Task| task.machine == machine;
        let ids: Vec<TaskId> =
            state.tasks.iter().filter(|(_, task)| is_there(task)).map(|(id, _)| *id).collect();
        ids.iter().filter_map(|id| state.tasks.remove(id)).collect()
    }

    /// Lets a machine stand still for so many microseconds.
    pub fn stall(&self, machine: Machine, micros: i64) {
        let mut state = self.state();
        let until = state.now + micros;
        state.stalled.insert(machine, until);
    }

    /// Lets every machine go on.
    pub fn resume_all(&self) {
        self.state().stalled.clear();
    }

    /// Lets one task go on, or time when none can; says whether there was anything to go on with.
    pub fn step(&self) -> bool {
        self.collect();
        let Some((id, machine, mut job, waker)) = self.pick() else {
            return self.pass_time();
        };
        let entered = self.enter(machine);
        let polled = job.as_mut().poll(&mut Context::from_waker(&waker));
        let ended = match polled {
            Poll::Ready(()) => Some(job),
            Poll::Pending => self.put_back(id, job),
        };
        if let Some(ended) = ended {
            self.state().tasks.remove(&id);
            drop(ended);
        }
        drop(entered);
        true
    }

    /// Returns the job when its task was ended while it ran.
    fn put_back(&self, id: TaskId, job: Job) -> Option<Job> {
        match self.state().tasks.get_mut(&id) {
            Some(task) => {
                task.job = Some(job);
                None
            }
            None => Some(job),
        }
    }

    fn collect(&self) {
        let mut woken = self.0.woken.lock().unwrap_or_else(PoisonError::into_inner);
        if woken.is_empty() {
            return;
        }
        let mut state = self.state();
        for id in woken.drain(..) {
            if state.tasks.contains_key(&id) {
                state.ready.insert(id);
            }
        }
    }

    fn pick(&self) -> Option<(TaskId, Machine, Job, Waker)> {
        let mut state = self.state();
        loop {
            let id = if state.stalled.is_empty() {
                let count = state.ready.len() as u64;
                if count == 0 {
                    return None;
                }
                let index = if count == 1 { 0 } else { state.dice.roll(count) };
                *state.ready.iter().nth(usize::try_from(index).ok()?)?
            } else {
                let moving: Vec<TaskId> = state
                    .ready
                    .iter()
                    .filter(|id| {
                        let machine = state.tasks.get(id).map(|task| task.machine);
                        !machine.is_some_and(|machine| state.stalled.contains_key(&machine))
                    })
                    .copied()
                    .collect();
                if moving.is_empty() {
                    return None;
                }
                let index = state.dice.roll(moving.len() as u64);
                moving[usize::try_from(index).ok()?]
            };
            state.ready.remove(&id);
            let Some(task) = state.tasks.get_mut(&id) else { continue };
            let (machine, waker) = (task.machine, task.waker.clone());
            let Some(job) = task.job.take() else { continue };
            state.stir(id);
            return Some((id, machine, job, waker));
        }
    }

    /// To the next moment at which something happens by itself.
    fn pass_time(&self) -> bool {
        let mut state = self.state();
        let sleep = state.sleeps.first_key_value().map(|((at, _), _)| *at);
        let resumed = state.stalled.values().min().copied();
        let Some(next) = [sleep, resumed].into_iter().flatten().min() else { return false };
        state.now = state.now.max(next);
        let now = state.now;
        state.stalled.retain(|_, until| *until > now);
        let mut wakers = Vec::new();
        while let Some(entry) = state.sleeps.first_entry() {
            if entry.key().0 > now {
                break;
            }
            wakers.push(entry.remove());
        }
        drop(state);
        for waker in wakers {
            waker.wake();
        }
        true
    }

    /// Ends everything.
    pub fn end(&self) {
        let mut state = self.state();
        let tasks = std::mem::take(&mut state.tasks);
        drop(state);
        let entered = self.enter(OUTSIDE);
        drop(tasks);
        drop(entered);
        let mut state = self.state();
        let left = (std::mem::take(&mut state.tasks), std::mem::take(&mut state.sleeps));
        drop(state);
        drop(left);
    }

    /// By how much the clock of a machine is off, in microseconds.
    pub(super) fn offset(&self, machine: Machine) -> i64 {
        self.state().offsets.get(&machine).copied().unwrap_or(0)
    }

    /// Whether it is so late; if not, the waker is told when it is.
    pub(super) fn is_past(&self, at: i64, place: &mut Option<u64>, waker: &Waker) -> bool {
        let mut state = self.state();
        if state.now >= at {
            return true;
        }
        let place = *place.get_or_insert_with(|| {
            state.next_sleep += 1;
            state.next_sleep
        });
        state.sleeps.insert((at, place), waker.clone());
        false
    }

    /// Nobody waits there any more.
    pub(super) fn wait_no_more(&self, at: i64, place: u64) {
        let waker = self.state().sleeps.remove(&(at, place));
        drop(waker);
    }

    /// What becomes of the next statement.
    pub(super) fn fate(&self) -> Fate {
        let mut state = self.state();
        let weather = state.weather;
        let roll = state.dice.roll(10_000);
        if roll < weather.failing {
            Fate::Fails
        } else if roll < weather.failing + weather.slow {
            Fate::Takes(Duration::from_micros(state.dice.roll(3_000)))
        } else if roll.is_multiple_of(4) {
            Fate::Yields
        } else {
            Fate::Happens
        }
    }

    /// Ten bytes that no other id of this world has.
    pub(super) fn entropy(&self) -> [u8; 10] {
        let mut state = self.state();
        state.ids += 1;
        let mut bytes = [0; 10];
        bytes[2..].copy_from_slice(&state.ids.to_be_bytes());
        bytes
    }
}

/// What becomes of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Happens,
    Yields,
    Takes(Duration),
    Fails,
}

impl State {
    fn stir(&mut self, number: u64) {
        self.digest = (self.digest ^ number).wrapping_mul(0x0100_0000_01b3);
    }
}

/// Ends a task.
#[derive(Debug, Clone)]
pub struct Abort {
    world: World,
    task: TaskId,
}

impl Abort {
    /// Ends it at the await where it is.
    pub fn abort(&self) {
        let task = self.world.state().tasks.remove(&self.task);
        if let Some(task) = task {
            let entered = self.world.enter(task.machine);
            drop(task);
            drop(entered);
        }
    }
}

/// Lets others go first.
pub(super) async fn let_others() {
    let mut has_waited = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
