//! The one table of TypeScript: how names and types are spelled, and what they must import.

mod idents;
mod types;
mod usage;

pub(super) use idents::{
    access, constant_ident, default_value, doc_comment, file_stem, function_ident, literal,
    local_ident, member_ident, property_key, type_ident,
};
pub(super) use types::{Carrier, Place, Position, Speller};
pub(super) use usage::Usage;
