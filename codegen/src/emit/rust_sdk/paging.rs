//! `x-pagination` as an implementation of the client's `Paged`.

use super::plan;
use crate::emit::rust::{Position, Presence, Speller, field_ident, parameter_ident};
use crate::model::{Object, Operation, Shape, System, Type};

/// How an operation is walked, if its answer is shaped as its pagination says.
pub(super) fn plan(system: &System, operation: &Operation) -> Option<plan::Paged> {
    let pagination = operation.pagination.as_ref()?;
    let [answer] = operation.answers.as_slice() else { return None };
    let page = object(system, &answer.body.as_ref()?.best().ty)?;
    let items = page.properties.iter().find(|found| found.wire == pagination.items)?;
    let next = page.properties.iter().find(|found| found.wire == pagination.next)?;
    let parameter = operation
        .parameters
        .iter()
        .find(|found| found.wire == pagination.cursor && !found.required)?;
    let Type::List(item) = &items.ty else { return None };
    if !items.required || next.ty.present() != parameter.ty.present() {
        return None;
    }
    let prefix = "super::wire::types::";
    let mut speller = Speller::new(system, prefix);
    let next_ident = field_ident(&next.name);
    let item = speller.spell(item, Position::Open);
    let cursor = speller.spell(next.ty.present(), Position::Open);
    let imports = speller.into_paths();
    Some(plan::Paged {
        item: qualified(&item, &imports),
        cursor: qualified(&cursor, &imports),
        items: field_ident(&items.name),
        next: match Presence::of(&next.ty, next.required) {
            Presence::Required => format!("Some(body.{next_ident})"),
            Presence::Optional => format!("body.{next_ident}"),
            Presence::OptionalNullable => format!("body.{next_ident}.flatten()"),
        },
        parameter: parameter_ident(&parameter.name),
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

fn object<'s>(system: &'s System, ty: &Type) -> Option<&'s Object> {
    let Type::Named(id) = ty else { return None };
    match &system.definition(id).shape {
        Shape::Object(object) => Some(object),
        Shape::Enumeration(_) | Shape::Union(_) | Shape::Alias(..) => None,
    }
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
