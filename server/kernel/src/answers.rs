//! Answers to requests that carry an idempotency key, kept for the edge.
//!
//! Two short transactions a request, beside that of its effect: a process that ends in between
//! leaves the key locked, and then free. An effect that is one unit of work claims its key in it
//! instead ([`Unit::claim`](crate::Unit::claim)).

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use sqlx::Row;
use sqlx::any::AnyRow;
use symbolon_wire::idempotency::{Answer, Answers, Ended, Keyed, Known, Permit, Unanswered};

use crate::delivery::messages::parsed;
use crate::error::Error;
use crate::faults::fault;
use crate::kernel::Kernel;

impl Answers for Kernel {
    fn begin<'a>(
        &'a self,
        request: &'a Keyed,
        alone_for: Duration,
    ) -> BoxFuture<'a, Result<Known, Unanswered>> {
        begin(self, request, alone_for).map(|known| known.map_err(Into::into)).boxed()
    }

    fn end<'a>(
        &'a self,
        request: &'a Keyed,
        permit: Permit,
        ended: Ended,
    ) -> BoxFuture<'a, Result<(), Unanswered>> {
        end(self, request, permit, ended).map(|ended| ended.map_err(Into::into)).boxed()
    }
}

async fn begin(kernel: &Kernel, request: &Keyed, alone_for: Duration) -> Result<Known, Error> {
    let now = kernel.now();
    let mut turn = kernel.inner().database.turn().await?;
    fault!("answer.begin.before");
    let permit: Option<i64> = sqlx::query_scalar(
        "INSERT INTO answers (tenant_id, operation, idempotency_key, fingerprint, permit, until) \
         VALUES ($1, $2, $3, $4, 1, $5) \
         ON CONFLICT (tenant_id, operation, idempotency_key) DO UPDATE SET \
         fingerprint = excluded.fingerprint, permit = answers.permit + 1, until = excluded.until, \
         status = NULL, media_type = NULL, headers = NULL, body = NULL \
         WHERE answers.until <= $6 RETURNING permit",
    )
    .bind(&request.tenant)
    .bind(request.operation)
    .bind(&request.key)
    .bind(&request.fingerprint)
    .bind(after(now, alone_for).as_microsecond())
    .bind(now.as_microsecond())
    .fetch_optional(turn.connection())
    .await?;
    if let Some(permit) = permit {
        turn.commit().await?;
        fault!("answer.begin.after");
        return Ok(Known::Nothing(Permit(permit)));
    }
    let row = sqlx::query(
        "SELECT fingerprint, status, media_type, headers, body FROM answers \
         WHERE tenant_id = $1 AND operation = $2 AND idempotency_key = $3",
    )
    .bind(&request.tenant)
    .bind(request.operation)
    .bind(&request.key)
    .fetch_optional(turn.connection())
    .await?;
    let known = match row {
        // Whoever had it has just let go of it.
        None => Known::InFlight,
        Some(row) if row.try_get::<String, _>("fingerprint")? != request.fingerprint => {
            Known::Reused
        }
        Some(row) => answer(&row)?.map_or(Known::InFlight, Known::Answered),
    };
    turn.rollback().await?;
    Ok(known)
}

async fn end(kernel: &Kernel, request: &Keyed, permit: Permit, ended: Ended) -> Result<(), Error> {
    let now = kernel.now();
    let mut turn = kernel.inner().database.turn().await?;
    fault!("answer.end.before");
    let query = match ended {
        Ended::InVain => sqlx::query(
            "DELETE FROM answers WHERE tenant_id = $1 AND operation = $2 \
             AND idempotency_key = $3 AND permit = $4 AND status IS NULL",
        )
        .bind(&request.tenant)
        .bind(request.operation)
        .bind(&request.key)
        .bind(permit.0),
        Ended::Done(answer, kept_for) => sqlx::query(
            "UPDATE answers SET until = $5, status = $6, media_type = $7, headers = $8, \
             body = $9 WHERE tenant_id = $1 AND operation = $2 AND idempotency_key = $3 \
             AND permit = $4 AND status IS NULL",
        )
        .bind(&request.tenant)
        .bind(request.operation)
        .bind(&request.key)
        .bind(permit.0)
        .bind(after(now, kept_for).as_microsecond())
        .bind(i64::from(answer.status))
        .bind(answer.media_type)
        .bind(serde_json::to_string(&answer.headers)?)
        .bind(answer.body),
    };
    query.execute(turn.connection()).await?;
    turn.commit().await?;
    fault!("answer.end.after");
    Ok(())
}

fn answer(row: &AnyRow) -> Result<Option<Answer>, sqlx::Error> {
    let Some(status) = row.try_get::<Option<i64>, _>("status")? else { return Ok(None) };
    Ok(Some(Answer {
        status: parsed(status.try_into())?,
        media_type: row.try_get("media_type")?,
        headers: parsed(serde_json::from_str(row.try_get("headers")?))?,
        body: row.try_get("body")?,
    }))
}

fn after(now: Timestamp, time: Duration) -> Timestamp {
    let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
    now.saturating_add(time).unwrap_or(Timestamp::MAX)
}
