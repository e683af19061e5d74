//! What every bus keeps: order per key, no loss, effects once. Each test runs on the log and, with
//! the feature `kafka`, over a Kafka cluster.

use std::sync::Arc;
use std::time::Duration;

use symbolon_kernel::{
    Cause, Consumer, Envelope, Error, Event, Expected, Handled, Handler, Handlers, Job, JobHandler,
    Kernel, NewEvent, NewJob, Roles, StreamId, SystemClock, Timer, TimerHandler, TraceParent, Unit,
    inspect,
};

#[cfg(feature = "kafka")]
use crate::cluster::Cluster;
use crate::counts::{Count, Counts, Tally, broken};
use crate::fixture::{
    Home, Writer, effects, eventually, happened, manual, note, tenant, thing, unit,
};

pub(crate) enum Bus {
    Log,
    #[cfg(feature = "kafka")]
    Kafka(Cluster),
}

impl Bus {
    pub(crate) fn channel(&self) -> &str {
        match self {
            Self::Log => "things",
            #[cfg(feature = "kafka")]
            Self::Kafka(cluster) => &cluster.topic,
        }
    }

    /// Starts a kernel on this bus with one consumer.
    pub(crate) async fn start(&self, kernel: &Kernel, writer: Writer) {
        self.start_as(Roles::ALL, kernel, writer).await;
    }

    /// The same, for a kernel that does some of the work.
    pub(crate) async fn start_as(&self, roles: Roles, kernel: &Kernel, writer: Writer) {
        let channel = self.channel().to_owned();
        let handlers = Handlers::new().consumer(Listener { writer, channel });
        self.run(kernel, handlers.roles(roles)).await;
    }

    /// Starts a kernel on this bus.
    async fn run(&self, kernel: &Kernel, handlers: Handlers) {
        match self {
            Self::Log => kernel.start(handlers).await.unwrap(),
            #[cfg(feature = "kafka")]
            Self::Kafka(cluster) => {
                kernel.start_on_kafka(handlers, cluster.kafka()).await.unwrap();
            }
        }
    }

    pub(crate) fn message(&self, number: i64) -> NewEvent {
        NewEvent { channel: self.channel().to_owned(), ..happened(number) }
    }

    pub(crate) async fn publish(&self, kernel: &Kernel, name: &str, id: &str, number: i64) {
        let mut unit = unit(kernel, name).await;
        unit.publish(&thing(id), self.message(number)).await.unwrap();
        unit.commit().await.unwrap();
    }
}

/// A [`Writer`] that listens to one channel and knows version 1 of everything.
struct Listener {
    writer: Writer,
    channel: String,
}

impl Consumer for Listener {
    fn name(&self) -> &str {
        self.writer.name
    }

    fn channels(&self) -> Vec<String> {
        vec![self.channel.clone()]
    }

    fn understands(&self, _: &str, schema_version: u32) -> bool {
        schema_version == 1
    }

    async fn handle(&self, event: &Envelope, unit: &mut Unit) -> Handled {
        assert_eq!(event.channel, self.channel);
        self.writer.handle(event, unit).await
    }
}

/// A group of its own: a cluster outlives a test.
pub(crate) fn group(bus: &Bus) -> &'static str {
    Box::leak(format!("group-of-{}", bus.channel()).into_boxed_str())
}

pub(crate) async fn numbers(kernel: &Kernel, name: &str, what: &str) -> Vec<i64> {
    let effects = effects(kernel, name).await;
    effects.into_iter().filter(|it| it.1 == what).map(|it| it.2).collect()
}

async fn everything_is_handled_once_and_in_order(bus: Bus) {
    let home = Home::new();
    let kernel = home.open().await;
    let writer = Writer::new(group(&bus));
    bus.start(&kernel, writer.clone()).await;
    let mut other = unit(&kernel, "acme").await;
    let elsewhere = NewEvent { channel: "elsewhere".to_owned(), ..happened(1) };
    other.publish(&thing("elsewhere"), elsewhere).await.unwrap();
    other.commit().await.unwrap();
    for number in 0..40 {
        for id in ["a", "b", "c", "d", "e"] {
            for name in ["acme", "other"] {
                bus.publish(&kernel, name, id, number).await;
            }
        }
    }
    eventually("all are handled", || async {
        effects(&kernel, "acme").await.len() + effects(&kernel, "other").await.len() >= 400
    })
    .await;
    let all: Vec<i64> = (0..40).collect();
    for name in ["acme", "other"] {
        for id in ["a", "b", "c", "d", "e"] {
            assert_eq!(numbers(&kernel, name, id).await, all, "{name} {id}");
        }
    }
    assert_eq!(writer.calls_for("elsewhere"), 0, "it is on another channel");
    eventually("nothing is left", || async {
        let stats = kernel.stats().await.unwrap();
        stats.readers[0].lag == 0 && stats.readers[0].position >= 400
    })
    .await;
    kernel.shutdown().await.unwrap();
    assert_eq!(inspect(&home.location()).await.unwrap(), []);
}

