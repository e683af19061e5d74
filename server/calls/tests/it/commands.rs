//! Commands: what the API leaves to whoever works, done once, and not where it is too late.

use std::sync::Arc;

use calls_wire::events::ServiceCallCommands;
use calls_wire::types::{ExecuteCallData, ServiceCallStatus, StartTimerData};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use symbolon_calls::MIGRATIONS;
use symbolon_kernel::{
    Cause, Expected, Kernel, MigrationSet, NewEvent, StreamId, SystemClock, TenantId,
};
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

/// What the program before wrote of a call, which queued it by its events.
async fn before(kernel: &Kernel, id: Uuid, events: &[(&str, Value)]) {
    let mut unit = kernel.unit(&acme(), Cause::request("before")).await.unwrap();
    for (name, data) in events {
        let event = NewEvent::new("scheduler.service-call.v1", *name, 1, data).unwrap();
        unit.append(&stream(id), Expected::Any, vec![event]).await.unwrap();
    }
    unit.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_waited_before_there_were_commands_are_made() {
    let (home, target) = (Home::new(), Target::start().await);
    let old = MigrationSet { files: &MIGRATIONS.files[..3], ..MIGRATIONS };
    let kernel = Kernel::open(&home.location(), &[old], Arc::new(SystemClock)).await.unwrap();
    let request = json!({ "method": "GET", "url": target.url("ok"), "headers": {} });
    let submitted = json!({ "name": "old", "request": request, "tags": [], "policy": {} });
    let due = json!({ "dueAt": "2026-01-01T00:00:00Z" });
    let [now, fallen_due, waiting, cancelled] = [(); 4].map(|()| Uuid::now_v7());
    let first = ("ServiceCallSubmitted", submitted);
    let scheduled = ("ServiceCallScheduled", due.clone());
    let ended = ("ServiceCallCancelled", json!({ "previousStatus": "Queued" }));
    before(&kernel, now, std::slice::from_ref(&first)).await;
    let reached = ("DueTimeReached", due);
    before(&kernel, fallen_due, &[first.clone(), scheduled.clone(), reached]).await;
    before(&kernel, waiting, &[first.clone(), scheduled]).await;
    before(&kernel, cancelled, &[first, ended]).await;
    kernel.shutdown().await.unwrap();

    let system = System::start(home.location(), SETTINGS).await;
    for id in [now, fallen_due] {
        assert!(system.over(id).await.status == ServiceCallStatus::Succeeded);
    }
    idle(&system).await;
    assert!(system.get("acme", waiting).await.unwrap().status == ServiceCallStatus::Scheduled);
    assert_eq!(target.all_hits(), 2);
    system.stop().await;
}
