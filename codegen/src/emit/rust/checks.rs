//! Constraints as calls to the collecting validator of `symbolon_wire`.

use std::collections::BTreeSet;

use super::idents::literal;
use super::types::{Position, is_open};
use crate::model::{
    Additional, Bound, Constraints, Definition, Scalar, Shape, System, Type, TypeId,
};

/// Writes checks of values.
pub(crate) struct Checks<'a> {
    pub(crate) system: &'a System,
    pub(crate) checked: &'a BTreeSet<TypeId>,
    pub(crate) position: Position,
}

/// How a field can be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Always there.
    Required,
    /// `Option`.
    Optional,
    /// `Option<Option>`.
    OptionalNullable,
}

impl Presence {
    /// The presence of a value of this type.
    pub(crate) fn of(ty: &Type, required: bool) -> Self {
        match (required, ty.is_nullable()) {
            (true, false) => Self::Required,
            (true, true) | (false, false) => Self::Optional,
            (false, true) => Self::OptionalNullable,
        }
    }
}

/// A field to be checked.
pub(crate) struct Field<'f> {
    pub(crate) wire: &'f str,
    pub(crate) ident: &'f str,
    pub(crate) ty: &'f Type,
    pub(crate) constraints: &'f Constraints,
    pub(crate) presence: Presence,
}

impl Checks<'_> {
    /// Lines that check one field of `self`; none if nothing can be wrong with it.
    pub(crate) fn field(&self, field: &Field<'_>, indent: usize) -> Vec<String> {
        let inner = self.value(field.ty.present(), field.constraints, indent + 1);
        if inner.is_empty() {
            return Vec::new();
        }
        let enter = match field.presence {
            Presence::Required => "member",
            Presence::Optional => "optional",
            Presence::OptionalNullable => "nullable",
        };
        let head =
            format!("at.{enter}({}, &self.{}, |value, at| {{", literal(field.wire), field.ident);
        wrapped(head, inner, indent)
    }

    /// Lines that check `value`, a reference to a value of this type.
    pub(crate) fn value(&self, ty: &Type, limits: &Constraints, indent: usize) -> Vec<String> {
        match ty {
            Type::Scalar(scalar) => indented(scalar_checks(*scalar, limits), indent),
            Type::List(item) => {
                let mut lines = counts("Items", limits);
                if limits.unique {
                    lines.push("at.unique(value);".to_owned());
                }
                let mut lines = indented(lines, indent);
                lines.extend(self.elements("each", item, limits, indent));
                lines
            }
            Type::Map(value) => {
                let mut lines = indented(counts("Properties", limits), indent);
                if let Some(names) = &limits.names {
                    let inner = indented(text_checks(names), indent + 1);
                    lines.extend(wrapped("at.names(value, |value, at| {".into(), inner, indent));
                }
                lines.extend(self.elements("entries", value, limits, indent));
                lines
            }
            Type::Named(id) => self.named(id, indent),
            Type::Nullable(inner) => {
                let lines = self.value(inner, limits, indent + 1);
                if lines.is_empty() {
                    return lines;
                }
                wrapped("if let Some(value) = value {".to_owned(), lines, indent)
            }
            Type::Problem | Type::Any => Vec::new(),
        }
    }

    fn elements(&self, each: &str, ty: &Type, limits: &Constraints, indent: usize) -> Vec<String> {
        let none = Constraints::default();
        let inner = self.value(ty, limits.each.as_deref().unwrap_or(&none), indent + 1);
        if inner.is_empty() {
            return inner;
        }
        wrapped(format!("at.{each}(value, |value, at| {{"), inner, indent)
    }

    fn named(&self, id: &TypeId, indent: usize) -> Vec<String> {
        let validate = || indented(vec!["value.validate(at);".to_owned()], indent);
        match &self.system.definition(id).shape {
            // An alias is no type of its own: its checks stand where it is used.
            Shape::Alias(ty, limits) => self.value(ty, limits, indent),
            Shape::Enumeration(_) => match self.position {
                Position::Open if is_open(self.system, id) => validate(),
                Position::Open | Position::Closed => Vec::new(),
            },
            Shape::Object(_) | Shape::Union(_) => {
                if self.checked.contains(id) {
                    validate()
                } else {
                    Vec::new()
                }
            }
        }
    }
}

/// The named types whose values can violate a constraint, directly or through what they hold.
pub(crate) fn holds_checks(system: &System) -> BTreeSet<TypeId> {
    let mut checked: BTreeSet<TypeId> = BTreeSet::new();
    loop {
        let found: Vec<TypeId> = system
            .types
            .iter()
            .filter(|(id, definition)| definition.in_requests && !checked.contains(id))
            .filter(|(_, definition)| has_checks(system, definition, &checked))
            .map(|(id, _)| id.clone())
            .collect();
        if found.is_empty() {
            return checked;
        }
        checked.extend(found);
    }
}

