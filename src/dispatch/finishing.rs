//! Activities that are in no queue and in no worker's hands, although their rows may still be read: their results are on their way to the
//! store. A page of rows that was read meanwhile must not bring them back.

use crate::model::{ActivityKey, ActivityTask, InstanceKey};
use std::collections::{HashMap, HashSet};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Finishing {
    /// By instance and task, which is what the effect of a result names.
    on_the_way: HashMap<(InstanceKey, i32), ActivityKey>,
    /// What has happened since the page that is being read was asked for.
    meanwhile: Option<Meanwhile>,
}

#[derive(Debug, Default)]
struct Meanwhile {
    finished: HashSet<ActivityKey>,
    /// Instances whose activities were dropped.
    dropped: HashSet<InstanceKey>,
}

/// What is to be thought of a row that was read and is not in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// It waits to be done.
    Waiting,
    /// It is done, or as good as done.
    Done,
    /// It may be gone: the next reading will tell.
    Doubtful,
}

impl Finishing {
    /// A worker has answered the activity.
    pub fn begin(&mut self, task: &ActivityTask) {
        self.on_the_way.insert((task.key.instance, task.task_id), task.key);
    }

    /// The answer to a task of the instance is stored, or not wanted.
    pub fn stored(&mut self, instance: InstanceKey, task: i32) {
        if let Some(key) = self.on_the_way.remove(&(instance, task))
            && let Some(meanwhile) = &mut self.meanwhile
        {
            meanwhile.finished.insert(key);
        }
    }

    /// The answer could not be stored: the activity waits again.
    pub fn failed(&mut self, task: &ActivityTask) {
        self.on_the_way.remove(&(task.key.instance, task.task_id));
    }

    /// The instance's activities were dropped, all or those of its last execution.
    pub fn dropped(&mut self, instance: InstanceKey) {
        if let Some(meanwhile) = &mut self.meanwhile {
            meanwhile.dropped.insert(instance);
        }
    }

    /// A page is about to be read.
    pub fn page_asked(&mut self) {
        self.meanwhile = Some(Meanwhile::default());
    }

    /// The page has been taken in.
    pub fn page_read(&mut self) {
        self.meanwhile = None;
    }

    /// What the row of a page means.
    pub fn row(&self, task: &ActivityTask) -> Row {
        let meanwhile = self.meanwhile.as_ref();
        if self.on_the_way.get(&(task.key.instance, task.task_id)) == Some(&task.key)
            || meanwhile.is_some_and(|it| it.finished.contains(&task.key))
        {
            Row::Done
        } else if meanwhile.is_some_and(|it| it.dropped.contains(&task.key.instance)) {
            Row::Doubtful
        } else {
            Row::Waiting
        }
    }
}
