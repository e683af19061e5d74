//! The leaves of a JSON value: what stands at its ends, and under which name.

use serde_json::Value;

/// A leaf and the way to it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Leaf<'v> {
    /// The member names and indices that lead to it.
    pub(crate) path: Vec<String>,
    pub(crate) value: &'v Value,
}

impl Leaf<'_> {
    /// The name of the member it is, with the indices after it.
    pub(crate) fn name(&self) -> &[String] {
        let is_name = |token: &String| token.parse::<usize>().is_err();
        let start = self.path.iter().rposition(is_name).unwrap_or(0);
        &self.path[start..]
    }

    /// The way to it as a JSON pointer.
    pub(crate) fn pointer(&self) -> String {
        let escaped = |token: &String| format!("/{}", token.replace('~', "~0").replace('/', "~1"));
        self.path.iter().map(escaped).collect()
    }
}

/// All leaves of a value that stands under this name.
pub(crate) fn leaves<'v>(name: Option<&str>, value: &'v Value) -> Vec<Leaf<'v>> {
    let mut found = Vec::new();
    collect(name.into_iter().map(str::to_owned).collect(), value, &mut found);
    found
}

fn collect<'v>(path: Vec<String>, value: &'v Value, found: &mut Vec<Leaf<'v>>) {
    let child = |token: String| path.iter().cloned().chain([token]).collect::<Vec<_>>();
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                collect(child(name.clone()), value, found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect(child(index.to_string()), value, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            found.push(Leaf { path, value });
        }
    }
}
