//! What work costs this process and its children: processor time and memory.

use nix::sys::resource::{UsageWho, getrusage};
use nix::time::{ClockId, clock_gettime};

/// Processor time this process has used so far, in user and system mode, in seconds.
pub fn processor_s() -> f64 {
    match clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID) {
        Ok(time) => seconds(time.tv_sec(), time.tv_nsec() / 1000),
        Err(_) => 0.0,
    }
}

/// The most memory this process has held so far, in megabytes.
pub fn peak_mb() -> f64 {
    peak(UsageWho::RUSAGE_SELF)
}

/// The most memory that any one child has held so far, in megabytes.
pub fn peak_of_children_mb() -> f64 {
    peak(UsageWho::RUSAGE_CHILDREN)
}

/// Processor time that children have used until they ended, in seconds.
pub fn processor_of_children_s() -> f64 {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_CHILDREN) else { return 0.0 };
    let (user, system) = (usage.user_time(), usage.system_time());
    seconds(user.tv_sec(), user.tv_usec()) + seconds(system.tv_sec(), system.tv_usec())
}

fn peak(who: UsageWho) -> f64 {
    // Linux counts in kilobytes.
    getrusage(who).map_or(0.0, |usage| count(usage.max_rss()) / 1024.0)
}

fn seconds(seconds: i64, microseconds: i64) -> f64 {
    count(seconds) + count(microseconds) / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn count(number: i64) -> f64 {
    number as f64
}
