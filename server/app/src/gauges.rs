//! The kernel and the process in numbers, for `/metrics`. docs/metrics.md lists all there are.

use std::time::{Duration, Instant};

use metrics_process::Collector;
use symbolon_kernel::{Activity, Kernel, Stats};

/// How often they are measured.
const INTERVAL: Duration = Duration::from_secs(1);
/// Measuring takes at most this part of the time, however large tables become.
const SHARE: u32 = 20;

const UP: &str = "kernel_database_up";
const CONNECTIONS: &str = "kernel_database_connections";
const LIMIT: &str = "kernel_database_connections_max";
const WAITING: &str = "kernel_database_waiting";
const BUSY: &str = "kernel_database_busy_total";
const POSITION: &str = "kernel_log_position";
const RELAYED: &str = "kernel_relayed_messages_total";
const DEPTH: &str = "kernel_outbox_depth";
const AGE: &str = "kernel_outbox_age_seconds";
const LAG: &str = "kernel_reader_lag";
const PENDING: &str = "kernel_timers_pending";
const OVERDUE: &str = "kernel_timers_overdue";
const LATENESS: &str = "kernel_timers_lateness_seconds";
const QUEUED: &str = "kernel_jobs_queued";
const RUNNING: &str = "kernel_jobs_running";
const LETTERS: &str = "kernel_dead_letters";
const BUILD: &str = "symbolon_build_info";

/// Keeps the gauges fresh until the kernel closes.
pub(crate) async fn refresh(kernel: Kernel) {
    let (closing, process) = (kernel.closing(), Collector::default());
    process.describe();
    describe();
    metrics::gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    loop {
        let began = Instant::now();
        process.collect();
        // Before the look at the database, which takes a connection itself.
        count(&kernel.activity());
        let measured = kernel.stats().await;
        metrics::gauge!(UP).set(if measured.is_ok() { 1.0 } else { 0.0 });
        match measured {
            Ok(stats) => set(&stats, kernel.clock().now()),
            Err(error) => tracing::warn!(%error, "the kernel could not be measured"),
        }
        tokio::select! {
            () = closing.cancelled() => return,
            () = tokio::time::sleep(INTERVAL.max(began.elapsed() * SHARE)) => {}
        }
    }
}

fn count(activity: &Activity) {
    metrics::counter!(RELAYED).absolute(activity.relayed);
    metrics::counter!(BUSY).absolute(activity.refused);
    for pool in &activity.pools {
        let states = [("used", pool.used), ("idle", pool.idle)];
        for (state, count) in states {
            let open = metrics::gauge!(CONNECTIONS, "pool" => pool.pool, "state" => state);
            open.set(count as f64);
        }
        metrics::gauge!(LIMIT, "pool" => pool.pool).set(pool.limit as f64);
        if let Some(waiting) = pool.waiting {
            metrics::gauge!(WAITING, "pool" => pool.pool).set(waiting as f64);
        }
    }
}

fn set(stats: &Stats, now: jiff::Timestamp) {
    let since = |at: Option<jiff::Timestamp>| {
        at.map_or(0.0, |at| now.duration_since(at).as_secs_f64()).max(0.0)
    };
    metrics::gauge!(POSITION).set(stats.head as f64);
    metrics::gauge!(DEPTH).set(stats.outbox_depth as f64);
    metrics::gauge!(AGE).set(since(stats.outbox_oldest_at));
    metrics::gauge!(PENDING).set(stats.timers_pending as f64);
    metrics::gauge!(OVERDUE).set(stats.timers_overdue as f64);
    metrics::gauge!(LATENESS).set(since(stats.timers_oldest_due_at));
    for reader in &stats.readers {
        metrics::gauge!(LAG, "reader" => reader.reader.clone()).set(reader.lag as f64);
    }
    for queue in &stats.queues {
        metrics::gauge!(QUEUED, "queue" => queue.queue.clone()).set(queue.queued as f64);
        metrics::gauge!(RUNNING, "queue" => queue.queue.clone()).set(queue.running as f64);
    }
    for (source, count) in &stats.dead_letters {
        metrics::gauge!(LETTERS, "source" => source.clone()).set(*count as f64);
    }
}

/// Says what the metrics mean.
fn describe() {
    use metrics::Unit::Seconds;
    use metrics::{describe_counter, describe_gauge};
    describe_gauge!(UP, "Whether the database answered when it was last asked: 1 or 0");
    describe_gauge!(CONNECTIONS, "Connections to the database that are open");
    describe_gauge!(LIMIT, "Connections to the database that there may be");
    describe_gauge!(WAITING, "Units of work that wait for a connection");
    describe_counter!(BUSY, "Units of work and views refused because the database was busy");
    describe_gauge!(POSITION, "Position of the last message in the log");
    describe_counter!(RELAYED, "Messages that this process moved from the outbox to the log");
    describe_gauge!(DEPTH, "Messages that are not published");
    describe_gauge!(AGE, Seconds, "Age of the oldest message that is not published");
    describe_gauge!(LAG, "Messages that a reader has yet to handle, at most");
    describe_gauge!(PENDING, "Timers that have not fired");
    describe_gauge!(OVERDUE, "Timers that are due and have not fired");
    describe_gauge!(LATENESS, Seconds, "Time since the first timer was due that has not fired");
    describe_gauge!(QUEUED, "Jobs that are not done");
    describe_gauge!(RUNNING, "Jobs that run in this process");
    describe_gauge!(LETTERS, "Dead letters, by who gave them up");
    describe_gauge!(BUILD, "The version that runs; always 1");
}
