//! Emits the wire crate of a system: its types and operations, shared by server and SDK.

mod bodies;
mod links;
mod narrowing;
mod operations;
mod plan;
mod types;

pub(super) use types::is_nominal;

use std::sync::LazyLock;

use super::render::{GeneratedFile, Renderer, Template};
use super::rust::{
    Heading, Speller, context_module, heading, holds_checks, import, manifest, predicate,
    rule_ident, which,
};
use crate::model::System;

const TEMPLATES: &[Template] = &[
    ("wire/Cargo.toml.j2", include_str!("templates/Cargo.toml.j2")),
    ("wire/lib.rs.j2", include_str!("templates/lib.rs.j2")),
    ("wire/rules.rs.j2", include_str!("templates/rules.rs.j2")),
    ("wire/types.rs.j2", include_str!("templates/types.rs.j2")),
    ("wire/object.rs.j2", include_str!("templates/object.rs.j2")),
    ("wire/enumeration.rs.j2", include_str!("templates/enumeration.rs.j2")),
    ("wire/union.rs.j2", include_str!("templates/union.rs.j2")),
    ("wire/context.rs.j2", include_str!("templates/context.rs.j2")),
    ("wire/codecs.rs.j2", include_str!("templates/codecs.rs.j2")),
    ("wire/body.rs.j2", include_str!("templates/body.rs.j2")),
    ("wire/links.rs.j2", include_str!("templates/links.rs.j2")),
    ("wire/operation.rs.j2", include_str!("templates/operation.rs.j2")),
];

/// They are read once, however many contracts there are.
static RENDERER: LazyLock<Renderer> = LazyLock::new(|| Renderer::new(TEMPLATES));

/// Whether `schemars` can describe the types of a wire crate, behind a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Described {
    Yes,
    No,
}

/// The wire crate.
pub fn emit(system: &System) -> Vec<GeneratedFile> {
    emit_as(system, Described::No)
}

/// The wire crate with what `schemars` needs to describe its types: a proof that these types and
/// the contract's schemas mean the same, at the price of an attribute in front of most fields.
pub fn emit_described(system: &System) -> Vec<GeneratedFile> {
    emit_as(system, Described::Yes)
}

fn emit_as(system: &System, described: Described) -> Vec<GeneratedFile> {
    let renderer = &*RENDERER;
    let heading = heading(system);
    let checked = holds_checks(system);
    let manifest = plan::Manifest {
        package: manifest(system, "wire", "Wire types and operations of"),
        described: described == Described::Yes,
    };
    let contexts = || system.contexts.iter().chain(&system.webhooks);
    let mut modules: Vec<String> = contexts().map(context_module).collect();
    modules.sort();
    let has_events = !system.channels.is_empty();
    let has_rules = !system.predicates.is_empty();
    let mut speller = Speller::new(system, "");
    let items = types::plan(system, &checked, described, &mut speller);
    let codecs = types::codecs(&items);
    let has_codecs = !codecs.is_empty();
    let library =
        plan::Library { heading: heading.clone(), has_events, has_codecs, has_rules, modules };
    let imports = speller.into_imports();
    let described = described == Described::Yes;
    let types = plan::Types {
        heading: heading.clone(),
        described,
        imports,
        items,
        same: types::same(system),
    };
    let mut files = vec![
        renderer.file("Cargo.toml", "wire/Cargo.toml.j2", &manifest),
        renderer.file("src/lib.rs", "wire/lib.rs.j2", &library),
        renderer.file("src/types.rs", "wire/types.rs.j2", &types),
    ];
    if has_rules {
        let plan = rules(system, heading.clone());
        files.push(renderer.file("src/rules.rs", "wire/rules.rs.j2", &plan));
    }
    if has_codecs {
        let macros: Vec<&str> = ["record", "tagged", "text_enum", "untagged"]
            .into_iter()
            .filter(|name| codecs.iter().any(|codec| codec.starts_with(&format!("{name}!"))))
            .collect();
        let imports = import("symbolon_wire", &macros);
        let plan = plan::Codecs { heading: heading.clone(), imports, codecs };
        files.push(renderer.file("src/codecs.rs", "wire/codecs.rs.j2", &plan));
    }
    for context in contexts() {
        let mut speller = Speller::new(system, "types::");
        speller.import("symbolon_wire::Documented");
        speller.import("symbolon_wire::Validate");
        let operations = operations::plan(system, context, &checked, &mut speller);
        if operations.iter().any(|operation| !operation.unchecked) {
            speller.import("symbolon_wire::Violations");
        }
        let plan = plan::Context {
            heading: heading.clone(),
            which: which(context),
            imports: speller.into_imports(),
            operations,
        };
        let path = format!("src/{}.rs", context_module(context));
        files.push(renderer.file(&path, "wire/context.rs.j2", &plan));
    }
    files
}

fn rules(system: &System, heading: Heading) -> plan::Rules {
    let predicates = system.predicates.iter().map(|(id, said)| {
        let mut lines: Vec<String> =
            predicate(said).into_iter().map(|line| format!("    {line}")).collect();
        if let Some(last) = lines.last_mut() {
            last.push(';');
        }
        plan::Predicate { ident: rule_ident(id), lines }
    });
    plan::Rules { heading, predicates: predicates.collect() }
}
