//! Crash at every storage call. An orchestration with three activities, a timer, a child, an event and a call of an entity is run once
//! undisturbed, which counts the calls; then again for each of them, with a failure at that call. What comes out is always the same.

use super::{
    audit,
    process::{Disk, End, Process},
    programs::{EVENT, LOG, MIXED},
    workers::Crew,
    world::World,
};
use crate::{
    manager::{IdempotencyKey, Start},
    model::{Commit, Effect, EntityId, InstanceId, StatusExt as _},
    store::{
        Error,
        faulty::{Fate, Script},
    },
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    DiesBefore,
    DiesAfter,
    FailsBefore,
    FailsAfter,
}

/// Counts the calls, and lets one of them fail.
struct Failpoint {
    world: Arc<World>,
    calls: AtomicUsize,
    at: Option<(usize, Kind)>,
}

impl Script for Failpoint {
    fn fate(&self, call: &'static str) -> Fate {
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        self.world.tell(|| format!("    store: call {number}, {call}"));
        let lost = || Error::Backend("the connection was lost".into());
        match self.at.filter(|(at, _)| *at == number) {
            Some((_, Kind::DiesBefore)) => Fate::DiesBefore,
            Some((_, Kind::DiesAfter)) => Fate::DiesAfter,
            Some((_, Kind::FailsBefore)) => Fate::FailsBefore(lost()),
            Some((_, Kind::FailsAfter)) => Fate::FailsAfter(lost()),
            None => Fate::Done,
        }
    }

    fn committed(&self, turns: &[Commit]) {
        self.world.committed(turns);
    }

    fn told(&self, effects: &[Effect]) {
        self.world.told(effects);
    }
}

/// What can be seen in the end.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    instances: Vec<(String, &'static str, Option<String>)>,
    entity: Option<String>,
}

/// How far the caller has come; it outlives the processes.
#[derive(Default)]
struct Caller {
    started: bool,
    raised: usize,
    heard: bool,
}

fn play(at: Option<(usize, Kind)>) -> (Outcome, usize) {
    let world = Arc::new(World::calm());
    let failpoint = Arc::new(Failpoint { world: world.clone(), calls: AtomicUsize::new(0), at });
    let script: Arc<dyn Script> = failpoint.clone();
    let (disk, mut caller, mut outcome) = (Disk::new(), Caller::default(), Outcome::default());
    disk.live(&world, &script, async |process: &Process| {
        let mut crew = Crew::new(world.clone(), process.dispatch.clone(), process.hub);
        crew.join(true);
        caller.insist(process).await;
        assert!(crew.work_all(Duration::from_secs(90)).await, "there is no end to it");
        outcome = look(process).await;
        let wrong = audit::audit(&world, &disk, process).await;
        assert!(wrong.is_empty(), "{wrong:?}");
        End::Done
    });
    (outcome, failpoint.calls.load(Ordering::Relaxed))
}

impl Caller {
    /// Starts the orchestration and raises its event, again and again until that is acknowledged.
    async fn insist(&mut self, process: &Process) {
        let Process { manager, hub, .. } = process;
        while !self.started {
            let key = Some(IdempotencyKey::parse("once").expect("it is a key"));
            let (name, id) = (MIXED.to_owned(), Some("whole".to_owned()));
            self.started = manager.start(*hub, Start { name, id, key, ..Start::default() }).await.is_ok();
        }
        while !self.heard {
            self.raised += 1;
            let data = Some(format!("\"go {}\"", self.raised));
            self.heard = manager.raise_event(*hub, &InstanceId::lookup("whole"), EVENT, data).await.is_ok();
        }
    }
}

async fn look(process: &Process) -> Outcome {
    let Process { manager, hub, .. } = process;
    let mut outcome = Outcome::default();
    for id in ["whole", "part"] {
        // The failure may strike here, too.
        let found = loop {
            if let Ok(found) = manager.get(*hub, &InstanceId::lookup(id), true).await {
                break found;
            }
        };
        if let Some(instance) = found {
            outcome.instances.push((id.to_owned(), instance.record.status.name(), instance.payloads.output));
        }
    }
    let entity = EntityId::new(LOG, "a").expect("it is an id");
    let found = loop {
        if let Ok(found) = manager.entity(*hub, &entity, true).await {
            break found;
        }
    };
    outcome.entity = found.and_then(|entity| entity.state);
    outcome
}

#[test]
fn a_failure_at_any_storage_call_changes_nothing_in_the_end() {
    let (undisturbed, calls) = play(None);
    let output = r#"["one is done","two is done","three is done","the part is done","1"]"#;
    let expected = Outcome {
        instances: vec![
            ("whole".to_owned(), "Completed", Some(output.to_owned())),
            ("part".to_owned(), "Completed", Some("\"the part is done\"".to_owned())),
        ],
        entity: Some("[\"mixed\"]".to_owned()),
    };
    assert_eq!(undisturbed, expected);
    assert!(calls > 20, "{calls} calls");
    for at in 1..=calls {
        for kind in [Kind::DiesBefore, Kind::DiesAfter, Kind::FailsBefore, Kind::FailsAfter] {
            let (outcome, _) = play(Some((at, kind)));
            assert_eq!(outcome, expected, "{kind:?} at call {at} of {calls}");
        }
    }
}
