//! Histories of the shop in a simulated world: clients, machines, disasters and the audit, all of
//! it decided by a seed.

mod client;
mod law;
mod plan;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use symbolon_kernel::simulation::{Bus, Engine, Machine, Mutation, OUTSIDE, Weather, World};
use symbolon_kernel::{Backoff, BoxError, Kernel, Settings};

use crate::audit::Acknowledged;
use crate::shop::{ATTEMPTS, MIGRATIONS, Moods};
use plan::{Disaster, Plan, Transport};

/// Virtual time in which everything has to come to rest when nothing bad happens any more.
const PATIENCE: i64 = 20_000_000;
/// No history needs so many steps: something goes round in circles.
const STEPS: u64 = 200_000;

/// How a history is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// How the kernel is made wrong.
    pub mutation: Option<Mutation>,
    /// Keeps what happens as text.
    pub is_traced: bool,
}

/// What became of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What does not hold.
    pub findings: Vec<String>,
    /// Stands for everything that has happened.
    pub digest: u64,
    /// How often a task was polled or time went on.
    pub steps: u64,
    /// What happened, if that was kept.
    pub lines: Vec<String>,
}

/// A database in memory, for one history after the other.
#[derive(Debug)]
pub struct Stage {
    engine: Engine,
}

/// What a history knows of itself.
#[derive(Debug)]
struct Book {
    kernels: BTreeMap<Machine, Kernel>,
    acknowledged: Vec<Acknowledged>,
    findings: Vec<String>,
    clients: usize,
    /// Held by every request that a process works on, whether or not somebody waits for it.
    requests: Arc<()>,
    is_over: bool,
}

#[derive(Clone)]
struct History {
    world: World,
    engine: Engine,
    bus: Bus,
    plan: Arc<Plan>,
    book: Arc<Mutex<Book>>,
}

impl Stage {
    /// Makes the database.
    ///
    /// # Errors
    /// When the tables cannot be made.
    pub fn new() -> Result<Self, BoxError> {
        let engine = Engine::new(&[MIGRATIONS])?;
        // What every history begins with: the tables of the projection.
        let (world, founded) = (World::new(0), Arc::new(Mutex::new(None)));
        let (told, inner, clock) = (Arc::clone(&founded), engine.clone(), world.clock(OUTSIDE));
        world.spawn(OUTSIDE, async move {
            let made = async {
                let kernel = Kernel::simulated(&inner, clock, Settings::default()).await?;
                kernel.found(&crate::shop::handlers()).await
            };
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(made.await);
        });
        while world.step() {}
        world.end();
        let made = founded.lock().unwrap_or_else(PoisonError::into_inner).take();
        made.unwrap_or(Err(symbolon_kernel::Error::Closed))?;
        engine.begin()?;
        Ok(Self { engine })
    }

    /// Plays the history of a seed.
    ///
    /// # Errors
    /// When the database in memory itself fails.
    pub fn play(&self, seed: u64, options: Options) -> Result<Outcome, BoxError> {
        let world = World::new(seed);
        world.mutate(options.mutation);
        if options.is_traced {
            world.trace();
        }
        let plan = Plan::of(seed);
        let book = Book {
            kernels: BTreeMap::new(),
            acknowledged: Vec::new(),
            findings: Vec::new(),
            clients: plan.clients.len(),
            requests: Arc::new(()),
            is_over: false,
        };
        let (engine, plan) = (self.engine.clone(), Arc::new(plan));
        let (world_of, book) = (world.clone(), Arc::new(Mutex::new(book)));
        let bus = Bus::new(&world);
        let history = History { world: world_of, engine, bus, plan, book };
        world.note(0, || format!("{:?}", history.plan));
        let steps = history.run();
        world.end();
        let mut book = history.book();
        book.kernels.clear();
        let mut findings = std::mem::take(&mut book.findings);
        findings.extend(world.broken());
        drop(book);
        self.engine.forget()?;
        self.engine.begin()?;
        let (digest, lines) = (world.digest(), world.lines());
        Ok(Outcome { findings, digest, steps, lines })
    }
}

impl History {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accuse(&self, finding: String) {
        self.book().findings.push(finding);
    }

