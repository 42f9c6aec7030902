//! Who holds what. Leases live in memory: only this process can hold work, and after a crash everything is handed out anew.

use super::worker::{Kind, WorkerId};
use crate::model::{ActivityTask, HubId, InstanceId, InstanceKey, Timestamp};
use std::collections::HashMap;
use uuid::Uuid;

/// An activity and its fate so far.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub task: ActivityTask,
    /// How often a worker has put it back.
    pub returned: u32,
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
