//! What a domain can rely on, tested through the surface it sees.
#![allow(clippy::unwrap_used)]

mod aggregates;
mod allotments;
mod answers;
mod archive;
mod audit;
mod bus;
#[cfg(feature = "kafka")]
mod cluster;
mod counts;
#[cfg(feature = "kafka")]
mod dead_letter_topics;
mod dead_letters;
mod delivery;
mod fixture;
#[cfg(feature = "kafka")]
mod groups;
mod home;
mod idempotency;
mod jobs;
mod ledger;
mod ledger_holds;
mod ledger_laws;
mod ledger_model;
mod migrations;
#[cfg(feature = "kafka")]
mod missing_topics;
mod processes;
mod projections;
mod rebuild_memory;
mod retention;
mod roles;
mod schedules;
#[cfg(feature = "kafka")]
mod shipping;
mod statements;
mod stats;
mod tail;
mod tenants;
mod timers;
mod tls;
mod units;
