//! What is sent again, and when a call gives up.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use symbolon_client::{Client, Error, Retry};

use crate::pets::{AddPet, AddPetBody, AddPetRequest, GetPet, GetPetRequest, PatPet};
use crate::server::{Answer, Server, answer, serve};

fn client(server: &Server) -> Client {
    let retry = Retry { initial_delay: Duration::from_millis(1), ..Retry::default() };
    Client::builder(&server.base_url).retry(retry).build().unwrap()
}

fn add(key: &str) -> AddPetRequest {
    AddPetRequest { idempotency_key: key.into(), body: AddPetBody::Text("Rex".into()) }
}

fn rex() -> GetPetRequest {
    GetPetRequest { pet_id: "rex".into(), ..GetPetRequest::default() }
}

fn later(seconds: &'static str) -> Answer {
    Answer { headers: vec![("Retry-After", seconds)], ..answer(503, "") }
}

#[tokio::test]
async fn what_carries_a_key_is_repeated_with_the_same_one() {
    let server = serve([later("0"), answer(429, ""), answer(204, "")]).await;
    client(&server).call::<AddPet>(add("")).await.unwrap();
    client(&server).call::<AddPet>(add("mine")).await.unwrap();
    let asked = server.asked();
    let keys = asked.iter().map(|asked| asked.header("idempotency-key").unwrap());
    let keys: Vec<_> = keys.collect();
    assert_eq!(keys.len(), 4);
    assert_eq!(keys[..3].iter().collect::<BTreeSet<_>>().len(), 1);
    assert_eq!(keys[0].len(), 36);
    assert_eq!(keys[3], "mine");
    assert!(asked.iter().all(|asked| asked.text() == "Rex"));
}

#[tokio::test]
async fn what_is_not_safe_to_repeat_is_sent_once() {
    let server = serve([answer(503, "")]).await;
    let error = client(&server).call::<PatPet>("ear".into()).await.unwrap_err();
    assert!(matches!(error, Error::Unexpected { status: 503, .. }));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn attempts_end_and_other_errors_are_final() {
    let busy = serve([answer(429, "")]).await;
    let error = client(&busy).call::<GetPet>(rex()).await.unwrap_err();
    assert!(matches!(error, Error::Unexpected { status: 429, .. }));
    assert_eq!(busy.asked().len(), 3);
    let broken = serve([answer(500, "")]).await;
    client(&broken).call::<GetPet>(rex()).await.unwrap_err();
    assert_eq!(broken.asked().len(), 1);
}

#[tokio::test]
async fn the_wait_the_server_asks_for_is_kept_unless_it_is_too_long() {
    let soon = serve([later("1"), answer(200, r#"{"name":"Rex","age":3}"#)]).await;
    let started_at = Instant::now();
    client(&soon).call::<GetPet>(rex()).await.unwrap();
    assert!(started_at.elapsed() >= Duration::from_secs(1));
    for seconds in ["3600", "18446744073709551615"] {
        let away = serve([later(seconds)]).await;
        let call = client(&away).call::<GetPet>(rex()).timeout(Duration::from_secs(60));
        assert!(matches!(call.await.unwrap_err(), Error::Unexpected { status: 503, .. }));
        assert_eq!(away.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_timeout_spans_the_whole_call() {
    let slow = Answer { delay: Duration::from_secs(5), ..answer(204, "") };
    let server = serve([slow]).await;
    let call = client(&server).call::<AddPet>(add("k")).timeout(Duration::from_millis(100));
    let started_at = Instant::now();
    assert!(matches!(call.await.unwrap_err(), Error::Timeout));
    assert!(started_at.elapsed() < Duration::from_secs(3));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_broken_connection_is_tried_again() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let accepting = tokio::spawn(async move {
        for _ in 0..3 {
            drop(listener.accept().await.unwrap());
        }
    });
    let retry = Retry { initial_delay: Duration::from_millis(1), ..Retry::default() };
    let client = Client::builder(base_url).retry(retry).build().unwrap();
    let error = client.call::<GetPet>(rex()).await.unwrap_err();
    assert!(matches!(error, Error::Transport(_)));
    accepting.await.unwrap();
}
