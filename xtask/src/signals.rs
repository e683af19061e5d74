//! Being asked to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::register;

/// Whether this process was asked to stop.
#[derive(Debug, Clone)]
pub struct Stop(Arc<AtomicBool>);

/// From now on, SIGINT and SIGTERM are noted and no longer end this process.
///
/// # Errors
/// When the system refuses the handlers.
pub fn stop() -> anyhow::Result<Stop> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        register(signal, Arc::clone(&asked))?;
    }
    Ok(Stop(asked))
}

impl Stop {
    /// Whether it was; once is enough.
    pub fn is_asked(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }
}
