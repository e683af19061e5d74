//! Members of objects: what several schemas say of one holds together.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::all_of::{Parts, says_nothing};
use super::alternatives::{Alternative, kind, names_in_place, variants};
use super::{Built, accepts_null, type_names};
use crate::model::{Constraints, Name, Number, Property, Shape, Type, Union};
use crate::resolve::Scope;
use crate::source::Cursor;

impl<'a> Scope<'a> {
    /// The members that were gathered, under these names; `at` is what they are members of.
    pub(super) fn members(
        &mut self,
        at: &Cursor<'a>,
        parts: &Parts<'a>,
        names: &BTreeMap<&str, Name>,
        name: &Name,
    ) -> Vec<Property> {
        let mut members = Vec::with_capacity(parts.properties.len());
        for (wire, last) in &parts.properties {
            let (loose, others) = (parts.loose.get(wire), parts.overridden.get(wire));
            let said: Cow<'_, [Cursor<'a>]> = match (loose, others) {
                (Some(loose), _) => Cow::Borrowed(loose),
                (None, None) => Cow::Borrowed(std::slice::from_ref(last)),
                (None, Some(others)) => others.iter().chain([last]).cloned().collect(),
            };
            let unnamed = match &*said {
                [single] if loose.is_none() => self.unnamed(single),
                _ => None,
            };
            let (ty, constraints) = unnamed.unwrap_or_else(|| {
                let owner = match last.is_below(at) {
                    true => name.clone(),
                    false => owner_of(last).unwrap_or_else(|| name.clone()),
                };
                let own = owner.then(&names[*wire]);
                match loose {
                    Some(loose) => self.any_of(loose, None, &own),
                    None => self.all_of_member(&said, &own, &name.then(&names[*wire])),
                }
            });
            let led_to: Vec<Cursor<'a>> = said
                .iter()
                .filter(|at| at.reference().is_some())
                .filter_map(|at| at.follow().ok())
                .collect();
            let flagged = |flag| said.iter().chain(&led_to).any(|at| at.flag(flag));
            let prose = said.iter().rev().find_map(|at| at.text("description"));
            members.push(Property {
                wire: (*wire).to_owned(),
                name: names[*wire].clone(),
                ty,
                required: parts.required.contains(wire),
                constraints,
                read_only: flagged("readOnly"),
                write_only: flagged("writeOnly"),
                default: said.iter().rev().find_map(|at| self.default(at)),
                recursive: false,
                description: prose.map(str::to_owned),
                deprecated: said.iter().any(|at| at.flag("deprecated")),
            });
        }
        members
    }

    /// What an absent value stands for; one that its own schema refuses stands for nothing.
    pub(in crate::resolve) fn default(&mut self, at: &Cursor<'a>) -> Option<Value> {
        if at.reference().is_none() && at.value.get("default").is_none() {
            return None;
        }
        let target = at.follow().ok()?;
        let found = at.get("default").or_else(|| target.get("default"))?;
        if fits(&target, found.value) {
            return Some(found.value.clone());
        }
        let why = "this default violates its schema: an absent value stands for nothing";
        self.defect(&found, why.to_owned(), "mend the default or the schema");
        None
    }

    /// The type of a member that all of these describe. What is one of them is called after where
    /// it stands, what is made of several after the whole.
    fn all_of_member(
        &mut self,
        said: &[Cursor<'a>],
        name: &Name,
        whole: &Name,
    ) -> (Type, Constraints) {
        let said = telling(said);
        match said.as_slice() {
            [single] => self.type_of(single, name),
            several if several.iter().all(is_object) => self.merged(several, whole),
            several => {
                let first = several.iter().enumerate().max_by_key(|(at, it)| (rank(it), *at));
                let Some((_, first)) = first else { return (Type::Any, Constraints::default()) };
                let parts: Vec<&Cursor<'a>> = several.iter().collect();
                let nullable = several.iter().all(accepts_null);
                let built = self.refined(first, &parts, name, nullable);
                let Shape::Alias(ty, limits) = built.shape else {
                    return (Type::Any, Constraints::default());
                };
                let ty = ty.present().clone();
                (if nullable { ty.or_null() } else { ty }, *limits)
            }
        }
    }

    /// An object with what each of these objects has.
    fn merged(&mut self, several: &[Cursor<'a>], name: &Name) -> (Type, Constraints) {
        let followed = |at: &Cursor<'a>| at.follow().unwrap_or_else(|_| at.clone()).id();
        let key: Vec<_> = several.iter().map(followed).collect();
        let nullable = several.iter().all(accepts_null);
        let ty = |id| if nullable { Type::Named(id).or_null() } else { Type::Named(id) };
        if let Some(id) = self.merged.get(&key) {
            return (ty(id.clone()), Constraints::default());
        }
        let Some(last) = several.last() else { return (Type::Any, Constraints::default()) };
        let id = self.free_name(name);
        self.merged.insert(key, id.clone());
        let mut parts = Parts::default();
        several.iter().for_each(|at| parts.take_with_siblings(at));
        let mut rules = self.of_parts(last, &parts);
        for at in several {
            let target = at.follow().unwrap_or_else(|_| at.clone());
            rules.extend(self.rules(&target));
            rules.extend(self.alternatives_of(&target));
        }
        parts.take_alternatives();
        let built = self.object_of(last, parts, name, nullable).keeping(rules);
        self.define(&id, last, built);
        (ty(id), Constraints::default())
    }

    /// The type of what one of several schemas describes, or is of the type besides. What is asked
    /// of it is for a rule to say, for which of them holds hangs on what it stands in.
    pub(super) fn any_of(
        &mut self,
        said: &[Cursor<'a>],
        besides: Option<Type>,
        name: &Name,
    ) -> (Type, Constraints) {
        let said = telling(said);
        if let ([single], None) = (said.as_slice(), &besides) {
            let (ty, _) = self.type_of(single, name);
            return (ty, Constraints::default());
        }
        let names = names_in_place(&said, &[], name);
        let nullable = said.iter().any(accepts_null);
        let mut found: Vec<Alternative<'_>> = Vec::new();
        for (at, own) in said.iter().zip(names) {
            let (ty, _) = self.type_of(at, &name.then(&own));
            let label = match ty.present() {
                Type::Named(id) => id.0.clone(),
                ty => kind(ty).map_or(own, Name::new),
            };
            found.push(Alternative {
                ty: ty.present().clone(),
                label,
                content: Cow::Borrowed(at.value),
                constraints: Constraints::default(),
                tags: Vec::new(),
            });
        }
        found.extend(besides.map(|ty| Alternative {
            label: Name::new(kind(&ty).unwrap_or("other")),
            ty,
            content: Cow::Owned(Value::Null),
            constraints: Constraints::default(),
            tags: Vec::new(),
        }));
        let mut variants = variants(found, name, false);
        variants.sort_by_key(|variant| variant.ty == Type::Any);
        let ty = match (variants.as_slice(), said.last()) {
            ([single], _) => single.ty.clone(),
            (_, Some(last)) => {
                let shape = Shape::Union(Union { tag: None, variants, ruled: true });
                self.settle(Built::of(shape, false), last, name).0
            }
            (_, None) => Type::Any,
        };
        (if nullable { ty.or_null() } else { ty }, Constraints::default())
    }
}

/// Those that say something, each once, and none of which another is composed.
fn telling<'a>(said: &[Cursor<'a>]) -> Vec<Cursor<'a>> {
    let [single] = said else {
        let mut seen = BTreeSet::new();
        let telling: Vec<Cursor<'a>> = said
            .iter()
            .filter(|at| !says_nothing(at))
            .filter(|at| at.follow().is_ok_and(|found| seen.insert(found.id())))
            .cloned()
            .collect();
        let composed = |at: &Cursor<'a>| {
            telling.iter().filter(|other| other.id() != at.id()).any(|other| {
                let mut parts = Parts::default();
                parts.take(other);
                at.follow().is_ok_and(|at| parts.schemas.iter().any(|part| part.id() == at.id()))
            })
        };
        let kept: Vec<Cursor<'a>> = telling.iter().filter(|at| !composed(at)).cloned().collect();
        return if kept.is_empty() { said.last().cloned().into_iter().collect() } else { kept };
    };
    vec![single.clone()]
}

