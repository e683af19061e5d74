//! Definitions as items of the types module.

use std::collections::BTreeSet;

use super::{narrowing, plan};
use crate::emit::render::one_line;
use crate::emit::rust::{
    Checks, Field, Position, Presence, Speller, arm, bracketed, doc_lines, field_ident, literal,
    rule_checks, serde_camel_case, type_ident, variant_ident,
};
use crate::model::{
    Additional, Definition, Enumeration, Object, Property, Rule, Shape, System, Type, TypeId, Union,
};

/// Every named type, sorted by name.
pub(super) fn plan(
    system: &System,
    checked: &BTreeSet<TypeId>,
    speller: &mut Speller<'_>,
) -> Vec<plan::Item> {
    system
        .types
        .iter()
        .map(|(id, definition)| item(system, checked, speller, id, definition))
        .collect()
}

fn item(
    system: &System,
    checked: &BTreeSet<TypeId>,
    speller: &mut Speller<'_>,
    id: &TypeId,
    definition: &Definition,
) -> plan::Item {
    let position = Position::of(definition);
    let checks = Checks { system, checked, position };
    let is_checked = checked.contains(id);
    let ident = type_ident(&id.0);
    let docs = doc_lines(definition.description.as_deref());
    let mut item =
        plan::Item { ident, docs, object: None, enumeration: None, union: None, alias: None };
    match &definition.shape {
        Shape::Object(found) => {
            item.object = Some(object(found, definition, is_checked, &checks, speller));
        }
        Shape::Enumeration(found) => item.enumeration = Some(enumeration(found, speller)),
        Shape::Union(found) => {
            item.union = Some(union(found, &definition.rules, is_checked, &checks, speller))
        }
        Shape::Alias(ty, _) => {
            item.alias = Some(plan::Alias { ty: speller.spell(ty, position) });
        }
    }
    item
}

fn import_serde(speller: &mut Speller<'_>) {
    speller.import("serde::Deserialize");
    speller.import("serde::Serialize");
}

fn import_validation(speller: &mut Speller<'_>) {
    speller.import("symbolon_wire::Validate");
    speller.import("symbolon_wire::Violations");
}

fn object(
    object: &Object,
    definition: &Definition,
    checked: bool,
    checks: &Checks<'_>,
    speller: &mut Speller<'_>,
) -> plan::Object {
    import_serde(speller);
    let camel = object
        .properties
        .iter()
        .all(|property| serde_camel_case(&field_ident(&property.name)) == property.wire)
        // serde cuts a field's first byte off to make it lower case.
        && object.properties.iter().all(|property| property.wire.is_ascii());
    let changes = object.properties.iter().any(|found| field_ident(&found.name) != found.wire);
    let mut attributes = Vec::new();
    match (&object.additional, camel && changes) {
        (Additional::Denied, true) => {
            attributes.push("#[serde(rename_all = \"camelCase\", deny_unknown_fields)]".to_owned());
        }
        (Additional::Denied, false) => attributes.push("#[serde(deny_unknown_fields)]".to_owned()),
        (_, true) => attributes.push("#[serde(rename_all = \"camelCase\")]".to_owned()),
        (_, false) => {}
    }
    let mut lines = if checked { rule_checks(&definition.rules, "self", 2) } else { Vec::new() };
    let mut fields: Vec<plan::Field> = Vec::new();
    for property in &object.properties {
        let field = field(property, definition, camel, checks, speller);
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
    if let Additional::Kept(ty, limits) = &object.additional {
        let ident = free_ident(&fields);
        if checked {
            let inner = checks.kept(ty, limits, 2);
            if !inner.is_empty() {
                lines.push(format!("        let value = &self.{ident};"));
                lines.extend(inner);
            }
        }
        let spelled = speller.spell(ty, checks.position);
        speller.import("std::collections::BTreeMap");
        fields.push(plan::Field {
            ident,
            ty: format!("BTreeMap<String, {spelled}>"),
            docs: vec!["Members the contract does not name.".to_owned()],
            attributes: vec!["#[serde(flatten)]".to_owned()],
        });
    }
    if !lines.is_empty() {
        import_validation(speller);
    }
    let optional = object.properties.iter().all(|property| !property.required);
    let derives = if optional {
        "Debug, Clone, Default, PartialEq, Serialize, Deserialize"
    } else {
        "Debug, Clone, PartialEq, Serialize, Deserialize"
    };
    plan::Object { derives, attributes, fields, checks: lines }
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
    camel: bool,
    checks: &Checks<'_>,
    speller: &mut Speller<'_>,
) -> plan::Field {
    let ident = field_ident(&property.name);
    let mut spelled = speller.spell(property.ty.present(), checks.position);
    if property.recursive {
        spelled = format!("Box<{spelled}>");
    }
    let presence = Presence::of(&property.ty, property.required);
    let mut serde = Vec::new();
    let mut never_null = None;
    let renamed = if camel { serde_camel_case(&ident) } else { ident.clone() };
    if renamed != property.wire {
        serde.push(format!("rename = {}", literal(&property.wire)));
    }
    let ty = match presence {
        Presence::Required => spelled,
        Presence::Optional if property.required => {
            serde.push("deserialize_with = \"Option::deserialize\"".to_owned());
            format!("Option<{spelled}>")
        }
        Presence::Optional => {
            if definition.in_requests && property.ty != Type::Any {
                serde.push("default".to_owned());
                serde.push("deserialize_with = \"symbolon_wire::present\"".to_owned());
                never_null = Some(spelled.as_str());
            }
            serde.push("skip_serializing_if = \"Option::is_none\"".to_owned());
            format!("Option<{spelled}>")
        }
        Presence::OptionalNullable => {
            serde.push("default".to_owned());
            serde.push("deserialize_with = \"symbolon_wire::nullable\"".to_owned());
            serde.push("skip_serializing_if = \"Option::is_none\"".to_owned());
            format!("Option<Option<{spelled}>>")
        }
    };
    let mut attributes = Vec::new();
    if !serde.is_empty() {
        attributes.push(bracketed(4, "#[serde(", &serde, ")]"));
    }
    attributes.extend(narrowing::attribute(checks.system, property, never_null));
    let docs = doc_lines(property.description.as_deref());
    plan::Field { ident, ty, docs, attributes }
}

fn enumeration(enumeration: &Enumeration, speller: &mut Speller<'_>) -> plan::Enumeration {
    import_serde(speller);
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
            let mut docs = doc_lines(value.description.as_deref());
            if docs.is_empty() {
                docs.push(format!("`{}`.", one_line(&value.wire)));
            }
            let renamed = ident != value.wire;
            let mut attributes = Vec::new();
            if single {
                attributes.push("#[default]".to_owned());
            }
            if renamed {
                attributes.push(format!("#[serde(rename = {})]", literal(&value.wire)));
            }
            plan::EnumerationVariant { wire: literal(&value.wire), docs, attributes, ident }
        })
        .collect();
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
        derives: match single {
            true => {
                "\n    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, \
                 Serialize, Deserialize,\n"
            }
            false => {
                "Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize"
            }
        },
        all: all(&variants),
        variants,
        lifecycle: lifecycle.is_some(),
        initial: lifecycle.map(|found| ident_of(&found.initial)).unwrap_or_default(),
        transitions,
    }
}

