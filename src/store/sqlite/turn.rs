//! One turn as one change, and the completion of activities.

use super::{
    counters::Kind,
    entity, history,
    inbox::{self, Letter},
    instance::{self, Newborn, Outcome},
    parked, payload, revision, rows,
    writer::Tx,
};
use crate::{
    model::{
        ActivityKey, ActivityTask, Class, Commit, Effect, HistoryChange, HubId, InstanceId, InstanceKey,
        InstanceRef, InstanceUpdate, MessageId, NewActivity, Pending, Recipient, Status, StatusExt,
        Timestamp,
    },
    store::Error,
};
use bytes::Bytes;
use prost::Message as _;
use rusqlite::params;
use std::sync::Arc;

/// A commit with everything encoded that will be stored, so that the writer's thread need not do it.
pub struct Sealed {
    hub: HubId,
    key: InstanceKey,
    turn: i64,
    consumed: Vec<MessageId>,
    history: HistoryChange,
    update: InstanceUpdate,
    failure: Option<Vec<u8>>,
    pending: Pending,
    children: Vec<Child>,
    activities: Vec<Work>,
    outbox: Vec<(Recipient, Letter)>,
    entity: Option<entity::Sealed>,
}

struct Child {
    replaces: bool,
    newborn: Newborn,
    otherwise: Option<Letter>,
}

struct Work {
    name: Arc<str>,
    version: Option<Arc<str>>,
    task_id: i32,
    detached: bool,
    request: Bytes,
}

impl Sealed {
    /// Encodes what has to be encoded.
    pub fn seal(commit: Commit) -> Self {
        let Commit {
            hub,
            key,
            turn,
            consumed,
            history,
            update,
            pending,
            children,
            activities,
            outbox,
            entity,
        } = commit;
        let work = |NewActivity { name, version, detached, request }| Work {
            name,
            version,
            task_id: request.task_id,
            detached,
            request: request.encode_to_vec().into(),
        };
        Self {
            hub,
            key,
            turn,
            consumed,
            history,
            failure: update.failure.as_ref().map(prost::Message::encode_to_vec),
            update,
            pending,
            children: children
                .into_iter()
                .map(|child| Child {
                    replaces: child.replaces,
                    newborn: Newborn::seal(child.instance),
                    otherwise: child.otherwise.map(Letter::seal),
                })
                .collect(),
            activities: activities.into_iter().map(work).collect(),
            outbox: outbox.into_iter().map(|out| (out.to, Letter::seal(out.message))).collect(),
            entity: entity.map(entity::Sealed::seal),
        }
    }
}

/// [`crate::store::Store::turn_commit`].
pub fn commit(tx: &mut Tx<'_>, sealed: Sealed) -> Result<(), Error> {
    let Sealed {
        hub,
        key,
        turn,
        consumed,
        history,
        update,
        failure,
        pending,
        children,
        activities,
        outbox,
        entity,
    } = sealed;
    let (status, now) = (update.status, update.updated_at);
    // The fence comes first: whoever is late writes nothing at all.
    let myself = update_row(tx, hub, key, turn, &update, history.length())?;
    for id in consumed {
        // What an earlier turn has taken is not taken again: who thinks so knows too little.
        if tx.run("DELETE FROM message WHERE key = ?1 AND id = ?2", params![key.0, id.0])? == 0 {
            return Err(Error::Fenced);
        }
    }
    change_history(tx, key, update.updated_at, history)?;
    update_payloads(tx, key, update, failure)?;
    drop_pending(tx, key, pending)?;
    let mut refused = Vec::new();
    for Child { replaces, newborn, otherwise } in children {
        // An instance that ends with this very turn is not replaced by its own child.
        let may_replace =
            |_: &Tx<'_>, old, status: Status| Ok(replaces && status.is_terminal() && old != key);
        if let Outcome::Taken(_) = instance::create(tx, newborn, may_replace)? {
            refused.extend(otherwise);
        }
    }
    for work in activities {
        schedule(tx, &myself, work)?;
    }
    for otherwise in refused {
        inbox::deliver(tx, myself.clone(), status, otherwise)?;
    }
    let mut rest = entity.map(|change| entity::change(tx, &myself, change)).transpose()?;
    let then = rest.as_mut().and_then(|rest| rest.then.take());
    for (to, letter) in outbox.into_iter().chain(then) {
        if let Some((to, status)) = recipient(tx, &myself, status, to, now)? {
            inbox::deliver(tx, to, status, letter)?;
        }
    }
    tx.effects.push(Effect::Changed { hub, id: myself.id.clone(), key, status, turn });
    rest.map_or(Ok(()), |rest| entity::conclude(tx, myself, rest))
}

