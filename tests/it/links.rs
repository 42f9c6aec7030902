//! The links of a 202 lead where they say, whatever the id looks like.

use crate::support::{Inside, escaped};

#[tokio::test(flavor = "multi_thread")]
async fn every_link_works_for_every_id_that_is_allowed() {
    let server = Inside::start().await;
    let (longest, long_in_units) = ("x".repeat(256), "😀".repeat(128));
    let ids = [
        "a",
        "a b",
        " a ",
        "a+b",
        "100%",
        "%41",
        "😀",
        "x|y",
        "a&b=c",
        "ü:ö;,",
        "a@b",
        "~'\"<>",
        "...",
        "instances",
        &longest,
        &long_in_units,
    ];
    for id in ids {
        let started = server.start("HumanApproval", id, "").await;
        let links = started.json();
        assert_eq!(links["id"], id);
        let link = |name: &str| {
            links[name].as_str().unwrap().replace("{text}", "why+not%3F").replace("{eventName}", "Other")
        };
        assert_eq!(started.location(), link("statusQueryGetUri"));

        let status = server.get(&link("statusQueryGetUri")).await;
        assert_eq!((status.status, &status.json()["instanceId"]), (202, &id.into()), "{id}");
        assert_eq!(status.location(), link("statusQueryGetUri"), "{id}");
        server.post(&link("sendEventPostUri"), "1").await.is_empty(202);
        server.post(&link("suspendPostUri"), "").await.is_empty(202);
        assert_eq!(server.status(id).await["runtimeStatus"], "Suspended");
        server.post(&link("resumePostUri"), "").await.is_empty(202);
        server.until(id, "Running").await;
        let purged_alive = server.ask("DELETE", &link("purgeHistoryDeleteUri"), None).await;
        assert_eq!(purged_alive.status, 412, "{id}");
        server.post(&link("terminatePostUri"), "").await.is_empty(202);
        assert_eq!(server.status(id).await["output"], "why not?");
        let restarted = server.post(&link("restartPostUri"), "").await;
        assert_eq!(restarted.status, 202, "{id}: {restarted:?}");
        assert_ne!(restarted.json()["id"], id);
        let purged = server.ask("DELETE", &link("purgeHistoryDeleteUri"), None).await;
        assert_eq!((purged.status, purged.body.as_str()), (200, r#"{"instancesDeleted":1}"#), "{id}");
        server.get(&link("statusQueryGetUri")).await.is_empty(404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plus_and_an_escaped_space_name_the_same_instance() {
    let server = Inside::start().await;
    server.start("HumanApproval", "a b", "").await;
    for spelled in ["a%20b", "a+b", "a%20b/"] {
        assert_eq!(server.get(&format!("instances/{spelled}")).await.json()["instanceId"], "a b");
    }
    server.get(&format!("instances/{}", escaped("a+b"))).await.is_empty(404);
}
