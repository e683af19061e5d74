//! Emits the wire crate of a system: its types and operations, shared by server and SDK.

mod bodies;
mod homed;
mod links;
mod narrowing;
mod operations;
mod plan;
mod sockets;
mod types;

pub(super) use types::is_nominal;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::render::{GeneratedFile, Renderer, Template};
use super::rust::{
    Homes, Module, Speller, context_module, feature_lines, heading, holds_checks, is_split,
    manifest, module, sockets_context, split, which,
};
use crate::model::{System, TypeId};

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
    ("wire/messages.rs.j2", include_str!("templates/messages.rs.j2")),
    ("wire/sockets.rs.j2", include_str!("templates/sockets.rs.j2")),
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
    let checked = holds_checks(system);
    let homes = Homes::of(system);
    let mut features = feature_lines(split(system), None);
    if described == Described::Yes {
        features.push("schemars = [\"dep:schemars\", \"symbolon-wire/schemars\"]".to_owned());
    }
    let manifest = plan::Manifest {
        package: manifest(system, "wire", "Wire types and operations of"),
        described: described == Described::Yes,
        features,
    };
    let contexts = || system.contexts.iter().chain(&system.webhooks);
    let mut modules: Vec<Module> = contexts().map(|found| module(system, found)).collect();
    modules.sort_by(|left, right| left.ident.cmp(&right.ident));
    let homed = homed::files(renderer, system, &homes, &checked, described);
    let library = plan::Library {
        heading: heading(system),
        is_split: is_split(system),
        has_events: !system.channels.is_empty(),
        has_codecs: homed.has_codecs,
        has_rules: !system.predicates.is_empty(),
        has_sockets: !system.sockets.is_empty(),
        modules,
    };
    let mut files = vec![
        renderer.file("Cargo.toml", "wire/Cargo.toml.j2", &manifest),
        renderer.file("src/lib.rs", "wire/lib.rs.j2", &library),
    ];
    files.extend(homed.files);
    if !system.sockets.is_empty() {
        files.push(sockets(renderer, system, &checked));
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
            heading: heading(system),
            which: which(context),
            imports: speller.into_imports(),
            operations,
        };
        let path = format!("src/{}.rs", context_module(context));
        files.push(renderer.file(&path, "wire/context.rs.j2", &plan));
    }
    files
}

/// The file of what opens sockets, and of what is said on them.
fn sockets(renderer: &Renderer, system: &System, checked: &BTreeSet<TypeId>) -> GeneratedFile {
    let mut speller = Speller::new(system, "types::");
    speller.import("symbolon_wire::Documented");
    speller.import("symbolon_wire::Validate");
    speller.import("symbolon_wire::socket");
    let context = sockets_context(system);
    let mut operations = operations::plan(system, &context, checked, &mut speller);
    if operations.iter().any(|operation| !operation.unchecked) {
        speller.import("symbolon_wire::Violations");
    }
    for (operation, socket) in operations.iter_mut().zip(&system.sockets) {
        operation.answered = false;
        operation.messages = sockets::plan(system, socket, checked, &mut speller);
    }
    let plan = plan::Context {
        heading: heading(system),
        which: String::new(),
        imports: speller.into_imports(),
        operations,
    };
    renderer.file("src/sockets.rs", "wire/sockets.rs.j2", &plan)
}
