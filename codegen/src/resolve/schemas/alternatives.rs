//! What to call the alternatives of a union. No name depends on the order they stand in.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::all_of::Parts;
use super::type_names;
use crate::model::{Constraints, Name, Scalar, Type, Variant};
use crate::source::Cursor;

/// An alternative whose type is known.
pub(super) struct Alternative<'a> {
    pub(super) ty: Type,
    /// What to call it if no other is called so.
    pub(super) label: Name,
    /// What tells it from another that would be called the same.
    pub(super) content: Cow<'a, Value>,
    /// What its value must keep to.
    pub(super) constraints: Constraints,
    /// The values of the tag that choose it.
    pub(super) tags: Vec<String>,
}

impl Alternative<'_> {
    /// Whether another says the same of values.
    fn is_like(&self, other: &Self) -> bool {
        self.ty == other.ty && self.constraints == other.constraints
    }
}

/// What to call each alternative that is defined in place, no two alike: by its tag, its title,
/// the member only it requires or its kind, else by number.
pub(super) fn names_in_place(
    elements: &[Cursor<'_>],
    tags: &[Vec<String>],
    owner: &Name,
) -> Vec<Name> {
    let required: Vec<BTreeSet<&str>> = elements.iter().map(required).collect();
    let labels = elements.iter().enumerate().map(|(index, element)| {
        let tags = tags.get(index).map(Vec::as_slice).unwrap_or_default();
        let telling = |name: &&&str| {
            let mut others = required.iter().enumerate().filter(|(other, _)| *other != index);
            !others.any(|(_, names)| names.contains(**name))
        };
        let mut own = required[index].iter().filter(telling);
        let sole = own.next().copied().filter(|_| own.next().is_none());
        let label = match (tags, element.text("title"), sole) {
            ([tag], _, _) => tag,
            (_, Some(title), _) => title,
            ([tag, ..], None, _) => tag,
            ([], None, Some(property)) => property,
            ([], None, None) => match type_names(element).as_slice() {
                [kind] if *kind != "object" => kind,
                _ => "variant-1",
            },
        };
        (without_prefix(&Name::new(label), owner), element.value)
    });
    settled(labels.collect())
}

/// The alternatives as variants; without a tag, a type that stands twice counts once.
pub(super) fn variants(found: Vec<Alternative<'_>>, owner: &Name, tagged: bool) -> Vec<Variant> {
    let mut kept: Vec<Alternative<'_>> = Vec::new();
    for alternative in found {
        match kept.iter_mut().find(|known| !tagged && known.is_like(&alternative)) {
            None => kept.push(alternative),
            Some(known) if alternative.label < known.label => *known = alternative,
            Some(_) => {}
        }
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for alternative in &kept {
        *counts.entry(without_prefix(&alternative.label, owner).key()).or_default() += 1;
    }
    let labels = kept.iter().map(|alternative| {
        let short = without_prefix(&alternative.label, owner);
        let label = if counts[&short.key()] == 1 { short } else { alternative.label.clone() };
        (label, alternative.content.as_ref())
    });
    let names = settled(labels.collect());
    kept.into_iter()
        .zip(names)
        .map(|(found, name)| Variant {
            name,
            ty: found.ty,
            constraints: found.constraints,
            tags: found.tags,
            recursive: false,
        })
        .collect()
}

/// What to call a value of a type that has no name.
pub(super) fn kind(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::Scalar(scalar) => Some(match scalar {
            Scalar::Null => "null",
            Scalar::Boolean => "boolean",
            Scalar::Int8 => "int8",
            Scalar::Int16 => "int16",
            Scalar::Int32 => "int32",
            Scalar::Int64 => "integer",
            Scalar::Uint8 => "uint8",
            Scalar::Uint16 => "uint16",
            Scalar::Uint32 => "uint32",
            Scalar::Uint64 => "uint64",
            Scalar::Float => "float",
            Scalar::Double => "number",
            Scalar::Text => "string",
            Scalar::DateTime => "date-time",
            Scalar::Date => "date",
            Scalar::Uuid => "uuid",
            Scalar::Decimal => "decimal",
            Scalar::Base64 => "bytes",
            Scalar::Binary => "binary",
        }),
        Type::List(_) | Type::Tuple(_) => Some("array"),
        Type::Map(_) => Some("object"),
        Type::Problem => Some("problem"),
        Type::Any => Some("any"),
        Type::Named(_) | Type::Nullable(_) => None,
    }
}

/// A value as text, the same however its members are ordered.
fn content(value: &Value) -> String {
    let mut text = String::new();
    write_content(value, &mut text);
    text
}

fn write_content(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| *name);
            text.push('{');
            for (name, member) in sorted {
                text.push_str(&format!("{name:?}: "));
                write_content(member, text);
                text.push_str(", ");
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for item in items {
                write_content(item, text);
                text.push_str(", ");
            }
            text.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            text.push_str(&value.to_string());
        }
    }
}

