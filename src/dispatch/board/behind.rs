//! What does not fit into memory and is brought in from its rows when there is room.

use super::{Board, Job};
use crate::{
    dispatch::{
        backlog::{PAGE, PageRead},
        finishing::Row,
        lease::Waiting,
        queue::Route,
        slot::{Slot, Stage},
    },
    model::{ActivityKey, ActivityTask, InstanceKey, Status},
    store::Ready,
};
use std::time::Duration;

/// How long rows are not read again of which a whole reading has brought nothing that could be handed out.
const CIRCLE_REST: Duration = Duration::from_secs(1);

impl Board {
    /// Asks for pages of rows, if a queue runs low that has more behind it.
    pub(super) fn read_on(&mut self) {
        if self.stopped {
            return;
        }
        let low = self.rules.window.div_ceil(2);
        let turns = &self.turns;
        let hungry = |route: &Route| !turns.is_unserved(route) && turns.len(route) < low;
        // What turns out to have nothing to deliver has taken a place meanwhile. Where a page fits as a whole, it takes that of nobody else.
        let rows = if self.behind_turns.is_complete() { low.clamp(1, PAGE) } else { PAGE };
        if let Some(after) = self.behind_turns.wants_page(hungry) {
            self.jobs.push(Job::FindTurns(after, rows));
        }
        let (activities, full) = (&self.activities, self.waiting.bytes() > self.rules.window_bytes / 2);
        let hungry = |route: &Route| {
            let waiting = activities.len(route);
            !activities.is_unserved(route) && waiting < low && (waiting == 0 || !full)
        };
        if let Some(after) = self.behind_activities.wants_page(hungry) {
            self.finishing.page_asked();
            self.jobs.push(Job::FindActivities(after));
        }
    }

    /// The rest of routes of which nothing could be handed out is over.
    pub fn backlog_rested(&mut self) {
        self.behind_turns.rested();
        self.behind_activities.rested();
    }

    /// Whether a turn that has just become ready may wait in memory. With more behind it only half of the window is for what is new: or
    /// what waits in the store would never have its turn.
    pub(super) fn has_room_for_turn(&self, route: &Route) -> bool {
        let room = match self.behind_turns.is_behind(route) {
            true => self.rules.window.div_ceil(2),
            false => self.rules.window,
        };
        self.turns.len(route) < room
    }

    /// The same for an activity.
    pub(super) fn has_room_for_activity(&self, route: &Route) -> bool {
        let behind = self.behind_activities.is_behind(route);
        let (room, bytes) = match behind {
            true => (self.rules.window.div_ceil(2), self.rules.window_bytes / 2),
            false => (self.rules.window, self.rules.window_bytes),
        };
        let waiting = self.activities.len(route);
        waiting < room && ((waiting == 0 && !behind) || self.waiting.bytes() <= bytes)
    }

    /// Whether the activity is in memory.
    pub(super) fn has_activity(&self, key: ActivityKey) -> bool {
        self.waiting.contains(&key) || self.leases.has_activity(key)
    }

    /// A page of ready instances; `last`: the key of its last one, if more may follow.
    pub fn found_turns(&mut self, page: Vec<Ready>, last: Option<InstanceKey>) {
        let rows = page.len();
        page.into_iter().for_each(|ready| self.found(ready));
        let PageRead { from_before, rest } = self.behind_turns.page_read(rows, last);
        if rest {
            self.jobs.push(Job::RestBacklog(CIRCLE_REST));
        }
        if let Some(instances) = from_before.filter(|instances| *instances > 0) {
            tracing::info!(instances, "took up orchestrations and entities from before");
        }
    }

    /// An instance that the store found ready.
    pub(super) fn found(&mut self, ready: Ready) {
        let Ready { instance, control } = ready;
        let (key, route) = (instance.key, Route::of_turn(&instance));
        if self.instances.contains_key(&key) {
            return;
        }
        let mut slot = Slot::new(instance, Status::Running);
        if control {
            slot.stage = Stage::Loading(None);
            self.instances.insert(key, slot);
            self.jobs.push(Job::Load(key));
        } else if self.turns.len(&route) < self.rules.window {
            slot.stage = Stage::Queued(self.turns.push(&route, key, false, self.now));
            self.instances.insert(key, slot);
        } else {
            self.behind_turns.leave(&route);
        }
    }

    /// Whether nothing is known of an instance that the store calls ready, although something should be.
    pub fn overlooks(&self, ready: &Ready) -> bool {
        let slot = self.instances.get(&ready.instance.key);
        self.behind_turns.is_complete()
            && !self.behind_turns.is_behind(&Route::of_turn(&ready.instance))
            && slot.is_none_or(|slot| matches!(slot.stage, Stage::Idle))
    }

    /// Takes up what was overlooked, with nothing of what was thought to be known of it.
    pub fn take_up(&mut self, ready: Ready) {
        let key = ready.instance.key;
        match self.instances.get_mut(&key) {
            None => self.found(ready),
            Some(slot) if matches!(slot.stage, Stage::Idle) => {
                slot.forget();
                self.leave_idle(key);
                self.settle_unknown(key, ready.control);
            }
            Some(_) => {}
        }
    }

    /// Whether nothing is known of an activity that is queued in the store, although something should be.
    pub fn overlooks_activity(&self, task: &ActivityTask) -> bool {
        self.behind_activities.is_complete()
            && !self.behind_activities.is_behind(&Route::of_activity(task))
            && !self.has_activity(task.key)
            && self.finishing.row(task) == Row::Waiting
    }

    /// Takes up an activity, if it was overlooked; answers whether it was.
    pub fn take_up_activity(&mut self, task: ActivityTask) -> bool {
        let overlooked = self.overlooks_activity(&task);
        if overlooked {
            self.found_activity(task);
        }
        overlooked
    }

    /// A page of activities; `last`: the key of its last one, if more may follow.
    pub fn found_activities(&mut self, page: Vec<ActivityTask>, last: Option<ActivityKey>) {
        let rows = page.len();
        for task in page {
            // The effect of a newer one is still to come.
            let told = self.newest_activity == i64::MIN || task.key.number <= self.newest_activity;
            if told && !self.has_activity(task.key) {
                self.found_activity(task);
            }
        }
        self.finishing.page_read();
        let PageRead { from_before, rest } = self.behind_activities.page_read(rows, last);
        if rest {
            self.jobs.push(Job::RestBacklog(CIRCLE_REST));
        }
        if let Some(activities) = from_before.filter(|activities| *activities > 0) {
            tracing::info!(activities, "took up activities from before");
        }
    }

    fn found_activity(&mut self, task: ActivityTask) {
        let route = Route::of_activity(&task);
        let waiting = self.activities.len(&route);
        let fits =
            waiting < self.rules.window && (waiting == 0 || self.waiting.bytes() <= self.rules.window_bytes);
        match self.finishing.row(&task) {
            Row::Done => {}
            Row::Waiting if fits => self.queue_activity(Waiting::new(task), false),
            Row::Waiting | Row::Doubtful => self.behind_activities.leave(&route),
        }
    }
}
