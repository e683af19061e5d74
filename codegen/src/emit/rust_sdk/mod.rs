//! Emits the Rust SDK of a system: one client a tag, one method an operation.

mod keyring;
mod operations;
mod paging;
mod plan;
mod serving;
mod sockets;

use std::sync::LazyLock;

use super::render::{GeneratedFile, Renderer, Template};
use super::rust::{
    context_docs, context_ident, context_module, feature_lines, field_ident, gate, heading, import,
    manifest, markers, package, split, which, wire_imports,
};
use crate::model::{Context, Direction, Operation, System};

const TEMPLATES: &[Template] = &[
    ("sdk/Cargo.toml.j2", include_str!("templates/Cargo.toml.j2")),
    ("sdk/lib.rs.j2", include_str!("templates/lib.rs.j2")),
    ("sdk/client.rs.j2", include_str!("templates/client.rs.j2")),
    ("sdk/keyring.rs.j2", include_str!("templates/keyring.rs.j2")),
    ("sdk/serving.rs.j2", include_str!("templates/serving.rs.j2")),
    ("sdk/sockets.rs.j2", include_str!("templates/sockets.rs.j2")),
    ("sdk/opening.rs.j2", include_str!("templates/opening.rs.j2")),
    ("sdk/context.rs.j2", include_str!("templates/context.rs.j2")),
    ("sdk/operation.rs.j2", include_str!("templates/operation.rs.j2")),
];

/// They are read once, however many contracts there are.
static RENDERER: LazyLock<Renderer> = LazyLock::new(|| Renderer::new(TEMPLATES));

/// The SDK as a crate of its own.
pub fn emit(system: &System) -> Vec<GeneratedFile> {
    emit_gated(system, split(system))
}

/// The SDK for a crate that holds several: its manifest knows no tags, and all are there.
pub fn emit_whole(system: &System) -> Vec<GeneratedFile> {
    emit_gated(system, &[])
}

/// The SDK, with features for these contexts.
fn emit_gated(system: &System, gated: &[Context]) -> Vec<GeneratedFile> {
    let renderer = &*RENDERER;
    let heading = heading(system);
    let wire = package(system, "wire");
    let manifest = plan::Manifest {
        package: manifest(system, "sdk", "SDK of"),
        features: feature_lines(gated, Some(&wire)),
        wire: wire.clone(),
        client: match system.sockets.as_slice() {
            [] => "symbolon-client.workspace = true",
            [..] => "symbolon-client = { workspace = true, features = [\"sockets\"] }",
        },
    };
    let group = |found: &Context| {
        let is_gated = gated.iter().any(|context| context.name == found.name);
        plan::Group { gate: gate(system, found).filter(|_| is_gated), ..group(found) }
    };
    let mut contexts: Vec<plan::Group> = system.contexts.iter().map(group).collect();
    contexts.sort_by(|left, right| left.module.cmp(&right.module));
    let has_schemes = !system.schemes.is_empty();
    let has_servers = !system.servers.is_empty();
    let wire = wire.replace('-', "_");
    let is_split = !gated.is_empty();
    let sockets = sockets::plan(system);
    let is_taken = contexts.iter().any(|context| context.function == "sockets");
    let library = plan::Library {
        heading,
        wire,
        is_split,
        has_schemes,
        has_servers,
        has_sockets: sockets.is_some(),
        opens_sockets: sockets.as_ref().is_some_and(|sockets| sockets.has_client),
        sockets_function: if is_taken { "sockets_" } else { "sockets" },
        contexts,
    };
    let mut files = vec![
        renderer.file("Cargo.toml", "sdk/Cargo.toml.j2", &manifest),
        renderer.file("src/lib.rs", "sdk/lib.rs.j2", &library),
    ];
    if let Some(plan) = keyring::plan(system) {
        files.push(renderer.file("src/keyring.rs", "sdk/keyring.rs.j2", &plan));
    }
    if let Some(plan) = serving::plan(system) {
        files.push(renderer.file("src/serving.rs", "sdk/serving.rs.j2", &plan));
    }
    if let Some(plan) = sockets {
        files.push(renderer.file("src/sockets.rs", "sdk/sockets.rs.j2", &plan));
    }
    for found in &system.contexts {
        let plan = context(system, found);
        let path = format!("src/{}.rs", context_module(found));
        files.push(renderer.file(&path, "sdk/context.rs.j2", &plan));
    }
    files
}

/// The file of senders of what callers are told.
pub(super) fn senders(system: &System, context: &Context) -> GeneratedFile {
    let path = format!("src/send/{}.rs", context_module(context));
    RENDERER.file(&path, "sdk/context.rs.j2", &self::context(system, context))
}

fn group(context: &Context) -> plan::Group {
    let function = field_ident(&context.name);
    let taken = ["new", "over", "transport"].contains(&function.as_str());
    plan::Group {
        gate: None,
        module: context_module(context),
        function: if taken { format!("{function}_") } else { function },
        ident: context_ident(&context.name),
        docs: context_docs(context),
    }
}

fn context(system: &System, context: &Context) -> plan::Context {
    let any = |test: &dyn Fn(&Operation) -> bool| context.operations.iter().any(test);
    let operations = operations::plan(system, context);
    let mut imports = vec![
        "Call",
        "Client",
        "DecodeError",
        "Incoming",
        "Info",
        "Method",
        "Operation",
        "Outgoing",
    ];
    if operations.iter().any(|operation| operation.paged.is_some()) {
        imports.push("Paged");
    }
    if any(&|operation| keyring::security(system, context.direction, operation).is_some()) {
        imports.push("Security");
    }
    imports.sort_unstable();
    plan::Context {
        heading: heading(system),
        which: which(context),
        wire: package(system, "wire").replace('-', "_"),
        module: context_module(context),
        imports: import("symbolon_client", &imports),
        wire_imports: wire_imports(context),
        markers: markers(context),
        docs: context_docs(context),
        ident: context_ident(&context.name),
        operations,
        openings: match context.direction {
            Direction::Asked => sockets::openings(system, Some(context)),
            Direction::Asking => Vec::new(),
        },
    }
}
