//! Which failures a rewind takes back: those that the orchestrator has not reacted to.
//!
//! Replay hands the orchestrator the rewritten history. What the orchestrator did because of a failure can only be done again if the
//! failure is still there; a failure that it did nothing about can be taken out, and its task is run again. History does not say why an
//! action was taken, so [`dropped`] judges by what stands around it, and in doubt keeps the failure: then the orchestrator fails as it
//! did before, instead of finding a history that it has never had. The rows of the table are in docs/decisions/0007-rewind.md.

use super::timeline::{Act, Call, Kind, Timeline, Turn};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The actions (by place in [`Timeline::acts`]) whose failure is taken back. `settled`: how many events an earlier rewind of the same
/// execution has left; what it kept stays.
pub(super) fn dropped(timeline: &Timeline<'_>, settled: usize) -> HashSet<usize> {
    let retries = Retries::of(timeline);
    let fan_in = last_fan_in(timeline, &retries);
    let ordinary = ordinary_calls(timeline);
    let taken_back = |act: &usize| {
        let Some(answer) = timeline.acts[*act].answer.filter(|answer| answer.failed) else { return false };
        answer.index >= settled
            && !retries.failures.contains(act)
            && others_account_for(timeline, &retries, &ordinary, answer.turn)
            && fan_in.is_none_or(|turn| turn < answer.turn)
    };
    (0..timeline.acts.len()).filter(taken_back).collect()
}

/// What belongs to tasks that were tried again.
#[derive(Default)]
struct Retries {
    /// Tasks whose failure was followed by another attempt, or may be.
    failures: HashSet<usize>,
    /// Pauses before another attempt, and the attempts.
    acts: HashSet<usize>,
    /// Pauses that were not over when the execution ended.
    pausing: HashSet<usize>,
}

impl Retries {
    fn of(timeline: &Timeline<'_>) -> Self {
        let mut retries = Self::default();
        let mut by_id = HashSet::new();
        for (place, act) in timeline.acts.iter().enumerate().rev() {
            // The same id again is the same task again (Python).
            if !by_id.insert((act.kind, act.id)) {
                retries.failures.insert(place);
            }
        }
        for turn in timeline.turns.iter().filter(|turn| !turn.failures.is_empty()) {
            retries.follow(timeline, turn);
        }
        retries
    }

    /// Finds what became of the failures that `turn` delivered.
    fn follow(&mut self, timeline: &Timeline<'_>, turn: &Turn) {
        let mut failed = Failed::of(timeline, &turn.failures);
        let mut pauses: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for place in &turn.acts {
            let act = &timeline.acts[*place];
            match (act.kind, act.answer) {
                // Never armed, so replay sets it anew where it wants it.
                (Kind::Timer, None) if timeline.came_to_nothing(act) => {}
                // It may be the pause of any of them.
                (Kind::Timer, None) => {
                    self.failures.extend(&turn.failures);
                    self.acts.insert(*place);
                    if turn.others.is_empty() {
                        self.pausing.insert(*place);
                    }
                }
                (Kind::Timer, Some(fired)) => pauses.entry(fired.turn).or_default().push(*place),
                // Without a pause between.
                (Kind::Activity | Kind::Child | Kind::Request, _) => {
                    self.attempt(&mut failed, act);
                }
                (Kind::OneWay, _) => {}
            }
        }
        for (fired, pauses) in pauses {
            let attempts = timeline.turns[fired].acts.iter().copied();
            let attempts: Vec<_> =
                attempts.filter(|act| self.attempt(&mut failed, &timeline.acts[*act])).collect();
            if !attempts.is_empty() {
                self.acts.extend(attempts.into_iter().chain(pauses));
            }
        }
    }

