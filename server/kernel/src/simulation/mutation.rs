//! Ways in which the kernel is made wrong on purpose: a simulation that finds none of them proves
//! nothing.

use super::world::current;

/// A rule that the kernel breaks in a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// A consumer handles what its inbox says it has handled.
    InboxUnread,
    /// Whoever has lost a lease writes all the same.
    LeaseUnheld,
    /// A job that was done is kept.
    JobKept,
    /// Timers are taken to be due before they are.
    TimerEarly,
    /// A timer that has fired is kept.
    TimerKept,
    /// The relay publishes the latest first.
    RelayReversed,
    /// The relay leaves out what it was about to publish.
    RelayForgets,
    /// An idempotency key is taken to be fresh.
    KeyUnread,
    /// The event of a stream does not wait for the one before it.
    LaneUnordered,
    /// A checkpoint goes past what is not done.
    CheckpointAhead,
    /// A projection writes its checkpoint in a transaction of its own.
    ProjectionTorn,
    /// A version is not compared with what a writer expects.
    VersionUnread,
    /// Of a transfer the second leg is forgotten.
    LegForgotten,
    /// A hold that has expired stays reserved.
    HoldKept,
    /// Effects are written under another tenant.
    TenantMixed,
    /// A commit is confirmed before it is one.
    ConfirmedEarly,
}

impl Mutation {
    /// All there are, by name.
    pub const ALL: [(&'static str, Self); 16] = [
        ("inbox-unread", Self::InboxUnread),
        ("lease-unheld", Self::LeaseUnheld),
        ("job-kept", Self::JobKept),
        ("timer-early", Self::TimerEarly),
        ("timer-kept", Self::TimerKept),
        ("relay-reversed", Self::RelayReversed),
        ("relay-forgets", Self::RelayForgets),
        ("key-unread", Self::KeyUnread),
        ("lane-unordered", Self::LaneUnordered),
        ("checkpoint-ahead", Self::CheckpointAhead),
        ("projection-torn", Self::ProjectionTorn),
        ("version-unread", Self::VersionUnread),
        ("leg-forgotten", Self::LegForgotten),
        ("hold-kept", Self::HoldKept),
        ("tenant-mixed", Self::TenantMixed),
        ("confirmed-early", Self::ConfirmedEarly),
    ];
}

/// Whether the world on this thread breaks this rule.
pub(crate) fn is_broken(mutation: Mutation) -> bool {
    current().is_some_and(|(world, _)| world.mutation() == Some(mutation))
}
