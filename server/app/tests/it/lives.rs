//! Lives of service calls, cut off wherever the process may end: each is made once or never, none
//! is lost, and none is stuck for longer than its lease.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::server::{self, Server};
use crate::target::Target;

const FLAGS: [&str; 1] = ["--allow-loopback"];
const HOUR_MS: u64 = 3_600_000;
/// More crossings of a place than the life of one call has.
const MOST: u32 = 60;

/// When a call is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Now,
    /// In two hours, which pass as soon as it is accepted.
    Later,
}

/// What came of a life.
#[derive(Debug, PartialEq, Eq)]
enum Life {
    /// It was cut off, and taken up again.
    Cut,
    /// The place was not crossed so often.
    Whole,
}

/// The clock of servers, which reads a file.
struct Hands(TempDir);

impl Hands {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn file(&self) -> String {
        self.0.path().join("clock").to_str().unwrap().to_owned()
    }

    fn set(&self, hours: u64) {
        std::fs::write(self.file(), (hours * HOUR_MS).to_string()).unwrap();
    }
}

fn due_in_two_hours() -> String {
    (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(2)).to_string()
}

fn is_over(call: &Value) -> bool {
    matches!(call["status"].as_str(), Some("Succeeded" | "Failed" | "Cancelled" | "Skipped"))
}

/// What reads whole a database that no server has open.
fn audited(folder: &Path) {
    let audit = server::command().arg("audit").arg("--data").arg(folder).output().unwrap();
    let said = String::from_utf8_lossy(&audit.stdout).into_owned();
    assert!(audit.status.success() && said.contains(": 0 findings"), "{said}");
}

/// Submits a call to a server that ends at a place, and sees what becomes of it on another.
async fn live(place: &str, skipped: u32, when: When) -> Life {
    let (target, hands) = (Target::start().await, Hands::new());
    let request = json!({ "method": "GET", "url": target.origin });
    let mut body = json!({ "name": "test", "request": request });
    if when == When::Later {
        body["dueAt"] = due_in_two_hours().into();
    }
    let (armed, file) = (format!("{place}:abort:1:{skipped}"), hands.file());
    let variables = [("SYMBOLON_FAILPOINT", armed.as_str()), ("SYMBOLON_CLOCK", &file)];
    let started = Server::try_start(TempDir::new().unwrap(), &FLAGS, &variables).await;
    let folder = match started {
        Ok(mut server) => {
            let token = server.token(&["--lifetime", "9h"]).await;
            let accepted = server.post(&token, "key-1", &body).await.ok();
            if when == When::Later {
                hands.set(2);
            }
            let location = accepted.map(|it| it.headers()["location"].to_str().unwrap().to_owned());
            if !server.is_cut_off(location.as_deref(), &token, is_over).await {
                server.kill().await;
                return Life::Whole;
            }
            server.gone().await
        }
        Err(folder) => folder,
    };
    // Whatever was out is past its lease.
    hands.set(4);
    let variables = [("SYMBOLON_CLOCK", file.as_str())];
    let server = Server::start_under(folder, &FLAGS, &variables).await;
    let token = server.token(&["--lifetime", "9h"]).await;
    let again = server.post(&token, "key-1", &body).await.unwrap();
    assert!(again.status().is_success(), "{place} {skipped}: {}", again.status());
    let location = again.headers()["location"].to_str().unwrap().to_owned();
    let call = server.once(&location, &token, is_over).await;
    let history: Value =
        server.get(&format!("{location}/events"), &token).await.json().await.unwrap();
    judge(&call, &history, &target.hits(), &format!("{place} {skipped} {when:?}"));
    audited(server.stopped().await.path());
    Life::Cut
}

/// One attempt at most, one end, and of what was not sent only what may have been.
fn judge(call: &Value, history: &Value, hits: &BTreeMap<String, u32>, cut: &str) {
    let id = call["serviceCallId"].as_str().unwrap();
    let made = hits.get(id).copied().unwrap_or(0);
    assert!(made <= 1 && hits.len() <= 1, "{cut}: {hits:?}");
    let events = history["items"].as_array().unwrap();
    let count = |name: &str| events.iter().filter(|event| event["type"] == name).count();
    assert_eq!(count("ServiceCallSubmitted"), 1, "{cut}");
    assert_eq!(count("AttemptStarted"), 1, "{cut}");
    assert_eq!(count("AttemptSucceeded") + count("AttemptFailed"), 1, "{cut}");
    match call["status"].as_str() {
        Some("Succeeded") => assert_eq!(made, 1, "{cut}"),
        Some("Failed") => assert_eq!(call["result"]["failureKind"], "aborted", "{cut}"),
        other => panic!("{cut}: {other:?}"),
    }
}