fn is_object(at: &Cursor<'_>) -> bool {
    let mut parts = Parts::default();
    parts.take_with_siblings(at);
    !parts.properties.is_empty()
}

/// How much a schema says of the type: of several, the one that says most is the type.
fn rank(at: &Cursor<'_>) -> usize {
    let Ok(at) = at.follow() else { return 0 };
    let says = |keyword: &str| at.value.get(keyword).is_some();
    match type_names(&at).as_slice() {
        _ if says("const") || says("enum") => 5,
        _ if says("format") || says("oneOf") || says("anyOf") || says("allOf") => 4,
        ["array"] if says("items") || says("prefixItems") => 3,
        ["integer"] => 2,
        [] => 0,
        _ => 1,
    }
}

/// What to call the owner of a member that came here through `allOf`: the schema it stands in.
fn owner_of(at: &Cursor<'_>) -> Option<Name> {
    let pointer = at.pointer();
    let tokens: Vec<Cow<'_, str>> = pointer.tokens().collect();
    let names: Vec<&str> = match tokens.as_slice() {
        [components, schemas, names @ ..] if components == "components" && schemas == "schemas" => {
            names.iter().map(Cow::as_ref).collect()
        }
        [paths, ..] if paths == "paths" => return None,
        names => names.iter().map(Cow::as_ref).collect(),
    };
    let (_, owners) = names.split_last()?;
    let owners: Vec<&str> = owners
        .iter()
        .filter(|token| !matches!(**token, "properties" | "allOf" | "items"))
        .filter(|token| token.parse::<usize>().is_err())
        .copied()
        .collect();
    (!owners.is_empty()).then(|| Name::new(&owners.join("-")))
}

/// Whether a value is one of a schema, as far as its kind and its list say.
fn fits(at: &Cursor<'_>, value: &Value) -> bool {
    let of_kind = |kind: &str| match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => matches!(Number::of(value), Some(Number::Integer(_))),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    };
    let kinds = type_names(at);
    let is_listed = match at.value.get("enum") {
        Some(Value::Array(values)) => values.contains(value),
        _ => true,
    };
    (value.is_null() && accepts_null(at))
        || (is_listed && (kinds.is_empty() || kinds.into_iter().any(of_kind)))
}

/// Whether a flag stands beside a reference, or where it leads.
pub(super) fn flagged(at: &Cursor<'_>, flag: &str) -> bool {
    at.flag(flag) || (at.reference().is_some() && at.follow().is_ok_and(|target| target.flag(flag)))
}
