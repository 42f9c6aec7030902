//! What one run shares: its random numbers, what may go wrong in it, and the ledger of the auditor. All of it outlives the processes.

use super::{ledger::Ledger, rng::Rng};
use crate::{
    model::{Commit, Effect, Timestamp},
    store::{
        Error,
        faulty::{Fate, Script},
    },
};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// When a run begins.
pub const BEGINNING: Timestamp = Timestamp(1_700_000_000_000_000);

/// More store calls than any run needs: who makes so many does so in circles.
const MOST_CALLS: usize = 50_000;

/// How many processes die in one run.
const MOST_DEATHS: usize = 4;

/// What may go wrong in a run, and how often, in thousandths. Each seed draws its own, so that some runs have much of one thing.
#[derive(Clone, Debug)]
pub struct Plan {
    pub steps: usize,
    /// A store call fails.
    pub fails: usize,
    /// A store call takes time.
    pub slow: usize,
    /// The process dies in a store call.
    pub dies: usize,
    /// The process dies between two steps.
    pub killed: usize,
    /// Effects reach dispatch late.
    pub late_effects: bool,
    /// A worker does something else than answering properly.
    pub mischief: usize,
    /// Workers answer what means nothing.
    pub nonsense: bool,
    /// Some workers return no tokens.
    pub unnamed: bool,
    /// States of entities are deleted from outside.
    pub wipes: bool,
    /// Bytes of idle instances that are kept.
    pub cache_bytes: usize,
    /// How many items of a route wait in memory, and bytes of all activities that do.
    pub window: usize,
    pub window_bytes: usize,
    /// How much of some names may be out at a time; 0: as much as there is room for.
    pub concurrency: usize,
}

impl Plan {
    fn draw(rng: &mut Rng) -> Self {
        Self {
            steps: 15 + rng.below(35),
            fails: rng.pick(&[0, 0, 20, 60, 150]),
            slow: rng.pick(&[0, 0, 50, 200]),
            dies: rng.pick(&[0, 0, 8, 25]),
            killed: rng.pick(&[0, 0, 20]),
            late_effects: rng.often(300),
            mischief: rng.pick(&[0, 100, 300, 600]),
            nonsense: rng.often(250),
            unnamed: rng.often(200),
            wipes: rng.often(300),
            cache_bytes: rng.pick(&[0, 5_000, usize::MAX]),
            window: rng.pick(&[1, 2, 10, 1_000]),
            window_bytes: rng.pick(&[100, 500, usize::MAX]),
            concurrency: rng.pick(&[0, 0, 1, 2]),
        }
    }
}

/// See the module.
pub struct World {
    pub plan: Plan,
    state: Mutex<State>,
}

pub struct State {
    pub rng: Rng,
    pub ledger: Ledger,
    /// Nothing goes wrong any more.
    pub calm: bool,
    deaths: usize,
    /// Calls of the store.
    calls: usize,
    /// When the process that lives now was born, on its own clock and in the world's time. Between two of them time stands still.
    clock: (Option<tokio::time::Instant>, Timestamp),
    trace: Option<Vec<String>>,
}

impl World {
    /// `traced`: write down what happens.
    pub fn new(seed: u64, traced: bool) -> Self {
        let mut rng = Rng::new(seed);
        let plan = Plan::draw(&mut rng);
        Self::with_plan(rng, plan, traced)
    }

    /// One in which nothing goes wrong by chance.
    pub fn calm() -> Self {
        let mut rng = Rng::new(0);
        let plan = Plan::draw(&mut rng);
        let world = Self::with_plan(rng, plan, false);
        world.state().calm = true;
        world
    }

