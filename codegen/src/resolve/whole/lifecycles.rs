//! `x-lifecycle`: how the states of a thing follow each other.

use crate::diagnostic::Kind;
use crate::model::{EnumerationValue, Lifecycle, Shape, System, Type, TypeId};
use crate::resolve::{Scope, keywords};
use crate::source::Cursor;

/// Gives every enumeration of states its transitions.
pub(in crate::resolve) fn resolve<'a>(scope: &mut Scope<'a>, system: &mut System) {
    for (id, at) in std::mem::take(&mut scope.lifecycles) {
        let Some(states) = states(system, &id, &at) else {
            let why = "needs the `field` of the object whose value is an enumeration".to_owned();
            scope.report(&at, Kind::BadKeyword { keyword: "x-lifecycle", why });
            continue;
        };
        let Some(definition) = system.types.get_mut(&states) else { continue };
        if let Shape::Enumeration(enumeration) = &mut definition.shape {
            enumeration.lifecycle = lifecycle(scope, &at, &enumeration.values);
        }
    }
}

/// The enumeration a lifecycle speaks of: the schema itself, or the type of its `field`.
fn states(system: &System, id: &TypeId, at: &Cursor<'_>) -> Option<TypeId> {
    let id = match &system.types.get(id)?.shape {
        Shape::Enumeration(_) => id.clone(),
        Shape::Object(object) => {
            let field = at.text("field")?;
            let property = object.properties.iter().find(|found| found.wire == field)?;
            let Type::Named(states) = property.ty.present() else { return None };
            states.clone()
        }
        Shape::Union(_) | Shape::Alias(..) => return None,
    };
    matches!(system.types.get(&id)?.shape, Shape::Enumeration(_)).then_some(id)
}

/// `x-lifecycle {field, initial, transitions}` held against the values of its enumeration.
fn lifecycle<'a>(
    scope: &mut Scope<'a>,
    at: &Cursor<'a>,
    values: &[EnumerationValue],
) -> Option<Lifecycle> {
    keywords::members(scope, at, "x-lifecycle", &["field", "initial", "transitions"])?;
    let known = |state: &str| values.iter().any(|value| value.wire == state);
    let mut unknown = Vec::new();
    let initial = at.text("initial").unwrap_or_default().to_owned();
    if !known(&initial) {
        unknown.push((at.clone(), initial.clone()));
    }
    let mut transitions = Vec::new();
    for (from, targets) in at.get("transitions").map(|found| found.members()).unwrap_or_default() {
        if !known(from) {
            unknown.push((targets.clone(), from.to_owned()));
        }
        let mut following = Vec::new();
        for element in targets.elements() {
            let state = element.value.as_str().unwrap_or_default().to_owned();
            if !known(&state) {
                unknown.push((element, state.clone()));
            }
            following.push(state);
        }
        following.sort();
        transitions.push((from.to_owned(), following));
    }
    if unknown.is_empty() {
        return Some(Lifecycle { initial, transitions });
    }
    for (place, state) in unknown {
        let why = format!("names the state `{state}`, which the enumeration does not list");
        scope.report(&place, Kind::BadKeyword { keyword: "x-lifecycle", why });
    }
    None
}
