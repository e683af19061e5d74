//! Whether a value plainly fits a schema: a quick look that spares most examples a validator.
//!
//! It knows the keywords that most schemas are made of, and never guesses: where it meets anything
//! else that could matter, or a number it cannot compare exactly, it does not know.

use regress::Regex;
use serde_json::{Map, Value};

use crate::resolve::schemas::type_names;
use crate::source::Cursor;

/// References that may be followed, and compositions entered, on the way to one verdict.
pub(super) const DEPTH: usize = 48;

/// Which spelling of JSON Schema is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// That of OpenAPI 3.0: `nullable`, and bounds that a flag makes exclusive.
    Older,
    /// JSON Schema 2020-12.
    Newest,
}

/// Whether the value fits; nothing if a quick look does not tell.
pub(super) fn fits(schema: &Cursor<'_>, value: &Value, spelling: Spelling) -> Option<bool> {
    Look { spelling }.at(schema, value, DEPTH)
}

/// A look at values and schemas of one spelling.
pub(super) struct Look {
    pub(super) spelling: Spelling,
}

impl Look {
    /// Whether a value fits, if a look tells.
    pub(super) fn at(&self, schema: &Cursor<'_>, value: &Value, depth: usize) -> Option<bool> {
        let depth = depth.checked_sub(1)?;
        let keywords = match schema.value {
            Value::Bool(holds) => return Some(*holds),
            Value::Object(keywords) => keywords,
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => return None,
        };
        let is_nullable = keywords.get("nullable") == Some(&Value::Bool(true));
        if self.spelling == Spelling::Older && is_nullable && value.is_null() {
            return Some(true);
        }
        // In 3.0 nothing beside a reference means anything.
        if self.spelling == Spelling::Older
            && let Some(reference) = keywords.get("$ref")
        {
            return self.keyword(schema, ("$ref", reference), value, depth);
        }
        let told = keywords.iter().map(|(keyword, asked)| {
            if is_silent(keyword) {
                return Some(true);
            }
            self.keyword(schema, (keyword, asked), value, depth)
        });
        all(told)
    }

    /// Whether a value is what one keyword asks for, if a look tells.
    pub(super) fn keyword(
        &self,
        schema: &Cursor<'_>,
        (keyword, asked): (&str, &Value),
        value: &Value,
        depth: usize,
    ) -> Option<bool> {
        let keywords = schema.object()?;
        match keyword {
            "$ref" => self.at(&schema.target(asked.as_str()?).ok()?, value, depth),
            "type" => Some(match asked {
                Value::String(name) => is_of(value, name),
                _ => type_names(schema).into_iter().any(|name| is_of(value, name)),
            }),
            "enum" => is_among(value, asked.as_array()?),
            "const" => is_among(value, std::slice::from_ref(asked)),
            "allOf" => {
                all(schema.get(keyword)?.elements().iter().map(|part| self.at(part, value, depth)))
            }
            "anyOf" => {
                let parts = schema.get(keyword)?.elements();
                any(parts.iter().map(|part| self.at(part, value, depth)))
            }
            "oneOf" => {
                let parts = schema.get(keyword)?.elements();
                let told: Option<Vec<bool>> =
                    parts.iter().map(|part| self.at(part, value, depth)).collect();
                Some(told?.into_iter().filter(|fits| *fits).count() == 1)
            }
            "required" => {
                let Value::Object(members) = value else { return Some(true) };
                let needed = asked.as_array()?.iter();
                all(needed.map(|name| Some(members.contains_key(name.as_str()?))))
            }
            "properties" => {
                let Value::Object(members) = value else { return Some(true) };
                let known = schema.get(keyword)?;
                all(members.iter().map(|(name, member)| match known.get(name) {
                    Some(schema) => self.at(&schema, member, depth),
                    None => Some(true),
                }))
            }
            "additionalProperties" => self.others(schema, keywords, value, depth),
            "items" => {
                let Value::Array(elements) = value else { return Some(true) };
                if keywords.contains_key("prefixItems") {
                    return None;
                }
                let schema = schema.get(keyword)?;
                all(elements.iter().map(|element| self.at(&schema, element, depth)))
            }
            "pattern" => {
                let Value::String(text) = value else { return Some(true) };
                Some(Regex::with_flags(asked.as_str()?, "u").ok()?.find(text).is_some())
            }
            _ => self.bound(keywords, keyword, asked, value),
        }
    }

