"""purge_instance_history_by. Each test looks at what was created since it began; what was there before must stay."""

import pytest
from azure.durable_functions import OrchestrationRuntimeStatus as Status

import stock
from conftest import bring_to

LIVE = ["Pending", "Running", "Suspended"]
ENDED = ["Completed", "Failed", "Terminated"]


@pytest.fixture
def bystander(client, new_id):
    """An ended instance from before the time that is purged."""
    instance = bring_to(client, "Completed", new_id("bystander"))
    yield instance
    assert client.state(instance) == "Completed"


@pytest.fixture
def since(bystander):
    since = stock.now()
    stock.now()
    return since


@pytest.fixture
def one_of_each(since, client, new_id):
    return {state: bring_to(client, state, new_id(state)) for state in LIVE + ENDED}


def states(client, instances):
    return {state for state, instance in instances.items() if client.state(instance) == state}


def test_without_states_everything_that_has_ended_goes_and_the_rest_stays(client, since, one_of_each):
    assert client.purge_instance_history_by(since).instances_deleted == 3
    assert states(client, one_of_each) == set(LIVE)


@pytest.mark.parametrize("state", ENDED)
def test_only_the_states_asked_for_go(client, since, one_of_each, state):
    assert client.purge_instance_history_by(since, None, [Status(state)]).instances_deleted == 1
    assert states(client, one_of_each) == set(LIVE + ENDED) - {state}


def test_several_states_go_together(client, since, one_of_each):
    asked = [Status.Failed, Status.Terminated, Status.Canceled]
    assert client.purge_instance_history_by(since, None, asked).instances_deleted == 2
    assert states(client, one_of_each) == {*LIVE, "Completed"}


@pytest.mark.parametrize("asked", [["Running"], ["Pending", "Running", "Suspended", "ContinuedAsNew"]], ids="+".join)
def test_asking_for_live_states_deletes_nothing_at_all(client, since, one_of_each, asked):
    try:
        deleted = client.purge_instance_history_by(since, None, [Status(state) for state in asked]).instances_deleted
    except Exception as refusal:
        assert "unexpected status code 400" in str(refusal)
    else:
        assert deleted == 0
    assert states(client, one_of_each) == set(LIVE + ENDED)


def test_live_states_beside_ended_ones_are_ignored(client, since, one_of_each):
    assert client.purge_instance_history_by(since, None, [Status.Running, Status.Failed]).instances_deleted == 1
    assert states(client, one_of_each) == {*LIVE, "Completed", "Terminated"}


def test_what_was_created_after_the_end_of_the_range_stays(client, since, new_id):
    inside = bring_to(client, "Completed", new_id("inside"))
    until = stock.now()
    stock.now()
    after = bring_to(client, "Completed", new_id("after"))
    assert client.purge_instance_history_by(since, until).instances_deleted == 1
    assert client.state(inside) is None and client.state(after) == "Completed"


def test_a_range_with_nothing_in_it_counts_nothing(client, since):
    assert client.purge_instance_history_by(since).instances_deleted == 0


def test_without_a_beginning_it_is_refused(client):
    with pytest.raises(ValueError):
        client.purge_instance_history_by(None)
    assert client.http.call("DELETE", f"{stock.PUBLIC}/instances/").status == 400
