//! The system on a real kernel and against a target on this machine that counts what it is sent.
#![allow(clippy::unwrap_used)]

mod admin;
mod commands;
mod execution;
mod fixture;
#[path = "../../../kernel/tests/it/home.rs"]
mod home;
mod hostile;
mod late;
mod listing;
mod live;
mod privacy;
mod reading;
mod submission;
mod target;
mod versions;
mod workers;
