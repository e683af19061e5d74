//! `oneOf`, `anyOf` and several names in `type`.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;

use super::Built;
use super::alternatives::{Alternative, is_null, kind, names_in_place, variants};
use super::apart::are_apart;
use super::enumerations::texts_enumeration;
use super::tags::mapped_to;
use crate::model::{Constraints, Name, Predicate, Rule, Scalar, Shape, Tag, Type, Union};
use crate::resolve::Scope;
use crate::source::Cursor;

impl<'a> Scope<'a> {
    pub(super) fn union(
        &mut self,
        at: &Cursor<'a>,
        alternatives: &Cursor<'a>,
        name: &Name,
        nullable: bool,
    ) -> Built {
        let elements = self.distinct(alternatives);
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
        if elements.is_empty() {
            self.degrade(alternatives, "a union", "it has no alternatives; it is any JSON");
            return Built::any();
        }
        self.several(at, alternatives, &elements, name, nullable)
    }

    /// The alternatives that are not `null`; a schema that is referred to twice counts once.
    fn distinct(&self, alternatives: &Cursor<'a>) -> Vec<Cursor<'a>> {
        let mut seen = BTreeSet::new();
        let elements = alternatives.elements().into_iter();
        let is_new = |element: &Cursor<'a>| {
            let target = element.follow().ok().filter(|_| !self.has_siblings(element));
            target.is_none_or(|target| seen.insert(target.id()))
        };
        elements.filter(|element| !is_null(element)).filter(is_new).collect()
    }

    /// A union of several alternatives.
    fn several(
        &mut self,
        at: &Cursor<'a>,
        alternatives: &Cursor<'a>,
        elements: &[Cursor<'a>],
        name: &Name,
        nullable: bool,
    ) -> Built {
        let (wire, mut tags) = self.tags(at, alternatives, elements).unzip();
        let mut tags: Vec<Vec<String>> = tags.take().unwrap_or_default();
        tags.resize(elements.len(), Vec::new());
        let names = names_in_place(elements, &tags, name);
        let mut types: Vec<(Type, Constraints)> = elements
            .iter()
            .zip(&names)
            .map(|(element, own)| {
                let (ty, limits) = self.type_of(element, &name.then(own));
                (ty.present().clone(), limits)
            })
            .collect();
        let open = types.iter().filter(|(ty, _)| *ty == Type::Any).count();
        // A value that reads as one alternative may be one of another.
        let rules = match wire.is_none() && (open > 1 || !are_apart(elements)) {
            true => self.chosen(at, alternatives),
            false => Vec::new(),
        };
        if !rules.is_empty() {
            types.iter_mut().for_each(|(_, limits)| *limits = Constraints::default());
        }
        let found = elements.iter().zip(names).zip(types.into_iter().zip(tags));
        let found: Vec<Alternative<'_>> = found
            .map(|((element, own), ((ty, constraints), tags))| Alternative {
                label: label(element, own, &ty, &tags, elements),
                content: Cow::Borrowed(element.value),
                ty,
                constraints,
                tags,
            })
            .collect();
        let last = self.by_default(at, elements);
        let last = last.and_then(|index| found.get(index)).map(|found| found.ty.clone());
        let mut variants = variants(found, name, wire.is_some());
        let tag = wire.map(|wire| {
            let chosen = variants.iter().find(|variant| last.as_ref() == Some(&variant.ty));
            Tag { wire, otherwise: chosen.map(|variant| variant.name.clone()) }
        });
        // Whatever else a value may be, it is any JSON.
        variants.sort_by_key(|variant| variant.ty == Type::Any);
        let built = match variants.as_slice() {
            [single] => Built::plain(single.ty.clone(), single.constraints.clone(), nullable),
            _ => {
                let ruled = !rules.is_empty();
                Built::of(Shape::Union(Union { tag, variants, ruled }), nullable)
            }
        };
        built.keeping(rules)
    }

    /// The alternative that is meant where no tag says which (`defaultMapping`).
    fn by_default(&self, at: &Cursor<'a>, elements: &[Cursor<'a>]) -> Option<usize> {
        let target = mapped_to(&at.get("discriminator")?.get("defaultMapping")?)?;
        elements.iter().position(|element| element.follow().is_ok_and(|it| it.id() == target))
    }

    /// What alternatives ask whose values may be those of another; of `oneOf`, that there is no
    /// other, unless a property is to say which it is.
    fn chosen(&mut self, at: &Cursor<'a>, alternatives: &Cursor<'a>) -> Vec<Rule> {
        let exactly = alternatives.name() == Some("oneOf") && at.get("discriminator").is_none();
        let elements = alternatives.elements();
        let said: Vec<Predicate> = elements.iter().map(|each| self.predicate(each)).collect();
        match exactly {
            true => vec![Rule { keyword: "oneOf", predicate: Predicate::One(said) }],
            false => vec![Rule { keyword: "anyOf", predicate: Predicate::Any(said) }],
        }
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
        Built::of(Shape::Union(Union { tag: None, variants, ruled: false }), nullable)
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
