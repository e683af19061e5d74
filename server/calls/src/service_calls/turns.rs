//! Whose turn it is: fair between tenants, within what each may have out at once and begin in a
//! second. It knows what this process has out and no other.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use symbolon_kernel::TenantId;
use tokio::sync::Notify;

const SECOND: i64 = 1_000_000;

/// What a tenant may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Requests that are out at once.
    pub(crate) concurrency: usize,
    /// Attempts that begin in a second; any number, if it is none.
    pub(crate) rate: Option<NonZeroU32>,
}

/// What tenants have out and have begun.
#[derive(Debug)]
pub(crate) struct Turns {
    limits: Limits,
    /// Told when a tenant that was held back may go on.
    wake: Arc<Notify>,
    tenants: Mutex<BTreeMap<TenantId, Tenant>>,
}

/// How a tenant stands.
#[derive(Debug, Clone, Copy, Default)]
struct Tenant {
    out: usize,
    /// When the attempts that were begun are paid for: each costs a part of a second. Microseconds
    /// since the Unix epoch.
    paid_at: i64,
    /// Whether calls of it wait that may not begin yet.
    is_held_back: bool,
}

impl Turns {
    pub(crate) fn new(limits: Limits, wake: Arc<Notify>) -> Arc<Self> {
        let limits = Limits { concurrency: limits.concurrency.max(1), ..limits };
        Arc::new(Self { limits, wake, tenants: Mutex::default() })
    }

    fn tenants(&self) -> MutexGuard<'_, BTreeMap<TenantId, Tenant>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many calls of a tenant may begin now.
    pub(crate) fn room(&self, tenant: &TenantId, now: Timestamp) -> usize {
        let standing = self.tenants().get(tenant).copied().unwrap_or_default();
        let free = self.limits.concurrency.saturating_sub(standing.out);
        free.min(self.affordable(standing, now.as_microsecond()))
    }

    /// How many attempts the rate leaves: those of a second at most, whatever was saved before.
    fn affordable(&self, standing: Tenant, now: i64) -> usize {
        let Some(rate) = self.limits.rate else { return usize::MAX };
        let price = price(rate);
        let owed = (standing.paid_at - now).clamp(0, SECOND);
        usize::try_from((SECOND - owed) / price).unwrap_or(0)
    }

    /// When one more call may begin of a tenant that is held back by its rate alone.
    fn free_at(&self, standing: Tenant) -> Option<Timestamp> {
        let rate = self.limits.rate?;
        let at = standing.paid_at - SECOND + price(rate);
        Timestamp::from_microsecond(at).ok()
    }

    /// Notes that calls of a tenant wait that may not begin yet.
    pub(crate) fn hold_back(&self, tenant: &TenantId) {
        self.tenants().entry(tenant.clone()).or_default().is_held_back = true;
    }

    /// How long until the rate of a tenant that is held back lets its next call begin.
    pub(crate) fn pause(&self, now: Timestamp) -> Option<SignedDuration> {
        let tenants = self.tenants();
        let held = tenants.values().filter(|it| it.is_held_back);
        let held = held.filter(|it| it.out < self.limits.concurrency);
        let next = held.filter_map(|it| self.free_at(*it)).min()?;
        Some(next.duration_since(now).max(SignedDuration::ZERO))
    }

    /// A call of a tenant begins.
    pub(crate) fn begin(self: &Arc<Self>, tenant: &TenantId, now: Timestamp) -> Turn {
        let now = now.as_microsecond();
        let mut tenants = self.tenants();
        let standing = tenants.entry(tenant.clone()).or_default();
        standing.out += 1;
        if let Some(rate) = self.limits.rate {
            // A clock that was set back must hold nobody back for longer than a second.
            standing.paid_at = standing.paid_at.clamp(now, now + SECOND) + price(rate);
        }
        Turn { turns: Arc::clone(self), tenant: tenant.clone() }
    }

    fn give_back(&self, tenant: &TenantId) {
        let Some(rate) = self.limits.rate else { return };
        if let Some(standing) = self.tenants().get_mut(tenant) {
            standing.paid_at -= price(rate);
        }
    }

