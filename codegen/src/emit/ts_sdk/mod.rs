//! Emits the TypeScript client of a system over the hand-written runtime in `../runtime`.
//!
//! Types of the contract stay in a namespace of their own (`types`): an operation's request type
//! and a schema often share a name, and a new schema must not change what an export means.

mod answers;
mod bodies;
mod client;
mod credentials;
mod descriptors;
mod links;
mod operations;
mod pages;
mod plan;
mod servers;
mod sockets;
mod types;
mod unions;
mod webhooks;

use std::sync::LazyLock;

use super::render::{GeneratedFile, Renderer, Template};
use super::typescript::{Speller, Usage, file_stem, local_ident};
use crate::model::{Context, System};

const TEMPLATES: &[Template] = &[
    ("ts/types.ts.j2", include_str!("templates/types.ts.j2")),
    ("ts/declaration.ts.j2", include_str!("templates/declaration.ts.j2")),
    ("ts/context.ts.j2", include_str!("templates/context.ts.j2")),
    ("ts/operation.ts.j2", include_str!("templates/operation.ts.j2")),
    ("ts/descriptor.ts.j2", include_str!("templates/descriptor.ts.j2")),
    ("ts/parameter.ts.j2", include_str!("templates/parameter.ts.j2")),
    ("ts/link.ts.j2", include_str!("templates/link.ts.j2")),
    ("ts/answer.ts.j2", include_str!("templates/answer.ts.j2")),
    ("ts/client.ts.j2", include_str!("templates/client.ts.j2")),
    ("ts/context_class.ts.j2", include_str!("templates/context_class.ts.j2")),
    ("ts/credentials.ts.j2", include_str!("templates/credentials.ts.j2")),
    ("ts/webhooks.ts.j2", include_str!("templates/webhooks.ts.j2")),
    ("ts/sockets.ts.j2", include_str!("templates/sockets.ts.j2")),
    ("ts/servers.ts.j2", include_str!("templates/servers.ts.j2")),
    ("ts/index.ts.j2", include_str!("templates/index.ts.j2")),
];

/// They are read once, however many contracts there are.
static RENDERER: LazyLock<Renderer> = LazyLock::new(|| Renderer::new(TEMPLATES));

/// The file of channels over WebSocket, without its ending.
const SOCKETS: &str = "sockets";

/// The client: `types.ts`, a file a context, `client.ts` and `index.ts`.
pub fn emit(system: &System) -> Vec<GeneratedFile> {
    let renderer = &*RENDERER;
    let heading = plan::Heading { command: system.command, contract: system.contract.clone() };
    let usage = Usage::of(system);
    let types = types::plan(system, &usage, heading.clone());
    let mut files = vec![renderer.file("types.ts", "ts/types.ts.j2", &types)];
    let mut taken = links::taken(system);
    for context in &system.contexts {
        let mut speller = Speller::outside(system, &usage);
        let operations = operations::plan(context, &mut speller);
        let links = links::plan(system, context, &mut taken, &mut speller);
        let plan = plan::Context {
            heading: heading.clone(),
            names_types: speller.names_types(),
            imports: speller.into_imports(),
            has_links: !links.is_empty(),
            operations,
            links,
        };
        let path = format!("{}.ts", context_file(context));
        files.push(renderer.file(&path, "ts/context.ts.j2", &plan));
    }
    let client = client::plan(system, &usage, heading.clone());
    if let Some(plan) = credentials::plan(system, heading.clone()) {
        files.push(renderer.file("credentials.ts", "ts/credentials.ts.j2", &plan));
    }
    if let Some(plan) = servers::plan(system, heading.clone()) {
        files.push(renderer.file("servers.ts", "ts/servers.ts.j2", &plan));
    }
    let mut files_of_calls: Vec<String> = system.contexts.iter().map(context_file).collect();
    if let Some(plan) = sockets::plan(system, &usage, heading.clone()) {
        files.push(renderer.file("sockets.ts", "ts/sockets.ts.j2", &plan));
        files_of_calls.push(SOCKETS.to_owned());
    }
    let mut namespaces = Vec::new();
    for context in &system.webhooks {
        let speller = Speller::outside(system, &usage);
        let plan = webhooks::plan(system, context, heading.clone(), speller);
        let file = webhooks::file(system, context);
        files.push(renderer.file(&format!("{file}.ts"), "ts/webhooks.ts.j2", &plan));
        namespaces.push(plan::Namespace { name: local_ident(&context.name), file });
    }
    let index = plan::Index {
        heading,
        client: client.ident.clone(),
        has_schemes: !system.schemes.is_empty(),
        has_servers: !system.servers.is_empty(),
        files: files_of_calls,
        namespaces,
    };
    files.push(renderer.file("client.ts", "ts/client.ts.j2", &client));
    files.push(renderer.file("index.ts", "ts/index.ts.j2", &index));
    files
}

/// The file of a context, without its ending; none takes the name of a file of another kind.
fn context_file(context: &Context) -> String {
    let stem = file_stem(&context.name);
    if ["client", "credentials", "index", "servers", SOCKETS, "types"].contains(&stem.as_str()) {
        format!("{stem}_")
    } else {
        stem
    }
}

/// A name nobody has taken yet, as close to the wanted one as can be had.
fn free(taken: &mut std::collections::BTreeSet<String>, wanted: String) -> String {
    let mut ident = wanted;
    while !taken.insert(ident.clone()) {
        ident.push('_');
    }
    ident
}
