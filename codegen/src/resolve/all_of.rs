//! `allOf`: the members of several schemas become one object.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Scope;
use super::schemas::Built;
use crate::model::{Name, Shape, Type};
use crate::source::{Cursor, Place};

/// What several schemas of one object say together.
#[derive(Default)]
pub(super) struct Parts<'a> {
    pub(super) properties: BTreeMap<&'a str, Cursor<'a>>,
    pub(super) required: BTreeSet<&'a str>,
    pub(super) additional: Option<Cursor<'a>>,
    pub(super) unions: Vec<Cursor<'a>>,
    seen: BTreeSet<Place>,
}

impl<'a> Parts<'a> {
    /// Takes in a schema and everything it is composed of.
    pub(super) fn take(&mut self, at: &Cursor<'a>) {
        let Ok(at) = at.follow() else { return };
        if !self.seen.insert(at.place()) {
            return;
        }
        for part in at.get("allOf").map(|found| found.elements()).unwrap_or_default() {
            self.take(&part);
        }
        if let Some(properties) = at.get("properties") {
            self.properties.extend(properties.members());
        }
        if let Some(Value::Array(names)) = at.value.get("required") {
            self.required.extend(names.iter().filter_map(Value::as_str));
        }
        if let Some(additional) =
            at.get("additionalProperties").or_else(|| at.get("unevaluatedProperties"))
        {
            self.additional = Some(additional);
        }
        self.unions.extend(["oneOf", "anyOf"].into_iter().filter_map(|keyword| at.get(keyword)));
    }
}

impl<'a> Scope<'a> {
    pub(super) fn all_of(&mut self, at: &Cursor<'a>, name: &Name, nullable: bool) -> Built {
        let Some(list) = at.get("allOf") else { return Built::any() };
        let elements = list.elements();
        for element in &elements {
            if element.reference().is_some() && self.follow(element).is_none() {
                return Built::any();
            }
        }
        let own = at.value.get("properties").is_some() || at.value.get("required").is_some();
        let telling: Vec<&Cursor<'a>> =
            elements.iter().filter(|part| !says_nothing(part)).collect();
        if let ([single], false) = (telling.as_slice(), own) {
            let (ty, constraints) = self.type_of(single, name);
            return match (ty, single.reference()) {
                // A definition in place: hand its shape on under the wanted name.
                (Type::Named(id), None) => match self.types.remove(&id) {
                    Some(definition) => {
                        self.taken.remove(&id.0.key());
                        self.inline.retain(|_, known| *known != id);
                        Built { shape: definition.shape, nullable }
                    }
                    None => Built::plain(Type::Named(id), constraints, nullable),
                },
                (ty, _) => Built::plain(ty, constraints, nullable),
            };
        }
        let mut parts = Parts::default();
        parts.take(at);
        if parts.properties.is_empty() {
            if let [union] = parts.unions.as_slice() {
                let union = union.clone();
                return self.union(at, &union, name, nullable);
            }
            let scalar = telling.iter().find_map(|part| {
                let (ty, constraints) = self.type_of(part, name);
                let scalar = matches!(ty.present(), Type::Scalar(_) | Type::List(_));
                scalar.then_some((ty, constraints))
            });
            if let Some((ty, constraints)) = scalar {
                return Built::plain(ty, constraints, nullable);
            }
        } else if !parts.unions.is_empty() {
            let why = "alternatives among the parts of allOf are kept as extra members";
            self.degrade(&list, "a union", why);
        }
        let built = self.object_of(at, parts, name, nullable);
        if let Shape::Alias(Type::Map(_), _) = built.shape {
            return Built { nullable, ..built };
        }
        built
    }
}

/// Whether a part of `allOf` only carries prose, or keywords that do not change the type.
fn says_nothing(part: &Cursor<'_>) -> bool {
    part.object().is_some_and(|schema| {
        schema.keys().all(|key| {
            key.starts_with("x-")
                || matches!(
                    key.as_str(),
                    "description"
                        | "title"
                        | "nullable"
                        | "example"
                        | "examples"
                        | "default"
                        | "readOnly"
                        | "writeOnly"
                        | "deprecated"
                )
        })
    })
}
