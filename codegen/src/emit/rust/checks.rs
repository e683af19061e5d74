//! Constraints as calls to the collecting validator of `symbolon_wire`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::idents::literal;
use super::rules::{format_ident, predicate};
use super::types::{Position, is_open};
use crate::model::{
    Additional, Bound, Constraints, Definition, Number, Rule, Scalar, Shape, System, Type, TypeId,
};

/// Writes checks of values.
pub(crate) struct Checks<'a> {
    pub(crate) system: &'a System,
    pub(crate) checked: &'a BTreeSet<TypeId>,
    /// Where enumerations stand, whose other values are refused where they are open.
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
        if self.is_validated(field.ty, field.constraints) {
            let line = format!("at.valid({}, &self.{});", literal(field.wire), field.ident);
            return indented(vec![line], indent);
        }
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

    /// Whether all there is to check of a value is what its type checks of itself.
    pub(crate) fn is_validated(&self, ty: &Type, limits: &Constraints) -> bool {
        let none = Constraints::default();
        limits.is_empty()
            && match ty {
                Type::List(inner) | Type::Map(inner) | Type::Nullable(inner) => {
                    self.is_validated(inner, &none)
                }
                Type::Named(id) => match &self.system.definition(id).shape {
                    Shape::Alias(ty, limits) => self.is_validated(ty, limits),
                    Shape::Enumeration(_) => {
                        self.position == Position::Open && is_open(self.system, id)
                    }
                    Shape::Object(_) | Shape::Union(_) => self.checked.contains(id),
                },
                Type::Scalar(_) | Type::Tuple(_) | Type::Problem | Type::Any => false,
            }
    }

    /// Lines that check `value`, a reference to a value of this type.
    pub(crate) fn value(&self, ty: &Type, limits: &Constraints, indent: usize) -> Vec<String> {
        let mut lines = match ty {
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
            Type::Tuple(elements) => self.positions(elements, limits, indent),
            Type::Map(value) => {
                let mut lines = indented(counts("Properties", limits), indent);
                lines.extend(names(limits, indent));
                lines.extend(self.elements("entries", value, limits, indent));
                lines
            }
            Type::Named(id) => self.named(id, indent),
            Type::Nullable(inner) => {
                let lines = self.value(inner, limits, indent + 1);
                if lines.is_empty() {
                    return lines;
                }
                return wrapped("if let Some(value) = value {".to_owned(), lines, indent);
            }
            Type::Problem | Type::Any => Vec::new(),
        };
        lines.extend(rule_checks(&limits.rules, "value", indent));
        lines
    }

    fn positions(&self, elements: &[Type], limits: &Constraints, indent: usize) -> Vec<String> {
        let none = Constraints::default();
        let mut lines = Vec::new();
        for (index, ty) in elements.iter().enumerate() {
            let inner = self.value(ty, limits.positions.get(index).unwrap_or(&none), indent + 1);
            if !inner.is_empty() {
                let head = format!("at.member({index}, &value.{index}, |value, at| {{");
                lines.extend(wrapped(head, inner, indent));
            }
        }
        lines
    }

    /// Lines that check the members of an object that are kept, named by its own field.
    pub(crate) fn kept(&self, ty: &Type, limits: &Constraints, indent: usize) -> Vec<String> {
        let mut lines = names(limits, indent);
        let inner = self.value(ty, limits, indent + 1);
        if !inner.is_empty() {
            lines.extend(wrapped("at.entries(value, |value, at| {".to_owned(), inner, indent));
        }
        lines
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
    let sent = system.types.iter().filter(|(_, definition)| definition.held);
    let mut holders: BTreeMap<&TypeId, Vec<(&TypeId, &Definition)>> = BTreeMap::new();
    let mut checked: BTreeSet<TypeId> = BTreeSet::new();
    let mut waiting: Vec<&TypeId> = Vec::new();
    for (id, definition) in sent {
        definition.shape.each_name(&mut |held| {
            holders.entry(held).or_default().push((id, definition));
        });
        if has_checks(system, definition, &checked) {
            waiting.push(id);
        }
    }
    while let Some(id) = waiting.pop() {
        if !checked.insert(id.clone()) {
            continue;
        }
        for (holder, definition) in holders.get(id).into_iter().flatten() {
            if !checked.contains(*holder) && has_checks(system, definition, &checked) {
                waiting.push(holder);
            }
        }
    }
    checked
}

