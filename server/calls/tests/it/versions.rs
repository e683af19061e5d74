//! Databases that older versions of this program have written, or go on writing.

use std::sync::Arc;

use calls_wire::events::ServiceCallCommands;
use calls_wire::types::{ExecuteCallData, ServiceCallStatus, StartTimerData};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use symbolon_calls::MIGRATIONS;
use symbolon_kernel::{
    Cause, Consumer, Envelope, Expected, Handled, Handlers, Kernel, Location, MigrationSet,
    NewEvent, StreamId, SystemClock, TenantId, Unit, backup, restore,
};
use uuid::Uuid;

use crate::fixture::{Home, SETTINGS, System, eventually, later, now};
use crate::target::Target;

/// What there was before there were commands.
const BEFORE_COMMANDS: MigrationSet =
    MigrationSet { files: MIGRATIONS.files.split_at(3).0, ..MIGRATIONS };

async fn open(location: &Location, migrations: MigrationSet) -> Kernel {
    Kernel::open(location, &[migrations], Arc::new(SystemClock)).await.unwrap()
}

fn stream(id: Uuid) -> StreamId {
    StreamId::new("ServiceCall", id.to_string())
}

async fn unit(kernel: &Kernel) -> Unit {
    let tenant = TenantId::new("acme").unwrap();
    kernel.unit(&tenant, Cause::request("before")).await.unwrap()
}

/// Writes what an older program wrote of a call: its events, and a command if it had such.
async fn write(
    kernel: &Kernel,
    id: Uuid,
    events: &[(&str, Value)],
    command: Option<ServiceCallCommands>,
) {
    let mut unit = unit(kernel).await;
    for (name, data) in events {
        let event = NewEvent::new("scheduler.service-call.v1", *name, 1, data).unwrap();
        unit.append(&stream(id), Expected::Any, vec![event]).await.unwrap();
    }
    if let Some(command) = command {
        unit.publish(&stream(id), command.into()).await.unwrap();
    }
    unit.commit().await.unwrap();
}

fn submitted(target: &Target) -> (&'static str, Value) {
    let request = json!({ "method": "GET", "url": target.url("ok"), "headers": {} });
    ("ServiceCallSubmitted", json!({ "name": "old", "request": request, "tags": [], "policy": {} }))
}

fn dated(name: &'static str, due_at: Timestamp) -> (&'static str, Value) {
    (name, json!({ "dueAt": due_at }))
}

fn cancelled() -> (&'static str, Value) {
    ("ServiceCallCancelled", json!({ "previousStatus": "Queued" }))
}

/// The consumer that had the name first, as a process has it that wants none of what is published:
/// what it reads has gone by.
struct Passing;

impl Consumer for Passing {
    fn name(&self) -> &str {
        "service_calls.execution"
    }

    fn accepts(&self, _: &str) -> bool {
        false
    }

    async fn handle(&self, _: &Envelope, _: &mut Unit) -> Handled {
        Ok(())
    }
}

/// Waits until everything that is published has gone by.
async fn passed(kernel: &Kernel) {
    eventually("everything has gone by", || async {
        let stats = kernel.stats().await.unwrap();
        stats.outbox_depth == 0 && stats.readers.iter().all(|reader| reader.lag == 0)
    })
    .await;
}

async fn succeed(system: &System, ids: &[Uuid]) {
    for id in ids {
        let call = system.over(*id).await;
        assert!(call.status == ServiceCallStatus::Succeeded, "{:?}", call.status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_waited_before_there_were_commands_are_made() {
    let (home, target) = (Home::new(), Target::start().await);
    let kernel = open(&home.location(), BEFORE_COMMANDS).await;
    let due_at = Timestamp::now() - SignedDuration::from_hours(1);
    let [now, fallen_due, cancelled_id] = [(); 3].map(|()| Uuid::now_v7());
    let scheduled = dated("ServiceCallScheduled", due_at);
    let reached = dated("DueTimeReached", due_at);
    write(&kernel, now, &[submitted(&target)], None).await;
    write(&kernel, fallen_due, &[submitted(&target), scheduled, reached], None).await;
    write(&kernel, cancelled_id, &[submitted(&target), cancelled()], None).await;
    kernel.shutdown().await.unwrap();

    let system = System::start(home.location(), SETTINGS).await;
    succeed(&system, &[now, fallen_due]).await;
    assert_eq!(target.all_hits(), 2);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_from_before_there_were_commands_is_taken_up() {
    let (home, target) = (Home::new(), Target::start().await);
    let kernel = open(&home.location(), BEFORE_COMMANDS).await;
    let waiting = Uuid::now_v7();
    write(&kernel, waiting, &[submitted(&target)], None).await;
    kernel.shutdown().await.unwrap();
    let mut archive = Vec::new();
    backup(&home.location(), &mut archive).await.unwrap();

    let new = Home::new();
    restore(&new.location(), &[MIGRATIONS], archive.as_slice()).await.unwrap();
    let system = System::start(new.location(), SETTINGS).await;
    succeed(&system, &[waiting]).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_version_has_passed_over_is_done_by_the_next_worker() {
    let (home, target) = (Home::new(), Target::start().await);
    let kernel = open(&home.location(), MIGRATIONS).await;
    kernel.start(Handlers::new().consumer(Passing)).await.unwrap();
    let past = Timestamp::now() - SignedDuration::from_hours(1);
    let soon = Timestamp::now() + SignedDuration::from_secs(2);
    let far = Timestamp::now() + SignedDuration::from_hours(1);
    let [silent, fallen_due, commanded, timed, ended, waiting] = [(); 6].map(|()| Uuid::now_v7());
    // Accepted by an API that knew no commands, and by one that did, while a worker that knew the
    // other way only had the name.
    let first = || submitted(&target);
    let scheduled = |at| dated("ServiceCallScheduled", at);
    let reached = dated("DueTimeReached", past);
    write(&kernel, silent, &[first()], None).await;
    write(&kernel, fallen_due, &[first(), scheduled(past), reached], None).await;
    let execute = ExecuteCallData { attempt: 1 }.into();
    write(&kernel, commanded, &[first()], Some(execute)).await;
    let start = |due_at| Some(StartTimerData { due_at }.into());
    write(&kernel, timed, &[first(), scheduled(soon)], start(soon)).await;
    write(&kernel, ended, &[first(), cancelled()], None).await;
    write(&kernel, waiting, &[first(), scheduled(far)], start(far)).await;
    passed(&kernel).await;
    kernel.shutdown().await.unwrap();

    // A second start finds nothing more to do.
    for _ in 0..2 {
        let system = System::start(home.location(), SETTINGS).await;
        succeed(&system, &[silent, fallen_due, commanded, timed]).await;
        eventually("the timer is set", || async {
            system.kernel.stats().await.unwrap().timers_pending == 1
        })
        .await;
        assert!(system.get("acme", waiting).await.unwrap().status == ServiceCallStatus::Scheduled);
        assert_eq!(target.all_hits(), 4);
        system.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_process_that_stays_takes_no_commands_away() {
    let (home, target) = (Home::new(), Target::start().await);
    let Location::Server(_) = home.location() else { return };
    let older = open(&home.location(), MIGRATIONS).await;
    older.start(Handlers::new().consumer(Passing)).await.unwrap();
    passed(&older).await;
    let system = System::start(home.location(), SETTINGS).await;
    let at_once = system.accept(now(&target.url("ok"))).await;
    let timed = system.accept(later(&target.url("ok"), 300)).await;
    succeed(&system, &[at_once, timed]).await;
    system.stop().await;
    older.shutdown().await.unwrap();
}
