//! The gate, keys and links, as tables.

use super::*;
use crate::{
    clock::{Clock as _, ManualClock},
    model::{HubName, Timestamp},
};
use std::{sync::Arc, time::Duration};

const NOW: Timestamp = Timestamp(1_767_323_045_999_999);
const SECRET: &[u8] = b"a secret of at least thirty-two bytes";
const OPERATIONS: [Operation; 20] = [
    Operation::Greet,
    Operation::Hello,
    Operation::Look,
    Operation::Status,
    Operation::History,
    Operation::List,
    Operation::Measure,
    Operation::Start,
    Operation::Signal,
    Operation::RaiseEvent,
    Operation::Terminate,
    Operation::Suspend,
    Operation::Resume,
    Operation::Restart,
    Operation::Rewind,
    Operation::Purge,
    Operation::PurgeMany,
    Operation::Work,
    Operation::AdministerHub,
    Operation::Administer,
];

fn key(name: &str, role: Role, keys: &[&str]) -> NamedKey {
    let digests = keys.iter().map(|key| Digest::of(key.as_bytes())).collect();
    NamedKey { name: name.into(), role, reach: Reach::ALL, digests }
}

fn keys() -> Keys {
    Keys::new(vec![
        key("reader", Role::Read, &["r"]),
        key("ops", Role::Operate, &["old", "new"]),
        key("runner", Role::Worker, &["w"]),
        key("root", Role::Admin, &["a"]),
    ])
}

fn gate(ttl_secs: u64) -> (Gate, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(NOW));
    let ttl = Duration::from_secs(ttl_secs);
    (Gate::guarded(keys(), LinkSigner::new(SECRET), ttl, clock.clone()), clock)
}

fn place(hub: &str, instance: &str) -> Place {
    Place { hub: hub.into(), instance: Some(instance.into()) }
}

/// No instance in particular.
fn somewhere() -> Place {
    Place { hub: "default".into(), instance: None }
}

fn caller(name: &str, role: Role) -> Caller {
    Caller::Key { name: name.into(), role, reach: Reach::ALL }
}

fn grant() -> Grant {
    Grant {
        hub: "default".into(),
        instance: "order-7 ü".into(),
        operations: Operations::ALL,
        expires_at: Some(Timestamp(1_767_323_099_000_000)),
    }
}

/// What a credential is told, in short.
fn told(gate: &Gate, credential: &str, operation: Operation, at: Place) -> &'static str {
    match gate.decide(Some(credential.as_bytes()), operation, || at) {
        Verdict::Allowed(_) => "allowed",
        Verdict::Unauthenticated => "unauthenticated",
        Verdict::Forbidden(_) => "forbidden",
    }
}

#[test]
fn roles_permit_what_the_documentation_says() {
    use Operation::*;
    let look = [Greet, Hello, Look, Status, History, List, Measure];
    let act = [Start, Signal, RaiseEvent, Terminate, Suspend, Resume, Restart, Rewind, Purge];
    for operation in OPERATIONS {
        let (looks, acts) = (look.contains(&operation), act.contains(&operation));
        assert_eq!(Role::Read.permits(operation), looks, "{operation:?}");
        assert_eq!(Role::Operate.permits(operation), looks || acts, "{operation:?}");
        assert_eq!(
            Role::Worker.permits(operation),
            matches!(operation, Greet | Hello | History | Work),
            "{operation:?}"
        );
        assert!(Role::Admin.permits(operation), "{operation:?}");
    }
    for role in Role::ALL {
        assert_eq!(Role::from_name(role.name()), Some(role));
    }
    assert_eq!(Role::from_name("Admin"), None);
}

#[test]
fn the_gate_knows_every_live_digest_and_nothing_else() {
    let (gate, _) = gate(0);
    for (credential, who) in [
        ("r", Some(caller("reader", Role::Read))),
        ("old", Some(caller("ops", Role::Operate))),
        ("new", Some(caller("ops", Role::Operate))),
        ("w", Some(caller("runner", Role::Worker))),
        ("a", Some(caller("root", Role::Admin))),
        ("R", None),
        ("", None),
        ("root", None),
        (&Digest::of(b"a").to_hex(), None),
    ] {
        let expected = who.map_or(Verdict::Unauthenticated, Verdict::Allowed);
        assert_eq!(
            gate.decide(Some(credential.as_bytes()), Operation::Greet, somewhere),
            expected,
            "{credential}"
        );
    }
    assert_eq!(gate.decide(None, Operation::Greet, somewhere), Verdict::Unauthenticated);
    assert_eq!(told(&gate, "r", Operation::Start, somewhere()), "forbidden");
    let nobody = Gate::guarded(
        Keys::default(),
        LinkSigner::new(SECRET),
        Duration::ZERO,
        Arc::new(ManualClock::default()),
    );
    assert_eq!(told(&nobody, "", Operation::Greet, somewhere()), "unauthenticated");
}

