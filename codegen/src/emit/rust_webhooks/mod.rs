//! Emits the crate of what a system tells its callers: receiving it, and sending it.

mod plan;

use std::sync::LazyLock;

use super::render::{GeneratedFile, Renderer, Template};
use super::rust::{
    context_docs, context_ident, context_module, feature_lines, field_ident, heading, manifest,
    package, split, type_ident,
};
use super::{rust_sdk, rust_server};
use crate::model::{Context, Errors, System};

const TEMPLATES: &[Template] = &[
    ("webhooks/Cargo.toml.j2", include_str!("templates/Cargo.toml.j2")),
    ("webhooks/lib.rs.j2", include_str!("templates/lib.rs.j2")),
    ("webhooks/receive.rs.j2", include_str!("templates/receive.rs.j2")),
    ("webhooks/send.rs.j2", include_str!("templates/send.rs.j2")),
];

/// They are read once, however many contracts there are.
static RENDERER: LazyLock<Renderer> = LazyLock::new(|| Renderer::new(TEMPLATES));

/// The crate; nothing for a system that tells its callers nothing.
pub fn emit(system: &System) -> Vec<GeneratedFile> {
    if system.webhooks.is_empty() {
        return Vec::new();
    }
    let renderer = &*RENDERER;
    let wire = package(system, "wire");
    let manifest = plan::Manifest {
        package: manifest(system, "webhooks", "Webhooks and callbacks of"),
        features: feature_lines(split(system), Some(&wire)),
        wire: wire.clone(),
    };
    let by_code = |context: &Context| {
        let mut errors = context.operations.iter().map(|operation| &operation.errors);
        errors.any(|errors| matches!(errors, Errors::Problems(codes) if !codes.is_empty()))
    };
    let has_problems = system.webhooks.iter().any(by_code);
    let library = plan::Library {
        heading: heading(system),
        wire: wire.replace('-', "_"),
        has_access: !system.schemes.is_empty(),
        has_problems,
        payload: system.webhook_payload.as_ref().map(|id| type_ident(&id.0)),
        contexts: system.webhooks.iter().map(group).collect(),
    };
    let mut files = vec![
        renderer.file("Cargo.toml", "webhooks/Cargo.toml.j2", &manifest),
        renderer.file("src/lib.rs", "webhooks/lib.rs.j2", &library),
        renderer.file("src/receive.rs", "webhooks/receive.rs.j2", &library),
        renderer.file("src/send.rs", "webhooks/send.rs.j2", &library),
    ];
    if has_problems {
        files.extend(rust_server::catalogue(system));
    }
    files.extend(rust_server::receivers(system));
    files.extend(system.webhooks.iter().map(|context| rust_sdk::senders(system, context)));
    files
}

fn group(context: &Context) -> plan::Group {
    plan::Group {
        module: context_module(context),
        function: field_ident(&context.name),
        ident: context_ident(&context.name),
        docs: context_docs(context),
    }
}