    fn end(&self, tenant: &TenantId) {
        let mut tenants = self.tenants();
        let Some(standing) = tenants.get_mut(tenant) else { return };
        standing.out = standing.out.saturating_sub(1);
        if std::mem::take(&mut standing.is_held_back) {
            self.wake.notify_one();
        }
        // Without a rate nothing else is to be remembered of it.
        if standing.out == 0 && self.limits.rate.is_none() {
            tenants.remove(tenant);
        }
    }

    /// Forgets tenants that have nothing out and owe nothing.
    pub(crate) fn forget(&self, now: Timestamp) {
        let now = now.as_microsecond();
        self.tenants().retain(|_, it| it.out > 0 || it.paid_at > now);
    }
}

/// What an attempt costs of its tenant's second, in microseconds.
fn price(rate: NonZeroU32) -> i64 {
    (SECOND / i64::from(rate.get())).max(1)
}

/// A call that is out, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Arc<Turns>,
    tenant: TenantId,
}

impl Turn {
    /// No call has begun: it costs nothing of the tenant's second.
    pub(crate) fn give_back(self) {
        self.turns.give_back(&self.tenant);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.end(&self.tenant);
    }
}

/// Deals so many from several hands: one of each in turn, as long as there are any.
pub(crate) fn deal<T>(mut hands: Vec<VecDeque<T>>, most: usize) -> Vec<T> {
    let mut dealt = Vec::new();
    while dealt.len() < most && hands.iter().any(|hand| !hand.is_empty()) {
        let round = hands.iter_mut().filter_map(VecDeque::pop_front);
        let left = most - dealt.len();
        dealt.extend(round.take(left));
    }
    dealt
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).expect("a name")
    }

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_700_000_000_000 + milliseconds).expect("a time")
    }

    fn turns(concurrency: usize, rate: u32) -> Arc<Turns> {
        let limits = Limits { concurrency, rate: NonZeroU32::new(rate) };
        Turns::new(limits, Arc::new(Notify::new()))
    }

    #[test]
    fn cards_are_dealt_in_rounds() {
        let hands = [vec!["a1", "a2", "a3"], vec!["b1"], vec!["c1", "c2"]];
        let hands = || hands.clone().map(VecDeque::from).to_vec();
        assert_eq!(deal(hands(), 5), ["a1", "b1", "c1", "a2", "c2"]);
        assert_eq!(deal(hands(), 2), ["a1", "b1"]);
        assert_eq!(deal(hands(), 9).len(), 6);
        assert!(deal(Vec::<VecDeque<()>>::new(), 3).is_empty());
    }

    #[test]
    fn a_tenant_has_no_more_out_than_it_may() {
        let turns = turns(2, 0);
        let (one, other) = (tenant("one"), tenant("other"));
        let first = turns.begin(&one, at(0));
        assert_eq!((turns.room(&one, at(0)), turns.room(&other, at(0))), (1, 2));
        let second = turns.begin(&one, at(0));
        assert_eq!(turns.room(&one, at(0)), 0);
        turns.hold_back(&one);
        assert_eq!(turns.pause(at(0)), None, "time alone does not help");
        drop(first);
        assert_eq!(turns.room(&one, at(0)), 1);
        drop(second);
        assert!(turns.tenants().is_empty());
    }

    #[test]
    fn a_tenant_begins_no_more_in_a_second_than_it_may() {
        let turns = turns(usize::MAX, 4);
        let one = tenant("one");
        assert_eq!(turns.room(&one, at(0)), 4);
        let out: Vec<_> = (0..4).map(|_| turns.begin(&one, at(0))).collect();
        assert_eq!(turns.room(&one, at(0)), 0);
        turns.hold_back(&one);
        assert_eq!(turns.pause(at(0)), Some(SignedDuration::from_millis(250)));
        assert_eq!((turns.room(&one, at(249)), turns.room(&one, at(250))), (0, 1));
        turns.begin(&one, at(250)).give_back();
        assert_eq!(turns.room(&one, at(250)), 1, "what came to nothing costs nothing");
        assert_eq!(turns.room(&one, at(60_000)), 4, "nothing is saved for longer");
        // A clock that is set back by an hour.
        assert_eq!(turns.room(&one, at(-3_600_000)), 0);
        drop(turns.begin(&one, at(-3_600_000)));
        assert!(turns.room(&one, at(-3_600_000 + 1250)) > 0);
        drop(out);
        turns.forget(at(60_000));
        assert!(turns.tenants().is_empty());
    }
}
