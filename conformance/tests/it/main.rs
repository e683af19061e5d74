//! The judge is judged: a server that keeps its contract passes, and every fault is caught.

#![allow(clippy::unwrap_used)]

mod edge;
mod fidelity;
mod notes;

use std::time::Duration;

use notes::Fault;
use symbolon_conformance::{Kind, Options, Report, run};
use tokio::task::JoinSet;

const CASE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/notes");
const SECRET: &str = "owner-5f2c";

fn options(url: String) -> Options {
    let mut options = Options::new(format!("{CASE}/openapi.yaml"), url);
    options.asyncapi = Some(format!("{CASE}/asyncapi.yaml").into());
    options.workflows = Some(format!("{CASE}/workflows.arazzo.yaml").into());
    options.headers = vec![("Authorization".into(), format!("Bearer {SECRET}"))];
    for name in ["stranger", "guest"] {
        options.credentials.push(format!("{name}=Authorization: Bearer {name}").parse().unwrap());
    }
    options.event_patience = Duration::from_secs(2);
    options
}

async fn judge(fault: Fault) -> Report {
    run(options(notes::start(fault).await)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_keeps_its_contract_passes() {
    let report = judge(Fault::None).await;
    assert!(report.passed(), "{report}");
    assert!(report.events.iter().all(|seen| seen.count > 0), "{report}");
    assert!(report.workflows.iter().all(|ran| ran.passed), "{report}");
}

/// Every fault, and a part of the check that must catch it.
const FAULTS: &[(Fault, &str, &str)] = &[
    (Fault::WrongStatus, "createNote", "example created: status"),
    (Fault::UndocumentedStatus, "getNote", "undocumented status"),
    (Fault::MissingHeader, "createNote", "header Location"),
    (Fault::HeaderOffSchema, "createNote", "header Location"),
    (Fault::WrongMediaType, "getNote", "media type"),
    (Fault::BodyOffSchema, "createNote", "body schema"),
    (Fault::FormatOffSchema, "createNote", "body schema"),
    (Fault::EchoSwapped, "createNote", "echo of /text"),
    (Fault::FilterIgnored, "listNotes", "/color"),
    (Fault::WrongRecord, "getNote", "echo of /noteId"),
    (Fault::OthersRecordShown, "getNote", "example of-another: status"),
    (Fault::AnonymousAccepted, "getNote", "derived: no credential: status"),
    (Fault::GuestAccepted, "createNote", "example guest: status"),
    (Fault::CorrelationLost, "getNote", "header X-Correlation-Id"),
    (Fault::UndocumentedCode, "getNote", "undocumented problem"),
    (Fault::WrongCode, "getNote", "example strange-name: problem"),
    (Fault::ProblemWithoutBody, "getNote", "problem"),
    (Fault::ProblemRepeatsValue, "getNote", "repeats a submitted value"),
    (Fault::ErrorPlaceMissing, "listNotes", "place of the error"),
    (Fault::KeyIgnored, "createNote", "same key, same body: status"),
    (Fault::OtherBodyAccepted, "createNote", "same key, other body: status"),
    (Fault::TwoEffectsAtOnce, "createNote", "many at once"),
    (Fault::NothingInFlight, "createNote", "status 409"),
    (Fault::LimitIgnored, "listNotes", "limit"),
    (Fault::ItemRepeated, "listNotes", "repeated item"),
    (Fault::ItemLost, "listNotes", "item lost"),
    (Fault::NoEvents, "events", "tail"),
    (Fault::EventMissing, "createNote", "event NoteCreated"),
    (Fault::EventOffSchema, "NoteCreated", "event schema"),
    (Fault::EventUnknown, "events", "type"),
    (Fault::EventOnReplay, "createNote", "event NoteCreated"),
    (Fault::EventOfAnotherTenant, "events", "tenants"),
    (Fault::EventsOutOfOrder, "events", "order"),
    (Fault::HugeBodyAccepted, "createNote", "status 413"),
    (Fault::AnyMediaTypeAccepted, "createNote", "derived: text/plain: status"),
    (Fault::SocketMissing, "talk", "open"),
    (Fault::SocketForAnybody, "talk", "no credential"),
    (Fault::SocketSilent, "talk", "hello: Say"),
    (Fault::SocketOffSchema, "talk", "message"),
    (Fault::SocketClosed, "talk", "end"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_caught() {
    let mut judging = JoinSet::new();
    for (fault, subject, check) in FAULTS {
        judging.spawn(async move {
            let report = judge(*fault).await;
            let caught = report
                .findings
                .iter()
                .any(|finding| finding.subject == *subject && finding.check.contains(check));
            assert!(caught, "{fault:?} wants {subject} · {check}\n{report}");
        });
    }
    let mut missed = Vec::new();
    while let Some(joined) = judging.join_next().await {
        missed.extend(joined.err().map(|error| error.to_string()));
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_names_its_place_and_how_to_see_it_without_secrets() {
    let report = judge(Fault::MissingHeader).await;
    let text = report.to_string();
    assert!(!text.contains(SECRET), "{text}");
    let finding = report.findings.iter().find(|one| one.check.contains("header Location")).unwrap();
    assert!(finding.file.ends_with("openapi.yaml") && finding.line > 1);
    let curl = finding.curl.as_deref().unwrap();
    assert!(curl.contains("-H \"Authorization: Bearer $TOKEN\""), "{curl}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_is_missing_is_a_gap_and_fails() {
    let mut options = options(notes::start(Fault::None).await);
    options.credentials.retain(|credential| credential.name != "guest");
    let report = run(options).await.unwrap();
    assert!(!report.passed());
    assert!(report.findings.iter().all(|finding| finding.kind == Kind::Gap), "{report}");
    let hint = report.findings[0].hint.as_deref().unwrap();
    assert!(hint.contains("--credential guest="), "{hint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_laid_over_the_contract_is_judged_and_named() {
    let mut options = options(notes::start(Fault::None).await);
    options.overlays.push(format!("{CASE}/weather.overlay.yaml").into());
    let report = run(options).await.unwrap();
    let finding = report.findings.iter().find(|one| one.check.contains("header X-Weather"));
    let finding = finding.unwrap_or_else(|| panic!("{report}"));
    assert!(finding.file.ends_with("weather.overlay.yaml") && finding.line == 6, "{report}");
}

#[tokio::test]
async fn a_contract_that_cannot_be_read_says_where() {
    let mut options = options("http://127.0.0.1:1".into());
    options.contract = "no/such/file.yaml".into();
    let reasons = run(options).await.unwrap_err().reasons;
    assert!(reasons[0].contains("no/such/file.yaml"), "{reasons:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_fails_and_nothing_hangs() {
    let report = run(options("http://127.0.0.1:1".into())).await.unwrap();
    let [finding] = report.findings.as_slice() else { panic!("{report}") };
    assert_eq!(finding.check, "no answer");
}
