"""rewind. This client is written for the older answers; a bare JSON string in a refusal becomes its message."""

import pytest

EVERY = ["Pending", "Running", "Suspended", "Completed", "Terminated"]


@pytest.mark.parametrize("reason", ["why", "a b", "ü 🚀", ""])
def test_what_has_failed_runs_again(client, started, reason):
    instance = started("Failed")
    client.rewind(instance, reason)
    client.wait_for(instance, "Failed")  # it breaks by itself, so it breaks again
    [revision] = client.follow("GET", f"{client.origin}/api/v1/instances/{instance}/revisions").json
    assert (revision["revision"], revision["reason"]) == (1, reason)


@pytest.mark.parametrize("state", EVERY)
def test_what_has_not_failed_is_refused(client, started, state):
    instance = started(state)
    with pytest.raises(Exception, match=f"cannot rewind instance {instance}: it is {state}"):
        client.rewind(instance, "why")
    assert client.state(instance) == state


def test_an_unknown_instance_is_refused(client, new_id):
    with pytest.raises(Exception, match="[Nn]o instance with ID|does not exist"):
        client.rewind(new_id(), "why")


def test_in_another_hub_there_is_no_such_instance(client, started):
    instance = started("Failed")
    with pytest.raises(Exception):
        client.rewind(instance, "why", "elsewhere")
    assert client.state(instance) == "Failed"


def test_the_rewind_link_of_a_management_payload_works(client, started):
    instance = started("Failed")
    link = client.create_http_management_payload(instance)["rewindPostUri"].replace("{text}", "why")
    assert client.follow("POST", link).status == 202
    client.wait_for(instance, "Failed")
