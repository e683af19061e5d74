//! Several workers on one database: each takes other calls, and none waits for another.
//!
//! Only a database on a server can be shared; on a file these tests have nothing to do.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use calls_wire::service_calls::cancel_service_call::Error;
use calls_wire::types::ServiceCallStatus;
use symbolon_calls::MIGRATIONS;
use symbolon_kernel::{Cause, Kernel, Location, SystemClock, TenantId, Unit};
use symbolon_server::Fault;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::fixture::{Home, SETTINGS, System, accepted, eventually, later, now};
use crate::target::Target;

/// A database that processes can share; none where tests run on a file.
fn shared() -> Option<(Home, Location)> {
    let home = Home::new();
    match home.location() {
        Location::File(_) => None,
        location @ Location::Server(_) => Some((home, location)),
    }
}

fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}

/// A unit of work beside those of the workers.
async fn unit(kernel: &Kernel) -> Unit {
    kernel.unit(&acme(), Cause::request("test")).await.unwrap()
}

/// Takes everything in the queue, as a worker does that stands still in the middle of its unit.
async fn hold(kernel: &Kernel) -> (Unit, BTreeSet<String>) {
    let mut unit = unit(kernel).await;
    let held = "SELECT service_call_id FROM service_call_queue FOR UPDATE";
    let held: Vec<String> = sqlx::query_scalar(held).fetch_all(unit.sql().1).await.unwrap();
    (unit, held.into_iter().collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stands_still_holds_up_nobody_and_what_it_had_goes_to_others() {
    let (Some((_home, location)), target) = (shared(), Target::start().await) else { return };
    let other = Kernel::open(&location, &[MIGRATIONS], Arc::new(SystemClock)).await.unwrap();
    // As many as the worker may have out, first in the queue, and of no call that there is.
    let ids = (0..SETTINGS.concurrency).map(|_| Uuid::now_v7().to_string());
    let queued: BTreeSet<String> = ids.collect();
    let mut writing = unit(&other).await;
    for id in &queued {
        let insert = "INSERT INTO service_call_queue VALUES ('acme', $1, 0)";
        sqlx::query(insert).bind(id).execute(writing.sql().1).await.unwrap();
    }
    writing.commit().await.unwrap();
    let (lost, held) = hold(&other).await;
    assert_eq!(held, queued);

    let system = System::start(location, SETTINGS).await;
    for tenant in ["acme", "globex", "acme"] {
        let key = Uuid::now_v7().to_string();
        let id = accepted(system.submit(tenant, &key, now(&target.url("ok"))).await);
        eventually("a call is made beside those that are held", || async {
            let call = system.get(tenant, id).await;
            call.is_some_and(|call| call.status == ServiceCallStatus::Succeeded)
        })
        .await;
    }
    drop(lost);
    eventually("what was held is taken", || async {
        let (unit, left) = hold(&other).await;
        unit.rollback().await.unwrap();
        left.is_empty()
    })
    .await;
    system.stop().await;
    other.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_share_the_calls_and_make_each_once() {
    let (Some((_home, location)), target) = (shared(), Target::start().await) else { return };
    let first = System::start(location.clone(), SETTINGS).await;
    let second = System::start(location, SETTINGS).await;
    let mut ids = Vec::new();
    for number in 0..100 {
        let system = if number % 2 == 0 { &first } else { &second };
        let tenant = ["acme", "globex"][number / 50];
        let submitted = system.submit(tenant, &number.to_string(), now(&target.url("ok"))).await;
        ids.push((tenant, accepted(submitted)));
    }
    for (tenant, id) in ids {
        eventually("every call is made", || async {
            let call = first.get(tenant, id).await;
            call.is_some_and(|call| call.status == ServiceCallStatus::Succeeded)
        })
        .await;
        assert_eq!(target.hits(&id.to_string()).len(), 1);
    }
    first.stop().await;
    second.stop().await;
}

/// How often transactions have waited for each other in a circle.
async fn deadlocks(kernel: &Kernel) -> i64 {
    let mut unit = unit(kernel).await;
    let count = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let count = sqlx::query_scalar(count).fetch_one(unit.sql().1).await.unwrap();
    unit.rollback().await.unwrap();
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn cancellations_that_meet_starts_end_as_one_or_the_other() {
    let (Some((_home, location)), target) = (shared(), Target::start().await) else { return };
    let other = Kernel::open(&location, &[MIGRATIONS], Arc::new(SystemClock)).await.unwrap();
    let before = deadlocks(&other).await;
    let system = Arc::new(System::start(location.clone(), SETTINGS).await);
    for round in 0..20 {
        // Half of them fall due while they are cancelled.
        let body = |number| match number % 2 {
            0 => now(&target.url("ok")),
            _ => later(&target.url("ok"), 100),
        };
        let mut cancellations = JoinSet::new();
        for number in 0..16 {
            let key = format!("{round}-{number}");
            let id = accepted(system.submit("acme", &key, body(number)).await);
            let system = Arc::clone(&system);
            cancellations.spawn(async move {
                tokio::time::sleep(Duration::from_millis(number % 2 * 100 + number)).await;
                (id, system.cancel("acme", id).await)
            });
        }
        while let Some(ended) = cancellations.join_next().await {
            let (id, cancelled) = ended.unwrap();
            let status = system.over(id).await.status;
            match cancelled {
                Ok(_) => assert!(status == ServiceCallStatus::Cancelled),
                Err(Fault::Documented(Error::NotCancellable(_))) => {
                    assert!(status == ServiceCallStatus::Succeeded);
                }
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    Arc::into_inner(system).unwrap().stop().await;
    // Its connections have told what happened to them.
    assert_eq!(deadlocks(&other).await, before);
    other.shutdown().await.unwrap();
}
