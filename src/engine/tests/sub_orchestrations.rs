//! Sub-orchestrations: who they are, and what their parents hear.

use super::check;
use expect_test::expect;

#[test]
fn a_child_gets_the_id_it_was_given() {
    check(
        "start -> child 1 Ship 5 id=ship-1",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 child ship-1 Ship '5', end
        child ship-1/e2 Ship '5' of order/e1#1, or Result [child failed of 1 OrchestrationAlreadyExistsError!(a live instance with the id ship-1 exists already)]
        Running; took 1"#]],
    );
}

#[test]
fn a_child_without_an_id_is_named_after_its_parent() {
    check(
        "start -> child 1 Ship",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 child order:0001 Ship, end
        child order:0001/e2 Ship of order/e1#1, or Result [child failed of 1 OrchestrationAlreadyExistsError!(a live instance with the id order:0001 exists already)]
        Running; took 1"#]],
    );
    check(
        "start -> child 31 Ship",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #31 child order:001f Ship, end
        child order:001f/e2 Ship of order/e1#31, or Result [child failed of 31 OrchestrationAlreadyExistsError!(a live instance with the id order:001f exists already)]
        Running; took 1"#]],
    );
}

#[test]
fn a_child_may_have_any_id_an_sdk_makes_up() {
    check(
        "start -> child 1 Ship id=a/b?c#d",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 child a/b?c#d Ship, end
        child a/b?c#d/e2 Ship of order/e1#1, or Result [child failed of 1 OrchestrationAlreadyExistsError!(a live instance with the id a/b?c#d exists already)]
        Running; took 1"#]],
    );
}

