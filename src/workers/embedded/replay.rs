//! One turn of an orchestrator: history in, actions out.
//!
//! Events are applied one by one, in history order, and after each one the code runs as far as it can before the next is looked at.
//! How events were cut into turns makes no difference, so a replay sees exactly what the first run saw.
//!
//! The code is an ordinary future. It is polled when something it awaits was woken, which keeps a turn linear in the length of the
//! history even when thousands of tasks are awaited together (combinators that poll only what was woken rely on it).

use super::{
    OrchestrationContext, Registry, TaskError,
    error::error_type,
    journal::{Journal, Next, Outcome, Shared, TaskKind},
    step::Step,
};
use crate::model::pb::{
    self, CompleteOrchestrationAction, ExecutionStartedEvent, HistoryEvent, OrchestrationStatus,
    OrchestratorAction, history_event::EventType, orchestrator_action::OrchestratorActionType as Action,
};
use chrono::DateTime;
use futures_util::future::LocalBoxFuture;
use std::{
    cell::RefCell,
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

/// Code that wakes itself this often without any event is not going to stop.
const MAX_SELF_WAKES: u32 = 100_000;

/// Replays `request`'s past, takes in its new events, and tells what the code asks for.
pub(super) fn run(registry: &Registry, request: pb::OrchestratorRequest) -> pb::OrchestratorResponse {
    let mut replay = Replay::new(registry, request.instance_id, request.execution_id);
    for event in request.past_events {
        replay.apply(event);
    }
    replay.journal.borrow_mut().replaying = false;
    for event in request.new_events {
        replay.apply(event);
    }
    let (instance_id, actions) = (replay.instance_id.clone(), replay.finish());
    let custom_status = replay.journal.borrow_mut().custom_status.take();
    pb::OrchestratorResponse {
        instance_id,
        actions,
        custom_status,
        orchestration_trace_context: request.orchestration_trace_context,
        ..pb::OrchestratorResponse::default()
    }
}

struct Replay<'a> {
    registry: &'a Registry,
    instance_id: String,
    execution_id: Option<String>,
    name: String,
    journal: Shared,
    code: Code,
    woken: Arc<Woken>,
    suspended: bool,
    /// What came while suspended.
    held: VecDeque<HistoryEvent>,
}

