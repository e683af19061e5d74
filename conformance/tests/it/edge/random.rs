//! Small schemas and values, few enough of each kind that they meet.

use serde_json::{Map, Value, json};

/// Patterns, and lists of values.
const PATTERNS: [&str; 3] = ["^x-", "b", "^[a-c]+$"];
const LISTS: [&str; 5] =
    [r#"["a","ab"]"#, r#"[1,"a",2.5]"#, r#"[null,{"a":1}]"#, "[[1],true]", "[3]"];

/// A splitmix64 sequence.
pub(super) struct Random(u64);

const NAMES: [&str; 4] = ["a", "b", "c", "x-1"];

/// Keywords that hold no schemas, and those that do.
const FLAT: [&str; 17] = [
    "type",
    "enum",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "required",
    "dependentRequired",
];
const DEEP: [&str; 15] = [
    "properties",
    "patternProperties",
    "additionalProperties",
    "propertyNames",
    "items",
    "prefixItems",
    "contains",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "dependentSchemas",
    "unevaluatedProperties",
    "unevaluatedItems",
];

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d))
    }

    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % count as u64).unwrap()
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(super) fn value(&mut self, depth: usize) -> Value {
        let kinds = if depth == 0 { 4 } else { 8 };
        match self.below(kinds) {
            0 => self.pick(&[json!(null), json!(true), json!(false)]),
            1 => self.pick(&[json!(1.5), json!(2.5), json!(-0.5)]),
            2 => json!(self.below(7) as i64 - 1),
            3 => json!(self.pick(&["", "a", "ab", "abc", "x-1", "bé"])),
            4 | 5 => (0..self.below(4)).map(|_| self.value(depth - 1)).collect(),
            _ => self.object(|random| random.value(depth - 1)),
        }
    }

    fn object(&mut self, mut member: impl FnMut(&mut Self) -> Value) -> Value {
        let mut object = Map::new();
        for name in NAMES {
            if self.one_in(2) {
                object.insert(name.to_owned(), member(self));
            }
        }
        Value::Object(object)
    }

    /// Whatever keywords.
    pub(super) fn any_schema(&mut self, depth: usize) -> Value {
        if self.one_in(12) {
            return self.pick(&[json!(true), json!(false), json!({})]);
        }
        let mut schema = Map::new();
        for _ in 0..1 + self.below(3) {
            let (keyword, value) = self.keyword(depth);
            schema.insert(keyword.to_owned(), value);
        }
        Value::Object(schema)
    }

    fn keyword(&mut self, depth: usize) -> (&'static str, Value) {
        let count = json!(self.below(4));
        let names =
            |random: &mut Self| random.pick(&[json!(["a"]), json!(["a", "b"]), json!(["c"])]);
        let keyword = match depth == 0 || self.one_in(2) {
            true => self.pick(&FLAT),
            false => self.pick(&DEEP),
        };
        let value = match keyword {
            "type" => self.pick(&[
                json!("string"),
                json!("integer"),
                json!("number"),
                json!("array"),
                json!("object"),
                json!(["boolean", "null"]),
            ]),
            "enum" => serde_json::from_str(self.pick(&LISTS)).unwrap(),
            "pattern" => json!(self.pick(&PATTERNS)),
            "multipleOf" => self.pick(&[json!(2), json!(0.5), json!(3)]),
            "uniqueItems" => json!(true),
            "required" => names(self),
            "dependentRequired" => json!({ "a": names(self) }),
            "properties" => self.object(|random| random.any_schema(depth - 1)),
            "patternProperties" => json!({ self.pick(&PATTERNS): self.any_schema(depth - 1) }),
            "dependentSchemas" => json!({ "b": self.any_schema(depth - 1) }),
            "prefixItems" | "allOf" | "anyOf" | "oneOf" => {
                (0..1 + self.below(3)).map(|_| self.any_schema(depth - 1)).collect()
            }
            "additionalProperties"
            | "propertyNames"
            | "items"
            | "contains"
            | "not"
            | "if"
            | "unevaluatedProperties"
            | "unevaluatedItems" => self.any_schema(depth - 1),
            _ => count,
        };
        (keyword, value)
    }

    /// A schema that says of what type it is.
    pub(super) fn typed_schema(&mut self, depth: usize) -> Value {
        let kinds = if depth == 0 { 5 } else { 11 };
        let (kind, keywords): (Value, &[&str]) = match self.below(kinds) {
            0 => (json!("string"), &["minLength", "maxLength", "pattern"]),
            1 => (json!("integer"), &["minimum", "exclusiveMaximum", "multipleOf"]),
            2 => (json!("number"), &["maximum", "exclusiveMinimum", "multipleOf"]),
            3 => (json!(["string", "null"]), &["minLength"]),
            4 => {
                return json!({ "enum": serde_json::from_str::<Value>(self.pick(&LISTS)).unwrap() });
            }
            5 | 6 => (json!("array"), &["minItems", "maxItems", "uniqueItems", "contains"]),
            7 | 8 => (json!("object"), &["minProperties", "required", "dependentRequired", "not"]),
            9 => {
                let combination = self.pick(&["anyOf", "oneOf"]);
                let parts: Value =
                    (0..2 + self.below(2)).map(|_| self.typed_schema(depth - 1)).collect();
                return json!({ combination: parts });
            }
            _ => {
                let parts: Value = (0..2).map(|_| self.object_schema(depth - 1)).collect();
                return json!({ "allOf": parts });
            }
        };
        let mut schema = match kind.as_str() {
            Some("object") => self.object_schema(depth - 1).as_object().unwrap().clone(),
            Some("array") if self.one_in(3) => {
                let prefix: Value =
                    (0..1 + self.below(2)).map(|_| self.typed_schema(depth - 1)).collect();
                Map::from_iter([("prefixItems".to_owned(), prefix)])
            }
            Some("array") => Map::from_iter([("items".to_owned(), self.typed_schema(depth - 1))]),
            Some(_) | None => Map::new(),
        };
        schema.insert("type".to_owned(), kind);
        if self.one_in(2) {
            let wanted = self.pick(keywords);
            let (keyword, value) = self.wanted(wanted, depth);
            schema.insert(keyword.to_owned(), value);
        }
        Value::Object(schema)
    }

    fn wanted(&mut self, wanted: &str, depth: usize) -> (&'static str, Value) {
        loop {
            let (keyword, value) = self.keyword(depth);
            if keyword == wanted {
                return (keyword, value);
            }
        }
    }

    fn object_schema(&mut self, depth: usize) -> Value {
        let mut schema = Map::new();
        schema.insert("type".to_owned(), json!("object"));
        let properties = self.object(|random| random.typed_schema(depth));
        let names: Vec<&String> = properties.as_object().unwrap().keys().collect();
        let required: Value =
            names.iter().filter(|_| self.one_in(3)).map(|name| json!(name)).collect();
        schema.insert("required".to_owned(), required);
        schema.insert("properties".to_owned(), properties);
        match self.below(6) {
            0 => drop(schema.insert("additionalProperties".to_owned(), json!(false))),
            1 => drop(schema.insert("additionalProperties".to_owned(), self.typed_schema(depth))),
            2 => {
                let (keyword, value) = self.wanted("patternProperties", depth + 1);
                schema.insert(keyword.to_owned(), value);
            }
            _ => {}
        }
        Value::Object(schema)
    }
}
