//! Examples must fit their schemas.

use jsonschema::Validator;
use serde_json::Value;

use super::Scope;
use crate::diagnostic::Kind;
use crate::source::{Cursor, bundle};

/// Reports every example of a parameter, body or response that its schema refuses.
pub(super) fn check<'a>(scope: &mut Scope<'a>, root: &Cursor<'a>) {
    for (_, item) in root.get("paths").map(|paths| paths.members()).unwrap_or_default() {
        visit(scope, &item);
    }
    if let Some(components) = root.get("components") {
        for section in ["responses", "requestBodies", "parameters", "headers"] {
            for (_, at) in components.get(section).map(|at| at.members()).unwrap_or_default() {
                visit(scope, &at);
            }
        }
    }
}

/// Looks for objects that hold both a schema and examples, wherever they stand.
fn visit<'a>(scope: &mut Scope<'a>, at: &Cursor<'a>) {
    if let Some(schema) = at.get("schema") {
        let examples = examples(scope, at);
        if !examples.is_empty()
            && let Some(validator) = validator(&schema)
        {
            for example in examples {
                judge(scope, &validator, &example);
            }
        }
        return;
    }
    for (name, member) in at.members() {
        if !name.starts_with("x-") && name != "example" && name != "$ref" {
            visit(scope, &member);
        }
    }
    for element in at.elements() {
        visit(scope, &element);
    }
}

fn examples<'a>(scope: &mut Scope<'a>, at: &Cursor<'a>) -> Vec<Cursor<'a>> {
    let mut found: Vec<Cursor<'a>> = at.get("example").into_iter().collect();
    for (_, named) in at.get("examples").map(|found| found.members()).unwrap_or_default() {
        if let Some(named) = scope.follow(&named) {
            found.extend(named.get("value"));
        }
    }
    found
}

/// The schema as a validator; a schema the library cannot read judges nothing.
fn validator(schema: &Cursor<'_>) -> Option<Validator> {
    jsonschema::draft202012::options().build(&bundle::schema(schema)).ok()
}

fn judge<'a>(scope: &mut Scope<'a>, validator: &Validator, example: &Cursor<'a>) {
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
