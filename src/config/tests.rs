//! What a user may write where, what wins, and what the answer is to everything else.

use super::{keys::KEYS, *};
use std::{collections::BTreeSet, fs, path::Path};

/// Loads from a file's text, variables and flags.
fn from(file: &str, environment: &[(&str, &str)], flags: &[Setting]) -> Result<Effective, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.toml");
    fs::write(&path, file).unwrap();
    load(&Sources {
        file: (!file.is_empty()).then_some(path),
        environment: environment.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        flags: flags.to_vec(),
    })
}

fn flag(flag: &'static str, key: &'static str, value: &str) -> Setting {
    Setting { flag, key, value: value.to_owned() }
}

/// The text of the error must contain every part.
fn refused(result: Result<Effective, Error>, parts: &[&str]) {
    let text = result.expect_err(&format!("must be refused: {parts:?}")).to_string();
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}

fn same(one: &Config, other: &Config) {
    assert_eq!(format!("{one:#?}"), format!("{other:#?}"));
}

fn committed_file() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config.toml")).unwrap()
}

#[test]
fn nothing_given_means_the_defaults() {
    let effective = load(&Sources::default()).unwrap();
    same(&effective.config, &Config::default());
    assert_eq!(effective.config.hubs.default_name().as_str(), "default");
    assert_eq!(effective.origin("server.listen"), "default");
}

#[test]
fn the_committed_file_says_exactly_the_defaults() {
    same(&from(&committed_file(), &[], &[]).unwrap().config, &Config::default());
}

#[test]
fn structs_table_and_committed_file_have_the_same_keys() {
    let table: BTreeSet<_> = KEYS.iter().map(keys::Key::path).collect();
    assert_eq!(table.len(), KEYS.len(), "a key is in the table twice");

    let structs = serde_json::to_value(Config::default()).unwrap();
    let section = |(section, keys): (&String, &serde_json::Value)| -> Vec<String> {
        keys.as_object().unwrap().keys().map(|key| format!("{section}.{key}")).collect()
    };
    assert_eq!(structs.as_object().unwrap().iter().flat_map(section).collect::<BTreeSet<_>>(), table);

    let file = <figment::providers::Toml as figment::providers::Format>::from_str(&committed_file());
    let file: serde_json::Map<String, serde_json::Value> = file.unwrap();
    assert_eq!(file.iter().flat_map(section).collect::<BTreeSet<_>>(), table);
}

#[test]
fn a_flag_wins_over_a_variable_over_the_file_over_the_default() {
    let file = "[store]\nurl = \"sqlite:file.db\"\nreaders = 1\nread_budget_ms = 11";
    let environment = [("DURAHUB__STORE__URL", "sqlite:variable.db"), ("DURAHUB__STORE__READERS", "2")];
    let flags = [flag("--store", "store.url", "sqlite:flag.db")];
    let effective = from(file, &environment, &flags).unwrap();
    let store = &effective.config.store;
    assert_eq!(store.url, StoreUrl::File("flag.db".into()));
    assert_eq!((store.readers, store.read_budget_ms, store.synchronous), (2, 11, Synchronous::Full));
    assert_eq!(effective.origin("store.url"), "flag --store");
    assert_eq!(effective.origin("store.readers"), "environment variable DURAHUB__STORE__READERS");
    assert!(effective.origin("store.read_budget_ms").ends_with("test.toml"));
    assert_eq!(effective.origin("store.synchronous"), "default");
}

