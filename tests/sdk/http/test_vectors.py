"""The 21 request vectors that every server of this API should pass, by plain HTTP. One test each, named by its number."""

import contextlib
import datetime
import hashlib
import pathlib
import re
import tempfile
import urllib.parse

import pytest

import harness
from conftest import bring_to
from harness import BASE, HTTP_PATIENCE, quote
from test_keep_and_fix import is_argument_error, is_empty, is_error, states_of

LINKS = ["id", "statusQueryGetUri", "sendEventPostUri", "terminatePostUri", "purgeHistoryDeleteUri", "restartPostUri",
         "suspendPostUri", "resumePostUri"]
VECTORS = []


def vector(number):
    def add(test):
        VECTORS.append(pytest.param(test, id=f"vector_{number:02}"))
        assert len(VECTORS) == number
        return test
    return add


class Raw:
    """The HTTP API below its base, and instances in each state."""

    def __init__(self, server, client, new_id):
        self.http, self.client, self.new_id, self.address = server.http, client, new_id, server.address

    def call(self, method, target, body=None, headers=None):
        return self.http.call(method, f"{BASE}/{target}", body, headers)

    def given(self, state):
        return bring_to(self.client, state, self.new_id(state))


@pytest.fixture
def raw(server, new_id):
    import stock
    return Raw(server, stock.Client(server), new_id)


def is_started(answer):
    assert answer.status == 202, answer
    assert list(answer.json) == LINKS
    assert answer.headers["Location"] == answer.json["statusQueryGetUri"]
    assert answer.headers["Retry-After"] == "10"
    return answer.json["id"]


@vector(1)
def a_start_without_a_body_makes_up_an_id_and_tells_where_to_look(raw):
    assert re.fullmatch(r"[0-9a-f]{32}", is_started(raw.call("POST", "orchestrators/echoes")))


@vector(2)
def case_and_slashes_of_the_path_do_not_matter(raw):
    is_started(raw.http.call("POST", f"{BASE.upper()}/ORCHESTRATORS/echoes/"))


@vector(3)
def a_body_that_is_not_json_starts_nothing(raw):
    id = raw.new_id()
    is_error(raw.call("POST", f"orchestrators/echoes/{id}", "{bad"), 400, "Newtonsoft.Json.JsonReaderException")
    is_empty(raw.call("GET", f"instances/{id}"), 404)


@vector(4)
def ids_that_cannot_be_addressed_are_refused(raw):
    for id in ("@x", "a\x01b", "x" * 257):
        is_argument_error(raw.call("POST", f"orchestrators/echoes/{quote(id)}"))
        is_empty(raw.call("GET", f"instances/{quote(id)}"), 404)


@vector(5)
def an_id_is_refused_while_it_runs_and_replaced_when_it_has_ended(raw):
    id = raw.given("Running")
    is_error(raw.call("POST", f"orchestrators/waits/{id}"), 409, "DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException")
    raw.http.raise_event(id, "Go", 1)
    first = raw.http.wait_for_end(id)

    def a_second_later():
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        return now > first["createdTime"]
    harness.eventually(a_second_later)
    is_started(raw.call("POST", f"orchestrators/waits/{id}"))
    assert raw.call("GET", f"instances/{id}").json["createdTime"] > first["createdTime"]


@vector(6)
def waiting_for_a_fast_one_gives_its_bare_output(raw):
    answer = raw.call("POST", f"orchestrators/echoes?timeout={HTTP_PATIENCE}&pollingInterval=1", '"text"')
    assert (answer.status, answer.body, answer.headers["Location"]) == (200, b'"text"', None)


@vector(7)
def waiting_for_one_that_throws_is_500_on_request(raw):
    wait = f"orchestrators/breaks?timeout={HTTP_PATIENCE}&pollingInterval=1"
    for query, status in (("", 200), ("&returnInternalServerErrorOnFailure=true", 500)):
        answer = raw.call("POST", wait + query)
        assert (answer.status, answer.json["runtimeStatus"]) == (status, "Failed")


