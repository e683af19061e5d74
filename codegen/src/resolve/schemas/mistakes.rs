//! Mistakes in the keywords of a schema: values they cannot have, and names that are nearly theirs.

use serde_json::Value;

use super::all_of::is_prose;
use super::constraints::whole;
use crate::resolve::Scope;
use crate::source::Cursor;

/// The keywords of the dialects that are read, prose aside: OpenAPI 3.0 to 3.2 and JSON Schema
/// from draft 4 on.
const KEYWORDS: [&str; 57] = [
    "$anchor",
    "$defs",
    "$dynamicAnchor",
    "$dynamicRef",
    "$id",
    "$recursiveAnchor",
    "$recursiveRef",
    "$ref",
    "$schema",
    "$vocabulary",
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "contains",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "definitions",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "discriminator",
    "else",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "externalDocs",
    "format",
    "id",
    "if",
    "items",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "oneOf",
    "pattern",
    "patternProperties",
    "prefixItems",
    "properties",
    "propertyNames",
    "required",
    "then",
    "type",
    "unevaluatedItems",
    "unevaluatedProperties",
    "uniqueItems",
];

/// Keywords shorter than this are near to too much.
const SHORTEST: usize = 4;

impl<'a> Scope<'a> {
    /// Reports what is wrong with the keywords of the schema here; what it says otherwise holds.
    pub(super) fn check_keywords(&mut self, at: &Cursor<'a>) {
        for (name, value) in at.object().into_iter().flatten() {
            if let Some(wanted) = wanted(name, value) {
                let why = format!("`{name}` does not take this value");
                self.note_keyword(at, name, why, format!("it takes {wanted}"));
            } else if !is_known(name)
                && let Some(near) = near(name)
            {
                let why = format!("`{name}` is no keyword of schemas: it asks nothing");
                self.note_keyword(at, name, why, format!("did you mean `{near}`?"));
            }
        }
    }

    fn note_keyword(&mut self, at: &Cursor<'a>, name: &str, why: String, hint: String) {
        if let Some(place) = at.get(name) {
            self.defect(&place, why, hint);
        }
    }
}

/// What the value of a keyword has to be, where this one is not.
fn wanted(name: &str, value: &Value) -> Option<&'static str> {
    let (is_right, what) = match name {
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties"
        | "minContains" | "maxContains" => (whole(value).is_some(), "a whole number from 0 on"),
        "minimum" | "maximum" | "multipleOf" => (value.is_number(), "a number"),
        "exclusiveMinimum" | "exclusiveMaximum" => {
            (value.is_number() || value.is_boolean(), "a number, or in OpenAPI 3.0 true or false")
        }
        "uniqueItems" | "nullable" | "readOnly" | "writeOnly" | "deprecated" => {
            (value.is_boolean(), "true or false")
        }
        "required" => (is_names(value), "a list of names of `properties`, and stands beside them"),
        "properties" | "patternProperties" => (value.is_object(), "an object of schemas by name"),
        "allOf" | "anyOf" | "oneOf" | "prefixItems" => (value.is_array(), "a list of schemas"),
        "enum" => (is_filled(value), "a list of one value or more"),
        "type" => (value.is_string() || is_names(value), "the name of a type, or a list of them"),
        "format" | "pattern" => (value.is_string(), "a text"),
        _ => return None,
    };
    (!is_right).then_some(what)
}

fn is_names(value: &Value) -> bool {
    value.as_array().is_some_and(|names| names.iter().all(Value::is_string))
}

fn is_filled(value: &Value) -> bool {
    value.as_array().is_some_and(|values| !values.is_empty())
}

fn is_known(name: &str) -> bool {
    is_prose(name) || name == "xml" || KEYWORDS.binary_search(&name).is_ok()
}

/// The keyword that was probably meant: one slip away, two in a long one.
fn near(name: &str) -> Option<&'static str> {
    let slips = if name.len() < 8 { 1 } else { 2 };
    KEYWORDS
        .into_iter()
        .filter(|known| known.len() >= SHORTEST && known.len().abs_diff(name.len()) <= slips)
        .find(|known| strsim::damerau_levenshtein(known, name) <= slips)
}

#[cfg(test)]
mod tests {
    use super::KEYWORDS;

    #[test]
    fn keywords_stand_in_order_and_once() {
        assert!(KEYWORDS.is_sorted_by(|one, two| one < two));
    }
}
