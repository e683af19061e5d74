//! Inheritance: a schema with a `discriminator` that others are composed of is one of them.
//!
//! Where a part of `allOf` refers to it, it is itself: a type of its own, which is also what a
//! value without a tag, or with one nobody knows, is read as.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::all_of::Parts;
use super::alternatives::{Alternative, variants};
use super::tags::{declared_tags, mapping};
use super::{Built, accepts_null};
use crate::model::{Constraints, Name, Shape, Tag, Type, TypeId, Union};
use crate::resolve::Scope;
use crate::source::Cursor;

/// A schema and those that are composed of it.
pub(in crate::resolve) struct Family<'a> {
    tag: &'a str,
    children: Vec<Cursor<'a>>,
}

impl<'a> Scope<'a> {
    /// Finds the families among components, whose names are declared.
    pub(in crate::resolve) fn declare_families(&mut self, schemas: &Cursor<'a>) {
        let members = schemas.members();
        let parents: Vec<(&str, Cursor<'a>, &'a str)> = members
            .iter()
            .filter_map(|(name, at)| Some((*name, at.clone(), tag_of(at)?)))
            .collect();
        if parents.is_empty() {
            return;
        }
        let composed = members.into_iter().filter(|(_, at)| at.get("allOf").is_some());
        let composed: Vec<(Cursor<'a>, BTreeSet<_>)> = composed
            .map(|(_, at)| {
                let mut parts = Parts::default();
                parts.take(&at);
                let ancestors = parts.schemas.iter().map(Cursor::id).collect();
                (at, ancestors)
            })
            .collect();
        for (name, at, tag) in parents {
            let children: Vec<Cursor<'a>> = composed
                .iter()
                .filter(|(child, ancestors)| ancestors.contains(&at.id()) && child.id() != at.id())
                .map(|(child, _)| child.clone())
                .collect();
            if !children.is_empty() {
                self.children.extend(children.iter().map(Cursor::id));
                let base = self.free_name(&Name::new(name).then(&Name::new("base")));
                self.bases.insert(at.id(), base);
                self.families.insert(at.id(), Family { tag, children });
            }
        }
    }

    /// The union that a schema with a family is.
    pub(super) fn family(&mut self, at: &Cursor<'a>, name: &Name) -> Option<Built> {
        let Family { tag, children } = self.families.remove(&at.id())?;
        let base = self.bases.get(&at.id())?.clone();
        let own = self.build(at, name);
        self.define(&base, at, own);
        let mut found = self.told(at, tag, &children);
        let is_free = |own: &String| !found.iter().any(|child| child.tags.contains(own));
        let own = declared_tags(&mappings(at), std::slice::from_ref(at), tag).unwrap_or_default();
        let mut tags: Vec<String> = own.into_iter().flatten().filter(is_free).collect();
        let told = found.iter().any(|child| !child.tags.is_empty());
        if !told {
            tags.clear();
        } else if tags.is_empty() {
            tags.push(String::new());
        }
        let own = Alternative {
            ty: Type::Named(base.clone()),
            label: Name::new("base"),
            content: Cow::Borrowed(at.value),
            constraints: Constraints::default(),
            tags,
        };
        // Without tags, what no child knows more of is the thing itself.
        let place = if told { found.len() } else { 0 };
        found.insert(place, own);
        let variants = variants(found, name, told);
        let own = Type::Named(base);
        let otherwise = variants.iter().find(|found| found.ty == own).map(|it| it.name.clone());
        let tag = told.then(|| Tag { wire: tag.to_owned(), otherwise });
        let shape = Shape::Union(Union { tag, variants, ruled: false });
        Some(Built::of(shape, accepts_null(at)))
    }

    /// The children that their tags tell apart; all of them, without tags, if none does.
    fn told(
        &mut self,
        at: &Cursor<'a>,
        tag: &str,
        children: &[Cursor<'a>],
    ) -> Vec<Alternative<'a>> {
        let mut tags = declared_tags(&mappings(at), children, tag).unwrap_or_default();
        tags.resize(children.len(), Vec::new());
        let is_sole = |tag: &String| tags.iter().filter(|tags| tags.contains(tag)).count() == 1;
        let is_told = |own: &Vec<String>| !own.is_empty() && own.iter().all(is_sole);
        let told: Vec<bool> = tags.iter().map(is_told).collect();
        let none = !told.contains(&true);
        let mut found = Vec::new();
        for ((child, own), told) in children.iter().zip(tags).zip(told) {
            if told || none {
                found.push(Alternative {
                    ty: self.itself(child),
                    label: Name::new(child.name().unwrap_or_default()),
                    content: Cow::Borrowed(child.value),
                    constraints: Constraints::default(),
                    tags: if none { Vec::new() } else { own },
                });
            } else if !self.has_children(child, children) {
                let why = "no value of the discriminator is said to mean it: it is read as what \
                           it is composed of";
                self.degrade(child, "a schema", why);
            }
        }
        found
    }

    /// Whether others of a family are composed of one of them.
    fn has_children(&self, at: &Cursor<'a>, family: &[Cursor<'a>]) -> bool {
        family.iter().filter(|other| other.id() != at.id()).any(|other| {
            let mut parts = Parts::default();
            parts.take(other);
            parts.schemas.iter().any(|part| part.id() == at.id())
        })
    }

    /// The type of a component itself, whatever is composed of it.
    fn itself(&self, at: &Cursor<'a>) -> Type {
        let known = || self.places.get(&at.id()).map(|(id, _)| id);
        let id: Option<&TypeId> = self.bases.get(&at.id()).or_else(known);
        id.map_or(Type::Any, |id| Type::Named(id.clone()))
    }
}

/// What a schema and those it is composed of say of their tags.
fn mappings<'a>(at: &Cursor<'a>) -> Vec<Cursor<'a>> {
    let mut above = Parts::default();
    above.take(at);
    above.schemas.iter().chain([at]).filter_map(mapping).collect()
}

/// The property by which others that are composed of a schema are told apart.
fn tag_of<'a>(at: &Cursor<'a>) -> Option<&'a str> {
    let found = at.get("discriminator")?;
    let tag = found.value.as_str().or_else(|| found.text("propertyName"))?;
    let mut parts = Parts::default();
    parts.take(at);
    (parts.unions.is_empty() && parts.properties.contains_key(tag)).then_some(tag)
}
