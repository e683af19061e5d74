//! How well a value fits the type it is read as: what was known of it, and what was read over.

use std::cell::Cell;

use serde::Deserialize;
use serde_json::Value;

/// What was read on this thread so far.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    /// Members that the types know.
    known: usize,
    /// Members that were read over, and texts that no enumeration lists.
    lost: usize,
    /// Values that unions inside of others may still read; none outside of unions.
    left: Option<usize>,
}

thread_local! {
    static TALLY: Cell<Tally> = const { Cell::new(Tally { known: 0, lost: 0, left: None }) };
}

/// Counts a member that its type knows.
pub(crate) fn known() {
    let tally = TALLY.get();
    TALLY.set(Tally { known: tally.known + 1, ..tally });
}

/// Counts a member that is read over, or a text that is kept unread.
pub(crate) fn lost() {
    let tally = TALLY.get();
    TALLY.set(Tally { lost: tally.lost + 1, ..tally });
}

/// How often each value in a value may be read by unions inside of others: a bound for the worst of
/// inputs. The alternatives of the outermost union are all tried.
const EACH: usize = 256;

/// The alternative that fits a value best: it knows most of its members, else reads over the
/// fewest, else stands first.
#[derive(Debug)]
pub struct Best<'v, U> {
    value: &'v Value,
    values: usize,
    members: usize,
    before: Tally,
    found: Option<(Tally, U)>,
}

impl<'v, U> Best<'v, U> {
    /// Before any alternative was tried.
    pub fn of(value: &'v Value) -> Self {
        let (values, members) = size(value);
        let before = TALLY.get();
        let left = before.left.unwrap_or(values.saturating_mul(EACH));
        TALLY.set(Tally { left: Some(left), ..before });
        Self { value, values, members, before, found: None }
    }

    /// Tries an alternative, unless one was found that nothing can fit better.
    pub fn attempt<T: Deserialize<'v>>(&mut self, make: fn(T) -> U) {
        let exact = |found: &Tally| found.lost == 0 && found.known == self.members;
        let left = TALLY.get().left.unwrap_or_default();
        let costs = if self.before.left.is_some() { self.values } else { 0 };
        if left < costs || self.found.as_ref().is_some_and(|(found, _)| exact(found)) {
            return;
        }
        TALLY.set(Tally { known: 0, lost: 0, left: Some(left - costs) });
        let Ok(read) = T::deserialize(self.value) else { return };
        let tally = TALLY.get();
        let better = |(best, _): &(Tally, U)| {
            tally.known > best.known || (tally.known == best.known && tally.lost < best.lost)
        };
        if self.found.as_ref().is_none_or(better) {
            self.found = Some((tally, make(read)));
        }
    }

    /// The best there was.
    pub fn found(self) -> Option<U> {
        let Tally { known, lost, left } = self.before;
        let left = left.and(TALLY.get().left);
        let (tally, found) = self.found.unzip();
        let tally = tally.unwrap_or_default();
        TALLY.set(Tally { known: known + tally.known, lost: lost + tally.lost, left });
        found
    }
}

/// How many values there are in a value, and how many of them are members.
fn size(value: &Value) -> (usize, usize) {
    let add = |(values, members): (usize, usize), inner: &Value| {
        let (more, named) = size(inner);
        (values + more, members + named)
    };
    match value {
        Value::Object(inner) => inner.values().fold((1, inner.len()), add),
        Value::Array(inner) => inner.iter().fold((1, 0), add),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (1, 0),
    }
}
