//! The one sentence that says most.

use super::{Explanation, Wait, WaitKind};
use crate::{
    dispatch::Standing,
    model::{Parking, Short, Status, StatusExt as _, Timestamp},
};

/// What is said first is what has to change first.
pub fn summary(explanation: &Explanation, now: Timestamp) -> String {
    let record = &explanation.record;
    if record.status.is_terminal() {
        return format!("it has ended as {}", record.status.name());
    }
    if let Some(Parking { at, reason, .. }) = &explanation.parked {
        let suspended = if record.status == Status::Suspended { "; it is suspended, too" } else { "" };
        let path = "/api/v1/instances/{instanceId}";
        return format!(
            "it has been parked since {at}, because {reason}; nothing is dispatched to it until an operator has it retried or discarded \
             (POST {path}/retry or {path}/discard){suspended}"
        );
    }
    if explanation.turn == Some(Standing::Parked) {
        return "it is being parked; the server's log says why".to_owned();
    }
    if record.status == Status::Suspended {
        let waiting = messages(explanation.ready);
        return format!("it is suspended; {waiting} will be delivered when it is resumed");
    }
    if let Some(at) = record.scheduled_at.filter(|at| record.status == Status::Pending && *at > now) {
        return format!("it is scheduled to start at {at}");
    }
    if record.id.is_entity() {
        return of_entity(explanation);
    }
    turn(explanation).unwrap_or_else(|| of_waits(explanation))
}

/// What is stored of it is not what was written.
pub fn unusable(why: &str) -> String {
    format!("its stored data cannot be used, so nothing is done with it any more: {why}")
}

/// What holds up its next turn, if it has one.
fn turn(explanation: &Explanation) -> Option<String> {
    let record = &explanation.record;
    let kind = if record.id.is_entity() { "entity" } else { "orchestration" };
    let version = record.version.as_deref().filter(|version| !version.is_empty());
    let version = version.map(|version| format!(" in version {:?}", Short(version))).unwrap_or_default();
    Some(match explanation.turn.as_ref()? {
        Standing::Unserved => {
            format!("no connected worker serves the {kind} {:?}{version}", Short(&record.name))
        }
        Standing::Queued => format!(
            "its next turn waits for a worker that serves {:?}{version} to have room",
            Short(&record.name)
        ),
        Standing::Limited { most } => {
            format!("its next turn waits: of {:?} {}", Short(&record.name), limited(*most))
        }
        Standing::Held { worker, since } => {
            format!("a worker has had its turn since {since}: {}", Short(worker))
        }
        Standing::Resting => format!(
            "a worker put its turn back, {} so far; it is tried again after a pause",
            times(explanation.returns)
        ),
        Standing::UnderWay => "its turn is being read or stored in this moment".to_owned(),
        Standing::Parked => return None,
    })
}

fn of_entity(explanation: &Explanation) -> String {
    if let Some(sentence) = turn(explanation) {
        return sentence;
    }
    match &explanation.lock {
        Some(lock) => {
            let (waiting, owner) = (messages(explanation.ready), Short(lock.owner.as_str()));
            format!("{owner} has locked it; {waiting} must wait until it is unlocked")
        }
        None if explanation.later > 0 => format!("nothing to do; {} later", messages(explanation.later)),
        None => "nothing to do".to_owned(),
    }
}

fn of_waits(explanation: &Explanation) -> String {
    // A timer beside something else is usually its time limit.
    let telling = |wait: &&Wait| match (&wait.kind, &wait.standing) {
        _ if wait.lost => 0,
        (_, Some(Standing::Unserved)) => 1,
        (WaitKind::Timer, _) => 3,
        _ => 2,
    };
    let Some(first) = explanation.waits.iter().min_by_key(telling) else {
        return "nothing that it asked for is outstanding: it waits for an external event".to_owned();
    };
    let others = explanation.waits.len() - 1;
    let more = if others > 0 { format!(" (and for {others} more)") } else { String::new() };
    if first.lost {
        return format!(
            "it waits for {}{more}, which is lost: nothing that is stored will ever answer. That should not be: look at all that is stored \
             (POST /api/v1/check), terminate the instance, restart it if its work is still wanted, and report what you have found",
            named(first)
        );
    }
    format!("it waits for {}{more}", of_wait(first))
}

fn of_wait(wait: &Wait) -> String {
    let name = Short(&wait.name);
    let instance = wait.instance.as_ref().map_or("", |id| id.as_str());
    match wait.kind {
        WaitKind::Activity => {
            let how = match &wait.standing {
                Some(Standing::Unserved) => "no connected worker serves it".to_owned(),
                Some(Standing::Queued) => "no worker that serves it has room".to_owned(),
                Some(Standing::Limited { most }) => limited(*most),
                Some(Standing::Held { worker, since }) => {
                    format!("a worker has had it since {since}: {}", Short(worker))
                }
                Some(Standing::Resting) => {
                    format!(
                        "a worker put it back, {} so far, and it is tried again after a pause",
                        times(wait.returns)
                    )
                }
                Some(Standing::UnderWay | Standing::Parked) | None => "its result is on its way".to_owned(),
            };
            format!("the activity {name:?}: {how}")
        }
        WaitKind::Timer => match wait.due {
            Some(due) => format!("a timer that is due at {due}, or an external event"),
            None => "a timer".to_owned(),
        },
        WaitKind::SubOrchestration => {
            let status = wait.status.map_or("gone", Status::name);
            format!("the sub-orchestration {name:?}, instance {}, which is {status}", Short(instance))
        }
        WaitKind::EntityCall => format!("the entity {} to do {name:?}{}", Short(instance), behind(wait)),
        WaitKind::Lock => {
            format!("the locks of a critical section, {} the first of them{}", Short(instance), behind(wait))
        }
    }
}

/// What is waited for, without how it stands.
fn named(wait: &Wait) -> String {
    match (wait.kind, &wait.instance) {
        (WaitKind::Activity, _) => format!("the activity {:?}", Short(&wait.name)),
        (WaitKind::SubOrchestration, Some(id)) => {
            format!("the sub-orchestration {:?}, instance {}", Short(&wait.name), Short(id.as_str()))
        }
        (WaitKind::Timer, _) => "a timer".to_owned(),
        _ => of_wait(wait),
    }
}

fn behind(wait: &Wait) -> String {
    match (&wait.locked_by, wait.backlog) {
        (Some(owner), _) => format!(", which {} has locked", Short(owner.as_str())),
        (None, Some(backlog)) if backlog > 0 => {
            format!(", where {} wait", messages(usize::try_from(backlog).unwrap_or(0)))
        }
        (None, _) => String::new(),
    }
}

fn limited(most: usize) -> String {
    format!("{most} of {most} at a time are running (setting dispatch.concurrency)")
}

fn messages(count: usize) -> String {
    if count == 1 { "1 message".to_owned() } else { format!("{count} messages") }
}

fn times(count: u32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}
