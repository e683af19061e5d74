//! The care of a database: schema, backup, restore, audit.

use std::fs::{self, File, Permissions};
use std::io::{BufReader, BufWriter};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use symbolon_kernel::{Kernel, Location, SystemClock};

use crate::MIGRATIONS;
use crate::configuration::{Archive, Database};

/// The exit code of an audit that has found something.
const FOUND: u8 = 2;

pub(crate) async fn migrate(database: &Database) -> anyhow::Result<()> {
    let location = database.location()?;
    let kernel = Kernel::open(&location, &MIGRATIONS, Arc::new(SystemClock)).await;
    kernel.with_context(|| format!("{location} cannot be opened"))?.shutdown().await?;
    println!("migrated     {location}");
    Ok(())
}

/// Under a name of its own until it is whole.
pub(crate) async fn backup(archive: &Archive) -> anyhow::Result<()> {
    let (location, file) = (archive.database.location()?, &archive.file);
    there(&location)?;
    let name = file.file_name().context("the backup needs the name of a file")?;
    let partial = file.with_file_name(format!("{}.partial", name.to_string_lossy()));
    let out = File::create(&partial);
    let out = out.with_context(|| format!("{} cannot be written", partial.display()))?;
    out.set_permissions(Permissions::from_mode(0o600))?;
    let written = symbolon_kernel::backup(&location, BufWriter::new(&out)).await;
    if written.is_err() {
        fs::remove_file(&partial)?;
    }
    let rows = written.with_context(|| format!("{location} was not backed up"))?;
    out.sync_all()?;
    fs::rename(&partial, file)?;
    println!("backed up    {rows} rows of {location} to {}", file.display());
    Ok(())
}

pub(crate) async fn restore(archive: &Archive) -> anyhow::Result<()> {
    let (location, file) = (archive.database.location()?, &archive.file);
    let read = File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let restored = symbolon_kernel::restore(&location, &MIGRATIONS, BufReader::new(read)).await;
    let rows = restored.with_context(|| format!("{} was not restored", file.display()))?;
    println!("restored     {rows} rows of {} to {location}", file.display());
    Ok(())
}

pub(crate) async fn audit(database: &Database) -> anyhow::Result<ExitCode> {
    let location = database.location()?;
    there(&location)?;
    let findings = symbolon_kernel::inspect(&location).await;
    let findings = findings.with_context(|| format!("{location} cannot be read"))?;
    for finding in &findings {
        println!("{finding}");
    }
    println!("audited      {location}: {} findings", findings.len());
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

/// A file that is read has to be there.
pub(crate) fn there(location: &Location) -> anyhow::Result<()> {
    match location {
        Location::File(path) if !Path::exists(path) => {
            anyhow::bail!("there is no database {}", path.display())
        }
        Location::File(_) | Location::Server(_) => Ok(()),
    }
}
