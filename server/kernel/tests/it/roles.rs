//! Processes that share the work between them: each does what its roles are, and nothing else.

use symbolon_kernel::{Error, Handlers, Kernel, Role, Roles, TailFrom};

use crate::bus::{Bus, group, numbers};
#[cfg(feature = "kafka")]
use crate::cluster::Cluster;
use crate::fixture::{Home, Writer, append, eventually, tenant};

#[tokio::test]
async fn a_file_is_left_to_one_process() {
    let home = Home::new();
    let kernel = home.open().await;
    for roles in [Roles::NONE, Roles::only(Role::Work), Roles::only(Role::Relay)] {
        let started = kernel.start(Handlers::new().roles(roles)).await;
        match home.file() {
            Some(_) => assert!(matches!(started, Err(Error::Undivided)), "{roles:?}"),
            None => started.unwrap(),
        }
    }
    if home.file().is_some() {
        let all = Roles::only(Role::Work).and(Role::Relay);
        kernel.start(Handlers::new().roles(all)).await.unwrap();
    }
    kernel.shutdown().await.unwrap();
}

async fn depth(kernel: &Kernel) -> i64 {
    kernel.stats().await.unwrap().outbox_depth
}

async fn each_does_its_part(bus: Bus) {
    let home = Home::new();
    if home.file().is_some() {
        return;
    }
    let writer = || Writer::new(group(&bus));
    let (front, relay, worker) = (home.open().await, home.open().await, home.open().await);
    bus.start_as(Roles::NONE, &front, writer()).await;
    let mut tail = front.tail(&tenant("acme"), TailFrom::Now);
    bus.publish(&front, "acme", "a", 1).await;
    assert_eq!(depth(&front).await, 1);

    bus.start_as(Roles::only(Role::Relay), &relay, writer()).await;
    eventually("it is published", || async { depth(&front).await == 0 }).await;
    let published = tail.next().await.unwrap().unwrap();
    assert_eq!(published.envelope.data["number"], 1, "whoever follows the log is told");
    assert!(numbers(&front, "acme", "a").await.is_empty());

    bus.start_as(Roles::only(Role::Work), &worker, writer()).await;
    eventually("it is handled", || async { numbers(&front, "acme", "a").await == [1] }).await;

    relay.shutdown().await.unwrap();
    bus.publish(&front, "acme", "a", 2).await;
    let standby = home.open().await;
    assert_eq!(depth(&front).await, 1, "a worker does not relay");
    bus.start_as(Roles::only(Role::Relay), &standby, writer()).await;
    eventually("the other has taken over", || async {
        numbers(&front, "acme", "a").await == [1, 2]
    })
    .await;
    for kernel in [front, standby, worker] {
        kernel.shutdown().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_does_its_part_on_the_log() {
    each_does_its_part(Bus::Log).await;
}

#[cfg(feature = "kafka")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_does_its_part_on_kafka() {
    each_does_its_part(Bus::Kafka(Cluster::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_tell_how_far_others_are() {
    let home = Home::new();
    if home.file().is_some() {
        return;
    }
    let (front, worker) = (home.open().await, home.open().await);
    let handlers = || Handlers::new().consumer(Writer::new("writer"));
    front.start(handlers().roles(Roles::only(Role::Relay))).await.unwrap();
    append(&front, "acme", "a", 1).await;
    let lag = || async {
        let stats = front.stats().await.unwrap();
        stats.readers.iter().map(|reader| reader.lag).collect::<Vec<_>>()
    };
    eventually("it is published", || async { lag().await == [1] }).await;
    worker.start(handlers().roles(Roles::only(Role::Work))).await.unwrap();
    eventually("it is handled", || async { lag().await == [0] }).await;
    for kernel in [front, worker] {
        kernel.shutdown().await.unwrap();
    }
}
