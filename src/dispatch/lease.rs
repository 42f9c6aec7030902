//! Who holds what. Leases live in memory: only this process can hold work, and after a crash everything is handed out anew.

use super::worker::{Kind, WorkerId};
use crate::model::{ActivityTask, HubId, InstanceId, InstanceKey, Timestamp, pb::OrchestratorResponse};
use prost::Message as _;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// How often an item came back, and from whom.
#[derive(Clone, Debug, Default)]
pub(super) struct Returns {
    pub times: u32,
    /// Workers that put it back, most recent last. They get it again only if nobody else can take it.
    by: Vec<WorkerId>,
}

impl Returns {
    /// How many workers are remembered.
    const MEMORY: usize = 8;

    pub fn note(&mut self, worker: WorkerId) {
        self.times += 1;
        self.by.retain(|other| *other != worker);
        self.by.push(worker);
        if self.by.len() > Self::MEMORY {
            self.by.remove(0);
        }
    }

    /// 0 for a worker that has not put the item back, more the later it did.
    pub fn reluctance(&self, worker: WorkerId) -> usize {
        self.by.iter().position(|other| *other == worker).map_or(0, |index| index + 1)
    }
}

/// An activity and its fate so far.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub task: ActivityTask,
    pub returns: Returns,
}

impl Waiting {
    pub fn new(task: ActivityTask) -> Self {
        Self { task, returns: Returns::default() }
    }
}

/// What is held.
#[derive(Debug)]
pub(super) enum Held {
    Turn(InstanceKey, InstanceId),
    Activity(Waiting),
}

impl Held {
    fn kind(&self) -> Kind {
        match self {
            Held::Turn(..) => Kind::Turn,
            Held::Activity(_) => Kind::Activity,
        }
    }
}

/// An item in a worker's hands.
#[derive(Debug)]
pub(super) struct Lease {
    pub worker: WorkerId,
    pub hub: HubId,
    pub since: Timestamp,
    pub held: Held,
    /// The answer so far, if it comes in pieces.
    pub pieces: Pieces,
}

/// An answer too large for one message (facts: gRPC protocol, section 8.6). Kept in memory: the worker repeats it if it is lost.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    by_index: BTreeMap<i32, OrchestratorResponse>,
    bytes: usize,
}

impl Pieces {
    /// Most bytes of one answer.
    const LIMIT: usize = 256 << 20;

    /// Keeps a piece; one with the same index is replaced. `false`: the answer is too large.
    pub fn add(&mut self, piece: OrchestratorResponse) -> bool {
        self.bytes += piece.encoded_len();
        self.by_index.insert(piece.chunk_index.unwrap_or_default(), piece);
        self.bytes <= Self::LIMIT
    }

    /// Puts the pieces before the last one. The first says how many events were taken; the last has the custom status.
    pub fn complete(self, last: OrchestratorResponse) -> OrchestratorResponse {
        let before: Vec<_> =
            self.by_index.into_iter().filter(|(index, _)| Some(*index) != last.chunk_index).collect();
        let Some((_, first)) = before.first() else { return last };
        let mut whole = OrchestratorResponse {
            num_events_processed: first.num_events_processed,
            orchestration_trace_context: first.orchestration_trace_context.clone(),
            custom_status: last.custom_status,
            instance_id: last.instance_id,
            ..OrchestratorResponse::default()
        };
        whole.actions.extend(before.into_iter().flat_map(|(_, piece)| piece.actions));
        whole.actions.extend(last.actions);
        whole
    }
}

/// All leases, by completion token.
#[derive(Debug, Default)]
pub(super) struct Leases {
    by_token: HashMap<String, Lease>,
}

impl Leases {
    /// Hands an item out under a new token nobody can guess.
    pub fn grant(&mut self, lease: Lease) -> String {
        let token = Uuid::new_v4().simple().to_string();
        self.by_token.insert(token.clone(), lease);
        token
    }

    /// How many items are in workers' hands.
    pub fn len(&self) -> usize {
        self.by_token.len()
    }

    /// Ends a lease. `None`: there is none of that token and kind in the hub.
    pub fn end(&mut self, hub: HubId, token: &str, kind: Kind) -> Option<Lease> {
        self.by_token.get(token).filter(|lease| lease.hub == hub && lease.held.kind() == kind)?;
        self.by_token.remove(token)
    }

    /// Adds a piece to the answer of a turn. `None`: the token is stale. `Some(false)`: the answer has become too large.
    pub fn add_piece(&mut self, hub: HubId, token: &str, piece: OrchestratorResponse) -> Option<bool> {
        let lease = self.by_token.get_mut(token).filter(|lease| lease.hub == hub)?;
        Some(lease.pieces.add(piece))
    }

    /// Ends a lease whatever its hub.
    pub fn revoke(&mut self, token: &str) -> Option<Lease> {
        self.by_token.remove(token)
    }

    /// The token of a turn by its instance, for workers that do not return tokens (durabletask-go).
    pub fn token_of_turn(&self, hub: HubId, instance: &str) -> Option<String> {
        self.token_where(hub, |held| matches!(held, Held::Turn(_, id) if id.as_str() == instance))
    }

    /// The token of an activity by its instance and task, for workers that do not return tokens.
    pub fn token_of_activity(&self, hub: HubId, instance: &str, task: i32) -> Option<String> {
        self.token_where(hub, |held| match held {
            Held::Activity(waiting) => {
                waiting.task.instance.as_str() == instance && waiting.task.task_id == task
            }
            Held::Turn(..) => false,
        })
    }

    fn token_where(&self, hub: HubId, fits: impl Fn(&Held) -> bool) -> Option<String> {
        let mut leases = self.by_token.iter();
        leases.find(|(_, lease)| lease.hub == hub && fits(&lease.held)).map(|(token, _)| token.clone())
    }

    /// Tokens of everything this worker holds.
    pub fn of_worker(&self, worker: WorkerId) -> Vec<String> {
        self.tokens(|lease| lease.worker == worker)
    }

    /// Tokens of turns handed out before `turns`, and of activities handed out before `activities`.
    pub fn older_than(&self, turns: Timestamp, activities: Timestamp) -> Vec<String> {
        self.tokens(|lease| match lease.held {
            Held::Turn(..) => lease.since < turns,
            Held::Activity(_) => lease.since < activities,
        })
    }

    fn tokens(&self, fits: impl Fn(&Lease) -> bool) -> Vec<String> {
        self.by_token.iter().filter(|(_, lease)| fits(lease)).map(|(token, _)| token.clone()).collect()
    }
}
