//! What a ledger is to answer, and to hold.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use symbolon_kernel::ledger::{
    Consume, Floor, Floors, HoldState, LedgerError, Posted, Transfer, TransferId,
};

use super::steps::{ACCOUNTS, Legs, Step, code, name, transfer};
use crate::fixture::noon;
use crate::ledger::{account, currency, hold, id};

#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) floor: Floor,
    pub(super) total: i64,
    pub(super) reserved: i64,
    /// What it held from when on.
    pub(super) past: Vec<(Timestamp, i64, i64)>,
}

#[derive(Debug, Clone)]
pub(super) struct Hold {
    pub(super) account: usize,
    pub(super) minor: i64,
    pub(super) remaining: i64,
    pub(super) state: HoldState,
    pub(super) expires_at: Option<Timestamp>,
}

/// What a transfer was posted with: itself, what it reverses, what it took from a hold.
pub(super) type Content = (Transfer, Legs, Option<u8>, Option<(u8, Consume)>);

#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    pub(super) accounts: BTreeMap<usize, Account>,
    pub(super) transfers: BTreeMap<u8, Content>,
    pub(super) holds: BTreeMap<u8, Hold>,
}

pub(super) type Answer = Result<Posted, LedgerError>;

impl Model {
    pub(super) fn new() -> Self {
        let mut model = Self::default();
        for (number, (_, _, floor)) in ACCOUNTS.into_iter().enumerate() {
            let account = Account { floor, total: 0, reserved: 0, past: vec![(noon(), 0, 0)] };
            model.accounts.insert(number, account);
        }
        model
    }

    pub(super) fn act(&mut self, step: &Step, now: Timestamp) -> Answer {
        match step {
            Step::Post { id, legs, floors } => {
                let transfer = transfer(*id, legs, *floors);
                self.post(*id, (transfer, legs.clone(), None, None), now)
            }
            Step::PostFrom { hold, consume, id, legs } => {
                let transfer = transfer(*id, legs, Floors::Kept);
                let hold = Some((*hold, consume.clone()));
                self.post(*id, (transfer, legs.clone(), None, hold), now)
            }
            Step::Reserve { hold, account, minor, lasts } => {
                let expires_at = expiry(*lasts);
                self.reserve(*hold, *account, *minor, expires_at, now)
            }
            Step::Void(number) => match self.holds.get(number).map(|it| it.state) {
                None => Err(LedgerError::UnknownHold { hold: hold(&number.to_string()) }),
                Some(HoldState::Open) => {
                    self.close(*number, HoldState::Voided, now);
                    Ok(Posted::Now)
                }
                Some(HoldState::Voided) => Ok(Posted::Before),
                Some(state) => Err(closed(*number, state)),
            },
            Step::Reverse { id: number, of, floors } => {
                let original = self.transfers.get(of);
                let Some((_, legs, reverses, _)) = original else {
                    return Err(LedgerError::UnknownTransfer { transfer: named(*of) });
                };
                if reverses.is_some() {
                    return Err(LedgerError::IsReversal { transfer: named(*of) });
                }
                let legs: Legs = legs.iter().map(|(at, minor)| (*at, -minor)).collect();
                let transfer = transfer(*number, &legs, *floors);
                self.post(*number, (transfer, legs, Some(*of), None), now)
            }
            Step::Draw { .. } | Step::ReverseOne { .. } | Step::Again(_) | Step::Wait(_) => {
                unreachable!("they are no calls")
            }
        }
    }

    fn post(&mut self, number: u8, content: Content, now: Timestamp) -> Answer {
        let (transfer, legs, reverses, draw) = &content;
        if let Some(at) = legs.iter().find(|it| *it.1 == 0).map(|it| it.0) {
            // Names sort otherwise than numbers.
            let zeros = legs.iter().filter(|it| *it.1 == 0).map(|it| name(*it.0));
            let account = account(zeros.min().unwrap_or(name(*at)));
            return Err(LedgerError::ZeroAmount { account });
        }
        for code_ in ["BTC", "RUB"] {
            let sum: i64 = legs.iter().filter(|it| code(*it.0) == code_).map(|it| it.1).sum();
            if sum != 0 {
                let (currency, sum) = (currency(code_), i128::from(sum));
                return Err(LedgerError::Unbalanced { currency, sum });
            }
        }
        let planned = self.plan(legs, draw.as_ref(), transfer.floors, now);
        let same_id = self.transfers.get(&number);
        let reversal = self.transfers.iter().find(|it| reverses.is_some() && it.1.2 == *reverses);
        match (same_id, reversal, planned) {
            (Some(found), ..) if *found == content => Ok(Posted::Before),
            (Some(_), ..) => Err(LedgerError::IdReused { id: number.to_string() }),
            (None, Some((by, _)), _) => Err(LedgerError::AlreadyReversed {
                transfer: named(reverses.unwrap()),
                by: named(*by),
            }),
            (None, None, Err(refusal)) => Err(refusal),
            (None, None, Ok(drawn)) => {
                for (at, minor) in legs {
                    self.accounts.get_mut(at).unwrap().total += minor;
                }
                if let Some((number, released)) = drawn {
                    let hold = self.holds.get_mut(&number).unwrap();
                    hold.remaining -= released;
                    if hold.remaining == 0 {
                        hold.state = HoldState::Posted;
                    }
                    self.accounts.get_mut(&hold.account).unwrap().reserved -= released;
                }
                self.transfers.insert(number, content.clone());
                self.note(now);
                Ok(Posted::Now)
            }
        }
    }

