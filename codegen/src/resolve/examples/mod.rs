//! Examples must fit their schemas.

mod fits;
mod misfits;

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Validator;
use serde_json::{Value, json};

use self::fits::{Spelling, fits};
use self::misfits::{Misfit, misfit};
use crate::diagnostic::Kind;
use crate::resolve::Scope;
use crate::source::{Cursor, ValueId, bundle};

/// Reports every example of a parameter, body or response that its schema refuses.
pub(super) fn check<'a>(scope: &mut Scope<'a>, root: &Cursor<'a>) {
    let is_older = root.text("openapi").is_some_and(|version| version.starts_with("3.0"));
    let spelling = if is_older { Spelling::Older } else { Spelling::Newest };
    let mut judge = Judge { spelling, seen: BTreeSet::new(), validators: BTreeMap::new() };
    for (_, item) in root.get("paths").map(|paths| paths.members()).unwrap_or_default() {
        judge.visit(scope, &item);
    }
    if let Some(components) = root.get("components") {
        for section in ["responses", "requestBodies", "parameters", "headers"] {
            for (_, at) in components.get(section).map(|at| at.members()).unwrap_or_default() {
                judge.visit(scope, &at);
            }
        }
    }
}

/// Reports every example of a message that the schema of its payload refuses.
pub(super) fn check_message<'a>(scope: &mut Scope<'a>, message: &Cursor<'a>, schema: &Value) {
    let examples = message.get("examples").map(|found| found.elements()).unwrap_or_default();
    let payloads: Vec<Cursor<'a>> = examples.iter().filter_map(|at| at.get("payload")).collect();
    if payloads.is_empty() {
        return;
    }
    let Some(validator) = validator(schema) else { return };
    for payload in payloads {
        compare(scope, &validator, &payload);
    }
}

struct Judge {
    /// How schemas are spelled.
    spelling: Spelling,
    /// What was looked at, since much is referred to more than once.
    seen: BTreeSet<ValueId>,
    validators: BTreeMap<ValueId, Option<Validator>>,
}

impl Judge {
    /// Looks for objects that hold both a schema and examples, wherever they stand.
    fn visit<'a>(&mut self, scope: &mut Scope<'a>, at: &Cursor<'a>) {
        if at.reference().is_some() {
            if let Ok(target) = at.follow()
                && self.seen.insert(target.id())
            {
                self.visit(scope, &target);
            }
            return;
        }
        if let Some(schema) = at.get("schema") {
            for example in examples(scope, at) {
                self.judge(scope, &schema, &example);
            }
            return;
        }
        for (name, member) in at.members() {
            if !name.starts_with("x-") && name != "example" {
                self.visit(scope, &member);
            }
        }
        for element in at.elements() {
            self.visit(scope, &element);
        }
    }

    /// Reports an example that its schema refuses.
    fn judge<'a>(&mut self, scope: &mut Scope<'a>, schema: &Cursor<'a>, example: &Cursor<'a>) {
        if fits(schema, example.value, self.spelling) == Some(true) {
            return;
        }
        if let Some(Misfit { at, why }) = misfit(schema, example, self.spelling) {
            scope.report(&at, Kind::ExampleInvalid { why });
        } else if let Some(validator) = self.validator(schema) {
            compare(scope, validator, example);
        }
    }

    /// The schema as a validator; a schema the library cannot read judges nothing.
    fn validator(&mut self, schema: &Cursor<'_>) -> Option<&Validator> {
        let target = schema.follow().ok()?;
        let spelling = self.spelling;
        let build = || {
            let mut schema = bundle::schema(schema);
            match spelling {
                Spelling::Older => modernize(&mut schema),
                Spelling::Newest => {}
            }
            validator(&schema)
        };
        self.validators.entry(target.id()).or_insert_with(build).as_ref()
    }
}

fn examples<'a>(scope: &mut Scope<'a>, at: &Cursor<'a>) -> Vec<Cursor<'a>> {
    let mut found: Vec<Cursor<'a>> = at.get("example").into_iter().collect();
    for (_, named) in at.get("examples").map(|found| found.members()).unwrap_or_default() {
        if let Some(named) = scope.follow(&named) {
            found.extend(named.get("value").or_else(|| named.get("dataValue")));
        }
    }
    found
}

fn validator(schema: &Value) -> Option<Validator> {
    jsonschema::draft202012::options().build(schema).ok()
}

/// Spells what 3.0 says in its own way as JSON Schema does.
fn modernize(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(modernize),
        Value::Object(members) => {
            members.values_mut().for_each(modernize);
            for (exclusive, inclusive) in
                [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")]
            {
                if let Some(Value::Bool(is_exclusive)) = members.get(exclusive).cloned() {
                    members.remove(exclusive);
                    if let (true, Some(bound)) = (is_exclusive, members.remove(inclusive)) {
                        members.insert(exclusive.to_owned(), bound);
                    }
                }
            }
            if members.get("nullable") == Some(&Value::Bool(true)) {
                members.remove("nullable");
                let alone = std::mem::take(schema);
                *schema = json!({ "anyOf": [alone, { "type": "null" }] });
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn compare<'a>(scope: &mut Scope<'a>, validator: &Validator, example: &Cursor<'a>) {
    if let Some(error) = validator.iter_errors(example.value).next() {
        let mut place = example.clone();
        for token in error.instance_path().to_string().split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            let next = match place.value {
                Value::Array(_) => token
                    .parse::<usize>()
                    .ok()
                    .and_then(|index| place.elements().get(index).cloned()),
                _ => place.get(&token),
            };
            let Some(next) = next else { break };
            place = next;
        }
        let why = error.masked().to_string();
        scope.report(&place, Kind::ExampleInvalid { why });
    }
}
