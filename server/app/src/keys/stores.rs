//! Two ways to the table of keys: through a kernel, and beside one.

use std::time::SystemTime;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use symbolon_kernel::{Cause, Connection, Kernel, Location, TenantId};
use symbolon_server::{ApiKey, Failure, KeyStore};
use tokio::sync::Mutex;

use super::sql;

/// Keys of the database that a kernel has open.
pub(crate) struct KernelKeys {
    kernel: Kernel,
    /// Whose a key is is known when it is found; until then this one asks.
    asking: TenantId,
}

impl KernelKeys {
    pub(crate) fn new(kernel: Kernel) -> Self {
        let asking = TenantId::new("keys").expect("a name of 1 to 255 bytes");
        Self { kernel, asking }
    }
}

impl KeyStore for KernelKeys {
    async fn insert(&self, key: &ApiKey) -> Result<(), Failure> {
        let tenant = TenantId::new(&key.tenant)?;
        let mut unit = self.kernel.unit(&tenant, Cause::request(&key.id)).await?;
        sql::insert(unit.sql().1, key).await?;
        Ok(unit.commit().await?)
    }

    async fn find(&self, id: &str) -> Result<Option<ApiKey>, Failure> {
        sql::find(self.kernel.read(&self.asking).await?.sql().1, id).await
    }

    async fn list(&self, tenant: &str) -> Result<Vec<ApiKey>, Failure> {
        sql::list(self.kernel.read(&TenantId::new(tenant)?).await?.sql().1, tenant).await
    }

    async fn revoke(&self, tenant: &str, id: &str, at: SystemTime) -> Result<bool, Failure> {
        let owner = TenantId::new(tenant)?;
        let mut unit = self.kernel.unit(&owner, Cause::request(id)).await?;
        let revoked = sql::revoke(unit.sql().1, tenant, id, at).await?;
        unit.commit().await?;
        Ok(revoked)
    }

    async fn used(&self, id: &str, at: SystemTime) -> Result<(), Failure> {
        let mut unit = self.kernel.unit(&self.asking, Cause::request(id)).await?;
        sql::used(unit.sql().1, id, at).await?;
        Ok(unit.commit().await?)
    }
}

/// Keys of a database that another process may have open; each statement is a transaction.
pub(super) struct ConnectionKeys(Mutex<Connection>);

impl ConnectionKeys {
    pub(super) async fn open(location: &Location) -> Result<Self, sqlx::Error> {
        let url = match location {
            Location::File(path) => SqliteConnectOptions::new().filename(path).to_url_lossy(),
            Location::Server(url) => url.clone(),
        };
        Ok(Self(Mutex::new(Connection::connect(url.as_str()).await?)))
    }
}

impl KeyStore for ConnectionKeys {
    async fn insert(&self, key: &ApiKey) -> Result<(), Failure> {
        sql::insert(&mut *self.0.lock().await, key).await
    }

    async fn find(&self, id: &str) -> Result<Option<ApiKey>, Failure> {
        sql::find(&mut *self.0.lock().await, id).await
    }

    async fn list(&self, tenant: &str) -> Result<Vec<ApiKey>, Failure> {
        sql::list(&mut *self.0.lock().await, tenant).await
    }

    async fn revoke(&self, tenant: &str, id: &str, at: SystemTime) -> Result<bool, Failure> {
        sql::revoke(&mut *self.0.lock().await, tenant, id, at).await
    }

    async fn used(&self, id: &str, at: SystemTime) -> Result<(), Failure> {
        sql::used(&mut *self.0.lock().await, id, at).await
    }
}
