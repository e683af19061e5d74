//! Several processes that share one database on a server, with and without Kafka between them: what
//! each of them answers, and that nothing is lost or done twice when one is.
//!
//! Only a database on a server can be shared; on a file most of these tests have nothing to do.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use symbolon_kernel::Location;
use tempfile::TempDir;

use crate::home::Home;
use crate::server::{self, Server};
use crate::target::Target;

/// Longer than an attempt that nobody has ended counts as running.
const PATIENCE: Duration = Duration::from_secs(90);
const FLAGS: [&str; 5] =
    ["--allow-loopback", "--lease", "2s", "--log-level", "warn,symbolon_server::serve=info"];

/// What the processes of a test share.
struct Site {
    database: String,
    /// Brokers, if there are any between them.
    kafka: Option<String>,
}

impl Site {
    /// A site on a server; none where tests run on a file.
    fn new(kafka: Option<String>) -> Option<Self> {
        match Home::new().location() {
            Location::Server(url) => Some(Self { database: url.to_string(), kafka }),
            Location::File(_) => None,
        }
    }

    async fn start(&self, mode: &str) -> Server {
        self.start_in(TempDir::new().unwrap(), mode).await
    }

    /// An API that trusts the same tokens as another.
    async fn start_beside(&self, api: &Server) -> Server {
        let folder = TempDir::new().unwrap();
        share_identity(api.folder(), folder.path());
        self.start_in(folder, "api").await
    }

    async fn start_in(&self, folder: TempDir, mode: &str) -> Server {
        let mut flags = [&FLAGS[..], &["--mode", mode]].concat();
        let mut variables = vec![("SYMBOLON_DATABASE", self.database.as_str())];
        if let Some(kafka) = &self.kafka {
            variables
                .extend([("SYMBOLON_KAFKA", kafka.as_str()), ("SYMBOLON_KAFKA_PARTITIONS", "4")]);
            // A member that is lost is missed soon.
            flags.extend(["--kafka-property", "session.timeout.ms=6000"]);
        }
        Server::start_under(folder, &flags, &variables).await
    }
}

