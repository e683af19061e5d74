//! Keywords beside a reference: they hold together with what it leads to (JSON Schema 2020-12).

use serde_json::Value;

use super::all_of::{Parts, asked, is_prose};
use super::constraints::constraints;
use super::{Built, accepts_null, type_names};
use crate::model::{Constraints, Name, Shape, Type};
use crate::resolve::Scope;
use crate::source::Cursor;

/// Keywords that say which members an object has.
const OF_OBJECTS: [&str; 7] = [
    "additionalProperties",
    "allOf",
    "anyOf",
    "oneOf",
    "properties",
    "required",
    "unevaluatedProperties",
];

impl<'a> Scope<'a> {
    /// Whether this is a reference with keywords beside it that say more. In OpenAPI 3.0, and in
    /// AsyncAPI, what stands beside a reference is ignored.
    pub(super) fn has_siblings(&self, at: &Cursor<'a>) -> bool {
        let version = at.file.value.get("openapi").and_then(Value::as_str);
        let heeds = match version {
            Some(version) => !version.starts_with("3.0"),
            None => self.heeds_siblings && at.file.value.get("asyncapi").is_none(),
        };
        let says_more = |key: &String| {
            !is_prose(key) && !matches!(key.as_str(), "$ref" | "$dynamicRef" | "$defs" | "$id")
        };
        heeds
            && at.reference().is_some()
            && at.object().is_some_and(|schema| schema.keys().any(says_more))
    }

    /// What a reference and the keywords beside it say together.
    pub(super) fn beside(&mut self, at: &Cursor<'a>, name: &Name) -> Built {
        let Some(target) = self.follow(at) else { return Built::any() };
        let own = type_names(at);
        let may_be_null = accepts_null(&target) && (own.is_empty() || own.contains(&"null"));
        let nullable = may_be_null || own.contains(&"null");
        if let Some(Value::Array(values)) = at.value.get("enum") {
            return self.enumeration(at, values, name, nullable);
        }
        if let Some(value) = at.value.get("const") {
            return self.enumeration(at, std::slice::from_ref(value), name, nullable);
        }
        if OF_OBJECTS.iter().any(|keyword| at.value.get(keyword).is_some()) {
            let mut parts = Parts::default();
            parts.take_with_siblings(at);
            if !parts.properties.is_empty() {
                let rules = self.of_parts(&target, &parts);
                parts.take_alternatives();
                let own = self.alternatives_of(at);
                return self.object_of(at, parts, name, nullable).keeping(rules).keeping(own);
            }
        }
        let asked_here = constraints(at);
        if !asked_here.is_empty() && is_plain(&target) {
            let built = self.build(&target, name);
            if let Shape::Alias(ty, mut limits) = built.shape {
                limits.take(asked_here);
                return Built { shape: Shape::Alias(ty, limits), nullable, rules: built.rules };
            }
        }
        let ty: Type = self.led_to(at).present().clone();
        let rules = asked("$ref", vec![self.own_predicate(at)]);
        Built::plain(ty, Constraints { rules, ..Constraints::default() }, nullable)
    }
}

/// Whether a schema is a scalar and nothing more: what is asked beside it can be asked with it.
fn is_plain(target: &Cursor<'_>) -> bool {
    let kinds: Vec<&str> = type_names(target).into_iter().filter(|ty| *ty != "null").collect();
    let more = ["enum", "const", "allOf", "oneOf", "anyOf", "$ref", "$dynamicRef"];
    matches!(kinds.as_slice(), ["string" | "integer" | "number"])
        && !more.iter().any(|keyword| target.value.get(keyword).is_some())
}
