//! `oneOf`, `anyOf` and several names in `type`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Scope;
use super::all_of::Parts;
use super::alternatives::{Alternative, kind, names_in_place, variants};
use super::enumerations::texts_enumeration;
use super::schemas::Built;
use crate::model::{Constraints, Name, Scalar, Shape, Tag, Type, Union};
use crate::source::{Cursor, Pointer, ValueId, file_stem};

impl<'a> Scope<'a> {
    pub(super) fn union(
        &mut self,
        at: &Cursor<'a>,
        alternatives: &Cursor<'a>,
        name: &Name,
        nullable: bool,
    ) -> Built {
        let elements: Vec<Cursor<'a>> =
            alternatives.elements().into_iter().filter(|element| !is_null(element)).collect();
        if let [single] = elements.as_slice() {
            return self.single(single, name, nullable);
        }
        if let Some(values) = single_texts(&elements) {
            return Built::of(Shape::Enumeration(texts_enumeration(values)), nullable);
        }
        if let Some(integers) = single_integers(&elements) {
            let listed = integers.into_iter().map(Value::from).collect();
            let limits = Constraints { listed, ..Constraints::default() };
            return Built::plain(Type::Scalar(Scalar::Int64), limits, nullable);
        }
        let tagged = self.tags(at, alternatives, &elements);
        let (tag, mut tags) = match tagged {
            Some((wire, tags)) => (Some(Tag { wire }), tags),
            None => (None, Vec::new()),
        };
        tags.resize(elements.len(), Vec::new());
        let names = names_in_place(&elements, &tags, name);
        let mut types: Vec<(Type, Constraints)> = elements
            .iter()
            .zip(&names)
            .map(|(element, own)| {
                let (ty, limits) = self.type_of(element, &name.then(own));
                (ty.present().clone(), limits)
            })
            .collect();
        // A value that breaks what one alternative asks may be one of another of its kind.
        let mut rules = Vec::new();
        if tag.is_none() && overlap(&types) {
            types.iter_mut().for_each(|(_, limits)| *limits = Constraints::default());
            rules = self.alternatives_of(at);
            if rules.is_empty() {
                let why = "what its alternatives ask beyond their types is not enforced";
                self.degrade(alternatives, "a union", why);
            }
        }
        if types.iter().any(|(ty, _)| *ty == Type::Any) || types.is_empty() {
            let why = match types.as_slice() {
                [] => "it has no alternatives; it is carried as any JSON",
                _ => "one of its alternatives is any JSON, and so is the whole",
            };
            self.degrade(alternatives, "a union", why);
            return Built::any();
        }
        let found = elements.iter().zip(names).zip(types.into_iter().zip(tags));
        let found: Vec<Alternative<'_>> = found
            .map(|((element, own), ((ty, constraints), tags))| Alternative {
                label: label(element, own, &ty, &tags, &elements),
                content: Cow::Borrowed(element.value),
                ty,
                constraints,
                tags,
            })
            .collect();
        let variants = variants(found, name, tag.is_some());
        let built = match variants.as_slice() {
            [single] => Built::plain(single.ty.clone(), single.constraints.clone(), nullable),
            _ => Built::of(Shape::Union(Union { tag, variants }), nullable),
        };
        built.keeping(rules)
    }