    fn with_plan(rng: Rng, plan: Plan, traced: bool) -> Self {
        let state = State {
            rng,
            ledger: Ledger::default(),
            calm: false,
            deaths: 0,
            calls: 0,
            clock: (None, BEGINNING),
            trace: traced.then(Vec::new),
        };
        let world = Self { plan, state: Mutex::new(state) };
        world.tell(|| format!("{:?}", world.plan));
        world
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Chance decides.
    pub fn draw<T>(&self, draw: impl FnOnce(&mut Rng) -> T) -> T {
        draw(&mut self.state().rng)
    }

    /// Writes a line into the trace.
    pub fn tell(&self, line: impl FnOnce() -> String) {
        let mut state = self.state();
        if state.trace.is_some() {
            let at = Duration::from_micros(u64::try_from(state.now().0 - BEGINNING.0).unwrap_or(0));
            let line = format!("{:>12.6} {}", at.as_secs_f64(), line());
            state.trace.iter_mut().for_each(|trace| trace.push(line.clone()));
        }
    }

    pub fn trace(&self) -> Vec<String> {
        self.state().trace.clone().unwrap_or_default()
    }

    /// A process is born; the time in which nobody lived is short.
    pub fn born(&self) {
        let mut state = self.state();
        let now = state.now().plus(Duration::from_millis(500));
        state.clock = (Some(tokio::time::Instant::now()), now);
    }

    /// A process is about to be thrown away, and its clock with it.
    pub fn died(&self) {
        let mut state = self.state();
        state.clock = (None, state.now());
        state.deaths += 1;
    }

    /// Whether a process may be killed now.
    pub fn kills(&self) -> bool {
        let killed = self.plan.killed;
        let State { rng, deaths, .. } = &mut *self.state();
        *deaths < MOST_DEATHS && rng.often(killed)
    }
}

impl State {
    fn now(&self) -> Timestamp {
        let (zero, then) = self.clock;
        zero.map_or(then, |zero| then.plus(zero.elapsed()))
    }
}

impl crate::clock::Clock for World {
    fn now(&self) -> Timestamp {
        self.state().now()
    }
}

const WRITES: [&str; 8] = [
    "turn_commit",
    "rewind_commit",
    "instance_create",
    "message_append",
    "entity_signal",
    "activity_complete",
    "instance_purge",
    "entity_purge",
];

impl Script for World {
    fn fate(&self, call: &'static str) -> Fate {
        let calls = {
            let mut state = self.state();
            state.calls += 1;
            state.calls
        };
        assert!(calls < MOST_CALLS, "there is no end to the calls of the store");
        let fate = {
            let State { rng, calm, deaths, .. } = &mut *self.state();
            let lost = || Error::Backend("the connection was lost".into());
            if *calm {
                Fate::Done
            } else if *deaths < MOST_DEATHS && rng.often(self.plan.dies) {
                if rng.often(500) { Fate::DiesBefore } else { Fate::DiesAfter }
            } else if rng.often(self.plan.fails) {
                match rng.below(3) {
                    0 => Fate::FailsBefore(Error::Busy("so it seems".to_owned())),
                    1 if WRITES.contains(&call) => Fate::FailsAfter(lost()),
                    _ => Fate::FailsBefore(lost()),
                }
            } else if rng.often(self.plan.slow) {
                let mut pause = || Duration::from_millis(rng.pick(&[0, 1, 20, 300, 3_000]));
                Fate::Slow(pause(), pause())
            } else {
                Fate::Done
            }
        };
        self.tell(|| match &fate {
            Fate::Done => format!("    store: {call}"),
            other => format!("    store: {call} {other:?}"),
        });
        fate
    }

    fn committed(&self, turns: &[Commit]) {
        for commit in turns {
            self.tell(|| {
                let Commit { key, turn, consumed, update, .. } = commit;
                format!("    commit {turn} of {}: {:?}, took {consumed:?}", key.0, update.status)
            });
            self.state().ledger.committed(commit);
        }
    }

    fn told(&self, effects: &[Effect]) {
        for effect in effects {
            self.tell(|| format!("      {}", super::ledger::short(effect)));
            self.state().ledger.told(effect);
        }
    }
}
