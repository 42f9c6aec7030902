"""Quirks of the original: those that clients depend on are here, those that nobody would miss are not. One test each.

Not here, because this version sends no lifecycle notifications: the shape of their body, and when they are sent.
"""

import json
import re

import pytest

import harness
from harness import BASE, HTTP_PATIENCE, quote

ENDED = ["Completed", "Failed", "Terminated"]


# ------------------------------------------------------------------------------------------------ what answers look like

def is_empty(answer, status):
    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (status, b"", None), answer
    assert answer.headers["Content-Length"] == "0"


def is_error(answer, status, exception=None):
    """An object with the four fields that clients read. Returns its text."""
    assert answer.status == status, answer
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    told = answer.json
    assert list(told) == ["Message", "ExceptionMessage", "ExceptionType", "StackTrace"]
    assert told["Message"] == told["ExceptionMessage"] and told["StackTrace"] is None
    assert exception in (None, told["ExceptionType"])
    return told["Message"]


def is_argument_error(answer):
    return is_error(answer, 400, "System.ArgumentException")


def states_of(raw, ids):
    return [raw.call("GET", f"instances/{quote(id)}").json["runtimeStatus"] for id in ids]


@pytest.fixture
def raw(server, new_id):
    import stock
    from test_vectors import Raw
    return Raw(server, stock.Client(server), new_id)


def waited(raw, function, input=None, query=""):
    return raw.call("POST", f"orchestrators/{function}?timeout={HTTP_PATIENCE}{query}", input)


def history(raw, id, query=""):
    return raw.call("GET", f"instances/{id}?showHistory=true{query}").json["historyEvents"]


# ------------------------------------------------------------------------------------------------ keep

@pytest.mark.parametrize("method, target", [("GET", "orchestrators/echoes"), ("POST", "instances"), ("PUT", "instances/x"),
                                            ("PATCH", "instances/x"), ("GET", "instances/x/terminate"), ("POST", "orchestrators")])
def test_keep_a_wrong_method_is_404_and_empty_never_405(raw, method, target):
    is_empty(raw.call(method, target), 404)


def test_keep_literals_and_query_names_match_in_any_case(raw):
    id = raw.given("Failed")
    answer = raw.call("GET", f"INSTANCES/{id}?RETURNinternalservererroronFAILURE=true")
    assert answer.status == 500


def test_keep_slashes_at_the_end_do_not_matter(raw):
    id = raw.given("Running")
    assert raw.call("GET", f"instances/{id}//").status == 202
    assert raw.call("GET", "instances/").status == 200


def test_keep_a_plus_in_a_path_is_a_space(raw):
    id = raw.new_id() + " b"
    raw.call("POST", f"orchestrators/waits/{quote(id)}")
    assert raw.call("GET", f"instances/{id.replace(' ', '+')}").json["instanceId"] == id


def test_keep_values_that_cannot_be_parsed_are_ignored(raw):
    id = raw.given("Failed")
    query = "showInput=0&showHistory=yes&returnInternalServerErrorOnFailure=1&timeout=soon&top=ten&createdTimeFrom=never"
    answer = raw.call("GET", f"instances/{id}?{query}")
    assert answer.status == 200 and "historyEvents" not in answer.json
    assert raw.call("GET", f"instances?{query}").status == 200


def test_keep_a_failed_instance_is_200_unless_500_is_asked_for(raw):
    id = raw.given("Failed")
    assert raw.call("GET", f"instances/{id}").status == 200
    assert raw.call("GET", f"instances/{id}?returnInternalServerErrorOnFailure=true").status == 500


def test_keep_the_times_to_come_back_are_5_for_a_poll_and_10_for_a_start(raw):
    started = raw.call("POST", "orchestrators/waits")
    polled = raw.http.call("GET", started.headers["Location"].partition(f":{raw.http.port}")[2])
    assert (started.status, started.headers["Retry-After"]) == (202, "10")
    assert (polled.status, polled.headers["Retry-After"]) == (202, "5")
    assert polled.headers["Location"] == started.headers["Location"]


def test_keep_a_202_has_eight_fields_without_rewind(raw):
    links = raw.call("POST", "orchestrators/echoes").json
    assert len(links) == 8 and "rewindPostUri" not in links


