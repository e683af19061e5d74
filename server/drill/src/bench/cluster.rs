//! What shipping to Kafka costs, and what a second process beside the first brings.

use std::sync::Arc;
use std::time::{Duration, Instant};

use symbolon_kernel::{
    BoxError, Cause, Consumer, Envelope, Expected, Handled, Handlers, Kafka, Kernel, Location,
    SystemClock, Topics, Unit,
};
use tokio::task::JoinSet;

use super::{Line, tenant};
use crate::shop::{effect, message, stream};

const CALLERS: usize = 16;
/// Units of each caller.
const UNITS: usize = 60;
/// Messages of one unit, of one stream.
const EACH: usize = 20;
/// Members of a group have found each other after this.
const JOINING: Duration = Duration::from_secs(8);
const LOOK: Duration = Duration::from_millis(20);

/// Measures on a database and a cluster, in that order: shipping what lies in the outbox, then
/// everything from append to effect, by one kernel and by two that share the work.
///
/// # Errors
/// When the database or the cluster fails.
pub async fn cluster(location: &Location, kafka: &Kafka) -> Result<Vec<Line>, BoxError> {
    let shipped = ship(location, kafka).await?;
    let mut lines =
        vec![Line::alone("relay and ship to Kafka", format!("{shipped:.0}/s"), "≥ 5,000/s")];
    let alone = work(location, kafka, 1).await?;
    let together = work(location, kafka, 2).await?;
    let what = "append to effect: two relays and workers against one";
    lines.push(Line::rates(what, together, alone, "reported"));
    Ok(lines)
}

/// Writes down every message of one channel.
struct Counting {
    name: String,
    channel: String,
}

impl Consumer for Counting {
    fn name(&self) -> &str {
        &self.name
    }

    fn channels(&self) -> Vec<String> {
        vec![self.channel.clone()]
    }

    async fn handle(&self, event: &Envelope, unit: &mut Unit) -> Handled {
        let (id, version) = (event.aggregate_id.clone(), event.version);
        Ok(effect(unit.sql(), &self.name, &id, "counted", version).await?)
    }
}

/// A cluster whose topics are made when they are needed.
fn creating(kafka: &Kafka) -> Kafka {
    Kafka { topics: Topics::Create { partitions: 4, replication: 1 }, ..kafka.clone() }
}

async fn open(location: &Location) -> Result<Kernel, BoxError> {
    Ok(Kernel::open(location, &[crate::MIGRATIONS], Arc::new(SystemClock)).await?)
}

/// Appends so many units a caller, by callers at once that take the kernels in turn; returns how
/// many messages that were.
async fn append(kernels: &[Kernel], channel: &str, units: usize) -> Result<usize, BoxError> {
    let mut tasks = JoinSet::new();
    for caller in 0..CALLERS {
        let (kernel, channel) = (kernels[caller % kernels.len()].clone(), channel.to_owned());
        tasks.spawn(async move {
            for number in 0..units {
                let id = format!("{channel}-{caller}-{number}");
                let mut unit = kernel.unit(&tenant(), Cause::request(&id)).await?;
                let event = message(&channel, "OrderPlaced", &id)?;
                unit.append(&stream(&id), Expected::Any, vec![event; EACH]).await?;
                unit.commit().await?;
            }
            Ok::<_, BoxError>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(CALLERS * units * EACH)
}

/// Asks until a number of the database has reached another.
async fn until(
    kernel: &Kernel,
    (number, name): (&'static str, &str),
    count: usize,
) -> Result<(), BoxError> {
    loop {
        let mut view = kernel.read(&tenant()).await?;
        let reached: i64 = sqlx::query_scalar(number).bind(name).fetch_one(view.sql().1).await?;
        drop(view);
        if reached >= count as i64 {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn ship(location: &Location, kafka: &Kafka) -> Result<f64, BoxError> {
    let kernel = open(location).await?;
    let count = append(std::slice::from_ref(&kernel), "bench.shipped", UNITS).await?;
    let began = Instant::now();
    kernel.start_on_kafka(Handlers::new(), creating(kafka)).await?;
    let shipped = "SELECT COALESCE(MAX(position), 0) FROM checkpoints WHERE reader = $1";
    until(&kernel, (shipped, "bus:kafka"), count).await?;
    let rate = count as f64 / began.elapsed().as_secs_f64();
    kernel.shutdown().await?;
    Ok(rate)
}

async fn work(location: &Location, kafka: &Kafka, processes: usize) -> Result<f64, BoxError> {
    let name = format!("bench.worked.{processes}");
    let mut kernels = Vec::new();
    for _ in 0..processes {
        let kernel = open(location).await?;
        let counting = Counting { name: name.clone(), channel: name.clone() };
        kernel.start_on_kafka(Handlers::new().consumer(counting), creating(kafka)).await?;
        kernels.push(kernel);
    }
    // The first messages make the topic.
    let first = append(&kernels, &name, 1).await?;
    tokio::time::sleep(JOINING).await;
    let began = Instant::now();
    let count = append(&kernels, &name, UNITS).await?;
    let counted = "SELECT COUNT(*) FROM effects WHERE who = $1";
    until(&kernels[0], (counted, &name), first + count).await?;
    let rate = count as f64 / began.elapsed().as_secs_f64();
    for kernel in kernels {
        kernel.shutdown().await?;
    }
    Ok(rate)
}
