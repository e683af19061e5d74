//! What absent values stand for, as methods of what holds them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::idents::{doc_lines, literal, type_ident, variant_ident};
use super::types::{Position, Speller, is_open};
use crate::model::{Scalar, Shape, System, Type};

/// A field that may be absent.
pub(crate) struct Absent<'f> {
    pub(crate) ident: &'f str,
    pub(crate) ty: &'f Type,
    pub(crate) default: &'f Value,
}

/// A method for each field whose default a literal spells, as lines.
pub(crate) fn methods(
    fields: &[Absent<'_>],
    position: Position,
    indent: usize,
    speller: &mut Speller<'_>,
) -> Vec<String> {
    let pad = "    ".repeat(indent);
    let mut taken = BTreeSet::new();
    let mut lines = Vec::new();
    for field in fields {
        let stem = field.ident.trim_start_matches("r#").trim_end_matches('_');
        let Some((ty, value)) = spelled(field, position, speller) else { continue };
        if !taken.insert(stem) {
            continue;
        }
        lines.push(format!("{pad}pub fn {stem}_or_default(&self) -> {ty} {{"));
        lines.push(format!("{pad}    self.{}{value}", field.ident));
        lines.push(format!("{pad}}}"));
    }
    lines
}

/// The sentence of a doc comment that says what an absent value stands for.
fn sentence(default: &Value) -> Option<String> {
    let text = default.to_string();
    (text.len() <= LONGEST && !text.contains('`')).then(|| format!("Absent, it is `{text}`."))
}

/// Prose, and what an absent value stands for.
pub(crate) fn documented(prose: Option<&str>, default: Option<&Value>) -> Vec<String> {
    let mut lines = doc_lines(prose);
    lines.extend(default.and_then(sentence));
    lines
}

/// The longest default that is shown.
const LONGEST: usize = 60;

fn spelled(
    field: &Absent<'_>,
    position: Position,
    speller: &mut Speller<'_>,
) -> Option<(String, String)> {
    // An explicit `null` is not absent.
    if field.ty.is_nullable() {
        return None;
    }
    let system = speller.system();
    match resolved(system, field.ty)? {
        Type::Scalar(Scalar::Text) => {
            let text = literal(field.default.as_str()?);
            Some(("&str".to_owned(), format!(".as_deref().unwrap_or({text})")))
        }
        Type::Scalar(scalar) => {
            let value = match scalar {
                Scalar::Boolean => field.default.as_bool()?.to_string(),
                Scalar::Float | Scalar::Double => format!("{:?}", field.default.as_f64()?),
                Scalar::Int8 => i8::try_from(field.default.as_i64()?).ok()?.to_string(),
                Scalar::Int16 => i16::try_from(field.default.as_i64()?).ok()?.to_string(),
                Scalar::Int32 => i32::try_from(field.default.as_i64()?).ok()?.to_string(),
                Scalar::Int64 => field.default.as_i64()?.to_string(),
                Scalar::Uint8 => u8::try_from(field.default.as_u64()?).ok()?.to_string(),
                Scalar::Uint16 => u16::try_from(field.default.as_u64()?).ok()?.to_string(),
                Scalar::Uint32 => u32::try_from(field.default.as_u64()?).ok()?.to_string(),
                Scalar::Uint64 => field.default.as_u64()?.to_string(),
                Scalar::Null
                | Scalar::Text
                | Scalar::DateTime
                | Scalar::Date
                | Scalar::Uuid
                | Scalar::Decimal
                | Scalar::Base64
                | Scalar::Binary => return None,
            };
            Some((speller.spell(field.ty, position), format!(".unwrap_or({value})")))
        }
        Type::Named(id) => {
            let Shape::Enumeration(found) = &system.definition(id).shape else { return None };
            let text = field.default.as_str()?;
            let value = found.values.iter().find(|value| value.wire == text)?;
            let spelled = speller.spell(field.ty, position);
            let ident = type_ident(&id.0);
            let path = spelled.trim_start_matches("Open<").trim_end_matches('>').to_owned();
            let own = if path.ends_with(&ident) { path } else { return None };
            let value = format!("{own}::{}", variant_ident(&value.name));
            Some(match position == Position::Open && is_open(system, id) {
                true => (spelled, format!(".clone().unwrap_or_else(|| {value}.into())")),
                false => (spelled, format!(".unwrap_or({value})")),
            })
        }
        Type::List(_)
        | Type::Map(_)
        | Type::Tuple(_)
        | Type::Nullable(_)
        | Type::Problem
        | Type::Any => None,
    }
}

/// The type behind aliases; nothing where one of them may be `null`.
fn resolved<'s>(system: &'s System, ty: &'s Type) -> Option<&'s Type> {
    let mut ty = ty;
    while let Type::Named(id) = ty {
        match &system.definition(id).shape {
            Shape::Alias(inner, _) if inner.is_nullable() => return None,
            Shape::Alias(inner, _) => ty = inner,
            Shape::Object(_) | Shape::Enumeration(_) | Shape::Union(_) => break,
        }
    }
    Some(ty)
}
