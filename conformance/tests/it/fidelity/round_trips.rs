//! What a value becomes when it is read and written again.

use std::collections::BTreeMap;

use serde_json::Value;

use super::mutants::UNKNOWN;

/// The differences that are meant. Each must decide somewhere, or the test fails.
pub(super) const NOT_WRITTEN: [&str; 2] = [
    // Objects that are open in the contract read over what they do not know.
    "unknown members",
    // Empty and absent mean the same in a problem document.
    "empty members of problems",
];

/// What a value of this schema is expected to become.
pub(super) fn expected(
    name: &str,
    value: &Value,
    used: &mut BTreeMap<&'static str, usize>,
) -> Value {
    let mut expected = value.clone();
    let problem = ["Problem", "Violation"].contains(&name);
    prune(&mut expected, problem, used);
    expected
}

fn prune(value: &mut Value, problem: bool, used: &mut BTreeMap<&'static str, usize>) {
    match value {
        Value::Object(members) => {
            if members.remove(UNKNOWN).is_some() {
                *used.entry(NOT_WRITTEN[0]).or_default() += 1;
            }
            let empty = [("errors", Value::Array(Vec::new())), ("detail", "".into())];
            for (name, empty) in empty {
                // A problem's own `detail` is kept as it is; only a violation has a pointer.
                let left_out = name == "errors" || members.contains_key("pointer");
                if problem && left_out && members.get(name) == Some(&empty) {
                    members.remove(name);
                    *used.entry(NOT_WRITTEN[1]).or_default() += 1;
                }
            }
            members.values_mut().for_each(|member| prune(member, problem, used));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| prune(value, problem, used)),
        _ => {}
    }
}

/// Whether two values are the same, whatever the spelling of instants and uuids.
pub(super) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(name, member)| right.get(name).is_some_and(|other| same(member, other)))
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(one, other)| same(one, other))
        }
        (Value::String(left), Value::String(right)) => {
            left == right
                || same_as::<jiff::Timestamp>(left, right)
                || same_as::<uuid::Uuid>(left, right)
        }
        _ => left == right,
    }
}

fn same_as<T: std::str::FromStr + PartialEq>(left: &str, right: &str) -> bool {
    matches!((left.parse::<T>(), right.parse::<T>()), (Ok(left), Ok(right)) if left == right)
}
