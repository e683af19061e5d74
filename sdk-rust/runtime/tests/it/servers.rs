//! Where calls go: below one URL, or to the servers of a contract.

use symbolon_client::{
    Anonymous, BaseUrl, Client, DecodeError, EncodeError, Error, Incoming, Info, Method, Operation,
    Outgoing,
};
use symbolon_wire::Parameter;

use crate::server::{Server, answer, serve};

/// An operation with a server of its own.
struct Upload;

impl Operation for Upload {
    type Request = ();
    type Response = ();
    type Error = ();
    const INFO: Info = Info::new("upload", Method::POST, "/files")
        .server("{origin}/{version}/{bucket}", &[("bucket", "main"), ("version", "v1")]);

    fn encode(_: &Self::Request, _: &mut Outgoing) {}

    fn decode(incoming: &Incoming) -> Result<Result<(), ()>, DecodeError> {
        if incoming.status() == 204 { Ok(Ok(())) } else { Err(incoming.undocumented()) }
    }
}

/// A webhook.
struct Told;

impl Operation for Told {
    type Request = Option<u8>;
    type Response = ();
    type Error = ();
    const INFO: Info = Info::new("told", Method::POST, "");

    fn encode(request: &Self::Request, out: &mut Outgoing) {
        out.optional(Parameter::query("attempt"), request);
    }

    fn decode(incoming: &Incoming) -> Result<Result<(), ()>, DecodeError> {
        if incoming.status() == 204 { Ok(Ok(())) } else { Err(incoming.undocumented()) }
    }
}

fn production(server: &Server) -> BaseUrl {
    let variables = vec![("host", server.base_url.clone()), ("version", "v2/beta".to_owned())];
    BaseUrl::server("{host}/{version}/", variables)
}

#[tokio::test]
async fn a_url_gets_everything_and_a_server_of_the_contract_what_is_its_own() {
    let server = serve([answer(204, "")]).await;
    let client = Client::new(production(&server), Anonymous).unwrap();
    client.call::<Upload>(()).await.unwrap();
    let proxied = Client::new(format!("{}/proxy", server.base_url), Anonymous).unwrap();
    proxied.call::<Upload>(()).await.unwrap();
    proxied.call::<Upload>(()).at(format!("{}/other/", server.base_url)).await.unwrap();
    proxied.call::<Upload>(()).at(production(&server)).await.unwrap();
    let uris: Vec<String> = server.asked().into_iter().map(|asked| asked.uri).collect();
    assert_eq!(
        uris,
        ["/v2/beta/main/files", "/proxy/files", "/other/files", "/v2/beta/main/files"]
    );
}

#[tokio::test]
async fn a_url_that_is_none_is_said() {
    let error = Client::new(BaseUrl::server("https://{host}/", vec![]), Anonymous).unwrap_err();
    assert_eq!(error.to_string(), "base URL: a variable of it stands for nothing");
    let client = Client::new("http://127.0.0.1:1", Anonymous).unwrap();
    let error = client.call::<Upload>(()).at("/relative").await.unwrap_err();
    assert!(matches!(error, Error::Encode(EncodeError::Url)), "{error:?}");
}

#[tokio::test]
async fn a_server_of_an_operation_s_own_is_checked_as_any() {
    for version in ["{missing}", "v1?token=x"] {
        let variables = vec![("version", version.to_owned())];
        let server = BaseUrl::server("http://127.0.0.1:1", variables);
        let client = Client::new(server, Anonymous).unwrap();
        let error = client.call::<Upload>(()).await.unwrap_err();
        assert!(matches!(error, Error::Encode(EncodeError::Url)), "{version}: {error:?}");
    }
}

#[tokio::test]
async fn what_callers_are_told_goes_to_their_url_as_it_is() {
    let server = serve([answer(204, "")]).await;
    let hook = BaseUrl::exactly(format!("{}/hook/?token=a%2Fb", server.base_url));
    let sender = Client::new(hook, Anonymous).unwrap();
    sender.call::<Told>(Some(7)).await.unwrap();
    sender.call::<Told>(None).await.unwrap();
    let other = BaseUrl::exactly(format!("{}/other", server.base_url));
    sender.call::<Told>(Some(7)).at(other).await.unwrap();
    let uris: Vec<String> = server.asked().into_iter().map(|asked| asked.uri).collect();
    assert_eq!(uris, ["/hook/?token=a%2Fb&attempt=7", "/hook/?token=a%2Fb", "/other?attempt=7"]);
}
