"""get_status."""

import datetime

import pytest


def test_an_unknown_instance_gives_a_false_status(client, new_id):
    status = client.get_status(new_id(), True, True, True)
    assert not status and status.instance_id is None and status.runtime_status is None


@pytest.mark.parametrize("state", ["Pending", "Running", "Suspended", "Completed", "Failed", "Terminated"])
def test_every_state_reads_with_all_its_fields(client, started, state):
    before = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    instance = started(state)
    status = client.get_status(instance)
    assert status and status.runtime_status.name == state and status.instance_id == instance
    assert before <= status.created_time <= status.last_updated_time <= datetime.datetime.now(datetime.timezone.utc)
    assert status.input_ is None and not hasattr(status, "historyEvents")
    waiting = state in ("Running", "Suspended", "Terminated")
    assert status.custom_status == ({"waiting": True} if waiting else None)
    assert status.name == {"Pending": "NobodyServesThis", "Completed": "echoes", "Failed": "breaks"}.get(state, "waits")
    if state == "Failed":
        assert "broken on purpose" in status.output
    else:
        assert status.output == ("over" if state == "Terminated" else None)


@pytest.mark.parametrize("flag", [False, True])
def test_the_input_is_there_with_and_without_the_flag(client, new_id, flag):
    instance = client.start_new("echoes", new_id(), {"a": 1})
    client.wait_for_end(instance)
    assert client.get_status(instance, show_input=flag).input_ == '{"a": 1}'  # a false flag is not sent


def test_the_history_comes_when_asked_for(client, new_id):
    instance = client.start_new("HelloCities", new_id())
    client.wait_for_end(instance)
    rows = client.get_status(instance, show_history=True).historyEvents
    assert [row["EventType"] for row in rows] == ["ExecutionStarted"] + ["TaskCompleted"] * 3 + ["ExecutionCompleted"]
    assert rows[0]["FunctionName"] == "HelloCities"
    assert not any("Result" in row for row in rows)


def test_results_in_the_history_come_when_asked_for_too(client, new_id):
    instance = client.start_new("HelloCities", new_id())
    client.wait_for_end(instance)
    rows = client.get_status(instance, show_history=True, show_history_output=True).historyEvents
    greetings = ["Hello, Tokyo!", "Hello, Seattle!", "Hello, London!"]
    assert [row.get("Result") for row in rows] == [None, *greetings, greetings]
    assert not hasattr(client.get_status(instance, show_history_output=True), "historyEvents")


def test_the_history_holds_the_input(client, new_id):
    instance = client.start_new("echoes", new_id(), "hi")
    client.wait_for_end(instance)
    status = client.get_status(instance, True, True, True)
    assert status.input_ == '"hi"' and status.historyEvents[0]["EventType"] == "ExecutionStarted"
    assert "hi" in status.historyEvents[0]["Input"] and status.historyEvents[-1]["Result"] == '"hi"'


def test_a_pending_instance_has_no_history(client, started):
    assert not getattr(client.get_status(started("Pending"), show_history=True), "historyEvents", None)
