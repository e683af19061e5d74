//! What can be watched on the socket of live calls.

use std::collections::BTreeSet;

use serde_json::Value;

/// An event that the socket does not know would be passed over, and nobody told.
#[test]
fn every_event_can_be_watched() {
    let contract: Value = serde_json::from_str(calls_server::ASYNCAPI).unwrap();
    let names = |value: &Value| -> BTreeSet<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    let messages = |channel: &str| names(&contract["channels"][channel]["messages"]);
    let events = messages("serviceCallEvents");
    let own = ["Unwatch", "Unwatched", "Watch", "Watching"].map(str::to_owned);
    assert_eq!(&messages("liveServiceCalls") - &BTreeSet::from(own), events);

    let sent = contract["operations"]["sendWatchedEvents"]["messages"].as_array().unwrap();
    let sent = sent.iter().map(|message| message["$ref"].as_str().unwrap());
    let sent: BTreeSet<String> =
        sent.map(|place| place.rsplit('/').next().unwrap().to_owned()).collect();
    assert_eq!(sent, events);

    let types = contract["components"]["schemas"]["WatchedType"]["enum"].as_array().unwrap();
    let types: BTreeSet<String> =
        types.iter().map(|name| name.as_str().unwrap().to_owned()).collect();
    assert_eq!(types, events);
}
