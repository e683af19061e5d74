//! Cursors of lists, as a handler uses them and a caller sees them.

use std::sync::Arc;

use serde_json::{Value, json};
use symbolon_server::{
    Call, Cursors, ForeignCursor, Info, Input, List, Method, Operation, Outcome, Principal,
    Rejected, Reply, Requirement, Routes,
};
use symbolon_wire::{Parameter, Validate};

use crate::toy::{Nothing, Toy};

const READ: Requirement = Requirement { scheme: "oidc", scopes: &["orders:read"] };

struct Asked {
    cursor: Option<String>,
    tag: Option<String>,
}

impl Validate for Asked {}

macro_rules! list {
    ($marker:ident, $id:literal, $path:literal) => {
        struct $marker;

        impl Operation for $marker {
            type Request = Asked;
            type Response = Value;
            type Error = Nothing;
            type Principal = Principal;
            const INFO: Info = Info::new($id, Method::GET, $path).security(&[&[READ]]);

            fn decode(input: &mut Input) -> Result<Asked, Rejected> {
                let cursor = input.optional(Parameter::query("cursor"));
                let tag = input.optional(Parameter::query("tag"));
                Ok(Asked { cursor: cursor?, tag: tag? })
            }

            fn encode(answer: Result<Value, Nothing>) -> Reply {
                match answer {
                    Ok(body) => Reply::json(200, &body),
                    Err(error) => match error {},
                }
            }
        }
    };
}

list!(ListNumbers, "listNumbers", "/v1/numbers");
list!(ListOthers, "listOthers", "/v1/others");

/// Five numbers, two a page.
async fn page<O>(cursors: &Cursors, call: Call<O>) -> Outcome<O>
where
    O: Operation<Request = Asked, Response = Value, Error = Nothing, Principal = Principal>,
{
    let filters = call.request.tag.unwrap_or_default();
    let list = List::of::<O>(call.principal.tenant(), &filters);
    let after: u32 = cursors.after(list, call.request.cursor.as_deref())?.unwrap_or(0);
    let found: Vec<u32> = (after + 1..=5).take(3).collect();
    let (items, next) = cursors.page(list, found, 2, |last| *last)?;
    Ok(json!({ "items": items, "nextCursor": next }))
}

fn toy() -> Toy {
    let routes = Routes::new(Arc::new(Cursors::new(b"a secret of this test")))
        .on::<ListNumbers, _, _>(|cursors, call| async move { page(&cursors, call).await })
        .on::<ListOthers, _, _>(|cursors, call| async move { page(&cursors, call).await });
    Toy::serving(vec![routes.finish()])
}

#[tokio::test]
async fn cursors_lead_through_a_list_to_its_end() {
    let toy = toy();
    let (mut path, mut items) = ("/v1/numbers".to_owned(), Vec::new());
    loop {
        let page = toy.get(&path).await.json();
        items.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["nextCursor"].as_str() else { break };
        path = format!("/v1/numbers?cursor={next}");
    }
    assert_eq!(items, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_cursor_of_another_list_is_400() {
    let toy = toy();
    let page = toy.get("/v1/numbers").await.json();
    let cursor = page["nextCursor"].as_str().unwrap();
    for path in [
        format!("/v1/others?cursor={cursor}"),
        format!("/v1/numbers?tag=a&cursor={cursor}"),
        "/v1/numbers?cursor=not-a-cursor".to_owned(),
        "/v1/numbers?cursor=".to_owned(),
    ] {
        assert_eq!(toy.get(&path).await.violations(), ["query /cursor cursor"], "{path}");
    }
}

#[test]
fn a_cursor_is_good_for_its_tenant_and_as_it_was_made() {
    let cursors = Cursors::new(b"a secret of this test");
    let list = List::of::<ListNumbers>("acme", "tag=x");
    let position = (1_700_000_000_000_000_i64, "7".to_owned());
    let cursor = cursors.write(list, &position).unwrap();
    assert_eq!(cursors.read::<(i64, String)>(list, &cursor), Ok(position));
    let refused = |list, cursor: &str| cursors.read::<(i64, String)>(list, cursor);
    for other in [("globex", "tag=x"), ("acme", "tag=y"), ("acmet", "ag=x")] {
        let other = List::of::<ListNumbers>(other.0, other.1);
        assert_eq!(refused(other, &cursor), Err(ForeignCursor));
    }
    for place in 0..cursor.len() {
        let mut altered = cursor.clone().into_bytes();
        altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).unwrap();
        assert_eq!(refused(list, &altered), Err(ForeignCursor), "{place}");
    }
    // Signed, and of another type.
    assert_eq!(cursors.read::<u8>(list, &cursor), Err(ForeignCursor));
}

#[test]
fn a_secret_can_be_changed_while_cursors_are_about() {
    let list = List::of::<ListNumbers>("acme", "");
    let old = Cursors::new(b"old").write(list, &1).unwrap();
    let changed = Cursors::new(b"new").formerly(b"old");
    assert_eq!(changed.read(list, &old), Ok(1));
    let new = changed.write(list, &2).unwrap();
    assert_eq!(Cursors::new(b"new").read(list, &new), Ok(2));
    assert_eq!(Cursors::new(b"old").read::<i32>(list, &new), Err(ForeignCursor));
    assert_eq!(Cursors::new(b"new").read::<i32>(list, &old), Err(ForeignCursor));
}
