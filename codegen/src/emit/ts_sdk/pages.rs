//! Paging: where the items of a page and the cursor of the next one are.

use super::{operations, plan};
use crate::emit::typescript::{Place, Speller, access};
use crate::model::{Constraints, Operation};

/// How the pages of an operation are taken apart, and of what types their parts are.
pub(super) struct Pages {
    pub(super) item: String,
    pub(super) cursor: String,
    pub(super) plan: plan::Paging,
}

/// The pages of an operation; none if its pages have no shape that can be taken apart, in which
/// case the operation is called like any other.
pub(super) fn of(operation: &Operation, speller: &mut Speller<'_>) -> Option<Pages> {
    let walk = speller.system.walk(operation)?;
    let place = Place::of(speller.system.definition(walk.owner), walk.owner, speller.usage);
    let none = Constraints::default();
    let item = speller.spell(walk.item, walk.limits.unwrap_or(&none), place);
    let cursor = operations::parameter_type(walk.parameter, speller);
    let key = operations::parameter_key(walk.parameter);
    let set = if key == "cursor" { key } else { format!("{key}: cursor") };
    let rest = if walk.items.required && !walk.items.ty.is_nullable() { "" } else { " ?? []" };
    Some(Pages {
        item,
        cursor,
        plan: plan::Paging {
            items: format!("(response) => response.body{}{rest}", access(&walk.items.wire)),
            next: format!("(response) => response.body{}", access(&walk.next.wire)),
            resume: format!("(request, cursor) => ({{ ...request, {set} }})"),
        },
    })
}
