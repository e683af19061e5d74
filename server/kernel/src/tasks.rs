//! Where tasks run and how they wait: what the kernel takes of tokio's runtime is named here alone.

pub(crate) use tokio::spawn;
pub(crate) use tokio::task::{Id, JoinError, JoinSet};
pub(crate) use tokio::time::{sleep, timeout};

use tokio::runtime::Handle;

/// Does work that nobody waits for any more; nothing, where there is no runtime left to do it.
pub(crate) fn detach(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(work);
    }
}
