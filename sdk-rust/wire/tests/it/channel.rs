//! Messages in their envelopes: what comes back, and what is said of one that breaks its schema.

use serde_json::{Value, json};
use symbolon_wire::Violations;
use symbolon_wire::channel::{Event, Refused, check_data, check_enveloped};

fn travelling() -> Value {
    json!({
        "messageId": "0197f6a2-9e30-7000-8000-000000000001",
        "tenantId": "acme",
        "aggregateType": "Count",
        "aggregateId": "a",
        "type": "Counted",
        "timestamp": "2026-01-31T02:00:01.25Z",
        "correlationId": "greeting",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "schemaVersion": 1,
        "version": 3,
        "data": { "number": 1 }
    })
}

#[test]
fn an_envelope_comes_back_as_it_was() {
    let event: Event<Value> = serde_json::from_value(travelling()).unwrap();
    assert_eq!(serde_json::to_value(&event).unwrap(), travelling());
    let (data, envelope) = event.clone().split();
    assert_eq!(envelope.with(data), event);
}

#[test]
fn what_is_no_trace_parent_is_dropped() {
    for wrong in [json!("00-0-0-0"), json!(7), json!(null)] {
        let mut travelling = travelling();
        travelling["traceparent"] = wrong;
        let event: Event<Value> = serde_json::from_value(travelling).unwrap();
        assert_eq!(event.traceparent, None);
    }
}

#[test]
fn a_broken_message_tells_every_place_and_no_value() {
    let event: Event<Value> = serde_json::from_value(travelling()).unwrap();
    let check = |(number, text): &(i64, String), at: &mut Violations| {
        at.member("number", number, |value, at| at.minimum(*value, 2));
        at.member("text", text, |value, at| at.max_length(value, 3));
    };
    let said = Event { data: json!([1, "secret"]), ..event };
    let refused = check_data(&said, check).unwrap_err().to_string();
    let expected = "`Counted` breaks its schema: `/number` must be at least 2; \
                    `/text` must have at most 3 characters";
    assert_eq!(refused, expected);
    let unread = check_data::<String>(&said, |_, _| {}).unwrap_err().to_string();
    assert_eq!(unread, "`Counted` breaks its schema: it must be a string");
    let enveloped = check_enveloped::<Event<i64>>(&said, |_, _| {}).unwrap_err();
    let Refused::Broken { violations, .. } = enveloped else { panic!("{enveloped:?}") };
    assert_eq!(violations[0].pointer, "/data");
}
