//! A PostgreSQL server of Debian's that is thrown away at the end.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};

use super::account::Account;
use super::debian::{Package, libraries};
use super::{Absent, folder, on_path};
use crate::process::Running;
use crate::root::root;
use crate::server::free_address;
use crate::signals;

const PACKAGE: Package = Package { title: "PostgreSQL", name: "postgresql" };
const INSTALLED: &str = "/usr/lib/postgresql";
/// Read by the package's own script before it would set up and start a cluster of the system's.
const NO_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/symbolon.conf";
/// A kernel holds up to 16 connections, and tests open many kernels at once.
const CONNECTIONS: &str = "max_connections=300";
const START: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(50);

/// Runs a PostgreSQL server that is thrown away at the end.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cargo xtask postgres\n\n\
    It is found or installed as for `cargo xtask test`, listens on 127.0.0.1 alone, and asks\n\
    for the password in the URL that is printed. Stop it with Ctrl-C; nothing of it stays.\n\n\
    Exit codes: 0 stopped, 1 it cannot be had or did not stay")]
pub struct Postgres;

/// Runs the command until it is stopped.
///
/// # Errors
/// When the server cannot be had, started, or does not stay.
pub fn run(_: &Postgres) -> anyhow::Result<ExitCode> {
    let stop = signals::stop()?;
    let mut server = Server::start(&root())?;
    let url = &server.url;
    println!(
        "tests        SYMBOLON_TEST_DATABASE='{url}' cargo test -p symbolon-kernel\n\
         stop         Ctrl-C"
    );
    while !stop.is_asked() {
        if let Some(status) = server.process.0.try_wait()? {
            bail!("PostgreSQL ended with {status}: {}", server.last_words());
        }
        sleep(LOOK);
    }
    Ok(ExitCode::SUCCESS)
}

/// A running server with one empty database; dropped, it stops and its data are gone.
#[derive(Debug)]
pub struct Server {
    /// The URL of the database, with a password that was made for it.
    pub url: String,
    process: Running,
    folder: PathBuf,
    account: Account,
    programs: Programs,
    port: String,
}

/// Where the programs are, and libraries that came with them.
#[derive(Debug)]
struct Programs {
    folder: PathBuf,
    libraries: Option<OsString>,
}

impl Server {
    /// Finds or installs PostgreSQL, makes a database and waits until it answers.
    ///
    /// # Errors
    /// [`Absent`] when it cannot be had; another error when it does not start.
    pub fn start(root: &Path) -> anyhow::Result<Self> {
        let account = Account::ordinary()?;
        let programs = programs(root)?;
        let folder = account.folder(root, "postgres")?;
        let started = begin(account, programs, &folder);
        if started.is_err() {
            // What went wrong is told already.
            let _ = fs::remove_dir_all(&folder);
        }
        let server = started?;
        println!("PostgreSQL   {} on {}", server.programs.folder.display(), server.url);
        Ok(server)
    }

    /// Runs a statement.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn query(&self, statement: &str) -> anyhow::Result<()> {
        let mut psql = self.programs.command(&self.account, &self.folder, "psql");
        psql.args(["--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--command", statement]);
        let status = psql.arg(&self.url).stdin(Stdio::null()).status()?;
        if !status.success() {
            bail!("psql ended with {status}");
        }
        Ok(())
    }

    /// Ends every process of the server at once, as a crash would, and starts it again.
    ///
    /// # Errors
    /// When it cannot be ended, or does not start again.
    pub fn crash(&mut self) -> anyhow::Result<()> {
        let id = i32::try_from(self.process.0.id())?;
        // What `pg_ctl stop -m immediate` sends: no session ends, nothing is written.
        kill(Pid::from_raw(id), Signal::SIGQUIT)?;
        self.process.0.wait()?;
        self.process = Running(serve(&self.account, &self.programs, &self.folder, &self.port)?);
        self.wait_until_ready()
    }

    fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let mut is_ready = self.programs.command(&self.account, &self.folder, "pg_isready");
        is_ready.args(["--quiet", "--host", "127.0.0.1", "--port", &self.port]);
        let started = Instant::now();
        while started.elapsed() < START {
            if is_ready.status()?.success() {
                return Ok(());
            }
            if let Some(status) = self.process.0.try_wait()? {
                bail!("PostgreSQL ended with {status}: {}", self.last_words());
            }
            sleep(LOOK);
        }
        bail!("PostgreSQL does not answer: {}", self.last_words())
    }

    /// The last lines of its log.
    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The fast way to stop that leaves nothing running: sessions are ended, data are written.
        let id = self.process.0.id();
        let asked = i32::try_from(id).map(|id| kill(Pid::from_raw(id), Signal::SIGINT));
        let began = Instant::now();
        while matches!(asked, Ok(Ok(())))
            && matches!(self.process.0.try_wait(), Ok(None))
            && began.elapsed() < STOP
        {
            sleep(LOOK);
        }
        // Left to the next run, which sweeps.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn begin(account: Account, programs: Programs, folder: &Path) -> anyhow::Result<Server> {
    let password = password()?;
    let data = folder.join("data");
    if let Some(user) = account.other() {
        println!("PostgreSQL   runs as {user}: it refuses root");
    }
    // Nobody else can look into the folder.
    let secret = folder.join("password");
    fs::write(&secret, &password)?;
    let mut initdb = programs.command(&account, folder, "initdb");
    initdb.arg("--pgdata").arg(&data).arg("--pwfile").arg(&secret);
    initdb.args(["--username", "symbolon"]);
    initdb.args(["--auth", "password", "--encoding", "UTF8", "--locale", "C", "--no-sync"]);
    let status = initdb.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    if !status.success() {
        bail!("initdb ended with {status}");
    }
    let port = free_address()?.port().to_string();
    let process = Running(serve(&account, &programs, folder, &port)?);
    let url = format!("postgres://symbolon:{password}@127.0.0.1:{port}/postgres");
    let mut server = Server { url, process, folder: folder.to_owned(), account, programs, port };
    server.wait_until_ready()?;
    Ok(server)
}