/// Cuts a life at every crossing of some places.
async fn cut_everywhere(places: &'static [&'static str], when: When) {
    let mut lives = JoinSet::new();
    for place in places {
        lives.spawn(async move {
            let mut cuts = 0;
            while cuts < MOST && live(place, cuts, when).await == Life::Cut {
                cuts += 1;
            }
            (*place, cuts)
        });
    }
    while let Some(lived) = lives.join_next().await {
        let (place, cuts) = lived.unwrap();
        println!("{place}: {cuts} cuts");
        assert!(cuts > 0, "{place} is on nobody's way");
        assert!(cuts < MOST, "{place} is crossed without an end");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_for_now_is_made_once_or_never_wherever_its_server_ends() {
    const PLACES: [&str; 8] = [
        "idempotency.claim.after",
        "stream.advance.after",
        "unit.begun",
        "unit.commit.before",
        "unit.commit.after",
        "relay.placed",
        "consumer.handled",
        "projection.applied",
    ];
    cut_everywhere(&PLACES, When::Now).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_for_later_is_made_once_or_never_wherever_its_server_ends() {
    const PLACES: [&str; 4] =
        ["timer.insert.after", "timer.fire.before", "timer.fire.after", "unit.commit.after"];
    cut_everywhere(&PLACES, When::Later).await;
}

const MANY: usize = 500;

/// Waits until so many calls were made, whichever.
async fn made(target: &Target, calls: usize) {
    for _ in 0..6000 {
        if target.hits().len() >= calls {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {calls} calls are made");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_calls_due_across_restarts_are_made_once_and_none_early() {
    let (target, hands) = (Target::start().await, Hands::new());
    let file = hands.file();
    let variables = [("SYMBOLON_CLOCK", file.as_str())];
    let server = Server::start_under(TempDir::new().unwrap(), &FLAGS, &variables).await;
    let token = server.token(&["--lifetime", "9h"]).await;
    let request = json!({ "method": "GET", "url": target.origin });
    let body = json!({ "name": "test", "request": request, "dueAt": due_in_two_hours() });
    let mut locations = Vec::new();
    for number in 0..MANY {
        let accepted = server.post(&token, &format!("key-{number}"), &body).await.unwrap();
        assert_eq!(accepted.status(), 202);
        locations.push(accepted.headers()["location"].to_str().unwrap().to_owned());
    }
    let folder = server.kill().await;

    // An hour before they are due: all wait, and none is made.
    hands.set(1);
    let server = Server::start_under(folder, &FLAGS, &variables).await;
    let timers: Value =
        server.get("/v1/admin/timers?state=Overdue", &token).await.json().await.unwrap();
    assert_eq!(timers["items"], json!([]));
    // Something that has its turn now shows that the worker is at work.
    let request = json!({ "method": "GET", "url": target.origin });
    let now = json!({ "name": "now", "request": request });
    let accepted = server.post(&token, "key-now", &now).await.unwrap();
    server.succeeded(accepted.headers()["location"].to_str().unwrap(), &token).await;
    assert_eq!(target.hits().len(), 1, "one was early");
    let folder = server.kill().await;

    // They fall due while nobody is there, and the server is lost again in the middle of them.
    hands.set(3);
    let server = Server::start_under(folder, &FLAGS, &variables).await;
    made(&target, MANY / 4).await;
    let folder = server.kill().await;
    hands.set(4);
    let server = Server::start_under(folder, &FLAGS, &variables).await;
    let mut aborted = 0;
    for location in &locations {
        let call = server.once(location, &token, is_over).await;
        match call["status"].as_str() {
            Some("Succeeded") => {}
            Some("Failed") => {
                assert_eq!(call["result"]["failureKind"], "aborted");
                aborted += 1;
            }
            other => panic!("{location}: {other:?}"),
        }
    }
    let hits = target.hits();
    assert!(hits.values().all(|times| *times == 1), "{hits:?}");
    assert!(hits.len() + aborted > MANY && hits.len() <= MANY + 1);
    audited(server.stopped().await.path());
}
