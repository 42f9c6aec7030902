//! Finding what a rule takes, step by step.

use super::super::Manager;
use crate::{
    engine::retention::{Rule, is_held},
    model::{HubId, InstanceId, InstanceRecord, StatusSet, Timestamp},
    store::{self, Filter, Order, PageLimits, Parent, Read, Seen, Span, Walk},
};
use std::collections::VecDeque;

/// How many instances are read at a time: those that stay cost no more than that.
const PAGE: usize = 1_000;
/// How many of those that one instance has started.
const CHILDREN: usize = 100;

/// What a step has come to.
pub(super) enum Step {
    /// An instance goes. Whatever goes with it has been told before.
    Goes(Box<Going>),
    /// Something was read; go on.
    Looked,
    /// There is no more.
    End,
}

/// An instance that goes.
pub(super) struct Going {
    pub record: InstanceRecord,
    /// The one that it goes with; `None`: it goes on its own account.
    pub with: Option<InstanceRecord>,
}

/// One that goes after all that is found below it.
struct Open {
    record: InstanceRecord,
    children: VecDeque<InstanceRecord>,
    /// There may be more of them.
    next: Option<Walk>,
}

/// A way through all that a rule takes in a hub, from the oldest end on.
pub(super) struct Search<'a> {
    manager: &'a Manager,
    rule: &'a Rule,
    hub: HubId,
    now: Timestamp,
    filter: Filter,
    candidates: VecDeque<InstanceRecord>,
    next: Option<Walk>,
    /// From one that goes on its own account down to the one that is looked at.
    open: Vec<Open>,
}

/// Instances that the rule may take, of which the store knows the names only if they are whole.
pub(super) fn filter(rule: &Rule, ended: Span) -> Filter {
    let names = match &rule.name {
        crate::engine::retention::Name::Exactly(name) => vec![name.clone()],
        _ => Vec::new(),
    };
    Filter {
        statuses: rule.statuses.and(StatusSet::TERMINAL),
        completed: ended,
        names,
        entities: false,
        ..Filter::default()
    }
}

impl<'a> Search<'a> {
    /// Through what ended at `from` or later, and is old enough at `now`.
    pub fn new(
        manager: &'a Manager,
        rule: &'a Rule,
        hub: HubId,
        from: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        let filter = filter(rule, Span { from, before: Some(rule.ended_before(now)) });
        let next = Some(Walk::first(Order::Completed));
        Self { manager, rule, hub, now, filter, candidates: VecDeque::new(), next, open: Vec::new() }
    }

    /// The next step. Those that the rule does not take are passed over, without a read for each.
    pub async fn step(&mut self) -> Result<Step, store::Error> {
        loop {
            if let Some(last) = self.open.last_mut() {
                if let Some(child) = last.children.pop_front() {
                    // Ids can be used again, so that two may have started each other.
                    let met = self.open.iter().any(|open| open.record.key == child.key);
                    if !met && self.rule.takes_below(&child, self.now) {
                        self.begin(child);
                    }
                } else if let Some(walk) = last.next.take() {
                    let below = Filter { parent: Parent::Is(last.record.id.clone()), ..Filter::default() };
                    let (children, next) = self.read(below, walk, CHILDREN).await?;
                    if let Some(last) = self.open.last_mut() {
                        (last.children, last.next) = (children, next);
                    }
                    return Ok(Step::Looked);
                } else if let Some(Open { record, .. }) = self.open.pop() {
                    let with = self.open.first().map(|top| top.record.clone());
                    return Ok(Step::Goes(Box::new(Going { record, with })));
                }
            } else if let Some(candidate) = self.candidates.pop_front() {
                if !self.rule.takes(&candidate, self.now) {
                    continue;
                }
                let Some(parent) = candidate.parent.as_ref().map(|parent| parent.id.clone()) else {
                    self.begin(candidate);
                    continue;
                };
                if !is_held(&candidate, self.look(parent).await?.as_ref()) {
                    self.begin(candidate);
                }
                return Ok(Step::Looked);
            } else if let Some(walk) = self.next.take() {
                (self.candidates, self.next) = self.read(self.filter.clone(), walk, PAGE).await?;
                return Ok(Step::Looked);
            } else {
                return Ok(Step::End);
            }
        }
    }

    fn begin(&mut self, record: InstanceRecord) {
        let next = Some(Walk::first(Order::Created));
        self.open.push(Open { record, children: VecDeque::new(), next });
    }

    async fn look(&self, id: InstanceId) -> Result<Option<InstanceRecord>, store::Error> {
        Ok(self.manager.store.instance_get(self.hub, id, false).await?.map(|(record, _)| record))
    }

    async fn read(
        &self,
        filter: Filter,
        walk: Walk,
        rows: usize,
    ) -> Result<(VecDeque<InstanceRecord>, Option<Walk>), store::Error> {
        let limits = PageLimits { rows, bytes: usize::MAX, read: Read::Nothing };
        let listed = self.manager.store.instance_list(self.hub, filter, walk, limits).await?;
        Ok((listed.instances.into_iter().map(|(record, _)| record).collect(), listed.next))
    }
}

impl Going {
    /// What it goes with, as it was seen: itself, if it goes on its own account.
    pub fn top(&self) -> Seen {
        Seen::from(self.with.as_ref().unwrap_or(&self.record))
    }
}
