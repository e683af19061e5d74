//! Equality of JSON values: numbers by value, objects in any order.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::Number;

/// Whether two values are the same.
pub(crate) fn same(one: &Value, two: &Value) -> bool {
    match (one, two) {
        (Value::Number(_), Value::Number(_)) => Number::of(one) == Number::of(two),
        (Value::Array(one), Value::Array(two)) => {
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| same(one, two))
        }
        (Value::Object(one), Value::Object(two)) => {
            let found = |name: &String, one| two.get(name).is_some_and(|two| same(one, two));
            one.len() == two.len() && one.iter().all(|(name, one)| found(name, one))
        }
        (one, two) => one == two,
    }
}

/// Whether any two elements are the same.
pub(crate) fn repeats(items: &[Value]) -> bool {
    let mut seen = BTreeSet::new();
    let mut text = String::new();
    items.iter().any(|item| {
        text.clear();
        write(item, &mut text);
        !seen.insert(text.clone())
    })
}

/// A value as a text that is the same for the same values.
fn write(value: &Value, text: &mut String) {
    match value {
        Value::Number(_) => match Number::of(value) {
            Some(Number::Integer(whole)) => text.push_str(&whole.to_string()),
            Some(Number::Real(real)) => text.push_str(&real.to_string()),
            None => {}
        },
        Value::Array(items) => {
            text.push('[');
            for item in items {
                write(item, text);
                text.push(',');
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            text.push('{');
            for (name, member) in members {
                text.push_str(&Value::String(name.clone()).to_string());
                text.push(':');
                write(member, text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Null | Value::Bool(_) | Value::String(_) => text.push_str(&value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{repeats, same};

    #[test]
    fn values_are_compared_as_json_compares_them() {
        assert!(same(&json!({ "a": 1, "b": [1.0] }), &json!({ "b": [1], "a": 1.0 })));
        assert!(!same(&json!(1), &json!("1")));
        assert!(repeats(&[json!({ "a": 1, "b": 2 }), json!({ "b": 2.0, "a": 1 })]));
        assert!(!repeats(&[json!(1), json!("1"), json!([1]), json!(true)]));
    }
}
