//! Alternatives, schemes that go together and what handlers see, with the types that the generator
//! makes of its case `security`.

#[rustfmt::skip]
#[allow(dead_code, reason = "a generated module serves more than one test")]
#[path = "../../../../codegen/tests/cases/security/expected/server/src/access.rs"]
mod contract;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use symbolon_server::{
    Access, Anonymous, Edge, EdgeError, Given, Info, Input, Method, Operation, Principal, Rejected,
    Reply, Requirement, Routes, Unauthenticated,
};
use tower::ServiceExt;

use self::contract::{ApiKeyOrOauth, AppKeyAndAppId, AppKeyAndAppIdOrBasic};
use crate::toy::{Answer, Echoed, Nothing};

/// Operations that answer with what they see of their caller.
macro_rules! operation {
    ($marker:ident, $principal:ty, $path:literal, $security:expr) => {
        struct $marker;

        impl Operation for $marker {
            type Request = Echoed;
            type Response = Value;
            type Error = Nothing;
            type Principal = $principal;
            const INFO: Info = Info::new($path, Method::GET, $path).security($security);

            fn decode(_: &mut Input) -> Result<Echoed, Rejected> {
                Ok(Echoed(Value::Null))
            }

            fn encode(answer: Result<Value, Nothing>) -> Reply {
                match answer {
                    Ok(response) => Reply::json(200, &response),
                    Err(error) => match error {},
                }
            }
        }
    };
}

const API_KEY: Requirement = Requirement { scheme: "apiKey", scopes: &[] };
const APP_ID: Requirement = Requirement { scheme: "appId", scopes: &[] };
const APP_KEY: Requirement = Requirement { scheme: "app-key", scopes: &["apps"] };
const BASIC: Requirement = Requirement { scheme: "basic", scopes: &[] };
const READ: Requirement = Requirement { scheme: "oauth", scopes: &["read"] };
const SESSION: Requirement = Requirement { scheme: "session", scopes: &[] };

operation!(Open, Anonymous, "/open", &[]);
operation!(Anyone, Option<Principal>, "/anyone", &[&[], &[API_KEY]]);
operation!(Either, ApiKeyOrOauth, "/either", &[&[API_KEY], &[READ]]);
operation!(Together, AppKeyAndAppId, "/together", &[&[APP_KEY, APP_ID]]);
operation!(Mixed, Option<AppKeyAndAppIdOrBasic>, "/mixed", &[&[APP_KEY, APP_ID], &[BASIC], &[]]);
operation!(Cookie, Principal, "/cookie", &[&[SESSION]]);

fn routes() -> Routes {
    macro_rules! seen {
        ($($marker:ident)*) => {
            Routes::new(Arc::new(()))$(.on::<$marker, _, _>(|_, call| async move {
                Ok(json!(seen(&call.principal)))
            }))*.finish()
        };
    }
    seen!(Open Anyone Either Together Mixed Cookie)
}

/// What a principal prints as, without what all of them have.
fn seen(principal: &impl Access) -> String {
    format!("{principal:?}").replace(", tenant: \"\"", "").replace(", scopes: {}", "")
}

/// Whoever knows the word `good` is let in; `powerless` without scopes.
async fn verify(given: Given) -> Result<Principal, Unauthenticated> {
    let scopes: &[&str] = match given.secret.as_str() {
        "good" if given.user.is_empty() => &["apps", "read"],
        "good" | "powerless" => &[],
        _ => return Err(Unauthenticated::Invalid { reason: "the word is not known" }),
    };
    let scopes = scopes.iter().map(ToString::to_string).collect();
    Ok(Principal { subject: given.user, tenant: String::new(), scopes })
}

fn router() -> Router {
    let edge = contract::SCHEMES
        .iter()
        .fold(Edge::new("toy", "1"), |edge, scheme| edge.verify(*scheme, verify));
    edge.router(vec![routes()]).unwrap()
}

async fn get(target: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, bytes }
}

