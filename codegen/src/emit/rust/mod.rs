//! The one table of Rust: how names and types are spelled, and what must be imported for them.

mod calls;
mod checks;
mod idents;
mod types;

pub(super) use calls::{body_method, descriptor};
pub(super) use checks::{Checks, Field, Presence, holds_checks};
pub(super) use idents::{
    context_ident, doc_lines, field_ident, literal, module_ident, operation_ident,
    serde_camel_case, type_ident, variant_ident,
};
pub(super) use types::{Position, Speller};
