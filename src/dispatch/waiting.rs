//! Activities that no worker holds: queued, or resting after they came back.

use super::lease::Waiting;
use crate::model::{ActivityKey, InstanceKey};
use std::collections::BTreeMap;

/// By key, with what their requests take in memory.
#[derive(Debug, Default)]
pub(super) struct WaitingActivities {
    all: BTreeMap<ActivityKey, Waiting>,
    bytes: usize,
}

impl WaitingActivities {
    pub fn insert(&mut self, waiting: Waiting) {
        self.bytes += waiting.task.request.len();
        if let Some(replaced) = self.all.insert(waiting.task.key, waiting) {
            self.bytes -= replaced.task.request.len();
        }
    }

    pub fn get(&self, key: &ActivityKey) -> Option<&Waiting> {
        self.all.get(key)
    }

    pub fn contains(&self, key: &ActivityKey) -> bool {
        self.all.contains_key(key)
    }

    pub fn remove(&mut self, key: &ActivityKey) -> Option<Waiting> {
        let waiting = self.all.remove(key)?;
        self.bytes -= waiting.task.request.len();
        Some(waiting)
    }

    /// Takes out those of an instance that `fit`.
    pub fn remove_of(&mut self, instance: InstanceKey, fit: impl Fn(&Waiting) -> bool) -> Vec<Waiting> {
        let removed: Vec<_> = self
            .all
            .extract_if(ActivityKey::all_of(instance), |_, waiting| fit(waiting))
            .map(|(_, waiting)| waiting)
            .collect();
        self.bytes -= removed.iter().map(|waiting| waiting.task.request.len()).sum::<usize>();
        removed
    }

    /// Those of an instance.
    pub fn of(&self, instance: InstanceKey) -> impl Iterator<Item = &Waiting> {
        self.all.range(ActivityKey::all_of(instance)).map(|(_, waiting)| waiting)
    }

    /// Bytes of their requests.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}