@vector(8)
def a_wait_that_makes_no_sense_starts_nothing(raw):
    id = raw.new_id()
    is_argument_error(raw.call("POST", f"orchestrators/echoes/{id}?timeout=1&pollingInterval=2"))
    is_empty(raw.call("GET", f"instances/{id}"), 404)


@vector(9)
def a_running_one_says_where_and_when_to_look_again(raw):
    target = f"instances/{raw.given('Running')}?showInput=true&x=%20y"
    answer = raw.call("GET", target)
    assert (answer.status, answer.headers["Retry-After"]) == (202, "5")
    assert answer.headers["Location"] == f"http://127.0.0.1:{raw.http.port}{BASE}/{target}"


@vector(10)
def a_failed_one_is_500_only_on_request_with_the_same_body(raw):
    id = raw.given("Failed")
    plain = raw.call("GET", f"instances/{id}")
    asked = raw.call("GET", f"instances/{id}?returnInternalServerErrorOnFailure=True")
    assert (plain.status, asked.status, plain.body) == (200, 500, asked.body)


@vector(11)
def the_input_is_hidden_by_false_and_nothing_else(raw):
    id = is_started(raw.call("POST", "orchestrators/echoes", "[1]"))
    assert raw.call("GET", f"instances/{id}?showInput=False").json["input"] is None
    assert raw.call("GET", f"instances/{id}?showInput=0").json["input"] == [1]


@vector(12)
def a_space_in_an_id_may_be_written_either_way(raw):
    id = raw.new_id() + " b"
    is_started(raw.call("POST", f"orchestrators/waits/{quote(id)}"))
    for written in (quote(id), id.replace(" ", "+")):
        assert raw.call("GET", f"instances/{written}").json["instanceId"] == id


@vector(13)
def a_list_of_five_in_pages_of_two(raw):
    prefix = raw.new_id()
    for number in range(5):
        is_started(raw.call("POST", f"orchestrators/waits/{prefix}-{number}"))
    token, pages = None, []
    while token or not pages:
        headers = {"x-ms-continuation-token": token} if token else None
        answer = raw.call("GET", f"instances?top=2&instanceIdPrefix={prefix}-", headers=headers)
        pages.append([row["instanceId"] for row in answer.json])
        token = answer.headers["x-ms-continuation-token"]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert sorted(sum(pages, [])) == [f"{prefix}-{number}" for number in range(5)]


@vector(14)
def a_purge_by_filter_needs_a_beginning(raw):
    answer = raw.call("DELETE", "instances?runtimeStatus=Completed")
    assert answer.status == 400 and isinstance(answer.json, str), answer


@vector(15)
def a_purge_of_running_ones_deletes_nothing(raw):
    ids = [raw.given(state) for state in ("Running", "Completed")]
    is_empty(raw.call("DELETE", "instances?createdTimeFrom=2000-01-01&runtimeStatus=Running"), 404)
    assert states_of(raw, ids) == ["Running", "Completed"]


@vector(16)
def an_event_of_the_wrong_type_is_told_after_what_is_wrong_with_the_instance(raw):
    plain = {"Content-Type": "text/plain"}
    send = lambda id: raw.call("POST", f"instances/{id}/raiseEvent/Go", "x", plain)
    is_empty(send(raw.new_id()), 404)
    is_empty(send(raw.given("Completed")), 410)
    assert "application/json" in is_error(send(raw.given("Running")), 400)


@vector(17)
def wrong_methods_and_operations_are_404_without_a_body(raw):
    id = raw.given("Running")
    for method, target in (("PUT", f"instances/{id}"), ("GET", f"instances/{id}/terminate"), ("POST", f"instances/{id}/foo")):
        is_empty(raw.call(method, target), 404)
    assert states_of(raw, [id]) == ["Running"]


