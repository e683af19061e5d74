//! Schedules: each turn once, also after a restart; missed ones are made up by one.

use jiff::{SignedDuration, Timestamp};
use symbolon_kernel::{Every, Handled, Handlers, Kernel, Schedule, TenantId, Unit};

use crate::fixture::{Home, effects, eventually, manual, noon, note, tenant};

struct Hourly(TenantId);

impl Schedule for Hourly {
    fn name(&self) -> &str {
        "hourly"
    }

    fn tenant(&self) -> &TenantId {
        &self.0
    }

    fn every(&self) -> Every {
        Every::new(SignedDuration::from_hours(1))
    }

    async fn run(&self, due_at: Timestamp, unit: &mut Unit) -> Handled {
        let hours = due_at.duration_since(noon()).as_hours();
        note(unit.sql(), "hourly", "", hours).await;
        Ok(())
    }
}

async fn turns(kernel: &Kernel) -> Vec<i64> {
    effects(kernel, "operator").await.into_iter().map(|it| it.2).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_has_each_turn_once_and_makes_up_for_missed_ones_by_one() {
    let home = Home::new();
    let (clock, injected) = manual();
    let hours = |hours| noon() + SignedDuration::from_hours(hours);
    let hourly = || Handlers::new().schedule(Hourly(tenant("operator")));
    let kernel = home.open_at(injected.clone()).await;
    kernel.start(hourly()).await.unwrap();
    eventually("it is set", || async { kernel.stats().await.unwrap().timers_pending == 1 }).await;
    for hour in 1..4 {
        clock.set(hours(hour));
        let so_far: Vec<_> = (1..=hour).collect();
        eventually("a turn", || async { turns(&kernel).await == so_far }).await;
    }
    kernel.shutdown().await.unwrap();

    clock.set(hours(10) + SignedDuration::from_mins(5));
    let kernel = home.open_at(injected).await;
    kernel.start(hourly()).await.unwrap();
    eventually("the missed are made up", || async { turns(&kernel).await == [1, 2, 3, 4] }).await;
    clock.set(hours(11));
    eventually("it goes on", || async { turns(&kernel).await == [1, 2, 3, 4, 11] }).await;
    kernel.shutdown().await.unwrap();
}
