//! Entities of the simulator: an inbox each, one operation at a time, locks that are passed on.

use super::Simulator;
use crate::model::{
    Timestamp, event,
    pb::{
        self, EntityLockGrantedEvent, HistoryEvent, SendEntityMessageAction, history_event::EventType,
        operation_action::OperationActionType, operation_result::ResultType,
        send_entity_message_action::EntityMessageType as Sent,
    },
};
use std::collections::VecDeque;

#[derive(Default)]
pub(super) struct Entity {
    state: Option<String>,
    /// Owner and section.
    lock: Option<(String, String)>,
    inbox: VecDeque<HistoryEvent>,
}

impl Simulator {
    /// Sends an operation to an entity.
    pub fn signal(&mut self, entity: &str, operation: &str, input: impl Into<Option<&'static str>>) {
        let signal = pb::EntityOperationSignaledEvent {
            operation: operation.into(),
            input: input.into().map(str::to_owned),
            ..Default::default()
        };
        let signal = event::server_event(self.now, EventType::EntityOperationSignaled(signal));
        self.messages.push((entity.into(), 0, signal));
    }

    /// The state of an entity, and the owner of its lock.
    pub fn entity(&self, id: &str) -> (Option<&str>, Option<&str>) {
        let Some(entity) = self.entities.get(id) else { return (None, None) };
        (entity.state.as_deref(), entity.lock.as_ref().map(|(owner, _)| &**owner))
    }

    /// An entity message of `sender` as it stands in history, whom it is for, and when it is to be there.
    pub(super) fn entity_message(
        &self,
        sender: &str,
        action: SendEntityMessageAction,
    ) -> (EventType, String, Option<Timestamp>) {
        match action.entity_message_type.unwrap() {
            Sent::EntityOperationSignaled(it) => {
                let due = it.scheduled_time.as_ref().map(Timestamp::at_or_after);
                let to = it.target_instance_id.clone().unwrap();
                (EventType::EntityOperationSignaled(it), to, due)
            }
            Sent::EntityOperationCalled(mut it) => {
                it.parent_instance_id = Some(sender.into());
                it.parent_execution_id = Some(self.instances[sender].execution.to_string());
                let to = it.target_instance_id.clone().unwrap();
                (EventType::EntityOperationCalled(it), to, None)
            }
            Sent::EntityLockRequested(mut it) => {
                it.parent_instance_id = Some(sender.into());
                let to = it.lock_set[0].clone();
                (EventType::EntityLockRequested(it), to, None)
            }
            Sent::EntityUnlockSent(mut it) => {
                it.parent_instance_id = Some(sender.into());
                let to = it.target_instance_id.clone().unwrap();
                (EventType::EntityUnlockSent(it), to, None)
            }
        }
    }

    pub(super) fn send_to_entity(&mut self, to: String, due: Option<Timestamp>, event: HistoryEvent) {
        match due.filter(|due| *due > self.now) {
            Some(due) => self.timers.push((due, to, 0, event)),
            None => self.messages.push((to, 0, event)),
        }
    }

    pub(super) fn release_locks_of(&mut self, owner: &str) {
        for (id, entity) in &mut self.entities {
            if entity.lock.take_if(|(held_by, _)| held_by == owner).is_some() {
                // Whoever waits is looked at again.
                self.messages.extend(entity.inbox.drain(..).map(|event| (id.clone(), 0, event)));
            }
        }
    }

    /// Takes in what has come for an entity, and does what can be done.
    pub(super) fn entity_turn(&mut self, id: String) {
        let (mine, others) = std::mem::take(&mut self.messages).into_iter().partition(|(to, ..)| *to == id);
        self.messages = others;
        let mine: Vec<_> = mine;
        let mut entity = self.entities.remove(&id).unwrap_or_default();
        entity.inbox.extend(mine.into_iter().map(|(.., event)| event));
        while let Some(event) = next(&mut entity) {
            match event.event_type.clone().unwrap() {
                EventType::EntityLockRequested(request) => self.lock(&mut entity, request),
                EventType::EntityUnlockSent(unlock) => {
                    let owner = (unlock.parent_instance_id.unwrap(), unlock.critical_section_id);
                    entity.lock.take_if(|lock| *lock == owner);
                }
                _ => self.operate(&id, &mut entity, event),
            }
        }
        self.entities.insert(id, entity);
    }

    fn lock(&mut self, entity: &mut Entity, mut request: pb::EntityLockRequestedEvent) {
        let owner = request.parent_instance_id.clone().unwrap();
        if self.instances[&owner].status.is_some() {
            return;
        }
        entity.lock = Some((owner.clone(), request.critical_section_id.clone()));
        request.position += 1;
        let (to, kind) = match request.lock_set.get(usize::try_from(request.position).unwrap()) {
            Some(next) => (next.clone(), EventType::EntityLockRequested(request)),
            None => {
                let critical_section_id = request.critical_section_id;
                (owner, EventType::EntityLockGranted(EntityLockGrantedEvent { critical_section_id }))
            }
        };
        self.messages.push((to, 0, event::server_event(self.now, kind)));
    }

    fn operate(&mut self, id: &str, entity: &mut Entity, operation: HistoryEvent) {
        let request = pb::EntityRequest {
            instance_id: id.into(),
            entity_state: entity.state.clone(),
            operation_requests: vec![operation.clone()],
            ..Default::default()
        };
        let mut batch = self.runtime.block_on(self.registry.run_entity(request));
        entity.state = batch.entity_state;
        if let Some(EventType::EntityOperationCalled(call)) = operation.event_type {
            let request_id = call.request_id;
            let answer = match batch.results.remove(0).result_type.unwrap() {
                ResultType::Success(it) => {
                    let output = it.result;
                    EventType::EntityOperationCompleted(pb::EntityOperationCompletedEvent {
                        request_id,
                        output,
                    })
                }
                ResultType::Failure(it) => EventType::EntityOperationFailed(pb::EntityOperationFailedEvent {
                    request_id,
                    failure_details: it.failure_details,
                }),
            };
            let execution = call.parent_execution_id.unwrap().parse().unwrap();
            let answer = event::server_event(self.now, answer);
            self.messages.push((call.parent_instance_id.unwrap(), execution, answer));
        }
        for action in batch.actions {
            match action.operation_action_type.unwrap() {
                OperationActionType::SendSignal(it) => {
                    let due = it.scheduled_time.as_ref().map(Timestamp::at_or_after);
                    let signal = pb::EntityOperationSignaledEvent {
                        operation: it.name,
                        input: it.input,
                        ..Default::default()
                    };
                    let signal = event::server_event(self.now, EventType::EntityOperationSignaled(signal));
                    self.send_to_entity(it.instance_id, due, signal);
                }
                OperationActionType::StartNewOrchestration(it) => {
                    let started =
                        pb::ExecutionStartedEvent { name: it.name, input: it.input, ..Default::default() };
                    self.create(&it.instance_id, started, 1, vec![]);
                }
            }
        }
    }
}

/// The first message that may be served: anything if the entity is free, else what its owner calls and sends.
fn next(entity: &mut Entity) -> Option<HistoryEvent> {
    let lock = entity.lock.clone();
    let may = |event: &HistoryEvent| match (&lock, event.event_type.as_ref().unwrap()) {
        (None, _) => true,
        (Some((owner, _)), EventType::EntityOperationCalled(it)) => {
            it.parent_instance_id.as_ref() == Some(owner)
        }
        (Some(_), EventType::EntityUnlockSent(_)) => true,
        (Some(_), _) => false,
    };
    let place = entity.inbox.iter().position(may)?;
    entity.inbox.remove(place)
}
