//! Definitions as items of the types module.

use std::collections::{BTreeMap, BTreeSet};

use super::{Described, narrowing, plan};
use crate::emit::render::one_line;
use crate::emit::rust::defaults::{Absent, documented, methods};
use crate::emit::rust::{
    Checks, Field, Position, Presence, Speller, bracketed, doc_lines, field_ident, filled, literal,
    rule_checks, type_ident, variant_ident,
};
use crate::model::{
    Additional, Definition, Enumeration, Object, Property, Shape, System, Type, TypeId, Union,
    Variant,
};

/// The named types of these that stand for themselves.
pub(super) fn plan(
    system: &System,
    checked: &BTreeSet<TypeId>,
    described: Described,
    ids: &[&TypeId],
    speller: &mut Speller<'_>,
) -> Vec<plan::Item> {
    let defined = ids.iter().filter(|id| !system.same.contains_key(**id));
    let items = defined.map(|id| {
        let mut item = item(system, checked, described, speller, id, system.definition(id));
        pack(&mut item);
        item
    });
    items.collect()
}

/// The names of these that say the same as another.
pub(super) fn same(system: &System, ids: &[&TypeId]) -> Vec<plan::Same> {
    let same = ids.iter().filter_map(|id| Some((id, system.same.get(*id)?)));
    same.map(|(id, first)| plan::Same { ident: type_ident(&id.0), first: type_ident(&first.0) })
        .collect()
}

/// The statements that make the types read and written, in the order of the types.
pub(super) fn codecs(items: &[plan::Item]) -> Vec<String> {
    let codec = |item: &plan::Item| {
        let object = item.object.as_ref().map(|object| &object.codec);
        let enumeration = item.enumeration.as_ref().map(|enumeration| &enumeration.codec);
        let union = item.union.as_ref().map(|union| &union.codec);
        object.or(enumeration).or(union).cloned()
    };
    items.iter().filter_map(codec).collect()
}

/// What the only value of an enumeration is.
const DEFAULT: &str = "#[default]";

/// Puts variants on as few lines as they need, where there is nothing to say of any.
fn pack(item: &mut plan::Item) {
    let Some(enumeration) = &mut item.enumeration else { return };
    let plain = |variant: &plan::EnumerationVariant| {
        variant.docs.is_empty() && variant.attributes.iter().all(|it| it == DEFAULT)
    };
    if enumeration.variants.iter().all(plain) {
        let variants = std::mem::take(&mut enumeration.variants);
        let spelled: Vec<String> = variants
            .into_iter()
            .map(|variant| [variant.attributes, vec![variant.ident]].concat().join(" "))
            .collect();
        enumeration.listed = filled(4, &spelled);
    }
}

fn item(
    system: &System,
    checked: &BTreeSet<TypeId>,
    described: Described,
    speller: &mut Speller<'_>,
    id: &TypeId,
    definition: &Definition,
) -> plan::Item {
    let position = Position::of(definition);
    let checks = Checks { system, checked, position: Position::checking(definition) };
    let is_checked = checked.contains(id);
    let ident = type_ident(&id.0);
    let docs = doc_lines(definition.description.as_deref());
    let mut item =
        plan::Item { ident, docs, object: None, enumeration: None, union: None, alias: None };
    match &definition.shape {
        Shape::Object(found) => {
            item.object = Some(object(
                found,
                &item.ident,
                definition,
                is_checked,
                &checks,
                described,
                speller,
            ));
        }
        Shape::Enumeration(found) => {
            item.enumeration = Some(enumeration(found, &item.ident, described))
        }
        Shape::Union(found) => {
            item.union = Some(union(found, &item.ident, definition, is_checked, &checks, speller));
        }
        Shape::Alias(ty, _) => {
            item.alias = Some(plan::Alias { ty: speller.spell(ty, position) });
        }
    }
    item
}

fn import_validation(speller: &mut Speller<'_>) {
    speller.import("symbolon_wire::Validate");
    speller.import("symbolon_wire::Violations");
}

