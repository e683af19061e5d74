//! Emits the events of a system as Rust types and the traits of those who handle them, a module of
//! its wire crate. It must never name a bus: what runs handlers brings the context they get.

mod plan;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::render::{GeneratedFile, Renderer, Template, one_line};
use super::rust::{
    Checks, Position, Speller, doc_lines, field_ident, heading, holds_checks, literal,
    method_ident, type_ident, variant_ident,
};
use super::rust_wire::is_nominal;
use crate::model::{Channel, Message, System, Type};

const TEMPLATES: &[Template] = &[
    ("events/events.rs.j2", include_str!("templates/events.rs.j2")),
    ("events/channel.rs.j2", include_str!("templates/channel.rs.j2")),
    ("events/handlers.rs.j2", include_str!("templates/handlers.rs.j2")),
];

/// They are read once, however many contracts there are.
static RENDERER: LazyLock<Renderer> = LazyLock::new(|| Renderer::new(TEMPLATES));

/// Type names that the file needs for something else, beside those no type has.
const TAKEN: [&str; 3] = ["Future", "Send", "Sync"];

/// What a payload is held against when nothing can be wrong with it.
const NOTHING: &str = "|_, _| {}";

/// `src/events.rs` of the wire crate; nothing for a system without events.
pub fn emit(system: &System) -> Vec<GeneratedFile> {
    if system.channels.is_empty() {
        return Vec::new();
    }
    let renderer = &*RENDERER;
    let mut speller = Speller::new(system, "types::");
    speller.import("serde_json::Value");
    speller.import("symbolon_wire::channel");
    let checked = holds_checks(system);
    let checks = Checks { system, checked: &checked, position: Position::Open };
    let mut names = Names::of(&system.channels);
    let channels = system.channels.iter();
    let channels = channels.map(|found| channel(found, &checks, &mut names, &mut speller));
    let channels = channels.collect();
    let plan = plan::Events { heading: heading(system), imports: speller.into_imports(), channels };
    vec![renderer.file("src/events.rs", "events/events.rs.j2", &plan)]
}

/// The names of types and traits in the file.
struct Names(BTreeSet<String>);

impl Names {
    /// What channels are called, they have.
    fn of(channels: &[Channel]) -> Self {
        Self(channels.iter().map(ident).collect())
    }

    /// A name as close to the wanted one as is free.
    fn free(&mut self, wanted: String) -> String {
        let mut name = wanted;
        while !self.0.insert(name.clone()) {
            name.push('_');
        }
        name
    }
}

fn ident(channel: &Channel) -> String {
    let ident = type_ident(&channel.name);
    if TAKEN.contains(&ident.as_str()) { format!("{ident}_") } else { ident }
}

fn channel(
    channel: &Channel,
    checks: &Checks<'_>,
    names: &mut Names,
    speller: &mut Speller<'_>,
) -> plan::Channel {
    let mut docs = doc_lines(channel.description.as_deref());
    if docs.is_empty() {
        docs.push(format!("Messages on `{}`.", one_line(&channel.address)));
    }
    let said: Vec<&Type> = channel.messages.iter().map(said).collect();
    let system = speller.system();
    let is_alone = |ty: &Type| {
        is_nominal(system, ty)
            && said.iter().filter(|other| system.are_same(other, ty)).count() == 1
    };
    let messages = channel.messages.iter().map(|found| {
        let from = is_alone(self::said(found));
        message(found, from, checks, speller)
    });
    let ident = ident(channel);
    plan::Channel {
        messages: messages.collect(),
        every: names.free(format!("On{ident}")),
        some: names.free(format!("OnSome{ident}")),
        ident,
        constant: field_ident(&channel.name).to_uppercase(),
        address: literal(&channel.address),
        docs,
    }
}

/// The type of what a message says.
fn said(message: &Message) -> &Type {
    message.data.as_ref().map_or(&message.ty, |data| &data.ty)
}

fn message(
    message: &Message,
    from: bool,
    checks: &Checks<'_>,
    speller: &mut Speller<'_>,
) -> plan::Message {
    let mut docs = doc_lines(message.description.as_deref());
    if docs.is_empty() {
        docs.push(format!("`{}`.", one_line(&message.wire)));
    }
    let payload = speller.spell(&message.ty, Position::Open);
    let lines = checks.value(&message.ty, &message.constraints, 4);
    let validates = matches!(lines.as_slice(), [only] if only.trim() == "value.validate(at);");
    if lines.iter().any(|line| line.contains(".validate(at)")) {
        speller.import("symbolon_wire::Validate");
    }
    let hold = if message.data.is_some() { "check_enveloped" } else { "check_data" };
    let versions: Vec<String> = message.versions.iter().map(u32::to_string).collect();
    plan::Message {
        method: method_ident(&message.name),
        event_type: literal(&message.event_type),
        latest: versions.last().cloned().unwrap_or_default(),
        alternatives: versions.join(" | "),
        versions: versions.join(", "),
        ty: speller.spell(said(message), Position::Open),
        docs,
        hold: format!("{hold}::<{payload}>"),
        is_plain: lines.is_empty() || validates,
        check: if validates { "Validate::validate" } else { NOTHING },
        checks: if validates { Vec::new() } else { lines },
        from,
        ident: variant_ident(&message.name),
    }
}