    /// The property that tells the alternatives apart, and its values for each of them.
    fn tags(
        &mut self,
        at: &Cursor<'a>,
        alternatives: &Cursor<'a>,
        elements: &[Cursor<'a>],
    ) -> Option<(String, Vec<Vec<String>>)> {
        if let Some(otherwise) = at.get("discriminator").and_then(|at| at.get("defaultMapping")) {
            let why = "a value with no tag, or with an unknown one, is refused";
            self.degrade(&otherwise, "a discriminator", why);
        }
        let property = at
            .get("discriminator")
            // AsyncAPI names the property and nothing else.
            .and_then(|found| found.value.as_str().or_else(|| found.text("propertyName")))
            .filter(|property| elements.iter().all(|element| has_property(element, property)));
        let tagged = match property {
            Some(property) => Some((property.to_owned(), declared_tags(at, elements, property))),
            None => inferred_tags(elements),
        };
        tagged.filter(|(_, tags)| {
            let mut seen = BTreeSet::new();
            let distinct = tags.iter().flatten().all(|tag| seen.insert(tag));
            if !distinct {
                let why = "its alternatives are tried in turn: two of them have the same tag";
                self.degrade(alternatives, "a union", why);
            }
            distinct
        })
    }

    /// An alternative that is the only one, `null` aside: it is that schema.
    fn single(&mut self, single: &Cursor<'a>, name: &Name, nullable: bool) -> Built {
        if single.reference().is_some() {
            let (ty, constraints) = self.type_of(single, name);
            return Built::plain(ty, constraints, nullable);
        }
        let built = self.build(single, name);
        Built { nullable: nullable || built.nullable, ..built }
    }

    pub(super) fn several_types(
        &mut self,
        at: &Cursor<'a>,
        names: &[&str],
        name: &Name,
        nullable: bool,
    ) -> Built {
        let found: Vec<Alternative<'_>> = names
            .iter()
            .map(|kind| {
                let built = match *kind {
                    "array" => self.list(at, name, false),
                    "object" => self.object(at, name, false),
                    scalar => self.scalar(at, scalar, false),
                };
                let own = name.then(&Name::new(kind));
                let (ty, constraints) = self.settle(built, at, &own);
                let label = Name::new(kind);
                Alternative {
                    ty,
                    label,
                    content: Cow::Owned(Value::from(*kind)),
                    constraints,
                    tags: Vec::new(),
                }
            })
            .collect();
        let variants = variants(found, name, false);
        Built::of(Shape::Union(Union { tag: None, variants }), nullable)
    }
}

/// What to call an alternative: what is defined in place has its name from there already.
fn label(
    element: &Cursor<'_>,
    own: Name,
    ty: &Type,
    tags: &[String],
    elements: &[Cursor<'_>],
) -> Name {
    let same = |other: &&Cursor<'_>| other.reference() == element.reference();
    match (ty, tags) {
        (Type::Named(_), _) if element.reference().is_none() => own,
        (Type::Named(_), [tag, ..]) if elements.iter().filter(same).count() > 1 => Name::new(tag),
        (Type::Named(id), _) => id.0.clone(),
        (_, []) if element.text("title").is_none() => kind(ty).map_or(own, Name::new),
        (_, _) => own,
    }
}

fn is_null(at: &Cursor<'_>) -> bool {
    at.text("type") == Some("null")
        || at
            .value
            .get("enum")
            .and_then(Value::as_array)
            .is_some_and(|values| values.iter().all(Value::is_null))
}

/// The values of alternatives that are single texts, with their prose.
fn single_texts<'a>(elements: &[Cursor<'a>]) -> Option<Vec<(&'a str, Option<String>)>> {
    let mut values = Vec::new();
    for element in elements {
        let description = element.text("description").map(str::to_owned);
        if let Some(text) = element.text("const") {
            values.push((text, description));
            continue;
        }
        let listed = element.value.get("enum")?.as_array()?;
        for value in listed {
            values.push((value.as_str()?, description.clone()));
        }
    }
    (!values.is_empty()).then_some(values)
}