fn all(variants: &[plan::EnumerationVariant]) -> String {
    let names: Vec<String> =
        variants.iter().map(|variant| format!("Self::{}", variant.ident)).collect();
    bracketed(4, &format!("pub const ALL: [Self; {}] = [", names.len()), &names, "];")
}

/// Whether a type is one of its own: an alias is the type it stands for.
pub(in crate::emit) fn is_nominal(system: &System, ty: &Type) -> bool {
    let Type::Named(id) = ty else { return false };
    !matches!(system.definition(id).shape, Shape::Alias(..))
}

/// What a variant's doc comment says: the values of the tag, where there are any to show.
fn told_by(tags: &[String]) -> Option<String> {
    let shown: Vec<String> =
        tags.iter().filter(|tag| !tag.is_empty()).map(|tag| format!("`{tag}`")).collect();
    (!shown.is_empty()).then(|| one_line(&format!("Told by {}.", shown.join(", "))))
}

fn union(
    union: &Union,
    rules: &[Rule],
    checked: bool,
    checks: &Checks<'_>,
    speller: &mut Speller<'_>,
) -> plan::Union {
    import_serde(speller);
    let tagged = union.tag.is_some();
    if tagged {
        speller.import("serde::Deserializer");
        speller.import("serde::Serializer");
        speller.import("symbolon_wire::Tagged");
    }
    if checked {
        import_validation(speller);
    }
    let known: Vec<String> =
        union.variants.iter().flat_map(|variant| &variant.tags).map(|tag| literal(tag)).collect();
    let variants: Vec<plan::UnionVariant> = union
        .variants
        .iter()
        .map(|variant| {
            let spelled = speller.spell(&variant.ty, checks.position);
            let count = union.variants.iter().filter(|other| other.ty == variant.ty).count();
            let named = is_nominal(checks.system, &variant.ty);
            let lines = match checked {
                true => checks.value(&variant.ty, &variant.constraints, 4),
                false => Vec::new(),
            };
            let tags: Vec<String> = variant.tags.iter().map(|tag| literal(tag)).collect();
            let ident = variant_ident(&variant.name);
            plan::UnionVariant {
                ty: if variant.recursive { format!("Box<{spelled}>") } else { spelled },
                doc: told_by(&variant.tags),
                read: arm(
                    12,
                    &tags.join(" | "),
                    &format!("symbolon_wire::variant(found.value).map(Self::{ident})"),
                ),
                from: named && count == 1 && tagged && !variant.recursive,
                unchecked: lines.is_empty(),
                checks: lines,
                ident,
            }
        })
        .collect();
    plan::Union {
        derives: if tagged {
            "Debug, Clone, PartialEq"
        } else {
            "Debug, Clone, PartialEq, Serialize, Deserialize"
        },
        untagged: !tagged,
        tagged,
        property: union.tag.as_ref().map(|tag| literal(&tag.wire)).unwrap_or_default(),
        known: known.join(", "),
        checked,
        rules: if checked { rule_checks(rules, "self", 2) } else { Vec::new() },
        variants,
    }
}
