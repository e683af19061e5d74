//! Names must not move when a document is edited elsewhere: its members are put in another order,
//! its prose is rewritten, and a schema, an operation and properties are added.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, bail};
use serde_json::{Map, Value, json};
use symbolon_codegen::project::{Tree, collect};
use symbolon_codegen::resolve::Entry;
use symbolon_codegen::source::parse;

use super::documents::Document;
use super::generate::tree;
use crate::dice::Dice;

/// What is added stands under names that sort before, between and after others.
const ADDED: [&str; 3] = ["aUnrelated", "mUnrelated", "zUnrelated"];

/// Prose that may say anything.
const PROSE: [&str; 2] = ["description", "summary"];

/// Names that are no keywords where members are named by the contract.
const NAMED: [&str; 4] = ["properties", "schemas", "patternProperties", "examples"];

/// Fails with the first declarations that an edited document no longer has.
///
/// # Errors
/// When a name moves, or the document cannot be read.
pub fn check(document: &Document, seed: u64) -> anyhow::Result<()> {
    let text = fs::read_to_string(&document.path).with_context(|| document.name.clone())?;
    let path = document.path.to_string_lossy();
    let Ok(mut value) = parse(&path, &text) else { return Ok(()) };
    let Some(before) = generated(document, text) else { return Ok(()) };
    edit(&mut value);
    let edited = shuffled(&value, &mut Dice::new(seed));
    let Some(after) = generated(document, edited) else {
        bail!("{}: is refused after an edit that breaks nothing", document.name);
    };
    let (before, mut after) = (declarations(&before), declarations(&after));
    let mut moved = Vec::new();
    for (line, count) in before {
        if after.remove(&line).unwrap_or(0) < count {
            moved.push(line);
        }
    }
    if !moved.is_empty() {
        moved.truncate(20);
        bail!("{}: names move when it is edited:\n{}", document.name, moved.join("\n"));
    }
    Ok(())
}

fn generated(document: &Document, text: String) -> Option<Tree> {
    let name = document.package();
    let entry =
        Entry { name: &name, openapi: "contract.json", asyncapi: None, command: "symbolon gen" };
    let missing = || symbolon_codegen::source::Unread::Failed("no such file".to_owned());
    let reader = |path: &str| match path {
        "contract.json" => Ok(text.clone()),
        _ => Err(missing()),
    };
    tree(&collect(entry, &reader).bearing())
}

/// Every line of generated code that declares a name for others, and how often it stands there.
fn declarations(tree: &Tree) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for (path, text) in &tree.files {
        let shown = path.to_string_lossy();
        if shown.contains("runtime/") {
            continue;
        }
        let openings: &[&str] = match path.extension().and_then(|ending| ending.to_str()) {
            Some("rs") => &["pub struct ", "pub enum ", "pub trait ", "pub type ", "pub fn "],
            Some("ts") => {
                &["export type ", "export interface ", "export function ", "export class "]
            }
            _ => &[],
        };
        for line in text.lines().map(str::trim) {
            // What follows the name may grow: a struct without members gains some.
            let name = |rest: &str| -> String {
                rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
            };
            if let Some(opening) = openings.iter().find(|opening| line.starts_with(**opening)) {
                let key = format!("{}{}", kind(opening), name(&line[opening.len()..]));
                *found.entry(key).or_default() += 1;
            } else if line.starts_with("pub ") && line.ends_with(',') && line.contains(": ") {
                *found.entry(line.to_owned()).or_default() += 1;
            }
        }
    }
    found
}

/// What a declaration declares. Which of the types that say the same is defined, and which are
/// aliases of it, may change: whoever uses one by its name sees no difference.
fn kind(opening: &str) -> &str {
    match opening {
        "pub struct " | "pub enum " => "pub type ",
        "export interface " => "export type ",
        other => other,
    }
}

fn edit(document: &mut Value) {
    rewrite(document, false);
    if let Some(schemas) =
        document.pointer_mut("/components/schemas").and_then(Value::as_object_mut)
    {
        for schema in schemas.values_mut() {
            let known = schema.get_mut("properties").and_then(Value::as_object_mut);
            if let Some(properties) = known.filter(|properties| !properties.is_empty()) {
                properties.insert("zzUnrelated".to_owned(), json!({ "type": "string" }));
            }
        }
        for name in ADDED {
            let inner = json!({ "type": "object", "properties": { "x": { "type": "integer" } } });
            let schema = json!({ "type": "object", "properties": { "inner": inner } });
            schemas.insert(name.to_owned(), schema);
        }
    }
    if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
        for name in ADDED {
            let operation =
                json!({ "operationId": name, "responses": { "204": { "description": "None." } } });
            paths.insert(format!("/{name}"), json!({ "get": operation }));
        }
    }
}

/// Other words wherever prose stands.
fn rewrite(value: &mut Value, named: bool) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if !named && PROSE.contains(&name.as_str()) && member.is_string() {
                    *member = Value::from("Other words.");
                }
                rewrite(member, !named && NAMED.contains(&name.as_str()));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(item, false)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The document as JSON text with the members of every object in another order.
fn shuffled(value: &Value, dice: &mut Dice) -> String {
    match value {
        Value::Object(members) => {
            let members: &Map<String, Value> = members;
            let mut names: Vec<&String> = members.keys().collect();
            for index in (1..names.len()).rev() {
                names.swap(index, dice.roll(index + 1));
            }
            let members: Vec<String> = names
                .into_iter()
                .map(|name| format!("{}:{}", json!(name), shuffled(&members[name], dice)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| shuffled(item, dice)).collect();
            format!("[{}]", items.join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}
