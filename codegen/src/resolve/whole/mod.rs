//! Passes over the whole model, once every type and operation is known.

pub(super) mod alike;
pub(super) mod directions;
pub(super) mod forms;
pub(super) mod layouts;
pub(super) mod lifecycles;
pub(super) mod links;
pub(super) mod pagination;
pub(super) mod recursion;
pub(super) mod used_rules;
pub(super) mod views;
