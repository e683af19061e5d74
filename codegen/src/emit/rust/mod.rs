//! The one table of Rust: how names and types are spelled, and what must be imported for them.

mod bodies;
mod calls;
mod checks;
pub(super) mod defaults;
mod features;
mod homes;
mod idents;
mod layout;
mod package;
mod rules;
mod types;

pub(super) use bodies::{
    REQUEST_BODY, answer_body, body_type, choice, chosen, nested, offer_ident, offer_method,
    offer_type, part_list, spread_list, wrapped,
};
pub(super) use calls::{
    answer_ident, descriptor, header_argument, header_ident, idempotency_header, parameter_ident,
};
pub(super) use checks::{Checks, Field, Presence, holds_checks, rule_checks};
pub(crate) use features::is_split;
pub(super) use features::{Module, feature_lines, gate, module, split, unreferenced};
pub(super) use homes::{Home, Homes, grouped};
pub(super) use idents::{
    context_ident, doc_lines, field_ident, literal, method_ident, module_ident, operation_ident,
    type_ident, variant_ident,
};
pub(super) use layout::{arm, braced, bracketed, filled, import, or_long};
pub(super) use package::{
    Heading, Manifest, context_docs, context_module, heading, info, manifest, markers, package,
    place, sockets_context, which, wire_imports, wire_imports_with,
};
pub(super) use rules::{predicate, rule_ident};
pub(super) use types::{Position, Speller};
