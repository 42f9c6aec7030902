//! Who is let in, route by route.

use super::*;
use crate::auth::{Digest, Keys, LinkSigner, NamedKey, Operation, Reach, Role};
use std::{net::SocketAddr, time::Duration};

const SECRET: &[u8] = b"a secret of at least thirty-two bytes";
const RPC: &str = "http://host:7071/durabletask";

fn key_of(role: Role) -> String {
    format!("the-key-to-{role}")
}

async fn guarded(settings: HttpSettings) -> World {
    World::guarded(settings, false, |clock| {
        let keys = Role::ALL.map(|role| NamedKey {
            name: role.name().into(),
            role,
            reach: Reach::ALL,
            digests: vec![Digest::of(key_of(role).as_bytes())],
        });
        Gate::guarded(Keys::new(keys.into()), LinkSigner::new(SECRET), Duration::ZERO, clock)
    })
    .await
}

async fn world() -> World {
    let world = guarded(HttpSettings { body_limit_bytes: BODY_LIMIT, ..HttpSettings::default() }).await;
    for id in ["a", "b"] {
        let started = world.keyed(Role::Operate, "POST", &format!("/orchestrators/F/{id}")).await;
        assert_eq!(started.status, 202);
    }
    world
}

impl World {
    async fn keyed(&self, role: Role, method: &str, path: &str) -> Answer {
        self.ask(method, path, &[("x-functions-key", &key_of(role))], "").await
    }
}

/// Every operation that `Route` has, by its name in logs, and the least that it takes. Looked up, so that a route which is missing here
/// fails the test below.
#[rustfmt::skip]
const ROUTES: &[(&str, &str, &str, Operation)] = &[
    ("start",         "POST",   "/orchestrators/F/c",             Operation::Start),
    ("start",         "POST",   "/orchestrators/F",               Operation::Start),
    ("status",        "GET",    "/instances/a",                   Operation::Status),
    ("purge",         "DELETE", "/instances/a",                   Operation::Purge),
    ("raise_event",   "POST",   "/instances/a/raiseEvent/E",      Operation::RaiseEvent),
    ("terminate",     "POST",   "/instances/a/terminate",         Operation::Terminate),
    ("suspend",       "POST",   "/instances/a/suspend",           Operation::Suspend),
    ("resume",        "POST",   "/instances/a/resume",            Operation::Resume),
    ("rewind",        "POST",   "/instances/a/rewind",            Operation::Rewind),
    ("restart",       "POST",   "/instances/a/restart",           Operation::Restart),
    ("list",          "GET",    "/instances",                     Operation::List),
    ("purge_many",    "DELETE", "/instances?createdTimeFrom=2026-01-01", Operation::PurgeMany),
    ("list_entities", "GET",    "/entities",                      Operation::List),
    ("list_entities", "GET",    "/entities/counter",              Operation::List),
    ("read_entity",   "GET",    "/entities/counter/k",            Operation::List),
    ("signal_entity", "POST",   "/entities/counter/k",            Operation::Signal),
    ("signal_entity", "DELETE", "/entities/counter",              Operation::Signal),
    ("make_primary",  "POST",   "/makeprimary",                   Operation::Administer),
    ("unknown",       "PUT",    "/instances/a",                   Operation::Greet),
    ("unknown",       "GET",    "/nothing",                       Operation::Greet),
];

#[test]
fn the_table_has_every_route() {
    use super::super::route::{Route, matches};
    // One of each variant. No catch-all: a new one must be added here, and so to the table.
    let known = |route: &Route| match route {
        Route::Start { .. } | Route::Status { .. } | Route::Purge { .. } | Route::RaiseEvent { .. } => (),
        Route::Terminate { .. } | Route::Suspend { .. } | Route::Resume { .. } | Route::Rewind { .. } => (),
        Route::Restart { .. } | Route::List | Route::PurgeMany | Route::ListEntities { .. } => (),
        Route::ReadEntity { .. } | Route::SignalEntity { .. } | Route::MakePrimary | Route::Unknown => (),
    };
    let mut seen = std::collections::BTreeSet::new();
    for (name, method, path, operation) in ROUTES {
        let path = path.split('?').next().unwrap();
        let route = matches(&method.parse().unwrap(), path);
        known(&route);
        assert_eq!((route.name(), route.operation()), (*name, *operation), "{method} {path}");
        seen.insert(route.name());
    }
    assert_eq!(seen.len(), 16, "a route is missing in the table: {seen:?}");
}