#[test]
fn every_key_can_be_set_by_its_variable() {
    let given = [
        ("SERVER__LISTEN", "[::1]:80"),
        ("SERVER__INSECURE", "true"),
        ("SERVER__PUBLIC_BASE_URL", "https://example.org/hub/"),
        ("STORE__SYNCHRONOUS", "normal"),
        ("HUBS__NAMES", "Main, other"),
        ("HUBS__WEBHOOK_SECRETS", "main github 0123456789abcdef, main github fedcba9876543210"),
        ("HTTP__CORS_ORIGINS", "https://a.example, http://localhost:3000"),
        ("HTTP__EVENT_CONTENT_TYPE", "any"),
        ("LIMITS__BODY_BYTES", "2048"),
        ("LOG__LEVEL", "info,durahub=debug"),
        ("LOG__FORMAT", "json"),
    ]
    .map(|(name, value)| (format!("DURAHUB__{name}"), value));
    let config =
        from("", &given.each_ref().map(|(name, value)| (name.as_str(), *value)), &[]).unwrap().config;
    assert_eq!(config.server.listen, "[::1]:80".parse().unwrap());
    assert!(config.server.insecure);
    assert_eq!(config.server.public_base_url, "https://example.org/hub");
    assert_eq!(config.store.synchronous, Synchronous::Normal);
    assert_eq!(config.hubs.names.iter().map(HubName::as_str).collect::<Vec<_>>(), ["Main", "other"]);
    let secrets: Vec<_> = config.hubs.webhook_secrets.iter().map(|secret| secret.key.as_slice()).collect();
    assert_eq!(secrets, [b"0123456789abcdef", b"fedcba9876543210"]);
    assert_eq!(config.http.cors_origins, ["https://a.example", "http://localhost:3000"]);
    assert_eq!(config.http.event_content_type, EventContentType::Any);
    assert_eq!(config.limits.body_bytes, 2048);
    assert_eq!(config.log.level, "info,durahub=debug");
    assert_eq!(config.log.format, LogFormat::Json);

    // Any text may be the name of a file.
    let files = ["tls.cert", "tls.key", "audit.file"];
    for key in KEYS.iter().filter(|key| !files.contains(&key.path().as_str())) {
        let wrong = [(key.variable(), "@"), (key.variable(), "-1")];
        for (name, value) in &wrong {
            refused(from("", &[(name, value)], &[]), &[&key.path(), name, &key.allowed.to_string()]);
        }
    }
}

#[test]
fn values_that_are_not_allowed_name_key_source_and_what_is() {
    for (line, parts) in [
        ("[server]\nlisten = \"7071\"", ["server.listen is \"7071\"", "an address and a port"]),
        ("[server]\nlisten = 7071", ["server.listen is 7071", "an address and a port"]),
        ("[server]\nlisten = \"example.org:80\"", ["server.listen", "127.0.0.1:7071"]),
        ("[server]\ninsecure = \"yes\"", ["server.insecure is \"yes\"", "true or false"]),
        ("[server]\nshutdown_deadline_secs = 0", ["server.shutdown_deadline_secs is 0", "from 1 to 3600"]),
        ("[server]\npublic_base_url = \"example.org\"", ["server.public_base_url", "http://HOST"]),
        ("[server]\npublic_base_url = \"http://h/?a=b\"", ["server.public_base_url", "without query"]),
        ("[store]\nurl = \"mysql:x\"", ["store.url is \"mysql:x\"", "sqlite:PATH"]),
        ("[store]\nsynchronous = \"off\"", ["store.synchronous is \"off\"", "full or normal"]),
        ("[store]\nreaders = 257", ["store.readers is 257", "from 1 to 256"]),
        ("[store]\nreaders = 2.5", ["store.readers is 2.5", "a whole number"]),
        ("[store]\nreaders = \"4\"", ["store.readers is \"4\"", "a whole number"]),
        ("[store]\nread_budget_ms = -1", ["store.read_budget_ms is -1", "from 10 to"]),
        ("[hubs]\nnames = []", ["hubs.names is []", "at least one"]),
        ("[hubs]\nnames = [\"a\", \"A\"]", ["hubs.names is [\"a\",\"A\"]", "none twice"]),
        ("[hubs]\nnames = [\"a b\"]", ["hubs.names", "letters, digits"]),
        ("[hubs]\nnames = [1]", ["hubs.names is [1]", "a list of"]),
        ("[hubs]\nnames = \"a\"", ["hubs.names is \"a\"", "a list of"]),
        ("[server]\nallowed_hosts = [\"a:80\"]", ["server.allowed_hosts is", "without ports"]),
        ("[server]\nallowed_hosts = [\"http://a\"]", ["server.allowed_hosts is", "without ports"]),
        ("[server]\nallowed_hosts = [\"*\", \"a\"]", ["server.allowed_hosts is", "or * alone"]),
        ("[http]\ncors_origins = [\"*\", \"https://a\"]", ["http.cors_origins is", "or * alone"]),
        ("[http]\ncors_origins = [\"https://a/\"]", ["http.cors_origins is", "https://app.example.org"]),
        ("[http]\ncors_origins = [\"a.example\"]", ["http.cors_origins is", "https://app.example.org"]),
        ("[http]\nevent_content_type = \"xml\"", ["http.event_content_type is \"xml\"", "json or any"]),
        (
            "[http]\noverridable_existing_instance_states = \"any\"",
            ["http.overridable_existing_instance_states is \"any\"", "NonRunningStates or AnyState"],
        ),
        ("[server]\nidle_secs = 0", ["server.idle_secs is 0", "from 1 to 86400"]),
        ("[hubs]\nwebhook_secrets = \"a github b\"", ["hubs.webhook_secrets is not shown here", "a list of"]),
        ("[limits]\nbody_bytes = 1_000_000_000_000", ["limits.body_bytes is 1000000000000", "to 536870912"]),
        ("[log]\nlevel = \"debgu\"", ["log.level is \"debgu\"", "TARGET=LEVEL"]),
        ("[log]\nformat = \"xml\"", ["log.format is \"xml\"", "auto, text or json"]),
        ("[log.format]\na = 1", ["log.format is {\"a\":1}", "auto, text or json"]),
    ] {
        refused(from(line, &[], &[]), &[parts[0], parts[1], "test.toml"]);
    }
}

