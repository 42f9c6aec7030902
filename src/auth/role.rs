//! What a key is for.

use super::Operation;
use std::fmt;

/// What a key is for. `Operate` includes `Read`, `Admin` includes everything; `Worker` stands beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Look at instances.
    Read,
    /// Look at instances, start them, and act on one at a time, or on many by a bulk job, unless that purges by filter.
    Operate,
    /// Run functions.
    Worker,
    /// Everything.
    Admin,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 4] = [Self::Read, Self::Operate, Self::Worker, Self::Admin];

    /// As settings call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Worker => "worker",
            Self::Admin => "admin",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether a key with this role may do it. No `_` arm: a new operation must say here who may.
    pub fn permits(self, operation: Operation) -> bool {
        let others: &[Self] = match operation {
            Operation::Greet | Operation::Hello | Operation::History => {
                &[Self::Read, Self::Operate, Self::Worker]
            }
            Operation::Look | Operation::Status | Operation::List | Operation::Measure => {
                &[Self::Read, Self::Operate]
            }
            Operation::Start
            | Operation::Signal
            | Operation::RaiseEvent
            | Operation::Terminate
            | Operation::Suspend
            | Operation::Resume
            | Operation::Restart
            | Operation::Rewind
            | Operation::Purge => &[Self::Operate],
            Operation::Work => &[Self::Worker],
            Operation::PurgeMany | Operation::AdministerHub | Operation::Administer => &[],
        };
        self == Self::Admin || others.contains(&self)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
