//! The same rows, written by hand with the driver of the database itself.

use std::time::Instant;

use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};
use symbolon_kernel::{BoxError, Location};
use tokio::task::JoinSet;

/// Connections of a pool by hand on PostgreSQL, as many as the kernel has.
const CONNECTIONS: u64 = 16;

const KEY: &str = "INSERT INTO idempotency (tenant_id, operation, idempotency_key, fingerprint, \
    resource, created_at) VALUES ($1, 'place', $2, $2, $2, 1) \
    ON CONFLICT (tenant_id, operation, idempotency_key) DO NOTHING";
const STREAM: &str = "INSERT INTO streams (tenant_id, aggregate_type, aggregate_id, version) \
    VALUES ($1, 'Order', $2, 1) ON CONFLICT (tenant_id, aggregate_type, aggregate_id) \
    DO NOTHING RETURNING version";
const MESSAGE: &str = "INSERT INTO messages (message_id, tenant_id, channel, aggregate_type, \
    aggregate_id, version, type, schema_version, occurred_at, correlation_id, causation_id, data) \
    VALUES ($2, $1, 'shop.orders.v1', 'Order', $2, 1, 'OrderPlaced', 1, 1, $2, $2, $3) \
    RETURNING seq";
const OUTBOX: &str = "INSERT INTO outbox (seq, unit) VALUES ($1, $1)";
const TRANSFER: &str = "INSERT INTO ledger_transfers (tenant_id, transfer_id, reason, metadata, \
    floors, posted_at, correlation_id, causation_id) \
    VALUES ($1, $2, 'a deposit', 'null', 'kept', 1, 'post', 'post')";
const ENTRY: &str = "INSERT INTO ledger_entries (tenant_id, account, number, currency, \
    transfer_id, total_delta, reserved_delta, total_after, reserved_after, posted_at) \
    VALUES ($1, $2, $3, 'USD', $4, 1, 0, 1, 0, 1)";

macro_rules! unit {
    ($connection:expr, $begin:literal, $id:expr) => {{
        let (connection, id): (&mut _, &str) = ($connection, $id);
        let data = format!("{{\"orderId\":\"{id}\"}}");
        sqlx::query($begin).execute(&mut *connection).await?;
        sqlx::query(KEY).bind("hand").bind(id).execute(&mut *connection).await?;
        let _: i64 =
            sqlx::query_scalar(STREAM).bind("hand").bind(id).fetch_one(&mut *connection).await?;
        let message = sqlx::query_scalar(MESSAGE).bind("hand").bind(id).bind(data);
        let seq: i64 = message.fetch_one(&mut *connection).await?;
        sqlx::query(OUTBOX).bind(seq).execute(&mut *connection).await?;
        sqlx::query("COMMIT").execute(&mut *connection).await?;
    }};
}

async fn sqlite(path: &std::path::Path) -> Result<SqliteConnection, BoxError> {
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await?;
    connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL").await?;
    Ok(connection)
}

/// Units a second.
pub(super) async fn units(location: &Location, callers: u64, each: u64) -> Result<f64, BoxError> {
    let began;
    match location {
        // There is one writer: many callers are one after the other.
        Location::File(path) => {
            let mut connection = sqlite(path).await?;
            began = Instant::now();
            for number in 0..callers * each {
                let id = format!("{callers}-{number}");
                unit!(&mut connection, "BEGIN IMMEDIATE", &id);
            }
        }
        Location::Server(url) => {
            let mut connections = Vec::new();
            for _ in 0..callers.min(CONNECTIONS) {
                connections.push(PgConnection::connect(url.as_str()).await?);
            }
            let share = callers * each / connections.len() as u64;
            began = Instant::now();
            let mut tasks = JoinSet::new();
            for (caller, mut connection) in connections.into_iter().enumerate() {
                tasks.spawn(async move {
                    for number in 0..share {
                        let id = format!("{callers}-{caller}-{number}");
                        unit!(&mut connection, "BEGIN", &id);
                    }
                    Ok::<_, BoxError>(())
                });
            }
            while let Some(done) = tasks.join_next().await {
                done??;
            }
        }
    }
    Ok((callers * each) as f64 / began.elapsed().as_secs_f64())
}

macro_rules! postings {
    ($connection:expr, $rounds:expr, $each:expr) => {{
        let connection = $connection;
        for round in 0..$rounds {
            sqlx::query("BEGIN").execute(&mut *connection).await?;
            for number in 0..$each {
                let id = format!("{round}-{number}");
                sqlx::query(TRANSFER).bind("hand").bind(&id).execute(&mut *connection).await?;
                for account in ["house", "user"] {
                    sqlx::query(ENTRY)
                        .bind("hand")
                        .bind(account)
                        .bind((round * $each + number + 1) as i64)
                        .bind(&id)
                        .execute(&mut *connection)
                        .await?;
                }
            }
            sqlx::query("COMMIT").execute(&mut *connection).await?;
        }
    }};
}

/// The rows of so many postings, inserted and nothing else: no account is read or changed.
pub(super) async fn postings(location: &Location, rounds: u64, each: u64) -> Result<f64, BoxError> {
    let began;
    match location {
        Location::File(path) => {
            let mut connection = sqlite(path).await?;
            began = Instant::now();
            postings!(&mut connection, rounds, each);
        }
        Location::Server(url) => {
            let mut connection = PgConnection::connect(url.as_str()).await?;
            began = Instant::now();
            postings!(&mut connection, rounds, each);
        }
    }
    Ok((rounds * each) as f64 / began.elapsed().as_secs_f64())
}
