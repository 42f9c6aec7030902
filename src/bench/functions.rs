//! What the worker's functions decide: orchestrators replay, an entity counts. Pure.

use crate::model::{
    Status,
    pb::{self, history_event::EventType, orchestrator_action::OrchestratorActionType as Action},
};

/// Calls as many activities as its input says, one after another.
pub const SEQUENCE: &str = "DurahubBench.Sequence";
/// Calls as many activities as its input says, all at once.
pub const FAN_OUT: &str = "DurahubBench.FanOut";
/// Waits for as many events as its input says.
pub const EVENTS: &str = "DurahubBench.Events";
/// Sleeps as many milliseconds as its input says.
pub const TIMER: &str = "DurahubBench.Timer";
/// Calls as many empty sequences as its input says, one after another.
pub const PARENT: &str = "DurahubBench.Parent";
/// All of them.
pub const ORCHESTRATORS: [&str; 5] = [SEQUENCE, FAN_OUT, EVENTS, TIMER, PARENT];
/// Answers at once.
pub const STEP: &str = "DurahubBench.Step";
/// Counts its operations.
pub const COUNTER: &str = "durahubbench";

/// What orchestrations and activities answer.
pub const DONE: &str = "\"done\"";

/// What an orchestrator knows when a turn comes.
#[derive(Default)]
pub struct Replay {
    name: String,
    wanted: u32,
    scheduled: i32,
    done: u32,
    now: Option<prost_types::Timestamp>,
}

impl Replay {
    /// Takes in one event, in the order of the history.
    pub fn event(&mut self, event: pb::HistoryEvent) {
        match event.event_type {
            Some(EventType::OrchestratorStarted(_)) => self.now = event.timestamp,
            Some(EventType::ExecutionStarted(started)) => {
                self.wanted = started.input.and_then(|input| input.parse().ok()).unwrap_or_default();
                self.name = started.name;
            }
            Some(
                EventType::TaskScheduled(_)
                | EventType::TimerCreated(_)
                | EventType::SubOrchestrationInstanceCreated(_),
            ) => self.scheduled += 1,
            Some(
                EventType::TaskCompleted(_)
                | EventType::TimerFired(_)
                | EventType::SubOrchestrationInstanceCompleted(_)
                | EventType::EventRaised(_),
            ) => self.done += 1,
            _ => {}
        }
    }

    /// What comes next.
    pub fn decide(self) -> Vec<pb::OrchestratorAction> {
        let all = if self.name == TIMER { 1 } else { self.wanted };
        if self.done >= all {
            return vec![action(self.scheduled, complete())];
        }
        let idle = self.scheduled == i32::try_from(self.done).unwrap_or(i32::MAX);
        match self.name.as_str() {
            SEQUENCE if idle => vec![action(self.scheduled, step())],
            PARENT if idle => vec![action(self.scheduled, child())],
            FAN_OUT if self.scheduled == 0 => (0..).zip(0..all).map(|(id, _)| action(id, step())).collect(),
            TIMER if self.scheduled == 0 => vec![action(0, self.timer())],
            _ => Vec::new(),
        }
    }

    fn timer(&self) -> Action {
        let mut at = self.now.unwrap_or_default();
        at.seconds += i64::from(self.wanted / 1_000);
        at.nanos += i32::try_from(self.wanted % 1_000).unwrap_or(0) * 1_000_000;
        at.normalize();
        Action::CreateTimer(pb::CreateTimerAction { fire_at: Some(at) })
    }
}

/// The state after `operations` more.
pub fn count(before: Option<&str>, operations: usize) -> String {
    let before: usize = before.and_then(|state| state.parse().ok()).unwrap_or_default();
    (before + operations).to_string()
}

fn action(id: i32, action: Action) -> pb::OrchestratorAction {
    pb::OrchestratorAction { id, orchestrator_action_type: Some(action) }
}

fn step() -> Action {
    Action::ScheduleTask(pb::ScheduleTaskAction { name: STEP.into(), ..Default::default() })
}

fn child() -> Action {
    let input = Some("0".to_owned());
    Action::CreateSubOrchestration(pb::CreateSubOrchestrationAction {
        name: SEQUENCE.into(),
        input,
        ..Default::default()
    })
}

fn complete() -> Action {
    Action::CompleteOrchestration(pb::CompleteOrchestrationAction {
        orchestration_status: Status::Completed.into(),
        result: Some(DONE.to_owned()),
        ..Default::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Timestamp, event};

    fn replay(name: &str, input: &str) -> Replay {
        let mut replay =
            Replay { name: name.to_owned(), wanted: input.parse().unwrap(), ..Replay::default() };
        replay.event(event::orchestrator_started(Timestamp(1_500_000)));
        replay
    }

    fn ids(actions: &[pb::OrchestratorAction]) -> Vec<i32> {
        actions.iter().map(|action| action.id).collect()
    }

    #[test]
    fn a_sequence_goes_on_only_when_its_step_is_done() {
        assert_eq!(ids(&replay(SEQUENCE, "2").decide()), [0]);
        let waiting = Replay { scheduled: 1, ..replay(SEQUENCE, "2") };
        assert!(waiting.decide().is_empty());
        let mut second = Replay { scheduled: 1, ..replay(SEQUENCE, "2") };
        second.event(event::task_completed(Timestamp(2), 0, None));
        assert_eq!(ids(&second.decide()), [1]);
        let ends = Replay { scheduled: 2, done: 2, ..replay(SEQUENCE, "2") }.decide();
        assert!(matches!(ends[0].orchestrator_action_type, Some(Action::CompleteOrchestration(_))));
    }

    #[test]
    fn a_fan_out_schedules_everything_in_its_first_turn() {
        assert_eq!(ids(&replay(FAN_OUT, "3").decide()), [0, 1, 2]);
        assert!(Replay { scheduled: 3, done: 2, ..replay(FAN_OUT, "3") }.decide().is_empty());
    }

    #[test]
    fn a_timer_is_due_its_milliseconds_after_the_turn_began() {
        let actions = replay(TIMER, "1600").decide();
        let Some(Action::CreateTimer(timer)) = &actions[0].orchestrator_action_type else {
            panic!("{actions:?}")
        };
        let at = timer.fire_at.unwrap();
        assert_eq!((at.seconds, at.nanos), (3, 100_000_000));
    }

    #[test]
    fn a_counter_goes_on_from_its_state() {
        assert_eq!(count(None, 2), "2");
        assert_eq!(count(Some("40"), 2), "42");
    }
}
