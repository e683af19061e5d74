//! Starts what a process does: the relay, what was plugged in, and what the kernel does by itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::delivery::{bus, inbox, relay, replays};
use crate::error::Error;
use crate::handlers::{AnyConsumer, Handlers};
use crate::kernel::Kernel;
use crate::ledger;
use crate::projections;
use crate::roles::{Role, Roles};
use crate::tasks;
use crate::work::leases::{Lease, lead};
use crate::work::{jobs, retention, schedules, timers};

/// Work that has panicked is begun again after this.
const RESTART: Duration = Duration::from_millis(100);

/// How messages come to consumers.
#[derive(Clone)]
enum Transport {
    Log,
    #[cfg(feature = "kafka")]
    Kafka(Arc<crate::delivery::kafka::Kafka>),
    #[cfg(feature = "simulation")]
    Simulated(crate::simulation::Bus),
}

impl Kernel {
    /// Makes the tables of new projections, and starts what the roles of this process are: the
    /// relay, the handlers and what the kernel does by itself. Without anybody who does it nothing
    /// is published, no timer fires and no hold of the ledger expires.
    ///
    /// # Errors
    /// [`Error::DuplicateHandler`] when two handlers of one kind have one name;
    /// [`Error::Undivided`] when a file is to be shared with others; otherwise when the database
    /// fails.
    pub async fn start(&self, handlers: Handlers) -> Result<(), Error> {
        self.start_on(handlers, Transport::Log).await
    }

    /// [`Kernel::start`], with a Kafka cluster as the bus: what is published is shipped there, and
    /// consumers read it there as members of the group of their name. Projections and tails go on
    /// reading the log.
    ///
    /// # Errors
    /// [`Error::NoChannels`] for a consumer that names none, [`Error::TopicName`] for one whose
    /// name no topic can have; otherwise as for [`Kernel::start`].
    #[cfg(feature = "kafka")]
    pub async fn start_on_kafka(
        &self,
        handlers: Handlers,
        kafka: crate::delivery::kafka::Kafka,
    ) -> Result<(), Error> {
        let nowhere = handlers.consumers.iter().find(|consumer| consumer.channels().is_empty());
        if let Some(consumer) = nowhere {
            return Err(Error::NoChannels(consumer.name().to_owned()));
        }
        let unnamable = |it: &Arc<dyn AnyConsumer>| crate::delivery::kafka::unnamable(it.as_ref());
        if let Some(topic) = handlers.consumers.iter().find_map(unnamable) {
            return Err(Error::TopicName(topic));
        }
        self.start_on(handlers, Transport::Kafka(Arc::new(kafka))).await
    }

    /// [`Kernel::start`], with a bus of partitions between the machines of a world.
    ///
    /// # Errors
    /// As for [`Kernel::start`].
    #[cfg(feature = "simulation")]
    pub async fn start_on_bus(
        &self,
        handlers: Handlers,
        bus: crate::simulation::Bus,
    ) -> Result<(), Error> {
        self.start_on(handlers, Transport::Simulated(bus)).await
    }

    async fn start_on(&self, handlers: Handlers, transport: Transport) -> Result<(), Error> {
        let (roles, is_shared) = (handlers.roles, self.inner().database.is_shared());
        if !is_shared && roles != Roles::ALL {
            return Err(Error::Undivided);
        }
        let handlers = handlers.timer(ledger::Expiry);
        self.watch(readers(&handlers, &transport)?);
        for projection in &handlers.projections {
            projections::found(self, projection.as_ref()).await?;
        }
        if roles.include(Role::Work) {
            self.start_work(handlers, &transport);
        }
        if roles.include(Role::Relay) {
            let kernel = self.clone();
            self.lead(relay::LEASE.to_owned(), move |lease| relay::run(kernel.clone(), lease));
        }
        if is_shared {
            let kernel = self.clone();
            self.supervise("bus", move || bus::follow(kernel.clone()));
        }
        if roles.include(Role::Relay) {
            self.start_shipping(transport);
        }
        Ok(())
    }

    fn start_work(&self, handlers: Handlers, transport: &Transport) {
        let consumers: Vec<_> = handlers.consumers.iter().map(|it| it.name().to_owned()).collect();
        for consumer in handlers.consumers {
            self.start_consumer(consumer, transport);
        }
        for projection in handlers.projections {
            let (kernel, reader) = (self.clone(), projections::reader(projection.name()));
            let work =
                move |lease| projections::run(kernel.clone(), Arc::clone(&projection), lease);
            self.lead(reader, work);
        }
        for handler in handlers.jobs {
            let kernel = self.clone();
            self.inner().counts.queue(handler.queue());
            let work = move || jobs::run(kernel.clone(), Arc::clone(&handler));
            self.supervise("jobs", work);
        }
        for (name, tenant, every) in handlers.schedules {
            let kernel = self.clone();
            self.supervise("schedules", move || {
                schedules::begin(kernel.clone(), name.clone(), tenant.clone(), every)
            });
        }
        for handler in handlers.timers {
            let kernel = self.clone();
            let work = move || timers::run(kernel.clone(), Arc::clone(&handler));
            self.supervise("timers", work);
        }
        let kernel = self.clone();
        let work = move |lease| retention::run(kernel.clone(), consumers.clone(), lease);
        self.lead(retention::LEASE.to_owned(), work);
    }

