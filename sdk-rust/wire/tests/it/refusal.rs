//! What is said of a value that cannot be read: its form, in words of the contract, never itself.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use symbolon_wire::parameter::Refusal;
use uuid::Uuid;

#[derive(Debug, Deserialize)]
struct Point {
    #[serde(rename = "x")]
    _x: i64,
}

fn said<T: DeserializeOwned>(json: &str) -> String {
    let error = serde_json::from_str::<T>(json).err().unwrap();
    let refusal = Refusal::from_json(&error);
    assert!(!refusal.detail.contains("hunter2"), "{refusal}");
    refusal.detail
}

#[test]
fn a_type_is_named_as_json_names_it() {
    assert_eq!(said::<i64>("\"hunter2\""), "must be an integer");
    assert_eq!(said::<i32>("99999999999"), "must be an integer of 32 bits");
    assert_eq!(said::<u16>("-1"), "must be an integer from 0");
    assert_eq!(said::<f64>("\"hunter2\""), "must be a number");
    assert_eq!(said::<bool>("0"), "must be a boolean");
    assert_eq!(said::<String>("0"), "must be a string");
    assert_eq!(said::<Vec<String>>("0"), "must be an array");
    assert_eq!(said::<BTreeMap<String, String>>("[]"), "must be an object");
    assert_eq!(said::<Point>("\"hunter2\""), "must be an object");
    assert_eq!(said::<Uuid>("5"), "must be a UUID");
    assert_eq!(said::<Timestamp>("5"), "must be an RFC 3339 date-time");
    assert_eq!(said::<Date>("5"), "must be an RFC 3339 date");
}

#[test]
fn a_format_is_named_where_it_is_known() {
    assert_eq!(said::<Uuid>("\"hunter2\""), "must be a UUID");
    for text in ["2026-01-01", "2026-01-01T00:00:00"] {
        let detail = said::<Timestamp>(&format!("\"{text}\""));
        assert_eq!(detail, "must be an RFC 3339 date-time", "{text}");
    }
    for text in ["", "hunter2", "2026", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00Z hunter2"] {
        let detail = said::<Timestamp>(&format!("\"{text}\""));
        assert_eq!(detail, "must be an RFC 3339 date or date-time", "{text}");
    }
    assert_eq!(said::<Date>("\"2026-01-01T00:00:00Z\""), "must be an RFC 3339 date");
    let far = said::<Timestamp>("\"9999-12-31T23:59:59Z\"");
    assert!(far.starts_with("must be an RFC 3339 date-time from"), "{far}");
    assert!(far.contains(" to 9999-12-30T22:00:00"), "{far}");
}
