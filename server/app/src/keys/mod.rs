//! API keys: `symbolon-server key create`, `list` and `revoke`, and where the server looks them up.

mod sql;
mod stores;

use anyhow::{Context, bail};
use calls_server::OPENAPI;
use jiff::Timestamp;
use symbolon_kernel::{Error, Kernel, Location, Migration, MigrationSet, machine_clock};
use symbolon_server::{ApiKey, ApiKeys, CreatedApiKey, Failure, KeyStore, NewApiKey};

use crate::configuration::{KeyCommand, ListKeys, NewKey, RevokeKey};
use crate::maintenance::there;
use crate::{MIGRATIONS, identity};
use stores::ConnectionKeys;
pub(crate) use stores::KernelKeys;

/// The table of keys, for [`Kernel::open`].
pub(crate) const TABLES: MigrationSet = MigrationSet {
    name: "keys",
    files: &[Migration {
        name: "0001_create_api_keys",
        sql: include_str!("../../../../migrations/keys/0001_create_api_keys.sql"),
    }],
};

/// The keys of a kernel's database, by its clock.
pub(crate) fn of(kernel: &Kernel) -> ApiKeys<KernelKeys> {
    let clock = kernel.clock();
    ApiKeys::new(KernelKeys::new(kernel.clone())).clock(move || clock.now().into())
}

pub(crate) async fn run(command: KeyCommand) -> anyhow::Result<()> {
    match command {
        KeyCommand::Create(new) => create(new).await,
        KeyCommand::List(list) => self::list(list).await,
        KeyCommand::Revoke(revoke) => self::revoke(revoke).await,
    }
}

/// Prints the key alone on standard output, and what it is on standard error.
async fn create(new: NewKey) -> anyhow::Result<()> {
    let known = identity::scopes(OPENAPI)?;
    if let Some(other) = new.scopes.iter().find(|scope| !known.contains(*scope)) {
        let known: Vec<_> = known.iter().map(String::as_str).collect();
        bail!("`{other}` is no scope of the contract, which has {}", known.join(", "));
    }
    let keys = open(&new.database.location()?).await?;
    let wanted = NewApiKey {
        name: new.name,
        tenant: new.tenant,
        scopes: new.scopes.into_iter().collect(),
        lifetime: new.lifetime.0,
    };
    let CreatedApiKey { key, text } = keys.create(wanted).await.map_err(told)?;
    let until = key.expires_at.map(shown).transpose()?;
    let until = until.map_or("it never ends".to_owned(), |at| format!("it ends at {at}"));
    eprintln!("created      key {} of {}: {until}, and is shown now only", key.id, key.tenant);
    println!("{text}");
    Ok(())
}

async fn list(list: ListKeys) -> anyhow::Result<()> {
    let location = list.database.location()?;
    there(&location)?;
    let keys = open(&location).await?;
    let now = machine_clock().now().into();
    for key in keys.list(&list.tenant).await.map_err(told)? {
        println!("{}", line(&key, now)?);
    }
    Ok(())
}

/// A key in one line: id, state, when it was made, ends and was last used, scopes, name.
fn line(key: &ApiKey, now: std::time::SystemTime) -> anyhow::Result<String> {
    let state = match (key.revoked_at, key.expires_at) {
        (Some(_), _) => "revoked",
        (None, Some(at)) if at <= now => "expired",
        (None, _) => "good",
    };
    let time = |at: Option<_>| at.map(shown).transpose().map(|at| at.unwrap_or("never".to_owned()));
    let (created, expires) = (shown(key.created_at)?, time(key.expires_at)?);
    let used = time(key.used_at)?;
    let scopes: Vec<_> = key.scopes.iter().map(String::as_str).collect();
    let (id, scopes, name) = (&key.id, scopes.join(","), &key.name);
    Ok(format!(
        "{id}  {state:7}  made {created}  ends {expires:20}  used {used:20}  {scopes}  {name}"
    ))
}

async fn revoke(revoke: RevokeKey) -> anyhow::Result<()> {
    let location = revoke.database.location()?;
    there(&location)?;
    let keys = open(&location).await?;
    if !keys.revoke(&revoke.tenant, &revoke.id).await.map_err(told)? {
        bail!("tenant {} has no key {}", revoke.tenant, revoke.id);
    }
    println!("revoked      key {} of {}", revoke.id, revoke.tenant);
    Ok(())
}

/// The keys of a database that may be in use: who has it open goes on, and sees what is done here.
async fn open(location: &Location) -> anyhow::Result<ApiKeys<impl KeyStore>> {
    match Kernel::open(location, &MIGRATIONS, machine_clock()).await {
        Ok(kernel) => kernel.shutdown().await?,
        // Whoever uses it has brought its schema up to date.
        Err(Error::InUse(_)) => {}
        Err(error) => return Err(error).with_context(|| format!("{location} cannot be opened")),
    }
    let store = ConnectionKeys::open(location).await;
    let store = store.with_context(|| format!("{location} cannot be opened"))?;
    let clock = machine_clock();
    Ok(ApiKeys::new(store).clock(move || clock.now().into()))
}

fn told(failure: Failure) -> anyhow::Error {
    anyhow::anyhow!("{failure}")
}

/// A time to the second.
fn shown(at: std::time::SystemTime) -> anyhow::Result<String> {
    let at = Timestamp::from_second(Timestamp::try_from(at)?.as_second())?;
    Ok(at.to_string())
}