/// [`crate::store::Store::rewind_commit`].
pub fn rewind(tx: &mut Tx<'_>, turns: Vec<Sealed>, living: &[InstanceKey]) -> Result<(), Error> {
    for key in living {
        let lives = inbox::route(tx.conn, *key)?.is_some_and(|(_, status)| !status.is_terminal());
        if !lives {
            return Err(Error::Fenced);
        }
    }
    turns.into_iter().try_for_each(|sealed| commit(tx, sealed))
}

fn update_row(
    tx: &Tx<'_>,
    hub: HubId,
    key: InstanceKey,
    turn: i64,
    update: &InstanceUpdate,
    events: Option<i64>,
) -> Result<InstanceRef, Error> {
    // Which indexes a statement looks at depends on the columns it names, so a turn that ends nothing does not name the end. What the row
    // says of the instance is read by a statement of its own: RETURNING would collect it in a temporary table, at three times the cost.
    macro_rules! statement {
        ($set:literal, $and:literal) => {
            concat!(
                "UPDATE instance SET status = ?4, turn = ?3, updated_at = ?5, trace = coalesce(?6, trace), \
                 events = coalesce(?7, events)",
                $set,
                " WHERE key = ?1 AND turn = ?3 - 1 AND hub = ?2",
                $and
            )
        };
    }
    const GOES_ON: &str = statement!("", " AND completed_at IS NULL");
    const SETS_END: &str = statement!(", completed_at = ?8", "");
    const NEXT_EXECUTION: &str = statement!(", completed_at = ?8, execution_id = ?9, version = ?10", "");
    let (status, changed, trace) = (update.status as i32, update.updated_at.0, update.trace.as_deref());
    // The indexes rely on it that whatever has ended has a time for that, and nothing else has.
    let ended = update.status.is_terminal().then(|| update.completed_at.unwrap_or(update.updated_at).0);
    let mut updated = 0;
    if ended.is_none() && update.execution.is_none() {
        updated = tx.run(GOES_ON, params![key.0, hub.0, turn, status, changed, trace, events])?;
    }
    if updated == 0 {
        updated = match &update.execution {
            None => tx.run(SETS_END, params![key.0, hub.0, turn, status, changed, trace, events, ended])?,
            Some(next) => {
                let (execution, version) = (&next.execution_id, &next.version);
                tx.run(
                    NEXT_EXECUTION,
                    params![key.0, hub.0, turn, status, changed, trace, events, ended, execution, version],
                )?
            }
        };
    }
    if updated == 0 {
        return Err(Error::Fenced);
    }
    let read = |row: &rusqlite::Row<'_>| {
        let id = InstanceId::lookup(row.get::<_, Arc<str>>(0)?);
        Ok(InstanceRef { key, hub, id, name: row.get(1)?, version: row.get(2)? })
    };
    rows::one(tx.conn, "SELECT id, name, version FROM instance WHERE key = ?1", [key.0], read)?
        .ok_or(Error::Fenced)
}

fn change_history(tx: &Tx<'_>, key: InstanceKey, at: Timestamp, change: HistoryChange) -> Result<(), Error> {
    match change {
        HistoryChange::Keep => Ok(()),
        HistoryChange::Clear => history::remove(tx, key),
        HistoryChange::Append(chunk) => history::append(tx, key, &chunk),
        HistoryChange::Rewrite(rewrite) => revision::rewrite(tx, key, at, &rewrite),
    }
}

fn update_payloads(
    tx: &Tx<'_>,
    key: InstanceKey,
    update: InstanceUpdate,
    failure: Option<Vec<u8>>,
) -> Result<(), Error> {
    let put = |kind, body: Option<&[u8]>| payload::put(tx, key, kind, body);
    if update.reopens {
        put(payload::Kind::Output, None)?;
        put(payload::Kind::Failure, None)?;
    }
    if let Some(custom_status) = update.custom_status {
        put(payload::Kind::CustomStatus, custom_status.as_deref().map(str::as_bytes))?;
    }
    if let Some(output) = update.output {
        put(payload::Kind::Output, Some(output.as_bytes()))?;
    }
    if let Some(failure) = failure {
        put(payload::Kind::Failure, Some(&failure))?;
    }
    if let Some(execution) = update.execution {
        put(payload::Kind::Input, execution.input.as_deref().map(str::as_bytes))?;
    }
    Ok(())
}