fn object(
    object: &Object,
    ident: &str,
    definition: &Definition,
    checked: bool,
    checks: &Checks<'_>,
    described: Described,
    speller: &mut Speller<'_>,
) -> plan::Object {
    let mut attributes = Vec::new();
    if object.additional == Additional::Denied {
        attributes.extend(schemars(described, &["deny_unknown_fields".to_owned()]));
    }
    let mut members = Vec::new();
    let mut head = "";
    let mut rest = None;
    let mut lines = if checked { rule_checks(&definition.rules, "self", 2) } else { Vec::new() };
    let mut fields: Vec<plan::Field> = Vec::new();
    for property in &object.properties {
        let field = field(property, definition, checks, described, speller);
        members.push(member(property, definition, &field.ident));
        if checked {
            let checked = Field {
                wire: &property.wire,
                ident: &field.ident,
                ty: &property.ty,
                constraints: &property.constraints,
                presence: Presence::of(&property.ty, property.required),
            };
            lines.extend(checks.field(&checked, 2));
        }
        fields.push(field);
    }
    if object.additional == Additional::Denied {
        head = " denies";
    }
    if let Additional::Kept(ty, limits) = &object.additional {
        let ident = free_ident(&fields);
        rest = Some(ident.clone());
        if checked {
            let inner = checks.kept(ty, limits, 2);
            if !inner.is_empty() {
                lines.push(format!("        let value = &self.{ident};"));
                lines.extend(inner);
            }
        }
        let spelled = speller.spell(ty, Position::of(definition));
        let map = speller.name("std::collections::BTreeMap");
        fields.push(plan::Field {
            ident,
            ty: format!("{map}<String, {spelled}>"),
            docs: vec!["Members the contract does not name.".to_owned()],
            attributes: schemars(described, &["flatten".to_owned()]).into_iter().collect(),
        });
    }
    if !lines.is_empty() {
        import_validation(speller);
    }
    let optional = object.properties.iter().all(|property| !property.required);
    let derives =
        if optional { "Debug, Clone, Default, PartialEq" } else { "Debug, Clone, PartialEq" };
    let head = rest.map_or(head.to_owned(), |ident| format!(" keeps {ident}"));
    let codec = bracketed(0, &format!("record!({ident}{head} {{ "), &members, " });");
    let defaults = match definition.in_requests {
        true => defaults(object, &fields, Position::of(definition), speller),
        false => Vec::new(),
    };
    plan::Object { derives, attributes, fields, checks: lines, defaults, codec: spaced(codec) }
}

/// Methods that say what absent members stand for.
fn defaults(
    object: &Object,
    fields: &[plan::Field],
    position: Position,
    speller: &mut Speller<'_>,
) -> Vec<String> {
    let absent: Vec<Absent<'_>> = object
        .properties
        .iter()
        .zip(fields)
        .filter(|(property, _)| !property.required && !property.recursive)
        .filter_map(|(property, field)| {
            let default = property.default.as_ref()?;
            Some(Absent { ident: &field.ident, ty: &property.ty, default })
        })
        .collect();
    methods(&absent, position, 1, speller)
}

/// A list that is not broken stands apart from its braces; a broken one has lines of its own.
fn spaced(codec: String) -> String {
    match codec.contains('\n') {
        true => codec.replace("{ \n", "{\n").replace("\n }", "\n}"),
        false => codec.replace("{  }", "{}"),
    }
}

/// What only the feature `schemars` needs.
fn schemars(described: Described, parts: &[String]) -> Option<String> {
    let parts = parts.join(", ");
    (described == Described::Yes && !parts.is_empty())
        .then(|| format!("#[cfg_attr(feature = \"schemars\", schemars({parts}))]"))
}

/// How a member is read and written.
fn member(property: &Property, definition: &Definition, ident: &str) -> String {
    let lax = !definition.in_requests || property.ty == Type::Any;
    let kind = match Presence::of(&property.ty, property.required) {
        Presence::Required => "need",
        Presence::Optional if property.required => "need",
        Presence::Optional if lax => "lax",
        Presence::Optional | Presence::OptionalNullable => "opt",
    };
    format!("{kind} {ident} {}", literal(&property.wire))
}