async fn what_comes_twice_has_one_effect(bus: Bus) {
    let home = Home::new();
    let name = group(&bus);
    let kernel = home.open().await;
    bus.start(&kernel, Writer::new(name)).await;
    for number in 0..20 {
        bus.publish(&kernel, "acme", "a", number).await;
    }
    eventually("all are handled", || async { effects(&kernel, "acme").await.len() == 20 }).await;
    kernel.shutdown().await.unwrap();

    // As if everybody had stopped before a checkpoint was written.
    let kernel = home.open().await;
    let mut forgetting = unit(&kernel, "acme").await;
    let connection = forgetting.sql().1;
    sqlx::query("UPDATE checkpoints SET position = 0").execute(connection).await.unwrap();
    forgetting.commit().await.unwrap();
    let writer = Writer::new(name);
    bus.start(&kernel, writer.clone()).await;
    bus.publish(&kernel, "acme", "a", 20).await;
    eventually("the new one is handled", || async { effects(&kernel, "acme").await.len() > 20 })
        .await;
    assert_eq!(numbers(&kernel, "acme", "a").await, (0..=20).collect::<Vec<_>>());
    assert_eq!(writer.calls_for("a"), 1);
    kernel.shutdown().await.unwrap();
}

async fn a_failing_key_holds_itself_and_no_other(bus: Bus) {
    let home = Home::new();
    let (clock, injected) = manual();
    let kernel = home.open_at(injected).await;
    let writer = Writer::failing(group(&bus), "bad", 1);
    bus.start(&kernel, writer.clone()).await;
    for number in 1..=5 {
        bus.publish(&kernel, "acme", "bad", number).await;
        bus.publish(&kernel, "acme", "good", number).await;
    }
    // The clock stands still: the failed one is not tried again yet.
    eventually("the good are handled", || async {
        numbers(&kernel, "acme", "good").await.len() == 5 && writer.calls_for("bad") == 1
    })
    .await;
    assert!(numbers(&kernel, "acme", "bad").await.is_empty());
    clock.advance(jiff::SignedDuration::from_secs(1));
    eventually("the bad are handled", || async {
        numbers(&kernel, "acme", "bad").await == [1, 2, 3, 4, 5]
    })
    .await;
    assert_eq!(numbers(&kernel, "acme", "good").await, [1, 2, 3, 4, 5]);
    kernel.shutdown().await.unwrap();
}

async fn what_cannot_be_handled_is_a_dead_letter_and_the_rest_goes_on(bus: Bus) {
    let home = Home::new();
    let kernel = home.open_with(Arc::new(SystemClock), 3).await;
    let writer = Writer { panics: true, ..Writer::failing(group(&bus), "bad", 3) };
    bus.start(&kernel, writer.clone()).await;
    for number in 1..=2 {
        bus.publish(&kernel, "acme", "bad", number).await;
    }
    let mut newer = unit(&kernel, "acme").await;
    let message = NewEvent { schema_version: 9, ..bus.message(1) };
    newer.publish(&thing("new"), message).await.unwrap();
    newer.commit().await.unwrap();
    bus.publish(&kernel, "acme", "new", 2).await;
    eventually("the rest is handled", || async {
        numbers(&kernel, "acme", "bad").await == [2] && numbers(&kernel, "acme", "new").await == [2]
    })
    .await;
    assert_eq!((writer.calls_for("bad"), writer.calls_for("new")), (4, 1));
    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    let mut letters = view.dead_letters(None, 10).await.unwrap();
    letters.sort_by(|one, other| one.subject.cmp(&other.subject));
    let found: Vec<_> = letters.iter().map(|it| (it.subject.as_str(), it.attempts)).collect();
    assert_eq!(found, [("Happened of Thing/bad", 3), ("Happened of Thing/new", 1)]);
    assert_eq!(letters[1].reason, "schema version 9 of `Happened` is unknown here");
    drop(view);
    kernel.shutdown().await.unwrap();
}

