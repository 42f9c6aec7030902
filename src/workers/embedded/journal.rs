//! What one execution's code has asked for so far, and what has become of it.
//!
//! The replay writes history into it, the futures read it; both run on one thread. Nothing in here runs user code: wakers are
//! handed out, to be called when the journal is not borrowed.

use super::{TaskError, inbox::Inbox, section::Sections, step::Step};
use crate::model::pb::{
    OrchestratorAction, TaskFailureDetails, orchestrator_action::OrchestratorActionType as Action,
};
use chrono::{DateTime, Utc};
use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

pub(super) type Shared = Rc<RefCell<Journal>>;

/// The kinds of work that end with an event of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TaskKind {
    Activity,
    SubOrchestration,
    Timer,
    Operation,
    Lock,
}

/// How a task ended: its result as JSON text, or its failure as history tells it.
pub(super) type Outcome = Result<Option<String>, Option<Box<TaskFailureDetails>>>;

/// What follows this execution.
#[derive(Clone, Debug)]
pub(super) struct Next {
    pub input: Option<String>,
    pub version: Option<String>,
    pub keep_events: bool,
}

#[derive(Debug)]
struct Issued {
    action: Action,
    /// The code chose the id of this sub-orchestration itself.
    chosen_id: bool,
}

/// A task that a living future stands for.
#[derive(Debug)]
struct Slot {
    kind: TaskKind,
    waker: Option<Waker>,
    outcome: Option<Outcome>,
}

#[derive(Debug)]
pub(super) struct Journal {
    /// Time of the turn that is being (re)played.
    pub now: DateTime<Utc>,
    pub replaying: bool,
    pub custom_status: Option<String>,
    pub inbox: Inbox,
    /// Set by continue-as-new; the code runs no further.
    pub next: Option<Next>,
    /// A mistake that the code cannot catch; it runs no further.
    pub fatal: Option<TaskError>,
    pub ids_made: u64,
    next_action: i32,
    /// Asked for, not yet found in history.
    issued: BTreeMap<i32, Issued>,
    tasks: HashMap<i32, Slot>,
    /// Which action an entity's answer belongs to.
    requests: HashMap<String, i32>,
    pub sections: Sections,
}

impl Journal {
    pub fn new(replaying: bool) -> Self {
        Self {
            now: DateTime::UNIX_EPOCH,
            replaying,
            custom_status: None,
            inbox: Inbox::default(),
            next: None,
            fatal: None,
            ids_made: 0,
            next_action: 0,
            issued: BTreeMap::new(),
            tasks: HashMap::new(),
            requests: HashMap::new(),
            sections: Sections::default(),
        }
    }

    /// The id that the next action will have.
    pub fn next_action(&self) -> i32 {
        self.next_action
    }

    /// Asks for something; ids rise in the order of asking.
    pub fn issue(&mut self, action: Action, chosen_id: bool) -> i32 {
        let id = self.next_action;
        self.next_action += 1;
        if let Some(request) = Step::of_action(&action).and_then(Step::request) {
            self.requests.insert(request.to_owned(), id);
        }
        self.issued.insert(id, Issued { action, chosen_id });
        id
    }

    /// History says that action `id` was `recorded`. `Err` says in words what the code did instead.
    pub fn confirm(&mut self, id: i32, recorded: Step<'_>) -> Result<(), String> {
        match self.issued.remove(&id) {
            Some(issued) => match Step::of_action(&issued.action) {
                Some(done) if recorded.is(done, issued.chosen_id) => {
                    // Made up from the execution id, which is another one after a rewind: what is in history counts.
                    if let (Some(request), Some(made_up)) = (recorded.request(), done.request()) {
                        self.requests.remove(made_up);
                        self.requests.insert(request.to_owned(), id);
                        self.sections.recorded(id, request);
                    }
                    Ok(())
                }
                Some(done) => Err(format!("the code asks for {done}")),
                None => Err("the code asks for something else".to_owned()),
            },
            None if id < self.next_action => Ok(()), // Seen before, or made up by a server (-100 and the like).
            None => Err("the code asks for nothing more".to_owned()),
        }
    }

    /// History says that task `id` has ended. `None` if nobody waits: it is a repetition, or its future was dropped.
    pub fn end_task(&mut self, kind: TaskKind, id: i32, outcome: Outcome) -> Option<Waker> {
        let slot = self.tasks.get_mut(&id).filter(|slot| slot.kind == kind && slot.outcome.is_none())?;
        slot.outcome = Some(outcome);
        slot.waker.take()
    }

    /// History says that what was asked for under this request id has been answered.
    pub fn end_request(&mut self, kind: TaskKind, request: &str, outcome: Outcome) -> Option<Waker> {
        let id = self.requests.remove(request)?;
        if kind == TaskKind::Lock {
            let unlocks = self.sections.granted(id);
            self.issue_all(unlocks);
        }
        self.end_task(kind, id, outcome)
    }

    /// The code leaves the critical section that action `id` asked for.
    pub fn leave_section(&mut self, id: i32) {
        let unlocks = self.sections.leave(id);
        self.issue_all(unlocks);
    }

    fn issue_all(&mut self, actions: Vec<Action>) {
        for action in actions {
            self.issue(action, false);
        }
    }

    /// Whether a future was polled and waits for something that history may still bring.
    pub fn is_awaited(&self) -> bool {
        self.tasks.values().any(|slot| slot.waker.is_some()) || self.inbox.is_awaited()
    }

    /// What history does not know yet, in order.
    pub fn take_actions(&mut self) -> Vec<OrchestratorAction> {
        std::mem::take(&mut self.issued)
            .into_iter()
            .map(|(id, issued)| OrchestratorAction { id, orchestrator_action_type: Some(issued.action) })
            .collect()
    }

    /// Stops the code for good: it has done something that has no meaning.
    pub fn refuse(&mut self, error: TaskError) {
        self.fatal.get_or_insert(error);
    }
}

/// A task under way. Dropping it is fine: its outcome is then ignored.
#[derive(Debug)]
pub(super) struct Task {
    journal: Shared,
    pub id: i32,
}

impl Task {
    /// Asks for `action` and stands for its outcome.
    pub fn begin(journal: &Shared, kind: TaskKind, action: Action, chosen_id: bool) -> Self {
        let id = {
            let mut journal = journal.borrow_mut();
            let id = journal.issue(action, chosen_id);
            journal.tasks.insert(id, Slot { kind, waker: None, outcome: None });
            id
        };
        Self { journal: journal.clone(), id }
    }
}

impl Future for Task {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let mut journal = self.journal.borrow_mut();
        let Some(slot) = journal.tasks.get_mut(&self.id) else { return Poll::Pending };
        match slot.outcome.take() {
            Some(outcome) => {
                journal.tasks.remove(&self.id);
                Poll::Ready(outcome)
            }
            None => {
                let before = slot.waker.replace(context.waker().clone());
                drop(journal);
                drop(before);
                Poll::Pending
            }
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        let slot = self.journal.borrow_mut().tasks.remove(&self.id);
        drop(slot); // Outside the borrow: a waker may own other futures.
    }
}
