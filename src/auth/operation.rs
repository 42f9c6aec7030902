//! What can be asked for, and the sets of it that links carry.

use super::Role;

/// What a request wants to do, as far as permissions tell requests apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Nothing that matters: a greeting, or a route that does not exist. Whoever is known may.
    Greet,
    /// Ask whether the server serves a task hub.
    Hello,
    /// See what the server is, and which of the caller's task hubs there are.
    Look,
    /// Read one instance, its payloads and history included.
    Status,
    /// Stream the history of one instance; workers replay from it.
    History,
    /// Read many instances or entities, or the state of an entity.
    List,
    /// See numbers of all task hubs together.
    Measure,
    /// Start an instance.
    Start,
    /// Send an operation to an entity.
    Signal,
    /// Send an event to an instance.
    RaiseEvent,
    /// End an instance.
    Terminate,
    /// Pause an instance.
    Suspend,
    /// Let a paused instance go on.
    Resume,
    /// Run an instance again.
    Restart,
    /// Let a failed instance go on from where it failed.
    Rewind,
    /// Remove one ended instance.
    Purge,
    /// Remove many at once.
    PurgeMany,
    /// Take work and hand in its results.
    Work,
    /// End many instances at once, or clean up, in a hub.
    AdministerHub,
    /// Look at or change the server itself, such as its hubs.
    Administer,
}

/// What an operation is about, as far as keys tell that apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// No task hub, or those that the caller's key is for.
    Nowhere,
    /// The one task hub that the request names.
    Hub,
    /// All task hubs at once, or which there are.
    Server,
}

impl Operation {
    /// The operations that a link can carry: those at one instance. A link's bits are places in this list, so it only grows.
    pub const AT_ONE_INSTANCE: [Self; 8] = [
        Self::Status,
        Self::RaiseEvent,
        Self::Terminate,
        Self::Suspend,
        Self::Resume,
        Self::Restart,
        Self::Rewind,
        Self::Purge,
    ];

    /// What it is about. No `_` arm: a new operation must say.
    pub fn scope(self) -> Scope {
        match self {
            Self::Greet | Self::Look => Scope::Nowhere,
            Self::Measure | Self::Administer => Scope::Server,
            Self::Hello
            | Self::Status
            | Self::History
            | Self::List
            | Self::Start
            | Self::Signal
            | Self::RaiseEvent
            | Self::Terminate
            | Self::Suspend
            | Self::Resume
            | Self::Restart
            | Self::Rewind
            | Self::Purge
            | Self::PurgeMany
            | Self::Work
            | Self::AdministerHub => Scope::Hub,
        }
    }

    /// Whether it changes something for people, which is what the audit log is about. What workers do is not: it is the work itself. No
    /// `_` arm: a new operation must say.
    pub fn changes(self) -> bool {
        match self {
            Self::Greet
            | Self::Hello
            | Self::Look
            | Self::Status
            | Self::History
            | Self::List
            | Self::Measure
            | Self::Work => false,
            Self::Start
            | Self::Signal
            | Self::RaiseEvent
            | Self::Terminate
            | Self::Suspend
            | Self::Resume
            | Self::Restart
            | Self::Rewind
            | Self::Purge
            | Self::PurgeMany
            | Self::AdministerHub
            | Self::Administer => true,
        }
    }

    fn bit(self) -> u16 {
        Self::AT_ONE_INSTANCE.iter().position(|known| *known == self).map_or(0, |place| 1 << place)
    }
}

/// A set of operations at one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operations(u16);

impl Operations {
    /// Every operation a link can carry.
    pub const ALL: Self = Self((1 << Operation::AT_ONE_INSTANCE.len()) - 1);

    /// What `role` may do at one instance.
    pub fn of(role: Role) -> Self {
        Operation::AT_ONE_INSTANCE.into_iter().filter(|operation| role.permits(*operation)).collect()
    }

    /// Whether it is in the set; an operation that no link can carry never is.
    pub fn contains(self, operation: Operation) -> bool {
        self.0 & operation.bit() != 0
    }

    pub(super) fn bits(self) -> u16 {
        self.0
    }

    /// `None` if there are bits of a later version among them.
    pub(super) fn from_bits(bits: u16) -> Option<Self> {
        (bits & !Self::ALL.0 == 0).then_some(Self(bits))
    }
}

impl FromIterator<Operation> for Operations {
    fn from_iter<I: IntoIterator<Item = Operation>>(operations: I) -> Self {
        Self(operations.into_iter().fold(0, |bits, operation| bits | operation.bit()))
    }
}
