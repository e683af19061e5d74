//! Emitters: pure functions from the model to files. Nothing here knows a disk or a document.

mod render;
mod rust;
mod typescript;

pub mod documents;
pub mod event_schemas;
pub mod rust_events;
pub mod rust_sdk;
pub mod rust_server;
pub mod rust_webhooks;
pub mod rust_wire;
pub mod scaffold;
pub mod ts_sdk;

pub use documents::pretty;
pub use render::GeneratedFile;
pub(crate) use rust::is_split;

use crate::model::System;

/// Turns a model into files, their paths relative to the emitter's own root.
pub type Emit = fn(&System) -> Vec<GeneratedFile>;

/// An emitter in the registry.
#[derive(Debug, Clone, Copy)]
pub struct Emitter {
    /// Its name, as `--target` takes it.
    pub name: &'static str,
    /// What it writes, for the help text.
    pub purpose: &'static str,
    /// The function.
    pub emit: Emit,
}

/// Every emitter there is.
pub const EMITTERS: [Emitter; 8] = [
    Emitter { name: "rust_wire", purpose: "Rust types and operations", emit: rust_wire::emit },
    Emitter { name: "rust_events", purpose: "Rust event types", emit: rust_events::emit },
    Emitter { name: "rust_server", purpose: "Rust server traits", emit: rust_server::emit },
    Emitter { name: "rust_sdk", purpose: "Rust SDK", emit: rust_sdk::emit },
    Emitter { name: "rust_webhooks", purpose: "Rust webhooks", emit: rust_webhooks::emit },
    Emitter { name: "ts_sdk", purpose: "TypeScript SDK", emit: ts_sdk::emit },
    Emitter { name: "event_schemas", purpose: "JSON Schemas of events", emit: event_schemas::emit },
    Emitter { name: "documents", purpose: "the contract as OpenAPI 3.0", emit: documents::emit },
];