#[test]
fn an_invalid_id_is_a_failure_the_parent_can_catch() {
    check(
        "start -> child 1 Ship id=@entity",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 child @entity Ship, end
        to me: Result [child failed of 1 InvalidInstanceIdError!(instanceId must not start with '@': such ids belong to entities)]
        Running; took 1"#]],
    );
    check(
        "start -> child 1 Ship id=x*2000",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 child xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx Ship, end
        to me: Result [child failed of 1 InvalidInstanceIdError!(instanceId is 2000 characters long; the limit is 1024)]
        Running; took 1"#]],
    );
    check(
        "start -> child 1 Ship id=@entity | +0s -> complete caught",
        expect![[r#"
        @4: turn 2s, child failed of 1 InvalidInstanceIdError!(instanceId must not start with '@': such ids belong to entities), #99 ended Completed 'caught', end
        Completed; output 'caught'; drop all; took 2"#]],
    );
}

#[test]
fn a_child_inherits_tags_and_its_own_win() {
    check(
        "start tags=team:a,cost:1 -> child 1 Ship tags=team:b,own:2",
        expect![[r#"
        @0: turn 1s, started e1 Checkout cost:1 team:a, #1 child order:0001 Ship, end
        child order:0001/e2 Ship cost:1 own:2 team:b of order/e1#1, or Result [child failed of 1 OrchestrationAlreadyExistsError!(a live instance with the id order:0001 exists already)]
        Running; took 1"#]],
    );
}

#[test]
fn the_mark_of_fire_and_forget_is_not_inherited() {
    check(
        "start tags=FireAndForget:x,team:a -> child 1 Ship",
        expect![[r#"
        @0: turn 1s, started e1 Checkout FireAndForget:x team:a, #1 child order:0001 Ship, end
        child order:0001/e2 Ship team:a of order/e1#1, or Result [child failed of 1 OrchestrationAlreadyExistsError!(a live instance with the id order:0001 exists already)]
        Running; took 1"#]],
    );
}

#[test]
fn a_child_does_not_inherit_the_version() {
    check(
        "start version=1 -> child 1 Ship",
        expect![[r#"
        @0: turn 1s, started e1 Checkout version=1, #1 child order:0001 Ship, end
        child order:0001/e2 Ship of order/e1#1, or Result [child failed of 1 OrchestrationAlreadyExistsError!(a live instance with the id order:0001 exists already)]
        Running; took 1"#]],
    );
    check(
        "start version=1 -> child 1 Ship version=2",
        expect![[r#"
        @0: turn 1s, started e1 Checkout version=1, #1 child order:0001 Ship, end
        child order:0001/e2 Ship version=2 of order/e1#1, or Result [child failed of 1 OrchestrationAlreadyExistsError!(a live instance with the id order:0001 exists already)]
        Running; took 1"#]],
    );
}

#[test]
fn an_id_held_by_a_live_instance_is_a_failure_the_parent_can_catch() {
    check(
        "start -> child 1 Ship id=taken-1",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 child taken-1 Ship, end
        child taken-1/e2 Ship of order/e1#1, or Result [child failed of 1 OrchestrationAlreadyExistsError!(a live instance with the id taken-1 exists already)]
        Running; took 1"#]],
    );
    check(
        "start -> child 1 Ship id=taken-1 | +0s -> nothing",
        expect![[r#"
        @4: turn 2s, child failed of 1 OrchestrationAlreadyExistsError!(a live instance with the id taken-1 exists already), end
        Running; took 2"#]],
    );
}

#[test]
fn children_outlive_a_parent_that_ends_with_the_same_turn() {
    check(
        "start -> child 1 Ship id=taken-1, complete",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 child taken-1 Ship, #99 ended Completed, end
        child taken-1/e2 Ship of order/e1#1
        Completed; drop all; took 1"#]],
    );
    check(
        "start -> child 1 Ship id=@x, complete",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 child @x Ship, #99 ended Completed, end
        Completed; drop all; took 1"#]],
    );
    check(
        "start -> child 1 Ship, again",
        expect![[r#"
        cleared
        child order:0001/e2 Ship of order/e1#1
        to me: Start [started e3 Checkout]
        Running; execution e3; trace cleared; drop execution; took 1"#]],
    );
}

#[test]
fn a_child_repeated_while_open_means_nothing() {
    check(
        "start -> child 1 Ship | event Go -> child 1 Ship",
        expect![[r#"
        @4: turn 2s, event Go, end
        Running; took 2"#]],
    );
}

#[test]
fn a_child_id_may_be_used_again_after_a_failure() {
    check(
        "start -> child 1 Ship id=s | child-failed 1 E:no -> child 1 Ship id=s",
        expect![[r#"
        @4: turn 2s, child failed of 1 E(no), #1 child s Ship, end
        child s/e3 Ship of order/e1#1, or Result [child failed of 1 OrchestrationAlreadyExistsError!(a live instance with the id s exists already)]
        Running; took 2"#]],
    );
}

#[test]
fn the_parent_gets_the_childs_answer() {
    check(
        "start -> child 1 Ship | child-done 1 ok -> nothing",
        expect![[r#"
        @4: turn 2s, child done of 1 'ok', end
        Running; took 2"#]],
    );
    check(
        "start -> child 1 Ship | child-failed 1 E:no<F:why -> nothing",
        expect![[r#"
        @4: turn 2s, child failed of 1 E(no) < F(why), end
        Running; took 2"#]],
    );
}

#[test]
fn a_child_that_completes_tells_its_parent() {
    check(
        "start parent=p:pe:7 -> complete ok",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #99 ended Completed 'ok', end
        to p/pe: Result [child done of 7 'ok']
        Completed; output 'ok'; drop all; took 1"#]],
    );
    check(
        "start parent=p:pe:0 -> complete",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #99 ended Completed, end
        to p/pe: Result [child done of 0]
        Completed; drop all; took 1"#]],
    );
}

#[test]
fn a_child_that_fails_tells_its_parent_why() {
    check(
        "start parent=p:pe:7 -> fail E:no<F:why",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #99 ended Failed E(no) < F(why), end
        to p/pe: Result [child failed of 7 E(no) < F(why)]
        Failed; failure E(no) < F(why); drop all; took 1"#]],
    );
    check(
        "start parent=p:pe:7 -> fail-bare text",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #99 ended Failed 'text' OrchestrationFailed(text), end
        to p/pe: Result [child failed of 7 OrchestrationFailed(text)]
        Failed; output 'text'; failure OrchestrationFailed(text); drop all; took 1"#]],
    );
}

#[test]
fn a_cancelled_child_is_a_failure_to_its_parent() {
    check(
        "start parent=p:pe:7 -> cancel enough",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #99 ended Canceled 'enough', end
        to p/pe: Result [child failed of 7 OrchestrationCanceledError!(sub-orchestration order was cancelled: enough)]
        Canceled; output 'enough'; drop all; took 1"#]],
    );
}

#[test]
fn a_terminated_child_is_a_failure_to_its_parent() {
    check(
        "start parent=p:pe:7 -> nothing | terminate enough",
        expect![[r#"
        @3: turn 2s, terminated 'enough', #-1 ended Terminated 'enough', end
        to p/pe: Result [child failed of 7 OrchestrationTerminatedError!(sub-orchestration order was terminated: enough)]
        Terminated; output 'enough'; drop all; took 2"#]],
    );
    check(
        "start parent=p:pe:7 | terminate",
        expect![[r#"
        @0: turn 2s, started e1 Checkout, terminated, #-1 ended Terminated, end
        to p/pe: Result [child failed of 7 OrchestrationTerminatedError!(sub-orchestration order was terminated)]
        Terminated; drop all; took 2"#]],
    );
    check(
        "start parent=p:pe:7 -> end-terminated enough",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #99 ended Terminated 'enough', end
        to p/pe: Result [child failed of 7 OrchestrationTerminatedError!(sub-orchestration order was terminated: enough)]
        Terminated; output 'enough'; drop all; took 1"#]],
    );
}

#[test]
fn a_child_that_continues_as_new_tells_nobody_yet() {
    check(
        "start parent=p:pe:7 -> again 2",
        expect![[r#"
        cleared
        to me: Start [started e2 Checkout '2']
        Running; execution e2 '2'; trace cleared; drop execution; took 1"#]],
    );
    check(
        "start parent=p:pe:7 -> again 2 | -> complete ok",
        expect![[r#"
        @0: turn 2s, started e2 Checkout '2', #99 ended Completed 'ok', end
        to p/pe: Result [child done of 7 'ok']
        Completed; output 'ok'; drop all; took 2"#]],
    );
}

#[test]
fn a_child_of_fire_and_forget_tells_nobody() {
    check(
        "start parent=p:pe:7 tags=FireAndForget:1 -> complete ok",
        expect![[r#"
        @0: turn 1s, started e1 Checkout FireAndForget:1, #99 ended Completed 'ok', end
        Completed; output 'ok'; drop all; took 1"#]],
    );
    check(
        "start parent=p:pe:7 tags=FireAndForget:1 | terminate",
        expect![[r#"
        @0: turn 2s, started e1 Checkout FireAndForget:1, terminated, #-1 ended Terminated, end
        Terminated; drop all; took 2"#]],
    );
}

#[test]
fn a_child_whose_answer_breaks_the_protocol_tells_its_parent() {
    check(
        "start parent=p:pe:7 -> task 1",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed ProtocolViolationError!(action 1 schedules an activity without a name), end
        to p/pe: Result [child failed of 7 ProtocolViolationError!(action 1 schedules an activity without a name)]
        Failed; failure ProtocolViolationError!(action 1 schedules an activity without a name); drop all; took 1"#]],
    );
}