/// The values of alternatives that are single integers.
fn single_integers(elements: &[Cursor<'_>]) -> Option<Vec<i64>> {
    let single = |element: &Cursor<'_>| element.value.get("const")?.as_i64();
    let values: Option<Vec<i64>> = elements.iter().map(single).collect();
    values.filter(|values| !values.is_empty())
}

fn has_property(element: &Cursor<'_>, property: &str) -> bool {
    let mut parts = Parts::default();
    parts.take(element);
    parts.properties.contains_key(property)
}

/// The tags of each alternative: by the mapping, else by the value it fixes, else by its name.
fn declared_tags(at: &Cursor<'_>, elements: &[Cursor<'_>], property: &str) -> Vec<Vec<String>> {
    let mapping: Vec<(String, ValueId)> = at
        .get("discriminator")
        .and_then(|found| found.get("mapping"))
        .map(|found| found.members())
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(tag, target)| Some((tag.to_owned(), mapped_to(&target)?)))
        .collect();
    elements
        .iter()
        .map(|element| {
            let own = element.follow();
            let reference = element.reference().unwrap_or_default();
            let name = match reference.rsplit_once('/') {
                Some((_, name)) if reference.contains('#') => name,
                _ => file_stem(reference),
            };
            let mapped: Vec<String> = mapping
                .iter()
                .filter(|(_, target)| own.as_ref().is_ok_and(|own| own.id() == *target))
                .map(|(tag, _)| tag.clone())
                .collect();
            if !mapped.is_empty() {
                return mapped;
            }
            let fixed = fixed_texts(element).remove(property).unwrap_or_default();
            if fixed.is_empty() { vec![name.to_owned()] } else { fixed }
        })
        .collect()
}

/// What an entry of a mapping leads to, which is the name of a schema or a reference to one.
fn mapped_to(at: &Cursor<'_>) -> Option<ValueId> {
    let text = at.value.as_str()?;
    let named = Pointer::default().child("components").child("schemas").child(text);
    let by_name = at.target(&format!("#{named}")).and_then(|found| found.follow());
    let found = by_name.or_else(|_| at.target(text)?.follow());
    found.ok().map(|found| found.id())
}

/// A property that every alternative fixes to values no other has.
fn inferred_tags(elements: &[Cursor<'_>]) -> Option<(String, Vec<Vec<String>>)> {
    let fixed: Vec<BTreeMap<String, Vec<String>>> = elements.iter().map(fixed_texts).collect();
    fixed.first()?.keys().find_map(|property| {
        let tags: Option<Vec<Vec<String>>> =
            fixed.iter().map(|texts| texts.get(property).cloned()).collect();
        let tags = tags?;
        let mut seen = BTreeSet::new();
        let distinct = tags.iter().flatten().all(|tag| seen.insert(tag));
        distinct.then(|| (property.clone(), tags.clone()))
    })
}

/// The required properties whose schema allows only given texts.
fn fixed_texts(element: &Cursor<'_>) -> BTreeMap<String, Vec<String>> {
    let mut parts = Parts::default();
    parts.take(element);
    let mut fixed = BTreeMap::new();
    for (name, schema) in &parts.properties {
        let Ok(schema) = schema.follow() else { continue };
        let texts: Vec<String> = match (schema.value.get("const"), schema.value.get("enum")) {
            (Some(Value::String(text)), _) => vec![text.clone()],
            (None, Some(Value::Array(values))) => {
                values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        if !texts.is_empty() && parts.required.contains(name) {
            fixed.insert((*name).to_owned(), texts);
        }
    }
    fixed
}

/// Whether alternatives without a name are of one kind, and ask something of their values.
fn overlap(types: &[(Type, Constraints)]) -> bool {
    let kind = |ty: &Type| match ty {
        Type::Scalar(Scalar::Boolean | Scalar::Null) => 0,
        Type::Scalar(
            Scalar::Text
            | Scalar::DateTime
            | Scalar::Date
            | Scalar::Uuid
            | Scalar::Decimal
            | Scalar::Base64
            | Scalar::Binary,
        ) => 1,
        Type::Scalar(_) => 2,
        Type::List(_) | Type::Tuple(_) => 3,
        Type::Map(_) => 4,
        Type::Named(_) | Type::Nullable(_) | Type::Problem | Type::Any => 5,
    };
    types.iter().enumerate().any(|(index, (ty, limits))| {
        let mut others = types.iter().enumerate().filter(|(other, _)| *other != index);
        !limits.is_empty() && kind(ty) != 0 && others.any(|(_, (other, _))| kind(other) == kind(ty))
    })
}
