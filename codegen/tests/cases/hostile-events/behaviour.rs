//! Messages of this case on their way out, in, and to those who handle them.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use hostile_events_wire::events::{OnSomeOrders, OnVersions, Orders, Versions};
use hostile_events_wire::types;
use serde_json::{Value, json};
use symbolon_wire::channel::{Channel, Event, Fully, Handled, Handler, Ignored, Partly, Refused};

/// A message as it travels.
fn event(event_type: &str, schema_version: u32, data: Value) -> Event<Value> {
    serde_json::from_value(json!({
        "messageId": "0197f6a2-9e30-7000-8000-000000000001",
        "tenantId": "acme",
        "aggregateType": "Order",
        "aggregateId": "o-1",
        "type": event_type,
        "timestamp": "2026-01-31T02:00:01.250Z",
        "correlationId": "request-1",
        "schemaVersion": schema_version,
        "data": data
    }))
    .unwrap()
}

/// A message of a channel as it is published.
fn published<C: Channel>(message: &C) -> Result<Event<C>, Refused> {
    let data = message.to_value().unwrap();
    event(message.event_type(), message.schema_version(), data).typed()
}

#[test]
fn what_is_published_can_be_read_and_what_breaks_its_contract_is_neither() {
    for message in [
        Orders::OrderPlaced(types::PlacedData { cents: 1 }),
        Orders::OrderPlaced2("a".to_owned()),
        Orders::OrderPlaced3(vec![1, 2, 3]),
        Orders::Type(9),
        Orders::Clone(types::Colour::Red.into()),
    ] {
        assert_eq!(published(&message).unwrap().data, message);
    }
    for (message, pointer) in [
        (Orders::OrderPlaced(types::PlacedData { cents: 0 }), "/data/cents"),
        (Orders::OrderPlaced2(String::new()), ""),
        (Orders::OrderPlaced3(vec![1, 0]), "/1"),
        (Orders::Type(10), ""),
        (Orders::Clone(symbolon_wire::Open::Unknown("blue".to_owned())), ""),
    ] {
        let Err(Refused::Broken { violations, .. }) = published(&message) else {
            panic!("{message:?}")
        };
        assert_eq!(violations[0].pointer, pointer, "{message:?}");
    }
}

#[test]
fn a_type_is_another_message_in_another_version() {
    let read = |version, data| event("Paid", version, data).typed::<Versions>();
    assert_eq!(read(1, json!(7)).unwrap().data, Versions::Paid1(7));
    for version in [2, 3] {
        let data = Versions::Paid2(Some("a".to_owned()));
        assert_eq!(read(version, json!("a")).unwrap().data, data);
    }
    assert_eq!(Versions::Paid2(None).schema_version(), 3);
    let reasons = [
        (read(4, json!(7)), "schema version 4 of `Paid` is unknown here"),
        (read(1, json!("a")), "`Paid` breaks its schema: `/data` must be an integer"),
        (event("Lost", 1, json!(1)).typed(), "`Lost` is no message of `shop.versions`"),
    ];
    for (refused, reason) in reasons {
        assert_eq!(refused.unwrap_err().to_string(), reason);
    }
}

/// Handles one message of six.
struct Texts;

impl OnSomeOrders<Vec<String>> for Texts {
    async fn order_placed_2(&self, event: Event<String>, seen: &mut Vec<String>) -> Handled {
        seen.push(event.data);
        Ok(())
    }
}

/// Handles them all.
struct Everything;

impl OnVersions<Vec<String>> for Everything {
    async fn closed(
        &self,
        _: Event<BTreeMap<String, Value>>,
        seen: &mut Vec<String>,
    ) -> Handled {
        seen.push("closed".to_owned());
        Ok(())
    }

    async fn foreign(&self, event: Event<types::Foreign>, seen: &mut Vec<String>) -> Handled {
        seen.push(event.data.region);
        Ok(())
    }

    async fn paid1(&self, event: Event<i64>, seen: &mut Vec<String>) -> Handled {
        seen.push(format!("{} {}", event.aggregate_id, event.data));
        Ok(())
    }

    async fn paid2(&self, event: Event<Option<String>>, seen: &mut Vec<String>) -> Handled {
        seen.extend(event.data);
        Ok(())
    }

    async fn unversioned(&self, _: Event<Value>, _: &mut Vec<String>) -> Handled {
        Err("not today".into())
    }
}

#[tokio::test]
async fn a_message_comes_to_its_own_method() {
    let mut seen = Vec::new();
    let texts = Partly(Texts);
    let told = event("orderPlaced", 1, json!("a")).typed::<Orders>().unwrap();
    texts.handle(told, &mut seen).await.unwrap();
    let other = event("type", 1, json!(1)).typed::<Orders>().unwrap();
    let ignored = texts.handle(other, &mut seen).await.unwrap_err();
    assert!(ignored.is::<Ignored>());

    let all = Fully(Everything);
    for told in [event("Paid", 1, json!(7)), event("Paid", 2, json!("b"))] {
        all.handle(told.typed().unwrap(), &mut seen).await.unwrap();
    }
    let one = event("Unversioned", 1, json!(null)).with(Versions::Unversioned(json!(null)));
    assert_eq!(all.handle(one, &mut seen).await.unwrap_err().to_string(), "not today");
    assert_eq!(seen, ["a", "o-1 7", "b"]);
}
