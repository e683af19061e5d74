//! Mistakes in contracts: in their letters, and in what they say.

use serde_json::{Map, Value};

use super::seeds::Seed;
use crate::dice::Dice;

/// Mistakes a document has at most.
const MISTAKES: usize = 4;

/// Levels a deep nest has: within what parsers take, at its edge, and far out of it.
const DEPTHS: [usize; 4] = [20, 120, 130, 100_000];

/// What a deep nest stands for until the text is written.
const NEST: &str = "\u{1}nest";

/// What nests: before and after what is inside.
const NESTS: [(&str, &str); 7] = [
    ("[", "]"),
    ("{\"items\":", "}"),
    ("{\"allOf\":[", "]}"),
    ("{\"anyOf\":[{\"type\":\"null\"},", "]}"),
    ("{\"properties\":{\"a\":", "}}"),
    ("{\"additionalProperties\":", "}"),
    ("{\"not\":", "}"),
];

/// Names that mean something in one place or another.
const KEYWORDS: [&str; 48] = [
    "$ref",
    "$id",
    "$anchor",
    "$defs",
    "$dynamicRef",
    "type",
    "properties",
    "required",
    "items",
    "prefixItems",
    "allOf",
    "oneOf",
    "anyOf",
    "not",
    "if",
    "then",
    "else",
    "enum",
    "const",
    "default",
    "format",
    "pattern",
    "minimum",
    "maxLength",
    "multipleOf",
    "nullable",
    "additionalProperties",
    "patternProperties",
    "discriminator",
    "mapping",
    "propertyName",
    "readOnly",
    "writeOnly",
    "example",
    "examples",
    "content",
    "schema",
    "in",
    "name",
    "style",
    "explode",
    "parameters",
    "responses",
    "requestBody",
    "encoding",
    "itemSchema",
    "security",
    "__proto__",
];

/// Values where others are expected.
const VALUES: [&str; 26] = [
    "null",
    "true",
    "\"\"",
    "[]",
    "{}",
    "-1",
    "0",
    "1.5",
    "1e308",
    "-0.0",
    "9223372036854775808",
    "18446744073709551616",
    "\"\\u0000\"",
    "\"$\"",
    "\"(\"",
    "\"a{99999}\"",
    "\"{}\"",
    "\"/{a}/{a}\"",
    "[null]",
    "[\"string\",\"null\",\"integer\"]",
    "\"#/\"",
    "\"#/components/schemas\"",
    "\"Self\"",
    "\"é\u{301}\u{202e}\"",
    "\"default\"",
    "\"2XX\"",
];

/// Letters that mean something in YAML or JSON.
const TOKENS: [&str; 16] = [
    "&a ",
    "*a",
    "<<: ",
    "!!binary ",
    "---\n",
    "...\n",
    "- ",
    "? ",
    "|\n",
    ">-\n",
    "\t",
    "{",
    "]",
    "\"",
    "\u{feff}",
    "# ",
];

/// A contract with one or a few mistakes.
pub(super) fn mutate(seed: &Seed, other: &Seed, dice: &mut Dice) -> String {
    let mistakes = 1 + dice.roll(MISTAKES);
    if seed.value.is_null() || dice.roll(3) == 0 {
        let mut bytes = seed.text.clone().into_bytes();
        for _ in 0..mistakes {
            letters(&mut bytes, other.text.as_bytes(), dice);
        }
        return String::from_utf8_lossy(&bytes).into_owned();
    }
    let mut value = seed.value.clone();
    for _ in 0..mistakes {
        content(&mut value, &other.value, dice);
    }
    let text = value.to_string();
    let nest = Value::from(NEST).to_string();
    if !text.contains(&nest) {
        return text;
    }
    let (open, close) = NESTS[dice.roll(NESTS.len())];
    let depth = DEPTHS[dice.roll(DEPTHS.len())];
    let deep = format!("{}{{}}{}", open.repeat(depth), close.repeat(depth));
    text.replacen(&nest, &deep, 1)
}

/// One mistake in the letters.
fn letters(bytes: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    let at = dice.roll(bytes.len() + 1);
    let end = (at + 1 + dice.roll(200)).min(bytes.len());
    match dice.roll(6) {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << dice.roll(8);
            }
        }
        1 => drop(bytes.drain(at..end)),
        2 => {
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        3 => {
            let from = line(other, dice.roll(other.len() + 1));
            let to = (from + dice.roll(600)).min(other.len());
            let at = line(bytes, at);
            bytes.splice(at..at, other[from..to].iter().copied());
        }
        4 => bytes.truncate(at),
        _ => {
            let token = TOKENS[dice.roll(TOKENS.len())];
            bytes.splice(at..at, token.bytes());
        }
    }
}

