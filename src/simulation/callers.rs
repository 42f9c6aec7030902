//! Callers of the manager. What each asks for and is answered goes into the ledger; one whose answer left it in doubt may ask again.

use super::{
    ledger::Answer,
    programs::{EVENT, KEYS, LOG, NAMES},
    world::World,
};
use crate::{
    clock::Clock as _,
    manager::{Error, IdempotencyKey, Manager, Restart, Signal, Start, Under},
    model::{EntityId, HubId, InstanceId},
    store,
};
use std::{sync::Arc, time::Duration};

/// What callers know. It outlives the processes.
#[derive(Default)]
pub struct Callers {
    /// Ids that have been asked for.
    ids: Vec<InstanceId>,
    /// Starts that can be repeated, because they have a key.
    keyed: Vec<Start>,
    calls: usize,
}

#[derive(Clone, Copy)]
enum Verb {
    Start,
    Again,
    Event,
    Terminate,
    Suspend,
    Resume,
    Rewind,
    Restart,
    Purge,
    Signal,
    Wipe,
}

const VERBS: [(usize, Verb); 11] = [
    (26, Verb::Start),
    (6, Verb::Again),
    (26, Verb::Event),
    (4, Verb::Terminate),
    (6, Verb::Suspend),
    (6, Verb::Resume),
    (7, Verb::Rewind),
    (3, Verb::Restart),
    (4, Verb::Purge),
    (10, Verb::Signal),
    (4, Verb::Wipe),
];

impl Callers {
    /// Somebody asks for something; nobody waits for the answer.
    pub fn call(&mut self, world: &Arc<World>, manager: &Manager, hub: HubId) {
        let verb = world.draw(|rng| rng.weighted(&VERBS));
        let tag = self.tag();
        let at = world.draw(|rng| rng.below(self.ids.len()));
        let id = self.ids.get(at).cloned();
        let (manager, book) = (manager.clone(), world.clone());
        match (verb, id) {
            (Verb::Start, _) => {
                let start = self.new_start(world, &tag);
                tokio::spawn(async move { ask_start(&book, &manager, hub, start).await });
            }
            (Verb::Again, _) => {
                let at = world.draw(|rng| rng.below(self.keyed.len()));
                if let Some(start) = self.keyed.get(at).cloned() {
                    tokio::spawn(async move { ask_start(&book, &manager, hub, start).await });
                }
            }
            (Verb::Signal, _) => {
                let entity = EntityId::new(LOG, world.draw(|rng| rng.pick(&KEYS))).expect("it is an id");
                let later = world.draw(|rng| rng.pick(&[0, 0, 5]));
                tokio::spawn(async move {
                    let due = Some(book.now().plus(Duration::from_secs(later)));
                    let input = format!("\"{tag}\"");
                    let signal = Signal {
                        entity,
                        operation: "add".to_owned(),
                        input: Some(input.clone()),
                        due,
                        request_id: None,
                    };
                    ask(&book, &input, "signal", manager.signal_entity(hub, signal)).await;
                });
            }
            (Verb::Wipe, _) => {
                let entity = EntityId::new(LOG, world.draw(|rng| rng.pick(&KEYS))).expect("it is an id");
                if world.plan.wipes {
                    tokio::spawn(async move { manager.purge(hub, entity.id()).await });
                }
            }
            (_, None) => {}
            (Verb::Event, Some(id)) => self.raise(world, &manager, hub, id, false),
            (Verb::Terminate, Some(id)) => {
                let all = world.draw(|rng| rng.often(500));
                if all {
                    world.state().ledger.recursive.insert(tag.clone());
                }
                tokio::spawn(async move {
                    ask(&book, &tag, "terminate", manager.terminate(hub, &id, Some(tag.clone()), all)).await;
                });
            }
            (Verb::Suspend, Some(id)) => {
                tokio::spawn(async move {
                    ask(&book, &tag, "suspend", manager.suspend(hub, &id, Some(tag.clone()))).await;
                });
            }
            (Verb::Resume, Some(id)) => self.resume(world, &manager, hub, id),
            (Verb::Rewind, Some(id)) => {
                tokio::spawn(async move { manager.rewind(hub, &id, None).await });
            }
            (Verb::Restart, Some(id)) => {
                let (under, target) = match world.draw(|rng| rng.often(500)) {
                    true => (Under::Same, id.clone()),
                    false => {
                        let chosen = format!("i{tag}");
                        self.ids.push(InstanceId::lookup(chosen.as_str()));
                        (Under::Chosen(chosen.clone()), InstanceId::lookup(chosen))
                    }
                };
                world.state().ledger.restarted.insert(target);
                let restart = Restart { under, ..Restart::default() };
                tokio::spawn(async move { manager.restart(hub, &id, restart).await });
            }
            (Verb::Purge, Some(id)) => {
                tokio::spawn(async move {
                    if manager.purge(hub, &id).await.is_ok() {
                        let ledger = &mut book.state().ledger;
                        if !ledger.lives.values().any(|life| life.id == id && life.gone) {
                            ledger.wrong(format!("{id} was purged, they say, but it never went"));
                        }
                    }
                });
            }
        }
    }