#[test]
fn what_may_grow_must_fit_into_a_message_that_is_sent() {
    let file = "[limits]\ngrpc_sent_bytes = 4_000_000";
    let sent = "limits.grpc_sent_bytes is 4000000";
    refused(
        from(file, &[], &[]),
        &[sent, "test.toml", "limits.work_item_bytes, which is 4128768 (from default)", "at least 4128768"],
    );
    let smaller = [("DURAHUB__LIMITS__WORK_ITEM_BYTES", "4000000")];
    assert_eq!(from(file, &smaller, &[]).unwrap().config.limits.grpc_sent_bytes, 4_000_000);
    let payload = [smaller[0], ("DURAHUB__LIMITS__PAYLOAD_BYTES", "4000000")];
    refused(from(file, &payload, &[]), &[sent, "limits.payload_bytes, which is 4000000", "at least 4131072"]);
}

#[test]
fn a_bad_value_counts_even_where_another_source_wins() {
    let environment = [("DURAHUB__STORE__URL", "sqlite:good.db")];
    refused(from("[store]\nurl = \"bad\"", &environment, &[]), &["store.url is \"bad\"", "test.toml"]);
}

#[test]
fn unknown_keys_name_themselves_their_source_and_the_known_ones() {
    for (line, parts) in [
        (
            "[server]\nlisen = 1",
            ["unknown setting server.lisen", "the keys of [server] are listen, insecure"],
        ),
        (
            "[sevrer]\nlisten = 1",
            ["unknown setting [sevrer]", "the sections are server, tls, http, dashboard, auth"],
        ),
        ("listen = 1", ["unknown setting listen", "the sections are server, tls, http, dashboard, auth"]),
        ("server = 1", ["unknown setting server", "the keys of [server] are listen"]),
    ] {
        refused(from(line, &[], &[]), &[parts[0], parts[1], "test.toml"]);
    }
    for (name, part) in [
        ("DURAHUB__SERVER__LISEN", "the variables of [server] are DURAHUB__SERVER__LISTEN, "),
        ("DURAHUB__SEVRER__LISTEN", "the sections are server, tls, http, dashboard, auth"),
        ("DURAHUB__SERVER", "the variables of [server] are "),
        ("DURAHUB__", "the sections are"),
        ("DURAHUB_STORE_URL", "did you mean DURAHUB__STORE__URL?"),
        ("DURAHUB__STORE_URL", "did you mean DURAHUB__STORE__URL?"),
        ("durahub__store__url", "did you mean DURAHUB__STORE__URL?"),
    ] {
        refused(from("", &[(name, "x")], &[]), &["unknown setting", name, "the environment", part]);
    }
}