    fn others(
        &self,
        schema: &Cursor<'_>,
        keywords: &Map<String, Value>,
        value: &Value,
        depth: usize,
    ) -> Option<bool> {
        let Value::Object(members) = value else { return Some(true) };
        if keywords.contains_key("patternProperties") {
            return None;
        }
        let known = keywords.get("properties");
        let is_known = |name: &str| known.is_some_and(|known| known.get(name).is_some());
        let schema = schema.get("additionalProperties")?;
        let others = members.iter().filter(|(name, _)| !is_known(name));
        all(others.map(|(_, member)| self.at(&schema, member, depth)))
    }

    fn bound(
        &self,
        keywords: &Map<String, Value>,
        keyword: &str,
        asked: &Value,
        value: &Value,
    ) -> Option<bool> {
        let length = match (keyword, value) {
            ("minLength" | "maxLength", Value::String(text)) => text.chars().count(),
            ("minItems" | "maxItems", Value::Array(elements)) => elements.len(),
            ("minProperties" | "maxProperties", Value::Object(members)) => members.len(),
            ("minimum" | "maximum", Value::Number(number)) => {
                let (number, bound) = (number.as_i64()?, asked.as_i64()?);
                let flag =
                    if keyword == "minimum" { "exclusiveMinimum" } else { "exclusiveMaximum" };
                let is_exclusive = self.spelling == Spelling::Older
                    && keywords.get(flag) == Some(&Value::Bool(true));
                let inside = if keyword == "minimum" { number > bound } else { number < bound };
                return Some(inside || (number == bound && !is_exclusive));
            }
            ("exclusiveMinimum" | "exclusiveMaximum", Value::Number(number)) => {
                if self.spelling == Spelling::Older && asked.is_boolean() {
                    return Some(true);
                }
                let (number, bound) = (number.as_i64()?, asked.as_i64()?);
                let is_least = keyword == "exclusiveMinimum";
                return Some(if is_least { number > bound } else { number < bound });
            }
            ("multipleOf", Value::Number(number)) => {
                return number.as_i64()?.checked_rem(asked.as_i64()?).map(|rest| rest == 0);
            }
            ("uniqueItems", Value::Array(elements)) => {
                return (elements.len() < 2 || asked == &Value::Bool(false)).then_some(true);
            }
            (
                "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties"
                | "maxProperties" | "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum"
                | "multipleOf" | "uniqueItems",
                _,
            ) => return Some(true),
            _ => return None,
        };
        let asked = usize::try_from(asked.as_u64()?).ok()?;
        Some(if keyword.starts_with("min") { length >= asked } else { length <= asked })
    }
}

/// Keywords that ask nothing of a value.
pub(super) fn is_silent(keyword: &str) -> bool {
    keyword.starts_with("x-")
        || matches!(
            keyword,
            "title"
                | "description"
                | "default"
                | "example"
                | "examples"
                | "deprecated"
                | "readOnly"
                | "writeOnly"
                | "nullable"
                | "format"
                | "xml"
                | "externalDocs"
                | "discriminator"
                | "$comment"
        )
}

fn is_of(value: &Value, name: &str) -> bool {
    match (name, value) {
        ("null", Value::Null)
        | ("boolean", Value::Bool(_))
        | ("string", Value::String(_))
        | ("number", Value::Number(_))
        | ("array", Value::Array(_))
        | ("object", Value::Object(_)) => true,
        ("integer", Value::Number(number)) => {
            number.is_i64()
                || number.is_u64()
                || number.as_f64().is_some_and(|real| real.fract() == 0.0)
        }
        _ => false,
    }
}

/// Whether a value is one of these; numbers may be the same in two spellings.
fn is_among(value: &Value, values: &[Value]) -> Option<bool> {
    let is_sure = |other: &Value| match (value, other) {
        (Value::Number(one), Value::Number(two)) => one.is_i64() && two.is_i64(),
        (Value::Array(_), Value::Array(_)) | (Value::Object(_), Value::Object(_)) => false,
        _ => true,
    };
    match values.contains(value) {
        true => Some(true),
        false => values.iter().all(is_sure).then_some(false),
    }
}

/// Whether any holds: one that does settles it, whatever is not known of others.
fn any(told: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut verdict = Some(false);
    for told in told {
        match told {
            Some(true) => return Some(true),
            Some(false) => {}
            None => verdict = None,
        }
    }
    verdict
}

