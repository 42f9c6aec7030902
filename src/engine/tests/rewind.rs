//! Rewind: which failures are taken back, and what the rewritten history looks like. `rule` has one test for each row of the table in
//! docs/decisions/0007-rewind.md; the words after `rewind` say what has become of the children.

use super::{check, world::World};
use expect_test::expect;

/// The failures that a rewind after `script` keeps and those it takes back, by action id and in order.
fn sorted(script: &str) -> (Vec<i32>, Vec<i32>) {
    use crate::model::pb::history_event::EventType;
    let mut world = World::default();
    script.split(" | ").for_each(|step| drop(world.step(step)));
    let failed = |world: &World| {
        let kinds = world.history().into_iter().filter_map(|event| event.event_type);
        let ids = kinds.filter_map(|kind| match kind {
            EventType::TaskFailed(it) => Some(it.task_scheduled_id),
            EventType::SubOrchestrationInstanceFailed(it) => Some(it.task_scheduled_id),
            _ => None,
        });
        ids.collect::<Vec<_>>()
    };
    let mut before = failed(&world);
    world.step("rewind");
    let kept = failed(&world);
    for kept in &kept {
        before.remove(before.iter().position(|id| id == kept).expect("what is kept was there"));
    }
    (kept, before)
}

#[track_caller]
fn takes_back(script: &str, ids: &[i32]) {
    assert_eq!(sorted(script), (Vec::new(), ids.to_vec()), "{script}");
}

#[track_caller]
fn keeps(script: &str, ids: &[i32]) {
    assert_eq!(sorted(script), (ids.to_vec(), Vec::new()), "{script}");
}

mod rule {
    use super::*;

    #[test]
    fn a_failure_that_ended_the_orchestrator_is_taken_back() {
        takes_back("start -> task 1 A | done 1 -> task 2 B | failed 2 E -> fail E", &[2]);
        takes_back("start -> child 1 A | child-failed 1 E -> fail E", &[1]);
        // What was only asked for on the way out is asked for again.
        takes_back("start -> task 1 A | failed 1 E -> task 2 Alert, timer 3 +9s, fail E", &[1]);
    }

    #[test]
    fn all_failures_of_a_fan_out_are_taken_back() {
        let fan_out = "start -> task 1 A, task 2 A, task 3 A, task 4 A";
        takes_back(
            &format!(
                "{fan_out} | failed 2 E -> nothing | failed 1 E, done 3 -> nothing | failed 4 E -> fail E"
            ),
            &[2, 1, 4],
        );
        takes_back(&format!("{fan_out} | failed 2 E, failed 3 E -> fail E"), &[2, 3]);
    }

    #[test]
    fn branches_that_went_on_after_other_results_do_not_keep_a_failure() {
        let branches = "start -> task 1 A, task 2 A, task 3 A, task 4 A | done 1 -> task 5 B";
        // In the same turn.
        takes_back(
            &format!("{branches} | failed 2 E, done 3 -> task 6 B | done 4, done 5, done 6 -> fail E"),
            &[2],
        );
        // In a later one.
        takes_back(
            &format!("{branches} | failed 2 E -> nothing | done 3 -> task 6 B | done 4 -> fail E"),
            &[2],
        );
    }

    #[test]
    fn a_failure_that_was_tried_again_stays() {
        // The Python SDK uses the same action id again, others a new one.
        let first = "start -> task 1 A x | failed 1 E -> timer 2 +5s";
        for (again, id) in [("task 1 A x", 1), ("task 3 A x", 3)] {
            let (kept, back) = sorted(&format!("{first} | +9s -> {again} | failed {id} E -> fail E"));
            assert_eq!((kept, back), (vec![1], vec![id]));
        }
        // Several at once, and others that went on meanwhile.
        let (kept, back) = sorted(
            "start -> task 1 A x, task 2 A y, task 3 A z | done 3, failed 1 E, failed 2 E -> timer 4 +5s, timer 5 +5s \
             | +9s -> task 6 A x, task 7 A y | failed 6 E -> nothing | failed 7 E -> fail E",
        );
        assert_eq!((kept, back), (vec![1, 2], vec![6, 7]));
        // A sub-orchestration.
        let (kept, back) = sorted(
            "start -> child 1 C id=c | child-failed 1 E -> timer 2 +5s | +9s -> child 1 C id=c | child-failed 1 E -> fail E",
        );
        assert_eq!((kept, back), (vec![1], vec![1]));
        // At once.
        let (kept, back) =
            sorted("start -> task 1 A x, task 2 A | failed 1 E, done 2 -> task 3 A x | failed 3 E -> fail E");
        assert_eq!((kept, back), (vec![1], vec![3]));
    }

