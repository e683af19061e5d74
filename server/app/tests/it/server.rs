//! A server process on a free port.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use reqwest::Response;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::task::JoinHandle;

/// The binary, with nothing of this process's configuration.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_symbolon-server"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SYMBOLON_") {
            command.env_remove(name);
        }
    }
    command
}

async fn read(mut log: Lines<BufReader<ChildStdout>>) -> Vec<Value> {
    let mut lines = Vec::new();
    while let Some(line) = log.next_line().await.unwrap() {
        lines.push(serde_json::from_str(&line).unwrap());
    }
    lines
}

pub(crate) struct Server {
    pub(crate) origin: String,
    folder: TempDir,
    process: Child,
    /// Reads what it logs, or it would stand still once nobody has for a while.
    log: JoinHandle<Vec<Value>>,
    client: reqwest::Client,
}

impl Server {
    pub(crate) async fn start(flags: &[&str]) -> Self {
        Self::start_in(TempDir::new().unwrap(), flags).await
    }

    pub(crate) async fn start_in(folder: TempDir, flags: &[&str]) -> Self {
        Self::start_under(folder, flags, &[]).await
    }

    /// Starts it with variables of its environment.
    pub(crate) async fn start_under(
        folder: TempDir,
        flags: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        Self::try_start(folder, flags, variables).await.expect("it starts")
    }

    /// [`Server::start_under`], or the data folder of a process that ended before it could listen.
    pub(crate) async fn try_start(
        folder: TempDir,
        flags: &[&str],
        variables: &[(&str, &str)],
    ) -> Result<Self, TempDir> {
        let mut command = command();
        command.envs(variables.iter().copied());
        command.args(["serve", "--listen", "127.0.0.1:0", "--development"]).args(flags);
        command.arg("--data").arg(folder.path()).stdout(Stdio::piped());
        let mut process =
            tokio::process::Command::from(command).kill_on_drop(true).spawn().unwrap();
        let mut log = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = loop {
            let line = tokio::time::timeout(Duration::from_secs(20), log.next_line()).await;
            let Some(line) = line.unwrap().unwrap() else { return Err(folder) };
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["message"] == "listening" {
                break line["address"].as_str().unwrap().to_owned();
            }
        };
        let log = tokio::spawn(read(log));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Ok(Self { origin: format!("http://{address}"), folder, process, log, client })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A token of this server's development identity.
    pub(crate) async fn token(&self, flags: &[&str]) -> String {
        let mut command = command();
        command.arg("token").arg("--data").arg(self.folder.path()).args(flags);
        let printed = tokio::process::Command::from(command).output().await.unwrap();
        assert!(printed.status.success());
        String::from_utf8(printed.stdout).unwrap().trim().to_owned()
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Response {
        let url = format!("{}{path}", self.origin);
        self.client.get(url).bearer_auth(token).send().await.unwrap()
    }

    /// The live tail from after an event on.
    pub(crate) async fn resume(&self, token: &str, last: &str) -> Response {
        let request = self.client.get(format!("{}/events", self.origin)).bearer_auth(token);
        request.header("last-event-id", last).send().await.unwrap()
    }

    pub(crate) async fn submit(&self, token: &str, key: &str, target: &str) -> Response {
        let body = json!({ "name": "test", "request": { "method": "GET", "url": target } });
        self.post(token, key, &body).await.unwrap()
    }

    /// A POST without a body.
    pub(crate) async fn send(&self, path: &str, token: &str) -> Response {
        let url = format!("{}{path}", self.origin);
        self.client.post(url).bearer_auth(token).send().await.unwrap()
    }

    /// Submits a body; fails when the server is gone before it has answered.
    pub(crate) async fn post(
        &self,
        token: &str,
        key: &str,
        body: &Value,
    ) -> reqwest::Result<Response> {
        self.client
            .post(format!("{}/v1/service-calls", self.origin))
            .bearer_auth(token)
            .header("idempotency-key", key)
            .header("x-correlation-id", "test-1")
            .json(body)
            .send()
            .await
    }

    /// Waits until a call has succeeded, and returns it.
    pub(crate) async fn succeeded(&self, location: &str, token: &str) -> Value {
        self.once(location, token, |call| call["status"] == "Succeeded").await
    }

    /// Waits until something is true of a call, and returns it.
    pub(crate) async fn once(
        &self,
        location: &str,
        token: &str,
        is_so: impl Fn(&Value) -> bool,
    ) -> Value {
        let mut call = Value::Null;
        for _ in 0..1500 {
            let found = self.get(location, token).await;
            assert_eq!(found.status(), 200);
            call = found.json().await.unwrap();
            if is_so(&call) {
                return call;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{location} stays {call}");
    }

    /// Asks the process to end.
    pub(crate) fn terminate(&self) {
        // The shell's own: a small system has no program of this name.
        let kill = format!("kill -TERM {}", self.process.id().unwrap());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits for a good end; returns the data folder and the rest of the log.
    pub(crate) async fn ended(mut self) -> (TempDir, Vec<Value>) {
        let end = async { (self.log.await.unwrap(), self.process.wait().await.unwrap()) };
        let end = tokio::time::timeout(Duration::from_secs(30), end).await;
        let (lines, status) = end.unwrap();
        assert!(status.success());
        (self.folder, lines)
    }

    /// Ends the process at once, as if its machine was lost; returns the data folder.
    pub(crate) async fn kill(mut self) -> TempDir {
        self.process.kill().await.unwrap();
        self.folder
    }

    /// Waits until the process ends by itself, or something is true of a call in it; says whether
    /// it has ended.
    #[cfg(feature = "faults")]
    pub(crate) async fn is_cut_off(
        &mut self,
        location: Option<&str>,
        token: &str,
        is_so: impl Fn(&Value) -> bool,
    ) -> bool {
        for _ in 0..1500 {
            if self.process.try_wait().unwrap().is_some() {
                return true;
            }
            let url = format!("{}{}", self.origin, location.unwrap_or("/version"));
            let asked = self.client.get(url).bearer_auth(token).send().await;
            if let (Some(_), Ok(found)) = (location, asked)
                && let Ok(call) = found.json::<Value>().await
                && is_so(&call)
            {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("neither has the process ended nor the call");
    }

    /// Waits for whatever end; returns the data folder.
    #[cfg(feature = "faults")]
    pub(crate) async fn gone(mut self) -> TempDir {
        let end = tokio::time::timeout(Duration::from_secs(30), self.process.wait()).await;
        assert!(!end.unwrap().unwrap().success());
        self.folder
    }

    pub(crate) async fn stop(self) {
        self.stopped().await;
    }

    /// Ends it well; returns the data folder.
    pub(crate) async fn stopped(self) -> TempDir {
        self.terminate();
        self.ended().await.0
    }
}
