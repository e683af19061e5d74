//! Places that any JSON fits, and why: what the contract leaves open, and what no type can say.

use serde_json::Value;

use super::all_of::is_prose;
use super::rules::prefix;
use super::type_names;
use crate::diagnostic::Kind;
use crate::model::{Additional, Shape, Type};
use crate::resolve::Scope;
use crate::source::Cursor;

impl<'a> Scope<'a> {
    /// Notes a place that any JSON fits.
    pub(in crate::resolve) fn untyped(&mut self, at: &Cursor<'a>, why: &str) {
        self.report(at, Kind::Untyped { why: why.to_owned() });
    }

    /// Notes what a schema leaves open; what schemas inside of it do is noted at theirs.
    pub(super) fn note_untyped(&mut self, at: &Cursor<'a>, shape: &Shape) {
        if let Some(why) = why(at, shape) {
            self.untyped(at, why);
        }
    }
}

fn why(at: &Cursor<'_>, shape: &Shape) -> Option<&'static str> {
    match shape {
        Shape::Alias(ty, _) => of_type(at, ty),
        Shape::Union(union) if type_names(at).len() > 1 => {
            union.variants.iter().find_map(|variant| of_type(at, &variant.ty))
        }
        Shape::Object(object) => match &object.additional {
            Additional::Kept(Type::Any, _) => of_members(at),
            Additional::Kept(..) | Additional::Ignored | Additional::Denied => None,
        },
        Shape::Union(_) | Shape::Enumeration(_) => None,
    }
}

fn of_type(at: &Cursor<'_>, ty: &Type) -> Option<&'static str> {
    let is_any = |inner: &Type| inner.present() == &Type::Any;
    match ty.present() {
        Type::Any => Some(of_any(at)),
        Type::List(item) if is_any(item) => match at.get("items").filter(|it| it.value.is_object())
        {
            _ if prefix(at).is_some() => Some("its elements are of several types"),
            Some(_) => None,
            None => Some("nothing is said of its elements"),
        },
        Type::Map(member) if is_any(member) => of_members(at),
        Type::Scalar(_)
        | Type::List(_)
        | Type::Map(_)
        | Type::Tuple(_)
        | Type::Named(_)
        | Type::Nullable(_)
        | Type::Problem => None,
    }
}

fn of_any(at: &Cursor<'_>) -> &'static str {
    match at.value {
        Value::Bool(false) => "no value is allowed here",
        Value::Bool(true) => "the contract says nothing of it",
        Value::Object(_) if at.reference().is_some() => "nothing is said where its reference leads",
        Value::Object(schema) if schema.keys().all(|key| is_prose(key)) => {
            "the contract says nothing of it"
        }
        Value::Object(_) => "no keyword says of what type it is",
        Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => "it is no schema",
    }
}

/// Why members have no type; nothing if a schema of their own leaves it open.
fn of_members(at: &Cursor<'_>) -> Option<&'static str> {
    let said = |keyword: &str| at.value.get(keyword).is_some_and(Value::is_object);
    if said("additionalProperties") || said("unevaluatedProperties") {
        return None;
    }
    Some(match said("patternProperties") {
        true => "the types of its members hang on their names",
        false if at.get("properties").is_some() => "nothing is said of its other members",
        false => "nothing is said of its members",
    })
}
