//! SQLite without a thread in between: connections of sqlx's `Any` whose statements are calls of a
//! function.
//!
//! Whoever makes such a connection says in a [`Session`] where and when its statements run.

mod driver;
mod failure;
mod statements;
mod unused;

pub(crate) use driver::{Session, connect, install};
pub(crate) use failure::failure;
pub(crate) use statements::{Asked, Done, Statements};
