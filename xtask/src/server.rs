//! The reference server as a process: built, started, asked for tokens, ended.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::process::{self, Running};

/// How long a server may take to answer for the first time.
const START: Duration = Duration::from_secs(30);

/// A server and where its things are.
#[derive(Debug)]
pub struct Server {
    /// The process.
    pub process: Running,
    /// Where it answers.
    pub url: String,
    /// Where it logs.
    pub log: PathBuf,
    binary: PathBuf,
    data: PathBuf,
}

/// What one of several servers is told.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// The name of its log in the folder of data.
    pub log: &'a str,
    /// Arguments of `serve`.
    pub flags: &'a [&'a str],
    /// Its environment, beside this one.
    pub variables: &'a [(&'a str, &'a str)],
}

impl Default for Part<'_> {
    fn default() -> Self {
        Self { log: "server.log", flags: &[], variables: &[] }
    }
}

/// Builds the server and returns its binary.
///
/// # Errors
/// When it does not build.
pub fn build(root: &Path) -> anyhow::Result<PathBuf> {
    process::run(root, "cargo", &["build", "--package", "symbolon-app"])?;
    Ok(target(root)?.join("debug/symbolon-server"))
}

/// How a server is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// To be looked into.
    Debug,
    /// To be measured.
    Release,
}

/// Builds the server that can speak to Kafka and returns its binary.
///
/// # Errors
/// When it does not build.
pub fn build_for_kafka(root: &Path, profile: Profile) -> anyhow::Result<PathBuf> {
    let build = ["build", "--package", "symbolon-app", "--features", "kafka"];
    let (flags, folder): (&[&str], _) = match profile {
        Profile::Debug => (&[], "debug"),
        Profile::Release => (&["--release"], "release"),
    };
    process::run(root, "cargo", &[&build[..], flags].concat())?;
    Ok(target(root)?.join(folder).join("symbolon-server"))
}

/// The folder that cargo builds into.
///
/// # Errors
/// When cargo does not say.
pub fn target(root: &Path) -> anyhow::Result<PathBuf> {
    let metadata = cargo_metadata::MetadataCommand::new().current_dir(root).no_deps().exec()?;
    Ok(metadata.target_directory.into())
}

/// An address on this machine that nobody listens on.
///
/// # Errors
/// When there is none.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}

/// Holds that nobody listens at an address.
///
/// # Errors
/// When somebody does, or it is none of this machine's.
pub fn check_free(address: SocketAddr) -> anyhow::Result<()> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) => {
            bail!("{address}: {error}; choose another with --listen 127.0.0.1:PORT")
        }
    }
}

impl Server {
    /// Starts a server on a folder of data and waits until it answers.
    ///
    /// # Errors
    /// When the address is taken, or the server ends or does not answer in time.
    pub fn start(binary: &Path, data: &Path, address: SocketAddr) -> anyhow::Result<Self> {
        Self::start_as(binary, data, address, &Part::default())
    }

    /// Starts a server that is told more, and waits until it answers.
    ///
    /// # Errors
    /// As for [`Server::start`].
    pub fn start_as(
        binary: &Path,
        data: &Path,
        address: SocketAddr,
        part: &Part<'_>,
    ) -> anyhow::Result<Self> {
        check_free(address)?;
        fs::create_dir_all(data)?;
        let log = data.join(part.log);
        // A log is never cut: that of the run before may be the one that tells what happened.
        let file = OpenOptions::new().create(true).append(true).open(&log);
        let file = file.with_context(|| format!("{} is opened", log.display()))?;
        let listen = address.to_string();
        let data_text = data.to_string_lossy();
        let arguments = ["serve", "--development", "--allow-loopback", "--listen", &listen];
        let arguments = [&arguments[..], &["--data", &data_text], part.flags].concat();
        let child = process::command(Path::new("."), &binary.to_string_lossy(), &arguments)
            .envs(part.variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("{} starts", binary.display()))?;
        let mut server = Self {
            process: Running(child),
            url: format!("http://{address}"),
            log,
            binary: binary.to_owned(),
            data: data.to_owned(),
        };
        server.wait_until_ready(address)?;
        Ok(server)
    }

    /// A token for the development identity of this server.
    ///
    /// # Errors
    /// When the server's binary does not make one.
    pub fn token(&self, tenant: &str, scopes: &[&str]) -> anyhow::Result<String> {
        let data = self.data.to_string_lossy();
        let mut arguments = vec!["token", "--data", &data, "--tenant", tenant];
        for scope in scopes {
            arguments.extend(["--scope", scope]);
        }
        let program = self.binary.to_string_lossy();
        Ok(process::output(Path::new("."), &program, &arguments)?.trim().to_owned())
    }

    /// Asks the server to finish what is running and end.
    ///
    /// # Errors
    /// When the process has ended and was waited for.
    pub fn stop(&self) -> anyhow::Result<()> {
        let id = i32::try_from(self.process.0.id())?;
        Ok(kill(Pid::from_raw(id), Signal::SIGTERM)?)
    }

    fn wait_until_ready(&mut self, address: SocketAddr) -> anyhow::Result<()> {
        let started = Instant::now();
        while started.elapsed() < START {
            if answers(address) {
                return Ok(());
            }
            if let Some(status) = self.process.0.try_wait()? {
                bail!("the server ended with {status}; its log is {}", self.log.display());
            }
            std::thread::sleep(Duration::from_millis(30));
        }
        bail!("the server does not answer; its log is {}", self.log.display())
    }
}

/// Whether the server says it is ready.
fn answers(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_millis(500)) else {
        return false;
    };
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    stream.set_read_timeout(Some(Duration::from_secs(2))).is_ok()
        && stream.write_all(request.as_bytes()).is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.starts_with("HTTP/1.1 200")
}
