//! What goes on by itself: taking in effects, timers, leases that expire. An idle server wakes for none of them.

use super::{Dispatch, watchdog::look_around, wheel::PAGE};
use crate::model::Timestamp;
use std::time::Duration;
use tokio::{task::AbortHandle, time::Instant};

/// How often leases are checked for age, at least.
const LEASE_CHECK: Duration = Duration::from_secs(15);
/// How much the clock may be set forward between two of these checks before leases are made longer by it.
const SET: Duration = Duration::from_secs(1);
/// Longest sleep until something is due: the clock may be set meanwhile.
const NAP: Duration = Duration::from_secs(5);
/// Pause after the store failed to answer a loop.
const RETRY: Duration = Duration::from_secs(1);

/// Answers what each of them does.
pub(super) fn spawn(dispatch: &Dispatch) -> Vec<(&'static str, AbortHandle)> {
    let effects = tokio::spawn(dispatch.clone().take_effects());
    let timers = tokio::spawn(until_stopped(dispatch.clone(), run_timers(dispatch.clone())));
    let leases = tokio::spawn(until_stopped(dispatch.clone(), expire_leases(dispatch.clone())));
    let pause = dispatch.shared.settings.watchdog;
    if !pause.is_zero() {
        tokio::spawn(until_stopped(dispatch.clone(), look_around(dispatch.clone(), pause)));
    }
    vec![
        ("tells dispatch of changes", effects.abort_handle()),
        ("wakes instances in time", timers.abort_handle()),
        ("takes work back from silent workers", leases.abort_handle()),
    ]
}

async fn until_stopped(dispatch: Dispatch, work: impl Future<Output = ()>) {
    tokio::select! {
        () = dispatch.shared.stop.cancelled() => {}
        () = work => {}
    }
}

/// Wakes instances when their messages become due.
async fn run_timers(dispatch: Dispatch) {
    loop {
        let (wanted, earliest) = dispatch.with_board(|board| {
            board.tick();
            (board.wheel().wants_page(), board.wheel().earliest())
        });
        if let Some(after) = wanted {
            let page = dispatch.shared.store.due_list(after, PAGE).await;
            if let Err(error) = &page {
                tracing::error!(%error, "reading timers failed; trying again");
                tokio::time::sleep(RETRY).await;
            }
            dispatch.with_board(|board| board.wheel().loaded(page.ok()));
            continue;
        }
        match earliest {
            None => dispatch.shared.wind.notified().await,
            Some(at) => {
                let pause = until(dispatch.shared.clock.now(), at);
                tokio::select! {
                    () = dispatch.shared.wind.notified() => {}
                    () = tokio::time::sleep(pause) => {}
                }
            }
        }
    }
}

/// How long to sleep.
fn until(now: Timestamp, at: Timestamp) -> Duration {
    now.until(at).min(NAP)
}

/// Takes back what silent workers hold too long. The age of a lease is time that has passed: it does not grow by a clock that is set forward.
async fn expire_leases(dispatch: Dispatch) {
    let settings = &dispatch.shared.settings;
    let mut ticks = tokio::time::interval(LEASE_CHECK.min(settings.turn_lease).min(settings.activity_lease));
    let mut last = (dispatch.shared.clock.now(), Instant::now());
    loop {
        ticks.tick().await;
        let now = dispatch.shared.clock.now();
        let forward = last.0.until(now).saturating_sub(last.1.elapsed());
        last = (now, Instant::now());
        if forward > SET {
            tracing::warn!(
                seconds = forward.as_secs(),
                "the clock was set forward; leases stay as long as they are"
            );
            dispatch.with_board(|board| board.clock_was_set(forward));
        }
        let (turns, activities) = (now.minus(settings.turn_lease), now.minus(settings.activity_lease));
        let expired = dispatch.with_board(|board| board.expire(turns, activities));
        if expired > 0 {
            tracing::warn!(expired, "took back work from workers that have not answered in time");
        }
    }
}