/// Whether every alternative has all the properties that stand beside them.
pub(super) fn all_know(alternatives: &Cursor<'_>, at: &Cursor<'_>) -> bool {
    let beside = at.get("properties").map(|found| found.members()).unwrap_or_default();
    alternatives.elements().iter().filter(|element| !is_null(element)).all(|element| {
        let mut parts = Parts::default();
        parts.take(element);
        beside.iter().all(|(name, _)| parts.properties.contains_key(name))
    })
}

/// Whether an alternative is `null` and nothing else.
pub(super) fn is_null(at: &Cursor<'_>) -> bool {
    at.text("type") == Some("null")
        || at
            .value
            .get("enum")
            .and_then(Value::as_array)
            .is_some_and(|values| values.iter().all(Value::is_null))
}

fn required<'a>(element: &Cursor<'a>) -> BTreeSet<&'a str> {
    let mut parts = Parts::default();
    parts.take(element);
    parts.required
}

/// A name that does not begin with its owner's: the one always stands beside the other.
fn without_prefix(name: &Name, owner: &Name) -> Name {
    let words: Vec<&str> = name.words().collect();
    let of_owner: Vec<&str> = owner.words().collect();
    match words.strip_prefix(of_owner.as_slice()) {
        Some(rest @ [first, ..]) if !first.starts_with(|c: char| c.is_ascii_digit()) => {
            Name::new(&rest.join("-"))
        }
        Some(_) | None => name.clone(),
    }
}

/// Names no two of which are alike: a clash is settled by number, in the order of the contents.
fn settled(labels: Vec<(Name, &Value)>) -> Vec<Name> {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    let keys: Vec<String> = labels.iter().map(|(label, _)| label.key()).collect();
    order.sort_by(|left, right| {
        let by_content = || content(labels[*left].1).cmp(&content(labels[*right].1));
        keys[*left].cmp(&keys[*right]).then_with(by_content)
    });
    let mut names: Vec<Name> = labels.iter().map(|(label, _)| label.clone()).collect();
    let mut taken = BTreeSet::new();
    for index in order {
        let label = labels[index].0.clone();
        let free = (2..).map(|number| label.renumbered(number));
        names[index] = std::iter::once(label.clone())
            .chain(free)
            .find(|candidate| taken.insert(candidate.key()))
            .expect("numbers do not run out");
    }
    names
}

#[cfg(test)]
mod tests {
    use super::{settled, without_prefix};
    use crate::model::Name;

    #[test]
    fn names_do_not_hang_on_the_order() {
        let [a, b, c] = ["a", "b", "c"].map(serde_json::Value::from);
        let label = |text: &str, content| (Name::new(text), content);
        let one = settled(vec![label("variant-1", &b), label("variant-1", &a), label("x", &c)]);
        let other = settled(vec![label("x", &c), label("variant-1", &a), label("variant-1", &b)]);
        assert_eq!(one, [Name::new("variant-2"), Name::new("variant-1"), Name::new("x")]);
        assert_eq!(other, [Name::new("x"), Name::new("variant-1"), Name::new("variant-2")]);
    }

    #[test]
    fn the_owner_is_not_repeated() {
        let short = |name: &str, owner: &str| without_prefix(&Name::new(name), &Name::new(owner));
        assert_eq!(short("FieldValueI8", "FieldValue"), Name::new("i8"));
        assert_eq!(short("FieldValue", "FieldValue"), Name::new("FieldValue"));
        assert_eq!(short("Field2", "Field"), Name::new("Field2"));
    }
}
