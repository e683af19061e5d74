//! Both halves of what was generated from this case, over the network.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::Arc;

use openapi_3_server::access;
use openapi_3_server::nested_pets::{CopyPets, ListPets, NestedPets, SearchPets, routes};
use openapi_3_wire::nested_pets::{copy_pets, list_pets, search_pets};
use openapi_3_wire::types::{Cat, CatKind, Pet};
use symbolon_client::Bearer;
use symbolon_server::{Call, Edge, Outcome, Principal};

struct Shelter;

impl NestedPets for Shelter {
    async fn copy_pets(&self, _: Call<CopyPets>) -> Outcome<CopyPets> {
        Ok(copy_pets::Response::NoContent {})
    }

    async fn list_pets(&self, call: Call<ListPets>) -> Outcome<ListPets> {
        assert!(matches!(call.request.selection, Some(Pet::Cat(_))), "{:?}", call.request);
        Ok(list_pets::Response::NoContent {})
    }

    async fn search_pets(&self, _: Call<SearchPets>) -> Outcome<SearchPets> {
        Ok(search_pets::Response::Ok { body: Vec::new() })
    }
}

#[tokio::test]
async fn json_is_the_whole_query_string_and_methods_are_any() {
    let caller = Principal {
        subject: "me".to_owned(),
        tenant: "mine".to_owned(),
        scopes: BTreeSet::from(["read".to_owned()]),
    };
    let router = Edge::new("shelter", "1")
        .verify(access::DEVICE, move |_| {
            let caller = caller.clone();
            async move { Ok(caller) }
        })
        .router(vec![routes(Arc::new(Shelter))])
        .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(symbolon_server::serve(listener, router, std::future::pending()));
    let client = openapi_3_sdk::Client::new(url, Bearer::new("token")).unwrap();
    let selection = Some(Pet::Cat(Cat { kind: CatKind::Cat }));
    client.nested_pets().list_pets(list_pets::Request { selection }).await.unwrap();
    client.nested_pets().copy_pets(copy_pets::Request {}).await.unwrap();
}
