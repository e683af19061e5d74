//! `x-pagination` as an implementation of the client's `Paged`.

use super::plan;
use crate::emit::rust::{Position, Presence, Speller, field_ident, parameter_ident};
use crate::model::{Operation, Scalar, System, Type};

/// How an operation is walked, if its answer is shaped as its pagination says.
pub(super) fn plan(system: &System, operation: &Operation) -> Option<plan::Paged> {
    let walk = system.walk(operation)?;
    let prefix = "super::wire::types::";
    let mut speller = Speller::new(system, prefix);
    let item = speller.spell(walk.item, Position::Open);
    let cursor = speller.spell(&Type::Scalar(walk.cursor), Position::Open);
    let imports = speller.into_paths();
    let items = format!("body.{}", field_ident(&walk.items.name));
    let next = format!("body.{}", field_ident(&walk.next.name));
    let next = match Presence::of(&walk.next.ty, walk.next.required) {
        Presence::Required => format!("Some({next})"),
        Presence::Optional => next,
        Presence::OptionalNullable => format!("{next}.flatten()"),
    };
    Some(plan::Paged {
        item: qualified(&item, &imports),
        cursor: qualified(&cursor, &imports),
        items: match Presence::of(&walk.items.ty, walk.items.required) {
            Presence::Required => items,
            Presence::Optional => format!("{items}.unwrap_or_default()"),
            Presence::OptionalNullable => format!("{items}.flatten().unwrap_or_default()"),
        },
        next: match walk.cursor {
            Scalar::Text => format!("{next}.filter(|next| !next.is_empty())"),
            Scalar::Null
            | Scalar::Boolean
            | Scalar::Int8
            | Scalar::Int16
            | Scalar::Int32
            | Scalar::Int64
            | Scalar::Uint8
            | Scalar::Uint16
            | Scalar::Uint32
            | Scalar::Uint64
            | Scalar::Float
            | Scalar::Double
            | Scalar::DateTime
            | Scalar::Date
            | Scalar::Uuid
            | Scalar::Decimal
            | Scalar::Base64
            | Scalar::Binary => next,
        },
        parameter: parameter_ident(&walk.parameter.name),
    })
}

/// A type with the whole path of what a wire crate would import: an SDK depends on less.
fn qualified(spelled: &str, imports: &[&str]) -> String {
    let mut text = String::new();
    let mut rest = spelled;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (word, after) = rest.split_at(end.max(rest.chars().next().map_or(1, char::len_utf8)));
        let import = imports.iter().find(|path| path.rsplit("::").next() == Some(word));
        match import.filter(|_| !text.ends_with("::")) {
            Some(path) if path.starts_with("std::") || path.starts_with("symbolon_wire::") => {
                text.push_str(path);
            }
            Some(path) => text.push_str(&format!("symbolon_wire::reexport::{path}")),
            None => text.push_str(word),
        }
        rest = after;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::qualified;

    #[test]
    fn what_needs_an_import_gets_its_path() {
        let imports = ["jiff::Timestamp", "std::collections::BTreeMap", "symbolon_wire::Open"];
        let spelled = "BTreeMap<String, Vec<Open<super::wire::types::Open>>>";
        let expected = "std::collections::BTreeMap<String, \
            Vec<symbolon_wire::Open<super::wire::types::Open>>>";
        assert_eq!(qualified(spelled, &imports), expected);
        assert_eq!(qualified("Timestamp", &imports), "symbolon_wire::reexport::jiff::Timestamp");
    }
}
