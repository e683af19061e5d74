//! What may be asked of a ledger, by chance.

use std::collections::BTreeMap;

use proptest::prelude::*;
use symbolon_kernel::ledger::{Consume, Floor, Floors, Money, Transfer};

use super::model::Model;
use crate::ledger::{account, currency, id};

pub(super) const ACCOUNTS: [(&str, &str, Floor); 6] = [
    ("cash", "RUB", Floor::None),
    ("gold", "BTC", Floor::None),
    ("alice", "RUB", Floor::At(0)),
    ("bob", "RUB", Floor::At(-50)),
    ("carol", "RUB", Floor::At(0)),
    ("purse", "BTC", Floor::At(0)),
];

/// The name of an account; the last one is not open.
pub(super) fn name(number: usize) -> &'static str {
    ACCOUNTS.get(number).map_or("nobody", |it| it.0)
}

pub(super) fn code(number: usize) -> &'static str {
    ACCOUNTS.get(number).map_or("RUB", |it| it.1)
}

pub(super) type Legs = BTreeMap<usize, i64>;

#[derive(Debug, Clone)]
pub(super) enum Step {
    Post {
        id: u8,
        legs: Legs,
        floors: Floors,
    },
    PostFrom {
        hold: u8,
        consume: Consume,
        id: u8,
        legs: Legs,
    },
    Reserve {
        hold: u8,
        account: usize,
        minor: i64,
        lasts: Option<i64>,
    },
    Void(u8),
    Reverse {
        id: u8,
        of: u8,
        floors: Floors,
    },
    /// Posts out of a hold that there is, from its account.
    Draw {
        hold: u8,
        consume: Consume,
        id: u8,
        minor: i64,
    },
    /// Reverses a transfer that there is.
    ReverseOne {
        id: u8,
        of: usize,
        floors: Floors,
    },
    /// What was asked so many steps ago, once more.
    Again(usize),
    /// Time passes, or the clock goes back.
    Wait(i64),
}

pub(super) fn transfer(number: u8, legs: &Legs, floors: Floors) -> Transfer {
    let transfer = Transfer::new(id(&number.to_string()), "because");
    let legs = legs.iter().map(|(at, minor)| (account(name(*at)), *minor, code(*at)));
    let transfer = legs.fold(transfer, |it, (account, minor, code)| {
        it.leg(&account, Money::new(minor, &currency(code)))
    });
    Transfer { floors, ..transfer }
}

fn legs() -> impl Strategy<Value = Legs> {
    let some = prop::collection::btree_map(2usize..6, -60i64..60, 1..3);
    (some, prop::bool::weighted(0.95), prop::bool::weighted(0.03)).prop_map(
        |(mut legs, is_balanced, is_unknown)| {
            if is_unknown {
                legs.insert(6, 5);
            }
            for (at, on) in [(0, "RUB"), (1, "BTC")] {
                let sum: i64 = legs.iter().filter(|it| code(*it.0) == on).map(|it| it.1).sum();
                if is_balanced && sum != 0 {
                    legs.insert(at, -sum);
                }
            }
            legs
        },
    )
}

fn floors() -> impl Strategy<Value = Floors> {
    prop_oneof![9 => Just(Floors::Kept), 1 => Just(Floors::Ignored)]
}

fn consume() -> impl Strategy<Value = Consume> {
    let money = || {
        let code = prop_oneof![9 => Just("RUB"), 1 => Just("BTC")];
        (-1i64..60, code).prop_map(|(minor, code)| Money::new(minor, &currency(code)))
    };
    prop_oneof![
        Just(Consume::All),
        money().prop_map(Consume::KeepRest),
        money().prop_map(Consume::ReleaseRest),
    ]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0u8..60, legs(), floors()).prop_map(|(id, legs, floors)| {
            Step::Post { id, legs, floors }
        }),
        2 => (0u8..6, consume(), 0u8..120, legs()).prop_map(|(hold, consume, id, legs)| {
            Step::PostFrom { hold, consume, id, legs }
        }),
        8 => (0u8..5, consume(), 30u8..120, 1i64..40).prop_map(|(hold, consume, id, minor)| {
            Step::Draw { hold, consume, id, minor }
        }),
        6 => (0u8..5, 2usize..7, -1i64..70, prop::option::of(0i64..60)).prop_map(
            |(hold, account, minor, lasts)| Step::Reserve { hold, account, minor, lasts }
        ),
        2 => (0u8..6).prop_map(Step::Void),
        3 => (120u8..130, 0usize..40, floors()).prop_map(|(id, of, floors)| {
            Step::ReverseOne { id, of, floors }
        }),
        1 => (120u8..130, 0u8..130, floors()).prop_map(|(id, of, floors)| {
            Step::Reverse { id, of, floors }
        }),
        4 => (0usize..8).prop_map(Step::Again),
        3 => (-5i64..20).prop_map(Step::Wait),
    ]
}

impl Step {
    /// The call that it is, as the books are; none if it is none.
    pub(super) fn call(self, model: &Model, asked: &[Self]) -> Option<Self> {
        match self {
            Self::Post { .. }
            | Self::PostFrom { .. }
            | Self::Reserve { .. }
            | Self::Void(_)
            | Self::Reverse { .. } => Some(self),
            Self::Draw { hold, consume, id, minor } => {
                let account = model.holds.get(&hold)?.account;
                let in_its_currency =
                    |amount: Money| Money::new(amount.minor, &currency(code(account)));
                let consume = match consume {
                    Consume::All => Consume::All,
                    Consume::KeepRest(amount) => Consume::KeepRest(in_its_currency(amount)),
                    Consume::ReleaseRest(amount) => Consume::ReleaseRest(in_its_currency(amount)),
                };
                let other = usize::from(code(account) == "BTC");
                let legs = Legs::from([(account, -minor), (other, minor)]);
                Some(Self::PostFrom { hold, consume, id, legs })
            }
            Self::ReverseOne { id, of, floors } => {
                let of = *model.transfers.keys().nth(of % model.transfers.len())?;
                Some(Self::Reverse { id, of, floors })
            }
            Self::Again(ago) => asked.iter().rev().nth(ago).cloned(),
            Self::Wait(_) => None,
        }
    }
}
