//! What happens later, and by one process at a time: timers, schedules, jobs, and the leases that
//! say who.

pub(crate) mod jobs;
pub(crate) mod leases;
pub(crate) mod pending;
pub(crate) mod retention;
pub(crate) mod schedules;
pub(crate) mod timers;
