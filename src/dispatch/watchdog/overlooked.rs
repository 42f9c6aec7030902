//! Instances that have something to deliver, and queued activities, of which the board knows nothing: an effect was lost. It should never
//! happen. Rows are the truth, so they are taken up again, which is all that the effect would have done.
//!
//! No false alarm: what is told was there before and after a pause that is longer than any effect or timer is late, for an instance the same
//! messages without a turn between, and the board did not know of it at either end.

use crate::{
    dispatch::{
        Dispatch,
        board::{Board, Read},
        slot::State,
    },
    engine::{self, Next, NextBatch},
    model::{ActivityKey, ActivityTask, HubId, InstanceId, InstanceKey, MessageId},
    store::{Error, Ready},
};
use std::{collections::HashSet, time::Duration};

/// Longer than a timer may be late, which is a minute if somebody sets the clock.
const GRACE: Duration = Duration::from_secs(100);
/// How many ready instances, or queued activities, are read at a time.
const PAGE: usize = 200;
/// How many of each are looked at closely in one look. The others have theirs at the next.
const MOST: usize = 100;
/// Between two pages.
const PAUSE: Duration = Duration::from_millis(100);

/// An instance that was overlooked, or one of its activities.
#[derive(Debug)]
pub(super) struct Overlooked {
    pub hub: HubId,
    pub id: InstanceId,
}

/// What an instance has to deliver: the number of its last turn, and its messages.
type Backlog = (i64, HashSet<MessageId>);

/// Takes up what was overlooked; answers what that was.
pub(super) async fn take_up(dispatch: &Dispatch) -> Result<Vec<Overlooked>, Error> {
    let mut suspects = Vec::new();
    for ready in unknown(dispatch).await? {
        let backlog = deliverable(dispatch, ready.instance.key).await;
        suspects.extend(backlog.map(|backlog| (ready, backlog)));
    }
    let activities = unknown_activities(dispatch).await?;
    if suspects.is_empty() && activities.is_empty() {
        return Ok(Vec::new());
    }
    tokio::time::sleep(GRACE).await;
    let mut taken_up = Vec::new();
    for (ready, (turn, messages)) in suspects {
        if !dispatch.with_board(|board| board.overlooks(&ready)) {
            continue;
        }
        let after = deliverable(dispatch, ready.instance.key).await;
        if after.is_some_and(|(now, inbox)| now == turn && messages.is_subset(&inbox)) {
            taken_up.push(Overlooked { hub: ready.instance.hub, id: ready.instance.id.clone() });
            dispatch.with_board(|board| board.take_up(ready));
        }
    }
    for key in activities {
        // What nobody holds, nobody has answered since it was read.
        let Some(task) = activity(dispatch, key).await? else { continue };
        let overlooked = Overlooked { hub: task.hub, id: task.instance.clone() };
        taken_up.extend(dispatch.with_board(|board| board.take_up_activity(task)).then_some(overlooked));
    }
    Ok(taken_up)
}

/// Instances that the store calls ready and that the board does not know.
async fn unknown(dispatch: &Dispatch) -> Result<Vec<Ready>, Error> {
    let (mut after, mut found) = (InstanceKey(i64::MIN), Vec::new());
    loop {
        let now = dispatch.shared.clock.now();
        let page = dispatch.shared.store.ready_claim(now, after, PAGE).await?;
        let last = page.last().filter(|_| page.len() == PAGE).map(|ready| ready.instance.key);
        dispatch.with_board(|board: &mut Board| {
            found.extend(page.into_iter().filter(|ready| board.overlooks(ready)));
        });
        found.truncate(MOST);
        let Some(last) = last.filter(|_| found.len() < MOST) else { return Ok(found) };
        after = last;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Queued activities that the board does not know.
async fn unknown_activities(dispatch: &Dispatch) -> Result<Vec<ActivityKey>, Error> {
    let (mut after, mut found) = (ActivityKey::START, Vec::new());
    loop {
        let page = dispatch.shared.store.activity_claim(after, PAGE).await?;
        let last = page.last().map(|task| task.key);
        dispatch.with_board(|board: &mut Board| {
            let unknown = page.iter().filter(|task| board.overlooks_activity(task));
            found.extend(unknown.map(|task| task.key));
        });
        found.truncate(MOST);
        let Some(last) = last.filter(|_| found.len() < MOST) else { return Ok(found) };
        after = last;
        tokio::time::sleep(PAUSE).await;
    }
}

/// The activity, if it is still queued.
async fn activity(dispatch: &Dispatch, key: ActivityKey) -> Result<Option<ActivityTask>, Error> {
    let before = ActivityKey { number: key.number.saturating_sub(1), ..key };
    let page = dispatch.shared.store.activity_claim(before, 1).await?;
    Ok(page.into_iter().find(|task| task.key == key))
}

/// What could be delivered now, if anything could. What cannot be read is for others to tell.
async fn deliverable(dispatch: &Dispatch, key: InstanceKey) -> Option<Backlog> {
    let Ok(Read { state, inbox, .. }) = dispatch.read(key).await else { return None };
    let now = dispatch.shared.clock.now();
    let (waits, turn) = match &state {
        State::Orchestration(execution) => {
            (engine::next(execution, inbox.iter(), now) == Next::Wait, execution.record.turn)
        }
        State::Entity(entity) => {
            let next = entity.next(inbox.iter(), now, dispatch.shared.settings.work_item_bytes);
            (matches!(next, NextBatch::Wait), entity.turn)
        }
    };
    (!waits).then(|| (turn, inbox.iter().map(|message| message.id).collect()))
}
