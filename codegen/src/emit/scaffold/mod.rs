//! Emits what people go on with: a service that answers with what its contract shows, and a
//! program that serves it. Written once; only what stands between marks is written again.

mod answers;
mod handlers;
mod plan;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::render::{GeneratedFile, Renderer, Template, one_line};
use super::rust::{context_ident, literal, method_ident, module_ident, operation_ident, package};
use super::rust_server::{module, served};
use crate::model::{Exchange, System};

/// Begins what a later run writes again, behind the sign of a comment.
pub const BEGIN: &str = "symbolon: begin";
/// Ends it.
pub const END: &str = "symbolon: end";

const TEMPLATES: &[Template] = &[
    ("scaffold/service.toml.j2", include_str!("templates/service.toml.j2")),
    ("scaffold/service.rs.j2", include_str!("templates/service.rs.j2")),
    ("scaffold/example.rs.j2", include_str!("templates/example.rs.j2")),
    ("scaffold/tag.rs.j2", include_str!("templates/tag.rs.j2")),
    ("scaffold/handler.rs.j2", include_str!("templates/handler.rs.j2")),
    ("scaffold/app.toml.j2", include_str!("templates/app.toml.j2")),
    ("scaffold/main.rs.j2", include_str!("templates/main.rs.j2")),
    ("scaffold/development.rs.j2", include_str!("templates/development.rs.j2")),
    ("scaffold/replay.rs.j2", include_str!("templates/replay.rs.j2")),
    ("scaffold/README.md.j2", include_str!("templates/README.md.j2")),
    ("scaffold/check.sh.j2", include_str!("templates/check.sh.j2")),
];

/// They are read once, however many contracts there are.
static RENDERER: LazyLock<Renderer> = LazyLock::new(|| Renderer::new(TEMPLATES));

/// The files, their paths relative to the workspace. `exchanges` are by the id of the operation;
/// `document` is the path of the OpenAPI document, `overlays` are those of what is laid over it.
pub fn emit(
    system: &System,
    exchanges: &BTreeMap<String, Vec<Exchange>>,
    document: &str,
    overlays: &[String],
) -> Vec<GeneratedFile> {
    let renderer = &*RENDERER;
    let tags: Vec<plan::Tag> = system
        .contexts
        .iter()
        .filter_map(served)
        .map(|context| {
            let module = module(&context);
            let operations = context.operations.iter().map(|operation| plan::Operation {
                module: module_ident(&operation.name.ascii()),
                method: method_ident(&operation.name),
                marker: operation_ident(&context.name, &operation.name),
                handler: handlers::plan(system, &context, operation, exchanges),
            });
            plan::Tag {
                tag: one_line(&context.tag),
                ident: context_ident(&context.name),
                operations: operations.collect(),
                module,
            }
        })
        .collect();
    let name = system.name.words().join("-");
    let plan = plan::Project {
        title: one_line(&system.title),
        title_literal: literal(&system.title),
        version_literal: literal(&system.version),
        service: package(system, "service"),
        service_crate: package(system, "service").replace('-', "_"),
        server: package(system, "server"),
        server_crate: package(system, "server").replace('-', "_"),
        wire: package(system, "wire"),
        wire_crate: package(system, "wire").replace('-', "_"),
        app: package(system, "app"),
        document: document.to_owned(),
        overlays: overlays.to_vec(),
        has_problems: !system.problems.is_empty(),
        has_asyncapi: system.documents.asyncapi.is_some(),
        scopes: scopes(system),
        tags,
        name,
    };
    let mut files = project(renderer, &plan);
    for tag in &plan.tags {
        let folder = format!("server/{}/src/{}", plan.name, tag.module);
        let in_tag = plan::InTag { project: &plan, tag };
        files.push(renderer.file(&format!("{folder}/mod.rs"), "scaffold/tag.rs.j2", &in_tag));
        for operation in &tag.operations {
            let path = format!("{folder}/{}.rs", operation.module.trim_start_matches("r#"));
            let handler = plan::InOperation { in_tag: &in_tag, operation };
            files.push(renderer.file(&path, "scaffold/handler.rs.j2", &handler));
        }
    }
    files
}

/// Every scope that an operation asks for, as string literals.
fn scopes(system: &System) -> Vec<String> {
    let all = system.operations().flat_map(|operation| operation.security.iter().flatten());
    let scopes: BTreeSet<&String> = all.flat_map(|requirement| &requirement.scopes).collect();
    scopes.into_iter().map(|scope| literal(scope)).collect()
}

fn project(renderer: &Renderer, plan: &plan::Project) -> Vec<GeneratedFile> {
    let service = format!("server/{}", plan.name);
    let file = |path: &str, template: &str| renderer.file(path, template, plan);
    vec![
        file(&format!("{service}/Cargo.toml"), "scaffold/service.toml.j2"),
        file(&format!("{service}/src/lib.rs"), "scaffold/service.rs.j2"),
        file(&format!("{service}/src/example.rs"), "scaffold/example.rs.j2"),
        file("server/app/Cargo.toml", "scaffold/app.toml.j2"),
        file("server/app/src/main.rs", "scaffold/main.rs.j2"),
        file("server/app/src/development.rs", "scaffold/development.rs.j2"),
        file("server/app/tests/replay.rs", "scaffold/replay.rs.j2"),
        file("README.md", "scaffold/README.md.j2"),
        file("check.sh", "scaffold/check.sh.j2"),
        GeneratedFile::new(".gitignore", "target/\nnode_modules/\ndist/\n.symbolon/\n".to_owned()),
    ]
}
