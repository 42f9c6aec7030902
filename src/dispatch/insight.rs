//! What dispatch shows of itself: who works, what waits, and where one instance stands. Told from memory, as of now; nothing waits for it
//! and nothing depends on it.

use super::{
    Dispatch,
    board::Board,
    queue::Route,
    tally::Tally,
    watchdog::Watch,
    worker::{Kind, WorkerId},
};
use crate::model::{HubId, InstanceKey, Timestamp};
use std::sync::Arc;

/// A connected worker.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkerView {
    /// Its number since the server started.
    pub id: WorkerId,
    /// How it calls itself.
    pub label: String,
    /// The hub it works for; `None`: all of them.
    pub hub: Option<HubId>,
    /// It runs inside this process.
    pub embedded: bool,
    pub since: Timestamp,
    pub turns: Places,
    pub activities: Places,
    pub batches: Places,
    /// How many items it has answered.
    pub answered: u64,
    /// What it says that it serves; `None`: everything.
    pub names: Option<ServedNames>,
}

/// How many items are held, and how many may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    pub held: usize,
    pub most: usize,
}

impl Places {
    /// There is no room for another one.
    pub fn is_full(self) -> bool {
        self.held >= self.most
    }
}

/// Names in alphabetical order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServedNames {
    pub orchestrations: Vec<String>,
    pub activities: Vec<String>,
    /// `None`: all of them.
    pub entities: Option<Vec<String>>,
}

/// Work of one kind and name that waits for a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueView {
    pub hub: HubId,
    pub kind: Kind,
    pub name: Arc<str>,
    pub version: Option<Arc<str>>,
    /// How much of it is in memory.
    pub waiting: usize,
    /// There is more of it, which waits in its rows.
    pub more: bool,
    /// Whether a connected worker serves it.
    pub served: bool,
    /// How much of the name workers hold, all versions together, and how much they may; `None`: as much as they have room for.
    pub limit: Option<Places>,
    /// Since when somebody has been waiting here without a break.
    pub since: Timestamp,
}

/// Where something stands on its way to a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// No connected worker serves it.
    Unserved,
    /// It waits for a worker that serves it to have room.
    Queued,
    /// As much of its name is out as may be at a time, whoever has room.
    Limited { most: usize },
    /// A worker has it.
    Held { worker: String, since: Timestamp },
    /// It was put back and waits a little before it is tried again.
    Resting,
    /// It is being read, or its answer is being applied or stored.
    UnderWay,
    /// Nothing is dispatched to it until an operator says so.
    Parked,
}

/// One instance. What is not there has nothing to do, as far as dispatch knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceView {
    /// Its next turn, or batch.
    pub turn: Option<Standing>,
    /// How often that came back from a worker.
    pub returns: u32,
    pub activities: Vec<ActivityView>,
}

/// An activity that no worker has completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityView {
    /// The action id under which the orchestrator waits for it.
    pub task_id: i32,
    pub standing: Standing,
    /// How often it came back from a worker.
    pub returns: u32,
}

/// Shows what goes on.
pub trait Insight: Send + Sync + 'static {
    /// All connected workers, in the order in which they came.
    fn workers(&self) -> Vec<WorkerView>;
    /// All work that waits, by hub, kind, name and version.
    fn queues(&self) -> Vec<QueueView>;
    /// Where one instance stands.
    fn instance(&self, key: InstanceKey) -> InstanceView;
    /// How work of a kind, name and version stands that is ready and not in memory; `None`: there is none.
    fn behind(&self, hub: HubId, kind: Kind, name: &str, version: Option<&str>) -> Option<Standing>;
    /// What the watchdog has found.
    fn watch(&self) -> Watch;
    /// What has been done.
    fn tally(&self) -> Tally;
}

impl Insight for Dispatch {
    fn workers(&self) -> Vec<WorkerView> {
        let mut workers = self.with_board(|board| board.show_workers());
        workers.sort_unstable_by_key(|worker| worker.id.0);
        workers
    }

    fn queues(&self) -> Vec<QueueView> {
        let mut queues = self.with_board(|board| board.show_queues());
        let order =
            |queue: &QueueView| (queue.hub, queue.kind as u8, queue.name.clone(), queue.version.clone());
        queues.sort_unstable_by_key(order);
        queues
    }

    fn instance(&self, key: InstanceKey) -> InstanceView {
        self.with_board(|board: &mut Board| board.show_instance(key))
    }

    fn behind(&self, hub: HubId, kind: Kind, name: &str, version: Option<&str>) -> Option<Standing> {
        let route = Route { hub, kind, name: name.into(), version: version.map(Into::into) };
        self.with_board(|board: &mut Board| board.show_behind(&route))
    }

    fn watch(&self) -> Watch {
        self.shared.findings.watch()
    }

    fn tally(&self) -> Tally {
        self.with_board(|board: &mut Board| board.show_tally())
    }
}