    /// Lets everything happen; returns the number of steps.
    fn run(&self) -> u64 {
        self.world.set_weather(self.plan.weather);
        for machine in self.plan.machines() {
            self.boot(machine);
        }
        for client in 0..self.plan.clients.len() {
            let history = self.clone();
            self.world.spawn(OUTSIDE, async move { history.serve(client).await });
        }
        let mut disasters = self.plan.disasters.iter().peekable();
        let mut steps = 0;
        while self.book().clients > 0 && self.is_in_time(PATIENCE) && steps < STEPS {
            if !self.world.step() {
                break;
            }
            steps += 1;
            while let Some((_, disaster)) = disasters.next_if(|(at, _)| *at <= steps) {
                self.befall(*disaster);
            }
        }
        if self.book().clients > 0 {
            self.accuse("a client was never answered".to_owned());
            return steps;
        }
        self.heal();
        let history = self.clone();
        let until = self.world.now() + PATIENCE;
        self.world.spawn(OUTSIDE, async move { history.close(until).await });
        while !self.book().is_over && steps < 2 * STEPS && self.world.step() {
            steps += 1;
        }
        if !self.book().is_over {
            self.accuse("the audit never ended".to_owned());
        }
        steps
    }

    fn is_in_time(&self, until: i64) -> bool {
        self.world.now() < until
    }

    /// Nothing bad happens any more.
    fn heal(&self) {
        self.world.note(0, || "nothing bad happens any more".to_owned());
        self.world.set_weather(Weather::default());
        self.world.resume_all();
        for machine in self.plan.machines() {
            if !self.book().kernels.contains_key(&machine) {
                self.world.crash(machine);
                self.boot(machine);
            }
        }
    }

    /// Starts the process of a machine, as often as it takes.
    fn boot(&self, machine: Machine) {
        let history = self.clone();
        self.world.note(u64::from(machine.0), || format!("{} starts", machine.0));
        self.world.spawn(machine, async move {
            loop {
                match history.start(machine).await {
                    Ok(kernel) => {
                        history.book().kernels.insert(machine, kernel);
                        return;
                    }
                    Err(_) => history.world.sleep(Duration::from_millis(5)).await,
                }
            }
        });
    }

    async fn start(&self, machine: Machine) -> Result<Kernel, BoxError> {
        let settings = Settings {
            concurrency: self.plan.concurrency,
            backoff: Backoff {
                initial: SignedDuration::from_millis(2),
                maximum: SignedDuration::from_millis(20),
            },
            attempts: ATTEMPTS,
            retention: SignedDuration::from_hours(24),
            lease: SignedDuration::from_millis(200),
        };
        let moods = Moods {
            refusals: self.plan.refusals,
            naps: self.plan.naps,
            job_lease: SignedDuration::from_millis(60),
        };
        let clock = self.world.clock(machine);
        let kernel = Kernel::simulated(&self.engine, clock, settings).await?;
        match self.plan.transport {
            Transport::Log => kernel.start(moods.handlers()).await?,
            Transport::Bus => {
                kernel.start_on_bus(moods.handlers(), self.bus.clone()).await?;
            }
        }
        Ok(kernel)
    }

    fn befall(&self, disaster: Disaster) {
        self.world.note(1, || format!("{disaster:?}"));
        match disaster {
            Disaster::Crash(machine, millis) => {
                self.book().kernels.remove(&machine);
                self.world.crash(machine);
                let history = self.clone();
                self.world.spawn(OUTSIDE, async move {
                    history.world.sleep(Duration::from_millis(millis)).await;
                    let is_down = !history.book().kernels.contains_key(&machine);
                    if is_down {
                        history.world.crash(machine);
                        history.boot(machine);
                    }
                });
            }
            Disaster::Stall(machine, millis) => {
                self.world.stall(machine, millis * 1000);
                // A server ends the connection of one that stands still in a transaction.
                self.engine.break_turn();
            }
            Disaster::Clock(machine, millis) => self.world.move_clock(machine, millis * 1000),
            Disaster::Break => self.engine.break_turn(),
            Disaster::Rebuild(machine) => {
                let history = self.clone();
                self.world.spawn(machine, async move {
                    let kernel = history.book().kernels.get(&machine).cloned();
                    if let Some(kernel) = kernel {
                        // Nobody insists.
                        let _ = kernel.rebuild("overview").await;
                    }
                });
            }
        }
    }
}
