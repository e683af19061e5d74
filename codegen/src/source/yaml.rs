//! YAML text to values: YAML 1.2 (core schema), and the merge keys of 1.1 that many still write.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Map, Number, Value};

/// Nodes a document may hold once its aliases are expanded: the guard against YAML bombs.
pub(super) const NODE_BUDGET: usize = 10_000_000;

/// Levels a document may nest, as in serde_json: every later pass walks down as deep.
pub(super) const DEPTH_BUDGET: usize = 127;

/// Why a text is no document, and where (line and column count from 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// Line of the mistake.
    pub line: usize,
    /// Column of the mistake, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

/// Parses YAML.
pub(super) fn parse(text: &str) -> Result<Value, Located> {
    Builder::default().build(text)
}

#[derive(Default)]
struct Builder {
    stack: Vec<Open>,
    anchors: HashMap<usize, (Value, usize)>,
    nodes: usize,
}

enum Open {
    Sequence {
        items: Vec<Value>,
        anchor: usize,
        nodes: usize,
    },
    Mapping {
        members: Map<String, Value>,
        /// What merge keys brought, in their order.
        merged: Vec<Value>,
        key: Option<Key>,
        anchor: usize,
        nodes: usize,
    },
}

/// A key whose value is awaited.
struct Key {
    text: String,
    span: Span,
    plain: bool,
}

impl Builder {
    fn build(mut self, text: &str) -> Result<Value, Located> {
        let mut root = None;
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| Located {
                line: error.marker().line(),
                column: error.marker().col() + 1,
                message: error.info().to_owned(),
            })?;
            if let Some(value) = self.event(event, span)? {
                if root.is_some() {
                    return Err(at(span, "a contract file holds one document, not several"));
                }
                root = Some(value);
            }
        }
        root.ok_or_else(|| Located { line: 1, column: 1, message: "the file is empty".into() })
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<Option<Value>, Located> {
        match event {
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(None),
            Event::Scalar(text, style, anchor, tag) => {
                let tagged = tag.is_some_and(|tag| tag.suffix == "str");
                let plain = matches!(style, ScalarStyle::Plain) && !tagged;
                if let Some(Open::Mapping { key: key @ None, .. }) = self.stack.last_mut() {
                    *key = Some(Key { text: text.into_owned(), span, plain });
                    return Ok(None);
                }
                let value =
                    if plain { plain_scalar(&text) } else { Value::String(text.into_owned()) };
                self.close(value, anchor, 0, span)
            }
            Event::Alias(id) => {
                let (value, nodes) = self
                    .anchors
                    .get(&id)
                    .cloned()
                    .ok_or_else(|| at(span, "an alias needs an anchor that is complete"))?;
                self.close(value, 0, nodes, span)
            }
            Event::SequenceStart(anchor, _) => {
                self.open(Open::Sequence { items: Vec::new(), anchor, nodes: self.nodes }, span)
            }
            Event::MappingStart(anchor, _) => {
                let (members, merged, nodes) = (Map::new(), Vec::new(), self.nodes);
                self.open(Open::Mapping { members, merged, key: None, anchor, nodes }, span)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.stack.pop() {
                Some(Open::Sequence { items, anchor, nodes }) => {
                    self.close_nested(Value::Array(items), anchor, nodes, span)
                }
                Some(Open::Mapping { mut members, merged, anchor, nodes, .. }) => {
                    merge(&mut members, merged);
                    self.close_nested(Value::Object(members), anchor, nodes, span)
                }
                None => Err(at(span, "a collection ends that never began")),
            },
        }
    }

    fn open(&mut self, collection: Open, span: Span) -> Result<Option<Value>, Located> {
        if let Some(Open::Mapping { key: None, .. }) = self.stack.last() {
            return Err(at(span, "a mapping key must be a scalar"));
        }
        if self.stack.len() >= DEPTH_BUDGET {
            return Err(at(span, "the document nests too deeply"));
        }
        self.stack.push(collection);
        Ok(None)
    }

    fn close_nested(
        &mut self,
        value: Value,
        anchor: usize,
        before: usize,
        span: Span,
    ) -> Result<Option<Value>, Located> {
        if anchor != 0 {
            self.anchors.insert(anchor, (value.clone(), self.nodes - before));
        }
        self.close(value, 0, 0, span)
    }

    fn close(
        &mut self,
        value: Value,
        anchor: usize,
        nodes: usize,
        span: Span,
    ) -> Result<Option<Value>, Located> {
        self.nodes += nodes + 1;
        if self.nodes > NODE_BUDGET {
            return Err(at(span, "the document expands to too many nodes"));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, (value.clone(), 1));
        }
        match self.stack.last_mut() {
            None => return Ok(Some(value)),
            Some(Open::Sequence { items, .. }) => items.push(value),
            Some(Open::Mapping { members, merged, key, .. }) => {
                let Some(key) = key.take() else {
                    return Err(at(span, "a mapping key must be a scalar"));
                };
                if key.plain && key.text == "<<" {
                    if !is_mergeable(&value) {
                        return Err(at(key.span, "`<<` merges a mapping, or a list of mappings"));
                    }
                    merged.push(value);
                    return Ok(None);
                }
                if members.contains_key(&key.text) {
                    return Err(at(key.span, &format!("the key `{}` stands twice", key.text)));
                }
                members.insert(key.text, value);
            }
        }
        Ok(None)
    }
}