#[test]
fn without_keys_everybody_may_do_everything_and_links_carry_nothing() {
    let gate = Gate::open(Arc::new(ManualClock::default()));
    for operation in OPERATIONS {
        for credential in [None, Some(b"whatever".as_slice())] {
            assert_eq!(gate.decide(credential, operation, somewhere), Verdict::Allowed(Caller::Anyone));
        }
    }
    assert_eq!(gate.link(&Caller::Anyone, "default", "a".into()), None);
}

#[test]
fn a_link_is_good_for_its_instance_in_its_hub_and_for_what_its_maker_may() {
    let (gate, _) = gate(0);
    let here = || place("Default", "a");
    for (maker, may) in [
        (caller("reader", Role::Read), &[Operation::Status][..]),
        (caller("ops", Role::Operate), &Operation::AT_ONE_INSTANCE),
        (caller("root", Role::Admin), &Operation::AT_ONE_INSTANCE),
        (caller("runner", Role::Worker), &[]),
        (Caller::Local, &Operation::AT_ONE_INSTANCE),
    ] {
        let link = gate.link(&maker, "DEFAULT", "a".into()).unwrap();
        for operation in OPERATIONS {
            let expected = if may.contains(&operation) || operation == Operation::Greet {
                "allowed"
            } else {
                "forbidden"
            };
            assert_eq!(told(&gate, &link, operation, here()), expected, "{maker} {operation:?}");
        }
        for elsewhere in [somewhere(), place("default", "b"), place("default", "A"), place("other", "a")] {
            assert_eq!(
                told(&gate, &link, Operation::Status, elsewhere.clone()),
                "forbidden",
                "{elsewhere:?}"
            );
        }
    }
}

/// A key of each role for the hubs `one` and `two`.
fn bound_gate() -> Gate {
    let hubs = ["one", "Two"].map(|hub| HubName::parse(hub).unwrap());
    let bound = |role: Role| NamedKey { reach: Reach::only(&hubs), ..key(role.name(), role, &[role.name()]) };
    let clock = Arc::new(ManualClock::at(NOW));
    Gate::guarded(Keys::new(Role::ALL.map(bound).into()), LinkSigner::new(SECRET), Duration::ZERO, clock)
}

#[test]
fn a_key_for_some_hubs_may_there_what_its_role_may_and_nothing_elsewhere() {
    let gate = bound_gate();
    for role in Role::ALL {
        for operation in OPERATIONS {
            for (hub, own) in
                [("one", true), ("ONE", true), ("two", true), ("three", false), ("on", false), ("", false)]
            {
                let may = role.permits(operation)
                    && match operation.scope() {
                        Scope::Nowhere => true,
                        Scope::Hub => own,
                        Scope::Server => false,
                    };
                let told = told(&gate, role.name(), operation, Place { hub: hub.into(), instance: None });
                assert_eq!(told == "allowed", may, "{role} {operation:?} in {hub}: {told}");
            }
        }
    }
}

#[test]
fn a_caller_may_know_of_the_hubs_that_he_is_for() {
    let bound = Caller::Key {
        name: "ops".into(),
        role: Role::Admin,
        reach: Reach::only(&[HubName::parse("One").unwrap()]),
    };
    assert!(bound.may_know("oNE") && !bound.may_know("two") && !bound.permits(Operation::Administer));
    assert!(caller("root", Role::Admin).may_know("two") && Caller::Anyone.may_know("two"));
    assert!(Caller::Link(grant()).may_know("Default") && !Caller::Link(grant()).may_know("two"));
}

#[test]
fn a_link_ends_when_it_says_and_not_a_second_before_what_was_promised() {
    let (gate, clock) = gate(60);
    let link = gate.link(&caller("root", Role::Admin), "default", "a".into()).unwrap();
    let look = || told(&gate, &link, Operation::Status, place("default", "a"));
    for (at, expected) in [
        (NOW, "allowed"),
        (NOW.plus(Duration::from_secs(60)), "allowed"),
        (Timestamp(1_767_323_106_000_000), "forbidden"),
    ] {
        clock.move_to(at);
        assert_eq!(look(), expected, "{at}");
    }
    assert_eq!(told(&gate, &link, Operation::Greet, somewhere()), "forbidden");
}