fn free_ident(fields: &[plan::Field]) -> String {
    let mut ident = "additional".to_owned();
    while fields.iter().any(|field| field.ident == ident) {
        ident.push('_');
    }
    ident
}

fn field(
    property: &Property,
    definition: &Definition,
    checks: &Checks<'_>,
    described: Described,
    speller: &mut Speller<'_>,
) -> plan::Field {
    let ident = field_ident(&property.name);
    let mut spelled = speller.spell(property.ty.present(), Position::of(definition));
    if property.recursive {
        spelled = format!("Box<{spelled}>");
    }
    let attributes = match described {
        Described::Yes => attributes(property, definition, checks, &ident, &spelled),
        Described::No => Vec::new(),
    };
    let ty = match Presence::of(&property.ty, property.required) {
        Presence::Required => spelled,
        Presence::Optional => format!("Option<{spelled}>"),
        Presence::OptionalNullable => format!("Option<Option<{spelled}>>"),
    };
    let default = property.default.as_ref().filter(|_| !property.required);
    let docs = documented(property.description.as_deref(), default);
    plan::Field { ident, ty, docs, attributes }
}

/// What only `schemars` reads of a field of this type.
fn attributes(
    property: &Property,
    definition: &Definition,
    checks: &Checks<'_>,
    ident: &str,
    spelled: &str,
) -> Vec<String> {
    let mut attributes = Vec::new();
    let mut parts = Vec::new();
    let mut never_null = None;
    if ident != property.wire {
        parts.push(format!("rename = {}", literal(&property.wire)));
    }
    match Presence::of(&property.ty, property.required) {
        Presence::Required | Presence::OptionalNullable => {}
        Presence::Optional if property.required => {
            // Read so, an `Option` must be there.
            let said = "serde(deserialize_with = \"Option::deserialize\")";
            attributes.push(format!("#[cfg_attr(feature = \"schemars\", {said})]"));
        }
        Presence::Optional => {
            if definition.in_requests && property.ty != Type::Any {
                parts.push("default".to_owned());
                never_null = Some(spelled);
            }
            parts.push("skip_serializing_if = \"Option::is_none\"".to_owned());
        }
    }
    parts.extend(narrowing::parts(checks.system, property, never_null));
    attributes.extend(schemars(Described::Yes, &parts));
    attributes
}

fn enumeration(enumeration: &Enumeration, name: &str, described: Described) -> plan::Enumeration {
    let ident_of = |wire: &str| {
        let value = enumeration.values.iter().find(|value| value.wire == wire);
        value.map(|value| variant_ident(&value.name)).unwrap_or_default()
    };
    let single = enumeration.values.len() == 1;
    let variants: Vec<plan::EnumerationVariant> = enumeration
        .values
        .iter()
        .map(|value| {
            let ident = variant_ident(&value.name);
            let docs = doc_lines(value.description.as_deref());
            let mut attributes = Vec::new();
            if single {
                attributes.push(DEFAULT.to_owned());
            }
            if ident != value.wire {
                let said = format!("rename = {}", literal(&value.wire));
                attributes.extend(schemars(described, &[said]));
            }
            plan::EnumerationVariant { wire: literal(&value.wire), docs, attributes, ident }
        })
        .collect();
    let codec: Vec<String> =
        variants.iter().map(|variant| format!("{} {}", variant.ident, variant.wire)).collect();
    let lifecycle = enumeration.lifecycle.as_ref();
    let transitions = enumeration
        .values
        .iter()
        .map(|value| {
            let following = lifecycle.and_then(|lifecycle| {
                lifecycle.transitions.iter().find(|(from, _)| *from == value.wire)
            });
            let following = following.map(|(_, to)| to.as_slice()).unwrap_or_default();
            let to: Vec<String> =
                following.iter().map(|wire| format!("Self::{}", ident_of(wire))).collect();
            plan::Transition { from: variant_ident(&value.name), to: to.join(", ") }
        })
        .collect();
    plan::Enumeration {
        derives: if single {
            "Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash"
        } else {
            "Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash"
        },
        codec: spaced(bracketed(0, &format!("text_enum!({name} {{ "), &codec, " });")),
        listed: Vec::new(),
        variants,
        lifecycle: lifecycle.is_some(),
        initial: lifecycle.map(|found| ident_of(&found.initial)).unwrap_or_default(),
        transitions,
    }
}