    /// What a transfer would release of a hold, or why it must not be.
    fn plan(
        &self,
        legs: &Legs,
        draw: Option<&(u8, Consume)>,
        floors: Floors,
        now: Timestamp,
    ) -> Result<Option<(u8, i64)>, LedgerError> {
        let mut drawn = None;
        let mut freed = BTreeMap::new();
        if let Some((number, consume)) = draw {
            let id = hold(&number.to_string());
            let Some(found) = self.holds.get(number) else {
                return Err(LedgerError::UnknownHold { hold: id });
            };
            if found.state != HoldState::Open {
                return Err(closed(*number, found.state));
            }
            if found.expires_at.is_some_and(|until| until <= now) {
                return Err(closed(*number, HoldState::Expired));
            }
            let left = found.remaining;
            let (consumed, released) = match consume {
                Consume::All => (left, left),
                Consume::KeepRest(amount) => (amount.minor, amount.minor),
                Consume::ReleaseRest(amount) => (amount.minor, left),
            };
            if let Consume::KeepRest(amount) | Consume::ReleaseRest(amount) = consume {
                let (expected, actual) = (currency(code(found.account)), amount.currency.clone());
                if expected != actual {
                    let account = account(name(found.account));
                    return Err(LedgerError::CurrencyMismatch { account, expected, actual });
                }
            }
            if consumed <= 0 {
                return Err(LedgerError::NotPositive { amount: consumed });
            }
            if consumed > left {
                return Err(LedgerError::HoldExceeded { hold: id, left, needed: consumed });
            }
            let needed = -legs.get(&found.account).copied().unwrap_or(0);
            if needed <= 0 {
                let account = account(name(found.account));
                return Err(LedgerError::HoldNotDrawn { hold: id, account });
            }
            if needed > consumed {
                return Err(LedgerError::HoldExceeded { hold: id, left: consumed, needed });
            }
            drawn = Some((*number, released));
            freed.insert(found.account, released);
        }
        let mut sorted: Vec<_> = legs.iter().collect();
        sorted.sort_by_key(|(at, _)| name(**at));
        for (at, minor) in sorted {
            let account = account(name(*at));
            let Some(found) = self.accounts.get(at) else {
                return Err(LedgerError::UnknownAccount { account });
            };
            let step = minor + freed.get(at).unwrap_or(&0);
            if floors == Floors::Kept {
                found.gives(*at, step)?;
            }
        }
        Ok(drawn)
    }

    fn reserve(
        &mut self,
        number: u8,
        at: usize,
        minor: i64,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Answer {
        let id = hold(&number.to_string());
        if minor <= 0 {
            return Err(LedgerError::NotPositive { amount: minor });
        }
        if let Some(found) = self.holds.get(&number) {
            let is_same =
                found.account == at && found.minor == minor && found.expires_at == expires_at;
            let reused = LedgerError::IdReused { id: id.to_string() };
            return if is_same { Ok(Posted::Before) } else { Err(reused) };
        }
        let Some(found) = self.accounts.get_mut(&at) else {
            return Err(LedgerError::UnknownAccount { account: account(name(at)) });
        };
        if expires_at.is_some_and(|until| until <= now) {
            return Err(LedgerError::BornExpired { hold: id });
        }
        found.gives(at, -minor)?;
        found.reserved += minor;
        let (state, remaining) = (HoldState::Open, minor);
        self.holds.insert(number, Hold { account: at, minor, remaining, state, expires_at });
        self.note(now);
        Ok(Posted::Now)
    }

    fn close(&mut self, number: u8, state: HoldState, now: Timestamp) {
        let hold = self.holds.get_mut(&number).unwrap();
        self.accounts.get_mut(&hold.account).unwrap().reserved -= hold.remaining;
        (hold.remaining, hold.state) = (0, state);
        self.note(now);
    }

    pub(super) fn expire(&mut self, now: Timestamp) {
        let is_over = |hold: &Hold| hold.expires_at.is_some_and(|until| until <= now);
        let open = self.holds.iter().filter(|it| it.1.state == HoldState::Open && is_over(it.1));
        for number in open.map(|it| *it.0).collect::<Vec<_>>() {
            self.close(number, HoldState::Expired, now);
        }
    }

    fn note(&mut self, now: Timestamp) {
        for account in self.accounts.values_mut() {
            account.past.push((now, account.total, account.reserved));
        }
    }
}

impl Account {
    /// Whether what is available may change so.
    fn gives(&self, at: usize, step: i64) -> Result<(), LedgerError> {
        let before = self.total - self.reserved;
        match self.floor {
            Floor::At(floor) if step < 0 && before + step < floor => {
                let (account, available) = (account(name(at)), (before - floor).max(0));
                Err(LedgerError::InsufficientFunds { account, available, needed: -step })
            }
            Floor::At(_) | Floor::None => Ok(()),
        }
    }
}

pub(super) fn named(number: u8) -> TransferId {
    id(&number.to_string())
}

fn closed(number: u8, state: HoldState) -> LedgerError {
    LedgerError::HoldNotOpen { hold: hold(&number.to_string()), state }
}

/// Said once for the whole history, so that a step asked again asks the same.
pub(super) fn expiry(lasts: Option<i64>) -> Option<Timestamp> {
    lasts.map(|seconds| noon() + SignedDuration::from_secs(seconds * 3))
}
