//! One entity and its rows, in a few words.
//!
//! A step is `messages -> answer`. Messages: `signal OP INPUT at=`, `call REQUEST OP INPUT from=ID/EXECUTION`, `lock SECTION ENTITIES at=
//! from=`, `unlock SECTION from=`, `junk`. A worker's answer: `ok RESULT` and `failed TYPE:TEXT` for each operation, `state TEXT`,
//! `signal ENTITY OP INPUT`, `start NAME id=`, `batch-failed TYPE:TEXT`. `gone SECTION` tells that a lock is not there any more.

use super::{
    script::{self, START, Words},
    show,
    world::LIMIT,
};
use crate::{
    engine::{Batch, Context, Entity, EntityOutcome, NextBatch, entity},
    model::{
        Class, EntityChange, EntityId, InstanceKey, InstanceRef, LockChange, Message, MessageId, NewMessage,
        Outgoing, Recipient, Timestamp, event,
        pb::{
            self, history_event::EventType, operation_action::OperationActionType as Action, operation_result,
        },
    },
};
use std::{collections::BTreeMap, time::Duration};

/// What a worker receives in one message.
const ITEM_BYTES: usize = (4 << 20) - (64 << 10);

pub struct EntityWorld {
    pub now: Timestamp,
    pub entity: Option<Entity>,
    pub inbox: BTreeMap<MessageId, Message>,
    messages: i64,
    ids: u32,
}

impl Default for EntityWorld {
    fn default() -> Self {
        let id = EntityId::parse("@counter@a").unwrap();
        let (name, id) = (id.name().clone(), id.id().clone());
        let reference =
            InstanceRef { key: InstanceKey(1), hub: crate::model::HubId(1), id, name, version: None };
        let entity = Some(Entity::new(reference));
        Self { now: START, entity, inbox: BTreeMap::new(), messages: 0, ids: 0 }
    }
}

impl EntityWorld {
    pub fn step(&mut self, step: &str) -> String {
        let (arrivals, answer) =
            step.split_once("->").map_or((step, None), |(before, answer)| (before, Some(answer.trim())));
        for item in arrivals.split(", ").map(str::trim).filter(|item| !item.is_empty()) {
            self.arrive(&Words::of(item));
        }
        self.now = self.now.plus(Duration::from_secs(1));
        let entity = self.entity.as_ref().unwrap();
        match (entity.next(self.inbox.values(), self.now, ITEM_BYTES), answer) {
            (NextBatch::Wait, None) => "wait".to_owned(),
            (NextBatch::Deliver(batch), None) => {
                let state =
                    entity.state.as_deref().map(|state| format!("state {state}: ")).unwrap_or_default();
                format!("deliver {state}{}", show::events(&batch.operations))
            }
            (NextBatch::Deliver(batch), Some(answer)) => self.answer(batch, answer),
            (NextBatch::Serve(message), None) => {
                let served = entity::serve(self.entity.take().unwrap(), message, self.now);
                self.decided(served)
            }
            (NextBatch::Discard(batch, order), None) => {
                let discarded = entity::discard(self.entity.take().unwrap(), batch, order, self.now);
                self.decided(discarded)
            }
            (other, Some(_)) => panic!("{step:?}: nothing to answer but {other:?}"),
        }
    }

    fn arrive(&mut self, words: &Words<'_>) {
        let from = words.option("from").unwrap_or("order/e1");
        let (parent, execution) =
            from.split_once('/').map(|(id, run)| (id.to_owned(), run.to_owned())).unwrap();
        let parent_instance_id = Some(parent);
        let at = words.option("at");
        let kind = match words.verb() {
            "gone" => {
                let entity = self.entity.as_mut().unwrap();
                assert_eq!(entity.lock.take().unwrap().section, words.word(1));
                return;
            }
            "signal" => EventType::EntityOperationSignaled(pb::EntityOperationSignaledEvent {
                request_id: "r".into(),
                operation: words.word(1).to_owned(),
                input: words.payload(2),
                ..Default::default()
            }),
            "call" => EventType::EntityOperationCalled(pb::EntityOperationCalledEvent {
                request_id: words.word(1).to_owned(),
                operation: words.word(2).to_owned(),
                input: words.payload(3),
                parent_instance_id,
                parent_execution_id: Some(execution),
                ..Default::default()
            }),
            "lock" => EventType::EntityLockRequested(pb::EntityLockRequestedEvent {
                critical_section_id: words.word(1).to_owned(),
                lock_set: words.word(2).split(',').map(str::to_owned).collect(),
                position: at.map_or(0, |at| at.parse().unwrap()),
                parent_instance_id,
                parent_execution_id: execution,
                ..Default::default()
            }),
            "unlock" => EventType::EntityUnlockSent(pb::EntityUnlockSentEvent {
                critical_section_id: words.word(1).to_owned(),
                parent_instance_id,
                target_instance_id: None,
            }),
            "junk" => EventType::EventRaised(pb::EventRaisedEvent::default()),
            other => panic!("no such message: {other:?}"),
        };
        self.messages += 1;
        let id = MessageId(self.messages);
        let control = matches!(words.verb(), "lock" | "unlock");
        let due = at.filter(|_| words.verb() == "signal").map(script::time);
        let class = if control { Class::Control } else { Class::Event };
        let NewMessage { class, due, events } =
            NewMessage { due, ..NewMessage::now(class, event::server_event(self.now, kind)) };
        self.inbox.insert(id, Message { id, class, due, events });
    }