/// A tenant of this test's own: the channel of a contract is every test's.
fn own_tenant(bus: &Bus) -> String {
    format!("tenant-of-{}", bus.channel())
}

async fn what_breaks_its_contract_is_not_published(bus: Bus) {
    let home = Home::new();
    let kernel = home.open().await;
    let name = own_tenant(&bus);
    bus.run(&kernel, Handlers::new().on::<Counts, _>(group(&bus), Tally)).await;
    let mut writing = unit(&kernel, &name).await;
    let count = |number| NewEvent::from(Counts::Counted(Count { number }));
    for refused in [
        writing.append(&thing("a"), Expected::New, vec![count(1), count(-1)]).await.err(),
        writing.publish(&thing("a"), count(-1)).await.err(),
    ] {
        let Some(Error::Refused(refused)) = refused else { panic!("{refused:?}") };
        let said = "`Counted` breaks its schema: `/number` must be at least 0";
        assert_eq!(refused.to_string(), said);
    }
    assert_eq!(writing.version(&thing("a")).await.unwrap(), 0);
    writing.append(&thing("a"), Expected::New, vec![count(2)]).await.unwrap();
    writing.commit().await.unwrap();
    eventually("the other is handled", || async { numbers(&kernel, &name, "a").await == [2] })
        .await;
    let mut view = kernel.read(&tenant(&name)).await.unwrap();
    assert_eq!(view.load(&thing("a")).await.unwrap().len(), 1);
    drop(view);
    kernel.shutdown().await.unwrap();
}

async fn what_breaks_its_contract_is_a_dead_letter_at_once_and_the_rest_goes_on(bus: Bus) {
    let home = Home::new();
    // Whoever tries it again does so for ever.
    let kernel = home.open().await;
    let name = own_tenant(&bus);
    bus.run(&kernel, Handlers::new().on::<Counts, _>(group(&bus), Tally)).await;
    let mut writing = unit(&kernel, &name).await;
    for (number, (message, _)) in (1..).zip(broken()) {
        writing.publish(&thing("a"), message).await.unwrap();
        let good = NewEvent::from(Counts::Counted(Count { number }));
        writing.publish(&thing("a"), good).await.unwrap();
        writing.publish(&thing("a"), Counts::Forgotten.into()).await.unwrap();
    }
    writing.commit().await.unwrap();
    eventually("the rest is handled", || async {
        numbers(&kernel, &name, "a").await == [1, 2, 3, 4]
    })
    .await;
    let mut view = kernel.read(&tenant(&name)).await.unwrap();
    let letters = view.dead_letters(None, 10).await.unwrap();
    let mut reasons: Vec<_> = letters.iter().map(|it| it.reason.as_str()).collect();
    let mut expected: Vec<_> = broken().iter().map(|(_, reason)| *reason).collect();
    reasons.sort_unstable();
    expected.sort_unstable();
    assert_eq!(reasons, expected);
    assert!(letters.iter().all(|it| it.attempts == 1 && it.source.ends_with(group(&bus))));
    drop(view);
    kernel.shutdown().await.unwrap();
    assert_eq!(inspect(&home.location()).await.unwrap(), []);
}

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Answers whatever it is told, by a message, a timer and a job, each of which counts once more.
struct Echo;

impl Handler<Counts, Unit> for Echo {
    async fn handle(&self, event: Event<Counts>, unit: &mut Unit) -> Handled {
        let traced = |it: Option<TraceParent>| it.map_or("".to_owned(), |it| it.to_string());
        assert_eq!(event.traceparent, unit.cause().traceparent);
        let (stream, said) = (StreamId::from(&event), traced(event.traceparent));
        note(unit.sql(), &said, &event.aggregate_id, event.version).await;
        if let Counts::Counted(Count { number: 1 }) = event.data {
            let again = Counts::Counted(Count { number: 2 });
            unit.append(&stream, Expected::Any, vec![again.into()]).await?;
            unit.schedule("echo", &stream.aggregate_id, unit.now(), &()).await?;
            let (key, payload) = (Some(stream.aggregate_id.as_str()), &());
            unit.enqueue(NewJob { queue: "echo", key, run_at: None, payload }).await?;
        }
        Ok(())
    }
}

