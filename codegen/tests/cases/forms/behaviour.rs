//! Both halves of what was generated from this case, over the network.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::Arc;

use forms_server::files::{self as served, Files, routes};
use forms_wire::files::{self as wire, receipts};
use forms_wire::types::{Receipt, ReceiptsResponse203, ReceiptsResponseDefault};
use symbolon_client::Error;
use symbolon_server::{Call, Edge, Outcome};
use symbolon_wire::Binary;

struct Office;

fn receipt() -> Receipt {
    Receipt {
        id: 7,
        meta: Some(BTreeMap::from([("pages".to_owned(), 2)])),
        paid: Some(true),
        tags: Some(vec!["a, b".to_owned(), "c&d".to_owned()]),
    }
}

fn scans() -> Vec<Binary> {
    let odd = Binary::new(*b"\r\n--symbolon-0\r\n\xff").file_name("a \"b\".png").media_type("image/png");
    vec![odd.header("X-Page", "1"), Binary::new(*b"two").file_name("two").media_type("image/png")]
}

impl Files for Office {
    async fn receipts(&self, call: Call<served::Receipts>) -> Outcome<served::Receipts> {
        match call.request.as_.as_deref() {
            Some("parts") => {
                let body = ReceiptsResponse203 { count: Some(2), receipt: receipt(), scans: scans() };
                Ok(receipts::Response::NonAuthoritativeInformation { body })
            }
            Some("oops") => {
                let body = ReceiptsResponseDefault { oops: Some(false) };
                Err(receipts::Error::Default { status: 503, body: body.into() }.into())
            }
            Some(_) | None => Ok(receipts::Response::Ok { body: receipt() }),
        }
    }

    async fn batch(&self, call: Call<served::Batch>) -> Outcome<served::Batch> {
        Ok(wire::batch::Response::Ok { body: call.request.body })
    }

    async fn charge(&self, _: Call<served::Charge>) -> Outcome<served::Charge> {
        Ok(wire::charge::Response::NoContent {})
    }

    async fn either(&self, _: Call<served::Either>) -> Outcome<served::Either> {
        Ok(wire::either::Response::NoContent {})
    }

    async fn nameless(&self, _: Call<served::Nameless>) -> Outcome<served::Nameless> {
        Ok(wire::nameless::Response::NoContent {})
    }

    async fn replace(&self, _: Call<served::Replace>) -> Outcome<served::Replace> {
        Ok(wire::replace::Response::NoContent {})
    }

    async fn texts(&self, _: Call<served::Texts>) -> Outcome<served::Texts> {
        Ok(wire::texts::Response::NoContent {})
    }

    async fn upload(&self, call: Call<served::Upload>) -> Outcome<served::Upload> {
        Ok(wire::upload::Response::Ok { body: call.request.body.unwrap().photo })
    }
}

async fn office() -> forms_sdk::Client {
    let router = Edge::new("office", "1").router(vec![routes(Arc::new(Office))]).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(symbolon_server::serve(listener, router, std::future::pending()));
    forms_sdk::Client::new(url, symbolon_client::Anonymous).unwrap()
}

fn asked(how: &str) -> receipts::Request {
    receipts::Request { as_: Some(how.to_owned()) }
}

#[tokio::test]
async fn forms_come_back_as_they_were_answered() {
    let client = office().await;
    let form = client.files().receipts(asked("form")).await.unwrap();
    assert_eq!(form, receipts::Response::Ok { body: receipt() });
    let parts = client.files().receipts(asked("parts")).await.unwrap();
    let body = ReceiptsResponse203 { count: Some(2), receipt: receipt(), scans: scans() };
    assert_eq!(parts, receipts::Response::NonAuthoritativeInformation { body });
    let Err(Error::Problem(oops)) = client.files().receipts(asked("oops")).await else { panic!() };
    let body = ReceiptsResponseDefault { oops: Some(false) };
    assert_eq!(oops, receipts::Error::Default { status: 503, body: body.into() });
}

#[tokio::test]
async fn parts_keep_every_word_of_their_dispositions() {
    let client = office().await;
    let told = "inline; filename=\"b.txt\"; creation-date=\"Wed, 12 Feb 1997 16:29:51 -0500\"";
    let part = Binary::new(*b"b").header("Content-Disposition", told);
    let plain = Binary::new(*b"a").file_name("a.txt");
    let sent = wire::batch::Request { body: vec![plain.clone(), part.clone()] };
    let wire::batch::Response::Ok { body } = client.files().batch(sent).await.unwrap() else {
        panic!()
    };
    assert_eq!(body, [plain, part.file_name("b.txt")]);
}
