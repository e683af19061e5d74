//! What to call a schema that a reference reaches deep inside something with a name of its own.

use crate::model::Name;
use crate::source::{Cursor, file_stem};

/// The name of the nearest owner with the way from there, as what stands there is called when it
/// is reached from its owner.
pub(super) fn deep_name(target: &Cursor<'_>) -> Name {
    let pointer = target.pointer();
    let tokens: Vec<String> = pointer.tokens().map(Into::into).collect();
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let root = Cursor::root(target.sources, target.file);
    match tokens.as_slice() {
        [] => Name::new(file_stem(&target.file.path)),
        ["components", section, name, rest @ ..] => {
            let owner = match *section {
                "responses" => Name::new(name).ending("response"),
                "requestBodies" => Name::new(name).ending("body"),
                _ => Name::new(name),
            };
            along(&root, &tokens[..3], owner, rest)
        }
        ["definitions" | "$defs", name, rest @ ..] => {
            along(&root, &tokens[..2], Name::new(name), rest)
        }
        ["paths" | "webhooks", path, method, rest @ ..] => {
            along(&root, &tokens[..3], operation(&root, &tokens[..3], path, method), rest)
        }
        [path, method, rest @ ..] if path.starts_with('/') => {
            along(&root, &tokens[..2], operation(&root, &tokens[..2], path, method), rest)
        }
        [name, rest @ ..] => along(&root, &tokens[..1], Name::new(name), rest),
    }
}

/// What an operation is called: by its id, else by its method and path.
fn operation(root: &Cursor<'_>, tokens: &[&str], path: &str, method: &str) -> Name {
    let operation = at(root, tokens);
    let id = operation.as_ref().and_then(|operation| operation.text("operationId"));
    id.map_or_else(|| Name::new(&format!("{method} {path}")), Name::new)
}

/// The name of an owner with what the rest of the way adds to it.
fn along(root: &Cursor<'_>, owner: &[&str], name: Name, rest: &[&str]) -> Name {
    let mut name = name;
    let mut walked = owner.len();
    let all: Vec<&str> = owner.iter().chain(rest).copied().collect();
    while let Some(token) = all.get(walked) {
        let next = all.get(walked + 1).copied().unwrap_or_default();
        let then = |word: &str| name.then(&Name::new(word));
        let (longer, taken) = match *token {
            "properties" | "patternProperties" | "$defs" | "definitions" | "headers" => {
                (then(next), 2)
            }
            "items" => (then("item"), 1),
            "prefixItems" => (then("item"), 2),
            "additionalProperties" | "unevaluatedProperties" => (then("value"), 1),
            "oneOf" | "anyOf" => {
                let number = next.parse::<usize>().unwrap_or_default() + 1;
                (then(&format!("variant-{number}")), 2)
            }
            "responses" => (then(&format!("response-{next}")), 2),
            "requestBody" => (name.ending("body"), 1),
            "parameters" => {
                let parameter = at(root, &all[..(walked + 2).min(all.len())]);
                let own = parameter.as_ref().and_then(|parameter| parameter.text("name"));
                (then(own.unwrap_or(next)), 2)
            }
            "allOf" | "content" => (name.clone(), 2),
            "schema" | "itemSchema" => (name.clone(), 1),
            other => (then(other), 1),
        };
        name = longer;
        walked += taken;
    }
    name
}

fn at<'a>(root: &Cursor<'a>, tokens: &[&str]) -> Option<Cursor<'a>> {
    tokens.iter().try_fold(root.clone(), |at, token| match token.parse::<usize>() {
        Ok(index) if at.value.is_array() => at.elements().into_iter().nth(index),
        Ok(_) | Err(_) => at.get(token),
    })
}
