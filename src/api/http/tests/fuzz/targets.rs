//! Paths and queries.

use super::*;

const TARGETS: &[&str] = &[
    "/runtime/webhooks/durabletask/instances/a",
    "/runtime/webhooks/durabletask/instances/a?showHistory=true&showHistoryOutput=true&showInput=false",
    "/runtime/webhooks/durabletask/instances/with%20space?returnInternalServerErrorOnFailure=false",
    "/runtime/webhooks/durabletask/instances/%C3%BC%F0%9F%98%80",
    "/runtime/webhooks/durabletask/instances/done?timeout=1&pollingInterval=1",
    "/runtime/webhooks/durabletask/instances/a/raiseEvent/E?contentType=any",
    "/runtime/webhooks/durabletask/instances/a/terminate?reason=because",
    "/runtime/webhooks/durabletask/instances/a/suspend?reason=wait",
    "/runtime/webhooks/durabletask/instances/a/resume",
    "/runtime/webhooks/durabletask/instances/done/rewind?reason=again",
    "/runtime/webhooks/durabletask/instances/done/restart?restartWithNewInstanceId=false",
    "/runtime/webhooks/durabletask/instances/done/restartWithOptions?newInstanceId=c&version=2",
    "/runtime/webhooks/durabletask/instances?runtimeStatus=Running,Pending&top=2&instanceIdPrefix=a",
    "/runtime/webhooks/durabletask/instances?createdTimeFrom=2026-01-01T00:00:00Z&createdTimeTo=2026-12-31",
    "/runtime/webhooks/durabletask/instances?name=F&version=1&tag=a:b&parentInstanceId=p&topLevel=true&order=created",
    "/runtime/webhooks/durabletask/orchestrators/F",
    "/runtime/webhooks/durabletask/orchestrators/F/a?onExisting=return&version=1&tag=a:b",
    "/durabletask/orchestrators/F/b?taskHub=default&connection=Storage&code=x",
    "/durabletask/entities/counter/k",
    "/durabletask/entities/counter?fetchState=true&lastOperationTimeFrom=2026-01-01&top=3",
    "/durabletask/entities/counter/$?op=add",
    "/durabletask/instances?taskHub=DEFAULT",
    "/durabletask/makeprimary",
    "/api/v1/instances?order=took&top=2&error=x&customStatus=y&sizes=true&minDuration=5",
    "/api/v1/instances/a/history?after=1&top=2&type=TimerFired&failed=true&turns=true",
    "/api/v1/instances/a/history/0?revision=1",
    "/api/v1/instances/a/payloads/input?eventId=0",
    "/api/v1/instances/a/tree",
    "/api/v1/instances/a/explain",
    "/api/v1/instances/a/retry",
    "/api/v1/instances/a/discard?reason=x",
    "/api/v1/export?format=csv&sizes=true",
    "/api/v1/histogram?of=created&by=name&createdTimeFrom=2026-01-01&createdTimeTo=2026-02-01",
    "/api/v1/statistics?createdTimeFrom=2026-01-01",
    "/api/v1/entities?name=counter&keyPrefix=k&payloads=true",
    "/api/v1/failures?createdTimeFrom=2026-01-01&text=x",
    "/api/v1/counts?runtimeStatus=3",
    "/api/v1/hubs?counts=true",
    "/api/v1/hubs/nobody",
    "/api/v1/jobs/j/stop",
    "/api/v1/parked?top=1&after=00",
    "/api/v1/queues",
    "/api/v1/workers",
    "/api/v1/about",
    "/api/v1/check",
    "/api/v1/events?instanceId=a&instanceId=b",
    "/dashboard/instances?id=a",
    "/docs",
    "/readyz",
    "/",
];