    #[test]
    fn a_failure_that_waits_for_its_next_attempt_stays() {
        let (kept, back) =
            sorted("start -> task 1 A, task 2 B | failed 1 E -> timer 3 +99s | failed 2 E -> fail E");
        assert_eq!((kept, back), (vec![1], vec![2]));
        // If the pause was asked for on the way out it was never set: both begin anew.
        takes_back("start -> task 1 A, task 2 B | failed 1 E, failed 2 E -> timer 3 +99s, fail E", &[1, 2]);
    }

    #[test]
    fn retries_elsewhere_do_not_keep_a_failure() {
        let (kept, back) = sorted(
            "start -> task 1 A x, task 2 A y | failed 1 E -> nothing | failed 2 E -> timer 3 +5s | +9s -> task 4 A y | done 4 -> fail E",
        );
        assert_eq!((kept, back), (vec![2], vec![1]));
    }

    #[test]
    fn a_failure_that_was_handled_stays() {
        let compensated = "start -> task 1 Reserve | done 1 -> task 2 Charge | failed 2 E -> task 3 Release";
        keeps(&format!("{compensated} | done 3 -> fail E"), &[2]);
        // The compensation itself can be taken back.
        assert_eq!(sorted(&format!("{compensated} | failed 3 E -> fail E")), (vec![2], vec![3]));
        keeps("start -> task 1 A | failed 1 E -> child 2 C | child-done 2 -> fail E", &[1]);
        keeps("start -> task 1 A | failed 1 E -> send 2 other Alarm, fail E", &[1]);
        keeps("start -> task 1 A | failed 1 E -> timer 2 +5s | +9s -> task 3 B | done 3 -> fail E", &[1]);
        keeps(
            "start -> task 1 A | failed 1 E -> nothing | event Decision -> task 2 B | done 2 -> fail E",
            &[1],
        );
    }

    #[test]
    fn a_failure_that_was_handled_after_everything_had_come_in_stays() {
        let joined = "start -> task 1 A, task 2 A | failed 1 E -> nothing";
        keeps(&format!("{joined} | done 2 -> task 3 Undo | done 3 -> fail E"), &[1]);
        keeps("start -> task 1 A, task 2 A | failed 1 E, done 2 -> task 3 Undo | done 3 -> fail E", &[1]);
        keeps(&format!("{joined} | failed 2 E -> task 3 Undo | done 3 -> fail E"), &[1, 2]);
    }

    #[test]
    fn a_failure_stays_if_more_was_done_than_other_results_account_for() {
        // A window over a list: each result, good or bad, lets the next one in.
        let window = "start -> task 1 A a, task 2 A b, task 3 A c | done 1 -> task 4 A d";
        let (kept, back) = sorted(&format!(
            "{window} | failed 2 E, done 3 -> task 5 A e, task 6 A f | done 4, done 5, done 6 -> fail E"
        ));
        assert_eq!((kept, back), (vec![2], vec![]));
        // What nobody did before any failure may be because of one.
        let (kept, back) =
            sorted(&format!("{window} | failed 2 E, done 3 -> task 5 Clean | done 4, done 5 -> fail E"));
        assert_eq!((kept, back), (vec![2], vec![]));
    }

    #[test]
    fn what_an_earlier_rewind_kept_stays() {
        // The first time its undoing had been asked for; the second time nothing in its own turn tells of that.
        let first =
            "start -> child 9 C id=c, task 1 A, task 2 B | failed 1 E -> task 3 Undo | failed 2 E -> fail E";
        assert_eq!(sorted(first), (vec![1], vec![2]));
        let second = "rewind c=running | -> task 2 B, task 3 Undo | done 3 -> nothing | failed 2 E -> fail E";
        assert_eq!(sorted(&format!("{first} | {second}")), (vec![1], vec![2]));
    }

