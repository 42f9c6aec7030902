//! A durable engine in miniature, for tests: runs instances to their end, turn by turn, with a full replay each time.
//!
//! Time is simulated and jumps to the next timer when nothing else is left to do. With a seed, messages arrive in a random order and
//! in random batches, as they would from real workers.

mod entities;

use super::Registry;
use crate::model::{
    StatusExt, Timestamp, event,
    pb::{
        self, HistoryEvent, OrchestrationStatus as Status, TaskFailureDetails, history_event::EventType,
        orchestrator_action::OrchestratorActionType as Action,
    },
};
use std::{collections::BTreeMap, time::Duration};

/// One microsecond: turns are at least that far apart.
const TICK: Duration = Duration::from_micros(1);

pub(crate) struct Simulator {
    registry: Registry,
    runtime: tokio::runtime::Runtime,
    instances: BTreeMap<String, Instance>,
    /// On their way: recipient, execution (0: any) and event.
    messages: Vec<(String, u32, HistoryEvent)>,
    timers: Vec<(Timestamp, String, u32, HistoryEvent)>,
    entities: BTreeMap<String, entities::Entity>,
    now: Timestamp,
    random: Option<u64>,
    pub turns: usize,
}

#[derive(Default)]
pub(crate) struct Instance {
    started: pb::ExecutionStartedEvent,
    pub execution: u32,
    pub history: Vec<HistoryEvent>,
    pub status: Option<Status>,
    pub output: Option<String>,
    pub failure: Option<TaskFailureDetails>,
    pub custom_status: Option<String>,
}

