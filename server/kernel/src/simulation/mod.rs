//! A simulated world for the kernel: machines that run its own loops on one thread, in virtual
//! time, over one database in memory, where a seed decides what runs next, what fails and when.
//!
//! The same seed is the same history. Machines crash at any await, stand still, and have clocks of
//! their own; statements are slow, fail, or are done without being confirmed. Nothing of it is in a
//! build without the feature `simulation`.

mod bus;
mod dice;
pub(crate) mod engine;
pub(crate) mod mutation;
pub(crate) mod tasks;
mod time;
mod world;

pub use bus::Bus;
pub(crate) use bus::{SHIPPER, run as join, ship};
pub use dice::Dice;
pub use engine::Engine;
pub use mutation::Mutation;
pub use time::{MachineClock, Until};
pub use world::{Abort, Machine, OUTSIDE, Weather, World};

use std::sync::Arc;

pub(crate) use world::{held, taken};

use crate::database::Database;
use crate::database::inspection::{self, Finding};
use crate::envelope::TenantId;
use crate::error::Error;
use crate::handlers::Handlers;
use crate::kernel::{Kernel, Settings};
use crate::unit::view::View;

impl Kernel {
    /// The kernel of a process on a machine of a world.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn simulated(
        engine: &Engine,
        clock: MachineClock,
        settings: Settings,
    ) -> Result<Self, Error> {
        let database = Database::Simulated(engine.clone());
        Self::on(database, Arc::new(clock), settings).await
    }

    /// Makes the tables of projections, without starting anything.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn found(&self, handlers: &Handlers) -> Result<(), Error> {
        for projection in &handlers.projections {
            crate::projections::found(self, projection.as_ref()).await?;
        }
        Ok(())
    }
}

impl Engine {
    /// What is committed, as a tenant sees it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(&self, tenant: &TenantId) -> Result<View, Error> {
        Ok(View::new(tenant.clone(), Database::Simulated(self.clone()).read().await?))
    }

    /// What does not hold of the kernel's rules.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn inspect(&self) -> Result<Vec<Finding>, Error> {
        let mut snapshot = Database::Simulated(self.clone()).read().await?;
        inspection::examine(snapshot.connection()).await
    }
}