/// Whether a type is one of its own: an alias is the type it stands for.
pub(in crate::emit) fn is_nominal(system: &System, ty: &Type) -> bool {
    let Type::Named(id) = ty else { return false };
    !matches!(system.definition(id).shape, Shape::Alias(..))
}

/// The type that stands for the one a variant holds, if that has a name.
fn first<'s>(system: &'s System, variant: &'s Variant) -> Option<&'s TypeId> {
    match &variant.ty {
        Type::Named(id) => Some(system.stands_for(id)),
        Type::Scalar(_)
        | Type::List(_)
        | Type::Map(_)
        | Type::Tuple(_)
        | Type::Nullable(_)
        | Type::Problem
        | Type::Any => None,
    }
}

/// What a variant's doc comment says: the values of the tag, where there are any to show.
fn told_by(tags: &[String]) -> Option<String> {
    let shown: Vec<String> =
        tags.iter().filter(|tag| !tag.is_empty()).map(|tag| format!("`{tag}`")).collect();
    (!shown.is_empty()).then(|| one_line(&format!("Told by {}.", shown.join(", "))))
}

fn union(
    union: &Union,
    name: &str,
    definition: &Definition,
    checked: bool,
    checks: &Checks<'_>,
    speller: &mut Speller<'_>,
) -> plan::Union {
    let tagged = union.tag.is_some();
    if checked {
        import_validation(speller);
    }
    let mut counts: BTreeMap<&TypeId, usize> = BTreeMap::new();
    for id in union.variants.iter().filter_map(|variant| first(checks.system, variant)) {
        *counts.entry(id).or_default() += 1;
    }
    let variants: Vec<plan::UnionVariant> = union
        .variants
        .iter()
        .map(|variant| {
            let spelled = speller.spell(&variant.ty, Position::of(definition));
            let is_alone = first(checks.system, variant).is_some_and(|id| counts[id] == 1);
            let named = is_nominal(checks.system, &variant.ty);
            let lines = match checked && !union.ruled {
                true => checks.value(&variant.ty, &variant.constraints, 4),
                false => Vec::new(),
            };
            let tags: Vec<String> = variant.tags.iter().map(|tag| literal(tag)).collect();
            let ident = variant_ident(&variant.name);
            plan::UnionVariant {
                ty: if variant.recursive { format!("Box<{spelled}>") } else { spelled },
                doc: told_by(&variant.tags),
                read: match tagged {
                    true => format!("{ident}: {}", tags.join(" | ")),
                    false => ident.clone(),
                },
                from: named && is_alone && tagged && !variant.recursive,
                unchecked: lines.is_empty(),
                checks: lines,
                ident,
            }
        })
        .collect();
    let arms: Vec<String> = variants.iter().map(|variant| variant.read.clone()).collect();
    let head = match &union.tag {
        Some(tag) => format!("tagged!({name} by {} {{ ", literal(&tag.wire)),
        None => format!("untagged!({name} {{ "),
    };
    let otherwise = union.tag.as_ref().and_then(|tag| tag.otherwise.as_ref());
    let tail = match otherwise {
        Some(name) => format!(" }} else {});", variant_ident(name)),
        None => " });".to_owned(),
    };
    plan::Union {
        codec: spaced(bracketed(0, &head, &arms, &tail)),
        checked,
        by_variant: !union.ruled,
        rules: if checked { rule_checks(&definition.rules, "self", 2) } else { Vec::new() },
        variants,
    }
}
