//! What a group gives up lies in a topic of its own, with what is to be known of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use symbolon_kernel::{
    Consumer, Envelope, Error, Handled, Handlers, Kafka, Kernel, NewEvent, SystemClock, Topics,
    Unit,
};

use crate::bus::numbers;
use crate::cluster::{Cluster, Lying};
use crate::fixture::{Home, Writer, eventually, tenant, thing, unit};

/// A writer on one topic, which knows version 1 of everything.
struct Topic {
    name: String,
    writer: Writer,
    channel: String,
}

impl Consumer for Topic {
    fn name(&self) -> &str {
        &self.name
    }

    fn channels(&self) -> Vec<String> {
        vec![self.channel.clone()]
    }

    fn understands(&self, _: &str, schema_version: u32) -> bool {
        schema_version == 1
    }

    async fn handle(&self, event: &Envelope, unit: &mut Unit) -> Handled {
        self.writer.handle(event, unit).await
    }
}

fn topic(cluster: &Cluster) -> Topic {
    let writer = Writer::failing("writer", "bad", u32::MAX);
    let (name, channel) = (format!("group-of-{}", cluster.topic), cluster.topic.clone());
    Topic { name, writer, channel }
}

/// Writes three messages that are given up, each for another reason, and one that is handled.
async fn write(cluster: &Cluster, kernel: &Kernel) {
    cluster.inject("broken", b"{\"half\":").await;
    cluster.inject("long", "x".repeat(70_000).as_bytes()).await;
    let mut unit = unit(kernel, "acme").await;
    let newer = NewEvent { schema_version: 9, ..cluster.event(9) };
    unit.publish(&thing("new"), newer).await.unwrap();
    unit.publish(&thing("bad"), cluster.event(1)).await.unwrap();
    unit.publish(&thing("good"), cluster.event(1)).await.unwrap();
    unit.commit().await.unwrap();
}

fn by_key(records: Vec<Lying>) -> BTreeMap<String, (Lying, BTreeMap<String, String>)> {
    let told = |record: &Lying| record.headers.iter().cloned().collect();
    records.into_iter().map(|record| (record.key.clone(), (told(&record), record))).fold(
        BTreeMap::new(),
        |mut all, (key, (told, record))| {
            all.insert(key, (record, told));
            all
        },
    )
}

async fn count(kernel: &Kernel, name: &str) -> usize {
    let mut view = kernel.read(&tenant(name)).await.unwrap();
    view.dead_letters(None, 10).await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_group_gives_up_lies_in_its_own_topic() {
    let (home, cluster) = (Home::new(), Cluster::new());
    let kernel = home.open_with(Arc::new(SystemClock), 3).await;
    let consumer = topic(&cluster);
    let (group, dlq) = (consumer.name.clone(), format!("{}.dlq.{}", cluster.topic, consumer.name));
    let kafka = Kafka { message_limit: 60_000, ..cluster.kafka() };
    kernel.start_on_kafka(Handlers::new().consumer(consumer), kafka).await.unwrap();
    write(&cluster, &kernel).await;
    eventually("the good one is handled", || async {
        numbers(&kernel, "acme", "good").await == [1]
    })
    .await;
    eventually("all are letters", || async {
        count(&kernel, "acme").await + count(&kernel, "operator").await == 4
    })
    .await;
    let records = cluster.read_from(&dlq, 4);
    assert_eq!(records.len(), 4, "{records:?}");
    let records = by_key(records);
    let expected = [
        ("bad", "told to fail", "3"),
        ("broken", "it is no message: ", "1"),
        ("long", "it has 70000 bytes, the limit is 60000", "1"),
        ("new", "schema version 9 of `Happened` is unknown here", "1"),
    ];
    for (key, reason, attempts) in expected {
        let (_, told) = &records[key];
        assert!(told["reason"].starts_with(reason), "{told:?}");
        assert_eq!((told["attempts"].as_str(), &told["group"]), (attempts, &group));
        assert_eq!(told["topic"], cluster.topic);
        assert!(told["partition"].parse::<i32>().unwrap() < 4);
        assert!(told["offset"].parse::<i64>().unwrap() >= 0);
        assert!(!told["letterId"].is_empty() && !told["failedAt"].is_empty());
    }
    let (record, told) = &records["bad"];
    assert_eq!(record.value["data"]["number"], 1);
    assert_eq!(told["messageId"], record.value["messageId"]);
    assert_eq!((told["tenantId"].as_str(), told["type"].as_str()), ("acme", "Happened"));
    assert_eq!(records["broken"].0.payload, b"{\"half\":");
    assert_eq!(records["long"].0.payload.len(), 64 * 1024);
    kernel.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_waits_for_its_topic_and_survives_restarts() {
    let (home, cluster) = (Home::new(), Cluster::new());
    let dlq = format!("{}.dlq.{}", cluster.topic, topic(&cluster).name);
    cluster.give(&cluster.topic).await;
    cluster.withhold(&dlq);
    let kafka = Kafka { topics: Topics::Existing, message_limit: 60_000, ..cluster.kafka() };
    for round in 0..3 {
        let kernel = home.open_with(Arc::new(SystemClock), 1).await;
        let handlers = Handlers::new().consumer(topic(&cluster));
        kernel.start_on_kafka(handlers, kafka.clone()).await.unwrap();
        if round == 0 {
            write(&cluster, &kernel).await;
        }
        eventually("all are letters", || async {
            count(&kernel, "acme").await + count(&kernel, "operator").await == 4
        })
        .await;
        if round == 2 {
            cluster.give(&dlq).await;
            let mut keys: Vec<_> =
                cluster.read_from(&dlq, 4).into_iter().map(|it| it.key).collect();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys, ["bad", "broken", "long", "new"]);
            let mut letters = kernel.read(&tenant("acme")).await.unwrap();
            let letters = letters.dead_letters(None, 10).await.unwrap();
            assert_eq!(letters.len(), 2, "they stay until a person is done with them");
        }
        kernel.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn a_consumer_whose_letters_no_topic_can_take_is_refused() {
    let (home, cluster) = (Home::new(), Cluster::new());
    let kernel = home.open().await;
    let consumer = Topic { name: "no topic".to_owned(), ..topic(&cluster) };
    let refused = kernel.start_on_kafka(Handlers::new().consumer(consumer), cluster.kafka()).await;
    assert!(matches!(refused, Err(Error::TopicName(name)) if name.ends_with(".dlq.no topic")));
}
