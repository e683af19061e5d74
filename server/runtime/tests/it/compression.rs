//! Answers in fewer bytes.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use std::sync::Arc;
use symbolon_server::{
    Anonymous, Cors, Edge, Info, Input, Method, Operation, Rejected, Reply, Routes,
};
use symbolon_wire::{Parameter, Validate};
use tower::ServiceExt;

use crate::toy::{Answer, Nothing};

/// Answers with the reply that its path names.
struct Show;

struct Named(String);

impl Validate for Named {}

impl Operation for Show {
    type Request = Named;
    type Response = String;
    type Error = Nothing;
    type Principal = Anonymous;
    const INFO: Info = Info::new("show", Method::GET, "/v1/{name}");

    fn decode(input: &mut Input) -> Result<Named, Rejected> {
        input.required(Parameter::path("name")).map(Named)
    }

    fn encode(answer: Result<String, Nothing>) -> Reply {
        let name = match answer {
            Ok(name) => name,
            Err(error) => match error {},
        };
        let long: Value = (0..500).map(|number| json!({ "number": number })).collect();
        match name.as_str() {
            "short" => Reply::json(200, "short"),
            "image" => Reply::bytes(200, "image/png", vec![0; 5000]),
            "strong" => Reply::json(200, &long).header("ETag", "\"1\""),
            "weak" => Reply::json(200, &long).header("ETag", "W/\"1\""),
            "lines" => {
                let lines = futures_util::stream::iter([long]);
                Reply::lines(200, "application/jsonl", symbolon_wire::Lines::of(lines))
            }
            "events" => {
                let events = futures_util::stream::iter([long]);
                Reply::events(200, symbolon_wire::Events::of(events))
            }
            _ => Reply::json(200, &long),
        }
    }
}

async fn show(name: &str, accepted: &str) -> Answer {
    let routes = Routes::new(Arc::new(()));
    let routes = routes.on::<Show, _, _>(|_, call| async move { Ok(call.request.0) }).finish();
    let edge = Edge::new("toy", "1").compression(1024).cors(Cors::of(["https://app.example"]));
    let router = edge.router(vec![routes]).unwrap();
    let request = Request::get(format!("/v1/{name}")).header("accept-encoding", accepted);
    let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, bytes }
}

#[tokio::test]
async fn text_is_compressed_as_its_caller_reads_it() {
    let plain = show("long", "identity").await;
    assert_eq!((plain.header("content-encoding"), plain.bytes.len() > 5000), ("", true));
    for (accepted, encoding) in
        [("gzip", "gzip"), ("br, gzip;q=0.5", "br"), ("zstd", "zstd"), ("br;q=0, gzip", "gzip")]
    {
        let answer = show("long", accepted).await;
        assert_eq!(answer.header("content-encoding"), encoding);
        assert!(answer.bytes.len() < 2500, "{encoding}: {}", answer.bytes.len());
        let vary: Vec<_> = answer.headers.get_all("vary").iter().collect();
        assert_eq!(vary, ["origin", "accept-encoding"]);
        assert_eq!(answer.header("content-length"), "");
    }
    // Who reads no other gets it as it is, and caches are told why.
    let vary: Vec<_> = plain.headers.get_all("vary").iter().collect();
    assert_eq!(vary, ["origin", "accept-encoding"]);
    assert_eq!(show("weak", "gzip").await.header("content-encoding"), "gzip");
}

#[tokio::test]
async fn what_gains_nothing_or_must_stay_as_it_is_stays_so() {
    for name in ["short", "image", "strong", "lines", "events"] {
        let answer = show(name, "br, zstd, gzip").await;
        assert_eq!(answer.header("content-encoding"), "", "{name}");
        assert_eq!(answer.headers.get_all("vary").iter().count(), 1, "{name}");
    }
}
