//! Pages, walked as streams.

use symbolon_client::{Anonymous, Client, DecodeError, Error};

use crate::pets::{ListPets, ListPetsRequest};
use crate::server::{Answer, Server, answer, serve};

fn script() -> [Answer; 3] {
    [
        answer(200, r#"{"items":[1,2],"nextCursor":"b"}"#),
        answer(200, r#"{"items":[],"nextCursor":"c"}"#),
        answer(200, r#"{"items":[3]}"#),
    ]
}

fn list(server: &Server) -> symbolon_client::Call<ListPets> {
    let client = Client::new(&server.base_url, Anonymous).unwrap();
    client.call::<ListPets>(ListPetsRequest { tag: Some("x".into()), cursor: None })
}

#[tokio::test]
async fn items_come_from_all_pages_under_the_same_filters() {
    let server = serve(script()).await;
    let mut items = list(&server).items();
    let mut found = Vec::new();
    while let Some(item) = items.try_next().await.unwrap() {
        found.push(item);
    }
    assert_eq!(found, [1, 2, 3]);
    let uris: Vec<_> = server.asked().into_iter().map(|asked| asked.uri).collect();
    assert_eq!(uris, ["/pets?tag=x", "/pets?tag=x&cursor=b", "/pets?tag=x&cursor=c"]);
}

#[tokio::test]
async fn items_are_a_stream() {
    use futures_util::TryStreamExt;
    let server = serve(script()).await;
    let items: Vec<u32> = TryStreamExt::try_collect(list(&server).items()).await.unwrap();
    assert_eq!(items, [1, 2, 3]);
}

#[tokio::test]
async fn a_page_is_fetched_when_it_is_asked_for() {
    let server = serve(script()).await;
    let mut pages = list(&server).pages();
    assert!(server.asked().is_empty());
    assert_eq!(pages.try_next().await.unwrap(), Some(vec![1, 2]));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn pages_that_never_end_are_an_error() {
    let server = serve([script()[0].clone()]).await;
    let mut pages = list(&server).pages();
    pages.try_next().await.unwrap();
    let error = pages.try_next().await.unwrap_err();
    assert!(matches!(error, Error::Decode(DecodeError::RepeatedCursor)));
    assert!(pages.try_next().await.unwrap().is_none());
}
