//! What tells the alternatives of a union apart: a property whose values name them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::all_of::Parts;
use crate::model::Name;
use crate::resolve::Scope;
use crate::source::{Cursor, Pointer, ValueId, file_stem};

impl<'a> Scope<'a> {
    /// The property that tells the alternatives apart, and its values for each of them.
    pub(super) fn tags(
        &mut self,
        at: &Cursor<'a>,
        alternatives: &Cursor<'a>,
        elements: &[Cursor<'a>],
    ) -> Option<(String, Vec<Vec<String>>)> {
        let property = at
            .get("discriminator")
            // AsyncAPI names the property and nothing else.
            .and_then(|found| found.value.as_str().or_else(|| found.text("propertyName")))
            .filter(|property| elements.iter().all(|element| has_property(element, property)));
        let tagged = match property {
            Some(property) => declared_tags(mapping(at).as_slice(), elements, property)
                .map(|tags| (property.to_owned(), tags))
                .or_else(|| inferred_tags(elements)),
            None => inferred_tags(elements),
        };
        tagged.filter(|(property, tags)| {
            let mut seen = BTreeSet::new();
            let distinct = tags.iter().all(|tags| !tags.is_empty())
                && tags.iter().flatten().all(|tag| seen.insert(tag));
            // Where every alternative lists its tags, none is read that has another.
            let listed = |element| fixed_texts(element).contains_key(property);
            if !distinct && !elements.iter().all(listed) {
                let why = "its tag is not heeded, since two alternatives have the same one; a \
                           value is read as what it fits best";
                self.degrade(alternatives, "a union", why);
            }
            distinct
        })
    }
}

fn has_property(element: &Cursor<'_>, property: &str) -> bool {
    let mut parts = Parts::default();
    parts.take(element);
    parts.properties.contains_key(property)
}

/// The tags of each alternative: by the mapping, else by the value it fixes, else by its name;
/// none of these for one whose values say nothing. Nothing if one has no name.
pub(super) fn declared_tags(
    mappings: &[Cursor<'_>],
    elements: &[Cursor<'_>],
    property: &str,
) -> Option<Vec<Vec<String>>> {
    let mapping: Vec<(String, ValueId)> = mappings
        .iter()
        .flat_map(Cursor::members)
        .filter_map(|(tag, target)| Some((tag.to_owned(), mapped_to(&target)?)))
        .collect();
    let names: Vec<&str> = elements.iter().map(own_name).collect();
    let listed: Vec<Vec<String>> = elements
        .iter()
        .map(|element| fixed_texts(element).remove(property).unwrap_or_default().texts)
        .collect();
    let tags =
        elements.iter().zip(names.iter().zip(&listed)).map(|(element, (name, listed_here))| {
            let own = element.follow();
            let mapped: Vec<String> = mapping
                .iter()
                .filter(|(_, target)| own.as_ref().is_ok_and(|own| own.id() == *target))
                .map(|(tag, _)| tag.clone())
                .collect();
            if !mapped.is_empty() {
                return Some(mapped);
            }
            if let Some(value) = own.ok().and_then(|own| own.text("x-ms-discriminator-value")) {
                return Some(vec![value.to_owned()]);
            }
            if listed_here.is_empty() {
                return (!name.is_empty()).then(|| vec![(*name).to_owned()]);
            }
            // What several list says nothing, but to the one that is called so.
            let key = Name::new(name).key();
            let is_own = |text: &&String| {
                let lists = |texts: &&Vec<String>| texts.contains(text);
                let is_named = |name: &&str| text == name;
                match names.iter().any(is_named) {
                    true => text == name,
                    false => {
                        let is_mapped = mapping.iter().any(|(tag, _)| tag == *text);
                        !is_mapped && listed.iter().filter(lists).count() == 1
                    }
                }
            };
            let sole: Vec<String> = listed_here.iter().filter(is_own).cloned().collect();
            if !sole.is_empty() {
                return Some(sole);
            }
            let alike = listed_here.iter().find(|text| Name::new(text).key() == key);
            Some(alike.cloned().into_iter().collect())
        });
    tags.collect()
}

/// What a discriminator says of its tags.
pub(super) fn mapping<'v>(at: &Cursor<'v>) -> Option<Cursor<'v>> {
    at.get("discriminator")?.get("mapping")
}

/// The name of a schema, or of what a reference leads to.
fn own_name<'v>(element: &Cursor<'v>) -> &'v str {
    let Some(reference) = element.reference() else { return element.name().unwrap_or_default() };
    match reference.rsplit_once('/') {
        Some((_, name)) if reference.contains('#') => name,
        Some(_) | None => file_stem(reference),
    }
}

/// What an entry of a mapping leads to, which is the name of a schema or a reference to one.
pub(super) fn mapped_to(at: &Cursor<'_>) -> Option<ValueId> {
    let text = at.value.as_str()?;
    let by_name = || {
        let named = Pointer::default().child("components").child("schemas").child(text);
        at.target(&format!("#{named}")).and_then(|found| found.follow())
    };
    let by_reference = || at.target(text)?.follow();
    // Most are references: to look for a name that is none is dear where there are many.
    let found = match text.contains('#') {
        true => by_reference().or_else(|_| by_name()),
        false => by_name().or_else(|_| by_reference()),
    };
    found.ok().map(|found| found.id())
}

/// A property that every alternative fixes to values no other has.
fn inferred_tags(elements: &[Cursor<'_>]) -> Option<(String, Vec<Vec<String>>)> {
    let fixed: Vec<BTreeMap<String, Fixed>> = elements.iter().map(fixed_texts).collect();
    fixed.first()?.keys().find_map(|property| {
        let demanded = |found: &BTreeMap<String, Fixed>| {
            found.get(property).filter(|fixed| fixed.required).map(|fixed| fixed.texts.clone())
        };
        let tags: Option<Vec<Vec<String>>> = fixed.iter().map(demanded).collect();
        let tags = tags?;
        let mut seen = BTreeSet::new();
        let distinct = tags.iter().flatten().all(|tag| seen.insert(tag));
        distinct.then(|| (property.clone(), tags.clone()))
    })
}

/// The texts a property may have, where its schema lists them.
#[derive(Default)]
struct Fixed {
    texts: Vec<String>,
    required: bool,
}

/// The properties whose schema allows only given texts.
fn fixed_texts(element: &Cursor<'_>) -> BTreeMap<String, Fixed> {
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
        if !texts.is_empty() {
            let required = parts.required.contains(name);
            fixed.insert((*name).to_owned(), Fixed { texts, required });
        }
    }
    fixed
}
