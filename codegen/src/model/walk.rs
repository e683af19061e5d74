//! Operations that answer in pages: decided here once, so that every client walks the same lists.

use super::{
    BodyKind, Constraints, Location, Object, Operation, Parameter, Property, Scalar, Shape, System,
    Type, TypeId,
};

/// How the pages of an operation are taken apart and followed.
#[derive(Debug, Clone, Copy)]
pub struct Walk<'s> {
    /// The object that every success answers with.
    pub page: &'s TypeId,
    /// Its member that holds the items; one that is absent or `null` holds none.
    pub items: &'s Property,
    /// The type of an item.
    pub item: &'s Type,
    /// What an item must keep to.
    pub limits: Option<&'s Constraints>,
    /// The definition in which the list of items stands.
    pub owner: &'s TypeId,
    /// The member that holds the next cursor; absent, `null` or empty on the last page.
    pub next: &'s Property,
    /// The type of a cursor.
    pub cursor: Scalar,
    /// The parameter that takes it.
    pub parameter: &'s Parameter,
}

impl System {
    /// How an operation is walked, if it is shaped as its `x-pagination` says.
    pub fn walk<'s>(&'s self, operation: &'s Operation) -> Option<Walk<'s>> {
        let rule = operation.pagination.as_ref()?;
        let (page, object) = self.page(operation)?;
        let items = object.property(&rule.items)?;
        let (item, limits, owner) = self.list(items, page)?;
        let next = object.property(&rule.next)?;
        let parameter = operation.query_parameter(&rule.cursor)?;
        let cursor = self.cursor(&next.ty)?;
        if parameter.required || self.cursor(&parameter.ty)? != cursor {
            return None;
        }
        Some(Walk { page, items, item, limits, owner, next, cursor, parameter })
    }

    /// The one object that every success of an operation answers with.
    pub fn page<'s>(&'s self, operation: &'s Operation) -> Option<(&'s TypeId, &'s Object)> {
        let mut bodies = operation.answers.iter().map(|answer| match answer.body.as_ref() {
            Some(body) => match body.offers.as_slice() {
                [offer] if offer.kind == BodyKind::Json && offer.stream.is_none() => {
                    Some(&offer.ty)
                }
                _ => None,
            },
            None => None,
        });
        let mut ty = bodies.next()??;
        if bodies.any(|other| other != Some(ty)) {
            return None;
        }
        while let Type::Named(id) = ty {
            match &self.types.get(id)?.shape {
                Shape::Object(object) => return Some((id, object)),
                Shape::Alias(inner, _) => ty = inner,
                Shape::Enumeration(_) | Shape::Union(_) => return None,
            }
        }
        None
    }

    /// The type, the limits and the place of the elements of a member that is a list.
    pub fn list<'s>(
        &'s self,
        member: &'s Property,
        page: &'s TypeId,
    ) -> Option<(&'s Type, Option<&'s Constraints>, &'s TypeId)> {
        let (mut ty, mut limits, mut owner) = (member.ty.present(), &member.constraints, page);
        while let Type::Named(id) = ty {
            match &self.types.get(id)?.shape {
                // An alias that may be null would be one option more than its member shows.
                Shape::Alias(inner, found) if !inner.is_nullable() => {
                    (ty, limits, owner) = (inner, found, id);
                }
                Shape::Alias(..) | Shape::Object(_) | Shape::Enumeration(_) | Shape::Union(_) => {
                    return None;
                }
            }
        }
        match ty {
            Type::List(item) => Some((item, limits.each.as_deref(), owner)),
            Type::Scalar(_)
            | Type::Map(_)
            | Type::Tuple(_)
            | Type::Named(_)
            | Type::Nullable(_)
            | Type::Problem
            | Type::Any => None,
        }
    }

    /// The scalar that a cursor is.
    pub fn cursor(&self, ty: &Type) -> Option<Scalar> {
        match ty.present() {
            Type::Scalar(
                Scalar::Null | Scalar::Boolean | Scalar::Binary | Scalar::Float | Scalar::Double,
            ) => None,
            Type::Scalar(scalar) => Some(*scalar),
            Type::Named(id) => match &self.types.get(id)?.shape {
                Shape::Alias(inner, _) if !inner.is_nullable() => self.cursor(inner),
                Shape::Alias(..) | Shape::Object(_) | Shape::Enumeration(_) | Shape::Union(_) => {
                    None
                }
            },
            Type::List(_)
            | Type::Map(_)
            | Type::Tuple(_)
            | Type::Nullable(_)
            | Type::Problem
            | Type::Any => None,
        }
    }
}

impl Object {
    /// The member of this name.
    pub fn property(&self, wire: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.wire == wire)
    }
}

impl Operation {
    /// The query parameter of this name.
    pub fn query_parameter(&self, wire: &str) -> Option<&Parameter> {
        let mut parameters = self.parameters.iter();
        parameters.find(|found| found.location == Location::Query && found.wire == wire)
    }
}
