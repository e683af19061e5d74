//! What was sent must come back: leaves that request and response examples share.

use serde_json::Value;

use crate::contract::In;
use crate::leaves::{Leaf, leaves};
use crate::request::Draft;

/// A leaf that was not echoed.
#[derive(Debug, PartialEq)]
pub(crate) struct Lost {
    pub(crate) pointer: String,
    pub(crate) expected: String,
    pub(crate) got: String,
}

/// A leaf of the request example, with what was really sent in its place.
struct Sent<'v> {
    name: Vec<String>,
    example: &'v Value,
    really: Vec<&'v Value>,
    /// Query parameters filter: every element of a list must agree, not only the first.
    filters: bool,
}

/// The leaves that the response example shares with the request example, but the answer lacks.
///
/// `written` is the request as the examples have it, `sent` as it went out.
pub(crate) fn lost(written: &Draft, sent: &Draft, example: &Value, answer: &Value) -> Vec<Lost> {
    let request = request_leaves(written, sent);
    let mut found = Vec::new();
    for leaf in leaves(None, example) {
        let same = |sent: &&Sent<'_>| sent.name == leaf.name() && sent.example == leaf.value;
        let shared: Vec<&Sent<'_>> = request.iter().filter(same).collect();
        let really: Vec<&Value> = shared.iter().flat_map(|sent| sent.really.clone()).collect();
        if really.is_empty() {
            continue;
        }
        let everywhere = shared.iter().any(|sent| sent.filters);
        for (pointer, got) in places(&leaf, answer, everywhere) {
            let echoed = got.is_some_and(|got| really.iter().any(|sent| alike(sent, got)));
            if !echoed {
                let got = got.map_or_else(|| "nothing".to_owned(), Value::to_string);
                found.push(Lost { pointer, expected: really[0].to_string(), got });
            }
        }
    }
    found
}

fn request_leaves<'v>(written: &'v Draft, sent: &'v Draft) -> Vec<Sent<'v>> {
    let mut found = Vec::new();
    for (location, name, example) in &written.parameters {
        let really = sent.get(*location, name);
        let filters = *location == In::Query;
        collect(Some(name), example, really, filters, &mut found);
    }
    if let Some((_, example)) = &written.body {
        collect(None, example, sent.body.as_ref().map(|(_, value)| value), false, &mut found);
    }
    found
}

fn collect<'v>(
    name: Option<&str>,
    example: &'v Value,
    really: Option<&'v Value>,
    filters: bool,
    found: &mut Vec<Sent<'v>>,
) {
    for leaf in leaves(name, example) {
        let pointer =
            Leaf { path: leaf.path[usize::from(name.is_some())..].to_vec(), value: leaf.value };
        let really = really.and_then(|value| value.pointer(&pointer.pointer()));
        let name = leaf.name().to_vec();
        found.push(Sent {
            name,
            example: leaf.value,
            really: really.into_iter().collect(),
            filters,
        });
    }
}

/// The places of the answer to look at, with what stands there.
fn places<'v>(
    leaf: &Leaf<'_>,
    answer: &'v Value,
    everywhere: bool,
) -> Vec<(String, Option<&'v Value>)> {
    let index = leaf.path.iter().position(|token| token.parse::<usize>().is_ok());
    let (Some(index), true) = (index, everywhere) else {
        return vec![(leaf.pointer(), answer.pointer(&leaf.pointer()))];
    };
    let list = Leaf { path: leaf.path[..index].to_vec(), value: leaf.value };
    let length = answer.pointer(&list.pointer()).and_then(Value::as_array).map_or(0, Vec::len);
    let places = (0..length.max(1)).map(|number| {
        let mut path = leaf.path.clone();
        path[index] = number.to_string();
        let pointer = Leaf { path, value: leaf.value }.pointer();
        let value = answer.pointer(&pointer);
        (pointer, value)
    });
    places.collect()
}

/// Whether two values are the same, or the same time.
fn alike(sent: &Value, got: &Value) -> bool {
    let time = |value: &Value| value.as_str()?.parse::<jiff::Timestamp>().ok();
    sent == got || time(sent).is_some_and(|sent| time(got) == Some(sent))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Draft, lost};
    use crate::contract::In;

    fn draft(location: In, name: &str, value: &str) -> Draft {
        let mut draft = Draft::default();
        draft.set(location, name, json!(value));
        draft
    }

    #[test]
    fn a_path_parameter_comes_back() {
        let (written, sent) = (draft(In::Path, "id", "a"), draft(In::Path, "id", "b"));
        let example = json!({"id": "a", "other": "a"});
        assert_eq!(lost(&written, &sent, &example, &json!({"id": "b", "other": "x"})), []);
        assert_eq!(lost(&written, &sent, &example, &json!({"id": "c"})).len(), 1);
        assert_eq!(lost(&written, &sent, &example, &json!({})).len(), 1);
    }

    #[test]
    fn a_filter_holds_for_every_element() {
        let query = draft(In::Query, "status", "Open");
        let example = json!({"items": [{"status": "Open"}]});
        let answer = json!({"items": [{"status": "Open"}, {"status": "Done"}]});
        assert_eq!(lost(&query, &query, &example, &answer)[0].pointer, "/items/1/status");
    }

    #[test]
    fn a_time_may_be_spelled_differently() {
        let body = json!({"dueAt": "2099-01-01T00:00:00Z"});
        let written = Draft { body: Some(("application/json".into(), body)), ..Draft::default() };
        let example = json!({"dueAt": "2099-01-01T00:00:00Z"});
        let answer = json!({"dueAt": "2099-01-01T00:00:00.000+00:00"});
        assert_eq!(lost(&written, &written, &example, &answer), []);
    }
}