    /// Whether `next` asks for the same as a task among `failed`. If it could be the next attempt of several of them, all are kept.
    fn attempt<'a>(&mut self, failed: &mut Failed<'a>, next: &Act<'a>) -> bool {
        let same_id = failed.by_id.get_mut(&(next.kind, next.id));
        let same_call = failed.by_call.get_mut(&(next.kind, next.call));
        let known = same_id.is_some() || same_call.is_some();
        // Taken out, so that many of one kind are not gone through again and again.
        self.failures.extend(same_id.into_iter().chain(same_call).flat_map(std::mem::take));
        known
    }
}

/// The tasks whose failure one turn delivered, by what their next attempt may look like.
struct Failed<'a> {
    by_id: HashMap<(Kind, i32), Vec<usize>>,
    by_call: HashMap<(Kind, Call<'a>), Vec<usize>>,
}

impl<'a> Failed<'a> {
    fn of(timeline: &Timeline<'a>, failures: &[usize]) -> Self {
        let mut failed = Self { by_id: HashMap::new(), by_call: HashMap::new() };
        for place in failures {
            let Act { kind, id, call, .. } = timeline.acts[*place];
            failed.by_id.entry((kind, id)).or_default().push(*place);
            failed.by_call.entry((kind, call)).or_default().push(*place);
        }
        failed
    }
}

/// The actions of a turn that no retry accounts for and that stay in the history.
fn reactions<'t>(
    timeline: &'t Timeline<'_>,
    retries: &'t Retries,
    turn: usize,
) -> impl Iterator<Item = &'t Act<'t>> {
    timeline.turns[turn]
        .acts
        .iter()
        .filter(|act| !retries.acts.contains(act))
        .map(|act| &timeline.acts[*act])
        .filter(|act| !timeline.came_to_nothing(act))
}

/// Whether what the orchestrator did in `turn` needs none of the failures delivered in it: it did nothing, or no more than the other
/// results explain (one action each), and only what it has also done where nothing had failed.
fn others_account_for(
    timeline: &Timeline<'_>,
    retries: &Retries,
    ordinary: &HashSet<(Kind, &str)>,
    turn: usize,
) -> bool {
    let others = timeline.turns[turn].others.iter();
    let others = others.filter(|act| act.is_none_or(|act| !retries.acts.contains(&act))).count();
    let mut left = others;
    for act in reactions(timeline, retries, turn) {
        if left == 0 || !ordinary.contains(&(act.kind, act.call.0)) {
            return false;
        }
        left -= 1;
    }
    true
}

/// What was asked for in turns that delivered no failure.
fn ordinary_calls<'a>(timeline: &Timeline<'a>) -> HashSet<(Kind, &'a str)> {
    let calm = timeline.turns.iter().filter(|turn| turn.failures.is_empty());
    calm.flat_map(|turn| &turn.acts)
        .map(|act| &timeline.acts[*act])
        .map(|act| (act.kind, act.call.0))
        .collect()
}

/// The last turn in which the orchestrator went on with nothing left under way. Whoever had waited for several tasks together went on
/// there, and any failure before it may be why.
fn last_fan_in(timeline: &Timeline<'_>, retries: &Retries) -> Option<usize> {
    let turns = timeline.turns.len();
    let mut begins = vec![0_i64; turns + 1];
    let mut ends = vec![0_i64; turns + 1];
    for (place, act) in timeline.acts.iter().enumerate() {
        let is_work = match act.kind {
            Kind::Activity | Kind::Child | Kind::Request => true,
            Kind::Timer => retries.acts.contains(&place),
            Kind::OneWay => false,
        };
        if is_work && (act.kind != Kind::Timer || act.answer.is_some() || retries.pausing.contains(&place)) {
            begins[act.turn + 1] += 1;
            ends[act.answer.map_or(turns, |answer| answer.turn)] += 1;
        }
    }
    let mut under_way = 0;
    let mut last = None;
    for turn in 0..turns {
        under_way += begins[turn] - ends[turn];
        if under_way == 0 && reactions(timeline, retries, turn).next().is_some() {
            last = Some(turn);
        }
    }
    last
}
