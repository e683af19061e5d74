//! What holds between events: one tenant's alone, and each aggregate's in order.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What is wrong with a stream of events: what was checked, expected and found.
#[derive(Debug, PartialEq)]
pub(crate) struct Disorder {
    pub(crate) check: &'static str,
    pub(crate) expected: String,
    pub(crate) got: String,
}

/// Judges the envelopes in the order they came; members that are missing are not judged.
pub(crate) fn judge(events: &[Value]) -> Vec<Disorder> {
    let mut found = Vec::new();
    let text = |event: &Value, member: &str| Some(event.get(member)?.as_str()?.to_owned());
    let tenants: BTreeSet<String> =
        events.iter().filter_map(|event| text(event, "tenantId")).collect();
    if tenants.len() > 1 {
        let got = tenants.into_iter().collect::<Vec<_>>().join(", ");
        let expected = "events of the caller's tenant alone".to_owned();
        found.push(Disorder { check: "tenants", expected, got });
    }
    let mut versions: BTreeMap<String, u64> = BTreeMap::new();
    let mut delivered = BTreeSet::new();
    for event in events {
        let version = event.get("version").and_then(Value::as_u64);
        let (Some(aggregate), Some(version)) = (text(event, "aggregateId"), version) else {
            continue;
        };
        if !delivered.insert((text(event, "tenantId"), text(event, "messageId"))) {
            continue;
        }
        let last = versions.insert(aggregate.clone(), version).unwrap_or(0);
        if version <= last {
            let expected = format!("{aggregate} beyond version {last}");
            let got = format!("version {version}");
            found.push(Disorder { check: "order", expected, got });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::judge;

    fn event(tenant: &str, message: &str, version: u64) -> Value {
        json!({"tenantId": tenant, "aggregateId": "a", "messageId": message, "version": version})
    }

    #[test]
    fn a_redelivery_is_no_disorder() {
        let events = [event("t", "1", 1), event("t", "2", 2), event("t", "1", 1)];
        assert_eq!(judge(&events), []);
    }

    #[test]
    fn disorder_and_strangers_are_told() {
        assert_eq!(judge(&[event("t", "2", 2), event("t", "1", 1)])[0].check, "order");
        assert_eq!(judge(&[event("t", "1", 1), event("u", "2", 2)])[0].check, "tenants");
    }
}