enum Code {
    NotStarted,
    Running(LocalBoxFuture<'static, Result<Option<String>, TaskError>>),
    Ended(Ending),
}

enum Ending {
    Completed(Option<String>),
    Failed(TaskError),
    /// There is no code, or it disagrees with history; nothing else counts any more.
    Broken(TaskError),
    ContinuedAsNew(Next),
    Terminated(Option<String>),
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<'a> Replay<'a> {
    fn new(registry: &'a Registry, instance_id: String, execution_id: Option<String>) -> Self {
        Self {
            registry,
            instance_id,
            execution_id,
            name: String::new(),
            journal: Rc::new(RefCell::new(Journal::new(true))),
            code: Code::NotStarted,
            woken: Arc::default(),
            suspended: false,
            held: VecDeque::new(),
        }
    }

    /// Takes in the next event. What is neither known nor expected is ignored, repetitions too.
    fn apply(&mut self, event: HistoryEvent) {
        if let Some(recorded) = event.event_type.as_ref().and_then(Step::of_event) {
            return self.confirm(event.event_id, recorded);
        }
        match event.event_type {
            Some(EventType::OrchestratorStarted(_)) => {
                let time = event.timestamp.and_then(|at| {
                    DateTime::from_timestamp(at.seconds, u32::try_from(at.nanos).unwrap_or(0))
                });
                let mut journal = self.journal.borrow_mut();
                journal.now = time.unwrap_or(journal.now);
            }
            Some(EventType::ExecutionTerminated(terminated)) => self.terminate(terminated.input),
            Some(EventType::ExecutionSuspended(_)) => self.suspended = true,
            Some(EventType::ExecutionResumed(_)) => {
                self.suspended = false;
                for event in std::mem::take(&mut self.held) {
                    self.deliver(event);
                }
            }
            _ if self.suspended => self.held.push_back(event),
            _ => self.deliver(event),
        }
    }

    /// Hands an event to the code.
    fn deliver(&mut self, event: HistoryEvent) {
        use TaskKind::{Activity, Lock, Operation, SubOrchestration, Timer};
        match event.event_type {
            Some(EventType::ExecutionStarted(started)) => self.start(started),
            Some(EventType::TaskCompleted(it)) => {
                self.end_task(Activity, it.task_scheduled_id, Ok(it.result));
            }
            Some(EventType::TaskFailed(it)) => {
                self.end_task(Activity, it.task_scheduled_id, Err(it.failure_details.map(Box::new)));
            }
            Some(EventType::SubOrchestrationInstanceCompleted(it)) => {
                self.end_task(SubOrchestration, it.task_scheduled_id, Ok(it.result));
            }
            Some(EventType::SubOrchestrationInstanceFailed(it)) => {
                self.end_task(SubOrchestration, it.task_scheduled_id, Err(it.failure_details.map(Box::new)));
            }
            Some(EventType::TimerFired(it)) => self.end_task(Timer, it.timer_id, Ok(None)),
            Some(EventType::EntityOperationCompleted(it)) => {
                self.end_request(Operation, &it.request_id, Ok(it.output));
            }
            Some(EventType::EntityOperationFailed(it)) => {
                self.end_request(Operation, &it.request_id, Err(it.failure_details.map(Box::new)));
            }
            Some(EventType::EntityLockGranted(it)) => {
                self.end_request(Lock, &it.critical_section_id, Ok(None));
            }
            Some(EventType::EventRaised(_)) => {
                let waker = self.journal.borrow_mut().inbox.raise(event);
                self.wake(waker);
            }
            _ => {}
        }
    }

    fn start(&mut self, started: ExecutionStartedEvent) {
        if !matches!(self.code, Code::NotStarted) {
            return;
        }
        self.name = started.name.clone();
        let Some(function) = self.registry.orchestrator_fn(&started.name) else {
            let error = TaskError::new(
                error_type::ORCHESTRATOR_NOT_REGISTERED,
                format_args!("no orchestrator named '{}' is registered in this process", started.name),
            );
            return self.end(Ending::Broken(error.non_retriable()));
        };
        let (id, execution_id) = (self.instance_id.clone(), self.execution_id.take());
        let context = OrchestrationContext::new(id, execution_id, &started, self.journal.clone());
        // The function may panic before it gives a future.
        match catch_unwind(AssertUnwindSafe(|| function(context, started.input.as_deref()))) {
            Ok(future) => {
                // Tokio's own futures and macros would pretend to be pending when the surrounding task has used up its budget.
                self.code = Code::Running(Box::pin(tokio::task::unconstrained(future)));
                self.woken.0.store(true, Ordering::Relaxed);
                self.run_code();
            }
            Err(payload) => self.end(Ending::Failed(self.panicked(payload.as_ref()))),
        }
    }

    fn end_task(&mut self, kind: TaskKind, id: i32, outcome: Outcome) {
        let waker = self.journal.borrow_mut().end_task(kind, id, outcome);
        self.wake(waker);
    }

    fn end_request(&mut self, kind: TaskKind, request: &str, outcome: Outcome) {
        // Locks that come after the end go with the execution.
        if matches!(self.code, Code::Ended(_)) {
            return;
        }
        let waker = self.journal.borrow_mut().end_request(kind, request, outcome);
        self.wake(waker);
    }

    fn wake(&mut self, waker: Option<Waker>) {
        waker.into_iter().for_each(Waker::wake);
        self.run_code();
    }

    /// Runs the code until it waits for an event, or ends.
    fn run_code(&mut self) {
        let waker = Waker::from(self.woken.clone());
        let mut context = Context::from_waker(&waker);
        for _ in 0..MAX_SELF_WAKES {
            let Code::Running(future) = &mut self.code else { return };
            if !self.woken.0.swap(false, Ordering::Relaxed) {
                return;
            }
            let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context)));
            let (fatal, next) = {
                let mut journal = self.journal.borrow_mut();
                (journal.fatal.take(), journal.next.take())
            };
            match (fatal, next, polled) {
                (_, _, Err(payload)) => self.end(Ending::Failed(self.panicked(payload.as_ref()))),
                (Some(error), ..) => self.end(Ending::Failed(error)),
                (_, Some(next), _) => self.end(Ending::ContinuedAsNew(next)),
                (_, _, Ok(Poll::Ready(Ok(output)))) => self.end(Ending::Completed(output)),
                (_, _, Ok(Poll::Ready(Err(error)))) => self.end(Ending::Failed(error)),
                (_, _, Ok(Poll::Pending)) => {}
            }
        }
        if let Code::Running(_) = self.code {
            let what = "keeps waking itself without waiting for anything durable";
            self.end(Ending::Failed(self.not_durable(what)));
        }
    }

    /// Checks that the code did what history says it did.
    fn confirm(&mut self, id: i32, recorded: Step<'_>) {
        let confirmed = self.journal.borrow_mut().confirm(id, recorded);
        let Err(mut instead) = confirmed else { return };
        let mut cause = None;
        match &self.code {
            Code::NotStarted => "the code has not even started".clone_into(&mut instead),
            Code::Running(_) => {}
            Code::Ended(Ending::Broken(_)) => return,
            Code::Ended(ending) => {
                "the code has ended".clone_into(&mut instead);
                cause = if let Ending::Failed(error) = ending { Some(error.clone()) } else { None };
            }
        }
        let error = TaskError::new(
            error_type::NON_DETERMINISM,
            format_args!(
                "orchestrator '{}' does not do what it did before: as action {id}, history has {recorded}, but \
                 {instead}. Orchestrators must take the same steps on each replay; code that changed needs a new \
                 name or version while instances of the old one are running.",
                self.name
            ),
        )
        .non_retriable();
        self.end(Ending::Broken(match cause {
            Some(cause) => error.caused_by(cause),
            None => error,
        }));
    }

    /// The first ending counts, except that a termination stops a continue-as-new.
    fn terminate(&mut self, reason: Option<String>) {
        if !matches!(self.code, Code::Ended(ref ending) if !matches!(ending, Ending::ContinuedAsNew(_))) {
            self.end(Ending::Terminated(reason));
        }
    }

    fn end(&mut self, ending: Ending) {
        let code = std::mem::replace(&mut self.code, Code::Ended(ending));
        // What the code cleans up when it is dropped can go wrong, but no longer matter.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(code)));
    }

    fn panicked(&self, payload: &(dyn std::any::Any + Send)) -> TaskError {
        TaskError::panic(format_args!("orchestrator '{}'", self.name), payload)
    }

    fn not_durable(&self, what: &str) -> TaskError {
        TaskError::new(
            error_type::NOT_DURABLE,
            format_args!(
                "orchestrator '{}' {what}. Orchestrators may only await what their context gives them; sleeping, \
                 I/O and the like belong in activities.",
                self.name
            ),
        )
        .non_retriable()
    }

    /// The answer: what history does not know yet, and how the execution ended if it did.
    fn finish(&mut self) -> Vec<OrchestratorAction> {
        match &self.code {
            Code::Running(_) if !self.journal.borrow().is_awaited() => {
                let what = "awaits something that is not durable, and would wait for ever";
                self.end(Ending::Failed(self.not_durable(what)));
            }
            Code::NotStarted if !self.suspended => {
                let error =
                    TaskError::new(error_type::INVALID_HISTORY, "the history has no ExecutionStarted");
                self.end(Ending::Failed(error.non_retriable()));
            }
            _ => {}
        }
        let mut actions = self.journal.borrow_mut().take_actions();
        let code = std::mem::replace(&mut self.code, Code::NotStarted);
        if let Code::Ended(ending) = code {
            let action = Action::CompleteOrchestration(self.complete(ending));
            let id = self.journal.borrow().next_action();
            actions.push(OrchestratorAction { id, orchestrator_action_type: Some(action) });
        } else {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(code)));
        }
        actions
    }

    fn complete(&mut self, ending: Ending) -> CompleteOrchestrationAction {
        let mut action = CompleteOrchestrationAction::default();
        let status = match ending {
            Ending::Completed(output) => {
                action.result = output;
                OrchestrationStatus::Completed
            }
            Ending::Failed(error) | Ending::Broken(error) => {
                action.failure_details = Some(error.into_wire());
                OrchestrationStatus::Failed
            }
            Ending::Terminated(reason) => {
                action.result = reason;
                OrchestrationStatus::Terminated
            }
            Ending::ContinuedAsNew(next) => {
                action.result = next.input;
                action.new_version = next.version;
                if next.keep_events {
                    action.carryover_events = self.unconsumed_events();
                }
                OrchestrationStatus::ContinuedAsNew
            }
        };
        action.set_orchestration_status(status);
        action
    }

    fn unconsumed_events(&mut self) -> Vec<HistoryEvent> {
        let inbox = std::mem::take(&mut self.journal.borrow_mut().inbox);
        let held = std::mem::take(&mut self.held).into_iter();
        let held = held.filter(|event| matches!(event.event_type, Some(EventType::EventRaised(_))));
        inbox.into_unconsumed().into_iter().chain(held).collect()
    }
}
