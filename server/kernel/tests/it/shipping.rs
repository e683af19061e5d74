//! From the log to topics: nothing lost, in order, under the keys and headers that are promised.

use std::collections::BTreeMap;

use symbolon_kernel::{Cause, Expected, Handlers, Kernel, NewEvent};

use crate::cluster::{Cluster, Lying};
use crate::fixture::{Home, eventually, tenant, thing, unit};

async fn is_shipped(kernel: &Kernel) -> bool {
    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    let (_, connection) = view.sql();
    let (head, shipped): (i64, i64) = sqlx::query_as(
        "SELECT (SELECT COALESCE(MAX(position), 0) FROM log), COALESCE((SELECT position FROM \
         checkpoints WHERE reader = 'bus:kafka'), 0)",
    )
    .fetch_one(connection)
    .await
    .unwrap();
    head == shipped && kernel.stats().await.unwrap().outbox_depth == 0
}

/// The numbers of each key, in the order of their first appearance.
fn by_key(records: &[Lying]) -> BTreeMap<String, Vec<i64>> {
    let mut seen = std::collections::BTreeSet::new();
    let mut keys: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for record in records {
        if seen.insert(record.value["messageId"].to_string()) {
            let number = record.value["data"]["number"].as_i64().unwrap();
            keys.entry(record.key.clone()).or_default().push(number);
        }
    }
    keys
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_lies_under_its_aggregate_with_its_headers() {
    let (home, cluster) = (Home::new(), Cluster::new());
    let kernel = home.open().await;
    kernel.start_on_kafka(Handlers::new(), cluster.kafka()).await.unwrap();
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let cause = Cause::request("request-1").traced(trace.parse().ok());
    let mut unit = kernel.unit(&tenant("acme"), cause).await.unwrap();
    let event = vec![cluster.event(7)];
    let event = unit.append(&thing("a"), Expected::New, event).await.unwrap().remove(0);
    unit.commit().await.unwrap();
    let record = cluster.read(1).remove(0);
    assert_eq!(record.key, "a");
    assert_eq!(record.value, serde_json::to_value(&event).unwrap());
    let expected = [
        ("messageId", event.message_id.to_string()),
        ("tenantId", "acme".to_owned()),
        ("type", "Happened".to_owned()),
        ("schemaVersion", "1".to_owned()),
        ("correlationId", "request-1".to_owned()),
        ("causationId", "request-1".to_owned()),
        ("traceparent", trace.to_owned()),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value));
    assert_eq!(record.headers, expected);
    kernel.shutdown().await.unwrap();
}

/// Stops processes without a word in the middle of shipping.
#[test]
fn everything_is_shipped_in_order_across_restarts() {
    let (home, cluster) = (Home::new(), Cluster::new());
    let rounds: i64 = 4;
    for round in 0..=rounds {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let kernel = home.open().await;
            kernel.start_on_kafka(Handlers::new(), cluster.kafka()).await.unwrap();
            for number in 0..50 {
                for id in ["a", "b", "c"] {
                    cluster.publish(&kernel, "acme", id, round * 50 + number).await;
                }
            }
            if round == rounds {
                eventually("all is shipped", || is_shipped(&kernel)).await;
                kernel.shutdown().await.unwrap();
            }
        });
        runtime.shutdown_timeout(std::time::Duration::from_secs(10));
    }
    let all: Vec<i64> = (0..(rounds + 1) * 50).collect();
    // Some may have been shipped twice.
    let keys = by_key(&cluster.read(all.len() * 3));
    assert_eq!(keys.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
    for (key, numbers) in keys {
        assert_eq!(numbers, all, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_broker_takes_is_a_dead_letter_and_holds_nothing_up() {
    let (home, cluster) = (Home::new(), Cluster::new());
    let kernel = home.open().await;
    let kafka = symbolon_kernel::Kafka { message_limit: 2000, ..cluster.kafka() };
    kernel.start_on_kafka(Handlers::new(), kafka).await.unwrap();
    let long = NewEvent { data: "x".repeat(3000).into(), ..cluster.event(1) };
    let unnamed = NewEvent { channel: "no topic".to_owned(), ..cluster.event(1) };
    let mut unit = unit(&kernel, "acme").await;
    for message in [long, unnamed, cluster.event(2)] {
        unit.publish(&thing("a"), message).await.unwrap();
    }
    unit.commit().await.unwrap();
    let records = cluster.read(1);
    assert_eq!(records[0].value["data"]["number"], 2);
    eventually("the checkpoint has moved", || is_shipped(&kernel)).await;
    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    let letters = view.dead_letters(None, 10).await.unwrap();
    let reasons: Vec<&str> = letters.iter().map(|letter| letter.reason.as_str()).collect();
    assert_eq!(letters[0].source, "bus:kafka");
    assert!(reasons[0].ends_with("bytes, the limit is 2000"), "{reasons:?}");
    assert_eq!(reasons[1], "its channel is no name of a topic");
    drop(view);
    kernel.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn brokers_that_are_away_hold_messages_up_and_lose_none() {
    let (home, cluster) = (Home::new(), Cluster::new());
    let Some(mock) = &cluster.mock else { return };
    let kernel = home.open().await;
    kernel.start_on_kafka(Handlers::new(), cluster.kafka()).await.unwrap();
    for number in 0..30 {
        if number == 10 {
            (1..=3).for_each(|broker| mock.broker_down(broker).unwrap());
        }
        if number == 20 {
            (1..=3).for_each(|broker| mock.broker_up(broker).unwrap());
        }
        cluster.publish(&kernel, "acme", "a", number).await;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    eventually("all is shipped", || is_shipped(&kernel)).await;
    let numbers = by_key(&cluster.read(30)).remove("a").unwrap();
    assert_eq!(numbers, (0..30).collect::<Vec<_>>());
    kernel.shutdown().await.unwrap();
}
