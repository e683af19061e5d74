//! The SQL of API keys.

use std::time::SystemTime;

use jiff::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;
use symbolon_kernel::Connection;
use symbolon_server::{ApiKey, Failure};

const COLUMNS: &str = "tenant_id, key_id, name, scopes, secret_hash, created_at, expires_at, \
                       revoked_at, used_at";

pub(super) async fn insert(connection: &mut Connection, key: &ApiKey) -> Result<(), Failure> {
    let scopes: Vec<_> = key.scopes.iter().map(String::as_str).collect();
    sqlx::query(
        "INSERT INTO api_keys (tenant_id, key_id, name, scopes, secret_hash, created_at, \
         expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&key.tenant)
    .bind(&key.id)
    .bind(&key.name)
    .bind(scopes.join(" "))
    .bind(key.secret_hash.to_vec())
    .bind(written(key.created_at)?)
    .bind(key.expires_at.map(written).transpose()?)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn find(connection: &mut Connection, id: &str) -> Result<Option<ApiKey>, Failure> {
    let select = format!("SELECT {COLUMNS} FROM api_keys WHERE key_id = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(select)).bind(id).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn list(
    connection: &mut Connection,
    tenant: &str,
) -> Result<Vec<ApiKey>, Failure> {
    let select =
        format!("SELECT {COLUMNS} FROM api_keys WHERE tenant_id = $1 ORDER BY created_at, key_id");
    let query = sqlx::query(sqlx::AssertSqlSafe(select)).bind(tenant);
    query.fetch_all(connection).await?.iter().map(read).collect()
}

pub(super) async fn revoke(
    connection: &mut Connection,
    tenant: &str,
    id: &str,
    at: SystemTime,
) -> Result<bool, Failure> {
    let done = sqlx::query(
        "UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $3) \
         WHERE tenant_id = $1 AND key_id = $2",
    )
    .bind(tenant)
    .bind(id)
    .bind(written(at)?)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn used(
    connection: &mut Connection,
    id: &str,
    at: SystemTime,
) -> Result<(), Failure> {
    sqlx::query("UPDATE api_keys SET used_at = $2 WHERE key_id = $1")
        .bind(id)
        .bind(written(at)?)
        .execute(connection)
        .await?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<ApiKey, Failure> {
    let time = |column| -> Result<Option<SystemTime>, Failure> {
        let at: Option<i64> = row.try_get(column)?;
        Ok(at.map(Timestamp::from_microsecond).transpose()?.map(SystemTime::from))
    };
    let hash: Vec<u8> = row.try_get("secret_hash")?;
    let hash = hash.try_into().map_err(|_| Failure::message("a hash has not 32 bytes"))?;
    let scopes: String = row.try_get("scopes")?;
    Ok(ApiKey {
        id: row.try_get("key_id")?,
        name: row.try_get("name")?,
        tenant: row.try_get("tenant_id")?,
        scopes: scopes.split_whitespace().map(str::to_owned).collect(),
        secret_hash: hash,
        created_at: time("created_at")?.ok_or(Failure::message("a key was made at no time"))?,
        expires_at: time("expires_at")?,
        revoked_at: time("revoked_at")?,
        used_at: time("used_at")?,
    })
}

fn written(at: SystemTime) -> Result<i64, Failure> {
    Ok(Timestamp::try_from(at)?.as_microsecond())
}