#[tokio::test]
async fn every_route_asks_for_its_permission_at_both_mounts() {
    let world = world().await;
    for (_, method, path, operation) in ROUTES {
        for path in [(*path).to_owned(), format!("{RPC}{path}")] {
            let none = world.ask(method, &path, &[], "").await;
            none.is_empty(401);
            assert_eq!(none.challenge.as_deref(), Some("Bearer"), "{method} {path}");
            world.ask(method, &path, &[("x-functions-key", "wrong")], "").await.is_empty(401);
            // The one that may goes last, because it may end things.
            for role in [Role::Worker, Role::Read, Role::Operate, Role::Admin] {
                let answer = world.keyed(role, method, &path).await;
                let told = format!("{role} {method} {path}: {answer:?}");
                match role.permits(*operation) {
                    true => assert!(!matches!(answer.status, 401 | 403), "{told}"),
                    false => answer.is_empty(403),
                }
                assert_eq!(answer.challenge, None, "{told}");
            }
        }
    }
}

#[tokio::test]
async fn only_what_holds_no_data_is_open_and_what_is_nowhere_is_401_before_404() {
    let world = world().await;
    for (path, status) in [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/openapi.yaml", 200),
        ("/docs", 200),
        ("/", 307),
        ("/dashboard", 200),
        ("/dashboard/", 200),
        ("/dashboard/instances", 200),
        ("/dashboard/assets/no.js", 404),
    ] {
        assert_eq!(world.raw(path).await.0, status, "{path}");
    }
    for path in [
        "/dashboards",
        "/Dashboard",
        "/healthz/",
        "/HEALTHZ",
        "/metrics/",
        "/durabletaskx/instances/a",
        "/instances/a",
    ] {
        let path = format!("http://host:7071{path}");
        world.get(&path).await.is_empty(401);
        for role in Role::ALL {
            world.keyed(role, "GET", &path).await.is_empty(404);
        }
    }
    // A browser asks before it sends a key. It is told nothing about what there is.
    for path in ["/instances", "/nothing"] {
        world
            .ask("OPTIONS", path, &[("origin", "https://x"), ("access-control-request-method", "GET")], "")
            .await
            .is_empty(404);
    }
}

#[tokio::test]
async fn the_header_wins_over_the_bearer_and_both_over_the_query() {
    let world = world().await;
    let (good, bearer) = (key_of(Role::Read), format!("Bearer {}", key_of(Role::Read)));
    let with_code = format!("/instances/a?code={good}");
    for (path, headers, status) in [
        (with_code.as_str(), &[][..], 202),
        ("/instances/a", &[("x-functions-key", good.as_str())], 202),
        ("/instances/a", &[("authorization", &bearer)], 202),
        ("/instances/a?code=bad", &[("x-functions-key", &good)], 202),
        (&with_code, &[("x-functions-key", "bad")], 401),
        (&with_code, &[("authorization", "Bearer bad")], 401),
        ("/instances/a", &[("x-functions-key", "bad"), ("authorization", &bearer)], 401),
        ("/instances/a", &[("x-functions-key", &good), ("authorization", "Bearer bad")], 202),
        // What is not a key of ours at all does not stand in the way.
        (&with_code, &[("authorization", "Basic dTpw")], 202),
        (&with_code, &[("x-functions-key", "")], 202),
        ("/instances/a?code=", &[], 401),
        (&format!("/instances/a?CODE={good}"), &[], 202),
        (&format!("/instances/a?code={good}&code={good}"), &[], 401),
    ] {
        let answer = world.ask("GET", path, headers, "").await;
        assert_eq!(answer.status, status, "{path} {headers:?}: {answer:?}");
    }
}

/// The `code` of a link.
fn code(link: &str) -> String {
    link.split(['?', '&'])
        .find_map(|piece| piece.strip_prefix("code="))
        .unwrap_or_else(|| panic!("{link}"))
        .to_owned()
}

