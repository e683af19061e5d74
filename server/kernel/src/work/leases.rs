//! Who may act under a name: one at a time, told apart by an epoch that rises with every holder.
//!
//! A holder that stood still while another took over is refused when it writes: it holds the lease
//! in the transaction of its write. Clocks that differ can make it lose the lease early; they
//! cannot make two write.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sqlx::Row;
use tokio_util::sync::CancellationToken;

use crate::database::dialect::sql;
use crate::database::{Connection, Dialect};
use crate::error::Error;
use crate::faults::broken;
use crate::kernel::Kernel;
use crate::tasks;

/// A holder renews its lease this often while it lasts.
const RENEWALS: i32 = 4;
const PAUSE: Duration = Duration::from_secs(1);

/// A lease that is held, or was.
#[derive(Debug, Clone)]
pub(crate) struct Lease {
    name: String,
    epoch: i64,
    /// Whether there may be another to take over: a file is locked against other processes.
    is_shared: bool,
    ended: CancellationToken,
}

impl Lease {
    /// Cancelled when the kernel closes or another may have taken over.
    pub(crate) fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// Makes sure that it is still held, and that nobody takes over before this transaction ends.
    ///
    /// # Errors
    /// [`Error::Fenced`] when another has taken over.
    pub(crate) async fn hold(&self, connection: &mut Connection) -> Result<(), Error> {
        if !self.is_shared || broken!(LeaseUnheld) {
            #[cfg(feature = "simulation")]
            crate::simulation::held(&self.name, self.epoch);
            return Ok(());
        }
        let dialect = Dialect::of(connection);
        let held = sql!(dialect, "SELECT epoch FROM leases WHERE name = $1 AND epoch = $2", hold);
        let held = sqlx::query(held).bind(&self.name).bind(self.epoch);
        match held.fetch_optional(connection).await? {
            Some(_) => {
                #[cfg(feature = "simulation")]
                crate::simulation::held(&self.name, self.epoch);
                Ok(())
            }
            None => {
                self.ended.cancel();
                Err(Error::Fenced(self.name.clone()))
            }
        }
    }
}

/// Waits for a lease and does the work as long as it is held; again and again until the kernel
/// closes. The work ends when [`Lease::ended`] says so.
pub(crate) async fn lead<W, F>(kernel: Kernel, name: String, work: Arc<W>)
where
    W: Fn(Lease) -> F + Send + Sync,
    F: Future<Output = ()> + Send + 'static,
{
    let closing = kernel.closing();
    while !closing.is_cancelled() {
        match acquire(&kernel, &name).await {
            Ok(Some(epoch)) => {
                let lease = Lease {
                    name: name.clone(),
                    epoch,
                    is_shared: kernel.inner().database.is_shared(),
                    ended: closing.child_token(),
                };
                tracing::debug!(lease = name, epoch, "taken");
                let keeper = tasks::spawn(keep(kernel.clone(), lease.clone()));
                if let Err(stopped) = tasks::spawn(work(lease.clone())).await {
                    tracing::error!(lease = name, %stopped, "begun again");
                    tasks::sleep(PAUSE.min(interval(&kernel))).await;
                }
                keeper.abort();
                if let Err(error) = release(&kernel, &lease).await {
                    tracing::debug!(lease = name, %error, "not given back");
                }
                continue;
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(lease = name, cause = ?error, "a lease was not taken"),
        }
        tokio::select! {
            biased;
            () = closing.cancelled() => {}
            () = tasks::sleep(PAUSE.min(interval(&kernel))) => {}
        }
    }
}

fn interval(kernel: &Kernel) -> Duration {
    let duration = kernel.inner().settings.lease / RENEWALS;
    Duration::try_from(duration).unwrap_or(PAUSE)
}

/// Renews a lease until it is lost.
async fn keep(kernel: Kernel, lease: Lease) {
    if !lease.is_shared {
        return;
    }
    let mut expires_at = kernel.clock().now() + kernel.inner().settings.lease;
    loop {
        tasks::sleep(interval(&kernel)).await;
        match renew(&kernel, &lease).await {
            Ok(Some(until)) => expires_at = until,
            Ok(None) => return lease.ended.cancel(),
            Err(error) => {
                tracing::warn!(lease = lease.name, cause = ?error, "a lease was not renewed");
                if kernel.clock().now() >= expires_at {
                    return lease.ended.cancel();
                }
            }
        }
    }
}

fn expiry(kernel: &Kernel) -> Result<Timestamp, Error> {
    let lasting: SignedDuration = kernel.inner().settings.lease;
    Ok(kernel.clock().now().saturating_add(lasting).unwrap_or(Timestamp::MAX))
}

/// Takes a lease that nobody holds; returns its new epoch.
async fn acquire(kernel: &Kernel, name: &str) -> Result<Option<i64>, Error> {
    let database = &kernel.inner().database;
    let mut turn = database.turn().await?;
    let connection = turn.connection();
    let (now, expires_at) = (kernel.clock().now(), expiry(kernel)?);
    // Before it is locked: whoever stands by neither waits for the holder nor is in its way.
    if database.is_shared() {
        let until: Option<i64> =
            sqlx::query_scalar("SELECT expires_at FROM leases WHERE name = $1")
                .bind(name)
                .fetch_optional(&mut *connection)
                .await?;
        if until.is_some_and(|until| until > now.as_microsecond()) {
            turn.rollback().await?;
            return Ok(None);
        }
    }
    let select =
        sql!(database.dialect(), "SELECT epoch, expires_at FROM leases WHERE name = $1", lock);
    let found = sqlx::query(select).bind(name).fetch_optional(&mut *connection).await?;
    let epoch = match found {
        None => 0,
        Some(row) => {
            let until: i64 = row.try_get("expires_at")?;
            if until > now.as_microsecond() && database.is_shared() {
                turn.rollback().await?;
                return Ok(None);
            }
            row.try_get("epoch")?
        }
    };
    let taken: Option<i64> = sqlx::query_scalar(
        "INSERT INTO leases (name, holder, epoch, expires_at) VALUES ($1, $2, 1, $3) \
         ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, epoch = leases.epoch + 1, \
         expires_at = excluded.expires_at WHERE leases.epoch = $4 RETURNING epoch",
    )
    .bind(name)
    .bind(&kernel.inner().name)
    .bind(expires_at.as_microsecond())
    .bind(epoch)
    .fetch_optional(connection)
    .await?;
    turn.commit().await?;
    #[cfg(feature = "simulation")]
    crate::simulation::taken(name, taken);
    Ok(taken)
}

async fn renew(kernel: &Kernel, lease: &Lease) -> Result<Option<Timestamp>, Error> {
    let expires_at = expiry(kernel)?;
    let mut turn = kernel.inner().database.turn().await?;
    let renewed = sqlx::query("UPDATE leases SET expires_at = $3 WHERE name = $1 AND epoch = $2")
        .bind(&lease.name)
        .bind(lease.epoch)
        .bind(expires_at.as_microsecond())
        .execute(turn.connection())
        .await?;
    turn.commit().await?;
    Ok((renewed.rows_affected() > 0).then_some(expires_at))
}

/// Lets another take it at once.
async fn release(kernel: &Kernel, lease: &Lease) -> Result<(), Error> {
    let mut turn = kernel.inner().database.turn().await?;
    sqlx::query("UPDATE leases SET expires_at = 0 WHERE name = $1 AND epoch = $2")
        .bind(&lease.name)
        .bind(lease.epoch)
        .execute(turn.connection())
        .await?;
    turn.commit().await
}