    #[test]
    fn an_orchestrator_that_failed_by_itself_has_nothing_to_take_back() {
        assert_eq!(sorted("start -> task 1 A | done 1 -> fail Bug"), (vec![], vec![]));
        assert_eq!(sorted("start -> poison"), (vec![], vec![]));
    }
}

#[test]
fn the_history_ends_before_the_failure_and_goes_on_with_a_lone_turn() {
    check(
        "start in=5 -> task 1 A, status s | done 1 x -> task 2 B y | failed 2 E:m -> fail E:m | rewind",
        expect![[r#"
        @0: turn 1s, started e1 Checkout '5', #1 task A, end
        @4: turn 2s, done of 1 'x', end
        @7: turn 3s, end
        put aside, then rewound 'why'
        to me: Rewind [rewound 'why']
        Running; reopened; drop detached; took -"#]],
    );
    check("start -> task 1 A | failed 1 E -> fail E | rewind | +1s", expect!["deliver turn 5s"]);
    check(
        "start -> task 1 A | failed 1 E -> fail E | rewind | -> task 1 A",
        expect![[r#"
        @5: turn 4s, #1 task A, end
        activity #1 A of e1
        Running; took 3"#]],
    );
    check(
        "start -> task 1 A | failed 1 E -> fail E | rewind | -> task 1 A | done 1 -> complete ok",
        expect![[r#"
            @8: turn 5s, done of 1, #99 ended Completed 'ok', end
            Completed; output 'ok'; drop all; took 4"#]],
    );
}

#[test]
fn an_activity_that_nobody_answered_is_asked_for_again() {
    check(
        "start -> task 1 A, task 2 B | failed 1 E -> fail E | rewind",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, end
        @3: turn 2s, end
        put aside, then rewound 'why'
        to me: Rewind [rewound 'why']
        Running; reopened; drop detached; took -"#]],
    );
}

#[test]
fn timers_that_have_not_fired_are_set_again_and_fired_ones_are_not() {
    check(
        "start -> timer 1 +1s, timer 2 +99s, task 3 A | +5s, failed 3 E -> fail E | rewind",
        expect![[r#"
            @0: turn 1s, started e1 Checkout, #1 timer 1s, #2 timer 99s, end
            @5: turn 7s, fired of 1 for 1s, end
            put aside, then rewound 'why'
            to me: Rewind [rewound 'why']
            to me: Result due 99s [fired of 2 for 99s]
            Running; reopened; drop detached; took -"#]],
    );
    check(
        "start -> timer 1 +3s, task 2 A | failed 2 E -> fail E | rewind | +9s",
        expect!["deliver turn 13s, fired of 1 for 3s"],
    );
}

#[test]
fn a_failed_child_is_rewound_and_a_running_one_waited_for() {
    check(
        "start -> child 1 A id=a, child 2 B id=b | child-failed 1 E -> fail E | rewind a=failed b=running",
        expect![[r#"
            a is rewound
            b lives
            @0: turn 1s, started e1 Checkout, #1 child a A, #2 child b B, end
            @5: turn 2s, end
            put aside, then rewound 'why'
            to me: Rewind [rewound 'why']
            Running; reopened; drop detached; took -"#]],
    );
}

#[test]
fn a_child_that_ended_after_its_parent_answers_now() {
    check(
        "start -> child 1 A id=a, child 2 B id=b, task 3 C | failed 3 E -> fail E | rewind a=completed:5 b=terminated:off",
        expect![[r#"
            @0: turn 1s, started e1 Checkout, #1 child a A, #2 child b B, end
            @5: turn 2s, end
            put aside, then rewound 'why'
            to me: Rewind [rewound 'why']
            to me: Result [child done of 1 '5']
            to me: Result [child failed of 2 OrchestrationTerminatedError!(sub-orchestration b was terminated: off)]
            Running; reopened; drop detached; took -"#]],
    );
}

#[test]
fn a_child_that_is_gone_or_somebody_elses_is_made_anew() {
    check(
        "start -> child 1 A 5 id=a | child-failed 1 E -> fail E | rewind",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 child a A '5', end
        @4: turn 2s, end
        put aside, then rewound 'why'
        child a/e3 A '5' of order/e1#1, or Result [child failed of 1 OrchestrationAlreadyExistsError!(a live instance with the id a exists already)]
        to me: Rewind [rewound 'why']
        Running; reopened; drop detached; took -"#]],
    );
    check(
        "start -> child 1 A id=a | child-failed 1 E -> fail E | rewind a=foreign",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 child a A, end
        @4: turn 2s, end
        put aside, then rewound 'why'
        child a/e3 A of order/e1#1, or Result [child failed of 1 OrchestrationAlreadyExistsError!(a live instance with the id a exists already)]
        to me: Rewind [rewound 'why']
        Running; reopened; drop detached; took -"#]],
    );
    check(
        "start -> child 1 A id=@a | child-failed 1 E -> fail E | rewind",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 child @a A, end
        @4: turn 2s, end
        put aside, then rewound 'why'
        to me: Rewind [rewound 'why']
        to me: Result [child failed of 1 InvalidInstanceIdError!(instanceId must not start with '@': such ids belong to entities)]
        Running; reopened; drop detached; took -"#]],
    );
}

#[test]
fn nobody_waits_for_a_child_that_never_reports() {
    check(
        "start -> child 1 A id=a tags=FireAndForget:, task 2 B | failed 2 E -> fail E | rewind",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 child a A, end
        @4: turn 2s, end
        put aside, then rewound 'why'
        to me: Rewind [rewound 'why']
        Running; reopened; drop detached; took -"#]],
    );
}

#[test]
fn control_works_before_the_turn_after_a_rewind() {
    let rewound = "start -> task 1 A | failed 1 E -> fail E | rewind";
    check(&format!("{rewound} | suspend why | +1s"), expect!["wait"]);
    check(&format!("{rewound} | suspend why | resume | +1s"), expect!["deliver turn 7s"]);
    check(
        &format!("{rewound} | terminate off"),
        expect![[r#"
        @5: turn 4s, terminated 'off', #-1 ended Terminated 'off', end
        Terminated; output 'off'; drop all; took 4"#]],
    );
}

#[test]
fn continue_as_new_in_the_turn_after_a_rewind_leaves_nothing_of_it() {
    check(
        "start -> task 1 A | failed 1 E -> fail E | rewind | -> again 2 | +1s",
        expect!["deliver turn 6s, started e2 Checkout '2'"],
    );
}

#[test]
fn twenty_thousand_retries_of_one_kind_are_sorted_out_in_no_time() {
    use crate::{
        engine::Rewinding,
        model::{Chunk, event, failure, pb, pb::history_event::EventType},
    };
    let at = super::script::START;
    let task = |id| {
        let scheduled = pb::TaskScheduledEvent { name: "A".into(), ..Default::default() };
        event::with_id(id, at, EventType::TaskScheduled(scheduled))
    };
    let many = 0..20_000;
    let turn = |events: Vec<_>| [vec![event::orchestrator_started(at)], events].concat();
    let fail = |id| event::task_failed(at, id, failure("E", "", false));
    let timer = |id| {
        let created = pb::TimerCreatedEvent { fire_at: Some(at.to_wire()) };
        event::with_id(id, at, EventType::TimerCreated(created))
    };
    let (pause, again) = (|id: i32| id + 20_000, |id: i32| id + 40_000);
    let turns = [
        turn(many.clone().map(task).collect()),
        turn(many.clone().map(fail).chain(many.clone().map(pause).map(timer)).collect()),
        turn(
            many.clone()
                .map(|id| event::timer_fired(at, pause(id), at.to_wire()))
                .chain(many.clone().map(again).map(task))
                .collect(),
        ),
        turn(many.map(again).map(fail).collect()),
    ];
    let mut history: Vec<Chunk> = Vec::new();
    for events in turns {
        let first = history.last().map_or(0, Chunk::end);
        history.push(Chunk::encode(first, events));
    }
    let mut world = World::default();
    world.arrive("start");
    let rewinding = Rewinding::begin(world.record.unwrap(), &history, 0).unwrap();
    let commit = rewinding.commit(None, at);
    let crate::model::HistoryChange::Rewrite(rewrite) = commit.history else { panic!("not rewritten") };
    // The last attempts and their failures are gone, everything before has stayed.
    assert_eq!(rewrite.length(), 4 + 5 * 20_000 - 20_000);
}
