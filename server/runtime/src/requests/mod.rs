//! What is asked: routes, operations, and a request read into its typed form.

pub(crate) mod body;
pub(crate) mod call;
pub(crate) mod correlation;
pub(crate) mod input;
pub(crate) mod matcher;
pub(crate) mod operation;
pub(crate) mod routes;
pub(crate) mod untyped;
