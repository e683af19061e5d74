//! Versions of resources: what the caller has already, and what was changed meanwhile.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use http::Request;
use serde_json::json;
use symbolon_server::{
    Anonymous, Call, EntityTag, Info, Input, Method, Operation, Outcome, PreconditionFailed,
    Preconditions, Rejected, Reply, Routes,
};
use symbolon_wire::Validate;

use crate::toy::{Answer, Nothing, Toy};

/// A note of one number, which is its version as well.
#[derive(Default)]
struct Note(Mutex<Option<u64>>);

struct Asked;

impl Validate for Asked {}

struct Shown {
    number: u64,
    e_tag: String,
}

macro_rules! operation {
    ($marker:ident, $info:expr) => {
        struct $marker;

        impl Operation for $marker {
            type Request = Asked;
            type Response = Shown;
            type Error = Nothing;
            type Principal = Anonymous;
            const INFO: Info = $info;

            fn decode(_: &mut Input) -> Result<Asked, Rejected> {
                Ok(Asked)
            }

            fn encode(answer: Result<Shown, Nothing>) -> Reply {
                match answer {
                    Ok(Shown { number, e_tag }) => {
                        let body = json!({ "number": number });
                        Reply::json(200, &body).header("ETag", &e_tag).header("X-Other", "1")
                    }
                    Err(error) => match error {},
                }
            }
        }
    };
}

operation!(Read, Info::new("read", Method::GET, "/note"));
operation!(Count, Info::new("count", Method::POST, "/note"));
operation!(Replace, Info::new("replace", Method::PUT, "/note").needs_if_match());

impl Note {
    fn shown(number: u64) -> Shown {
        Shown { number, e_tag: EntityTag::version(number).to_string() }
    }

    async fn read(&self, _: Call<Read>) -> Outcome<Read> {
        Ok(Self::shown(self.0.lock().unwrap().unwrap_or(0)))
    }

    /// Changes the note if it is as the caller takes it to be.
    fn step(&self, preconditions: &Preconditions) -> Result<Shown, PreconditionFailed> {
        let mut number = self.0.lock().unwrap();
        preconditions.hold(number.map(EntityTag::version).as_ref())?;
        let next = number.unwrap_or(0) + 1;
        *number = Some(next);
        Ok(Self::shown(next))
    }
}

fn note() -> Toy {
    let routes = Routes::new(Arc::new(Note::default()))
        .on::<Read, _, _>(|note, call| async move { note.read(call).await })
        .on::<Count, _, _>(|note, call| async move { Ok(note.step(&call.preconditions)?) })
        .on::<Replace, _, _>(|note, call| async move { Ok(note.step(&call.preconditions)?) });
    Toy::serving(vec![routes.finish()])
}

async fn ask(toy: &Toy, method: &str, name: &str, tags: &str) -> Answer {
    let request = Request::builder().method(method).uri("/note").header(name, tags);
    toy.send_as_is(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn who_has_the_version_already_gets_no_body() {
    let toy = note();
    let first = ask(&toy, "GET", "accept", "*/*").await;
    assert_eq!(
        (first.header("etag"), first.header("cache-control")),
        (r#""0""#, "private, no-cache")
    );
    for (tags, status) in [
        (r#""0""#, 304),
        (r#"W/"0""#, 304),
        (r#""a,b", "0""#, 304),
        ("*", 304),
        (r#""1""#, 200),
        ("0", 200),
        (r#""a, "0""#, 200),
        ("", 200),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = ask(&toy, method, "if-none-match", tags).await;
            assert_eq!(answer.status.as_u16(), status, "{method} {tags}");
            assert_eq!(answer.header("etag"), r#""0""#);
            if status == 304 {
                assert!(answer.bytes.is_empty());
                assert_eq!((answer.header("x-other"), answer.header("content-type")), ("", ""));
            }
        }
    }
}

#[tokio::test]
async fn a_change_holds_for_the_version_it_is_about() {
    let toy = note();
    // None may be there for one who makes it, and there must be one for who changes it.
    ask(&toy, "POST", "if-match", "*").await.problem(412, "precondition-failed");
    assert_eq!(ask(&toy, "POST", "if-none-match", "*").await.header("etag"), r#""1""#);
    ask(&toy, "POST", "if-none-match", "*").await.problem(412, "precondition-failed");
    assert_eq!(ask(&toy, "POST", "if-match", r#""1""#).await.header("etag"), r#""2""#);
    for stale in [r#""1""#, r#"W/"2""#, "2", ""] {
        ask(&toy, "POST", "if-match", stale).await.problem(412, "precondition-failed");
    }
    assert_eq!(ask(&toy, "POST", "if-match", r#""1", "2""#).await.header("etag"), r#""3""#);
    assert_eq!(ask(&toy, "POST", "accept", "*/*").await.header("etag"), r#""4""#);
}

#[tokio::test]
async fn where_the_contract_says_so_a_change_must_be_about_a_version() {
    let toy = note();
    ask(&toy, "POST", "accept", "*/*").await;
    ask(&toy, "PUT", "accept", "*/*").await.problem(428, "precondition-required");
    ask(&toy, "PUT", "if-match", r#""7""#).await.problem(412, "precondition-failed");
    assert_eq!(ask(&toy, "PUT", "if-match", r#""1""#).await.header("etag"), r#""2""#);
}

#[test]
fn a_tag_is_of_a_version_or_of_bytes() {
    assert_eq!(EntityTag::version(7).as_str(), r#""7""#);
    assert_eq!(EntityTag::version(7).weak().as_str(), r#"W/"7""#);
    assert_eq!(EntityTag::of_bytes(b"a"), EntityTag::of_bytes(b"a"));
    assert_ne!(EntityTag::of_bytes(b"a"), EntityTag::of_bytes(b"b"));
    assert_eq!(EntityTag::of_bytes(b"a").as_str().len(), 34);
}