impl Simulator {
    pub fn new(registry: Registry) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let now = Timestamp(1_700_000_000_000_000);
        let (instances, messages, timers, entities) = Default::default();
        Self { registry, runtime, instances, messages, timers, entities, now, random: None, turns: 0 }
    }

    /// Messages arrive in an order that `seed` decides.
    pub fn shuffled(mut self, seed: u64) -> Self {
        self.random = Some(seed);
        self
    }

    pub fn start(&mut self, id: &str, name: &str, input: impl Into<Option<&'static str>>) {
        let input = input.into().map(str::to_owned);
        self.create(
            id,
            pb::ExecutionStartedEvent { name: name.into(), input, ..Default::default() },
            1,
            vec![],
        );
    }

    pub fn raise(&mut self, id: &str, name: &str, input: impl Into<Option<&'static str>>) {
        let raised = event::event_raised(self.now, name.into(), input.into().map(str::to_owned));
        self.messages.push((id.into(), 0, raised));
    }

    pub fn instance(&self, id: &str) -> &Instance {
        &self.instances[id]
    }

    /// Runs everything that can run.
    pub fn run(&mut self) {
        loop {
            while !self.messages.is_empty() {
                self.turn();
            }
            let Some(next) = (0..self.timers.len()).min_by_key(|&i| self.timers[i].0) else { return };
            let (due, id, execution, fired) = self.timers.remove(next);
            self.now = self.now.max(due.plus(TICK));
            self.messages.push((id, execution, fired));
        }
    }

    /// Runs one instance from start to end and tells how it ended.
    pub fn outcome_of(registry: Registry, name: &str, input: impl Into<Option<&'static str>>) -> String {
        let mut simulator = Self::new(registry);
        simulator.start("i", name, input);
        simulator.run();
        simulator.outcome("i")
    }

    /// How an instance ended, in one line.
    pub fn outcome(&self, id: &str) -> String {
        let instance = self.instance(id);
        let status = instance.status.map_or("Waiting", StatusExt::name);
        let failure = instance.failure.as_ref().map(|it| format!("{}: {}", it.error_type, it.error_message));
        let text = failure.or_else(|| instance.output.clone()).unwrap_or_default();
        format!("{status} {text}")
    }

    fn create(
        &mut self,
        id: &str,
        mut started: pb::ExecutionStartedEvent,
        execution: u32,
        carried: Vec<HistoryEvent>,
    ) {
        let execution_id = Some(format!("{id}-{execution}"));
        started.orchestration_instance =
            Some(pb::OrchestrationInstance { instance_id: id.into(), execution_id });
        let first = event::server_event(self.now, EventType::ExecutionStarted(started.clone()));
        let custom_status = self.instances.remove(id).and_then(|old| old.custom_status);
        self.instances
            .insert(id.into(), Instance { started, execution, custom_status, ..Default::default() });
        let events = std::iter::once(first).chain(carried).map(|event| (id.to_owned(), 0, event));
        self.messages.splice(0..0, events);
    }

    fn random(&mut self, below: usize) -> usize {
        let Some(seed) = &mut self.random else { return 0 };
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(*seed >> 33).unwrap() % below
    }

    fn turn(&mut self) {
        let mut batch = Vec::new();
        let id = self.messages[0].0.clone();
        if id.starts_with('@') {
            return self.entity_turn(id);
        }
        let starting = matches!(self.messages[0].2.event_type, Some(EventType::ExecutionStarted(_)));
        let size = if self.random.is_none() { usize::MAX } else { 1 + self.random(3) };
        let mut first = starting;
        while batch.len() < size {
            let mine: Vec<usize> = (0..self.messages.len()).filter(|&i| self.messages[i].0 == id).collect();
            if mine.is_empty() {
                break;
            }
            // Events of one sender keep their order; only results overtake.
            let pick = if std::mem::take(&mut first) { 0 } else { self.random(mine.len()) };
            let is_event =
                |i: usize| matches!(self.messages[i].2.event_type, Some(EventType::EventRaised(_)));
            let pick = if is_event(mine[pick]) {
                mine.iter().copied().find(|&i| is_event(i)).unwrap()
            } else {
                mine[pick]
            };
            let (_, execution, event) = self.messages.remove(pick);
            if execution == 0 || execution == self.instances[&id].execution {
                batch.push(event);
            }
        }
        let ended = self.instances[&id].status.is_some();
        if batch.is_empty() || ended {
            return;
        }
        self.now = self.now.plus(TICK);
        self.turns += 1;
        let mut new_events = vec![event::orchestrator_started(self.now)];
        new_events.extend(batch);
        let request = pb::OrchestratorRequest {
            instance_id: id.clone(),
            past_events: self.instances[&id].history.clone(),
            new_events: new_events.clone(),
            ..Default::default()
        };
        let response = self.registry.run_orchestrator(request);
        assert_eq!(response.instance_id, id);
        let instance = self.instances.get_mut(&id).unwrap();
        instance.history.append(&mut new_events);
        instance.custom_status = response.custom_status.or(instance.custom_status.take());
        for action in response.actions {
            self.act(&id, action);
        }
        let done = event::orchestrator_completed(self.now);
        self.instances.get_mut(&id).unwrap().history.push(done);
    }

    fn act(&mut self, id: &str, action: pb::OrchestratorAction) {
        let (execution, now) = (self.instances[id].execution, self.now);
        let mut record = |kind| {
            let record = event::with_id(action.id, now, kind);
            self.instances.get_mut(id).unwrap().history.push(record);
        };
        match action.orchestrator_action_type.unwrap() {
            Action::ScheduleTask(task) => {
                let (name, input) = (task.name, task.input);
                record(EventType::TaskScheduled(pb::TaskScheduledEvent {
                    name: name.clone(),
                    ..Default::default()
                }));
                let instance = pb::OrchestrationInstance { instance_id: id.into(), execution_id: None };
                let request = pb::ActivityRequest {
                    name,
                    input,
                    task_id: action.id,
                    orchestration_instance: Some(instance),
                    ..Default::default()
                };
                let response = self.runtime.block_on(self.registry.run_activity(request));
                let result = match response.failure_details {
                    None => event::task_completed(now, response.task_id, response.result),
                    Some(details) => event::task_failed(now, response.task_id, details),
                };
                self.messages.push((response.instance_id, execution, result));
            }
            Action::CreateTimer(timer) => {
                record(EventType::TimerCreated(pb::TimerCreatedEvent { fire_at: timer.fire_at }));
                let due = timer.fire_at.unwrap();
                let fired = event::timer_fired(now, action.id, due);
                self.timers.push((Timestamp::at_or_after(&due), id.into(), execution, fired));
            }
            Action::CreateSubOrchestration(child) => {
                record(EventType::SubOrchestrationInstanceCreated(
                    pb::SubOrchestrationInstanceCreatedEvent {
                        instance_id: child.instance_id.clone(),
                        name: child.name.clone(),
                        ..Default::default()
                    },
                ));
                let parent = pb::ParentInstanceInfo {
                    task_scheduled_id: action.id,
                    orchestration_instance: self.instances[id].started.orchestration_instance.clone(),
                    ..Default::default()
                };
                let (name, input, tags) = (child.name, child.input, child.tags);
                let parent_instance = Some(parent);
                let started =
                    pb::ExecutionStartedEvent { name, input, tags, parent_instance, ..Default::default() };
                self.create(&child.instance_id, started, 1, vec![]);
            }
            Action::SendEvent(sent) => {
                let to = sent.instance.unwrap().instance_id;
                record(EventType::EventSent(pb::EventSentEvent {
                    instance_id: to.clone(),
                    name: sent.name.clone(),
                    input: None,
                }));
                if self.instances.contains_key(&to) {
                    self.messages.push((to, 0, event::event_raised(now, sent.name, sent.data)));
                }
            }
            Action::SendEntityMessage(sent) => {
                let (kind, to, due) = self.entity_message(id, sent);
                let record = event::with_id(action.id, now, kind.clone());
                self.instances.get_mut(id).unwrap().history.push(record);
                self.send_to_entity(to, due, event::server_event(now, kind));
            }
            Action::CompleteOrchestration(complete) => self.complete(id, complete),
            other => panic!("not an action of the embedded worker: {other:?}"),
        }
    }

    fn complete(&mut self, id: &str, action: pb::CompleteOrchestrationAction) {
        self.release_locks_of(id);
        let instance = self.instances.get_mut(id).unwrap();
        let (status, mut started) = (action.orchestration_status(), instance.started.clone());
        if status == Status::ContinuedAsNew {
            started.input = action.result;
            let next = instance.execution + 1;
            return self.create(id, started, next, action.carryover_events);
        }
        instance.status = Some(status);
        instance.output.clone_from(&action.result);
        instance.failure.clone_from(&action.failure_details);
        if let Some(parent) = started.parent_instance {
            let (task, to) = (parent.task_scheduled_id, parent.orchestration_instance.unwrap().instance_id);
            let result = match action.failure_details {
                None => event::child_completed(self.now, task, action.result),
                Some(details) => event::child_failed(self.now, task, details),
            };
            let execution = self.instances[&to].execution;
            self.messages.push((to, execution, result));
        }
    }
}
