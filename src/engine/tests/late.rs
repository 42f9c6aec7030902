//! Late, doubled and foreign messages are taken out quietly.

use super::check;
use expect_test::expect;

#[test]
fn an_answer_to_nothing_is_thrown_away() {
    check("start -> nothing | done 7 x", expect!["discard; Running; took 2"]);
    check(
        "start -> nothing | failed 7 E:x, child-done 8, child-failed 9, fired 10",
        expect!["discard; Running; took 2,3,4,5"],
    );
}

#[test]
fn a_second_answer_is_thrown_away() {
    check("start -> task 1 A | done 1 x -> nothing | done 1 y", expect!["discard; Running; took 3"]);
    check("start -> task 1 A | done 1 x -> nothing | failed 1 E:y", expect!["discard; Running; took 3"]);
}

#[test]
fn of_two_answers_in_one_turn_the_first_counts() {
    check(
        "start -> task 1 A | done 1 x, done 1 y -> nothing",
        expect![[r#"
        @4: turn 2s, done of 1 'x', end
        Running; took 2,3"#]],
    );
    check(
        "start -> task 1 A | failed 1 E:x, done 1 y -> nothing",
        expect![[r#"
        @4: turn 2s, failed of 1 E(x), end
        Running; took 2,3"#]],
    );
}

#[test]
fn an_answer_of_the_wrong_kind_is_thrown_away() {
    check("start -> timer 1 +60s | done 1 x", expect!["discard; Running; took 3"]);
    check("start -> task 1 A | child-done 1 x", expect!["discard; Running; took 2"]);
    check("start -> child 1 Ship | fired 1", expect!["discard; Running; took 2"]);
    check("start -> child 1 Ship | failed 1 E:x", expect!["discard; Running; took 2"]);
}

#[test]
fn the_right_kind_is_still_taken_after_the_wrong_one() {
    check(
        "start -> task 1 A | child-done 1 x, done 1 y -> nothing",
        expect![[r#"
        @4: turn 2s, done of 1 'y', end
        Running; took 2,3"#]],
    );
}

#[test]
fn late_and_wanted_mixed() {
    check(
        "start -> task 1 A | done 9, done 1 x, done 8, event Go, fired 4 -> nothing",
        expect![[r#"
        @4: turn 2s, done of 1 'x', event Go, end
        Running; took 2,3,4,5,6"#]],
    );
}

#[test]
fn a_late_answer_does_not_become_wanted_by_using_its_id_again() {
    check(
        "start, done 1 x -> task 1 A | done 1 y -> nothing",
        expect![[r#"
        @4: turn 2s, done of 1 'y', end
        Running; took 3"#]],
    );
}

#[test]
fn a_throwaway_changes_nothing_but_the_turn_number() {
    check(
        "start -> status x | done 7 | event Go -> status x",
        expect![[r#"
        @3: turn 3s, event Go, end
        Running; took 3"#]],
    );
}
