"""Senders that sign: GitHub's way and that of Standard Webhooks, as their own libraries compute it."""

import base64
import hashlib
import hmac
import time

import pytest

import harness
from harness import BASE

KEY = b"0123456789abcdef0123456789abcdef"
NEXT_KEY = b"fedcba9876543210fedcba9876543210"
SECRETS = ["whsec_" + base64.b64encode(key).decode() for key in (KEY, NEXT_KEY)]
BODY = b'{"done": true}'


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server whose default hub takes events signed either way, with two secrets of one style."""
    secrets = [f"default standard-webhooks {secret}" for secret in SECRETS] + [f"default github {KEY.decode()}"]
    environment = {"DURAHUB__HUBS__WEBHOOK_SECRETS": ",".join(secrets)}
    server = harness.Server(tmp_path_factory.mktemp("callbacks"), environment=environment).start()
    yield server
    assert KEY.decode() not in server.log_tail(10**6) and SECRETS[0] not in server.log_tail(10**6)
    server.close()


@pytest.fixture
def waiting(server):
    id = harness.unique("waits")
    server.http.start("HumanApproval", id)
    return id


def standard(key, body=BODY, id="msg_1", at=None):
    at = str(int(time.time()) if at is None else at)
    signature = hmac.digest(key, f"{id}.{at}.".encode() + body, hashlib.sha256)
    return {"webhook-id": id, "webhook-timestamp": at, "webhook-signature": "v1," + base64.b64encode(signature).decode()}


def github(key, body=BODY):
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()}


def send(server, id, headers, body=BODY):
    return server.http.call("POST", f"{BASE}/instances/{id}/raiseEvent/Callback", body, headers)


def events(server, id):
    rows = server.http.status(id, "?showHistory=true").json.get("historyEvents", [])
    return [row["Input"] for row in rows if row["EventType"] == "EventRaised"]


@pytest.mark.parametrize("sign", [standard, github])
def test_a_signed_event_is_taken(server, waiting, sign):
    assert send(server, waiting, sign(KEY)).status == 202


def test_while_secrets_change_both_are_good(server, waiting):
    for key in (KEY, NEXT_KEY):
        assert send(server, waiting, standard(key)).status == 202
    headers = standard(b"a secret that is gone by now")
    headers["webhook-signature"] += " " + standard(NEXT_KEY, at=headers["webhook-timestamp"])["webhook-signature"]
    assert send(server, waiting, headers).status == 202


REFUSED = {
    "unsigned": lambda: {},
    "another secret": lambda: standard(b"someone else's secret"),
    "another secret, GitHub": lambda: github(b"someone else's secret"),
    "a secret of the other style": lambda: github(NEXT_KEY),
    "another body": lambda: standard(KEY, b"{}"),
    "another body, GitHub": lambda: github(KEY, b"{}"),
    "long ago": lambda: standard(KEY, at=1_600_000_000),
    "far ahead": lambda: standard(KEY, at=10**18),
    "another id": lambda: {**standard(KEY), "webhook-id": "msg_2"},
    "no id": lambda: {name: value for name, value in standard(KEY).items() if name != "webhook-id"},
    "nothing after the version": lambda: {**standard(KEY), "webhook-signature": "v1,"},
    "no digits": lambda: {"X-Hub-Signature-256": "sha256="},
    "SHA-1": lambda: {"X-Hub-Signature": "sha1=00"},
}


@pytest.mark.parametrize("headers", REFUSED.values(), ids=REFUSED)
def test_anything_else_is_401_and_changes_nothing(server, waiting, headers):
    answer = send(server, waiting, headers())
    assert (answer.status, answer.body) == (401, b"")
    assert send(server, harness.unique("unknown"), headers()).status == 401
    # The only event is this one.
    assert send(server, waiting, standard(KEY, b'"signed"'), b'"signed"').status == 202
    harness.eventually(lambda: events(server, waiting), "the event in the history")
    assert events(server, waiting) == ['"signed"']


@pytest.mark.parametrize("age, status", [(-280, 202), (280, 202), (-320, 401), (320, 401)])
def test_a_signature_is_good_for_five_minutes(server, waiting, age, status):
    assert send(server, waiting, standard(KEY, at=int(time.time()) - age)).status == status


def test_a_signed_event_that_is_sent_twice_is_two_events(server, waiting):
    headers = standard(KEY)
    for _ in range(2):
        assert send(server, waiting, headers).status == 202

    harness.eventually(lambda: events(server, waiting) == [BODY.decode()] * 2, "both events in the history")


def test_the_signature_is_over_the_bytes_that_were_sent(server, waiting):
    form = b"payload=%7B%7D&b=x+y"
    headers = {**github(KEY, form), "Content-Type": "application/x-www-form-urlencoded"}
    answer = server.http.call("POST", f"{BASE}/instances/{waiting}/raiseEvent/Callback?contentType=any", form, headers)
    assert answer.status == 202
