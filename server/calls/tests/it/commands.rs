//! Commands: what the API leaves to whoever works, done once, and not where it is too late.

use calls_wire::events::ServiceCallCommands;
use calls_wire::types::{ExecuteCallData, ServiceCallStatus, StartTimerData};
use jiff::{SignedDuration, Timestamp};
use symbolon_kernel::{Cause, StreamId, TenantId};
use uuid::Uuid;

use crate::fixture::{Home, SETTINGS, System, eventually, later, now};
use crate::target::Target;

fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}

fn stream(id: Uuid) -> StreamId {
    StreamId::new("ServiceCall", id.to_string())
}

/// Publishes a command about a call, however it stands.
async fn command(system: &System, id: Uuid, command: ServiceCallCommands) {
    let cause = Cause::request("again");
    let mut unit = system.kernel.unit(&acme(), cause).await.unwrap();
    unit.publish(&stream(id), command.into()).await.unwrap();
    unit.commit().await.unwrap();
}

async fn idle(system: &System) {
    eventually("every command is done", || async {
        let stats = system.kernel.stats().await.unwrap();
        stats.outbox_depth == 0 && stats.readers.iter().all(|reader| reader.lag == 0)
    })
    .await;
}

fn execute() -> ServiceCallCommands {
    ExecuteCallData { attempt: 1 }.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_comes_late_or_again_does_nothing() {
    let (home, target) = (Home::new(), Target::start().await);
    let system = System::start(home.location(), SETTINGS).await;
    let over = system.accept(now(&target.url("ok"))).await;
    system.over(over).await;
    let waiting = system.accept(later(&target.url("ok"), 60_000)).await;
    let cancelled = system.accept(later(&target.url("ok"), 60_000)).await;
    system.cancel("acme", cancelled).await.unwrap();
    let nobody = Uuid::now_v7();
    idle(&system).await;
    let timers = system.kernel.stats().await.unwrap().timers_pending;

    let due_at = Timestamp::now() - SignedDuration::from_secs(1);
    for id in [over, waiting, cancelled, nobody] {
        command(&system, id, execute()).await;
    }
    for id in [over, cancelled, nobody] {
        command(&system, id, StartTimerData { due_at }.into()).await;
    }
    idle(&system).await;
    let stats = system.kernel.stats().await.unwrap();
    assert_eq!(stats.timers_pending, timers);
    assert_eq!(target.all_hits(), 1);
    assert_eq!(system.history("acme", over).await.len(), 4);
    assert!(system.get("acme", waiting).await.unwrap().status == ServiceCallStatus::Scheduled);
    assert_eq!(system.history("acme", cancelled).await.len(), 3);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_that_is_asked_for_again_is_one() {
    let (home, target) = (Home::new(), Target::start().await);
    let system = System::start(home.location(), SETTINGS).await;
    let id = system.accept(later(&target.url("ok"), 60_000)).await;
    let due_at = Timestamp::now();
    for _ in 0..2 {
        command(&system, id, StartTimerData { due_at }.into()).await;
    }
    assert!(system.over(id).await.status == ServiceCallStatus::Succeeded);
    idle(&system).await;
    assert_eq!(target.hits(&id.to_string()).len(), 1);
    let history = system.history("acme", id).await;
    assert_eq!(history.iter().filter(|event| *event == "DueTimeReached").count(), 1);
    system.stop().await;
}