/// The beginning of the line that holds this place.
fn line(bytes: &[u8], at: usize) -> usize {
    bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1)
}

/// One mistake in what the document says.
fn content(document: &mut Value, other: &Value, dice: &mut Dice) {
    let nodes = count(document);
    let from = dice.roll(nodes);
    let copy = nth(document, from).cloned().unwrap_or_default();
    let place = place(document, dice.roll(nodes));
    let references = references(document);
    let strange = nth_of(other, dice.roll(count(other)));
    let mut to = dice.roll(nodes);
    let kind = dice.roll(9);
    if kind == 0 && !references.is_empty() {
        to = references[dice.roll(references.len())];
    }
    let Some(node) = nth(document, to) else { return };
    match kind {
        0 => *node = format!("#{place}").into(),
        1 => *node = Value::Object(Map::from_iter([("$ref".into(), format!("#{place}").into())])),
        2 => delete(node, dice),
        3 => *node = copy,
        4 => {
            let former = std::mem::replace(node, copy);
            if let Some(node) = nth(document, from) {
                *node = former;
            }
        }
        5 => *node = strange,
        6 => *node = NEST.into(),
        7 => rename(node, dice),
        _ => {
            let value = VALUES[dice.roll(VALUES.len())];
            *node = serde_json::from_str(value).expect("the list holds JSON");
        }
    }
}

/// Takes a member or an element away.
fn delete(node: &mut Value, dice: &mut Dice) {
    match node {
        Value::Object(members) => {
            let chosen = members.keys().nth(dice.roll(members.len())).cloned();
            drop(chosen.and_then(|name| members.remove(&name)));
        }
        Value::Array(items) if !items.is_empty() => drop(items.remove(dice.roll(items.len()))),
        other => *other = Value::Null,
    }
}

/// Gives a member a name that means something else, and keeps the old one now and then.
fn rename(node: &mut Value, dice: &mut Dice) {
    let keyword = KEYWORDS[dice.roll(KEYWORDS.len())];
    let Value::Object(members) = node else {
        *node = keyword.into();
        return;
    };
    let Some(name) = members.keys().nth(dice.roll(members.len())).cloned() else { return };
    let value = match dice.roll(2) {
        0 => members.get(&name).cloned(),
        _ => members.remove(&name),
    };
    members.insert(keyword.into(), value.unwrap_or_default());
}

/// How many values there are, this one and all inside.
fn count(value: &Value) -> usize {
    1 + children(value).map(count).sum::<usize>()
}

fn children(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Object(members) => Box::new(members.values()),
        Value::Array(items) => Box::new(items.iter()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Box::new(std::iter::empty())
        }
    }
}

/// The value of this number, counted from the outside in.
fn nth(value: &mut Value, number: usize) -> Option<&mut Value> {
    let place = place(value, number);
    value.pointer_mut(&place)
}

fn nth_of(value: &Value, number: usize) -> Value {
    value.pointer(&place(value, number)).cloned().unwrap_or_default()
}

/// The JSON pointer of the value of this number.
fn place(value: &Value, number: usize) -> String {
    let (mut at, mut left, mut pointer) = (value, number, String::new());
    while left > 0 {
        left -= 1;
        let names: Vec<String> = match at {
            Value::Object(members) => {
                members.keys().map(|name| name.replace('~', "~0").replace('/', "~1")).collect()
            }
            _ => (0..children(at).count()).map(|index| index.to_string()).collect(),
        };
        let mut inside = None;
        for (name, child) in names.into_iter().zip(children(at)) {
            let size = count(child);
            if left < size {
                inside = Some((name, child));
                break;
            }
            left -= size;
        }
        let Some((name, child)) = inside else { break };
        pointer = format!("{pointer}/{name}");
        at = child;
    }
    pointer
}

/// The numbers of all references.
fn references(value: &Value) -> Vec<usize> {
    let (mut found, mut number) = (Vec::new(), 0);
    collect(value, &mut number, &mut found);
    found
}

fn collect(value: &Value, number: &mut usize, found: &mut Vec<usize>) {
    *number += 1;
    let members = value.as_object();
    let names = members.map(|members| members.keys().collect::<Vec<_>>()).unwrap_or_default();
    for (index, child) in children(value).enumerate() {
        if names.get(index).is_some_and(|name| *name == "$ref") {
            found.push(*number);
        }
        collect(child, number, found);
    }
}