/// Whether all hold: one that does not settles it, whatever is not known of others.
fn all(told: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut verdict = Some(true);
    for told in told {
        match told {
            Some(true) => {}
            Some(false) => return Some(false),
            None => verdict = None,
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};
    use serde_json::{Value, json};

    use super::super::misfits::{Misfit, misfit};
    use super::{Spelling, fits};
    use crate::source::{Cursor, Sources};

    fn values() -> impl Strategy<Value = Value> {
        let scalars = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-3..4_i64).prop_map(Value::from),
            Just(json!(1.0)),
            Just(json!(2.5)),
            "[ab]{0,3}".prop_map(Value::from),
        ];
        scalars.prop_recursive(2, 8, 3, |inner| {
            let members = proptest::collection::btree_map("[ab]", inner.clone(), 0..3);
            prop_oneof![
                proptest::collection::vec(inner, 0..3).prop_map(Value::from),
                members.prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn keywords(inner: BoxedStrategy<Value>) -> impl Strategy<Value = (&'static str, Value)> {
        let parts = proptest::collection::vec(inner.clone(), 1..3).prop_map(Value::from);
        let bounds = prop_oneof![
            Just("minLength"),
            Just("maxLength"),
            Just("minItems"),
            Just("maxItems"),
            Just("minProperties"),
            Just("maxProperties"),
            Just("minimum"),
            Just("maximum"),
            Just("exclusiveMinimum"),
            Just("exclusiveMaximum"),
        ];
        let types = ["null", "boolean", "string", "number", "integer", "array", "object"];
        let names = proptest::sample::select(types.to_vec());
        prop_oneof![
            names.prop_map(|name| ("type", json!(name))),
            proptest::collection::vec(values(), 1..3).prop_map(|values| ("enum", json!(values))),
            values().prop_map(|value| ("const", value)),
            (prop_oneof![Just("allOf"), Just("anyOf"), Just("oneOf")], parts),
            Just(("required", json!(["a"]))),
            (inner.clone(), inner.clone())
                .prop_map(|(a, b)| ("properties", json!({"a": a, "b": b}))),
            (prop_oneof![Just("additionalProperties"), Just("items"), Just("not")], inner),
            (bounds, 0..3_u64).prop_map(|(keyword, bound)| (keyword, bound.into())),
            (1..3_u64).prop_map(|step| ("multipleOf", step.into())),
            any::<bool>().prop_map(|flag| ("uniqueItems", flag.into())),
            Just(("pattern", json!("^a"))),
            Just(("$ref", json!("#/$defs/a"))),
        ]
    }

    fn schemas() -> impl Strategy<Value = Value> {
        let leaf = any::<bool>().prop_map(Value::from);
        leaf.prop_recursive(3, 24, 3, |inner| {
            proptest::collection::vec(keywords(inner.boxed()), 1..4).prop_map(|found| {
                found.into_iter().map(|(name, at)| (name.to_owned(), at)).collect()
            })
        })
    }

    #[test]
    fn what_it_tells_is_what_a_validator_says() {
        let mut runner = TestRunner::new_with_rng(
            Config { cases: 1_500, ..Config::default() },
            proptest::test_runner::TestRng::deterministic_rng(
                proptest::test_runner::RngAlgorithm::ChaCha,
            ),
        );
        let told = std::cell::Cell::new((0, 0));
        let ran = runner.run(&(schemas(), schemas(), values()), |(schema, other, value)| {
            let document = json!({ "$ref": "#/at", "at": schema, "$defs": { "a": other } });
            let Ok(validator) = jsonschema::draft202012::options().build(&document) else {
                return Ok(());
            };
            let mut sources = Sources::default();
            let read = |path: &str| match path {
                "schema.json" => Ok(document.to_string()),
                _ => Ok(value.to_string()),
            };
            let mut errors = sources.add("schema.json", &read);
            errors.extend(sources.add("value.json", &read));
            prop_assert!(errors.is_empty());
            let file = sources.file("schema.json").expect("it was added");
            let at = Cursor::root(&sources, file).get("at").expect("it is there");
            let verdict = fits(&at, &value, Spelling::Newest);
            let (known, unknown) = told.get();
            match verdict {
                Some(verdict) => {
                    told.set((known + 1, unknown));
                    prop_assert_eq!(verdict, validator.is_valid(&value), "{} {}", schema, value);
                    let shown = sources.file("value.json").expect("it was added");
                    let shown = Cursor::root(&sources, shown);
                    if let Some(Misfit { at: place, why }) = misfit(&at, &shown, Spelling::Newest) {
                        let found = (place.pointer().to_string(), why);
                        let mut all = validator.iter_errors(&value).map(|error| {
                            (error.instance_path().to_string(), error.masked().to_string())
                        });
                        prop_assert!(all.any(|error| error == found), "{found:?} {schema} {value}");
                    }
                }
                None => told.set((known, unknown + 1)),
            }
            Ok(())
        });
        assert!(ran.is_ok(), "{ran:?}");
        let (known, unknown) = told.get();
        assert!(known > unknown, "it tells {known} of {} only", known + unknown);
    }
}
