//! Whatever a contract says, the generator answers with files or problems and never panics; and
//! it answers the same however the members of its objects are ordered.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::{env, fs};

use serde_json::{Map, Value, json};
use symbolon_codegen::diagnostic::render;
use symbolon_codegen::project::{Contract, collect};
use symbolon_codegen::resolve::Entry;
use symbolon_codegen::source::{Unread, parse};

use crate::cases::{cases_folder, outputs};

/// Numbers without pattern (xorshift), the same for a seed on every machine.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % sides.max(1)
    }
}

/// The contracts of the cases that are documents, parsed.
fn documents() -> Vec<(PathBuf, Value)> {
    let mut files: Vec<PathBuf> = fs::read_dir(cases_folder())
        .unwrap()
        .map(|entry| entry.unwrap().path().join("openapi.yaml"))
        .filter(|path| path.exists())
        .collect();
    files.push(cases_folder().join("../../../contracts/calls/openapi.yaml"));
    files.sort();
    let parsed = |path: PathBuf| {
        let value = parse("openapi.yaml", &fs::read_to_string(&path).unwrap()).ok()?;
        Some((path, value))
    };
    files.into_iter().filter_map(parsed).collect()
}

/// The contract whose entry file has this text, beside the other files of its folder.
fn read(path: &std::path::Path, text: &str) -> Contract {
    let folder = path.parent().unwrap();
    let asyncapi = folder.join("asyncapi.yaml").exists().then_some("asyncapi.yaml");
    let entry = Entry { name: "case", openapi: "openapi.yaml", asyncapi, command: "symbolon gen" };
    let reader = |path: &str| match path {
        "openapi.yaml" => Ok(text.to_owned()),
        other if folder.join(other).is_file() => Ok(fs::read_to_string(folder.join(other))?),
        _ => Err(Unread::Failed("no such file".to_owned())),
    };
    collect(entry, &reader)
}

fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let token = name.replace('~', "~0").replace('/', "~1");
                pointers(member, &format!("{at}/{token}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, &format!("{at}/{index}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Something a contract may hold where something else is expected.
fn surprise(dice: &mut Dice, known: &[String]) -> Value {
    let reference = format!("#{}", known[dice.roll(known.len())]);
    let choices = [
        Value::Null,
        json!(true),
        json!(-1.5),
        json!(u64::MAX),
        json!(""),
        json!("object"),
        json!([]),
        json!({}),
        json!([[null]]),
        json!({ "$ref": reference }),
        json!({ "$ref": format!("{reference}/x") }),
        json!({ "$ref": "nowhere.yaml#/x" }),
        json!({ "$ref": "%" }),
        json!({ "oneOf": [{ "$ref": reference }, { "type": ["string", "null"] }] }),
        json!({ "allOf": [{ "$ref": reference }, { "allOf": [{ "$ref": reference }] }] }),
        json!({ "type": "array", "items": { "$ref": reference } }),
        json!({ "type": "object", "properties": { "": { "$ref": reference } } }),
        json!({ "additionalProperties": { "$ref": reference }, "nullable": true }),
        json!({ "enum": [null, 1, "a", {}] }),
        json!({ "const": "\u{202e}\n" }),
    ];
    choices[dice.roll(choices.len())].clone()
}

fn mutate(document: &mut Value, dice: &mut Dice) {
    let mut known = Vec::new();
    pointers(document, "", &mut known);
    let target = known[dice.roll(known.len())].clone();
    let copied = document.pointer(&known[dice.roll(known.len())]).cloned().unwrap();
    let Some((parent, token)) = target.rsplit_once('/') else { return };
    let name = token.replace("~1", "/").replace("~0", "~");
    let replacement = match dice.roll(4) {
        0 => None,
        1 => Some(copied),
        _ => Some(surprise(dice, &known)),
    };
    match (document.pointer_mut(parent), replacement) {
        (Some(Value::Object(members)), None) => {
            members.remove(&name);
        }
        (Some(Value::Object(members)), Some(value)) => {
            members.insert(name, value);
        }
        (Some(Value::Array(items)), Some(value)) => items.push(value),
        (_, _) => {}
    }
}

#[test]
fn nothing_panics_on_mangled_contracts() {
    let documents = documents();
    let rounds: u64 = env::var("ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(400);
    for seed in 0..rounds {
        let mut dice = Dice::new(seed);
        let (path, mut document) = documents[dice.roll(documents.len())].clone();
        for _ in 0..=dice.roll(4) {
            mutate(&mut document, &mut dice);
        }
        let text = document.to_string();
        let survived = catch_unwind(AssertUnwindSafe(|| {
            let contract = read(&path, &text);
            let _ = render(&contract.problems, &contract.sources);
            let _ = outputs(&contract.system);
        }));
        assert!(survived.is_ok(), "seed {seed} of {}:\n{text}", path.display());
    }
}

#[test]
fn nothing_panics_on_cut_text() {
    let text = fs::read_to_string(cases_folder().join("hostile-names/openapi.yaml")).unwrap();
    for end in (0..text.len()).step_by(37).filter(|end| text.is_char_boundary(*end)) {
        let contract = read(&cases_folder().join("hostile-names/openapi.yaml"), &text[..end]);
        let _ = render(&contract.problems, &contract.sources);
        let _ = outputs(&contract.system);
    }
}

#[test]
fn nothing_panics_on_deep_text() {
    let deep = |open: &str, close: &str| {
        format!("openapi: 3.1.0\npaths: {}x{}\n", open.repeat(5000), close.repeat(5000))
    };
    let schemas = "{ items: ".repeat(60);
    let schemas = format!(
        "openapi: 3.1.0\ncomponents: {{ schemas: {{ Deep: {schemas}{{}}{} }} }}\n",
        "}".repeat(60)
    );
    for text in [deep("[", "]"), deep("{a: ", "}"), schemas] {
        let contract = read(&cases_folder().join("openapi.yaml"), &text);
        let _ = render(&contract.problems, &contract.sources);
        let _ = outputs(&contract.system);
    }
}

#[test]
fn what_nests_too_deeply_is_refused_with_a_problem() {
    const LEVELS: usize = 100_000;
    let nested = |open: &str, close: &str| {
        format!("{{\"openapi\":\"3.1.0\",\"x\":{}1{}}}", open.repeat(LEVELS), close.repeat(LEVELS))
    };
    let block: String = (0..2_000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    let bomb: String = (1..40)
        .map(|level| format!("a{level}: &a{level} [*a{0}, *a{0}, *a{0}]\n", level - 1))
        .collect();
    let texts = [
        nested("[", "]"),
        nested("{\"a\":", "}"),
        nested("[", "]").replacen("{\"openapi\":\"3.1.0\",", "openapi: 3.1.0\n", 1),
        format!("openapi: 3.1.0\nx: {}", "[".repeat(LEVELS)),
        format!("openapi: 3.1.0\nx: {}", "{a: ".repeat(LEVELS)),
        format!("openapi: 3.1.0\nx: {}1", "- ".repeat(LEVELS)),
        block,
        format!("a0: &a0 [x, x, x]\n{bomb}openapi: 3.1.0\n"),
    ];
    for text in texts {
        let contract = read(&cases_folder().join("openapi.yaml"), &text);
        assert!(!contract.is_sound(), "{}", &text[..60]);
        let told = render(&contract.problems, &contract.sources);
        assert!(told.contains("error[malformed]"), "{told}");
    }
}

#[test]
fn long_chains_are_walked_or_refused() {
    let chain = |link: &dyn Fn(usize) -> String| {
        let links: String = (0..600).map(|at| format!("    S{at}: {}\n", link(at + 1))).collect();
        format!("openapi: 3.1.0\ncomponents:\n  schemas:\n{links}    S600: {{ type: string }}\n")
    };
    let to = |at: usize| format!("{{ $ref: '#/components/schemas/S{at}' }}");
    let texts = [
        chain(&to),
        chain(&|at| format!("{{ allOf: [{}] }}", to(at))),
        chain(&|at| format!("{{ oneOf: [{}, {{ type: integer }}] }}", to(at))),
        chain(&|at| format!("{{ type: array, items: {} }}", to(at))),
        chain(&|at| format!("{{ type: object, properties: {{ next: {} }} }}", to(at))),
        chain(&|at| format!("{{ additionalProperties: {}, minProperties: 1 }}", to(at))),
    ];
    for text in texts {
        let contract = read(&cases_folder().join("openapi.yaml"), &text);
        let _ = render(&contract.problems, &contract.sources);
        let _ = outputs(&contract.system);
    }
}

/// The document as JSON text with the members of every object in another order.
fn shuffled(value: &Value, dice: &mut Dice) -> String {
    match value {
        Value::Object(members) => {
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

#[test]
fn the_order_of_members_changes_nothing() {
    for (path, document) in documents() {
        let sorted: Map<String, Value> = document.as_object().cloned().unwrap_or_default();
        let first = read(&path, &Value::Object(sorted).to_string());
        for seed in 0..5 {
            let text = shuffled(&document, &mut Dice::new(seed));
            let other = read(&path, &text);
            assert_eq!(first.problems, other.problems, "{}", path.display());
            assert_eq!(outputs(&first.system), outputs(&other.system), "{}", path.display());
        }
    }
}
