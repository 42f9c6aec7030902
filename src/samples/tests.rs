//! The samples do what their pages say.

use super::registry;
use crate::workers::embedded::simulator::Simulator;

fn check(name: &str, input: impl Into<Option<&'static str>>, expected: &str) {
    assert_eq!(Simulator::outcome_of(registry(), name, input), expected);
}

#[test]
fn hello_cities() {
    let expected = r#"Completed ["Hello, Tokyo!","Hello, Seattle!","Hello, London!"]"#;
    check("HelloCities", None, expected);
    check("HelloCities", "{\"ignored\":true}", expected);
}

#[test]
fn fan_out_fan_in() {
    check("FanOutFanIn", None, "Completed 385");
    check("FanOutFanIn", "0", "Completed 0");
    check("FanOutFanIn", "1000", "Completed 333833500");
    check(
        "FanOutFanIn",
        "10001",
        "Failed InvalidInputError: FanOutFanIn starts at most 10000 activities, not 10001",
    );
    check(
        "FanOutFanIn",
        "\"many\"",
        "Failed InvalidInputError: the input of 'FanOutFanIn' cannot be used: invalid type: \
         string \"many\", expected u64 at line 1 column 6",
    );
    for seed in 0..10 {
        let mut simulator = Simulator::new(registry()).shuffled(seed);
        simulator.start("i", "FanOutFanIn", "50");
        simulator.run();
        assert_eq!(simulator.outcome("i"), "Completed 42925", "seed {seed}");
    }
}