fn has_checks(system: &System, definition: &Definition, checked: &BTreeSet<TypeId>) -> bool {
    let checks = Checks { system, checked, position: Position::of(definition) };
    let none = Constraints::default();
    let any = |ty: &Type, limits: &Constraints| !checks.value(ty, limits, 0).is_empty();
    match &definition.shape {
        Shape::Object(object) => {
            let kept = match &object.additional {
                Additional::Kept(ty) => any(ty, &none),
                Additional::Ignored | Additional::Denied => false,
            };
            kept || object.properties.iter().any(|found| any(&found.ty, &found.constraints))
        }
        Shape::Union(union) => union.variants.iter().any(|variant| any(&variant.ty, &none)),
        Shape::Alias(ty, constraints) => any(ty, constraints),
        Shape::Enumeration(_) => false,
    }
}

fn scalar_checks(scalar: Scalar, limits: &Constraints) -> Vec<String> {
    match scalar {
        Scalar::Text => text_checks(limits),
        Scalar::Int32 => integer_checks(limits, f64::from(i32::MIN), f64::from(i32::MAX)),
        Scalar::Uint32 => integer_checks(limits, 0.0, f64::from(u32::MAX)),
        Scalar::Int64 => integer_checks(limits, I64_MIN, I64_MAX),
        Scalar::Uint64 => integer_checks(limits, 0.0, I64_MAX),
        Scalar::Float | Scalar::Double => {
            bounds(limits, |bound| Some(format!("{:?}", bound.value)))
        }
        Scalar::Boolean | Scalar::DateTime | Scalar::Date | Scalar::Uuid | Scalar::Binary => {
            Vec::new()
        }
    }
}

/// Bounds past what a double holds exactly are the type's own.
const I64_MIN: f64 = -9_007_199_254_740_992.0;
const I64_MAX: f64 = 9_007_199_254_740_992.0;

fn text_checks(limits: &Constraints) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(length) = limits.min_length {
        lines.push(format!("at.min_length(value, {length});"));
    }
    if let Some(length) = limits.max_length {
        lines.push(format!("at.max_length(value, {length});"));
    }
    if let Some(pattern) = &limits.pattern {
        lines.push(format!("at.pattern(value, symbolon_wire::pattern!({}));", literal(pattern)));
    }
    lines
}

fn integer_checks(limits: &Constraints, lowest: f64, highest: f64) -> Vec<String> {
    let mut lines = bounds(limits, |bound| {
        let inside = bound.value > lowest && bound.value < highest;
        (inside && bound.value.fract() == 0.0).then(|| format!("{:.0}", bound.value))
    });
    if let Some(divisor) = limits.multiple_of.filter(|divisor| (*divisor as f64) < highest) {
        lines.push(format!("at.multiple_of(*value, {divisor});"));
    }
    if !limits.integers.is_empty() {
        let listed: Vec<String> = limits.integers.iter().map(i64::to_string).collect();
        lines.push(format!("at.one_of(*value, &[{}]);", listed.join(", ")));
    }
    lines
}

fn bounds(limits: &Constraints, spell: impl Fn(Bound) -> Option<String>) -> Vec<String> {
    let mut lines = Vec::new();
    let sides = [(limits.minimum, "minimum", "above"), (limits.maximum, "maximum", "below")];
    for (bound, inclusive, exclusive) in sides {
        let Some(bound) = bound else { continue };
        let Some(text) = spell(bound) else { continue };
        let check = if bound.exclusive { exclusive } else { inclusive };
        lines.push(format!("at.{check}(*value, {text});"));
    }
    lines
}

fn counts(what: &str, limits: &Constraints) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(count) = limits.min_count {
        lines.push(format!("at.min_count(\"min{what}\", value.len(), {count});"));
    }
    if let Some(count) = limits.max_count {
        lines.push(format!("at.max_count(\"max{what}\", value.len(), {count});"));
    }
    lines
}

fn wrapped(head: String, inner: Vec<String>, indent: usize) -> Vec<String> {
    let tail = if head.ends_with("|value, at| {") { "});" } else { "}" };
    let mut lines = indented(vec![head], indent);
    lines.extend(inner);
    lines.extend(indented(vec![tail.to_owned()], indent));
    lines
}

fn indented(lines: Vec<String>, indent: usize) -> Vec<String> {
    lines.into_iter().map(|line| format!("{}{line}", "    ".repeat(indent))).collect()
}