    /// Ships what is published to the bus between processes.
    fn start_shipping(&self, transport: Transport) {
        match transport {
            Transport::Log => {}
            #[cfg(feature = "kafka")]
            Transport::Kafka(kafka) => {
                use crate::delivery::kafka;
                let (kernel, cluster) = (self.clone(), Arc::clone(&kafka));
                let work = move |lease| kafka::ship(kernel.clone(), Arc::clone(&cluster), lease);
                self.lead(kafka::SHIPPER.to_owned(), work);
                let (kernel, cluster) = (self.clone(), kafka);
                let work =
                    move |lease| kafka::ship_letters(kernel.clone(), Arc::clone(&cluster), lease);
                self.lead(kafka::LETTERS.to_owned(), work);
            }
            #[cfg(feature = "simulation")]
            Transport::Simulated(bus) => {
                let kernel = self.clone();
                let work = move |lease| crate::simulation::ship(kernel.clone(), bus.clone(), lease);
                self.lead(crate::simulation::SHIPPER.to_owned(), work);
            }
        }
    }

    /// Has work done as long as this process holds the lease of this name.
    fn lead<W, F>(&self, name: String, work: W)
    where
        W: Fn(Lease) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let (kernel, work) = (self.clone(), Arc::new(work));
        self.supervise("leases", move || lead(kernel.clone(), name.clone(), Arc::clone(&work)));
    }

    /// Does work that ends when the kernel closes; begins it again when it panics.
    fn supervise<W, F>(&self, name: &'static str, work: W)
    where
        W: Fn() -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let closing = self.closing();
        tasks::spawn(self.inner().tasks.track_future(async move {
            while let Err(stopped) = tasks::spawn(work()).await {
                tracing::error!(work = name, %stopped, "begun again");
                tokio::select! {
                    biased;
                    () = closing.cancelled() => return,
                    () = tasks::sleep(RESTART) => {}
                }
            }
        }));
    }

    fn start_consumer(&self, consumer: Arc<dyn AnyConsumer>, transport: &Transport) {
        let (kernel, reader) = (self.clone(), inbox::reader(consumer.name()));
        match transport {
            Transport::Log => {
                let work = move |lease: Lease| {
                    let (kernel, consumer) = (kernel.clone(), Arc::clone(&consumer));
                    let replays =
                        replays::run(kernel.clone(), Arc::clone(&consumer), lease.clone());
                    let delivery = inbox::run(kernel, consumer, lease);
                    async {
                        tokio::join!(delivery, replays);
                    }
                };
                self.lead(reader, work);
            }
            #[cfg(feature = "simulation")]
            Transport::Simulated(bus) => {
                let (member, bus, joining) = (Arc::clone(&consumer), bus.clone(), kernel.clone());
                self.supervise("groups", move || {
                    crate::simulation::join(joining.clone(), bus.clone(), Arc::clone(&member))
                });
                let work = move |lease| replays::run(kernel.clone(), Arc::clone(&consumer), lease);
                self.lead(reader, work);
            }
            #[cfg(feature = "kafka")]
            Transport::Kafka(kafka) => {
                let (member, kafka) = (Arc::clone(&consumer), Arc::clone(kafka));
                let join = {
                    let kernel = kernel.clone();
                    move || {
                        crate::delivery::kafka::join(
                            kernel.clone(),
                            Arc::clone(&kafka),
                            Arc::clone(&member),
                        )
                    }
                };
                self.supervise("groups", join);
                let work = move |lease| replays::run(kernel.clone(), Arc::clone(&consumer), lease);
                self.lead(reader, work);
            }
        }
    }
}

/// Who reads what is published, as far as this process can tell how far they are: of a consumer of
/// topics only its members can.
///
/// # Errors
/// [`Error::DuplicateHandler`] when two handlers of one kind have one name.
fn readers(handlers: &Handlers, transport: &Transport) -> Result<Vec<String>, Error> {
    let consumers: Vec<_> = handlers.consumers.iter().map(|it| inbox::reader(it.name())).collect();
    let projections = handlers.projections.iter().map(|it| projections::reader(it.name()));
    let projections: Vec<_> = projections.collect();
    let kinds = handlers.timers.iter().map(|it| format!("timer:{}", it.kind()));
    let queues = handlers.jobs.iter().map(|it| format!("job:{}", it.queue()));
    let mut seen = BTreeSet::new();
    for name in consumers.iter().chain(&projections).cloned().chain(kinds).chain(queues) {
        if !seen.insert(name.clone()) {
            return Err(Error::DuplicateHandler(name));
        }
    }
    let is_told = match transport {
        Transport::Log => true,
        #[cfg(feature = "kafka")]
        Transport::Kafka(_) => handlers.roles.include(Role::Work),
        #[cfg(feature = "simulation")]
        Transport::Simulated(_) => handlers.roles.include(Role::Work),
    };
    let consumers = if is_told { consumers } else { Vec::new() };
    let shipper = match transport {
        Transport::Log => None,
        #[cfg(feature = "kafka")]
        Transport::Kafka(_) => Some(crate::delivery::kafka::READER.to_owned()),
        #[cfg(feature = "simulation")]
        Transport::Simulated(_) => None,
    };
    Ok(consumers.into_iter().chain(projections).chain(shipper).collect())
}
