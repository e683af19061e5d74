//! Schemas of OpenAPI 3.0 said as JSON Schema says it.

use serde_json::{Map, Value, json};

/// An OpenAPI 3.0 schema, or a document of them, said in JSON Schema 2020-12.
pub fn modern(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(modern).collect(),
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, value)| (name, modern(value)));
            Value::Object(modern_object(members.collect()))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

fn modern_object(mut members: Map<String, Value>) -> Map<String, Value> {
    if members.get("nullable") == Some(&json!(true)) {
        members.remove("nullable");
        if let Some(Value::Array(values)) = members.get_mut("enum") {
            values.push(Value::Null);
        }
        match members.get("type").cloned() {
            Some(ty @ Value::String(_)) => {
                members.insert("type".into(), json!([ty, "null"]));
            }
            _ => return Map::from_iter([("anyOf".into(), json!([members, { "type": "null" }]))]),
        }
    }
    for (exclusive, inclusive) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")]
    {
        match members.get(exclusive) {
            Some(Value::Bool(true)) => {
                if let Some(bound) = members.remove(inclusive) {
                    members.insert(exclusive.into(), bound);
                }
            }
            Some(Value::Bool(false)) => {
                members.remove(exclusive);
            }
            _ => {}
        }
    }
    members
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::modern;

    #[test]
    fn schemas_of_3_0_are_said_in_2020_12() {
        let cases = [
            (json!({"type": "string", "nullable": true}), json!({"type": ["string", "null"]})),
            (
                json!({"nullable": true, "allOf": [{"$ref": "#/$defs/A"}]}),
                json!({"anyOf": [{"allOf": [{"$ref": "#/$defs/A"}]}, {"type": "null"}]}),
            ),
            (json!({"minimum": 1, "exclusiveMinimum": true}), json!({"exclusiveMinimum": 1})),
            (json!({"maximum": 1, "exclusiveMaximum": false}), json!({"maximum": 1})),
        ];
        for (older, newer) in cases {
            assert_eq!(modern(older), newer);
        }
    }
}