#[tokio::test]
async fn links_work_for_their_instance_and_their_operations_only() {
    let world = world().await;
    world.store.change("a", |kept| kept.record.status = Status::Running);
    let started = world.keyed(Role::Operate, "POST", "/orchestrators/F/mine").await;
    let links = started.json();
    assert_eq!(started.location.as_deref(), links["statusQueryGetUri"].as_str());
    let code = code(started.location.as_deref().unwrap());
    for (name, link) in links.as_object().unwrap().iter().filter(|(name, _)| *name != "id") {
        assert!(link.as_str().unwrap().ends_with(&format!("&code={code}")), "{name}");
    }
    for (_, method, path, operation) in ROUTES {
        let one = Operation::AT_ONE_INSTANCE.contains(operation);
        let and = if path.contains('?') { '&' } else { '?' };
        // Somebody else's instance, a start, a list, a purge of many...
        let answer = world.ask(method, &format!("{path}{and}code={code}"), &[], "").await;
        match *operation == Operation::Greet {
            true => answer.is_empty(404),
            false => answer.is_empty(403),
        }
        if one && *operation != Operation::Purge {
            let own = path.replace("/instances/a", "/instances/mine");
            let answer = world.ask(method, &format!("{own}?code={code}"), &[], "").await;
            assert!(!matches!(answer.status, 401 | 403 | 404), "{method} {own}: {answer:?}");
        }
    }
    let of_mine = |query: &str| format!("/instances/mine?{query}&code={code}");
    assert_eq!(world.get(&of_mine("taskHub=DEFAULT")).await.status, 200);
    world.get(&of_mine("taskHub=other")).await.is_empty(403);
    world.get(&format!("/instances/Mine?code={code}")).await.is_empty(403);
    world.get(&format!("/instances/mine?code={}", code.replacen("l1.", "l1.A", 1))).await.is_empty(401);
    assert_eq!(world.ask("GET", "/instances/mine", &[("x-functions-key", &code)], "").await.status, 200);
    assert_eq!(world.ask("DELETE", &of_mine(""), &[], "").await.status, 200);
}

#[tokio::test]
async fn a_poll_never_tells_a_key_again() {
    let world = world().await;
    let (read, operate) = (key_of(Role::Read), key_of(Role::Operate));
    let path = format!("{WEBHOOK_BASE}/instances/a");
    // A key in the query gives way to a link that may do no more than look.
    let poll = world.get(&format!("/instances/a?showInput=false&Code={read}&x=1")).await;
    let location = poll.location.unwrap();
    assert!(
        location.starts_with(&format!("http://host:7071{path}?showInput=false&x=1&code=l1.")),
        "{location}"
    );
    let link = code(&location);
    assert_eq!(world.get(&format!("/instances/a?code={link}")).await.status, 202);
    world.ask("POST", &format!("/instances/a/terminate?code={link}"), &[], "").await.is_empty(403);
    // A link stays as it is.
    let again = world.get(&format!("/instances/a?code={link}")).await.location.unwrap();
    assert_eq!(again, format!("http://host:7071{path}?code={link}"));
    // A key in a header is not told, and one that lies beside it in the query neither.
    let header = [("x-functions-key", operate.as_str())];
    let poll = world.ask("GET", "/instances/a?x=1", &header, "").await;
    assert_eq!(poll.location, Some(format!("http://host:7071{path}?x=1")));
    let poll = world.ask("GET", &format!("/instances/a?code={read}"), &header, "").await;
    assert!(!poll.location.unwrap().contains(&read));
    // The holder of a link cannot get more by showing it in the header.
    let poll =
        world.ask("GET", &format!("/instances/a?code={operate}"), &[("x-functions-key", &link)], "").await;
    assert_eq!(code(&poll.location.unwrap()), link);
}

#[tokio::test]
async fn a_restart_by_link_makes_links_as_narrow_as_itself() {
    let world = world().await;
    let narrow = [Operation::Status, Operation::Restart].into_iter().collect();
    let grant = crate::auth::Grant {
        hub: "default".into(),
        instance: "a".into(),
        operations: narrow,
        expires_at: None,
    };
    let link = LinkSigner::new(SECRET).sign(&grant);
    world.store.change("a", |kept| kept.record.status = Status::Completed);
    let restarted = world.ask("POST", &format!("/instances/a/restart?code={link}"), &[], "").await;
    assert_eq!(restarted.status, 202, "{restarted:?}");
    let made = code(restarted.location.as_deref().unwrap());
    let id = restarted.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(world.get(&format!("/instances/{id}?code={made}")).await.status, 202);
    world.ask("POST", &format!("/instances/{id}/terminate?code={made}"), &[], "").await.is_empty(403);
    world.get(&format!("/instances/{id}?code={link}")).await.is_empty(403);
    // An id of his own choice would lead him to the instances of others.
    world.store.change("b", |kept| kept.record.status = Status::Completed);
    let chosen = format!("/instances/a/restartWithOptions?newInstanceId=b&code={link}");
    world.ask("POST", &chosen, &[], "").await.is_empty(403);
    world.store.look("b", |kept| assert_eq!(kept.unwrap().record.status, Status::Completed));
}

