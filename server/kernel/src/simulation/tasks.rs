//! Tasks that run in a simulated world when they are spawned there, and on tokio everywhere else.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::oneshot;

use super::time::Until;
use super::world::{Abort, current};

/// A task has ended without a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JoinError {
    #[error("a task panicked")]
    Panicked,
    #[error("a task was ended")]
    Ended,
}

impl From<tokio::task::JoinError> for JoinError {
    fn from(error: tokio::task::JoinError) -> Self {
        if error.is_panic() { Self::Panicked } else { Self::Ended }
    }
}

/// What a task will return.
#[derive(Debug)]
pub(crate) enum JoinHandle<T> {
    Tokio(tokio::task::JoinHandle<T>),
    Simulated(oneshot::Receiver<Result<T, JoinError>>, Abort),
}

impl<T> JoinHandle<T> {
    pub(crate) fn abort(&self) {
        match self {
            Self::Tokio(handle) => handle.abort(),
            Self::Simulated(_, abort) => abort.abort(),
        }
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::Tokio(handle) => Pin::new(handle).poll(context).map_err(JoinError::from),
            Self::Simulated(result, _) => {
                Pin::new(result).poll(context).map(|told| told.unwrap_or(Err(JoinError::Ended)))
            }
        }
    }
}

pub(crate) fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let Some((world, machine)) = current() else {
        return JoinHandle::Tokio(tokio::spawn(future));
    };
    let (teller, result) = oneshot::channel();
    let abort = world.spawn(machine, async move {
        let told = AssertUnwindSafe(future).catch_unwind().await;
        // Nobody may be waiting.
        let _ = teller.send(told.map_err(|_| JoinError::Panicked));
    });
    JoinHandle::Simulated(result, abort)
}

/// Does on a thread of its own what may block; nothing in a world does.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    Ok(tokio::task::spawn_blocking(work).await?)
}

/// Does work that nobody waits for any more; nothing, where there is no runtime left to do it.
pub(crate) fn detach(work: impl Future<Output = ()> + Send + 'static) {
    match (current(), tokio::runtime::Handle::try_current()) {
        (Some((world, machine)), _) => drop(world.spawn(machine, work)),
        (None, Ok(runtime)) => drop(runtime.spawn(work)),
        (None, Err(_)) => {}
    }
}

/// Tells a task of a set from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id(u64);

impl Id {
    pub(crate) fn id(self) -> Self {
        self
    }
}

/// A task of a set has ended without a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stopped(Id);

impl Stopped {
    pub(crate) fn id(self) -> Id {
        self.0
    }
}

/// Tasks that end with the set.
#[derive(Debug)]
pub(crate) struct JoinSet<T> {
    tasks: Vec<(Id, JoinHandle<T>)>,
    next: u64,
}

impl<T: Send + 'static> JoinSet<T> {
    pub(crate) fn new() -> Self {
        Self { tasks: Vec::new(), next: 0 }
    }

    pub(crate) fn spawn(&mut self, future: impl Future<Output = T> + Send + 'static) -> Id {
        let id = Id(self.next);
        self.next += 1;
        self.tasks.push((id, spawn(future)));
        id
    }

    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    pub(crate) async fn join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.next_of_all().await.map(|(_, result)| result)
    }

    async fn next_of_all(&mut self) -> Option<(Id, Result<T, JoinError>)> {
        std::future::poll_fn(|context| {
            if self.tasks.is_empty() {
                return Poll::Ready(None);
            }
            for index in 0..self.tasks.len() {
                let (id, task) = &mut self.tasks[index];
                let id = *id;
                if let Poll::Ready(result) = Pin::new(task).poll(context) {
                    self.tasks.remove(index);
                    return Poll::Ready(Some((id, result)));
                }
            }
            Poll::Pending
        })
        .await
    }

    /// The next one that has ended, and which it was.
    pub(crate) async fn join_next_with_id(&mut self) -> Option<Result<(Id, T), Stopped>> {
        let (id, result) = self.next_of_all().await?;
        Some(result.map(|value| (id, value)).map_err(|_| Stopped(id)))
    }
}

impl<T> Drop for JoinSet<T> {
    fn drop(&mut self) {
        for (_, task) in &self.tasks {
            task.abort();
        }
    }
}

/// Waits, in virtual time where that is what there is.
#[derive(Debug)]
pub(crate) enum Sleep {
    Tokio(Pin<Box<tokio::time::Sleep>>),
    Simulated(Until),
}

pub(crate) fn sleep(lasting: Duration) -> Sleep {
    match current() {
        None => Sleep::Tokio(Box::pin(tokio::time::sleep(lasting))),
        Some((world, _)) => Sleep::Simulated(world.sleep(lasting)),
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match &mut *self {
            Self::Tokio(sleep) => sleep.as_mut().poll(context),
            Self::Simulated(until) => Pin::new(until).poll(context),
        }
    }
}

/// It took longer than it was given.
#[derive(Debug)]
pub(crate) struct Elapsed;

pub(crate) async fn timeout<F: Future>(lasting: Duration, future: F) -> Result<F::Output, Elapsed> {
    tokio::select! {
        biased;
        output = future => Ok(output),
        () = sleep(lasting) => Err(Elapsed),
    }
}
