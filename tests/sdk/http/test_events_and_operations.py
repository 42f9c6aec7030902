"""raise_event, terminate, suspend, resume."""

import json

import pytest

ENDED = ["Completed", "Failed", "Terminated"]
LIVE = ["Pending", "Running", "Suspended"]


# ---------------------------------------------------------------------------------------------------- raise_event

@pytest.mark.parametrize("value", [None, 0, False, "", "hi", "ü 🚀", [], {}, {"x": [1, None]}], ids=json.dumps)
def test_an_event_arrives_as_the_json_text_that_the_client_makes_of_it(client, started, value):
    instance = started("Running")
    client.raise_event(instance, "Go", value)
    output = client.wait_for(instance, "Completed").output
    assert isinstance(output, str) and json.loads(output) == value


def test_an_event_without_data_is_null(client, started):
    instance = started("Running")
    client.raise_event(instance, "Go")
    assert client.wait_for(instance, "Completed").output == "null"


def test_the_name_of_an_event_matches_in_any_case(client, started):
    instance = started("Running")
    client.raise_event(instance, "gO", 1)
    client.wait_for(instance, "Completed")


def test_events_that_nobody_waits_for_do_no_harm(client, started):
    instance = started("Running")
    for name in ("Ev 1", "ü", "a|b", "100%"):
        client.raise_event(instance, name, 1)
    client.raise_event(instance, "Go", "last")
    assert client.wait_for(instance, "Completed").output == '"last"'


def test_an_event_for_a_suspended_instance_waits_with_it(client, started):
    instance = started("Suspended")
    client.raise_event(instance, "Go", 5)
    assert client.state(instance) == "Suspended"
    client.resume(instance, "go on")
    assert client.wait_for(instance, "Completed").output == "5"


def test_an_event_for_a_pending_instance_is_accepted(client, started):
    client.raise_event(started("Pending"), "Go", 1)


def test_an_event_for_the_hub_and_a_connection_by_name_arrives(client, started):
    instance = started("Running")
    client.raise_event(instance, "Go", {"x": 1}, "default", "any")
    assert client.wait_for(instance, "Completed").output == '{"x": 1}'


def test_an_event_for_another_hub_finds_no_instance(client, started):
    instance = started("Running")
    with pytest.raises(Exception, match=f"No instance with ID {instance} found"):
        client.raise_event(instance, "Go", 1, "elsewhere")
    assert client.state(instance) == "Running"


def test_an_event_for_an_unknown_instance_is_refused(client, new_id):
    with pytest.raises(Exception, match="No instance with ID .* found"):
        client.raise_event(new_id(), "Go", 1)


@pytest.mark.parametrize("state", ENDED)
def test_an_event_for_an_ended_instance_is_refused(client, started, state):
    with pytest.raises(Exception, match="is gone: either completed or failed"):
        client.raise_event(started(state), "Go", 1)


def test_an_event_without_a_name_is_refused(client, started):
    with pytest.raises(ValueError):
        client.raise_event(started("Running"), "")


def test_an_event_that_is_too_large_is_refused_and_the_instance_waits_on(client, started):
    instance = started("Running")
    with pytest.raises(Exception, match="unrecognized status code 413"):
        client.raise_event(instance, "Go", "x" * (4 << 20))
    client.raise_event(instance, "Go", "small")
    assert client.wait_for(instance, "Completed").output == '"small"'


# ---------------------------------------------------------------------------------------------------- terminate

@pytest.mark.parametrize("reason", ["over", "be cause/ü", "5 minutes late", "a+b&c=d?e#f%20g", '"quoted', "🚀"])
def test_the_reason_of_a_termination_is_the_output(client, started, reason):
    instance = started("Running")
    client.terminate(instance, reason)
    assert client.wait_for(instance, "Terminated").output == reason


@pytest.mark.parametrize("state", LIVE)
def test_whatever_has_not_ended_can_be_terminated(client, started, state):
    instance = started(state)
    client.terminate(instance, "enough")
    assert client.wait_for(instance, "Terminated").output == "enough"


@pytest.mark.parametrize("operation", ["terminate", "suspend", "resume"])
@pytest.mark.parametrize("state", ENDED)
def test_an_operation_on_an_ended_instance_changes_nothing_and_is_no_error(client, started, state, operation):
    instance = started(state)
    before = client.get_status(instance).to_json()
    getattr(client, operation)(instance, "too late")
    assert client.get_status(instance).to_json() == before


@pytest.mark.parametrize("operation", ["terminate", "suspend", "resume"])
def test_an_operation_on_an_unknown_instance_is_refused(client, new_id, operation):
    instance = new_id()
    with pytest.raises(Exception, match=f"No instance with ID '{instance}' found"):
        getattr(client, operation)(instance, "why")


# ---------------------------------------------------------------------------------------------------- suspend, resume

@pytest.mark.parametrize("state", ["Pending", "Running"])
def test_what_is_suspended_goes_on_when_resumed(client, started, state):
    instance = started(state)
    client.suspend(instance, "r r&ü")
    client.wait_for(instance, "Suspended")
    client.resume(instance, "r&r")
    client.wait_for(instance, state)


def test_suspending_twice_is_refused(client, started):
    instance = started("Suspended")
    with pytest.raises(Exception, match="unexpected status code 409"):
        client.suspend(instance, "again")
    assert client.state(instance) == "Suspended"


@pytest.mark.parametrize("state", ["Pending", "Running"])
def test_resuming_what_is_not_suspended_is_refused(client, started, state):
    instance = started(state)
    with pytest.raises(Exception, match="unexpected status code 409"):
        client.resume(instance, "why")
    assert client.state(instance) == state
