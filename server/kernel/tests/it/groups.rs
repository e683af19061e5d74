//! What only a group of members can do, and what only a topic can hold.

use std::sync::Arc;

use symbolon_kernel::{
    Consumer, Envelope, Error, Handled, Handlers, Kafka, SystemClock, Unit, inspect,
};

use crate::bus::{Bus, numbers};
use crate::cluster::Cluster;
use crate::fixture::{Home, Writer, effects, eventually, tenant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_message_is_the_operators_letter_and_the_rest_goes_on() {
    let (home, cluster) = (Home::new(), Cluster::new());
    for (key, value) in [("a", "{\"half\":"), ("a", ""), ("b", "{\"messageId\":\"x\"}")] {
        cluster.inject(key, value.as_bytes()).await;
    }
    cluster.inject("a", "x".repeat(1_200).as_bytes()).await;
    let kafka = Kafka { message_limit: 1_000, ..cluster.kafka() };
    let channel = cluster.topic.clone();
    let name: &'static str = Box::leak(format!("group-of-{channel}").into_boxed_str());
    for round in 1..=2 {
        let kernel = home.open_with(Arc::new(SystemClock), 3).await;
        let listener = Topic { writer: Writer::new(name), channel: channel.clone() };
        let handlers = Handlers::new().consumer(listener);
        kernel.start_on_kafka(handlers, kafka.clone()).await.unwrap();
        cluster.publish(&kernel, "acme", "a", round).await;
        eventually("the rest is handled", || async {
            numbers(&kernel, "acme", "a").await.len() as i64 == round
        })
        .await;
        eventually("all are letters", || async {
            let mut view = kernel.read(&tenant("operator")).await.unwrap();
            view.dead_letters(None, 10).await.unwrap().len() >= 4
        })
        .await;
        let mut view = kernel.read(&tenant("operator")).await.unwrap();
        let letters = view.dead_letters(None, 10).await.unwrap();
        let mut reasons: Vec<_> = letters.iter().map(|it| it.reason.as_str()).collect();
        reasons.sort_unstable();
        assert_eq!(reasons.len(), 4, "{reasons:?}");
        assert_eq!(reasons[0], "it has 1200 bytes, the limit is 1000");
        assert_eq!(reasons[1], "it is empty");
        assert!(reasons[2..].iter().all(|it| it.starts_with("it is no message: ")), "{reasons:?}");
        assert!(letters.iter().all(|it| it.subject.starts_with(&channel)));
        drop(view);
        kernel.shutdown().await.unwrap();
    }
    assert_eq!(inspect(&home.location()).await.unwrap(), []);
}

/// A writer on one topic.
struct Topic {
    writer: Writer,
    channel: String,
}

impl Consumer for Topic {
    fn name(&self) -> &str {
        self.writer.name
    }

    fn channels(&self) -> Vec<String> {
        vec![self.channel.clone()]
    }

    async fn handle(&self, event: &Envelope, unit: &mut Unit) -> Handled {
        self.writer.handle(event, unit).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_share_partitions_and_one_takes_over_what_another_had() {
    let home = Home::new();
    if home.file().is_some() {
        // A file is open in one process.
        return;
    }
    let bus = Bus::Kafka(Cluster::new());
    let name: &'static str = Box::leak(format!("group-of-{}", bus.channel()).into_boxed_str());
    let ids: Vec<String> = (0..16).map(|id| format!("thing-{id}")).collect();
    let (one, other) = (home.open().await, home.open().await);
    let (first, second) = (Writer::new(name), Writer::new(name));
    bus.start(&one, first.clone()).await;
    bus.start(&other, second.clone()).await;
    let mut number = 0;
    let calls = |writer: &Writer| writer.calls.lock().unwrap().len();
    // Until both have something to do; one is alone at first.
    while calls(&first) == 0 || calls(&second) == 0 {
        assert!(number < 2000, "{} and {}", calls(&first), calls(&second));
        for id in &ids {
            bus.publish(&one, "acme", id, number).await;
        }
        number += 1;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    other.shutdown().await.unwrap();
    for id in &ids {
        bus.publish(&one, "acme", id, number).await;
    }
    number += 1;
    let all: Vec<i64> = (0..number).collect();
    eventually("all are handled", || async {
        effects(&one, "acme").await.len() >= all.len() * ids.len()
    })
    .await;
    for id in &ids {
        assert_eq!(numbers(&one, "acme", id).await, all, "{id}");
    }
    one.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_consumer_on_kafka_names_its_channels() {
    let (home, cluster) = (Home::new(), Cluster::new());
    let kernel = home.open().await;
    let handlers = Handlers::new().consumer(Writer::new("everything"));
    let refused = kernel.start_on_kafka(handlers, cluster.kafka()).await;
    assert!(matches!(refused, Err(Error::NoChannels(name)) if name == "everything"));
}