@pytest.mark.parametrize("text", ['{"b":1,"a":[1.50,1e400]}', '"text"', "[ ]", "12345678901234567890123"])
def test_keep_stored_json_is_embedded_as_it_is(raw, text):
    answer = raw.call("POST", "orchestrators/NobodyServesThis", text)
    assert f'"input":{text},'.encode() in raw.call("GET", f"instances/{answer.json['id']}").body


def test_keep_nulls_are_written(raw):
    status = raw.call("GET", f"instances/{raw.given('Pending')}").json
    assert [status[name] for name in ("input", "customStatus", "output")] == [None] * 3


def test_keep_times_are_cut_to_seconds(raw):
    status = raw.call("GET", f"instances/{raw.given('Completed')}").json
    for name in ("createdTime", "lastUpdatedTime"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", status[name])


def test_keep_history_is_absent_unless_asked_for(raw):
    id = raw.given("Completed")
    assert "historyEvents" not in raw.call("GET", f"instances/{id}").json
    assert "historyEvents" in raw.call("GET", f"instances/{id}?showHistory=true").json


def test_keep_a_completed_activity_is_one_row_with_its_input_as_text_and_its_result_as_json(raw):
    id = raw.call("POST", "orchestrators/HelloCities").json["id"]
    raw.http.wait_for_end(id)
    rows = history(raw, id, "&showHistoryOutput=true")
    assert [row["EventType"] for row in rows] == ["ExecutionStarted"] + ["TaskCompleted"] * 3 + ["ExecutionCompleted"]
    assert (rows[1]["Input"], rows[1]["Result"]) == ('"Tokyo"', "Hello, Tokyo!")
    assert "EventId" not in rows[1] and "TaskScheduledId" not in rows[1]


@pytest.mark.parametrize("state", ENDED)
@pytest.mark.parametrize("operation", ["raiseEvent/Go", "terminate", "suspend", "resume"])
def test_keep_an_operation_on_an_ended_instance_is_410(raw, operation, state):
    is_empty(raw.call("POST", f"instances/{raw.given(state)}/{operation}", "1"), 410)


def test_keep_a_restart_of_an_unknown_instance_is_400(raw):
    is_argument_error(raw.call("POST", f"instances/{raw.new_id()}/restart"))


@pytest.mark.parametrize("query", ["", "?restartWithNewInstanceId=maybe"])
def test_keep_a_restart_takes_a_new_id_unless_told_otherwise(raw, query):
    id = raw.given("Completed")
    assert raw.call("POST", f"instances/{id}/restart{query}").json["id"] != id


def test_keep_a_wait_answers_the_bare_output_with_200(raw):
    answer = waited(raw, "echoes", '{"a":1}')
    assert (answer.status, answer.json) == (200, {"a": 1})
    assert waited(raw, "echoes").body == b"null"


def test_keep_the_state_of_an_entity_is_the_bare_json(raw):
    key = raw.new_id()
    is_empty(raw.call("GET", f"entities/Tally/{key}"), 404)
    is_empty(raw.call("POST", f"entities/Tally/{key}?op=set", '{"a": [1, null]}'), 202)
    assert state_of(raw, key).json == {"a": [1, None]}


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_keep_entities_without_a_key_have_the_empty_one(raw, method):
    name = raw.new_id()
    is_empty(raw.call(method, f"entities/{name}?op=set"), 202)
    has_a_signal(raw, name)


def test_keep_what_python_encodes_twice_stays_encoded_twice(raw):
    twice = json.dumps(json.dumps({"a": 1}))
    answer = waited(raw, "echoes", twice)
    assert answer.json == '{"a": 1}'


@pytest.mark.parametrize("state", ENDED)
def test_keep_an_ended_id_is_silently_replaced(raw, state):
    id = raw.given(state)
    assert raw.call("POST", f"orchestrators/waits/{id}").status == 202
    raw.client.wait_for(id, "Running")


def test_keep_a_page_holds_100_and_its_token_travels_in_a_header(raw):
    prefix = raw.new_id()
    for number in range(101):
        raw.call("POST", f"orchestrators/NobodyServesThis/{prefix}-{number}")
    first = raw.call("GET", f"instances?instanceIdPrefix={prefix}-")
    token = first.headers["x-ms-continuation-token"]
    second = raw.call("GET", f"instances?instanceIdPrefix={prefix}-", headers={"x-ms-continuation-token": token})
    assert (len(first.json), len(second.json), second.headers["x-ms-continuation-token"]) == (100, 1, "")


def test_keep_a_purge_that_finds_nothing_is_404(raw):
    is_empty(raw.call("DELETE", "instances?createdTimeFrom=2000-01-01&createdTimeTo=2000-01-02"), 404)


# ------------------------------------------------------------------------------------------------ fix

@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_fix_a_dollar_is_the_empty_key_for_signals_too(raw, method):
    name = raw.new_id()
    is_empty(raw.call(method, f"entities/{name}/$"), 202)
    has_a_signal(raw, name)


def has_a_signal(raw, name):
    """The entity with the empty key is there. It has no state: the worker's SDK does not take such keys, so nobody serves it."""
    assert raw.call("GET", f"instances/@{name}@").json["runtimeStatus"] == "Running"
    is_empty(raw.call("GET", f"instances/@{name}@$"), 404)
    is_empty(raw.call("GET", f"entities/{name}/$"), 404)


def test_fix_a_purge_of_an_unknown_entity_is_404(raw):
    key = raw.new_id()
    is_empty(raw.call("DELETE", f"instances/@tally@{key}"), 404)
    raw.call("POST", f"entities/Tally/{key}?op=set", "7")
    state_of(raw, key)
    assert raw.call("DELETE", f"instances/@tally@{key}").json == {"instancesDeleted": 1}
    is_empty(raw.call("GET", f"entities/Tally/{key}"), 404)
    is_empty(raw.call("DELETE", f"instances/@tally@{key}"), 404)


def state_of(raw, key):
    """Waits for a state."""
    return harness.eventually(lambda: (got := raw.call("GET", f"entities/Tally/{key}")).status == 200 and got, "a state")


@pytest.mark.parametrize("asked", ["", "&runtimeStatus=Running", "&runtimeStatus=completd", "&runtimeStatus="],
                         ids=["nothing", "running", "misspelt", "empty"])
def test_fix_a_purge_by_filter_never_takes_what_runs(raw, asked):
    ids = [raw.given(state) for state in ("Pending", "Running", "Suspended")]
    raw.call("DELETE", f"instances?createdTimeFrom=2100-01-01{asked}")
    begin = raw.call("GET", f"instances/{ids[0]}").json["createdTime"]
    raw.call("DELETE", f"instances?createdTimeFrom={begin}{asked}")
    assert states_of(raw, ids) == ["Pending", "Running", "Suspended"]


@pytest.mark.parametrize("state", ["Pending", "Running", "Suspended"])
def test_fix_a_purge_of_one_that_has_not_ended_is_412(raw, state):
    id = raw.given(state)
    answer = raw.call("DELETE", f"instances/{id}")
    assert answer.status == 412 and isinstance(answer.json, str)
    assert states_of(raw, [id]) == [state]


def test_fix_a_taken_id_is_409(raw):
    is_error(raw.call("POST", f"orchestrators/waits/{raw.given('Running')}"), 409)


@pytest.mark.parametrize("state", ["Pending", "Running", "Suspended", "Completed", "Terminated"])
def test_fix_a_rewind_in_a_wrong_state_is_412(raw, state):
    answer = raw.call("POST", f"instances/{raw.given(state)}/rewind")
    assert answer.status == 412 and isinstance(answer.json, str)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_fix_makeprimary_is_a_success_that_does_nothing(raw, method):
    is_empty(raw.call(method, "makeprimary"), 200)


@pytest.mark.parametrize("operation, state", [("suspend", "Suspended"), ("resume", "Running"), ("resume", "Pending")])
def test_fix_suspend_and_resume_in_a_wrong_state_are_409(raw, operation, state):
    is_error(raw.call("POST", f"instances/{raw.given(state)}/{operation}"), 409, "System.InvalidOperationException")


@pytest.mark.parametrize("target, body", [("orchestrators/echoes", "{bad"), ("orchestrators/echoes/@x", None),
                                          ("orchestrators/echoes?timeout=1&pollingInterval=2", None),
                                          ("orchestrators/echoes?taskHub=nowhere", None), ("instances/unknown/restart", None)])
def test_fix_every_400_has_an_exception_message_and_no_stack_trace(raw, target, body):
    assert is_error(raw.call("POST", target, body), 400)


def test_fix_nothing_is_started_when_the_wait_is_refused(raw):
    id = raw.new_id()
    is_argument_error(raw.call("POST", f"orchestrators/echoes/{id}?timeout=1&pollingInterval=2"))
    is_empty(raw.call("GET", f"instances/{id}"), 404)


def test_fix_a_timeout_alone_waits(raw):
    assert raw.call("POST", f"orchestrators/echoes?timeout={HTTP_PATIENCE}", "1").body == b"1"


def test_fix_a_waiting_start_is_500_for_a_failure_on_request(raw):
    assert waited(raw, "breaks", query="&returnInternalServerErrorOnFailure=true").status == 500
    assert waited(raw, "breaks").status == 200


def test_fix_a_restart_blames_what_is_wrong(raw):
    id = raw.given("Completed")
    text = is_argument_error(raw.call("POST", f"instances/{id}/restart?timeout=1&pollingInterval=2"))
    assert "pollingInterval" in text and id not in text


@pytest.mark.parametrize("reason", ["5 minutes late", "123 and more", "[1] is wrong", "true story"])
def test_fix_a_text_that_begins_like_json_stays_a_text(raw, reason):
    id = raw.given("Running")
    raw.http.operation(id, "terminate", reason)
    assert raw.http.wait_for_end(id)["output"] == reason


def test_fix_statuses_match_in_any_case_and_unknown_ones_do_not_widen(raw):
    prefix = f"instances?instanceIdPrefix={raw.given('Running')}"
    assert len(raw.call("GET", f"{prefix}&runtimeStatus=running").json) == 1
    assert raw.call("GET", f"{prefix}&runtimeStatus=runing").json == []


def test_fix_an_event_without_a_body_is_null(raw):
    id = raw.given("Running")
    is_empty(raw.call("POST", f"instances/{id}/raiseEvent/Go", ""), 202)
    status = raw.http.wait_for_end(id)
    assert (status["runtimeStatus"], status["output"]) == ("Completed", None)


def test_fix_links_in_answers_at_the_second_mount_lead_to_the_first_with_http(raw):
    answer = raw.http.call("POST", "/durabletask/orchestrators/echoes")
    for name, link in answer.json.items():
        assert name == "id" or link.startswith(f"http://127.0.0.1:{raw.http.port}{BASE}/"), link


def test_fix_a_list_hides_inputs_when_that_is_all_it_is_asked(raw):
    id = raw.call("POST", "orchestrators/waits", "[1]").json["id"]
    token, rows = None, []
    while token or not rows:
        answer = raw.call("GET", "instances?showInput=false", headers={"x-ms-continuation-token": token} if token else None)
        rows += answer.json
        token = answer.headers["x-ms-continuation-token"]
    assert id in [row["instanceId"] for row in rows]
    assert all(row["input"] is None for row in rows)


def test_fix_a_path_is_decoded_once(raw):
    id = raw.new_id() + "%41"
    raw.call("POST", f"orchestrators/waits/{quote(id)}")
    assert raw.call("GET", f"instances/{quote(id)}").json["instanceId"] == id


def test_fix_the_rows_of_a_child_name_its_instance(raw):
    id = raw.call("POST", "orchestrators/has_a_child").json["id"]
    raw.http.wait_for_end(id)
    row = next(row for row in history(raw, id) if row["EventType"] == "SubOrchestrationInstanceCompleted")
    assert row["FunctionName"] == "echoes"
    assert raw.call("GET", f"instances/{quote(row['InstanceId'])}").json["name"] == "echoes"


def test_fix_statuses_in_history_are_names(raw):
    id = raw.call("POST", "orchestrators/runs_twice").json["id"]
    raw.http.wait_for_end(id)
    rows = [row["OrchestrationStatus"] for row in history(raw, id) if "OrchestrationStatus" in row]
    assert rows == ["Completed"]


@pytest.mark.parametrize("name", ["connection", "connectionName"])
def test_fix_the_connection_may_be_called_as_python_calls_it(raw, name):
    link = raw.call("POST", f"orchestrators/echoes?{name}=mine").json["statusQueryGetUri"]
    assert link.endswith("&connection=mine")


def test_fix_a_purge_of_an_unknown_entity_id_is_404(raw):
    is_empty(raw.call("DELETE", f"instances/{quote('@tally@' + raw.new_id())}"), 404)
