//! The reference system as several processes on this machine: PostgreSQL, a broker, a relay,
//! workers and APIs.

use std::net::SocketAddr;
use std::path::Path;

use crate::server::{Part, Server, free_address};
use crate::services::broker::Broker;
use crate::services::postgres;

/// In how many parts topics are made: how many workers can share them.
const PARTITIONS: &str = "8";

/// The broker lets a member wait for half of this before it gives it anything.
const SESSION: &str = "session.timeout.ms=6000";

/// How many there are of what there may be many of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// Processes that answer callers.
    pub apis: usize,
    /// Processes that do the work.
    pub workers: usize,
}

/// A running set-up; dropped, all of it ends and its data are gone.
#[derive(Debug)]
pub struct Distributed {
    /// They answer callers; the first under the address that was asked for.
    pub apis: Vec<Server>,
    /// They do the work.
    pub workers: Vec<Server>,
    /// It publishes what is written.
    pub relay: Server,
    /// `kafka://host:port`.
    pub broker: Broker,
    /// Behind all of them.
    pub database: postgres::Server,
}

impl Distributed {
    /// Starts everything, by a server that was built for Kafka; identities and logs are kept in a
    /// folder.
    ///
    /// # Errors
    /// [`crate::services::Absent`] when PostgreSQL or the broker cannot be had; otherwise when
    /// something does not start.
    pub fn start(
        root: &Path,
        binary: &Path,
        data: &Path,
        listen: SocketAddr,
        numbers: Numbers,
    ) -> anyhow::Result<Self> {
        let database = postgres::Server::start(root)?;
        let broker = Broker::start(root)?;
        let start = |mode: &str, number: usize, address: SocketAddr| {
            let brokers = broker.url.trim_start_matches("kafka://");
            let variables = [
                ("SYMBOLON_DATABASE", &*database.url),
                ("SYMBOLON_KAFKA", brokers),
                ("SYMBOLON_KAFKA_PARTITIONS", PARTITIONS),
            ];
            let log = format!("{mode}-{number}.log");
            let flags = ["--mode", mode, "--kafka-property", SESSION];
            let part = Part { log: &log, flags: &flags, variables: &variables };
            Server::start_as(binary, data, address, &part)
        };
        let relay = start("relay", 1, free_address()?)?;
        let workers = (1..=numbers.workers).map(|number| start("worker", number, free_address()?));
        let workers = workers.collect::<anyhow::Result<_>>()?;
        let apis = (1..=numbers.apis).map(|number| match number {
            1 => start("api", number, listen),
            _ => start("api", number, free_address()?),
        });
        let apis = apis.collect::<anyhow::Result<_>>()?;
        Ok(Self { apis, workers, relay, broker, database })
    }

    /// Every process of ours.
    pub fn processes(&mut self) -> impl Iterator<Item = &mut Server> {
        self.apis.iter_mut().chain(&mut self.workers).chain([&mut self.relay])
    }
}
