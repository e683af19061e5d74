//! Secrets are sent to the target and stay nowhere; what is kept of a response is bounded.

use std::path::Path;

use calls_wire::types::ServiceCallStatus;
use serde_json::json;

use crate::fixture::{Home, SETTINGS, System, later, now};
use crate::target::Target;

const SECRET: &str = "s3cr3t-0f-the-target";

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_reaches_the_target_and_nothing_else() {
    let (home, target) = (Home::new(), Target::start().await);
    let system = System::start(home.location(), SETTINGS).await;
    let headers = json!({
        "Authorization": format!("Bearer {SECRET}"),
        "X-Api-Key": SECRET,
        "Accept": "text/plain",
        "X-Scheduler-Attempt": "7",
        "X-Note": "[redacted]",
    });
    let mut body = now(&target.url("echo"));
    body["request"]["headers"] = headers.clone();
    let id = system.accept(body).await;
    let call = system.over(id).await;
    assert!(call.status == ServiceCallStatus::Succeeded);

    let hits = target.hits(&id.to_string());
    assert_eq!(hits[0]["authorization"], format!("Bearer {SECRET}").as_str());
    assert_eq!(hits[0]["x-api-key"], SECRET);
    assert_eq!(hits[0]["x-scheduler-attempt"], "1");
    assert_eq!(hits[0]["x-note"], "[redacted]");

    assert_eq!(call.request.headers["authorization"], "[redacted]");
    assert_eq!(call.request.headers["accept"], "text/plain");
    let result = call.result.unwrap();
    assert!(result.snippet.unwrap().contains("[redacted]"));
    let kept = result.headers.unwrap();
    assert!(kept.contains_key("etag") && !kept.contains_key("x-private"));

    let mut body = later(&target.url("echo"), 60_000);
    body["request"]["headers"] = headers;
    let cancelled = system.accept(body).await;
    system.cancel("acme", cancelled).await.unwrap();
    for id in [id, cancelled] {
        let events = serde_json::to_string(&system.events("acme", id).await).unwrap();
        assert!(events.contains("[redacted]") && !events.contains(SECRET));
    }
    system.stop().await;
    // What a server keeps of its data is the server's affair.
    let Some(folder) = home.file().and_then(|file| file.parent().map(Path::to_owned)) else {
        return;
    };
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
        assert!(!found, "the secret is in {}", path.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snippet_is_at_most_8192_bytes_of_text() {
    let (home, target) = (Home::new(), Target::start().await);
    let system = System::start(home.location(), SETTINGS).await;
    for what in ["huge", "binary"] {
        let id = system.accept(now(&target.url(what))).await;
        let call = system.over(id).await;
        assert!(call.status == ServiceCallStatus::Succeeded, "{what}");
        let snippet = call.result.unwrap().snippet.unwrap();
        assert!((8189..=8192).contains(&snippet.len()), "{what}: {}", snippet.len());
    }
    system.stop().await;
}
