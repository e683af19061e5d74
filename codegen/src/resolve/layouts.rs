//! Parameters whose values hold more than their style has a layout for.

use std::collections::BTreeMap;

use super::Scope;
use crate::model::{Definition, Location, Shape, Style, Type, TypeId};

/// How a parameter is laid out: where, in which style, spread or not.
pub(super) type Layout = (Location, Option<Style>, Option<bool>);

/// Reports every parameter with values that cannot be written.
pub(super) fn check(scope: &mut Scope<'_>, types: &BTreeMap<TypeId, Definition>) {
    for (at, layout, ty) in std::mem::take(&mut scope.laid_out) {
        if depth(types, &ty, DEPTH) > allowed(layout) {
            let why = "its style has no layout for lists and objects inside of others: values \
                       that hold any are refused";
            scope.degrade(&at, "a parameter", why);
        }
    }
}

/// No value nests deeper in any layout we know.
const DEPTH: usize = 3;

/// How many lists and objects may stand inside each other.
fn allowed((location, style, explode): Layout) -> usize {
    match (style, location) {
        (Some(Style::DeepObject | Style::Json), _) => usize::MAX,
        // An exploded object repeats the name of a member that is a list.
        (None | Some(Style::Form), Location::Query | Location::Cookie)
            if explode != Some(false) =>
        {
            2
        }
        (
            None
            | Some(
                Style::Simple
                | Style::Label
                | Style::Matrix
                | Style::Form
                | Style::SpaceDelimited
                | Style::PipeDelimited,
            ),
            _,
        ) => 1,
    }
}

/// How many lists and objects a value has inside each other, counted up to `left`. What may as well
/// be a scalar counts as one.
fn depth(types: &BTreeMap<TypeId, Definition>, ty: &Type, left: usize) -> usize {
    if left == 0 {
        return 0;
    }
    match ty {
        Type::Scalar(_) | Type::Any => 0,
        Type::Problem => 1,
        Type::Nullable(inner) => depth(types, inner, left),
        // A list of lists has no layout anywhere but in brackets.
        Type::List(item) => match depth(types, item, left - 1) {
            0 => 1,
            inner => (1 + inner).max(DEPTH),
        },
        // The positions of a tuple are laid out like the elements of a list.
        Type::Tuple(elements) => {
            let inner = elements.iter().map(|element| depth(types, element, left - 1)).max();
            match inner.unwrap_or_default() {
                0 => 1,
                inner => (1 + inner).max(DEPTH),
            }
        }
        Type::Map(value) => 1 + depth(types, value, left - 1),
        Type::Named(id) => match types.get(id).map(|definition| &definition.shape) {
            Some(Shape::Object(object)) => {
                let members = object.properties.iter();
                let inner = members.map(|member| depth(types, &member.ty, left - 1));
                1 + inner.max().unwrap_or_default()
            }
            Some(Shape::Alias(inner, _)) => depth(types, inner, left),
            Some(Shape::Union(union)) => {
                let variants = union.variants.iter();
                variants.map(|variant| depth(types, &variant.ty, left - 1)).min().unwrap_or(0)
            }
            Some(Shape::Enumeration(_)) | None => 0,
        },
    }
}
