//! Tasks that history says are open and that nothing stored will ever answer. It should never happen: whatever answers a task is written in
//! the transaction that takes the task's row away. If it does happen, the instance waits for ever, and this is how that is noticed.
//!
//! What is asked of entities is not looked for: it moves from inbox to inbox. Nor can it be told from what is stored whether an
//! orchestration waits for an external event.

use crate::model::{HubId, InstanceId, InstanceKey, OpenTask, OpenTasks, Short, Timestamp};
use std::collections::HashSet;

/// In which instances lost tasks are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspects {
    /// This one.
    One(InstanceKey),
    /// The next `rows` live ones behind `after`, as far as they have not moved since `since`.
    Unmoved { after: Option<LivePlace>, since: Timestamp, rows: usize },
}

/// Where a walk through the live instances of all hubs stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LivePlace {
    pub hub: HubId,
    pub created_at: Timestamp,
    pub key: InstanceKey,
}

/// Something that was asked for and will not be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostTask {
    pub hub: HubId,
    pub instance: InstanceId,
    /// The action's id.
    pub id: i32,
    pub task: OpenTask,
}

impl LostTask {
    /// What is wrong, as a sentence.
    pub fn problem(id: i32, task: &OpenTask) -> String {
        match task {
            OpenTask::Activity => {
                format!("it waits for activity {id}, which is neither queued nor answered")
            }
            OpenTask::Timer => format!("it waits for timer {id}, which will never fire"),
            OpenTask::Child { id: child, .. } => {
                let child = Short(child.as_str());
                format!(
                    "it waits for sub-orchestration {child} (task {id}), which neither lives nor has answered"
                )
            }
            OpenTask::Request(_) => {
                format!("it waits for an answer of an entity (task {id}) that will not come")
            }
        }
    }
}

/// Answer of [`Store::lost_tasks`](super::Store::lost_tasks).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LostTasks {
    pub tasks: Vec<LostTask>,
    /// Where to go on; `None`: there are no more suspects.
    pub next: Option<LivePlace>,
}

/// What is stored that will answer open tasks of one instance, by action id.
#[derive(Clone, Debug, Default)]
pub struct Answering {
    /// Answers in its inbox, those for later included.
    pub inbox: HashSet<i32>,
    /// Activities that no worker has completed.
    pub activities: HashSet<i32>,
    /// Sub-orchestrations of this execution that have not ended.
    pub children: HashSet<i32>,
}

impl Answering {
    /// Which of the tasks none of it will answer.
    pub fn lost<'a>(&self, open: &'a OpenTasks) -> Vec<(i32, &'a OpenTask)> {
        let is_lost = |(id, task): &(i32, &OpenTask)| {
            !self.inbox.contains(id)
                && match task {
                    OpenTask::Activity => !self.activities.contains(id),
                    // What wakes it is in the inbox from the beginning.
                    OpenTask::Timer => true,
                    OpenTask::Child { reports, .. } => *reports && !self.children.contains(id),
                    OpenTask::Request(_) => false,
                }
        };
        open.in_order().into_iter().filter(is_lost).collect()
    }
}
