//! The task: pass after pass, and sleep in between.

use super::{
    super::Manager,
    LastPass, RuleState,
    pass::{Next, Pass},
};
use crate::{
    dispatch::Watcher,
    model::{StatusExt as _, Timestamp},
    store,
};
use futures_util::future::select_all;
use std::{collections::HashSet, time::Duration};
use tokio::{sync::watch, time::Instant};

/// Pause after the first failure; each that follows doubles it.
const RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(60);
/// Longest sleep at a time: the clock may be set.
const NAP: Duration = Duration::from_secs(60);

/// Runs until the server leaves. A change that is under way then is made all the same.
pub(super) async fn run(manager: Manager) {
    tokio::select! {
        () = passes(&manager) => {}
        () = manager.retention.leaving.cancelled() => {}
    }
}

async fn passes(manager: &Manager) {
    let mut pause = RETRY;
    loop {
        let soonest = manager.clock.now().plus(manager.retention.plan.every);
        let hubs = manager.hubs.changes();
        match round(manager).await {
            Ok(round) => {
                pause = RETRY;
                wait(manager, round, soonest, hubs).await;
            }
            Err(store::Error::Closed) => return,
            Err(_) => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_RETRY);
            }
        }
    }
}

/// What a round has found out.
struct Round {
    /// For each rule.
    next: Vec<Next>,
    /// Told of whatever happens where the rule of that number has nothing to wait for.
    ears: Vec<(usize, Watcher)>,
    /// Rules for which there was no room to listen.
    deaf: Vec<usize>,
}

/// A pass of every rule: what is in the way of one is not in the way of the others.
async fn round(manager: &Manager) -> Result<Round, store::Error> {
    let mut failed = None;
    let mut round = Round { next: Vec::new(), ears: Vec::new(), deaf: Vec::new() };
    for number in 0..manager.retention.plan.rules.len() {
        note(manager, number, |state| state.running = true);
        let done = one(manager, number, &mut round).await;
        note(manager, number, |state| state.running = false);
        match done {
            Ok(next) => {
                round.next.push(next);
                note(manager, number, |state| state.trouble = None);
            }
            Err(store::Error::Closed) => return Err(store::Error::Closed),
            Err(error) => {
                trouble(manager, number, &error);
                failed = Some(error);
                round.next.push(Next::Nothing);
            }
        }
    }
    failed.map_or(Ok(round), Err)
}

/// A pass of one rule, and what comes next. If that is nothing, it is listened for, and then looked once more, so that nothing ends unheard.
async fn one(manager: &Manager, number: usize, round: &mut Round) -> Result<Next, store::Error> {
    pass(manager, number).await?;
    let next = ahead(manager, number).await?;
    if next != Next::Nothing {
        return Ok(next);
    }
    for (hub, _) in manager.covered(&manager.retention.plan.rules[number]) {
        match manager.waiters.watch(hub, HashSet::new()) {
            Some(ear) => round.ears.push((number, ear)),
            None => round.deaf.push(number),
        }
    }
    ahead(manager, number).await
}

/// One rule in all hubs that it covers.
pub(super) async fn pass(manager: &Manager, number: usize) -> Result<(), store::Error> {
    let rule = &manager.retention.plan.rules[number];
    let (began, clocked) = (manager.clock.now(), Instant::now());
    let mut total = 0;
    for (hub, name) in manager.covered(rule) {
        let since = Instant::now();
        let removed = Pass { manager, number, rule, hub }.run().await?;
        if removed > 0 {
            let seconds = since.elapsed().as_secs_f64();
            tracing::info!(%rule, hub = name, removed, seconds, "retention has removed what was old enough");
        }
        total += removed;
    }
    let last = LastPass { began, took: clocked.elapsed(), removed: total };
    note(manager, number, |state| state.last = Some(last));
    Ok(())
}

/// When a rule has something to do next.
pub(super) async fn ahead(manager: &Manager, number: usize) -> Result<Next, store::Error> {
    let rule = &manager.retention.plan.rules[number];
    let mut earliest = Next::Nothing;
    for (hub, _) in manager.covered(rule) {
        let next = Pass { manager, number, rule, hub }.next().await?;
        earliest = earliest.min(next);
    }
    Ok(earliest)
}

/// Sleeps until it is time for the next round, which is not before `soonest`.
async fn wait(manager: &Manager, round: Round, soonest: Timestamp, mut hubs: watch::Receiver<()>) {
    let Round { mut next, mut ears, deaf } = round;
    deaf.into_iter().for_each(|number| wake(manager, number, &mut next));
    loop {
        for (number, next) in next.iter().enumerate() {
            note(manager, number, |state| state.next = next.at().map(|at| at.max(soonest)));
        }
        let at = next.iter().min().and_then(|next| next.at()).map(|at| at.max(soonest));
        tokio::select! {
            () = sleep_until(manager, at) => return,
            number = something_ends(&ears) => {
                wake(manager, number, &mut next);
                ears.retain(|(listening, _)| *listening != number);
            }
            _ = hubs.changed() => next.iter_mut().for_each(|next| *next = (*next).min(Next::At(soonest))),
        }
    }
}

/// Something may have ended just now where the rule had nothing to wait for.
fn wake(manager: &Manager, number: usize, next: &mut [Next]) {
    let due = manager.retention.plan.rules[number].due(manager.clock.now());
    next[number] = next[number].min(Next::At(due));
}

/// `None`: for ever.
async fn sleep_until(manager: &Manager, at: Option<Timestamp>) {
    let Some(at) = at else { return std::future::pending().await };
    loop {
        let left = manager.clock.now().until(at);
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(NAP)).await;
    }
}

/// Answers whose rule this is about.
async fn something_ends(ears: &[(usize, Watcher)]) -> usize {
    if ears.is_empty() {
        return std::future::pending().await;
    }
    loop {
        let (heard, place, _) = select_all(ears.iter().map(|(_, ear)| Box::pin(ear.next()))).await;
        let ended = |status: &Option<_>| status.is_some_and(crate::model::Status::is_terminal);
        if heard.more || heard.instances.values().any(ended) {
            return ears[place].0;
        }
    }
}

/// Says what is in the way, once for each cause.
fn trouble(manager: &Manager, number: usize, error: &store::Error) {
    let rule = &manager.retention.plan.rules[number];
    let text = error.to_string();
    let before = note(manager, number, |state| state.trouble.replace(text.clone())).flatten();
    if before.as_ref() != Some(&text) {
        tracing::error!(%rule, %error, "a retention rule cannot be carried out; it is tried again");
    }
}

fn note<T>(manager: &Manager, number: usize, change: impl FnOnce(&mut RuleState) -> T) -> Option<T> {
    manager.retention.states().get_mut(number).map(change)
}
