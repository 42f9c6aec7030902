//! What has been done since the start, counted.

use super::worker::Kind;
use crate::model::{HubId, Status, StatusExt as _};
use std::collections::HashMap;

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delivered {
    /// The worker has answered.
    Answered,
    /// The worker has answered that the activity, or the batch as a whole, failed.
    Failed,
    /// The worker did not want it.
    PutBack,
    /// The worker went away, was silent for too long, or could do nothing with it.
    Lost,
}

impl Delivered {
    /// As labels call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::PutBack => "put_back",
            Self::Lost => "lost",
        }
    }
}

/// Sums since the start of the server, and what is out now.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub deliveries: HashMap<(HubId, Kind, Delivered), u64>,
    /// Orchestrations.
    pub created: HashMap<HubId, u64>,
    pub ended: HashMap<(HubId, Status), u64>,
    /// What workers hold at this moment.
    pub held: HashMap<(HubId, Kind), u64>,
}

impl Tally {
    /// An orchestration has made its commit number `turn`, 0 when it was created.
    pub(super) fn changed(&mut self, hub: HubId, status: Status, turn: i64) {
        if turn == 0 {
            *self.created.entry(hub).or_default() += 1;
        } else if status.is_terminal() {
            *self.ended.entry((hub, status)).or_default() += 1;
        }
    }

    /// One more delivery has ended.
    pub(super) fn delivered(&mut self, hub: HubId, kind: Kind, outcome: Delivered) {
        *self.deliveries.entry((hub, kind, outcome)).or_default() += 1;
    }
}
