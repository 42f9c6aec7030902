//! Runtime status. The type is the protocol's own enum; its rules live in [`StatusExt`].

pub use super::pb::OrchestrationStatus as Status;
use serde::{Deserialize, Serialize};

/// What can be asked of a [`Status`].
pub trait StatusExt: Copy {
    /// Completed, Failed, Canceled or Terminated: nothing will happen to this execution any more.
    fn is_terminal(self) -> bool;
    /// The name Durable Functions uses (`Running`, `ContinuedAsNew`...).
    fn name(self) -> &'static str;
    /// The inverse of [`StatusExt::name`], in any case.
    fn from_name(name: &str) -> Option<Self>;
    /// All of them, by their number.
    const ALL: [Self; 8];
}

impl StatusExt for Status {
    fn is_terminal(self) -> bool {
        matches!(self, Status::Completed | Status::Failed | Status::Canceled | Status::Terminated)
    }

    fn name(self) -> &'static str {
        match self {
            Status::Running => "Running",
            Status::Completed => "Completed",
            Status::ContinuedAsNew => "ContinuedAsNew",
            Status::Failed => "Failed",
            Status::Canceled => "Canceled",
            Status::Terminated => "Terminated",
            Status::Pending => "Pending",
            Status::Suspended => "Suspended",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name().eq_ignore_ascii_case(name))
    }

    const ALL: [Self; 8] = [
        Status::Running,
        Status::Completed,
        Status::ContinuedAsNew,
        Status::Failed,
        Status::Canceled,
        Status::Terminated,
        Status::Pending,
        Status::Suspended,
    ];
}

/// A set of statuses, as a bit mask over the wire numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusSet(u8);

impl StatusSet {
    /// No status at all.
    pub const NONE: Self = Self(0);
    /// Every status.
    pub const ALL: Self = Self(u8::MAX);
    /// Every status after which an execution does nothing more.
    pub const TERMINAL: Self = Self(
        1 << Status::Completed as u8
            | 1 << Status::Failed as u8
            | 1 << Status::Canceled as u8
            | 1 << Status::Terminated as u8,
    );
    /// Every status of an instance that has not ended.
    pub const LIVE: Self = Self(!Self::TERMINAL.0);

    /// The statuses in both sets.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The set with `status` added.
    #[must_use]
    pub fn with(self, status: Status) -> Self {
        Self(self.0 | 1 << status as u8)
    }

    /// Whether no status is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The bits, `1 << number` for each status: what a backend compares with.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Whether `status` is in the set.
    pub fn contains(self, status: Status) -> bool {
        self.0 & (1 << status as u8) != 0
    }
}

impl FromIterator<Status> for StatusSet {
    fn from_iter<I: IntoIterator<Item = Status>>(statuses: I) -> Self {
        Self(statuses.into_iter().fold(0, |mask, status| mask | 1 << status as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terminal_set_agrees_with_is_terminal() {
        for status in Status::ALL {
            assert_eq!(StatusSet::TERMINAL.contains(status), status.is_terminal(), "{status:?}");
            assert_eq!(StatusSet::LIVE.contains(status), !status.is_terminal(), "{status:?}");
            assert_eq!(Status::from_name(&status.name().to_uppercase()), Some(status));
        }
    }
}
