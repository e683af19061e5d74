//! The system `calls`: an HTTP call submitted now, made once, now or later.
//!
//! It implements the traits generated from `contracts/calls` and must never know HTTP servers.

mod admin;
mod scope;
mod service_calls;

use symbolon_kernel::{Migration, MigrationSet};

pub use admin::AdminService;
pub use calls_wire::events::SERVICE_CALL_EVENTS as EVENTS;
pub use service_calls::{
    Calls, Loopback, Propagation, ServiceCallsService, Settings, StartError, StopHandle,
};

macro_rules! file {
    ($name:literal) => {
        Migration {
            name: $name,
            sql: include_str!(concat!("../../../migrations/calls/", $name, ".sql")),
        }
    };
}

/// The tables of this system, for [`symbolon_kernel::Kernel::open`].
pub const MIGRATIONS: MigrationSet = MigrationSet {
    name: "calls",
    files: &[
        file!("0001_create_execution"),
        file!("0002_create_cursor_key"),
        file!("0003_create_queue_of_tenant"),
        file!("0004_queue_waiting_calls"),
        file!("0005_rename_consumer_of_commands"),
    ],
};
