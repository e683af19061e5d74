//! A topic that is not there: it holds up its own messages and nobody else's.

use symbolon_kernel::{Handlers, Kafka, Kernel, NewEvent, Topics};

use crate::cluster::Cluster;
use crate::fixture::{Home, eventually, tenant, thing, unit};

async fn publish(kernel: &Kernel, channel: &str, from: i64, count: i64) {
    let mut unit = unit(kernel, "acme").await;
    for number in from..from + count {
        let message = NewEvent { channel: channel.to_owned(), ..crate::fixture::happened(number) };
        unit.publish(&thing("a"), message).await.unwrap();
    }
    unit.commit().await.unwrap();
}

/// The numbers of a topic, each where it first lies.
fn numbers(cluster: &Cluster, topic: &str, count: usize) -> Vec<i64> {
    let mut seen = std::collections::BTreeSet::new();
    let records = cluster.read_from(topic, count).into_iter();
    let numbers = records.map(|record| record.value["data"]["number"].as_i64().unwrap());
    numbers.filter(|number| seen.insert(*number)).collect()
}

async fn held(kernel: &Kernel) -> Vec<String> {
    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    sqlx::query_scalar("SELECT reader FROM checkpoints WHERE reader LIKE 'bus:kafka:%'")
        .fetch_all(view.sql().1)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_not_there_holds_up_no_other_and_loses_nothing() {
    let (home, cluster) = (Home::new(), Cluster::new());
    if cluster.mock.is_none() {
        // That broker makes every topic that it is asked for.
        return;
    }
    let missing = format!("{}-missing", cluster.topic);
    cluster.give(&cluster.topic).await;
    cluster.withhold(&missing);
    let kafka = Kafka { topics: Topics::Existing, ..cluster.kafka() };
    for round in 0..2 {
        let kernel = home.open().await;
        kernel.start_on_kafka(Handlers::new(), kafka.clone()).await.unwrap();
        for number in 0..20 {
            publish(&kernel, &missing, round * 20 + number, 1).await;
            publish(&kernel, &cluster.topic, round * 20 + number, 1).await;
        }
        let all: Vec<i64> = (0..(round + 1) * 20).collect();
        assert_eq!(numbers(&cluster, &cluster.topic, all.len()), all, "they went on");
        eventually("it is noted", || async {
            held(&kernel).await == [format!("bus:kafka:{missing}")]
        })
        .await;
        kernel.shutdown().await.unwrap();
    }
    let kernel = home.open().await;
    kernel.start_on_kafka(Handlers::new(), kafka).await.unwrap();
    cluster.give(&missing).await;
    publish(&kernel, &missing, 40, 10).await;
    let all: Vec<i64> = (0..50).collect();
    assert_eq!(numbers(&cluster, &missing, 50), all, "nothing is lost, and all in order");
    eventually("it goes along again", || async { held(&kernel).await.is_empty() }).await;
    publish(&kernel, &missing, 50, 1).await;
    assert_eq!(numbers(&cluster, &missing, 51).last(), Some(&50));
    kernel.shutdown().await.unwrap();
}
