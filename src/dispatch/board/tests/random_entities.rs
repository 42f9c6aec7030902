//! What orchestrations, clients and workers do with entities on a random day, and what has to be true of entities in the end.

use super::{mirror::Mirror, random::Day, *};
use crate::engine::NextBatch;
use crate::model::{StatusExt as _, pb::operation_action::OperationActionType as Action};

const ENTITIES: [&str; 3] = ["@c@x", "@c@y", "@d@z"];

/// The critical section that an execution has asked for last.
struct Section {
    id: String,
    granted: bool,
    /// What it has locked, or wants to, and has not unlocked.
    locked: Vec<String>,
}

/// The history, what is new included.
fn events(turn: &TurnItem) -> impl Iterator<Item = pb::HistoryEvent> {
    turn.past.iter().flat_map(|chunk| chunk.events().unwrap()).chain(turn.events.iter().cloned())
}

fn execution(turn: &TurnItem) -> (String, String) {
    (turn.instance.id.to_string(), turn.execution_id.clone())
}

/// Reads it from what a worker sees.
fn section(turn: &TurnItem) -> Option<Section> {
    let mut section: Option<Section> = None;
    for event in events(turn) {
        match (event.event_type, &mut section) {
            (Some(EventType::EntityLockRequested(it)), _) => {
                section = Some(Section { id: it.critical_section_id, granted: false, locked: it.lock_set });
            }
            (Some(EventType::EntityLockGranted(_)), Some(section)) => section.granted = true,
            (Some(EventType::EntityUnlockSent(it)), Some(section)) => {
                section.locked.retain(|locked| Some(locked) != it.target_instance_id.as_ref());
            }
            _ => {}
        }
    }
    section.filter(|section| !section.locked.is_empty())
}

impl Section {
    fn leave(&self, from: u32) -> String {
        let unlock = |(id, entity): (u32, &String)| format!("unlock {id} {entity} section={}", self.id);
        (from..).zip(&self.locked).map(unlock).collect::<Vec<_>>().join(", ")
    }
}

impl Day {
    fn entity(&mut self) -> &'static str {
        self.one_of(&ENTITIES)
    }

    fn number(&mut self) -> u32 {
        self.messages += 10;
        self.messages
    }

    /// A client signals an entity or purges it.
    pub fn reach_for_an_entity(&mut self) {
        let entity = self.entity();
        match self.below(4) {
            0 => {
                let effects = self.room.store.entity_purge(&EntityId::parse(entity).unwrap());
                self.room.effects.extend(effects);
            }
            1 => {
                let seconds = self.below(9) as u64;
                let due = self.room.now.plus(Duration::from_secs(seconds));
                self.room.signal(entity, "later", Some(due));
            }
            _ => self.room.signal(entity, "add", None),
        }
    }

    /// Ends somebody who has locked an entity.
    pub fn end_an_owner(&mut self) {
        let owners: Vec<_> = self.room.store.locks.values().map(|(owner, _)| *owner).collect();
        let at = self.below(owners.len());
        if let Some(owner) = owners.get(at) {
            self.room.mail(*owner, "terminate");
        }
    }

    /// What an orchestrator that uses entities answers.
    pub fn entity_answer(&mut self, turn: &TurnItem) -> String {
        if let Some(again) = self.asks_again(turn) {
            return again;
        }
        let (n, one, other) = (self.number(), self.entity(), self.entity());
        match section(turn) {
            Some(section) if section.granted => match self.below(8) {
                0 => format!("call {n} {} get, {}", section.locked[0], section.leave(n + 1)),
                1 => section.leave(n),
                2 => format!("{}, complete", section.leave(n)),
                3 => format!("unlock {n} {} section={}", section.locked[0], section.id),
                4 => format!("signal {n} {} add", section.locked[0]),
                5 => self.one_of(&["complete", "again", "fail E"]).to_owned(),
                _ => format!("call {n} {} get", section.locked[0]),
            },
            Some(_) if self.below(6) == 0 => self.one_of(&["fail E", "again", "complete"]).to_owned(),
            Some(_) => "nothing".to_owned(),
            None => match self.below(8) {
                0 => format!("signal {n} {one} add"),
                1 => format!("signal {n} {one} later at=+{}s", self.below(60)),
                2 | 3 => format!("call {n} {one} get"),
                4 => format!("call {n} {one} get, {}", self.ask(turn, n + 1, one, other)),
                _ => format!("signal {n} {one} add, {}", self.ask(turn, n + 1, one, other)),
            },
        }
    }

    fn ask(&mut self, turn: &TurnItem, n: u32, one: &str, other: &str) -> String {
        let lock = format!("lock {n} {one},{other}");
        self.asked.insert(execution(turn), (n, lock.clone()));
        lock
    }

    /// Replay comes to the same request: a rewind has taken it out of the history, or the answer in which it stood never counted.
    fn asks_again(&self, turn: &TurnItem) -> Option<String> {
        let (n, lock) = self.asked.get(&execution(turn))?;
        let known = events(turn).any(|event| match &event.event_type {
            Some(EventType::EntityLockRequested(it)) => it.critical_section_id == format!("s{n}"),
            _ => false,
        });
        (!known).then(|| lock.clone())
    }

    /// What a worker answers to a batch.
    pub fn batch_answer(&mut self, batch: &BatchItem) -> BatchAnswer {
        let count = match self.below(4) {
            0 => 1 + self.below(batch.operations.len()),
            1 if self.below(2) == 0 => return BatchAnswer::Useless,
            _ => batch.operations.len(),
        };
        let states = [batch.state.as_deref(), Some("1"), Some("2"), None];
        let state = states[self.below(4)];
        let mut answer = BatchAnswer::done(count, state);
        let action_type = match self.below(12) {
            0 => Some(Action::SendSignal(pb::SendSignalAction {
                instance_id: self.entity().to_owned(),
                name: "add".to_owned(),
                ..pb::SendSignalAction::default()
            })),
            1 => Some(Action::StartNewOrchestration(pb::StartNewOrchestrationAction {
                name: self.one_of(&["A", "B"]).to_owned(),
                ..pb::StartNewOrchestrationAction::default()
            })),
            _ => None,
        };
        let action = |kind| pb::OperationAction { id: 1, operation_action_type: Some(kind) };
        if let BatchAnswer::Result(result) = &mut answer {
            result.actions.extend(action_type.map(action));
        }
        answer
    }

    /// What an orchestrator answers when the day is over.
    pub fn last_answer(&mut self, turn: &TurnItem) -> String {
        if let Some(again) = self.asks_again(turn) {
            return again;
        }
        let n = self.number();
        match section(turn) {
            Some(section) if section.granted && self.below(4) == 0 => "complete".to_owned(),
            Some(section) if section.granted => section.leave(n),
            _ => "nothing".to_owned(),
        }
    }

    /// Lets all orchestrations go on, and all times come.
    pub fn wake(&mut self) {
        for key in self.living() {
            self.room.mail(key, "resume, event Go");
        }
        self.room.take_effects();
        self.room.advance(1000);
    }

    /// Ends all orchestrations.
    pub fn terminate(&mut self) {
        for key in self.living() {
            self.room.mail(key, "terminate");
        }
    }

    fn living(&self) -> Vec<InstanceKey> {
        let rows = self.room.store.rows.values();
        let living = rows.filter(|row| row.entity.is_none() && !row.record.status.is_terminal());
        living.map(|row| row.record.key).collect()
    }
}

