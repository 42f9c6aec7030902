//! A seeded simulation of engine, dispatch, manager and store, with an auditor who knows every acknowledged call.
//!
//! A run is a few minutes in the life of a hub in which much goes wrong: store calls fail, before or after they are done, or take long;
//! processes die and others start on what is left; workers answer late, twice, or nonsense; callers ask for everything, some of it twice.
//! Then all goes well for as long as it takes, and the auditor looks at what has come of it. Everything is real but the workers, the
//! callers and the clock; all runs on one thread under a paused clock, so a seed tells the same story each time.
//!
//! `docs/reliability.md` says how to run more seeds, how to look at one, and which rules were broken by hand to see it notice.

mod audit;
mod callers;
mod failpoints;
mod ledger;
mod process;
mod programs;
mod rng;
mod workers;
mod world;

use crate::model::StatusExt as _;
use callers::Callers;
use process::{Disk, End, Process};
use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, Once,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use workers::Crew;
use world::World;

/// How many seeds are run if `DURAHUB_SIM_SEEDS` says nothing else.
const SEEDS: u64 = 10_000;

/// No timer of a program is longer, and nothing is waited for so long.
const QUIET: Duration = Duration::from_secs(90);

thread_local! {
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

/// What came of one seed.
struct Report {
    /// What was wrong.
    wrong: Vec<String>,
    trace: Vec<String>,
}

fn run(seed: u64, traced: bool) -> Report {
    notice_panics();
    let before = PANICS.get();
    let world = Arc::new(World::new(seed, traced));
    let (disk, mut callers, mut steps) = (Disk::new(), Callers::default(), world.plan.steps);
    let mut wrong = Vec::new();
    let done = catch_unwind(AssertUnwindSafe(|| {
        let script: Arc<dyn crate::store::faulty::Script> = world.clone();
        disk.live(&world, &script, async |process: &Process| {
            day(&world, &disk, process, &mut callers, &mut steps, &mut wrong).await
        });
    }));
    wrong.extend(done.err().map(|_| "the simulation panicked".to_owned()));
    if PANICS.get() > before {
        wrong.push("something panicked".to_owned());
    }
    Report { wrong, trace: world.trace() }
}

/// What happens in the life of one process.
async fn day(
    world: &Arc<World>,
    disk: &Disk,
    process: &Process,
    callers: &mut Callers,
    steps: &mut usize,
    wrong: &mut Vec<String>,
) -> End {
    let mut crew = Crew::new(world.clone(), process.dispatch.clone(), process.hub);
    crew.join(false);
    while *steps > 0 {
        *steps -= 1;
        if steps.is_multiple_of(4) {
            wrong.extend(audit::nothing_is_lost(disk).await);
        }
        if world.kills() {
            return End::Died;
        }
        match world.draw(|rng| rng.below(100)) {
            0..30 => callers.call(world, &process.manager, process.hub),
            30..75 => crew.work().await,
            75..82 => crew.join(false),
            82..85 => crew.leave(),
            _ => {
                let millis = world.draw(|rng| rng.pick(&[1, 1, 10, 200, 1_000, 3_000, 12_000, 60_000]));
                tokio::time::sleep(Duration::from_millis(millis)).await;
            }
        }
        for _ in 0..world.draw(|rng| rng.below(6)) {
            tokio::task::yield_now().await;
        }
    }
    wrong.extend(settle(world, disk, process, callers, &mut crew).await);
    End::Done
}

/// Nothing goes wrong any more, and all who wait for something get it.
async fn settle(
    world: &Arc<World>,
    disk: &Disk,
    process: &Process,
    callers: &mut Callers,
    crew: &mut Crew,
) -> Vec<String> {
    world.tell(|| "from now on all is well".to_owned());
    world.state().calm = true;
    crew.leave_all();
    crew.join(true);
    for _ in 0..12 {
        if !crew.work_all(QUIET).await {
            return vec!["there is no end to it".to_owned()];
        }
        let live: Vec<_> = world
            .state()
            .ledger
            .lives
            .values()
            .filter(|life| !life.gone && !life.status.is_terminal() && !life.id.is_entity())
            .map(|life| life.id.clone())
            .collect();
        if live.is_empty() {
            break;
        }
        for id in live {
            callers.resume(world, &process.manager, process.hub, id.clone());
            callers.raise(world, &process.manager, process.hub, id, true);
        }
    }
    audit::audit(world, disk, process).await
}

/// Counts the panics of this thread. Dispatch survives those of its tasks, and the simulation is to hear of them.
fn notice_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.set(PANICS.get() + 1);
            before(info);
        }));
    });
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} must be a number, not {text:?}")))
}

#[test]
fn whatever_goes_wrong_what_was_acknowledged_happens_once() {
    if let Some(seed) = number("DURAHUB_SIM_SEED") {
        let Report { wrong, trace } = run(seed, true);
        trace.iter().for_each(|line| println!("{line}"));
        assert!(wrong.is_empty(), "seed {seed}:\n{}", wrong.join("\n"));
        return;
    }
    let (first, count) =
        (number("DURAHUB_SIM_FIRST").unwrap_or(0), number("DURAHUB_SIM_SEEDS").unwrap_or(SEEDS));
    let (next, failed) = (AtomicU64::new(first), AtomicBool::new(false));
    let bad = Mutex::new(Vec::new());
    let work = || {
        while !failed.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + count {
                break;
            }
            let report = run(seed, false);
            if !report.wrong.is_empty() {
                failed.store(true, Ordering::Relaxed);
                bad.lock().unwrap().push((seed, report.wrong));
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let mut bad = bad.into_inner().unwrap();
    bad.sort_unstable();
    if let Some((seed, wrong)) = bad.first() {
        let trace = run(*seed, true).trace.join("\n");
        panic!(
            "{trace}\n\nseed {seed} after {} seeds:\n{}\n\nlook at it again with DURAHUB_SIM_SEED={seed}",
            seed - first + 1,
            wrong.join("\n")
        );
    }
}

#[test]
fn a_seed_tells_the_same_story_each_time() {
    for seed in 0..60 {
        let tell = || run(seed, true).trace;
        let (once, again) = (tell(), tell());
        let differs = once.iter().zip(&again).position(|(a, b)| a != b);
        if let Some(at) = differs {
            panic!(
                "seed {seed}, line {at}:\n{}\n{}\n{}",
                once[at.saturating_sub(5)..at].join("\n"),
                once[at],
                again[at]
            );
        }
        assert_eq!(once.len(), again.len(), "seed {seed}");
    }
}