@vector(18)
def the_empty_key_of_an_entity_may_be_written_as_a_dollar(raw):
    name = raw.new_id()
    with harness.RawWorker(raw.address, entities=[name]) as worker:
        is_empty(raw.call("POST", f"entities/{name}?op=set", "18"), 202)
        worker.operate(worker.batch(f"@{name}@"), "18")
    assert harness.eventually(lambda: raw.call("GET", f"entities/{name}/$").body, "the state") == b"18"


@vector(19)
def a_text_is_a_string_for_an_entity(raw):
    key = raw.new_id()
    is_empty(raw.call("POST", f"entities/Tally/{key}?op=set", "abc", {"Content-Type": "text/plain"}), 202)
    assert harness.eventually(lambda: raw.call("GET", f"entities/Tally/{key}").body, "the state") == b'"abc"'


@vector(20)
def delete_signals_delete_to_an_entity(raw):
    key = raw.new_id()
    raw.call("POST", f"entities/Tally/{key}?op=set", "1")
    harness.eventually(lambda: raw.call("GET", f"entities/Tally/{key}").status == 200, "the state")
    is_empty(raw.call("DELETE", f"entities/tally/{key}"), 202)
    harness.eventually(lambda: raw.call("GET", f"entities/tally/{key}").status == 404, "no state")


@vector(21)
def a_key_in_the_header_wins_over_one_in_the_query(raw):
    with guarded_server() as server:
        target = f"{BASE}/instances/none"
        good_header = server.http.call("GET", f"{target}?code=bad", None, {"x-functions-key": "good"})
        bad_header = server.http.call("GET", f"{target}?code=good", None, {"x-functions-key": "bad"})
    assert good_header.status == 404
    assert bad_header.status == 401


@contextlib.contextmanager
def guarded_server():
    """A server of its own that asks for the key `good`."""
    with tempfile.TemporaryDirectory() as folder:
        keys = f"tester:operate:{hashlib.sha256(b'good').hexdigest()}"
        server = harness.Server(pathlib.Path(folder), environment={"DURAHUB__AUTH__KEYS": keys}).start()
        try:
            yield server
        finally:
            server.close()


@pytest.mark.parametrize("check", VECTORS)
def test(check, raw):
    check(raw)


def test_there_are_21():
    assert len(VECTORS) == 21


# ------------------------------------------------------------------------------------------------ ids in links

@pytest.mark.parametrize("id", ["a b", "a+b", "100%", "%41", "🚀", "a|b", "i", "x" * 256, "🚀" * 128],
                         ids=["space", "plus", "percent", "escape", "emoji", "bar", "one", "longest", "longest_in_units"])
def test_every_link_of_a_202_works_whatever_the_id_looks_like(raw, id):
    raw.http.operation(id, "terminate")
    links = raw.call("POST", f"orchestrators/waits/{quote(id)}").json
    assert list(links) == LINKS and links["id"] == id
    origin = f"http://127.0.0.1:{raw.http.port}"

    def follow(method, name, body=None):
        assert links[name].startswith(origin), links[name]
        link = links[name].removeprefix(origin).replace("{eventName}", "Other").replace("{text}", urllib.parse.quote_plus("why+not"))
        return raw.http.call(method, link, body)

    assert follow("GET", "statusQueryGetUri").json["instanceId"] == id

    def becomes(status):
        harness.eventually(lambda: follow("GET", "statusQueryGetUri").json["runtimeStatus"] == status, f"the instance to be {status}")

    becomes("Running")
    is_empty(follow("POST", "sendEventPostUri", "1"), 202)
    is_empty(follow("POST", "suspendPostUri"), 202)
    becomes("Suspended")
    is_empty(follow("POST", "resumePostUri"), 202)
    becomes("Running")
    again = follow("POST", "restartPostUri")
    assert again.status == 202 and again.json["id"] != id
    is_empty(follow("POST", "terminatePostUri"), 202)
    assert raw.http.wait_for_end(id)["output"] == "why+not"
    assert follow("DELETE", "purgeHistoryDeleteUri").json == {"instancesDeleted": 1}
    is_empty(follow("GET", "statusQueryGetUri"), 404)