#[test]
fn other_peoples_variables_are_left_alone() {
    let environment =
        [("DURAHUB_CONFIG", ""), ("DURAHUB_BIN", "x"), ("DURAHUB_PORT_7071_TCP", "x"), ("PATH", "x")];
    same(&from("", &environment, &[]).unwrap().config, &Config::default());
}

#[test]
fn files_that_cannot_be_read_are_named() {
    refused(from("[server", &[], &[]), &["test.toml", "not valid TOML", "line 1"]);
    let missing = Sources { file: Some("no/such/file.toml".into()), ..Sources::default() };
    refused(load(&missing), &["no/such/file.toml", "No such file"]);
}

#[test]
fn only_loopback_addresses_are_served_without_saying_insecure() {
    for good in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "localhost:1"] {
        assert!(from("", &[], &[flag("--listen", "server.listen", good)]).is_ok(), "{good}");
    }
    for bad in ["0.0.0.0:1", "[::]:1", "192.168.1.5:1", "[::ffff:10.0.0.1]:1"] {
        let listen = flag("--listen", "server.listen", bad);
        let parts = [bad, "flag --listen", "no key", "durahub key new", "127.0.0.1:7071", "--insecure"];
        refused(from("", &[], std::slice::from_ref(&listen)), &parts);
        assert!(from("[server]\ninsecure = true", &[], &[listen]).is_ok(), "{bad}");
    }
}

#[test]
fn a_password_in_a_refused_url_is_not_repeated() {
    for (url, told) in [
        ("postgres://me:hunter2@db/durahub", "store.url is \"postgres://...\""),
        ("postgres:/me:hunter2@db/durahub", "store.url is not shown here"),
        ("me:hunter2@postgres://db", "store.url is not shown here"),
    ] {
        let text = from("", &[], &[flag("--store", "store.url", url)]).unwrap_err().to_string();
        assert!(text.contains(told) && !text.contains("hunter2"), "{text}");
    }
}

#[test]
fn webhook_secrets_are_repeated_nowhere() {
    let good = "[hubs]\nwebhook_secrets = [\"default github correct-horse-battery\"]";
    let effective = from(good, &[], &[]).unwrap();
    let printed = effective.to_toml();
    assert!(printed.contains("# webhook_secrets = (1, not shown)"), "{printed}");
    assert!(from(&printed, &[], &[]).unwrap().config.hubs.webhook_secrets.is_empty());
    let bad = "[hubs]\nwebhook_secrets = [\"default gitlab correct-horse-battery\"]";
    let refused = from(bad, &[], &[]).unwrap_err().to_string();
    let variable = [("DURAHUB__HUBS__WEBHOOK_SECRETS", "correct-horse-battery")];
    let refused_variable = from("", &variable, &[]).unwrap_err().to_string();
    for text in [printed, format!("{:?}", effective.config), refused, refused_variable] {
        assert!(text.contains("webhook_secrets") && !text.contains("horse"), "{text}");
    }
}

#[test]
fn printed_settings_read_back_as_they_were() {
    let file = "[store]\nurl = \"sqlite:odd \\\" \\\\ # \\u007f name.db\"\n[hubs]\nnames = [\"b\", \"a\"]";
    let printed = from(file, &[("DURAHUB__LIMITS__WAIT_SECS", "7")], &[]).unwrap();
    same(&from(&printed.to_toml(), &[], &[]).unwrap().config, &printed.config);
    assert_eq!(printed.to_toml().matches(" = ").count(), KEYS.len());
    assert!(printed.to_toml().contains("# environment variable DURAHUB__LIMITS__WAIT_SECS\n"));
}

