//! What is to happen in a history: a function of its seed.

use symbolon_kernel::simulation::{Dice, Machine, Weather};

use crate::shop::{ATTEMPTS, TENANTS};

/// A history's plan.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) machines: u32,
    pub(super) clients: Vec<Client>,
    pub(super) weather: Weather,
    pub(super) concurrency: usize,
    pub(super) refusals: u32,
    pub(super) naps: u32,
    pub(super) transport: Transport,
    /// By the step at which they happen.
    pub(super) disasters: Vec<(u64, Disaster)>,
}

/// How messages come to consumers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Log,
    /// Partitions between machines.
    Bus,
}

/// A client and what it asks for, about one order.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) tenant: &'static str,
    pub(super) order: String,
    pub(super) asks: Vec<Ask>,
}

/// One request of a client, until it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    Place,
    Amend,
    /// The submission once more.
    Repeat,
    /// The key of the submission, with something else.
    Reuse,
    /// An event after the version that was read before.
    Note,
    /// More money than there is.
    Overdraw,
}

/// Something bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disaster {
    /// A process ends, and starts again after so many milliseconds.
    Crash(Machine, u64),
    /// A process stands still for so many milliseconds.
    Stall(Machine, i64),
    /// A clock is moved by so many milliseconds.
    Clock(Machine, i64),
    /// Whoever has a transaction loses its connection.
    Break,
    /// Somebody wants the projection built anew, which is not bad at all.
    Rebuild(Machine),
}

/// Disasters come within so many steps, in powers of two.
const REACH: u64 = 12;

impl Plan {
    pub(super) fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed ^ 0x5eed_0f7e_57a6_e000);
        let machines = [1, 2, 2, 3][index(&mut dice, 4)];
        let is_calm = dice.roll(4) == 0;
        let weather = if is_calm {
            Weather::default()
        } else {
            Weather {
                slow: [0, 100, 500, 1500][index(&mut dice, 4)],
                failing: [0, 10, 50, 200][index(&mut dice, 4)],
            }
        };
        let count = [1, 1, 1, 1, 2, 3][index(&mut dice, 6)];
        let clients = (0..count).map(|number| Client::of(&mut dice, number)).collect();
        let disasters = if is_calm { 0 } else { [0, 1, 2, 3, 5][index(&mut dice, 5)] };
        let mut disasters: Vec<_> = (0..disasters)
            .map(|_| {
                let within = 1 << (4 + dice.roll(REACH - 3));
                (dice.roll(within), Disaster::of(&mut dice, machines))
            })
            .collect();
        if dice.roll(40) == 0 {
            disasters.push((dice.roll(2000), Disaster::Rebuild(machine(&mut dice, machines))));
        }
        disasters.sort_by_key(|(at, _)| *at);
        Self {
            machines,
            clients,
            weather,
            concurrency: [1, 2, 8][index(&mut dice, 3)],
            refusals: if dice.roll(6) == 0 { ATTEMPTS } else { 0 },
            naps: if dice.roll(4) == 0 { 1 } else { 0 },
            transport: if dice.roll(3) == 0 { Transport::Bus } else { Transport::Log },
            disasters,
        }
    }

    pub(super) fn machines(&self) -> impl Iterator<Item = Machine> + use<> {
        (1..=self.machines).map(Machine)
    }
}

impl Client {
    fn of(dice: &mut Dice, number: u64) -> Self {
        let tenant = TENANTS[index(dice, TENANTS.len() as u64)];
        let order = format!("{tenant}-{number}");
        let mut asks = vec![Ask::Place];
        for _ in 0..dice.roll(4) {
            asks.push(match dice.roll(8) {
                0..3 => Ask::Amend,
                3 | 4 => Ask::Note,
                5 => Ask::Repeat,
                6 => Ask::Reuse,
                _ => Ask::Overdraw,
            });
        }
        Self { tenant, order, asks }
    }
}

impl Disaster {
    fn of(dice: &mut Dice, machines: u32) -> Self {
        let machine = machine(dice, machines);
        match dice.roll(10) {
            0..4 => Self::Crash(machine, 1 + dice.roll(150)),
            4..7 => Self::Stall(machine, 1 + signed(dice.roll(500))),
            7 | 8 => Self::Clock(machine, signed(dice.roll(400)) - 200),
            _ => Self::Break,
        }
    }
}

fn machine(dice: &mut Dice, machines: u32) -> Machine {
    Machine(1 + u32::try_from(dice.roll(u64::from(machines))).unwrap_or(0))
}

fn index(dice: &mut Dice, sides: u64) -> usize {
    usize::try_from(dice.roll(sides)).unwrap_or(0)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(0)
}