fn share_identity(from: &Path, to: &Path) {
    let (from, to) = (from.join("identity"), to.join("identity"));
    std::fs::create_dir_all(&to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Submits a call; returns where it is.
async fn submit(api: &Server, token: &str, key: &str, target: &str) -> String {
    let request = json!({ "method": "GET", "url": target });
    let policy = json!({ "timeoutMs": 1500 });
    let body = json!({ "name": "test", "request": request, "policy": policy });
    let accepted = api.post(token, key, &body).await.unwrap();
    assert_eq!(accepted.status(), 202);
    accepted.headers()["location"].to_str().unwrap().to_owned()
}

async fn status(api: &Server, token: &str, location: &str) -> String {
    let found = api.get(location, token).await;
    assert_eq!(found.status(), 200, "{location}");
    let call: Value = found.json().await.unwrap();
    call["status"].as_str().unwrap().to_owned()
}

/// Waits until every call is over; returns how each ended.
async fn over(api: &Server, token: &str, locations: &[String]) -> Vec<String> {
    let begun = Instant::now();
    let mut ends = Vec::new();
    for location in locations {
        loop {
            let status = status(api, token, location).await;
            if ["Succeeded", "Failed", "Cancelled"].contains(&status.as_str()) {
                ends.push(status);
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "{location} is {status}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    ends
}

/// Waits until the list shows so many calls that have ended so.
async fn listed(api: &Server, token: &str, status: &str, count: usize) {
    let begun = Instant::now();
    let path = format!("/v1/service-calls?limit=200&status={status}");
    loop {
        let page: Value = api.get(&path, token).await.json().await.unwrap();
        let found = page["items"].as_array().unwrap().len();
        if found >= count {
            assert_eq!(found, count);
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{found} of {count} are {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn id(location: &str) -> &str {
    location.rsplit('/').next().unwrap()
}

/// Has one more call made, which only a command can bring: what waited when a worker starts it
/// finds by itself. Whoever made it has joined its group: a broker like ours does not get over a
/// member that leaves while it joins.
async fn joined(api: &Server, token: &str, key: &str, target: &Target) {
    let location = submit(api, token, key, &target.origin).await;
    assert_eq!(over(api, token, &[location]).await, ["Succeeded"]);
}

async fn the_work_is_divided(kafka: Option<String>) {
    let (Some(site), target) = (Site::new(kafka), Target::start().await) else { return };
    let api = site.start("api").await;
    let token = api.token(&[]).await;
    let empty: Value = api.get("/v1/service-calls", &token).await.json().await.unwrap();
    assert_eq!(empty["items"], json!([]), "there is a list before anybody has written one");

    let first = submit(&api, &token, "key-1", &target.origin).await;
    let cancelled = submit(&api, &token, "key-2", &target.origin).await;
    assert_eq!(status(&api, &token, &first).await, "Queued", "nobody is there to make it");
    let request = format!("{cancelled}/cancel");
    assert_eq!(api.send(&request, &token).await.status(), 202);

    let (relay, worker) = (site.start("relay").await, site.start("worker").await);
    assert_eq!(over(&api, &token, &[first]).await, ["Succeeded"]);
    listed(&api, &token, "Succeeded", 1).await;
    listed(&api, &token, "Cancelled", 1).await;
    assert!(!target.hits().contains_key(id(&cancelled)));
    for process in [&relay, &worker] {
        for (path, status) in [
            ("/healthz", 200),
            ("/readyz", 200),
            ("/metrics", 200),
            ("/version", 200),
            ("/v1/service-calls", 404),
            ("/events", 404),
            ("/openapi.json", 404),
            ("/docs/", 404),
        ] {
            assert_eq!(process.get(path, &token).await.status(), status, "{path}");
        }
    }

    joined(&api, &token, "first-worker", &target).await;
    worker.stop().await;
    let mut waiting = Vec::new();
    for number in 0..5 {
        let key = format!("waiting-{number}");
        waiting.push(submit(&api, &token, &key, &target.origin).await);
    }
    for location in &waiting {
        assert_eq!(status(&api, &token, location).await, "Queued");
    }
    let worker = site.start("worker").await;
    assert_eq!(over(&api, &token, &waiting).await, ["Succeeded"; 5]);
    joined(&api, &token, "second-worker", &target).await;
    assert!(target.hits().values().all(|hits| *hits == 1), "{:?}", target.hits());
    for process in [api, relay, worker] {
        process.stop().await;
    }
}

async fn nothing_is_lost_with_a_process(kafka: Option<String>) {
    let (Some(site), target) = (Site::new(kafka), Target::start().await) else { return };
    let api = site.start("api").await;
    let token = api.token(&[]).await;
    let slow = format!("{}/slow", target.origin);
    let (mut relay, mut worker) = (site.start("relay").await, site.start("worker").await);
    let mut locations = Vec::new();
    for round in 0..2 {
        let before = locations.len();
        for number in 0..40 {
            let key = format!("key-{round}-{number}");
            locations.push(submit(&api, &token, &key, &slow).await);
        }
        // Some of this round: a broker like ours does not get over a member that is lost while it
        // joins its group, and one that has these has joined.
        let begun = Instant::now();
        let made = || {
            let hits = target.hits();
            locations[before..].iter().filter(|it| hits.contains_key(id(it))).count()
        };
        while made() < 10 {
            assert!(begun.elapsed() < PATIENCE, "no calls are made");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let (of_relay, of_worker) = (relay.kill().await, worker.kill().await);
        relay = site.start_in(of_relay, "relay").await;
        worker = site.start_in(of_worker, "worker").await;
    }
    let ends = over(&api, &token, &locations).await;
    let hits = target.hits();
    for (location, end) in locations.iter().zip(&ends) {
        let hits = hits.get(id(location)).copied().unwrap_or(0);
        assert!(hits <= 1, "{location} was sent {hits} times");
        match end.as_str() {
            "Succeeded" => assert_eq!(hits, 1, "{location}"),
            "Failed" => {
                let call: Value = api.get(location, &token).await.json().await.unwrap();
                assert_eq!(call["result"]["failureKind"], "aborted", "{call}");
            }
            end => panic!("{location} is {end}"),
        }
    }
    let succeeded = ends.iter().filter(|end| *end == "Succeeded").count();
    assert!(succeeded > 0);
    listed(&api, &token, "Succeeded", succeeded).await;
    listed(&api, &token, "Failed", ends.len() - succeeded).await;
    joined(&api, &token, "last-worker", &target).await;
    for process in [api, relay, worker] {
        process.stop().await;
    }
}

async fn two_of_each_share_the_work(kafka: Option<String>) {
    let (Some(site), target) = (Site::new(kafka), Target::start().await) else { return };
    let first = site.start("api").await;
    let token = first.token(&[]).await;
    let second = site.start_beside(&first).await;
    let relays = [site.start("relay").await, site.start("relay").await];
    let workers = [site.start("worker").await, site.start("worker").await];
    let mut locations = Vec::new();
    for number in 0..40 {
        let api = [&first, &second][number % 2];
        let key = format!("key-{number}");
        locations.push(submit(api, &token, &key, &target.origin).await);
        // The other knows what this one has accepted.
        let other = [&second, &first][number % 2];
        let again = other.submit(&token, &key, &target.origin).await;
        assert_eq!(again.status(), 422, "another body under a key that is known");
        status(other, &token, &locations[number]).await;
    }
    assert_eq!(over(&second, &token, &locations).await, ["Succeeded"; 40]);
    assert!(target.hits().values().all(|hits| *hits == 1), "{:?}", target.hits());
    for api in [first, second] {
        listed(&api, &token, "Succeeded", 40).await;
        api.stop().await;
    }
    for process in relays.into_iter().chain(workers) {
        process.stop().await;
    }
}

macro_rules! on_every_bus {
    ($($test:ident),*) => {
        mod on_the_log {
            $(#[tokio::test]
            async fn $test() {
                super::$test(None).await;
            })*
        }

        #[cfg(feature = "kafka")]
        mod on_kafka {
            /// One at a time: channels are topics, and every site has the same.
            static CLUSTER: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

            $(#[tokio::test]
            async fn $test() {
                let Ok(url) = std::env::var("SYMBOLON_TEST_KAFKA") else { return };
                let _alone = CLUSTER.lock().await;
                super::$test(Some(url.trim_start_matches("kafka://").to_owned())).await;
            })*
        }
    };
}

on_every_bus!(the_work_is_divided, nothing_is_lost_with_a_process, two_of_each_share_the_work);

/// Runs `serve` with flags that it must refuse; returns its exit code and what it says.
fn refused(flags: &[&str]) -> (Option<i32>, String) {
    let folder = TempDir::new().unwrap();
    let mut command = server::command();
    command.args(["serve", "--development", "--listen", "127.0.0.1:0"]).args(flags);
    let refused = command.arg("--data").arg(folder.path()).output().unwrap();
    assert!(!folder.path().join("symbolon.sqlite").exists());
    (refused.status.code(), String::from_utf8(refused.stderr).unwrap())
}

#[test]
fn a_file_is_not_shared() {
    for mode in ["api", "worker", "relay"] {
        let (code, said) = refused(&["--mode", mode]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(&format!("--mode {mode} shares its database")), "{said}");
        assert!(said.contains("--database postgres://"), "{said}");
    }
}

#[test]
fn unknown_systems_and_modes_are_refused_with_those_there_are() {
    for (flag, value, there) in
        [("--systems", "cals", "calls"), ("--mode", "apis", "all, api, worker, relay")]
    {
        let (code, said) = refused(&[flag, value]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(there), "{said}");
    }
}
