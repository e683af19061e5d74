//! Emits the wire crate of a system: its types and operations, shared by server and SDK.

mod narrowing;
mod operations;
mod plan;
mod types;

pub(super) use operations::{answer_ident, header_ident, parameter_ident};
pub(super) use plan::{Heading, Manifest};
pub(super) use types::is_nominal;

use super::render::{GeneratedFile, Renderer, Template, one_line};
use super::rust::{Speller, holds_checks, module_ident};
use crate::model::System;

pub(super) const TEMPLATES: &[Template] = &[
    ("wire/Cargo.toml.j2", include_str!("templates/Cargo.toml.j2")),
    ("wire/lib.rs.j2", include_str!("templates/lib.rs.j2")),
    ("wire/types.rs.j2", include_str!("templates/types.rs.j2")),
    ("wire/object.rs.j2", include_str!("templates/object.rs.j2")),
    ("wire/enumeration.rs.j2", include_str!("templates/enumeration.rs.j2")),
    ("wire/union.rs.j2", include_str!("templates/union.rs.j2")),
    ("wire/context.rs.j2", include_str!("templates/context.rs.j2")),
    ("wire/operation.rs.j2", include_str!("templates/operation.rs.j2")),
];

/// What stands in the first line of every generated file.
pub(super) fn heading(system: &System) -> Heading {
    Heading {
        command: system.command,
        contract: one_line(&system.contract),
        title: one_line(&system.title),
    }
}

/// The name of a package of this system: `calls-wire`.
pub(super) fn package(system: &System, half: &str) -> String {
    format!("{}-{half}", system.name.words().join("-"))
}

/// What the manifest of a generated crate says.
pub(super) fn manifest(system: &System, half: &str, what: &str) -> Manifest {
    let description = format!("{what} {}", one_line(&system.title));
    Manifest {
        heading: heading(system),
        package: package(system, half),
        description: toml::Value::String(description).to_string(),
    }
}

/// The module of each context; none takes the name of a module the crate has of its own.
pub(super) fn context_module(context: &crate::model::Context) -> String {
    let ident = module_ident(&context.name.ascii());
    if ["client", "events", "lib", "wire"].contains(&ident.as_str()) {
        format!("{ident}_")
    } else {
        ident
    }
}

/// The wire crate.
pub fn emit(system: &System) -> Vec<GeneratedFile> {
    let renderer = Renderer::new(TEMPLATES);
    let heading = heading(system);
    let checked = holds_checks(system);
    let manifest = manifest(system, "wire", "Wire types and operations of");
    let mut modules: Vec<String> = system.contexts.iter().map(context_module).collect();
    modules.sort();
    let has_events = !system.channels.is_empty();
    let library = plan::Library { heading: heading.clone(), has_events, modules };
    let mut speller = Speller::new(system, "");
    let items = types::plan(system, &checked, &mut speller);
    let imports = speller.into_imports();
    let types = plan::Types { heading: heading.clone(), imports, items };
    let mut files = vec![
        renderer.file("Cargo.toml", "wire/Cargo.toml.j2", &manifest),
        renderer.file("src/lib.rs", "wire/lib.rs.j2", &library),
        renderer.file("src/types.rs", "wire/types.rs.j2", &types),
    ];
    for context in &system.contexts {
        let mut speller = Speller::new(system, "types::");
        speller.import("symbolon_wire::Documented");
        speller.import("symbolon_wire::Validate");
        speller.import("symbolon_wire::Violations");
        let operations = operations::plan(system, context, &checked, &mut speller);
        let plan = plan::Context {
            heading: heading.clone(),
            tag: one_line(&context.tag),
            imports: speller.into_imports(),
            operations,
        };
        let path = format!("src/{}.rs", context_module(context));
        files.push(renderer.file(&path, "wire/context.rs.j2", &plan));
    }
    files
}
