//! `/metrics` of a running server, held against docs/metrics.md.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::server::Server;

/// What is said of a metric: its type, labels and meaning.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    kind: String,
    labels: BTreeSet<String>,
    meaning: String,
}

/// The tables of docs/metrics.md: what is always there, and what may be.
fn documented() -> [BTreeMap<String, Told>; 2] {
    let text = include_str!("../../../../docs/metrics.md");
    let mut tables: Vec<BTreeMap<String, Told>> = Vec::new();
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, kind, labels, meaning] = cells[..] else { panic!("four cells: {line}") };
        if name == "metric" {
            tables.push(BTreeMap::new());
        }
        let Some(name) = name.strip_prefix('`').and_then(|name| name.strip_suffix('`')) else {
            continue;
        };
        let labels = labels.split(", ").filter(|it| !it.is_empty()).map(str::to_owned).collect();
        let told = Told { kind: kind.to_owned(), labels, meaning: meaning.to_owned() };
        let table = tables.last_mut().unwrap();
        assert!(table.insert(name.to_owned(), told).is_none(), "{name} is there twice");
    }
    tables.try_into().unwrap()
}

/// The same of an exposition in the text format.
fn exported(text: &str) -> BTreeMap<String, Told> {
    let mut found: BTreeMap<String, Told> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some((name, meaning)) =
            line.strip_prefix("# HELP ").and_then(|it| it.split_once(' '))
        {
            found.entry(name.to_owned()).or_default().meaning = meaning.to_owned();
        } else if let Some((name, kind)) =
            line.strip_prefix("# TYPE ").and_then(|it| it.split_once(' '))
        {
            found.entry(name.to_owned()).or_default().kind = kind.to_owned();
        } else {
            let (series, _) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let of = |ending: &str| name.strip_suffix(ending).filter(|it| found.contains_key(*it));
            let histogram = ["_bucket", "_sum", "_count"].into_iter().find_map(of);
            let told = found.entry(histogram.unwrap_or(name).to_owned()).or_default();
            let labels = labels.split("\",").filter_map(|label| label.split_once('='));
            told.labels.extend(labels.map(|(label, _)| label.to_owned()).filter(|it| it != "le"));
        }
    }
    found
}

async fn read(server: &Server) -> String {
    reqwest::get(format!("{}/metrics", server.origin)).await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn what_is_exported_is_what_is_documented() {
    let [always, may_be] = documented();
    let server = Server::start(&["--allow-loopback"]).await;
    let token = server.token(&[]).await;
    let target = format!("{}/version?secret=squirrel", server.origin);
    let accepted = server.submit(&token, "key-1", &target).await;
    let location = accepted.headers()["location"].to_str().unwrap().to_owned();
    server.succeeded(&location, &token).await;
    assert_eq!(server.get("/v1/service-calls?limit=0", &token).await.status(), 400);
    let _events = server.get("/events", &token).await;

    let mut text = String::new();
    for _ in 0..200 {
        text = read(&server).await;
        let is_caught_up = text
            .contains("kernel_reader_lag{reader=\"projection:service_calls\"} 0")
            && text.contains("kernel_log_position 5");
        if is_caught_up && always.keys().all(|name| exported(&text).contains_key(name)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let found = exported(&text);
    for (name, told) in &always {
        assert_eq!(found.get(name), Some(told), "{name} in\n{text}");
    }
    for (name, told) in found.iter().filter(|(name, _)| !always.contains_key(*name)) {
        assert_eq!(may_be.get(name), Some(told), "{name} is not in docs/metrics.md");
    }
    for line in [
        "http_server_problems_total{operation=\"listServiceCalls\",code=\"invalid-request\"} 1",
        "http_server_event_streams 1",
        "http_server_active_requests 1",
        "calls_attempts_total{outcome=\"succeeded\"} 1",
        "calls_attempts_total{outcome=\"aborted\"} 0",
        "calls_active_attempts 0",
        "calls_queued 0",
        "kernel_database_up 1",
        "kernel_database_connections_max{pool=\"reader\"} 4",
        "kernel_database_connections_max{pool=\"writer\"} 1",
        "kernel_database_busy_total 0",
        "kernel_database_waiting{pool=\"writer\"} 0",
        "kernel_relayed_messages_total 5",
        "kernel_outbox_depth 0",
        "kernel_outbox_age_seconds 0",
        "kernel_reader_lag{reader=\"consumer:service_calls.commands\"} 0",
        "kernel_timers_lateness_seconds 0",
        "kernel_dead_letters{source=\"consumer:service_calls.commands\"} 0",
        "kernel_dead_letters{source=\"projection:service_calls\"} 0",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    // Neither whose it was nor what it was about.
    let id = location.rsplit('/').next().unwrap();
    for secret in ["acme", "developer", "test-1", "squirrel", id] {
        assert!(!text.contains(secret), "{secret} in\n{text}");
    }
    server.stop().await;
}

#[test]
fn names_say_what_prometheus_expects_of_them() {
    for (name, told) in documented().iter().flatten() {
        let is_counter = told.kind == "counter";
        assert_eq!(name.ends_with("_total"), is_counter, "{name} is a {}", told.kind);
        let is_histogram = told.kind == "histogram";
        assert!(!is_histogram || name.ends_with("_seconds"), "{name} has no unit");
        for part in ["_ms", "_millis", "_micros", "_kb", "_mb", "_percent"] {
            assert!(!name.contains(part), "{name} is in no base unit");
        }
        for label in &told.labels {
            assert!(!label.contains("tenant") && !label.ends_with("id"), "{name}: {label}");
        }
    }
}