const PIECES: &[&str] = &[
    "/",
    "//",
    "/.",
    "/..",
    "/../",
    "%2F",
    "%2f..%2f",
    "%00",
    "%0d%0a",
    "%0A",
    "%",
    "%%",
    "%zz",
    "%ff",
    "%C3%BC",
    "%F0%9F%98%80",
    "%ed%a0%80",
    "%E2%80%AE",
    "+",
    "%20",
    "%3F",
    "%23",
    "%40",
    "@",
    "\\",
    "%5C",
    ";a=b",
    ":",
    "~",
    "'",
    "%22",
    "<x>",
    "{",
    "*",
    ".",
    "..",
    "?",
    "&",
    "=",
    "&&",
    "==",
    "&taskHub=",
    "&taskHub=default",
    "&TASKHUB=nobody",
    "&taskHub=%00",
    "&top=0",
    "&top=-1",
    "&top=99999999999999999999",
    "&top=1e3",
    "&top=NaN",
    "&timeout=inf",
    "&timeout=-0",
    "&timeout=nan",
    "&timeout=1e309",
    "&pollingInterval=-1",
    "&showHistory=1",
    "&runtimeStatus=",
    "&runtimeStatus=-1",
    "&runtimeStatus=Running&runtimeStatus=99",
    "&createdTimeFrom=0000-00-00",
    "&createdTimeFrom=+262142-12-31T23:59:59Z",
    "&createdTimeTo=9999-12-31T23:59:59.9999999%2B14:00",
    "&createdTimeTo=-1-1-1",
    "&createdTimeFrom=2026-02-29",
    "&lastUpdatedTimeFrom=1-1-1T24:60:61",
    "&historyRevision=-2147483648",
    "&historyTop=0",
    "&historyAfter=18446744073709551616",
    "&after=03",
    "&eventId=-1",
    "&order=-id",
    "&name=",
    "&tag=:",
    "&version=",
    "&op=",
    "&reason=%00",
    "&instanceIdPrefix=%25_",
    "&newInstanceId=%2E%2E",
    "&newInstanceId=@x@y",
    "&onExisting=?",
    "&code=l1.AAAA.AAAA",
    "&recursive=true",
    "&buckets=0",
    "&buckets=100000000",
    "&by=name",
    "&of=took",
    "&minDuration=9223372036854775807",
    "a",
    "A",
    "0",
    "-1",
    "null",
    "true",
];

const METHODS: &[&str] = &["GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW"];

/// A request target that HTTP can carry.
fn target() -> impl Strategy<Value = String> {
    prop_oneof![
        9 => fuzz::nearly(TARGETS, PIECES),
        // As long as any that the server reads at all.
        1 => (select(TARGETS), select(PIECES), 1..800_usize)
            .prop_map(|(target, piece, times)| format!("{target}{}", piece.repeat(times)).into_bytes()),
    ]
    .prop_filter_map("it is no target", |bytes| {
        let uri = Uri::try_from(bytes).ok().filter(|uri| uri.path().starts_with('/'))?;
        Some(uri.path_and_query()?.as_str().to_owned())
    })
}

#[test]
fn no_target_of_a_get_fails_the_server_or_changes_anything() {
    let server = Target::new(HttpSettings::default());
    let before = server.version();
    proptest!(fuzz::config(1_500), |(path in target(), method in select(&["GET", "GET", "GET", "HEAD", "OPTIONS"][..]))| {
        let told = server.ask(request(method, &path).body(Body::empty()).unwrap());
        told.is_fair()?;
        told.leads_back(&server)?;
        prop_assert_eq!(server.version(), before, "{} {} changes what is stored: {:?}", method, path, told);
    });
}

#[test]
fn no_request_fails_the_server_and_links_lead_to_what_they_are_of() {
    let server = Target::new(HttpSettings::default());
    proptest!(fuzz::config(1_500), |(path in target(), method in select(METHODS), body in select(&["", "1", "{}", "{bad"][..]))| {
        let request = request(method, &path).header("content-type", "application/json");
        let told = server.ask(request.body(Body::from(body)).unwrap());
        told.is_fair()?;
        told.leads_back(&server)?;
    });
    let told = server.get("/readyz");
    assert_eq!(told.status, 200, "{told:?}");
}
