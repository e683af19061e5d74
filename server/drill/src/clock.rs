//! The clock of a drill: the system's, or so far off it as a file says.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use symbolon_kernel::{Clock, Sleep, SystemClock};

/// The clock that the environment asks for: `SYMBOLON_CLOCK` names a file that holds an offset in
/// milliseconds, which may change at any time. Without it, the clock of the machine.
#[must_use]
pub fn clock() -> Arc<dyn Clock> {
    match std::env::var_os("SYMBOLON_CLOCK") {
        Some(file) => Arc::new(Offset(PathBuf::from(file))),
        None => Arc::new(SystemClock),
    }
}

#[derive(Debug)]
struct Offset(PathBuf);

impl Offset {
    /// None, as long as the file is being written.
    fn millis(&self) -> i64 {
        let text = std::fs::read_to_string(&self.0).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    }
}

impl Clock for Offset {
    fn now(&self) -> Timestamp {
        SystemClock.now() + SignedDuration::from_millis(self.millis())
    }

    fn sleep_until(&self, deadline: Timestamp) -> Sleep<'_> {
        Box::pin(async move {
            while self.now() < deadline {
                let left = Duration::try_from(deadline.duration_since(self.now()));
                let left = left.unwrap_or_default().clamp(Duration::from_millis(1), POLL);
                tokio::time::sleep(left).await;
            }
        })
    }
}

/// The file may change at any time.
const POLL: Duration = Duration::from_millis(20);
