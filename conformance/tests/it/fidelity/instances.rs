//! Values that a schema accepts, derived from it; the same seed derives the same values.

use std::collections::BTreeMap;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::contract::{Contract, validator};

/// How many of the optional members a value has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    Full,
    Minimal,
    Random,
}

/// Derives values from the schemas of a contract.
pub(super) struct Instances<'a> {
    contract: &'a Contract,
    state: u64,
    texts: BTreeMap<String, Validator>,
}

/// Texts that some of the contract's patterns take.
const TEXTS: [&str; 9] = [
    "nightly-report",
    "a",
    "x-trace.id:7",
    "Überfällige Läufe 日本 🚀",
    "https://example.com",
    "https://example.com:8443/hooks/run?late=1#x",
    "http://198.51.100.7/",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "",
];

impl<'a> Instances<'a> {
    pub(super) fn new(contract: &'a Contract, seed: u64) -> Self {
        Self { contract, state: seed, texts: BTreeMap::new() }
    }

    /// The next number of a splitmix64 sequence.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `count`.
    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % count.max(1) as u64).unwrap()
    }

    /// A value of the schema.
    pub(super) fn value(&mut self, schema: &Value, extent: Extent) -> Value {
        let schema = self.contract.follow(schema);
        if let Some(value) = schema.get("const") {
            return value.clone();
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            return values[self.below(values.len())].clone();
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            let mut members = Map::new();
            for part in parts {
                let part = self.value(part, extent);
                members.extend(part.as_object().unwrap().clone());
            }
            return Value::Object(members);
        }
        if let Some(choices) = schema.get("oneOf").and_then(Value::as_array) {
            let choice = &choices[self.below(choices.len())];
            return self.value(choice, extent);
        }
        match schema["type"].as_str() {
            Some("string") => json!(self.text(schema)),
            Some("integer") => self.integer(schema),
            Some("boolean") => json!(self.below(2) == 1),
            Some("array") => self.array(schema, extent),
            Some("object") => self.object(schema, extent),
            other => panic!("no values of type {other:?} are derived yet: {schema}"),
        }
    }

    fn integer(&mut self, schema: &Value) -> Value {
        let bound = |keyword: &str| schema.get(keyword).and_then(Value::as_i64);
        let least = bound("minimum").unwrap_or(-1000);
        let most = bound("maximum").unwrap_or(least.saturating_add(100_000));
        let span = usize::try_from(most - least).unwrap() + 1;
        json!(least + i64::try_from(self.below(span)).unwrap())
    }

    fn array(&mut self, schema: &Value, extent: Extent) -> Value {
        let count = match extent {
            Extent::Full => 2,
            Extent::Minimal => 0,
            Extent::Random => self.below(4),
        };
        let least =
            schema.get("minItems").and_then(Value::as_u64).map_or(0, |least| least as usize);
        let mut items: Vec<Value> = Vec::new();
        for _ in 0..usize::max(count, least) {
            let item = self.value(&schema["items"], extent);
            if !items.contains(&item) {
                items.push(item);
            }
        }
        Value::Array(items)
    }

    fn object(&mut self, schema: &Value, extent: Extent) -> Value {
        let mut members = Map::new();
        let required = schema.get("required").and_then(Value::as_array);
        for (name, property) in
            schema.get("properties").and_then(Value::as_object).iter().flat_map(|p| p.iter())
        {
            let taken = match extent {
                Extent::Full => true,
                Extent::Minimal => false,
                Extent::Random => self.below(2) == 1,
            };
            if taken || required.is_some_and(|required| required.contains(&json!(name))) {
                members.insert(name.clone(), self.value(property, extent));
            }
        }
        if schema["additionalProperties"].is_object() && extent != Extent::Minimal {
            for _ in 0..=self.below(3) {
                let name = self.name(schema);
                members.insert(name, self.value(&schema["additionalProperties"], extent));
            }
        }
        Value::Object(members)
    }

    /// A name that a map may have for a member.
    pub(super) fn name(&mut self, schema: &Value) -> String {
        let mut names = schema.get("propertyNames").cloned().unwrap_or(json!({}));
        names["type"] = json!("string");
        names["minLength"] = json!(1);
        self.text(&names)
    }

    /// A text of the schema: the first candidate that it accepts.
    pub(super) fn text(&mut self, schema: &Value) -> String {
        match schema.get("format").and_then(Value::as_str) {
            Some("uuid") => return self.uuid(),
            Some("date-time") => return self.instant(),
            _ => {}
        }
        let key = schema.to_string();
        let judge = self.texts.remove(&key).unwrap_or_else(|| validator(schema));
        let accepted = (0..500)
            .map(|_| self.candidate())
            .find(|candidate| judge.is_valid(&json!(candidate)))
            .unwrap_or_else(|| panic!("no candidate fits {schema}"));
        self.texts.insert(key, judge);
        accepted
    }

    fn candidate(&mut self) -> String {
        let alphabets = ["abcdefghijklmnopqrstuvwxyz0123456789", "aB9 .-_:~!'()*\"\\\täß∑🚀"];
        let kind = self.below(4);
        if kind < 2 {
            return TEXTS[self.below(TEXTS.len())].to_owned();
        }
        let alphabet: Vec<char> = alphabets[kind - 2].chars().collect();
        (0..=self.below(30)).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }

    fn uuid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        let digits = format!("{high:016x}{low:016x}");
        let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
        parts.join("-")
    }

    fn instant(&mut self) -> String {
        let fractions = ["", ".5", ".120", ".123456789"];
        let offsets = ["Z", "+00:00", "-07:30", "+14:00"];
        format!(
            "{}-{:02}-{:02}T{:02}:{:02}:{:02}{}{}",
            1970 + self.below(200),
            1 + self.below(12),
            1 + self.below(28),
            self.below(24),
            self.below(60),
            self.below(60),
            fractions[self.below(4)],
            offsets[self.below(4)],
        )
    }

    /// A text of so many characters that keeps to pattern and format of the schema.
    pub(super) fn text_of_length(&mut self, schema: &Value, length: usize) -> Option<String> {
        let mut free = schema.clone();
        for keyword in ["minLength", "maxLength"] {
            free.as_object_mut().unwrap().remove(keyword);
        }
        if schema.get("format").is_some_and(|format| format != "uri") {
            return None;
        }
        let judge = validator(&free);
        let starts = ["", "http://a"];
        let mut texts = starts.iter().map(|start| {
            let rest = length.checked_sub(start.len())?;
            Some(format!("{start}{}", "a".repeat(rest)))
        });
        texts.find_map(|text| text.filter(|text| judge.is_valid(&json!(text))))
    }
}
