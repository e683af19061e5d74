//! Where tasks run and how they wait: what the kernel takes of tokio's runtime is named here alone.

pub(crate) use tokio::spawn;
pub(crate) use tokio::task::{Id, JoinError, JoinSet};
pub(crate) use tokio::time::{sleep, timeout};
