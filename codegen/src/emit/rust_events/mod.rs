//! Emits the events of a system as Rust types, a module of its wire crate.

mod plan;

use std::sync::LazyLock;

use super::render::{GeneratedFile, Renderer, Template, one_line};
use super::rust::{
    Position, Speller, doc_lines, field_ident, heading, literal, type_ident, variant_ident,
};
use super::rust_wire::is_nominal;
use crate::model::{Channel, Message, System};

const TEMPLATES: &[Template] = &[("events/events.rs.j2", include_str!("templates/events.rs.j2"))];

/// They are read once, however many contracts there are.
static RENDERER: LazyLock<Renderer> = LazyLock::new(|| Renderer::new(TEMPLATES));

/// `src/events.rs` of the wire crate; nothing for a system without events.
pub fn emit(system: &System) -> Vec<GeneratedFile> {
    if system.channels.is_empty() {
        return Vec::new();
    }
    let renderer = &*RENDERER;
    let mut speller = Speller::new(system, "types::");
    speller.import("serde::de::Error as _");
    speller.import("serde_json::Value");
    let channels = system.channels.iter().map(|found| channel(found, &mut speller)).collect();
    let plan = plan::Events { heading: heading(system), imports: speller.into_imports(), channels };
    vec![renderer.file("src/events.rs", "events/events.rs.j2", &plan)]
}

fn channel(channel: &Channel, speller: &mut Speller<'_>) -> plan::Channel {
    let mut docs = doc_lines(channel.description.as_deref());
    if docs.is_empty() {
        docs.push(format!("Messages on `{}`.", one_line(&channel.address)));
    }
    let system = speller.system();
    let same = |one: &Message, other: &Message| system.are_same(&one.ty, &other.ty);
    let messages: Vec<plan::Message> = channel
        .messages
        .iter()
        .map(|message| {
            let mut docs = doc_lines(message.description.as_deref());
            if docs.is_empty() {
                docs.push(format!("`{}`.", one_line(&message.wire)));
            }
            plan::Message {
                ident: variant_ident(&message.name),
                wire: literal(&message.wire),
                ty: speller.spell(&message.ty, Position::Open),
                docs,
                from: channel.messages.iter().filter(|other| same(other, message)).count() == 1
                    && is_nominal(system, &message.ty),
            }
        })
        .collect();
    let known: Vec<String> = messages.iter().map(|message| message.wire.clone()).collect();
    plan::Channel {
        ident: type_ident(&channel.name),
        constant: field_ident(&channel.name).to_uppercase(),
        address: literal(&channel.address),
        docs,
        known: known.join(", "),
        messages,
    }
}
