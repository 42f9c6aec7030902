"""restart. The client hands out the whole 202 body where its documentation promises the id."""

import json
import re

import pytest

import harness
import stock

EVERY = ["Pending", "Running", "Suspended", "Completed", "Failed", "Terminated"]


@pytest.mark.parametrize("state", EVERY)
def test_any_instance_restarts_under_a_new_id_and_stays_as_it_is(client, started, state):
    instance = started(state)
    again = client.restart(instance)["id"]
    assert re.fullmatch("[0-9a-f]{32}", again)
    assert client.get_status(again).name == client.get_status(instance).name
    client.wait_for(again, {"Suspended": "Running", "Terminated": "Running"}.get(state, state))
    assert client.state(instance) == state


@pytest.mark.parametrize("value", [0, False, "", "hi", "ü 🚀", [], {"a": [1]}], ids=json.dumps)
@pytest.mark.parametrize("new", [True, False], ids=["new id", "same id"])
def test_the_input_is_that_of_the_first_time(client, new_id, value, new):
    instance = client.start_new("echoes", new_id(), value)
    first = client.wait_for_end(instance)
    again = client.restart(instance, new)["id"]
    status = harness.eventually(lambda: (s := client.get_status(again)).output and s, "the output")
    assert status.input_ == first.input_ and status.output == first.output
    assert json.loads(status.output) == value


def test_no_input_remains_none(client, new_id):
    instance = client.start_new("echoes", new_id())
    client.wait_for_end(instance)
    status = client.wait_for(client.restart(instance)["id"], "Completed")
    assert status.input_ is None and status.output is None


@pytest.mark.parametrize("state", ["Completed", "Failed", "Terminated"])
def test_what_has_ended_restarts_under_its_own_id(client, new_id, state):
    instance = client.start_new("breaks" if state == "Failed" else "waits", new_id())
    if state != "Failed":
        client.wait_for(instance, "Running")
        client.raise_event(instance, "Go") if state == "Completed" else client.terminate(instance, "over")
    client.wait_for(instance, state)
    assert client.restart(instance, False)["id"] == instance
    if state == "Failed":
        client.wait_for(instance, "Failed")  # it breaks again
    else:
        client.wait_for(instance, "Running")
        client.raise_event(instance, "Go", "second")
        assert client.wait_for(instance, "Completed").output == '"second"'


@pytest.mark.parametrize("state", ["Pending", "Running", "Suspended"])
def test_what_has_not_ended_does_not_restart_under_its_own_id(client, started, state):
    instance = started(state)
    with pytest.raises(Exception, match="unexpected status code 409"):
        client.restart(instance, False)
    assert client.state(instance) == state


@pytest.mark.parametrize("new", [True, False], ids=["new id", "same id"])
def test_an_unknown_instance_does_not_restart(client, new_id, new):
    instance = new_id()
    with pytest.raises(Exception, match="unexpected status code 400"):
        client.restart(instance, new)
    assert not client.get_status(instance)


def test_a_purged_instance_does_not_restart(client, started):
    instance = started("Completed")
    client.purge_instance_history(instance)
    with pytest.raises(Exception, match="unexpected status code 400"):
        client.restart(instance)


def test_the_answer_has_the_links_of_the_new_instance(client, started):
    links = client.restart(started("Completed"))
    assert list(links) == ["id", "statusQueryGetUri", "sendEventPostUri", "terminatePostUri", "purgeHistoryDeleteUri",
                           "restartPostUri", "suspendPostUri", "resumePostUri"]
    assert client.follow("GET", links["statusQueryGetUri"]).json["instanceId"] == links["id"]


def test_the_restart_link_of_a_management_payload_works(client, started):
    instance = started("Completed")
    answer = client.follow("POST", client.create_http_management_payload(instance)["restartPostUri"])
    assert answer.status == 202 and answer.json["id"] != instance
    assert client.wait_for(answer.json["id"], "Completed").name == "echoes"


def test_each_restart_under_a_new_id_makes_another_instance(client, started):
    instance = started("Completed")
    assert len({client.restart(instance)["id"] for _ in range(3)} | {instance}) == 4