/// 64 digits that look like a digest.
fn hex(digit: char) -> String {
    digit.to_string().repeat(64)
}

#[test]
fn keys_are_tables_in_a_file_and_a_line_in_the_environment() {
    let (a, b, c) = (hex('a'), hex('B'), hex('c'));
    let file = format!(
        "[auth]\nopen_rpc_mount = true\n[[auth.keys]]\nname = \"ops.1\"\nrole = \"operate\"\nsha256 = [\"{a}\", \"{b}\"]\n\
         [[auth.keys]]\nsha256 = [\"{c}\"]\nname = \"runner\"\nrole = \"worker\""
    );
    let line = format!("ops.1:operate:{a}, runner : worker :{c},ops.1:operate:{b}");
    let from_file = from(&file, &[], &[]).unwrap();
    let from_line = from("", &[("DURAHUB__AUTH__KEYS", &line)], &[]).unwrap();
    let keys = &from_file.config.auth.keys;
    assert_eq!(keys, &from_line.config.auth.keys);
    let seen: Vec<_> = keys.iter().map(|key| (&*key.name, key.role.name(), key.digests.len())).collect();
    assert_eq!(seen, [("ops.1", "operate", 2), ("runner", "worker", 1)]);
    // A variable replaces the file's keys, as it does with every setting.
    let only = format!("root:admin:{}", hex('d'));
    let both = from(&file, &[("DURAHUB__AUTH__KEYS", &only)], &[]).unwrap();
    assert_eq!(both.config.auth.keys.len(), 1);
    assert!(both.config.auth.open_rpc_mount);
    for shown in [from_file.to_toml(), from_line.to_toml(), format!("{:?}", from_file.config)] {
        assert!(
            shown.contains("ops.1") && shown.contains("aaaaaaaa...") && !shown.contains("aaaaaaaaa"),
            "{shown}"
        );
    }
    // What is printed is TOML, but without the digests it is not mistaken for settings.
    let again = from_file.to_toml();
    refused(from(&again, &[], &[]), &["auth.keys", "\"ops.1\"", "not 64 hexadecimal digits"]);
}

#[test]
fn a_key_may_name_the_hubs_that_it_is_for() {
    let (a, b) = (hex('a'), hex('b'));
    let file = format!(
        "[[auth.keys]]\nname = \"ops\"\nrole = \"operate\"\nsha256 = [\"{a}\", \"{b}\"]\nhubs = [\"Two\", \"one\", \"ONE\"]"
    );
    let line = format!("ops:operate:{a}: one + two ,ops:operate:{b}:TWO+one");
    let from_file = from(&file, &[], &[]).unwrap();
    let from_line = from("", &[("DURAHUB__AUTH__KEYS", &line)], &[]).unwrap();
    assert_eq!(from_file.config.auth.keys, from_line.config.auth.keys);
    let reach = &from_file.config.auth.keys[0].reach;
    assert_eq!(reach.names().unwrap(), ["one", "two"]);
    assert!(from_file.to_toml().contains("hubs = [\"one\",\"two\"]"), "{}", from_file.to_toml());
    let shown = from_file.config.without_secrets();
    assert_eq!(shown["auth"]["keys"][0]["hubs"], serde_json::json!(["one", "two"]));

    for (line, why) in [
        (format!("o:operate:{a}:"), "names a hub that is not 1 to 64"),
        (format!("o:operate:{a}:one+"), "names a hub that is not 1 to 64"),
        (format!("o:operate:{a}:1bad"), "\"o\" names a hub that is not 1 to 64"),
        (format!("o:operate:{a}:one:two"), "not NAME:ROLE:DIGEST or NAME:ROLE:DIGEST:HUB+HUB"),
        (format!("o:operate:{a}:one,o:operate:{b}"), "\"o\" has two lists of hubs"),
    ] {
        refused(from("", &[("DURAHUB__AUTH__KEYS", &line)], &[]), &["auth.keys", why]);
    }
    for (hubs, why) in [
        ("[]", "\"o\" has an empty list of hubs; leave it out for all hubs"),
        ("\"one\"", "the hubs of the key \"o\" are not a list of names"),
        ("[1]", "names a hub that is not 1 to 64"),
        ("[\"a b\"]", "names a hub that is not 1 to 64"),
    ] {
        let file = format!("[[auth.keys]]\nname = \"o\"\nrole = \"read\"\nsha256 = [\"{a}\"]\nhubs = {hubs}");
        refused(from(&file, &[], &[]), &["auth.keys", why, "test.toml"]);
    }
}

