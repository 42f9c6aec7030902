"""purge_instance_history."""

import pytest


@pytest.mark.parametrize("state", ["Completed", "Failed", "Terminated"])
def test_an_ended_instance_is_purged_once(client, started, state):
    instance = started(state)
    assert client.purge_instance_history(instance).instances_deleted == 1
    assert not client.get_status(instance, True, True, True)
    assert client.purge_instance_history(instance).instances_deleted == 0


def test_an_unknown_instance_is_no_error_and_counts_nothing(client, new_id):
    assert client.purge_instance_history(new_id()).instances_deleted == 0


@pytest.mark.parametrize("state", ["Pending", "Running", "Suspended"])
def test_what_has_not_ended_is_not_purged(client, started, state):
    instance = started(state)
    with pytest.raises(Exception, match="unexpected status code 412"):
        client.purge_instance_history(instance)
    assert client.state(instance) == state


def test_a_purged_id_starts_anew(client, started):
    instance = started("Completed")
    client.purge_instance_history(instance)
    assert client.start_new("echoes", instance, "new") == instance
    assert client.wait_for(instance, "Completed").output == '"new"'
