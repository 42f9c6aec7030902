//! Timers: due in the future, due in the past, never early.

use super::check;
use expect_test::expect;

#[test]
fn a_timer_is_a_message_to_oneself_that_is_due_later() {
    check(
        "start -> timer 1 +60s",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 timer 60s, end
        to me: Result due 60s [fired of 1 for 60s]
        Running; took 1"#]],
    );
}

#[test]
fn a_timer_is_not_delivered_before_it_is_due() {
    check("start -> timer 1 +60s | +57s", expect!["wait"]);
}

#[test]
fn a_timer_fires_with_a_turn_time_in_a_later_millisecond() {
    check("start -> timer 1 +59999400us | +58s", expect!["deliver turn 60s, fired of 1 for 59.999400s"]);
    check("start -> timer 1 +60s | +58s", expect!["deliver turn 60.001000s, fired of 1 for 60s"]);
    check("start -> timer 1 +60s | +90s", expect!["deliver turn 92s, fired of 1 for 60s"]);
}

#[test]
fn a_timer_of_the_past_fires_at_once_but_through_the_inbox() {
    check(
        "start -> timer 1 -5s",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 timer -5s, end
        to me: Result due -5s [fired of 1 for -5s]
        Running; took 1"#]],
    );
    check("start -> timer 1 -5s | +0s", expect!["deliver turn 2s, fired of 1 for -5s"]);
}

#[test]
fn a_timer_due_now_fires_on_the_next_turn() {
    check(
        "start -> timer 1 +1s | +0s -> nothing",
        expect![[r#"
        @4: turn 2s, fired of 1 for 1s, end
        Running; took 2"#]],
    );
}

#[test]
fn a_fraction_of_a_second_is_kept() {
    check(
        "start -> timer 1 +1500001us | +1s -> nothing",
        expect![[r#"
        @4: turn 3s, fired of 1 for 1.500001s, end
        Running; took 2"#]],
    );
}

#[test]
fn several_timers_fire_in_the_order_they_are_due() {
    check(
        "start -> timer 1 +4s, timer 2 +3s | +9s -> nothing",
        expect![[r#"
            @5: turn 11s, fired of 2 for 3s, fired of 1 for 4s, end
            Running; took 3,2"#]],
    );
}

#[test]
fn only_those_that_are_due_fire() {
    check(
        "start -> timer 1 +4s, timer 2 +300s | +9s -> nothing",
        expect![[r#"
        @5: turn 11s, fired of 1 for 4s, end
        Running; took 2"#]],
    );
}

#[test]
fn a_timer_that_fires_late_in_a_turn_moves_the_whole_turn() {
    check(
        "start -> timer 1 +2s, task 2 A | done 2 -> nothing",
        expect![[r#"
            @5: turn 2.001000s, done of 2, fired of 1 for 2s, end
            Running; took 3,2"#]],
    );
}

#[test]
fn a_timer_repeated_while_open_means_nothing() {
    check(
        "start -> timer 1 +60s | event Go -> timer 1 +60s",
        expect![[r#"
        @4: turn 2s, event Go, end
        Running; took 3"#]],
    );
}

#[test]
fn a_timer_id_may_be_used_again_once_fired() {
    check(
        "start -> timer 1 +2s | +1s -> timer 1 +60s",
        expect![[r#"
        @4: turn 3s, fired of 1 for 2s, #1 timer 60s, end
        to me: Result due 60s [fired of 1 for 60s]
        Running; took 2"#]],
    );
}

#[test]
fn a_timer_made_by_the_last_turn_is_written_but_never_set() {
    check(
        "start -> timer 1 +60s, complete ok",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 timer 60s, #99 ended Completed 'ok', end
        Completed; output 'ok'; drop all; took 1"#]],
    );
    check(
        "start -> timer 1 +60s, again 1",
        expect![[r#"
        cleared
        to me: Start [started e2 Checkout '1']
        Running; execution e2 '1'; trace cleared; drop execution; took 1"#]],
    );
}

#[test]
fn timers_are_dropped_with_the_end() {
    check(
        "start -> timer 1 +60s | event Go -> complete",
        expect![[r#"
        @4: turn 2s, event Go, #99 ended Completed, end
        Completed; drop all; took 3"#]],
    );
    check("start -> timer 1 +60s | event Go -> complete | +90s", expect!["wait"]);
    check("start -> timer 1 +60s | event Go -> again | -> nothing | +90s", expect!["wait"]);
}

#[test]
fn a_firing_nobody_waits_for_is_thrown_away() {
    check("start -> nothing | fired 1", expect!["discard; Running; took 2"]);
}

#[test]
fn years_away_is_a_time_too() {
    check(
        "start -> timer 1 +3000000000s",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 timer 3000000000s, end
        to me: Result due 3000000000s [fired of 1 for 3000000000s]
        Running; took 1"#]],
    );
}

#[test]
fn an_event_that_came_in_time_is_delivered_before_the_timer_of_its_limit() {
    check(
        "start -> timer 1 +60s | +29s, event Go | +60s -> nothing",
        expect![[r#"
        @4: turn 92s, event Go, fired of 1 for 60s, end
        Running; took 3,2"#]],
    );
    check(
        "start -> timer 1 +60s | suspend | +29s, event Go | resume | +60s -> nothing",
        expect![[r#"
        @6: turn 94s, event Go, fired of 1 for 60s, end
        Running; took 4,2"#]],
    );
    check(
        "start -> timer 1 +60s | +59s, event Go | +60s -> nothing",
        expect![[r#"
        @4: turn 122s, fired of 1 for 60s, event Go, end
        Running; took 2,3"#]],
    );
}

#[test]
fn timers_fall_between_the_messages_around_them() {
    check(
        "start -> timer 1 +40s, timer 2 +20s, timer 3 -5s | +9s, event A | +20s, event B | +60s, event C -> nothing",
        expect![[r#"
            @6: turn 93s, fired of 3 for -5s, event A, fired of 2 for 20s, event B, fired of 1 for 40s, event C, end
            Running; took 4,5,3,6,2,7"#]],
    );
}