async fn seen_at(target: &str, headers: &[(&str, &str)]) -> String {
    let answer = get(target, headers).await;
    assert_eq!(answer.status, 200, "{target} {headers:?} {}", answer.text());
    answer.json().as_str().unwrap().replace("\"apps\", \"read\"", "..")
}

const SOMEBODY: &str = "Principal { subject: \"\", scopes: {..} }";

#[tokio::test]
async fn a_handler_sees_by_which_alternative_its_caller_came() {
    assert_eq!(seen_at("/open", &[]).await, "Anonymous");
    assert_eq!(seen_at("/anyone", &[]).await, "None");
    let key = [("x-api-key", "good")];
    assert_eq!(seen_at("/anyone", &key).await, format!("Some({SOMEBODY})"));
    assert_eq!(seen_at("/either", &key).await, format!("ApiKey({SOMEBODY})"));
    let token = [("authorization", "Bearer good")];
    assert_eq!(seen_at("/either", &token).await, format!("Oauth({SOMEBODY})"));
    let both = format!("AppKeyAndAppId {{ app_key: {SOMEBODY}, app_id: {SOMEBODY} }}");
    let target = "?app_id=good&app_key=go%6fd";
    assert_eq!(seen_at(&format!("/together{target}"), &[]).await, both);
    let mixed = format!("/mixed{target}");
    assert_eq!(seen_at(&mixed, &[]).await, format!("Some(AppKeyAndAppId({both}))"));
    let basic = [("authorization", "Basic YWRhOmdvb2Q=")];
    let ada = "Some(Basic(Principal { subject: \"ada\" }))";
    assert_eq!(seen_at("/mixed", &basic).await, ada);
    assert_eq!(seen_at("/mixed", &[]).await, "None");
    assert_eq!(seen_at("/cookie", &[("cookie", "a=b; session=good")]).await, SOMEBODY);
}

#[tokio::test]
async fn an_invalid_credential_does_not_hide_a_valid_one() {
    let both = [("x-api-key", "bad"), ("authorization", "Bearer good")];
    assert_eq!(seen_at("/either", &both).await, format!("Oauth({SOMEBODY})"));
}

#[tokio::test]
async fn refusals_say_what_would_do() {
    let key = "ApiKey in=\"header\", name=\"X-API-Key\"";
    for (target, headers, status, challenge) in [
        ("/either", vec![], 401, format!("{key}, Bearer")),
        ("/either", vec![("x-api-key", "bad")], 401, format!("{key}, Bearer")),
        (
            "/either",
            vec![("authorization", "Bearer bad")],
            401,
            format!("{key}, Bearer error=\"invalid_token\""),
        ),
        (
            "/either",
            vec![("authorization", "Bearer powerless")],
            403,
            "Bearer error=\"insufficient_scope\", scope=\"read\"".to_owned(),
        ),
        ("/anyone", vec![("x-api-key", "bad")], 401, key.to_owned()),
        ("/cookie", vec![("cookie", "session=good; session=good")], 401, String::new()),
        ("/cookie", vec![("authorization", "Bearer good")], 401, String::new()),
        ("/mixed?app_id=good", vec![("authorization", "Basic YWRhOmJhZA==")], 401, String::new()),
        // Half of what goes together is no right to know that a scope lacks.
        ("/together?app_key=powerless", vec![], 401, String::new()),
        ("/together?app_key=powerless&app_id=good", vec![], 403, String::new()),
        ("/together?app_key=good&app_id=bad", vec![], 401, String::new()),
    ] {
        let answer = get(target, &headers).await;
        let code = if status == 401 { "unauthenticated" } else { "forbidden" };
        answer.problem(status, code);
        if !challenge.is_empty() {
            assert_eq!(answer.header("www-authenticate"), challenge, "{target} {headers:?}");
        }
    }
}

#[test]
fn a_scheme_without_an_authenticator_is_refused() {
    let edge = Edge::new("toy", "1").verify(contract::API_KEY, verify);
    let refused = edge.router(vec![routes()]).unwrap_err();
    assert!(matches!(refused, EdgeError::Unrecognised { scheme: "oauth", .. }), "{refused}");
}
