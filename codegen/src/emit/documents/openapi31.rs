//! What OpenAPI 3.2 added, spelled as 3.1 does or left out.

use serde_json::{Map, Value};

/// The document without anything that only 3.2 knows.
pub(super) fn rendition(document: &Value) -> Value {
    let media_types = document.pointer("/components/mediaTypes").and_then(Value::as_object);
    let mut value = document.clone();
    let Value::Object(members) = &mut value else { return value };
    members.remove("$self");
    let paths = members.get_mut("paths").and_then(Value::as_object_mut);
    for item in paths.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
        item.remove("query");
        item.remove("additionalOperations");
    }
    for tag in members.get_mut("tags").and_then(Value::as_array_mut).into_iter().flatten() {
        remove(tag, &["kind", "parent", "summary"]);
    }
    for server in members.get_mut("servers").and_then(Value::as_array_mut).into_iter().flatten() {
        remove(server, &["name"]);
    }
    if let Some(Value::Object(components)) = members.get_mut("components") {
        components.remove("mediaTypes");
        let schemes = components.get_mut("securitySchemes").and_then(Value::as_object_mut);
        for scheme in schemes.into_iter().flat_map(Map::values_mut) {
            remove(scheme, &["deprecated", "oauth2MetadataUrl"]);
            if let Some(flows) = scheme.get_mut("flows") {
                remove(flows, &["deviceAuthorization"]);
            }
        }
    }
    walk(&mut value, &media_types.cloned().unwrap_or_default());
    value
}

fn remove(value: &mut Value, names: &[&str]) {
    if let Value::Object(members) = value {
        members.retain(|name, _| !names.contains(&name.as_str()));
    }
}

/// Writes out media types that are referred to, and what else 3.2 says inside operations.
fn walk(value: &mut Value, media_types: &Map<String, Value>) {
    match value {
        Value::Object(members) => {
            let reference = members.get("$ref").and_then(Value::as_str);
            let name = reference.and_then(|text| text.strip_prefix("#/components/mediaTypes/"));
            if let Some(known) = name.and_then(|name| media_types.get(name)).cloned()
                && known.get("$ref").is_none()
            {
                *value = known;
                return walk(value, &Map::new());
            }
            if let Some(data) = members.remove("dataValue") {
                members.insert("value".to_owned(), data);
            }
            remove_text(members, "serializedValue");
            remove_text(members, "defaultMapping");
            if let Some(Value::Array(parameters)) = members.get_mut("parameters") {
                let whole = Value::from("querystring");
                parameters.retain(|parameter| parameter.get("in") != Some(&whole));
            }
            if members.get("style").and_then(Value::as_str) == Some("cookie") {
                members.remove("style");
            }
            members.values_mut().for_each(|member| walk(member, media_types));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, media_types)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Removes a keyword whose value is a text; a property of that name has a schema.
fn remove_text(members: &mut Map<String, Value>, name: &str) {
    if members.get(name).is_some_and(Value::is_string) {
        members.remove(name);
    }
}
