//! The worker port: what a worker offers, and what it is given. Which transport it uses is its own business.

use crate::model::{ActivityTask, Chunk, HubId, InstanceRef, pb::HistoryEvent};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use tokio::sync::mpsc;

/// A worker that is connected, until it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WorkerId(pub(super) u64);

impl WorkerId {
    /// Counted since the server started.
    pub fn number(self) -> u64 {
        self.0
    }
}

/// The kinds of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A turn of an orchestration.
    Turn,
    /// An activity.
    Activity,
    /// A batch of operations of an entity.
    Batch,
}

impl Kind {
    /// As settings, answers and labels call what it is of.
    pub fn name(self) -> &'static str {
        match self {
            Self::Turn => "orchestration",
            Self::Activity => "activity",
            Self::Batch => "entity",
        }
    }
}

/// Names a worker serves, each with the versions it serves (none: all). An unversioned item has version `""`.
pub type Names = HashMap<String, Vec<String>>;

/// Entities a worker serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntityNames {
    /// All of them: it has entities and cannot say which.
    All,
    /// These, in lower case.
    These(HashSet<String>),
}

/// Which items a worker takes.
#[derive(Clone, Debug)]
pub enum Serves {
    /// Everything; it cannot say what it knows (a gRPC worker without filters).
    Everything,
    /// These orchestrations, activities and entities only. Names of entities are in lower case.
    Named { orchestrations: Names, activities: Names, entities: EntityNames },
}

/// What a worker offers when it joins.
#[derive(Clone, Debug)]
pub struct Offer {
    /// How the worker is called in logs.
    pub label: String,
    /// The hub it works for; `None`: all hubs.
    pub hub: Option<HubId>,
    pub serves: Serves,
    /// It runs inside this process. A connected worker that names the same function is preferred.
    pub embedded: bool,
    /// It can fetch the history of a turn by itself, so the size of the past is no matter.
    pub fetches_history: bool,
    /// Most turns it holds at a time.
    pub max_turns: usize,
    /// Most activities it holds at a time.
    pub max_activities: usize,
    /// Most batches of entities it holds at a time.
    pub max_batches: usize,
}

/// How well an offer fits an item; the best fit that is connected gets all items of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// A connected worker that names the function.
    Named,
    /// A function registered in this process.
    Embedded,
    /// A worker that takes everything.
    Anything,
}

impl Offer {
    /// How the offer fits an item, if at all.
    pub(super) fn fit(&self, hub: HubId, kind: Kind, name: &str, version: Option<&str>) -> Option<Fit> {
        if self.hub.is_some_and(|own| own != hub) {
            return None;
        }
        let names = match (&self.serves, kind) {
            (Serves::Everything, _) => return Some(Fit::Anything),
            (Serves::Named { orchestrations, .. }, Kind::Turn) => orchestrations,
            (Serves::Named { activities, .. }, Kind::Activity) => activities,
            (Serves::Named { entities: EntityNames::All, .. }, Kind::Batch) => return Some(self.named()),
            (Serves::Named { entities: EntityNames::These(names), .. }, Kind::Batch) => {
                return names.contains(name).then(|| self.named());
            }
        };
        let versions = names.get(name)?;
        let version = version.unwrap_or_default();
        let fits = versions.is_empty() || versions.iter().any(|served| served == version);
        fits.then(|| self.named())
    }

    /// How it fits what it names.
    fn named(&self) -> Fit {
        if self.embedded { Fit::Embedded } else { Fit::Named }
    }

    pub(super) fn limit(&self, kind: Kind) -> usize {
        match kind {
            Kind::Turn => self.max_turns,
            Kind::Activity => self.max_activities,
            Kind::Batch => self.max_batches,
        }
    }
}

/// Something for a worker to do. The token comes back with the answer and proves who holds the item.
#[derive(Clone, Debug)]
pub enum WorkItem {
    Turn(TurnItem),
    Activity(ActivityItem),
    Batch(BatchItem),
}

impl WorkItem {
    /// What the item is held under.
    pub fn token(&self) -> &str {
        match self {
            WorkItem::Turn(TurnItem { token, .. })
            | WorkItem::Activity(ActivityItem { token, .. })
            | WorkItem::Batch(BatchItem { token, .. }) => token,
        }
    }
}

/// One turn to run.
#[derive(Clone, Debug)]
pub struct TurnItem {
    pub token: String,
    pub instance: InstanceRef,
    pub execution_id: String,
    /// The committed history, encoded.
    pub past: Vec<Chunk>,
    /// What is new, beginning with `OrchestratorStarted`.
    pub events: Vec<HistoryEvent>,
    /// `OrchestrationTraceContext` as the last answer left it, encoded.
    pub trace: Option<Vec<u8>>,
}

/// One activity to run.
#[derive(Clone, Debug)]
pub struct ActivityItem {
    pub token: String,
    pub task: ActivityTask,
}

/// One batch of operations to run on an entity.
#[derive(Clone, Debug)]
pub struct BatchItem {
    pub token: String,
    pub entity: InstanceRef,
    pub state: Option<Arc<str>>,
    /// Signals and calls, in order.
    pub operations: Vec<HistoryEvent>,
}

/// A worker's end of the port: its items arrive here. The channel closes when the server stops dispatching.
#[derive(Debug)]
pub struct Seat {
    pub id: WorkerId,
    pub items: mpsc::UnboundedReceiver<WorkItem>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(serves: Serves, embedded: bool) -> Offer {
        Offer {
            label: "w".into(),
            hub: Some(HubId(1)),
            serves,
            embedded,
            fetches_history: false,
            max_turns: 1,
            max_activities: 1,
            max_batches: 1,
        }
    }

    fn named(name: &str, versions: &[&str]) -> Serves {
        let names = Names::from([(name.to_owned(), versions.iter().map(|v| (*v).to_owned()).collect())]);
        let entities = EntityNames::These(HashSet::new());
        Serves::Named { orchestrations: names, activities: Names::new(), entities }
    }

    #[test]
    fn a_worker_that_names_a_function_wins_over_an_embedded_one_and_that_over_one_that_takes_anything() {
        let remote = offer(named("F", &[]), false).fit(HubId(1), Kind::Turn, "F", None);
        let embedded = offer(named("F", &[]), true).fit(HubId(1), Kind::Turn, "F", None);
        let anything = offer(Serves::Everything, false).fit(HubId(1), Kind::Turn, "F", None);
        assert!(remote < embedded && embedded < anything && remote.is_some());
    }

    #[test]
    fn filters_match_names_exactly_and_versions_when_given() {
        let fit = |serves, version| offer(serves, false).fit(HubId(1), Kind::Turn, "F", version).is_some();
        assert!(fit(named("F", &[]), Some("2")));
        assert!(fit(named("F", &["1", ""]), None));
        assert!(!fit(named("F", &["1"]), Some("2")));
        assert!(!fit(named("f", &[]), None));
        assert!(offer(named("F", &[]), false).fit(HubId(1), Kind::Activity, "F", None).is_none());
        assert!(offer(Serves::Everything, false).fit(HubId(2), Kind::Turn, "F", None).is_none());
    }
}