fn approval(payloads: &[&'static str]) -> (String, Option<String>) {
    let mut simulator = Simulator::new(registry());
    simulator.start("i", "HumanApproval", "{\"timeoutSeconds\":5}");
    for payload in payloads {
        simulator.raise("i", "approval", *payload);
    }
    simulator.run();
    (simulator.outcome("i"), simulator.instance("i").custom_status.clone())
}

#[test]
fn human_approval() {
    assert_eq!(approval(&["true"]).0, "Completed \"Approved\"");
    assert_eq!(approval(&["false", "true"]).0, "Completed \"Rejected\"");
    assert_eq!(approval(&[]).0, "Completed \"TimedOut\"");
    check("HumanApproval", None, "Completed \"TimedOut\"");
    check("HumanApproval", "{}", "Completed \"TimedOut\"");
}

#[test]
fn human_approval_ignores_what_is_no_decision() {
    assert_eq!(approval(&["\"yes\"", "not json", "1", "true"]).0, "Completed \"Approved\"");
    assert_eq!(approval(&["\"yes\"", "{}"]).0, "Completed \"TimedOut\"");
}

#[test]
fn order_saga_ships() {
    let expected = r#"Completed {"item":"book","amount":10,"outcome":"Shipped","done":["reserve","charge","ship"],"undone":[]}"#;
    check("OrderSaga", r#"{"item":"book","amount":10}"#, expected);
}

#[test]
fn order_saga_undoes_in_reverse_order() {
    let expected = r#"Completed {"item":"book","amount":10.5,"outcome":"Cancelled","done":["reserve","charge"],"undone":["charge","reserve"],"reason":"activity 'Samples.Ship' failed: StepFailed: asked to fail at this step, with the book"}"#;
    check("OrderSaga", r#"{"item":"book","amount":10.5,"failAt":"ship"}"#, expected);
    let expected = r#"Completed {"item":"book","amount":1,"outcome":"Cancelled","done":[],"undone":[],"reason":"activity 'Samples.Reserve' failed: StepFailed: asked to fail at this step, with the book"}"#;
    check("OrderSaga", r#"{"item":"book","amount":1,"failAt":"reserve"}"#, expected);
}

#[test]
fn order_saga_refuses_a_step_that_does_not_exist() {
    let outcome =
        Simulator::outcome_of(registry(), "OrderSaga", r#"{"item":"book","amount":1,"failAt":"sing"}"#);
    assert!(outcome.starts_with("Failed InvalidInputError"), "{outcome}");
    assert!(
        outcome.contains("unknown variant `sing`, expected one of `reserve`, `charge`, `ship`"),
        "{outcome}"
    );
}

#[test]
fn monitor_continues_as_new_between_checks() {
    let mut simulator = Simulator::new(registry());
    simulator.start("i", "Monitor", r#"{"checks":3,"intervalSeconds":1,"done":0}"#);
    simulator.run();
    assert_eq!(simulator.outcome("i"), r#"Completed {"done":3}"#);
    assert_eq!(simulator.instance("i").execution, 3);
    check("Monitor", None, r#"Completed {"done":3}"#);
    check("Monitor", r#"{"checks":0}"#, r#"Completed {"done":0}"#);
}

#[test]
fn slow_chain_shows_its_progress() {
    let mut simulator = Simulator::new(registry());
    simulator.start("i", "SlowChain", r#"{"steps":4,"delayMs":1}"#);
    simulator.run();
    assert_eq!(simulator.outcome("i"), "Completed 4");
    assert_eq!(simulator.instance("i").custom_status.as_deref(), Some(r#"{"done":4,"of":4}"#));
    check(
        "SlowChain",
        r#"{"steps":10001}"#,
        "Failed InvalidInputError: SlowChain makes at most 10000 steps, not 10001",
    );
}

#[test]
fn activities_of_samples_do_not_get_in_the_way_of_others() {
    assert!(registry().activities().all(|name| name.starts_with("Samples.")));
    let names: Vec<_> = registry().orchestrators().map(str::to_owned).collect();
    let expected =
        ["FanOutFanIn", "HelloCities", "HumanApproval", "Monitor", "OrderSaga", "SlowChain", "Transfer"];
    assert_eq!(names, expected);
    assert!(registry().entities().all(|name| name.starts_with("samples.")));
}

#[test]
fn a_counter_counts_and_is_reset() {
    let mut simulator = Simulator::new(registry());
    simulator.signal("@samples.counter@c", "add", "5");
    simulator.signal("@samples.counter@c", "ADD", "-2");
    simulator.signal("@samples.counter@c", "add", "9223372036854775807");
    simulator.run();
    assert_eq!(simulator.entity("@samples.counter@c").0, Some("3"));
    simulator.signal("@samples.counter@c", "reset", None);
    simulator.run();
    assert_eq!(simulator.entity("@samples.counter@c").0, Some("0"));
    simulator.signal("@samples.counter@c", "delete", None);
    simulator.signal("@samples.counter@c", "get", None);
    simulator.run();
    assert_eq!(simulator.entity("@samples.counter@c").0, None);
}

/// Transfers within one world where anna has 100.
fn transfer(input: &'static str) -> (String, Simulator) {
    let mut simulator = Simulator::new(registry());
    simulator.signal("@samples.account@anna", "deposit", "100");
    simulator.signal("@samples.account@full", "deposit", "9223372036854775807");
    simulator.start("i", "Transfer", input);
    simulator.run();
    (simulator.outcome("i"), simulator)
}

#[test]
fn a_transfer_moves_money_or_none() {
    let (outcome, simulator) = transfer(r#"{"from":"anna","to":"ben","amount":30}"#);
    assert_eq!(outcome, r#"Completed {"from":70,"to":30}"#);
    assert_eq!(simulator.entity("@samples.account@ben"), (Some(r#"{"balance":30}"#), None));
    for (input, reason) in [
        (
            r#"{"from":"anna","to":"ben","amount":101}"#,
            "TaskFailedError: operation 'withdraw' of entity '@samples.account@anna' failed: Overdrawn: the balance is 100, which is less than 101",
        ),
        (
            r#"{"from":"anna","to":"full","amount":1}"#,
            "TaskFailedError: operation 'deposit' of entity '@samples.account@full' failed: Overflow: 9223372036854775807 and 1 is more than an Account can hold",
        ),
        (r#"{"from":"anna","to":"ben","amount":0}"#, "InvalidInputError: amount must be above 0, not 0"),
        (r#"{"from":"anna","to":"ben","amount":-1}"#, "InvalidInputError: amount must be above 0, not -1"),
        (
            r#"{"from":"anna","to":"anna","amount":1}"#,
            "InvalidInputError: from and to are the same account, 'anna'",
        ),
    ] {
        let (outcome, simulator) = transfer(input);
        assert_eq!(outcome, format!("Failed {reason}"));
        assert_eq!(simulator.entity("@samples.account@anna"), (Some(r#"{"balance":100}"#), None), "{input}");
        assert_eq!(simulator.entity("@samples.account@ben"), (None, None), "{input}");
    }
}
