//! The load of a drill: orders are placed and amended by many callers at once, and whatever was
//! acknowledged is told to whoever started it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use symbolon_kernel::{BoxError, Cause, Claim, Claimed, Expected, Kernel, NewJob, TenantId, Unit};
use symbolon_wire::idempotency::{Answer, Answers as _, Ended, Keyed, Known};
use tokio::task::JoinSet;

use crate::audit::Acknowledged;
use crate::shop::{COMMANDS, ORDERS, REMIND, SHIPPING, TENANTS, message, stream};
use crate::till;

/// How long a request has its key to itself.
const ALONE: Duration = Duration::from_millis(20);
/// How long its answer is known.
const KEPT: Duration = Duration::from_hours(24);

/// How much is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Begins the ids of orders: no two loads on one database may share it.
    pub seed: u64,
    /// Callers at once.
    pub callers: u64,
    /// Orders each of them places.
    pub orders: u64,
}

/// Does it; `acknowledge` is told of each commit as soon as it was confirmed. What fails is tried
/// again under the same key until it is done.
pub async fn load<F>(kernel: &Kernel, load: Load, acknowledge: F)
where
    F: Fn(Acknowledged) + Send + Sync + 'static,
{
    let acknowledge = Arc::new(acknowledge);
    let failures = Arc::new(AtomicU64::new(0));
    let mut callers = JoinSet::new();
    for caller in 0..load.callers {
        let (kernel, acknowledge) = (kernel.clone(), Arc::clone(&acknowledge));
        let failures = Arc::clone(&failures);
        callers.spawn(async move {
            for order in 0..load.orders {
                let tenant = TENANTS[((caller + order) % TENANTS.len() as u64) as usize];
                let id = format!("{tenant}-{}-{caller}-{order}", load.seed);
                for step in [Step::Place, Step::Amend, Step::Repeat, Step::RepeatAtEdge] {
                    let done = until_done(&kernel, tenant, &id, step, &failures).await;
                    acknowledge(done);
                }
            }
        });
    }
    while callers.join_next().await.is_some() {}
    tracing::info!(failures = failures.load(Ordering::Relaxed), "the load is done");
}

/// One request of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Place,
    Amend,
    /// The same submission once more, as a caller does who got no answer.
    Repeat,
    /// The same behind an edge that keeps answers.
    RepeatAtEdge,
}

async fn until_done(
    kernel: &Kernel,
    tenant: &str,
    id: &str,
    step: Step,
    failures: &AtomicU64,
) -> Acknowledged {
    loop {
        let (kernel, tenant_name, order) = (kernel.clone(), tenant.to_owned(), id.to_owned());
        // A task of its own: a place to fail may panic.
        let tried = tokio::spawn(async move { take(&kernel, &tenant_name, &order, step).await });
        // A place to fail may let it stand still: a caller waits no longer than this.
        let tried = tokio::time::timeout(Duration::from_secs(5), tried).await;
        if let Ok(Ok(Ok(version))) = tried {
            return Acknowledged { tenant: tenant.to_owned(), order: id.to_owned(), version };
        }
        failures.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub(crate) async fn take(
    kernel: &Kernel,
    tenant: &str,
    id: &str,
    step: Step,
) -> Result<i64, BoxError> {
    let named = TenantId::new(tenant)?;
    let cause = || Cause::request(id);
    match step {
        Step::Place | Step::Repeat => place(kernel.unit(&named, cause()).await?, id).await,
        Step::Amend => amend(kernel.unit(&named, cause()).await?, id).await,
        Step::RepeatAtEdge => repeat_at_edge(kernel, &named, id).await,
    }
}

async fn repeat_at_edge(kernel: &Kernel, tenant: &TenantId, id: &str) -> Result<i64, BoxError> {
    let (key, fingerprint) = (id.to_owned(), id.to_owned());
    let request =
        Keyed { tenant: tenant.as_str().to_owned(), operation: "placeOrder", key, fingerprint };
    match kernel.begin(&request, ALONE).await? {
        Known::Answered(answer) => Ok(serde_json::from_slice(&answer.body)?),
        Known::InFlight => Err("it is under way".into()),
        Known::Reused => Err("a key stands for something else".into()),
        Known::Nothing(permit) => {
            let unit = kernel.unit(tenant, Cause::request(id)).await?;
            let version = place(unit, id).await?;
            let (media_type, body) = (None, version.to_string().into_bytes());
            let answer = Answer { status: 201, media_type, headers: Vec::new(), body };
            kernel.end(&request, permit, Ended::Done(answer, KEPT)).await?;
            Ok(version)
        }
    }
}

async fn place(unit: Unit, id: &str) -> Result<i64, BoxError> {
    let claim = Claim { operation: "placeOrder", key: id, fingerprint: id, resource: id };
    let mut unit = match unit.claim(claim).await? {
        Claimed::Fresh(unit) => unit,
        Claimed::Replay { resource, .. } if resource == id => return Ok(1),
        Claimed::Replay { resource, .. } => return Err(format!("led to {resource}").into()),
        Claimed::KeyReused => return Err("a key stands for something else".into()),
    };
    let placed = message(ORDERS, "OrderPlaced", id)?;
    unit.append(&stream(id), Expected::New, vec![placed]).await?;
    unit.publish(&stream(id), message(COMMANDS, "PackOrder", id)?).await?;
    let due_at = unit.now() + SignedDuration::from_millis(20);
    unit.schedule(REMIND, id, due_at, &()).await?;
    unit.enqueue(NewJob { queue: SHIPPING, key: Some(id), run_at: None, payload: id }).await?;
    till::pay(&mut unit, id).await?;
    unit.commit().await?;
    Ok(1)
}

/// Appends behind whatever has happened to the order in the meantime.
async fn amend(mut unit: Unit, id: &str) -> Result<i64, BoxError> {
    let events = unit.load(&stream(id)).await?;
    if let Some(amended) = events.iter().find(|event| event.event_type == "OrderAmended") {
        let version = amended.version;
        unit.rollback().await?;
        return Ok(version);
    }
    let expected = Expected::Version(events.last().map_or(0, |event| event.version));
    let amended = message(ORDERS, "OrderAmended", id)?;
    let appended = unit.append(&stream(id), expected, vec![amended]).await?;
    till::spend(&mut unit, id).await?;
    unit.commit().await?;
    Ok(appended[0].version)
}