#[test]
fn keys_that_cannot_be_used_say_why_and_repeat_no_secret() {
    let (a, b, c) = (hex('a'), hex('b'), hex('c'));
    let secret = "hunter2-hunter2-hunter2-hunter2-hunter2-hunter2";
    for (line, why) in [
        (format!("o:operate:{a},o:operate:{b},o:operate:{c}"), "\"o\" has 3 digests; at most 2"),
        (format!("o:operate:{a},o:read:{b}"), "\"o\" has two roles: operate and read"),
        (format!("o:operate:{a},p:read:{a}"), "\"o\" and \"p\" are the same key"),
        (format!("o:owner:{a}"), "the role of the key \"o\" is not one of read, operate, worker, admin"),
        (
            format!("o:operate:{secret}"),
            "\"o\" has a sha256 that is not 64 hexadecimal digits; `durahub key hash`",
        ),
        (format!("{secret}:operate:{a}"), "a name is not 1 to 32"),
        (format!(":operate:{a}"), "a name is not 1 to 32"),
        (secret.to_owned(), "not NAME:ROLE:DIGEST"),
        (format!("o:{secret}"), "not NAME:ROLE:DIGEST"),
        (format!("o:operate:{a},"), "not NAME:ROLE:DIGEST"),
        // An empty variable is more likely a mistake than a wish for no keys.
        (String::new(), "not NAME:ROLE:DIGEST"),
    ] {
        let result = from("", &[("DURAHUB__AUTH__KEYS", &line)], &[]);
        let text = result.unwrap_err().to_string();
        assert!(text.contains(why) && text.contains("environment variable DURAHUB__AUTH__KEYS"), "{text}");
        assert!(!text.contains("hunter2") && !text.contains(&a), "{text}");
    }
    let table = |fields: &str| format!("[[auth.keys]]\n{fields}");
    for (file, why) in [
        (table(&format!("name = \"o\"\nrole = \"read\"\nsha256 = [\"{secret}\"]")), "not 64 hexadecimal"),
        (table(&format!("name = \"o\"\nrole = \"read\"\nsha256 = \"{a}\"")), "\"o\" has no sha256"),
        (table("name = \"o\"\nrole = \"read\""), "\"o\" has no sha256"),
        (
            table(&format!("name = \"o\"\nrole = \"read\"\nkey = \"{secret}\"")),
            "a field other than name, role, sha256, hubs",
        ),
        (table(&format!("name = \"o\"\nsha256 = [\"{a}\"]")), "the role of the key \"o\""),
        (table(&format!("role = \"read\"\nsha256 = [\"{a}\"]")), "a key has no name"),
        (table(&format!("name = \"o\"\nrole = \"read\"\nsha256 = [{}]", 7)), "not 64 hexadecimal"),
        (format!("[auth]\nkeys = [\"{secret}\"]"), "not a table"),
        ("[auth]\nkeys = 1".to_owned(), "neither a list of tables nor text"),
        (
            format!("{0}\n{0}", table(&format!("name = \"o\"\nrole = \"read\"\nsha256 = [\"{a}\"]"))),
            "the name \"o\" is there twice",
        ),
        (format!("[auth]\nlink_secret = \"{}\"", &secret[..31]), "at least 32 bytes"),
    ] {
        let text = from(&file, &[], &[]).unwrap_err().to_string();
        assert!(text.contains(why) && text.contains("test.toml") && text.contains("auth."), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    let set = from("", &[("DURAHUB__AUTH__LINK_SECRET", secret)], &[]).unwrap();
    assert_eq!(set.config.auth.link_secret.reveal(), Some(secret));
    for shown in [set.to_toml(), format!("{:?}", set.config)] {
        assert!(shown.contains("(set)") && !shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn proxies_are_addresses_and_networks() {
    let proxies = |list: &str| from(&format!("[server]\ntrusted_proxies = {list}"), &[], &[]);
    let printed =
        proxies("[\"127.0.0.1\", \"10.0.0.0/8\", \"::1\", \"fd00::/8\", \"::ffff:1.2.3.4\"]").unwrap();
    let expected = "trusted_proxies = [\"127.0.0.1\",\"10.0.0.0/8\",\"::1\",\"fd00::/8\",\"1.2.3.4\"]";
    assert!(printed.to_toml().contains(expected), "{}", printed.to_toml());
    same(&from(&printed.to_toml(), &[], &[]).unwrap().config, &printed.config);
    for bad in ["[\"\"]", "[\"localhost\"]", "[\"10.0.0.0/33\"]", "[\"10.0.0\"]", "[1]", "\"10.0.0.1\""] {
        refused(proxies(bad), &["server.trusted_proxies", "networks such as 10.0.0.0/8"]);
    }
}

#[test]
fn tls_takes_a_certificate_and_its_key() {
    for (file, missing) in [("cert = \"c.pem\"", "tls.key is not"), ("key = \"k.pem\"", "tls.cert is not")] {
        refused(from(&format!("[tls]\n{file}"), &[], &[]), &["test.toml", missing, "takes both"]);
    }
    let both = from("[tls]\ncert = \"c.pem\"\nkey = \"k.pem\"", &[], &[]).unwrap();
    assert!(both.config.tls.is_on());
    same(&from(&both.to_toml(), &[], &[]).unwrap().config, &both.config);
    assert!(!from("", &[], &[]).unwrap().config.tls.is_on());
}

#[test]
fn with_a_key_any_address_may_be_served() {
    let listen = flag("--listen", "server.listen", "0.0.0.0:1");
    let keys = format!("root:admin:{}", hex('a'));
    let environment = [("DURAHUB__AUTH__KEYS", keys.as_str())];
    assert!(from("", &environment, std::slice::from_ref(&listen)).is_ok());
    refused(from("[auth]\nkeys = []", &[], &[listen]), &["no key", "durahub key new"]);
}

#[test]
fn retention_rules_that_cannot_be_used_are_named_with_what_is_wrong() {
    for (rules, why) in [
        (
            "[\"a after=1d\", \"a after=1w\"]",
            "rule 2 (\"a after=1w\"): after is \"1w\"; after must be a whole number",
        ),
        ("[\"a after=1d status=Running\"]", "rule 1 (\"a after=1d status=Running\"): status is \"Running\""),
        ("[7]", "rule 1 is not a text"),
        ("\"a after=1d\"", "it is not a list"),
    ] {
        let refusal = from(&format!("[retention]\nrules = {rules}"), &[], &[]);
        refused(
            refusal,
            &["retention.rules is not usable", why, "test.toml", "must be a list of \"HUB after=30d"],
        );
    }
    let environment =
        [("DURAHUB__RETENTION__RULES", "default after=30d status=Failed+Completed, * after=365d")];
    let set = from("", &environment, &[]).unwrap();
    let shown = "rules = [\"default after=30d status=Completed+Failed\",\"* after=365d\"]";
    assert!(set.to_toml().contains(shown), "{}", set.to_toml());
    same(&from(&set.to_toml(), &[], &[]).unwrap().config, &set.config);
    assert!(from("", &[], &[]).unwrap().config.retention.rules.is_empty());
}