    fn answer(&mut self, batch: Batch, answer: &str) -> String {
        let mut result = pb::EntityBatchResult::default();
        let entity = self.entity.take().unwrap();
        for item in answer.split(", ") {
            let words = Words::of(item);
            match words.verb() {
                "ok" => result.results.push(done(operation_result::ResultType::Success(
                    pb::OperationResultSuccess { result: words.payload(1), ..Default::default() },
                ))),
                "failed" => result.results.push(done(operation_result::ResultType::Failure(
                    pb::OperationResultFailure {
                        failure_details: Some(script::details(&words.payload(1).unwrap_or_default())),
                        ..Default::default()
                    },
                ))),
                "state" => result.entity_state = Some(words.payload(1).unwrap_or_default()),
                "signal" => result.actions.push(act(Action::SendSignal(pb::SendSignalAction {
                    instance_id: words.word(1).to_owned(),
                    name: script::expand(words.word(2)),
                    input: words.payload(3),
                    scheduled_time: words.option("at").map(|at| script::time(at).to_wire()),
                    ..Default::default()
                }))),
                "start" => {
                    result.actions.push(act(Action::StartNewOrchestration(
                        pb::StartNewOrchestrationAction {
                            instance_id: words.text("id").unwrap_or_default(),
                            name: words.payload(1).unwrap_or_default(),
                            ..Default::default()
                        },
                    )));
                }
                "batch-failed" => {
                    let details = script::details(&words.payload(1).unwrap_or_default());
                    let refused = entity::refuse(entity, batch, details, self.now);
                    return self.decided(refused);
                }
                other => panic!("no such answer: {other:?}"),
            }
        }
        let mut fresh_id = || {
            self.ids += 1;
            format!("n{}", self.ids)
        };
        let mut context = Context { now: self.now, fresh_id: &mut fresh_id, payload_bytes: LIMIT };
        let outcome = entity::answer(entity, batch, result, &mut context);
        self.decided(outcome)
    }

    fn decided(&mut self, outcome: EntityOutcome) -> String {
        let EntityOutcome { commit, entity } = outcome;
        for id in &commit.consumed {
            assert!(self.inbox.remove(id).is_some(), "{id:?} was consumed twice");
        }
        let mut lines: Vec<_> = commit.outbox.iter().map(outgoing).collect();
        lines.extend(commit.children.iter().map(|new| show::child(&new.instance)));
        let EntityChange { state, lock, vanishes } = commit.entity.clone().unwrap();
        let mut words = Vec::new();
        words.extend(
            state.map(|state| state.map_or("state gone".to_owned(), |state| format!("state {state}"))),
        );
        match lock {
            LockChange::Keep => {}
            LockChange::Release => words.push("free".to_owned()),
            LockChange::Take { lock, then } => {
                words.push(format!(
                    "locked by {}/{} for {}, then {}",
                    lock.owner,
                    lock.execution_id,
                    lock.section,
                    outgoing(&then)
                ));
            }
        }
        words.extend(vanishes.then(|| "may vanish".to_owned()));
        let took: Vec<_> = commit.consumed.iter().map(|id| id.0.to_string()).collect();
        words.push(format!("took {}", took.join(",")));
        lines.push(words.join("; "));
        self.entity = Some(entity);
        lines.join("\n")
    }
}

fn done(result: operation_result::ResultType) -> pb::OperationResult {
    pb::OperationResult { result_type: Some(result) }
}

fn act(action: Action) -> pb::OperationAction {
    pb::OperationAction { id: 0, operation_action_type: Some(action) }
}

fn outgoing(outgoing: &Outgoing) -> String {
    let to = match &outgoing.to {
        Recipient::Execution(id, execution) => format!("{id}/{execution}"),
        Recipient::Instance(id) => id.to_string(),
        Recipient::Entity(id) => id.to_string(),
        other => panic!("an entity never writes to {other:?}"),
    };
    format!("to {to}: {}", show::mail(&outgoing.message))
}
