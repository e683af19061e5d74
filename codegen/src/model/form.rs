//! What the members of a form are, where each of them says it by itself.

use std::collections::BTreeMap;

use super::{Additional, BodyKind, Definition, Offer, Scalar, Shape, Style, Type, TypeId};

/// What one value of a member is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// Text, as it came.
    Text,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A JSON document.
    Json,
    /// Raw bytes.
    File,
}

/// A member of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name on the wire.
    pub wire: String,
    /// What it, or each of it, is.
    pub value: Value,
    /// Whether it is a list, each of which has the name of the member.
    pub is_list: bool,
}

/// The members of a form whose values can be told without looking at any other: none where one
/// nests, may be several things, or is spelled as parameters are.
pub fn members(types: &BTreeMap<TypeId, Definition>, offer: &Offer) -> Option<Vec<Member>> {
    let mut ty = offer.ty.present();
    let object = loop {
        let Type::Named(id) = ty else { return None };
        match &types.get(id)?.shape {
            // Whatever else may be there cannot be told.
            Shape::Object(object) if matches!(object.additional, Additional::Kept(..)) => {
                return None;
            }
            Shape::Object(object) => break object,
            Shape::Alias(inner, _) => ty = inner.present(),
            Shape::Enumeration(_) | Shape::Union(_) => return None,
        }
    };
    let member = |property: &super::Property| {
        let part = offer.parts.iter().find(|part| part.wire == property.wire);
        let is_json = part.is_some_and(|part| match offer.kind {
            BodyKind::Form => part.style == Some(Style::Json),
            BodyKind::Multipart => part.media_types.iter().any(|found| found.contains("json")),
            BodyKind::Json | BodyKind::Parts | BodyKind::Text | BodyKind::Bytes => false,
        });
        let wire = property.wire.clone();
        if is_json {
            return Some(Member { wire, value: Value::Json, is_list: false });
        }
        if part.is_some_and(|part| part.style.is_some() || part.explode.is_some()) {
            return None;
        }
        let (ty, is_list) = match types_of_list(types, &property.ty) {
            Some(item) => (item, true),
            None => (&property.ty, false),
        };
        Some(Member { wire, value: value(types, offer.kind, ty)?, is_list })
    };
    object.properties.iter().map(member).collect()
}

/// The type of the elements of a list.
fn types_of_list<'t>(types: &'t BTreeMap<TypeId, Definition>, ty: &'t Type) -> Option<&'t Type> {
    match ty.present() {
        Type::List(item) => Some(item),
        Type::Named(id) => match &types.get(id)?.shape {
            Shape::Alias(inner, _) => types_of_list(types, inner),
            Shape::Object(_) | Shape::Enumeration(_) | Shape::Union(_) => None,
        },
        Type::Scalar(_)
        | Type::Map(_)
        | Type::Tuple(_)
        | Type::Nullable(_)
        | Type::Problem
        | Type::Any => None,
    }
}

fn value(types: &BTreeMap<TypeId, Definition>, kind: BodyKind, ty: &Type) -> Option<Value> {
    // Parts that are objects travel as JSON.
    let nested = (kind == BodyKind::Multipart).then_some(Value::Json);
    match ty.present() {
        Type::Scalar(scalar) => match scalar {
            Scalar::Null => None,
            Scalar::Boolean => Some(Value::Boolean),
            Scalar::Int8
            | Scalar::Int16
            | Scalar::Int32
            | Scalar::Int64
            | Scalar::Uint8
            | Scalar::Uint16
            | Scalar::Uint32
            | Scalar::Uint64
            | Scalar::Float
            | Scalar::Double => Some(Value::Number),
            Scalar::Text
            | Scalar::DateTime
            | Scalar::Date
            | Scalar::Uuid
            | Scalar::Decimal
            | Scalar::Base64 => Some(Value::Text),
            Scalar::Binary => (kind == BodyKind::Multipart).then_some(Value::File),
        },
        Type::Named(id) => match &types.get(id)?.shape {
            Shape::Enumeration(_) => Some(Value::Text),
            Shape::Object(_) => nested,
            Shape::Alias(inner, _) => value(types, kind, inner),
            Shape::Union(_) => None,
        },
        Type::Map(_) => nested,
        Type::List(_) | Type::Tuple(_) | Type::Nullable(_) | Type::Problem | Type::Any => None,
    }
}
