//! Cargo features: in a big contract every tag has one, so that users compile those they need.

use serde::Serialize;

use super::layout::bracketed;
use super::package::context_module;
use crate::model::{Context, Direction, System};

/// Operations from which on a contract is big. Wire types, server and SDK of fewer are checked in
/// a second or two: nothing that is worth choosing.
const OPERATIONS: usize = 50;

/// Features that crates of a system have for something else, or that cargo keeps for itself.
const TAKEN_FEATURES: [&str; 5] = [ALL, "default", "receive", "schemars", "send"];

/// The feature that turns all others on.
const ALL: &str = "all";

/// A module of a generated crate.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Module {
    pub(crate) ident: String,
    /// The attribute that leaves it out with its feature.
    pub(crate) gate: Option<String>,
}

/// Whether a contract is so big that users choose among its tags.
pub(crate) fn is_split(system: &System) -> bool {
    system.contexts.len() > 1 && system.operations().count() >= OPERATIONS
}

/// The contexts that have a feature.
pub(crate) fn split(system: &System) -> &[Context] {
    if is_split(system) { &system.contexts } else { &[] }
}

/// The name of a context's feature, the same in every crate.
pub(crate) fn feature(context: &Context) -> String {
    let name = context.name.ascii().words().join("-");
    if TAKEN_FEATURES.contains(&name.as_str()) { format!("{name}_") } else { name }
}

/// The attribute of what is there only with the feature of a context; none if that has no feature.
pub(crate) fn gate(system: &System, context: &Context) -> Option<String> {
    let has_feature = match context.direction {
        Direction::Asked => is_split(system),
        // What callers are told is no choice of theirs.
        Direction::Asking => false,
    };
    has_feature.then(|| format!("#[cfg(feature = \"{}\")]", feature(context)))
}

/// The module of a context.
pub(crate) fn module(system: &System, context: &Context) -> Module {
    Module { ident: context_module(context), gate: gate(system, context) }
}

/// The module of what no operation needs: a tag that began to need it would take it from those who
/// have other tags, so that it comes with all of them.
pub(crate) fn unreferenced() -> Module {
    Module { ident: "unreferenced".to_owned(), gate: Some(format!("#[cfg(feature = \"{ALL}\")]")) }
}

/// The features of these contexts as lines of a manifest; each turns on the one of its name in the
/// crate below.
pub(crate) fn feature_lines(contexts: &[Context], below: Option<&str>) -> Vec<String> {
    let mut names: Vec<String> = contexts.iter().map(feature).collect();
    names.sort();
    if names.is_empty() {
        return names;
    }
    let below = |name: &str| below.map(|package| format!("\"{package}/{name}\""));
    let mut everything: Vec<String> = below(ALL).into_iter().collect();
    everything.extend(names.iter().map(|name| format!("\"{name}\"")));
    let comment =
        "# One a tag, all on by default; `default-features = false` leaves those that are named.";
    let mut lines = vec![
        comment.to_owned(),
        format!("default = [\"{ALL}\"]"),
        bracketed(0, &format!("{ALL} = ["), &everything, "]"),
    ];
    let line = |name: &String| format!("{name} = [{}]", below(name).unwrap_or_default());
    lines.extend(names.iter().map(line));
    lines
}