impl TimerHandler for Echo {
    fn kind(&self) -> &str {
        "echo"
    }

    async fn fire(&self, timer: &Timer, unit: &mut Unit) -> Handled {
        let again = Counts::Counted(Count { number: 3 });
        unit.append(&thing(&timer.key), Expected::Any, vec![again.into()]).await?;
        Ok(())
    }
}

impl JobHandler for Echo {
    fn queue(&self) -> &str {
        "echo"
    }

    async fn run(&self, job: &Job) -> Handled {
        let mut unit = job.unit().await?;
        let again = Counts::Counted(Count { number: 4 });
        let id = job.key.as_deref().unwrap();
        unit.append(&thing(id), Expected::Any, vec![again.into()]).await?;
        Ok(unit.commit().await?)
    }
}

async fn a_trace_is_carried_through_everything_that_follows(bus: Bus) {
    let home = Home::new();
    let kernel = home.open().await;
    let name = own_tenant(&bus);
    let handlers = Handlers::new().on::<Counts, _>(group(&bus), Echo).timer(Echo).job(Echo);
    bus.run(&kernel, handlers).await;
    for (id, given) in [("a", TRACE), ("b", "00-0-0-01"), ("c", "")] {
        let cause = Cause::request("request-1").traced(given.parse().ok());
        let mut writing = kernel.unit(&tenant(&name), cause).await.unwrap();
        let first = Counts::Counted(Count { number: 1 });
        let events = vec![first.into()];
        writing.append(&thing(id), Expected::New, events).await.unwrap();
        writing.commit().await.unwrap();
    }
    eventually("all are handled", || async { effects(&kernel, &name).await.len() == 12 }).await;
    for (who, what, _) in effects(&kernel, &name).await {
        assert_eq!(who, if what == "a" { TRACE } else { "" }, "{what}");
    }
    kernel.shutdown().await.unwrap();
}

/// Stops processes without a word, with handlers failing and undone work in every stage.
fn effects_happen_once_across_restarts(bus: &Bus) {
    let home = Home::new();
    let name = group(bus);
    let rounds: i64 = 4;
    for round in 0..rounds {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let kernel = home.open().await;
            bus.start(&kernel, Writer::failing(name, "b", 1_000_000)).await;
            for number in 0..10 {
                for id in ["a", "b", "c"] {
                    bus.publish(&kernel, "acme", id, round * 10 + number).await;
                }
            }
            // A broker may never get over a member that leaves while it joins.
            eventually("some are handled", || async {
                numbers(&kernel, "acme", "a").await.last().is_some_and(|last| *last >= round * 10)
            })
            .await;
            tokio::time::sleep(Duration::from_millis(3 * round as u64)).await;
        });
        runtime.shutdown_timeout(Duration::from_secs(10));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let kernel = home.open().await;
        bus.start(&kernel, Writer::new(name)).await;
        let all: Vec<i64> = (0..rounds * 10).collect();
        for id in ["a", "b", "c"] {
            eventually("all are handled", || async {
                numbers(&kernel, "acme", id).await.len() >= all.len()
            })
            .await;
            assert_eq!(numbers(&kernel, "acme", id).await, all);
        }
        kernel.shutdown().await.unwrap();
    });
}

macro_rules! on_each_bus {
    ($($test:ident),+ $(,)?) => {
        on_each_bus!(log, Bus::Log, $($test),+);
        #[cfg(feature = "kafka")]
        on_each_bus!(kafka, Bus::Kafka(Cluster::new()), $($test),+);
    };
    ($name:ident, $bus:expr, $($test:ident),+) => {
        mod $name {
            use super::*;

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test($bus).await;
            })+

            #[test]
            fn effects_happen_once_across_restarts() {
                super::effects_happen_once_across_restarts(&$bus);
            }
        }
    };
}

on_each_bus!(
    everything_is_handled_once_and_in_order,
    what_comes_twice_has_one_effect,
    a_failing_key_holds_itself_and_no_other,
    what_cannot_be_handled_is_a_dead_letter_and_the_rest_goes_on,
    what_breaks_its_contract_is_not_published,
    what_breaks_its_contract_is_a_dead_letter_at_once_and_the_rest_goes_on,
    a_trace_is_carried_through_everything_that_follows,
);
