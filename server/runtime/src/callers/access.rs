//! Who calls an operation, as its handler sees them.

use std::fmt::Debug;

use crate::Principal;

/// What a handler learns of its caller: no more and no less than the operation's `security` leaves
/// open.
///
/// [`Principal`] stands for operations that one scheme admits callers to, [`Anonymous`] for those
/// that ask for nothing, and `Option` for those that let callers in without credentials too. Where
/// several schemes are asked for, or any of several will do, a generated type says which.
pub trait Access: Debug + Sized + Send + 'static {
    /// The caller; `None` if no such caller was to be admitted.
    fn of(admitted: Admitted) -> Option<Self>;
}

/// Nobody in particular: the operation asks for no credentials.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Anonymous;

impl Access for Anonymous {
    fn of(_: Admitted) -> Option<Self> {
        Some(Self)
    }
}

impl Access for Principal {
    fn of(mut admitted: Admitted) -> Option<Self> {
        admitted.take()
    }
}

impl<A: Access> Access for Option<A> {
    fn of(admitted: Admitted) -> Option<Self> {
        match admitted.is_anonymous() {
            true => Some(None),
            false => A::of(admitted).map(Some),
        }
    }
}

/// The alternative of an operation's `security` that a request met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admitted {
    held: Vec<(&'static str, Principal)>,
}

impl Admitted {
    pub(crate) fn new(held: Vec<(&'static str, Principal)>) -> Self {
        Self { held }
    }

    /// Whether nobody was authenticated.
    pub fn is_anonymous(&self) -> bool {
        self.held.is_empty()
    }

    /// The schemes that were met, in the order of the contract.
    pub fn schemes(&self) -> Vec<&'static str> {
        self.held.iter().map(|(scheme, _)| *scheme).collect()
    }

    /// Whom the first of the schemes that are left recognised.
    pub fn take(&mut self) -> Option<Principal> {
        if self.held.is_empty() { None } else { Some(self.held.remove(0).1) }
    }

    /// Whether something holds of everyone who was recognised.
    pub(crate) fn all(&self, holds: impl Fn(&Principal) -> bool) -> bool {
        self.held.iter().all(|(_, principal)| holds(principal))
    }

    /// Whom the edge answers for, in its log and its limits.
    pub(crate) fn principal(&self) -> Principal {
        self.held.first().map_or_else(Principal::anonymous, |(_, principal)| principal.clone())
    }
}