fn drop_pending(tx: &mut Tx<'_>, key: InstanceKey, pending: Pending) -> Result<(), Error> {
    match pending {
        Pending::Keep => return Ok(()),
        Pending::DropExecution => {
            tx.run("DELETE FROM message WHERE key = ?1 AND class = ?2", params![key.0, Class::Result as i64])?
        }
        Pending::DropAll => tx.run("DELETE FROM message WHERE key = ?1", [key.0])?,
        Pending::DropDetached => {
            tx.run("DELETE FROM activity WHERE key = ?1", [key.0])?;
            parked::remove(tx, key)?;
            tx.effects.push(Effect::Reopened { key });
            return Ok(());
        }
    };
    tx.run("DELETE FROM activity WHERE key = ?1 AND NOT detached", [key.0])?;
    entity::release_all(tx, key)
}

fn schedule(tx: &mut Tx<'_>, owner: &InstanceRef, work: Work) -> Result<(), Error> {
    let Work { name, version, task_id, detached, request } = work;
    let number = tx.number(Kind::Activity)?;
    tx.run(
        "INSERT INTO activity (key, number, name, version, task_id, detached, request) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![owner.key.0, number, name, version, task_id, detached, &request[..]],
    )?;
    tx.effects.push(Effect::Activity(ActivityTask {
        key: ActivityKey { instance: owner.key, number },
        hub: owner.hub,
        instance: owner.id.clone(),
        name,
        version,
        task_id,
        detached,
        request,
    }));
    Ok(())
}

/// Whose inbox that is, and the status of the instance after the commit; `None` if the message is to be dropped.
fn recipient(
    tx: &mut Tx<'_>,
    myself: &InstanceRef,
    status: Status,
    to: Recipient,
    now: Timestamp,
) -> Result<Option<(InstanceRef, Status)>, Error> {
    const EXECUTION: &str = concat!(
        "SELECT ",
        rows::reference_columns!(),
        " FROM instance i WHERE i.hub = ?1 AND i.id = ?2 AND i.execution_id = ?3"
    );
    const CHILD: &str = concat!(
        "SELECT ",
        rows::reference_columns!(),
        " FROM instance i WHERE i.hub = ?1 AND i.id = ?2 AND i.parent_id = ?3 AND i.parent_execution_id = ?4"
    );
    let hub = myself.hub;
    let found = match to {
        Recipient::Myself => return Ok(Some((myself.clone(), status))),
        Recipient::Entity(id) if id.id() == &myself.id => return Ok(Some((myself.clone(), status))),
        Recipient::Entity(id) => Some(entity::find_or_make(tx, hub, &id, now)?),
        Recipient::Instance(id) => inbox::find(tx, hub, &id)?,
        Recipient::Execution(id, execution) => {
            rows::one(tx.conn, EXECUTION, params![hub.0, id.as_str(), execution], rows::reference)?
        }
        Recipient::ChildOf { id, parent, parent_execution } => {
            let params = params![hub.0, id.as_str(), parent.as_str(), parent_execution];
            rows::one(tx.conn, CHILD, params, rows::reference)?
        }
    };
    Ok(found.filter(|(_, status)| !status.is_terminal()))
}

/// [`crate::store::Store::activity_complete`].
pub fn complete(tx: &mut Tx<'_>, activity: ActivityKey, result: Option<Letter>) -> Result<bool, Error> {
    let ActivityKey { instance: key, number } = activity;
    if tx.run("DELETE FROM activity WHERE key = ?1 AND number = ?2", params![key.0, number])? == 0 {
        return Ok(false);
    }
    let Some(result) = result else { return Ok(true) };
    // Activities that somebody waits for go with their execution, in the same transaction.
    let owner = inbox::route(tx.conn, key)?;
    let (owner, status) = owner
        .filter(|(_, status)| !status.is_terminal())
        .ok_or_else(|| Error::Corrupt(format!("activity {number} has no live instance")))?;
    inbox::deliver(tx, owner, status, result)?;
    Ok(true)
}
