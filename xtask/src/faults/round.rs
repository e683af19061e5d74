//! One round: load, something bad, what is left to do, audit.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::ValueEnum;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Database, Stand};
use crate::dice::Dice;
use crate::process::{Running, command};

/// What is done while the load runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// The process is killed.
    Kill,
    /// The process ends by itself at one of the kernel's places.
    Abort,
    /// The clock goes an hour forward, and back again.
    Clock,
    /// Nothing more can be written to the file.
    DiskFull,
    /// The server of the database crashes and comes back.
    Crash,
    /// One of two processes stands still for longer than its leases last.
    Stop,
}

/// Where a process can be made to end.
const PLACES: [&str; 11] = [
    "unit.commit.before",
    "unit.commit.after",
    "message.insert.after",
    "relay.placed",
    "relay.committed",
    "consumer.recorded",
    "consumer.handled",
    "timer.fire.after",
    "job.take.after",
    "job.end.after",
    "projection.applied",
];
/// A place is passed so often before the process ends there, at most.
const PASSES: usize = 200;
const CALLERS: u32 = 4;

impl Fault {
    /// What can happen to a database.
    pub fn of(database: Database) -> Vec<Self> {
        match database {
            Database::Sqlite => {
                vec![Self::Kill, Self::Abort, Self::Kill, Self::Clock, Self::Kill, Self::DiskFull]
            }
            Database::Postgres => {
                vec![Self::Kill, Self::Abort, Self::Kill, Self::Crash, Self::Clock, Self::Stop]
            }
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Abort => "abort",
            Self::Clock => "clock",
            Self::DiskFull => "disk-full",
            Self::Crash => "crash",
            Self::Stop => "stop",
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Round {
    pub(super) number: u32,
    pub(super) fault: Fault,
}

pub(super) struct Outcome {
    pub(super) acknowledged: usize,
    /// What the audit says; nothing when all is well.
    pub(super) findings: String,
}

impl Round {
    pub(super) fn play(&self, stand: &mut Stand, dice: &mut Dice) -> anyhow::Result<Outcome> {
        let told = stand.folder.join(format!("acknowledged-{}", self.number));
        let moment = Duration::from_millis(30 + dice.roll(500) as u64);
        match self.fault {
            Fault::Kill => {
                let mut load = self.load(stand, &told, &[])?;
                sleep(moment);
                load.0.kill()?;
                load.0.wait()?;
            }
            Fault::Abort => {
                let place = PLACES[dice.roll(PLACES.len())];
                let armed = format!("{place}:abort:1:{}", dice.roll(PASSES));
                let mut load = self.load(stand, &told, &[("SYMBOLON_FAILPOINT", armed)])?;
                wait(&mut load.0, Duration::from_secs(60)).context("no place was passed")?;
            }
            Fault::Clock => self.move_clock(stand, &told, moment)?,
            Fault::DiskFull => {
                let mut load = self.limited(stand, &told, dice)?;
                sleep(moment * 2);
                load.0.kill()?;
                load.0.wait()?;
            }
            Fault::Crash => {
                let mut load = self.load(stand, &told, &[])?;
                begun(&told)?;
                sleep(moment);
                stand.server.as_mut().context("a file has no server")?.crash()?;
                sleep(moment);
                if let Some(status) = load.0.try_wait()? {
                    bail!("the load did not survive the database: {status}");
                }
                load.0.kill()?;
                load.0.wait()?;
            }
            Fault::Stop => self.stop_one(stand, &told, moment)?,
        }
        self.settle(stand, &told)
    }

    fn arguments(&self, more: u32) -> [String; 5] {
        let (seed, callers) = ((self.number * 10 + more).to_string(), CALLERS.to_string());
        ["load", "--seed", &seed, "--callers", &callers].map(str::to_owned)
    }

    fn command(&self, stand: &Stand, arguments: &[String]) -> Command {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut command = command(&stand.folder, &stand.binary.display().to_string(), &arguments);
        command.env("SYMBOLON_DATABASE", &stand.location).env("RUST_BACKTRACE", "0");
        command.stdin(Stdio::null());
        command
    }

    fn load(
        &self,
        stand: &Stand,
        told: &PathBuf,
        environment: &[(&str, String)],
    ) -> anyhow::Result<Running> {
        let mut load = self.command(stand, &self.arguments(0));
        load.envs(environment.iter().map(|(name, value)| (name, value)));
        Ok(Running(load.stdout(append(told)?).stderr(log(stand)?).spawn()?))
    }

    fn move_clock(&self, stand: &Stand, told: &PathBuf, moment: Duration) -> anyhow::Result<()> {
        let clock = stand.folder.join("clock");
        fs::write(&clock, "0")?;
        let environment = [("SYMBOLON_CLOCK", clock.display().to_string())];
        let mut load = self.load(stand, told, &environment)?;
        for offset in ["3600000", "-3600000", "0"] {
            sleep(moment / 2);
            fs::write(&clock, offset)?;
        }
        sleep(moment / 2);
        load.0.kill()?;
        load.0.wait()?;
        Ok(())
    }

    /// A load whose files cannot grow beyond a little more than they are.
    fn limited(&self, stand: &Stand, told: &PathBuf, dice: &mut Dice) -> anyhow::Result<Running> {
        let wal = stand.folder.join("drill.sqlite");
        let size = fs::metadata(&wal).map_or(0, |found| found.len());
        let limit = size.max(300_000) + dice.roll(400_000) as u64;
        let arguments = self.arguments(0);
        let mut command = Command::new("sh");
        // Ignored, so that the write fails and not the process.
        let limited = format!("trap '' XFSZ; exec prlimit --fsize={limit} \"$0\" \"$@\"");
        command.arg("-c").arg(limited).arg(&stand.binary).args(&arguments);
        command.current_dir(&stand.folder).env("SYMBOLON_DATABASE", &stand.location);
        command.stdin(Stdio::null());
        let load = command.stdout(append(told)?).stderr(log(stand)?).spawn();
        Ok(Running(load.context("prlimit is of util-linux")?))
    }

    fn stop_one(&self, stand: &Stand, told: &PathBuf, moment: Duration) -> anyhow::Result<()> {
        let mut one = self.load(stand, told, &[])?;
        let second = told.with_extension("second");
        let mut other = self.command(stand, &self.arguments(1));
        let mut other = Running(other.stdout(append(&second)?).stderr(log(stand)?).spawn()?);
        sleep(moment + Duration::from_millis(300));
        let stopped = Pid::from_raw(i32::try_from(one.0.id())?);
        kill(stopped, Signal::SIGSTOP)?;
        // Its leases last one second.
        sleep(Duration::from_millis(2500));
        kill(stopped, Signal::SIGCONT)?;
        sleep(moment);
        for load in [&mut one, &mut other] {
            load.0.kill()?;
            load.0.wait()?;
        }
        let mut both = fs::read(told)?;
        both.push(b'\n');
        both.extend(fs::read(second)?);
        Ok(fs::write(told, both)?)
    }

    fn settle(&self, stand: &Stand, told: &PathBuf) -> anyhow::Result<Outcome> {
        let file = told.display().to_string();
        let arguments = ["settle", "--patience", "20", "--acknowledged", &file].map(str::to_owned);
        let mut settle = self.command(stand, &arguments);
        if self.fault == Fault::Clock {
            // What was due by the clock that was ahead is due by now.
            let clock = stand.folder.join("clock");
            fs::write(&clock, "7200000")?;
            settle.env("SYMBOLON_CLOCK", clock);
        }
        let settled = settle.output()?;
        let findings = match settled.status.success() {
            true => String::new(),
            false => {
                let (out, error) = (settled.stdout, settled.stderr);
                let signal = settled.status.signal();
                format!(
                    "{}{}{}",
                    String::from_utf8_lossy(&out),
                    String::from_utf8_lossy(&error),
                    signal.map_or(String::new(), |signal| format!("signal {signal}"))
                )
            }
        };
        let acknowledged = fs::read_to_string(told)?.lines().count();
        Ok(Outcome { acknowledged, findings })
    }
}

/// What loads have to say beside what was acknowledged: they are meant to fail.
fn log(stand: &Stand) -> anyhow::Result<File> {
    append(&stand.folder.join("log"))
}

fn append(file: &PathBuf) -> anyhow::Result<File> {
    Ok(File::options().create(true).append(true).open(file)?)
}

/// Waits until something is acknowledged: a database that is lost while it is opened is not opened.
fn begun(told: &PathBuf) -> anyhow::Result<()> {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(30) {
        if fs::metadata(told)?.len() > 0 {
            return Ok(());
        }
        sleep(Duration::from_millis(10));
    }
    bail!("the load has not begun")
}

/// Waits for a process to end by itself.
fn wait(child: &mut Child, patience: Duration) -> anyhow::Result<()> {
    let began = Instant::now();
    while began.elapsed() < patience {
        if child.try_wait()?.is_some() {
            return Ok(());
        }
        sleep(Duration::from_millis(10));
    }
    child.kill()?;
    child.wait()?;
    bail!("it did not end")
}