fn has_checks(system: &System, definition: &Definition, checked: &BTreeSet<TypeId>) -> bool {
    let checks = Checks { system, checked, position: Position::checking(definition) };
    let any = |ty: &Type, limits: &Constraints| !checks.value(ty, limits, 0).is_empty();
    let held = match &definition.shape {
        Shape::Object(object) => {
            let kept = match &object.additional {
                Additional::Kept(ty, limits) => !checks.kept(ty, limits, 0).is_empty(),
                Additional::Ignored | Additional::Denied => false,
            };
            kept || object.properties.iter().any(|found| any(&found.ty, &found.constraints))
        }
        Shape::Union(union) => {
            let mut variants = union.variants.iter();
            !union.ruled && variants.any(|variant| any(&variant.ty, &variant.constraints))
        }
        Shape::Alias(ty, constraints) => any(ty, constraints),
        // Its values are held against its rules where it is used.
        Shape::Enumeration(_) => return false,
    };
    held || !definition.rules.is_empty()
}

/// Lines that hold a value against rules.
pub(crate) fn rule_checks(rules: &[Rule], value: &str, indent: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for rule in rules {
        let head = format!("at.rule({value}, {}, symbolon_wire::rule!(", literal(rule.keyword));
        lines.extend(indented(vec![head], indent));
        lines.extend(indented(predicate(&rule.predicate), indent + 1));
        lines.extend(indented(vec!["));".to_owned()], indent));
    }
    lines
}

fn scalar_checks(scalar: Scalar, limits: &Constraints) -> Vec<String> {
    match scalar {
        Scalar::Text => text_checks("value", limits),
        Scalar::Int8 => integer_checks(limits, i128::from(i8::MIN), i128::from(i8::MAX)),
        Scalar::Int16 => integer_checks(limits, i128::from(i16::MIN), i128::from(i16::MAX)),
        Scalar::Int32 => integer_checks(limits, i128::from(i32::MIN), i128::from(i32::MAX)),
        Scalar::Int64 => integer_checks(limits, i128::from(i64::MIN), i128::from(i64::MAX)),
        Scalar::Uint8 => integer_checks(limits, 0, i128::from(u8::MAX)),
        Scalar::Uint16 => integer_checks(limits, 0, i128::from(u16::MAX)),
        Scalar::Uint32 => integer_checks(limits, 0, i128::from(u32::MAX)),
        Scalar::Uint64 => integer_checks(limits, 0, i128::from(u64::MAX)),
        Scalar::Float => real_checks(single(limits), limits),
        Scalar::Double => real_checks("*value", limits),
        Scalar::Boolean => listed("*value", limits, Value::as_bool).into_iter().collect(),
        // What these are written as is what their keywords speak of.
        Scalar::Date | Scalar::Decimal | Scalar::Base64 | Scalar::Uuid => {
            text_checks("&value.to_string()", limits)
        }
        Scalar::Null | Scalar::DateTime | Scalar::Binary => Vec::new(),
    }
}

fn text_checks(value: &str, limits: &Constraints) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(length) = limits.min_length {
        lines.push(format!("at.min_length({value}, {length});"));
    }
    if let Some(length) = limits.max_length {
        lines.push(format!("at.max_length({value}, {length});"));
    }
    for pattern in &limits.patterns {
        lines.push(format!("at.pattern({value}, symbolon_wire::pattern!({}));", literal(pattern)));
    }
    if let Some(format) = limits.format {
        lines.push(format!("at.format({value}, symbolon_wire::Format::{});", format_ident(format)));
    }
    let texts: Vec<String> =
        limits.listed.iter().filter_map(|value| value.as_str()).map(literal).collect();
    if !limits.listed.is_empty() {
        lines.push(format!("at.one_of_texts({value}, &[{}]);", texts.join(", ")));
    }
    lines
}

