//! Emits the server crate of a system: one trait a tag, and the routes that call it.

mod access;
mod operations;
mod plan;
mod sockets;

use std::sync::LazyLock;

use self::access::Callers;
use super::documents::pretty;
use super::render::{GeneratedFile, Renderer, Template};
use super::rust::{
    Module, bracketed, context_docs, context_ident, context_module, doc_lines, feature_lines,
    field_ident, gate, heading, import, is_split, literal, manifest, markers, method_ident,
    operation_ident, package, sockets_context, split, which, wire_imports,
};
use crate::model::{Context, Errors, Operation, Replay, System};

const TEMPLATES: &[Template] = &[
    ("server/Cargo.toml.j2", include_str!("templates/Cargo.toml.j2")),
    ("server/lib.rs.j2", include_str!("templates/lib.rs.j2")),
    ("server/problems.rs.j2", include_str!("templates/problems.rs.j2")),
    ("server/access.rs.j2", include_str!("templates/access.rs.j2")),
    ("server/either.rs.j2", include_str!("templates/either.rs.j2")),
    ("server/context.rs.j2", include_str!("templates/context.rs.j2")),
    ("server/sockets.rs.j2", include_str!("templates/sockets.rs.j2")),
    ("server/operation.rs.j2", include_str!("templates/operation.rs.j2")),
];

/// They are read once, however many contracts there are.
static RENDERER: LazyLock<Renderer> = LazyLock::new(|| Renderer::new(TEMPLATES));

/// The server crate.
pub fn emit(system: &System) -> Vec<GeneratedFile> {
    let renderer = &*RENDERER;
    let heading = heading(system);
    let manifest = plan::Manifest {
        package: manifest(system, "server", "Server traits and routes of"),
        wire: package(system, "wire"),
        features: feature_lines(split(system), Some(&package(system, "wire"))),
    };
    let contexts: Vec<Context> = system.contexts.iter().filter_map(served).collect();
    let gated = |found: &Context| Module { ident: module(found), gate: gate(system, found) };
    let mut modules: Vec<Module> = contexts.iter().map(gated).collect();
    modules.sort_by(|left, right| left.ident.cmp(&right.ident));
    let library = plan::Library {
        heading: heading.clone(),
        is_split: is_split(system),
        modules,
        has_access: !system.schemes.is_empty(),
        has_problems: !system.problems.is_empty(),
        has_openapi: !system.documents.openapi.is_null(),
        has_asyncapi: system.documents.asyncapi.is_some(),
        has_sockets: !system.sockets.is_empty(),
    };
    let mut files = vec![
        renderer.file("Cargo.toml", "server/Cargo.toml.j2", &manifest),
        renderer.file("src/lib.rs", "server/lib.rs.j2", &library),
    ];
    if !system.documents.openapi.is_null() {
        files.push(GeneratedFile::new("src/openapi.json", pretty(&system.documents.openapi)));
    }
    if let Some(asyncapi) = &system.documents.asyncapi {
        files.push(GeneratedFile::new("src/asyncapi.json", pretty(asyncapi)));
    }
    files.extend(catalogue(system));
    let asked: Vec<Context> =
        system.contexts.iter().cloned().chain([sockets_context(system)]).collect();
    let callers = access::Callers::of(system, &asked);
    if let Some(plan) = access::plan(system, &callers) {
        files.push(renderer.file("src/access.rs", "server/access.rs.j2", &plan));
    }
    if !system.sockets.is_empty() {
        let plan = sockets::plan(system, &callers);
        files.push(renderer.file("src/sockets.rs", "server/sockets.rs.j2", &plan));
    }
    for found in &contexts {
        let plan = context(system, found, &callers);
        let path = format!("src/{}.rs", module(found));
        files.push(renderer.file(&path, "server/context.rs.j2", &plan));
    }
    files
}

/// The files of what receives what callers are told, and of who may tell it.
pub(super) fn receivers(system: &System) -> Vec<GeneratedFile> {
    let renderer = &*RENDERER;
    let callers = Callers::of(system, &system.webhooks);
    let access = access::plan(system, &callers);
    let access = access.map(|plan| renderer.file("src/access.rs", "server/access.rs.j2", &plan));
    let contexts = system.webhooks.iter().map(|found| {
        let path = format!("src/receive/{}.rs", context_module(found));
        renderer.file(&path, "server/context.rs.j2", &context(system, found, &callers))
    });
    access.into_iter().chain(contexts).collect()
}

/// The file of the problem catalogue, if there is one.
pub(super) fn catalogue(system: &System) -> Option<GeneratedFile> {
    if system.problems.is_empty() {
        return None;
    }
    let problems = system.problems.values().map(problem).collect();
    let plan = plan::Problems { heading: heading(system), problems };
    Some(RENDERER.file("src/problems.rs", "server/problems.rs.j2", &plan))
}

/// What of a context a server can tell apart from the rest.
pub(super) fn served(context: &Context) -> Option<Context> {
    let mut context = context.clone();
    context.operations.retain(|operation| operation.shadowed.is_none());
    (!context.operations.is_empty()).then_some(context)
}

/// The module of a context; some are the crate's own.
pub(super) fn module(context: &Context) -> String {
    let module = context_module(context);
    if ["access", "problems"].contains(&module.as_str()) { format!("{module}_") } else { module }
}

fn problem(kind: &crate::model::ProblemKind) -> plan::Problem {
    let mut docs = doc_lines(kind.description.as_deref());
    if docs.is_empty() {
        docs.push(format!("{}.", kind.title));
    }
    plan::Problem {
        ident: field_ident(&kind.name).to_uppercase(),
        docs,
        code: literal(&kind.code),
        status: kind.status,
        title: literal(&kind.title),
        type_uri: literal(kind.type_uri.as_deref().unwrap_or_default()),
    }
}

fn context(system: &System, context: &Context, callers: &Callers) -> plan::Context {
    let any = |test: &dyn Fn(&Operation) -> bool| context.operations.iter().any(test);
    let mut imports = vec![
        "Call",
        "Info",
        "Input",
        "Method",
        "Operation",
        "Outcome",
        "Rejected",
        "Reply",
        "Routes",
    ];
    if any(&|operation| operation.idempotency.is_some()) {
        imports.push("IdempotencyRule");
    }
    let replays = |operation: &Operation| {
        operation.idempotency.as_ref().is_some_and(|rule| rule.replay != Replay::Stored)
    };
    if any(&replays) {
        imports.push("Replay");
    }
    if any(&|operation| operation.security.iter().any(|all| !all.is_empty())) {
        imports.push("Requirement");
    }
    imports.sort_unstable();
    let mut routes = vec!["service".to_owned()];
    routes.extend(context.operations.iter().map(|operation| {
        let ident = operation_ident(&context.name, &operation.name);
        format!("{ident} => {}", method_ident(&operation.name))
    }));
    plan::Context {
        heading: heading(system),
        which: which(context),
        wire: package(system, "wire").replace('-', "_"),
        module: context_module(context),
        imports: import("symbolon_server", &imports),
        wire_imports: wire_imports(context),
        markers: markers(context),
        routes: bracketed(4, "symbolon_server::routes!(", &routes, ")"),
        has_problems: any(
            &|operation| matches!(&operation.errors, Errors::Problems(codes) if !codes.is_empty()),
        ),
        docs: context_docs(context),
        ident: context_ident(&context.name),
        operations: operations::plan(system, context, callers),
    }
}