impl Mirror {
    /// Whoever is told that its section begins has locked all of it.
    pub fn check_granted(&self, item: &WorkItem) {
        let WorkItem::Turn(turn) = item else { return };
        let Some(row) = self.rows.get(&turn.instance.key) else { return };
        let granted =
            |event: &pb::HistoryEvent| matches!(event.event_type, Some(EventType::EntityLockGranted(_)));
        let over = row.record.status.is_terminal() || row.record.execution_id != turn.execution_id;
        if over || !turn.events.iter().any(granted) {
            return;
        }
        let section = section(turn).expect("only who has asked hears that it was granted");
        for entity in &section.locked {
            let (key, _) = self.find(EntityId::parse(entity).unwrap().id()).expect("what is locked is there");
            let (owner, lock) = self.locks.get(&key).expect("it is locked");
            assert_eq!((*owner, &lock.section), (turn.instance.key, &section.id), "locked by somebody else");
        }
    }
}

/// Of entities nothing waits that could run, and nothing is left that nobody will ever take away.
pub fn check_entities(room: &Room) {
    for (key, row) in room.store.rows.iter().filter(|(_, row)| row.entity.is_some()) {
        let (id, slot) = (&row.record.id, room.board.instances.get(key));
        let stage = slot.map(|slot| &slot.stage);
        let entity = room.store.entity(*key).unwrap();
        let next = entity.next(row.inbox.values(), room.now, usize::MAX);
        assert_eq!(next, NextBatch::Wait, "{id} is forgotten, standing at {stage:?}");
        assert!(row.inbox.is_empty(), "{id} keeps {:?}, locked by {:?}", row.inbox, entity.lock);
        assert!(!room.store.is_empty(*key), "nothing is left of {id}, and it is still there");
        if let Some(State::Entity(known)) = slot.and_then(|slot| slot.state()) {
            assert_eq!(known.lock, entity.lock, "{id} standing at {stage:?}");
            assert_eq!((&known.state, known.turn), (&entity.state, entity.turn), "{id}");
        }
    }
    assert!(room.store.locks.is_empty(), "locks are left: {:?}", room.store.locks);
    for row in room.store.rows.values().filter(|row| !row.record.status.is_terminal()) {
        assert!(!row.execution().awaits_entities(), "{} has not been answered", row.record.id);
    }
}