/// Checks of an integer whose type holds everything from the lowest to the highest.
fn integer_checks(limits: &Constraints, lowest: i128, highest: i128) -> Vec<String> {
    let mut lines = Vec::new();
    let sides = [(limits.minimum, "minimum", "above"), (limits.maximum, "maximum", "below")];
    for ((bound, inclusive, exclusive), is_lower) in sides.into_iter().zip([true, false]) {
        let Some(Bound { value, exclusive: outside }) = bound else { continue };
        let (whole, outside) = match value {
            Number::Integer(whole) => (whole, outside),
            Number::Real(real) if is_lower => (real.ceil() as i128, false),
            Number::Real(real) => (real.floor() as i128, false),
        };
        let check = if outside { exclusive } else { inclusive };
        let says_nothing = match (is_lower, outside) {
            (true, false) => whole <= lowest,
            (true, true) => whole < lowest,
            (false, false) => whole >= highest,
            (false, true) => whole > highest,
        };
        if (lowest..=highest).contains(&whole) && !says_nothing {
            lines.push(format!("at.{check}(*value, {whole});"));
        } else if !says_nothing {
            lines.push(format!("at.{check}(i128::from(*value), {whole});"));
        }
    }
    for divisor in &limits.multiples {
        match divisor {
            Number::Integer(1) => {}
            Number::Integer(whole) => {
                lines.push(format!("at.multiple_of(*value, {whole});"));
            }
            Number::Real(real) => {
                lines.push(format!("at.multiple_of_real(*value, {real:?});"));
            }
        }
    }
    let whole = |value: &Value| match Number::of(value) {
        Some(Number::Integer(whole)) if (lowest..=highest).contains(&whole) => Some(whole),
        Some(_) | None => None,
    };
    lines.extend(listed("*value", limits, whole));
    lines
}

/// A value of single precision, as it is or, beside bounds it cannot hold, as a double.
fn single(limits: &Constraints) -> &'static str {
    let bounds = [limits.minimum, limits.maximum].into_iter().flatten();
    let mut values = bounds.map(|bound| bound.value.as_f64());
    match values.all(|value| value.abs() < f64::from(f32::MAX)) {
        true => "*value",
        false => "f64::from(*value)",
    }
}

fn real_checks(value: &str, limits: &Constraints) -> Vec<String> {
    let mut lines = Vec::new();
    let sides = [(limits.minimum, "minimum", "above"), (limits.maximum, "maximum", "below")];
    for (bound, inclusive, exclusive) in sides {
        let Some(bound) = bound else { continue };
        let check = if bound.exclusive { exclusive } else { inclusive };
        lines.push(format!("at.{check}({value}, {:?});", bound.value.as_f64()));
    }
    for divisor in &limits.multiples {
        lines.push(format!("at.multiple_of_real(*value, {:?});", divisor.as_f64()));
    }
    let real = |value: &Value| value.as_f64().map(|real| format!("{real:?}"));
    lines.extend(listed(value, limits, real));
    lines
}

/// The check that a value is among those listed, of which only some can be of its type.
fn listed<T: ToString>(
    value: &str,
    limits: &Constraints,
    spell: impl Fn(&Value) -> Option<T>,
) -> Option<String> {
    let spelled: Vec<String> =
        limits.listed.iter().filter_map(spell).map(|value| value.to_string()).collect();
    let some = !limits.listed.is_empty();
    some.then(|| format!("at.one_of({value}, &[{}]);", spelled.join(", ")))
}

fn names(limits: &Constraints, indent: usize) -> Vec<String> {
    let Some(names) = &limits.names else { return Vec::new() };
    let mut inner = indented(text_checks("value", names), indent + 1);
    inner.extend(rule_checks(&names.rules, "value", indent + 1));
    if inner.is_empty() {
        return inner;
    }
    wrapped("at.names(value, |value, at| {".to_owned(), inner, indent)
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