/// Starts a server on the data in a folder.
fn serve(
    account: &Account,
    programs: &Programs,
    folder: &Path,
    port: &str,
) -> anyhow::Result<Child> {
    let log = fs::File::options().create(true).append(true).open(folder.join("log"))?;
    let mut postgres = programs.command(account, folder, "postgres");
    postgres.arg("-D").arg(folder.join("data"));
    postgres.args(["-p", port, "-c", "listen_addresses=127.0.0.1"]);
    postgres.args(["-c", "unix_socket_directories=", "-c", "fsync=on", "-c", CONNECTIONS]);
    Ok(postgres.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?)
}

impl Programs {
    fn command(&self, account: &Account, folder: &Path, program: &str) -> Command {
        let mut command = account.command(&self.folder.join(program));
        command.current_dir(folder).env("LC_ALL", "C");
        if let Some(libraries) = &self.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command
    }
}

/// Finds the programs, or installs them.
fn programs(root: &Path) -> anyhow::Result<Programs> {
    let unpacked = folder(root)?.join("postgresql");
    if let Some(found) = find(&unpacked) {
        return Ok(found);
    }
    without_cluster()?;
    PACKAGE.install(&unpacked)?;
    let missing = || Absent("PostgreSQL was installed and is not where Debian puts it".into());
    Ok(find(&unpacked).ok_or_else(missing)?)
}

/// Keeps the package from setting up a cluster of the system's, which root's installation would.
fn without_cluster() -> anyhow::Result<()> {
    if !geteuid().is_root() {
        return Ok(());
    }
    let configuration = Path::new(NO_CLUSTER);
    fs::create_dir_all(configuration.parent().context("a file has a folder")?)?;
    Ok(fs::write(configuration, "create_main_cluster = false\n")?)
}

fn find(unpacked: &Path) -> Option<Programs> {
    if let Some(folder) = newest(Path::new(INSTALLED)) {
        return Some(Programs { folder, libraries: None });
    }
    let of_path = on_path("initdb").and_then(|file| file.parent().map(Path::to_owned));
    if let Some(folder) = of_path.filter(|folder| is_complete(folder)) {
        return Some(Programs { folder, libraries: None });
    }
    let folder = newest(&unpacked.join("usr/lib/postgresql"))?;
    Some(Programs { folder, libraries: libraries(unpacked) })
}

/// The programs of the highest version in a folder of versions.
fn newest(versions: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(versions).into_iter().flatten().flatten();
    let numbered = entries.filter_map(|entry| {
        let number: u32 = entry.file_name().to_str()?.parse().ok()?;
        Some((number, entry.path().join("bin")))
    });
    numbered.filter(|(_, folder)| is_complete(folder)).max().map(|(_, folder)| folder)
}

fn is_complete(folder: &Path) -> bool {
    ["initdb", "postgres", "pg_isready"].iter().all(|program| folder.join(program).is_file())
}

/// A password that nobody else on this machine knows: loopback is open to all of them.
fn password() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    let mut random = fs::File::open("/dev/urandom").context("randomness is read")?;
    random.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