#[test]
fn what_a_link_makes_is_no_wider_than_itself() {
    let (gate, clock) = gate(60);
    let signer = LinkSigner::new(SECRET);
    let narrow: Operations = [Operation::Status, Operation::Restart].into_iter().collect();
    let ends = NOW.plus(Duration::from_secs(30)).0 / 1_000_000 * 1_000_000;
    let own = Grant { operations: narrow, expires_at: Some(Timestamp(ends)), ..grant() };
    let made = signer
        .read(gate.link(&Caller::Link(own.clone()), "default", "b".into()).unwrap().as_bytes())
        .unwrap();
    assert_eq!((made.operations, made.expires_at, made.instance.as_str()), (narrow, own.expires_at, "b"));
    let endless = Grant { expires_at: None, ..own };
    let made =
        signer.read(gate.link(&Caller::Link(endless), "default", "b".into()).unwrap().as_bytes()).unwrap();
    assert_eq!(made.expires_at, Some(Timestamp(1_767_323_106_000_000)));
    assert_eq!(clock.now(), NOW);
}

#[test]
fn a_link_reads_as_it_was_signed_and_with_its_own_secret_only() {
    let signer = LinkSigner::new(SECRET);
    for grant in [
        grant(),
        Grant { expires_at: None, ..grant() },
        Grant { operations: [].into_iter().collect(), instance: String::new(), ..grant() },
        Grant { instance: "😀".repeat(600), hub: "h".repeat(64), ..grant() },
    ] {
        let token = signer.sign(&grant);
        assert!(
            token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')),
            "{token}"
        );
        assert_eq!(signer.read(token.as_bytes()), Some(grant));
        assert_eq!(LinkSigner::new(b"another secret of at least 32 bytes").read(token.as_bytes()), None);
    }
}

#[test]
fn a_link_changed_in_any_byte_is_not_known() {
    let (gate, _) = gate(0);
    let token = LinkSigner::new(SECRET).sign(&grant()).into_bytes();
    let ask = |token: &[u8]| gate.decide(Some(token), Operation::Status, || place("default", "order-7 ü"));
    assert!(matches!(ask(&token), Verdict::Allowed(Caller::Link(_))));
    for at in 0..token.len() {
        for new in (0..=u8::MAX).filter(|new| *new != token[at]) {
            let mut changed = token.clone();
            changed[at] = new;
            assert_eq!(ask(&changed), Verdict::Unauthenticated, "byte {at} as {new}");
        }
        let mut shorter = token.clone();
        shorter.remove(at);
        assert_eq!(ask(&shorter), Verdict::Unauthenticated, "without byte {at}");
    }
    for longer in [
        [&token, b"A".as_slice()].concat(),
        [&token, b"=".as_slice()].concat(),
        [b" ", token.as_slice()].concat(),
    ] {
        assert_eq!(ask(&longer), Verdict::Unauthenticated);
    }
}

#[test]
fn a_well_signed_link_with_unknown_operations_is_not_taken_for_a_narrower_one() {
    assert_eq!(Operations::from_bits(0x0100), None);
    assert_eq!(Operations::from_bits(0xffff), None);
    assert_eq!(Operations::from_bits(Operations::ALL.bits()), Some(Operations::ALL));
    // The places are part of every link there is.
    let places =
        Operation::AT_ONE_INSTANCE.map(|operation| [operation].into_iter().collect::<Operations>().bits());
    assert_eq!(places, [1, 2, 4, 8, 16, 32, 64, 128]);
}

#[test]
fn digests_are_read_in_full_and_shown_in_part() {
    let digest = Digest::of(b"abc");
    let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(digest.to_hex(), hex);
    assert_eq!(Digest::parse(hex), Some(digest));
    assert_eq!(Digest::parse(&hex.to_uppercase()), Some(digest));
    for bad in ["", &hex[1..], &hex[2..], &format!("{hex}00"), &hex.replacen('b', "g", 1), &"é".repeat(32)] {
        assert_eq!(Digest::parse(bad), None, "{bad}");
    }
    assert_eq!(format!("{digest} {digest:?}"), "ba7816bf... ba7816bf...");
    let (gate, _) = gate(0);
    let shown = format!("{gate:?} {:?} {:?}", LinkSigner::new(SECRET), keys());
    assert!(!shown.contains("secret") && !shown.contains(&hex[..16]), "{shown}");
}

#[test]
fn a_signature_counts_only_in_full() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let (gate, _) = gate(0);
    let token = LinkSigner::new(SECRET).sign(&grant());
    let (signed, mac) = token.rsplit_once('.').unwrap();
    let mac = URL_SAFE_NO_PAD.decode(mac).unwrap();
    let at = || place("default", "order-7 ü");
    for (length, expected) in
        [(32, "allowed"), (31, "unauthenticated"), (16, "unauthenticated"), (0, "unauthenticated")]
    {
        let cut = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(&mac[..length]));
        assert_eq!(told(&gate, &cut, Operation::Status, at()), expected, "{length}");
    }
}
