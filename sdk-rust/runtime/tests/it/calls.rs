//! One call: where it goes, as whom, and what its response becomes.

use std::error::Error as _;

use symbolon_client::{
    All, Anonymous, ApiKey, Basic, Bearer, Client, ClientError, DecodeError, EncodeError, Error,
};

use crate::pets::{GetPet, GetPetError, GetPetRequest, GetPetResponse, PatPet, Pet};
use crate::server::{Answer, answer, serve};

fn rex() -> GetPetRequest {
    GetPetRequest { pet_id: "rex".into(), ..GetPetRequest::default() }
}

#[tokio::test]
async fn is_written_below_the_base_path_and_read_by_its_status() {
    let near = ("X-Near", r#"[{"name":"Rex","age":3}]"#);
    let found =
        Answer { headers: vec![("X-Age", "3"), near], ..answer(200, r#"{"name":"Rex","age":3}"#) };
    let moved = Answer { headers: vec![("Location", "/pets/7")], ..answer(202, "") };
    let server = serve([found, moved]).await;
    let base_url = format!("{}/api/", server.base_url);
    let client = Client::builder(base_url).header("X-App", "tests").build().unwrap();
    let request = GetPetRequest {
        pet_id: "a/b".into(),
        tags: Some(vec!["x".into(), "y z".into()]),
        session: Some("s".into()),
    };
    let response = client.call::<GetPet>(request.clone()).correlation_id("c-1").await.unwrap();
    let body = Pet { name: "Rex".into(), age: 3 };
    let near = Some(vec![body.clone()]);
    assert_eq!(response, GetPetResponse::Ok { age: Some(3), near, body });
    let response = client.call::<GetPet>(request).await.unwrap();
    assert_eq!(response, GetPetResponse::Accepted { location: "/pets/7".into() });
    let asked = &server.asked()[0];
    assert_eq!(asked.method, "GET");
    assert_eq!(asked.uri, "/api/pets/a%2Fb.json?tag=x&tag=y%20z");
    assert_eq!(asked.header("cookie"), Some("session=s"));
    assert_eq!(asked.header("x-correlation-id"), Some("c-1"));
    assert_eq!(asked.header("x-app"), Some("tests"));
    assert_eq!(asked.header("accept"), Some("application/json, application/problem+json"));
}

#[tokio::test]
async fn credentials_go_where_they_belong_and_nowhere_if_the_operation_is_open() {
    let server = serve([answer(200, r#"{"name":"Rex","age":3}"#)]).await;
    let auth = All::default()
        .and(Bearer::new("token"))
        .and(ApiKey::query("key", "a&b"))
        .and(ApiKey::cookie("c", "k"));
    assert_eq!(
        format!("{:?}", Bearer::new("secret")),
        r#"Bearer(Header { name: "Authorization", .. })"#
    );
    let client = Client::new(&server.base_url, auth).unwrap();
    let request = GetPetRequest { session: Some("s".into()), ..rex() };
    client.call::<GetPet>(request).await.unwrap();
    client.call::<PatPet>("ear".into()).await.unwrap();
    let basic = Client::new(&server.base_url, Basic::new("Aladdin", "open sesame")).unwrap();
    basic.call::<GetPet>(rex()).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked[0].header("authorization"), Some("Bearer token"));
    assert_eq!(asked[0].header("cookie"), Some("session=s; c=k"));
    assert_eq!(asked[0].uri, "/pets/rex.json?key=a%26b");
    assert_eq!(asked[1].header("authorization"), None);
    assert_eq!(asked[1].uri, "/pats?where%5B0%5D=ear");
    assert_eq!(asked[2].header("authorization"), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
}

#[tokio::test]
async fn a_documented_problem_is_typed_and_any_other_response_is_not() {
    let server = serve([
        answer(409, r#"{"code":"asleep","title":"No","detail":"hidden"}"#),
        answer(409, r#"{"code":"other","title":"hidden"}"#),
        answer(500, "hidden"),
        answer(302, ""),
    ])
    .await;
    let client = Client::new(&server.base_url, Anonymous).unwrap();
    let error = client.call::<GetPet>(rex()).await.unwrap_err();
    assert_eq!(error.to_string(), "documented problem `Asleep`");
    assert!(matches!(error.problem(), Some(GetPetError::Asleep(problem)) if problem.title == "No"));
    for expected in [409, 500, 302] {
        let error = client.call::<GetPet>(rex()).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hidden"));
        assert!(matches!(error, Error::Unexpected { status, .. } if status == expected));
    }
}

#[tokio::test]
async fn a_success_that_is_not_as_documented_is_a_decode_error() {
    let server = serve([
        answer(200, r#"{"name":"Rex","age":"secret"}"#),
        answer(202, ""),
        Answer { headers: vec![("X-Age", "old")], ..answer(200, r#"{"name":"Rex","age":3}"#) },
    ])
    .await;
    let client = Client::new(&server.base_url, Anonymous).unwrap();
    let mut errors = Vec::new();
    for _ in 0..3 {
        match client.call::<GetPet>(rex()).await.unwrap_err() {
            Error::Decode(error) => errors.push(error),
            other => panic!("{other}"),
        }
    }
    assert!(matches!(&errors[0], DecodeError::Body(refusal) if refusal.pointer == "/age"));
    assert!(!format!("{} {:?}", errors[0], errors[0]).contains("secret"));
    assert_eq!(errors[1], DecodeError::MissingHeader { name: "Location" });
    assert_eq!(errors[2], DecodeError::Header { name: "X-Age" });
}

#[tokio::test]
async fn nothing_is_sent_that_cannot_be_written() {
    let server = serve([answer(500, "")]).await;
    let client = Client::new(&server.base_url, Bearer::new("sec\nret")).unwrap();
    let calls = [
        client.call::<GetPet>(GetPetRequest { pet_id: "..".into(), ..rex() }),
        client.call::<GetPet>(rex()).correlation_id("sec\nret"),
        client.call::<GetPet>(rex()),
    ];
    for call in calls {
        let error = call.await.unwrap_err();
        assert!(matches!(error, Error::Encode(EncodeError::Parameter { .. })), "{error}");
        assert!(!format!("{error} {error:?}").contains("sec"));
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn an_unreachable_server_is_a_transport_error_without_its_address() {
    let builder = Client::builder("http://127.0.0.1:1").auth(ApiKey::query("key", "secret"));
    let client = builder.retry(symbolon_client::Retry::NONE).build().unwrap();
    let error = client.call::<GetPet>(rex()).await.unwrap_err();
    assert!(matches!(error, Error::Transport(_)));
    assert_eq!(error.to_string(), "the server cannot be reached");
    assert!(!format!("{error:?} {}", error.source().unwrap()).contains("secret"));
}

#[test]
fn a_base_url_is_checked() {
    for base_url in ["/v1", "ftp://host", "http://user:pass@host", "http://host?key=1"] {
        let error = Client::new(base_url, Anonymous).unwrap_err();
        assert!(matches!(error, ClientError::BaseUrl(_)), "{base_url}");
    }
}

#[tokio::test]
async fn a_documented_redirect_is_an_answer_and_is_not_followed() {
    let redirect = Answer { headers: vec![("location", "/elsewhere")], ..answer(202, "") };
    let server = serve([Answer { status: 303, ..redirect }]).await;
    let client = Client::new(&server.base_url, Anonymous).unwrap();
    assert_eq!(client.call::<Redirected>(()).await.unwrap(), "/elsewhere");
    assert_eq!(server.asked().len(), 1);
}

struct Redirected;

impl symbolon_client::Operation for Redirected {
    type Request = ();
    type Response = String;
    type Error = std::convert::Infallible;
    const INFO: symbolon_client::Info =
        symbolon_client::Info::new("go", symbolon_client::Method::GET, "/go");

    fn encode((): &(), _: &mut symbolon_client::Outgoing) {}

    fn decode(
        incoming: &symbolon_client::Incoming,
    ) -> Result<Result<String, Self::Error>, symbolon_client::DecodeError> {
        match incoming.status() {
            303 => Ok(Ok(incoming.header("Location")?)),
            _ => Err(incoming.undocumented()),
        }
    }
}
