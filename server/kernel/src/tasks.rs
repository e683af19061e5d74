//! Where tasks run and how they wait: what the kernel takes of tokio's runtime is named here alone.

pub(crate) use tokio::spawn;
pub(crate) use tokio::task::{Id, JoinError, JoinSet};
pub(crate) use tokio::time::{sleep, timeout};

use tokio::runtime::Handle;

/// Does on a thread of its own what may block; it is carried through, even if nobody waits for it
/// any more.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    tokio::task::spawn_blocking(work).await
}

/// Does work that nobody waits for any more; nothing, where there is no runtime left to do it.
pub(crate) fn detach(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(work);
    }
}
