//! The kernel in numbers, for `/metrics`.

use std::time::Duration;

use symbolon_kernel::{Kernel, Stats};

const INTERVAL: Duration = Duration::from_secs(1);

/// Keeps the gauges fresh until the kernel closes.
pub(crate) async fn refresh(kernel: Kernel) {
    let closing = kernel.closing();
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = closing.cancelled() => return,
            _ = interval.tick() => {}
        }
        match kernel.stats().await {
            Ok(stats) => set(&stats, kernel.clock().now()),
            Err(error) => tracing::warn!(%error, "the kernel could not be measured"),
        }
    }
}

fn set(stats: &Stats, now: jiff::Timestamp) {
    let age = stats.outbox_oldest_at.map_or(0.0, |at| now.duration_since(at).as_secs_f64());
    metrics::gauge!("kernel_events_head").set(stats.head as f64);
    metrics::gauge!("kernel_outbox_depth").set(stats.outbox_depth as f64);
    metrics::gauge!("kernel_outbox_age_seconds").set(age.max(0.0));
    metrics::gauge!("kernel_timers_pending").set(stats.timers_pending as f64);
    metrics::gauge!("kernel_timers_overdue").set(stats.timers_overdue as f64);
    for reader in &stats.readers {
        let name = reader.reader.clone();
        metrics::gauge!("kernel_reader_lag", "reader" => name).set(reader.lag as f64);
    }
}

/// Says what the gauges mean.
pub(crate) fn describe() {
    metrics::describe_gauge!("kernel_events_head", "Position of the last event");
    metrics::describe_gauge!("kernel_outbox_depth", "Events that are not published");
    metrics::describe_gauge!(
        "kernel_outbox_age_seconds",
        metrics::Unit::Seconds,
        "Age of the oldest event that is not published"
    );
    metrics::describe_gauge!("kernel_timers_pending", "Timers that have not fired");
    metrics::describe_gauge!("kernel_timers_overdue", "Timers that are due and have not fired");
    metrics::describe_gauge!("kernel_reader_lag", "Events a reader has yet to handle, at most");
    metrics::describe_counter!("calls_attempts_total", "Attempts of service calls, by outcome");
    metrics::describe_histogram!(
        "calls_attempt_duration_seconds",
        metrics::Unit::Seconds,
        "Time from sending a request to the end of its response"
    );
}