#[tokio::test]
async fn the_second_mount_is_open_to_this_machine_if_the_settings_say_so() {
    let open = guarded(HttpSettings { open_rpc_mount: true, ..HttpSettings::default() }).await;
    let closed = guarded(HttpSettings::default()).await;
    let near: SocketAddr = "127.0.0.1:9".parse().unwrap();
    let ask = async |world: &World, peer: Option<SocketAddr>, path: &str, headers: &[(&str, &str)]| {
        world.ask_from(peer.map(Peer), "GET", &format!("http://host:7071{path}"), headers, "").await.status
    };
    let rpc = "/durabletask/instances";
    assert_eq!(ask(&open, Some(near), rpc, &[]).await, 200);
    assert_eq!(ask(&open, Some("[::ffff:127.0.0.9]:9".parse().unwrap()), rpc, &[]).await, 200);
    assert_eq!(ask(&open, Some("[::1]:9".parse().unwrap()), rpc, &[]).await, 200);
    for (world, peer, path, headers) in [
        (&closed, Some(near), rpc, &[][..]),
        (&open, Some("10.0.0.1:9".parse().unwrap()), rpc, &[]),
        (&open, None, rpc, &[]),
        (&open, Some(near), "/runtime/webhooks/durabletask/instances", &[]),
        (&open, Some(near), "/anything", &[]),
        (&open, Some(near), rpc, &[("x-forwarded-for", "1.2.3.4")]),
        (&open, Some(near), rpc, &[("x-forwarded-host", "")]),
        (&open, Some(near), rpc, &[("forwarded", "for=1.2.3.4")]),
        (&open, Some(near), rpc, &[("via", "1.1 x")]),
        // Who shows a key is judged by it.
        (&open, Some(near), rpc, &[("x-functions-key", "bad")]),
    ] {
        assert_eq!(ask(world, peer, path, headers).await, 401, "{peer:?} {path} {headers:?}");
    }
    // The links lead to the other mount, so they carry what is needed there, polls included.
    let started = open.ask_from(Some(Peer(near)), "POST", &format!("{RPC}/orchestrators/F/a"), &[], "").await;
    let link = started.location.unwrap();
    let poll = open.get(&link).await;
    assert_eq!((poll.status, poll.location), (202, Some(link)));
    let poll = open.ask_from(Some(Peer(near)), "GET", &format!("{RPC}/instances/a"), &[], "").await;
    assert_eq!(open.get(&poll.location.unwrap()).await.status, 202);
}

#[tokio::test]
async fn trusted_proxies_shape_links_and_polls() {
    let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    let world = World::with(HttpSettings { trusted_proxies, ..HttpSettings::default() }, false).await;
    let said = [("x-forwarded-host", "flows.example.com:8443"), ("x-forwarded-proto", "https")];
    for (peer, origin) in
        [("10.9.9.9:9", "https://flows.example.com:8443"), ("11.9.9.9:9", "http://host:7071")]
    {
        let peer = Some(Peer(peer.parse().unwrap()));
        let started = world.ask_from(peer, "POST", "/orchestrators/F", &said, "").await;
        let id = started.json()["id"].as_str().unwrap().to_owned();
        let expected = format!("{origin}{WEBHOOK_BASE}/instances/{id}");
        assert!(started.location.unwrap().starts_with(&expected));
        assert!(started.body.matches(origin).count() == 7, "{}", started.body);
        for path in [format!("/instances/{id}"), format!("{RPC}/instances/{id}")] {
            assert_eq!(world.ask_from(peer, "GET", &path, &said, "").await.location, Some(expected.clone()));
        }
    }
}

#[tokio::test]
async fn own_routes_ask_for_their_permission_and_take_no_links() {
    let world = world().await;
    let started = world.keyed(Role::Admin, "POST", "/orchestrators/F/mine").await;
    let code = code(&started.location.unwrap());
    for (method, path, operation) in [
        ("GET", "about", Operation::List),
        ("GET", "jobs", Operation::List),
        ("GET", "jobs/x", Operation::List),
        ("DELETE", "jobs/x", Operation::List),
        ("POST", "jobs/x/stop", Operation::List),
        ("GET", "parked", Operation::List),
        ("POST", "instances/x/retry", Operation::Resume),
        ("POST", "instances/x/discard", Operation::Terminate),
        ("GET", "hubs", Operation::List),
        ("POST", "hubs", Operation::Administer),
        ("DELETE", "hubs/x", Operation::Administer),
        ("POST", "check", Operation::Administer),
        ("GET", "check", Operation::Administer),
        ("GET", "events", Operation::List),
    ] {
        let path = format!("http://host:7071/api/v1/{path}");
        world.ask(method, &path, &[], "").await.is_empty(401);
        world.ask(method, &format!("{path}?code={code}"), &[], "").await.is_empty(403);
        for role in Role::ALL {
            // The stream does not end, so what it answers is looked at without its body.
            let request =
                Request::builder().method(method).uri(&path).header("x-functions-key", key_of(role));
            let answer = world.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            let refused = answer.status().as_u16() == 403;
            assert_eq!(refused, !role.permits(operation), "{role} {method} {path}");
        }
    }
}
