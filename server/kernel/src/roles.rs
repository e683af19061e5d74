//! Which part of a kernel's work a process does; others on the same database do the rest.

/// A part of the work that needs somebody to do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Gives what is in the outbox its place in the log, and ships the log and dead letters to the
    /// bus between processes, if there is one.
    Relay,
    /// Runs consumers, timers, schedules, jobs and projections, and forgets what is old.
    Work,
}

impl Role {
    const fn bit(self) -> u8 {
        match self {
            Self::Relay => 1,
            Self::Work => 2,
        }
    }
}

/// The roles of a process. Whatever they are, it may write, read, and follow what is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles(u8);

impl Roles {
    /// Every one.
    pub const ALL: Self = Self::only(Role::Relay).and(Role::Work);
    /// None: a process that writes and reads, and leaves the work to others.
    pub const NONE: Self = Self(0);

    /// One role.
    #[must_use]
    pub const fn only(role: Role) -> Self {
        Self(role.bit())
    }

    /// These roles and one more.
    #[must_use]
    pub const fn and(self, role: Role) -> Self {
        Self(self.0 | role.bit())
    }

    /// Whether it is among them.
    #[must_use]
    pub const fn include(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }
}

impl Default for Roles {
    fn default() -> Self {
        Self::ALL
    }
}
