//! Arrays whose elements have schemas by position.

use serde_json::Value;

use super::Built;
use super::constraints::{constraints, whole};
use super::rules::prefix;
use crate::model::{Name, Type};
use crate::resolve::Scope;
use crate::source::Cursor;

/// The longest tuple whose values every language compares and shows.
const LONGEST: usize = 12;

impl<'a> Scope<'a> {
    /// An array with schemas by position: a tuple if it has one length, else a list that is held
    /// against them.
    pub(super) fn positions(&mut self, at: &Cursor<'a>, name: &Name, nullable: bool) -> Built {
        let mut limits = constraints(at);
        let elements = prefix(at).map(|found| found.elements()).unwrap_or_default();
        if !is_fixed(at) {
            let mut schemas = elements;
            // Elements behind the listed ones are of any kind unless the schema says otherwise.
            let besides = match rest(at) {
                Some(rest) if rest.value == &Value::Bool(false) => None,
                Some(rest) => {
                    schemas.push(rest);
                    None
                }
                None => {
                    self.untyped(at, "nothing is said of the elements behind those listed");
                    Some(Type::Any)
                }
            };
            let (item, _) = self.any_of(&schemas, besides, &name.then(&Name::new("item")));
            return Built::plain(Type::List(Box::new(item)), limits, nullable);
        }
        let mut types = Vec::new();
        for (element, number) in elements.iter().zip(1..) {
            let own = name.then(&Name::new("item")).numbered(number);
            let (ty, inner) = self.type_of(element, &own);
            types.push(ty);
            limits.positions.push(inner);
        }
        limits.min_count = None;
        limits.max_count = None;
        Built::plain(Type::Tuple(types), limits, nullable)
    }
}

/// Whether every value has exactly the listed elements.
pub(super) fn is_fixed(at: &Cursor<'_>) -> bool {
    let Some(listed) = prefix(at) else { return false };
    let length = listed.elements().len();
    let count = |keyword: &str| at.value.get(keyword).and_then(whole);
    let least = count("minItems").is_some_and(|least| least == length as u64);
    let most = count("maxItems").is_some_and(|most| most == length as u64)
        || rest(at).is_some_and(|rest| rest.value == &Value::Bool(false));
    (1..=LONGEST).contains(&length) && least && most
}

/// Whether it hangs on the values which elements the keywords of an array speak of, so that
/// `unevaluatedItems` is about others each time.
pub(super) fn hangs_on_values(at: &Cursor<'_>) -> bool {
    let composing = ["allOf", "oneOf", "anyOf", "if", "contains", "$ref", "dependentSchemas"];
    composing.into_iter().any(|keyword| at.value.get(keyword).is_some())
}

/// The schema of the elements behind the listed ones.
pub(super) fn rest<'a>(at: &Cursor<'a>) -> Option<Cursor<'a>> {
    let unevaluated = || at.get("unevaluatedItems").filter(|_| !hangs_on_values(at));
    let items = at.get("items").or_else(unevaluated)?;
    match items.value {
        Value::Array(_) => at.get("additionalItems"),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            Some(items)
        }
    }
}