/// Whether a merge key may have this value.
fn is_mergeable(value: &Value) -> bool {
    match value {
        Value::Object(_) => true,
        Value::Array(items) => items.iter().all(Value::is_object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Adds what merge keys brought; a mapping's own members win, then whatever was brought first.
fn merge(members: &mut Map<String, Value>, merged: Vec<Value>) {
    for value in merged {
        match value {
            Value::Object(brought) => {
                for (name, member) in brought {
                    members.entry(name).or_insert(member);
                }
            }
            Value::Array(items) => merge(members, items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

fn at(span: Span, message: &str) -> Located {
    Located { line: span.start.line(), column: span.start.col() + 1, message: message.to_owned() }
}

/// The YAML 1.2 core schema: null, booleans, integers, floats, else text.
fn plain_scalar(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return i64::from_str_radix(octal, 8).ok().map(Number::from);
    }
    if let Some(hexadecimal) = text.strip_prefix("0x") {
        return i64::from_str_radix(hexadecimal, 16).ok().map(Number::from);
    }
    let plain = text.strip_prefix('+').unwrap_or(text);
    if let Ok(integer) = plain.parse::<i64>() {
        return Some(Number::from(integer));
    }
    if let Ok(integer) = plain.parse::<u64>() {
        return Some(Number::from(integer));
    }
    let float = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    if !plain.chars().all(float) {
        return None;
    }
    plain.parse::<f64>().ok().and_then(Number::from_f64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parse;

    #[test]
    fn reads_the_core_schema() {
        let text = "a: 1\nb: '1'\nc: yes\nd: ~\ne: [1.5, 0x10, -3]\nf: 1.2.3\n200: ok\n";
        let expected = json!({"a": 1, "b": "1", "c": "yes", "d": null, "e": [1.5, 16, -3],
            "f": "1.2.3", "200": "ok"});
        assert_eq!(parse(text), Ok(expected));
    }

    #[test]
    fn expands_aliases() {
        assert_eq!(parse("a: &x {b: 1}\nc: *x\n"), Ok(json!({"a": {"b": 1}, "c": {"b": 1}})));
    }

    #[test]
    fn merges_as_yaml_1_1_does() {
        let text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: *a, y: 3}\n\
            d: {x: 0, <<: [*b, *a]}\ne: {'<<': 1}\n";
        let merged = parse(text).unwrap_or_default();
        assert_eq!(merged["c"], json!({"x": 1, "y": 3}));
        assert_eq!(merged["d"], json!({"x": 0, "y": 2, "z": 2}));
        assert_eq!(merged["e"], json!({"<<": 1}));
        assert_eq!(parse("a: 1\nb:\n  <<: 1\n").map_err(|error| error.line), Err(3));
    }

    #[test]
    fn names_the_place_of_a_mistake() {
        let duplicate = parse("a: 1\na: 2\n").map_err(|error| (error.line, error.message));
        assert_eq!(duplicate, Err((2, "the key `a` stands twice".to_owned())));
        assert_eq!(parse("a: [1, 2\nb: 3").map_err(|error| error.line), Err(2));
        assert!(parse("").is_err());
    }

    #[test]
    fn refuses_a_bomb() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let previous = format!("*a{}", level - 1);
            let row = vec![previous; 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{row}]\n"));
        }
        assert!(parse(&text).is_err());
    }
}