    /// Raises an event; `stop`: the last one.
    pub fn raise(&mut self, world: &Arc<World>, manager: &Manager, hub: HubId, id: InstanceId, stop: bool) {
        let data = format!("\"{}{}\"", if stop { "stop " } else { "" }, self.tag());
        let (manager, book) = (manager.clone(), world.clone());
        tokio::spawn(async move {
            ask(&book, &data, "event", manager.raise_event(hub, &id, EVENT, Some(data.clone()))).await;
        });
    }

    pub fn resume(&mut self, world: &Arc<World>, manager: &Manager, hub: HubId, id: InstanceId) {
        let (tag, manager, book) = (self.tag(), manager.clone(), world.clone());
        tokio::spawn(async move {
            ask(&book, &tag, "resume", manager.resume(hub, &id, Some(tag.clone()))).await;
        });
    }

    fn tag(&mut self) -> String {
        self.calls += 1;
        format!("c{}", self.calls)
    }

    /// Some ids are used again, and those of children are asked for, too. The tag is the execution id.
    fn new_start(&mut self, world: &World, tag: &str) -> Start {
        let (name, old, keyed, later) =
            world.draw(|rng| (rng.pick(&NAMES), rng.often(100), rng.often(400), rng.pick(&[0, 0, 0, 0, 10])));
        let at = world.draw(|rng| rng.below(self.ids.len()));
        let id = match self.ids.get(at).filter(|_| old) {
            Some(id) => id.clone(),
            None => {
                let id = InstanceId::lookup(format!("i{tag}"));
                self.ids.push(id.clone());
                if name == "Parent" {
                    self.ids.push(InstanceId::lookup(format!("{id}.child")));
                }
                id
            }
        };
        let start = Start {
            name: name.to_owned(),
            id: Some(id.to_string()),
            start_at: (later > 0).then(|| world.now().plus(Duration::from_secs(later))),
            execution_id: Some(tag.to_owned()),
            key: keyed.then(|| IdempotencyKey::parse(tag).expect("it is a key")),
            ..Start::default()
        };
        if keyed {
            self.keyed.push(start.clone());
        }
        start
    }
}

async fn ask_start(world: &World, manager: &Manager, hub: HubId, start: Start) {
    let tag = start.execution_id.clone().unwrap_or_default();
    let what = format!("start of {} as {}", start.name, start.id.as_deref().unwrap_or_default());
    ask(world, &tag, &what, manager.start(hub, start)).await;
}

/// Asks, and writes down what was answered.
async fn ask<T>(world: &World, tag: &str, what: &str, call: impl Future<Output = Result<T, Error>>) {
    let number = world.state().ledger.asked(tag);
    world.tell(|| format!("{tag}: {what}"));
    let answered = call.await;
    let answer = match &answered {
        Ok(_) => Answer::Done,
        Err(Error::Store(store::Error::Busy(_))) => Answer::Not,
        Err(Error::Store(_)) => Answer::Unclear,
        Err(_) => Answer::Not,
    };
    world.tell(|| {
        format!("{tag}: {answer:?} {}", answered.err().map(|error| error.to_string()).unwrap_or_default())
    });
    world.state().ledger.answered(tag, number, answer);
}
