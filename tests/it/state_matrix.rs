//! What each request is answered for an instance in each state: one table, over real instances.

use crate::support::Inside;

const STATES: [&str; 7] = ["unknown", "Pending", "Running", "Suspended", "Completed", "Failed", "Terminated"];

/// Request and status codes in the order of [`STATES`]. `ID` stands for the instance.
#[rustfmt::skip]
const MATRIX: &[(&str, [u16; 7])] = &[
    //                                                          unknown Pend Run  Susp Comp Fail Term
    ("GET instances/ID",                                            [404, 202, 202, 202, 200, 200, 200]),
    ("GET instances/ID?returnInternalServerErrorOnFailure=true",    [404, 202, 202, 202, 200, 500, 200]),
    ("POST orchestrators/HumanApproval/ID",                         [202, 409, 409, 409, 202, 202, 202]),
    ("POST instances/ID/raiseEvent/E",                              [404, 202, 202, 202, 410, 410, 410]),
    ("POST instances/ID/terminate",                                 [404, 202, 202, 202, 410, 410, 410]),
    ("POST instances/ID/suspend",                                   [404, 202, 202, 409, 410, 410, 410]),
    ("POST instances/ID/resume",                                    [404, 409, 409, 202, 410, 410, 410]),
    ("POST instances/ID/rewind",                                    [404, 412, 412, 412, 412, 202, 412]),
    ("POST instances/ID/restart",                                   [400, 202, 202, 202, 202, 202, 202]),
    ("POST instances/ID/restart?restartWithNewInstanceId=false",    [400, 409, 409, 409, 202, 202, 202]),
    ("DELETE instances/ID",                                         [404, 412, 412, 412, 200, 200, 200]),
];

async fn bring_to(server: &Inside, state: &str, id: &str) {
    let (function, input) = match state {
        "unknown" => return,
        "Pending" => ("NobodyServesThis", ""),
        "Completed" => ("HelloCities", ""),
        // Not what it takes.
        "Failed" => ("OrderSaga", "[]"),
        "Running" | "Suspended" | "Terminated" => ("HumanApproval", ""),
        other => panic!("{other}"),
    };
    server.start(function, id, input).await;
    if let "Suspended" | "Terminated" = state {
        server.until(id, "Running").await;
        server.control(id, if state == "Suspended" { "suspend" } else { "terminate" }, "").await;
    }
    server.until(id, state).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_answered_by_the_state_of_its_instance() {
    let server = Inside::start().await;
    for (row, (request, codes)) in MATRIX.iter().enumerate() {
        for (state, code) in STATES.iter().zip(codes) {
            let id = format!("{state}-{row}");
            bring_to(&server, state, &id).await;
            let (method, target) = request.split_once(' ').unwrap();
            let answer = server.ask(method, &target.replace("ID", &id), Some("")).await;
            assert_eq!(answer.status, *code, "{request} while {state}: {answer:?}");
            // Refusals say what is wrong where a body is for that.
            match answer.status {
                404 if target.ends_with("/rewind") => assert!(answer.json().is_string(), "{answer:?}"),
                404 | 410 => answer.is_empty(answer.status),
                409 => answer.is_error(409, &id),
                412 => assert!(answer.json().as_str().is_some_and(|text| text.contains(&id)), "{answer:?}"),
                _ => {}
            }
        }
    }
}
