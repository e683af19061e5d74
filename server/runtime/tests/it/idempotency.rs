//! Repetitions of requests under an idempotency key, kept by the edge.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use symbolon_server::{
    Anonymous, Edge, Failure, Fault, IdempotencyRule, Info, Input, MemoryAnswers, Method,
    Operation, Outcome, ProblemKind, Rejected, Replay, Reply, Routes,
};
use symbolon_wire::idempotency::Answers;
use symbolon_wire::{Documented, Problem};
use tower::ServiceExt as _;

use crate::toy::{Answer, Echoed};

const SOLD_OUT: ProblemKind =
    ProblemKind { code: "sold-out", status: 409, title: "Sold out", type_: "" };

enum Refused {
    SoldOut,
}

impl Documented for Refused {}

/// What was bought, as the n-th thing.
struct Bought(u32);

macro_rules! purchase {
    ($marker:ident, $path:literal, $replay:expr) => {
        struct $marker;

        impl Operation for $marker {
            type Request = Echoed;
            type Response = Bought;
            type Error = Refused;
            type Principal = Anonymous;
            const INFO: Info = Info::new(stringify!($marker), Method::POST, $path)
                .consumes(&["application/json"])
                .idempotency(IdempotencyRule::new("Idempotency-Key").replay($replay));

            fn decode(input: &mut Input) -> Result<Echoed, Rejected> {
                input.json::<Value>().map(Echoed)
            }

            fn encode(answer: Result<Bought, Refused>) -> Reply {
                match answer {
                    Ok(Bought(number)) => Reply::json(201, &json!({ "number": number }))
                        .header("Location", &format!("/things/{number}")),
                    Err(Refused::SoldOut) => Reply::problem(&SOLD_OUT, Problem::new("no more")),
                }
            }
        }
    };
}

purchase!(Buy, "/buy", Replay::Stored);
purchase!(BuyOr200, "/buy-or-200", Replay::Status(200));
purchase!(BuyOnce, "/buy-once", Replay::Conflict);

/// Counts what was bought. A body says how it goes.
#[derive(Default)]
struct Shop(AtomicU32);

impl Shop {
    async fn buy<O>(&self, how: Value) -> Outcome<O>
    where
        O: Operation<Response = Bought, Error = Refused>,
    {
        match how.as_str() {
            Some("sold out") => return Err(Fault::Documented(Refused::SoldOut)),
            Some("fail") => return Err(Failure::message("no idea what happened").into()),
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        Ok(Bought(self.0.fetch_add(1, Ordering::SeqCst) + 1))
    }
}

fn router(shop: &Arc<Shop>, answers: impl Answers) -> Router {
    let routes = Routes::new(Arc::clone(shop))
        .on::<Buy, _, _>(|shop, call| async move { shop.buy::<Buy>(call.request.0).await })
        .on::<BuyOr200, _, _>(
            |shop, call| async move { shop.buy::<BuyOr200>(call.request.0).await },
        )
        .on::<BuyOnce, _, _>(|shop, call| async move { shop.buy::<BuyOnce>(call.request.0).await });
    Edge::new("shop", "1").idempotency(answers).router(vec![routes.finish()]).unwrap()
}

async fn post(router: &Router, path: &str, key: &str, how: &str) -> Answer {
    let request = Request::post(path)
        .header("content-type", "application/json")
        .header("idempotency-key", key)
        .body(Body::from(json!(how).to_string()))
        .unwrap();
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, bytes }
}

#[tokio::test]
async fn a_repetition_gets_what_the_contract_says_and_has_no_second_effect() {
    let shop = Arc::new(Shop::default());
    let router = router(&shop, MemoryAnswers::new());
    for (path, status, number) in [("/buy", 201, 1), ("/buy-or-200", 200, 2)] {
        let first = post(&router, path, "k", "so").await;
        assert_eq!((first.status.as_u16(), first.json()), (201, json!({ "number": number })));
        let again = post(&router, path, "k", "so").await;
        assert_eq!((again.status.as_u16(), &again.bytes), (status, &first.bytes), "{path}");
        for name in ["location", "content-type"] {
            assert_eq!(again.header(name), first.header(name), "{path}");
        }
        // Who asks again is another request.
        assert_ne!(again.header("x-correlation-id"), first.header("x-correlation-id"));
    }
    let first = post(&router, "/buy-once", "k", "so").await;
    let again = post(&router, "/buy-once", "k", "so").await;
    again.problem(409, "duplicate-request");
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(shop.0.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_key_stands_for_one_request() {
    let shop = Arc::new(Shop::default());
    let router = router(&shop, MemoryAnswers::new());
    assert_eq!(post(&router, "/buy", "k", "so").await.status, 201);
    post(&router, "/buy", "k", "otherwise").await.problem(422, "idempotency-key-reused");
    assert_eq!(post(&router, "/buy", "l", "otherwise").await.status, 201);
}

#[tokio::test]
async fn what_came_to_nothing_may_be_tried_again() {
    let shop = Arc::new(Shop::default());
    let router = router(&shop, MemoryAnswers::new());
    post(&router, "/buy", "k", "sold out").await.problem(409, "sold-out");
    assert_eq!(post(&router, "/buy", "k", "so").await.status, 201);
}

#[tokio::test]
async fn what_may_have_had_its_effect_is_left_alone_for_a_while() {
    let shop = Arc::new(Shop::default());
    let (began, passed) = (Instant::now(), Arc::new(AtomicU32::new(0)));
    let seconds = Arc::clone(&passed);
    let now = move || began + Duration::from_secs(seconds.load(Ordering::SeqCst).into());
    let router = router(&shop, MemoryAnswers::new().clock(now));
    post(&router, "/buy", "k", "fail").await.problem(500, "internal-error");
    post(&router, "/buy", "k", "fail").await.problem(409, "idempotency-in-flight");
    // Twice the time a request may take.
    passed.fetch_add(61, Ordering::SeqCst);
    assert_eq!(post(&router, "/buy", "k", "so").await.status, 201);
    passed.fetch_add(23 * 3600, Ordering::SeqCst);
    assert_eq!(post(&router, "/buy", "k", "so").await.json()["number"], 1);
    passed.fetch_add(2 * 3600, Ordering::SeqCst);
    assert_eq!(post(&router, "/buy", "k", "so").await.json()["number"], 2);
}

#[tokio::test]
async fn of_many_at_once_one_has_its_effect_in_whichever_edge() {
    let (shop, answers) = (Arc::new(Shop::default()), Arc::new(MemoryAnswers::new()));
    let edges = [router(&shop, Arc::clone(&answers)), router(&shop, answers)];
    let at_once = (0..32).map(|number| {
        let edge = edges[number % 2].clone();
        async move { post(&edge, "/buy", "k", "so").await.status.as_u16() }
    });
    let statuses = futures_util::future::join_all(at_once).await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [201, 409].contains(status)), "{statuses:?}");
    assert_eq!(shop.0.load(Ordering::SeqCst), 1);
    assert_eq!(post(&edges[1], "/buy", "k", "so").await.status, 201);
}

#[tokio::test]
async fn no_more_keys_are_taken_than_can_be_known() {
    let shop = Arc::new(Shop::default());
    let router = router(&shop, MemoryAnswers::new().capacity(1));
    assert_eq!(post(&router, "/buy", "k", "so").await.status, 201);
    let refused = post(&router, "/buy", "l", "so").await;
    refused.problem(503, "unavailable");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(shop.0.load(Ordering::SeqCst), 1);
}
