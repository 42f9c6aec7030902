"""get_status_all and get_status_by, each on a hub with nothing else in it."""

from types import SimpleNamespace

import pytest
from azure.durable_functions import OrchestrationRuntimeStatus as Status

import harness
import stock


def ids(statuses):
    return sorted(status.instance_id for status in statuses)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A server without a worker and an instance in each state, with ids that only a true prefix match tells apart."""
    server = harness.Server(tmp_path_factory.mktemp("mixed")).start()
    client = stock.Client(server)
    times = SimpleNamespace(start=stock.now())
    client.start_new("NobodyServesThis", "pre fix_pending", {"kept": 1})
    client.start_new("HumanApproval", "pre fix%running")
    client.wait_for("pre fix%running", "Running")
    client.start_new("HumanApproval", "pre fixed suspended")
    client.wait_for("pre fixed suspended", "Running")
    client.suspend("pre fixed suspended", "")
    client.wait_for("pre fixed suspended", "Suspended")
    times.middle = stock.now()
    stock.now()
    client.start_new("HelloCities", "Pre fix completed")
    client.wait_for("Pre fix completed", "Completed")
    client.start_new("SlowChain", "ü failed", "no object")
    client.wait_for("ü failed", "Failed")
    client.start_new("HumanApproval", "a+b&c=d terminated".replace("+", " "))
    client.terminate("a b&c=d terminated", "over")
    client.wait_for("a b&c=d terminated", "Terminated")
    times.end = stock.now()
    yield SimpleNamespace(server=server, times=times)
    server.close()


LIVE = ["pre fix_pending", "pre fix%running", "pre fixed suspended"]
ENDED = ["Pre fix completed", "ü failed", "a b&c=d terminated"]


@pytest.fixture
def lists(mixed, mount):
    return stock.Client(mixed.server, mount)


def test_an_empty_hub_lists_nothing(own_client):
    assert own_client.get_status_all() == [] and own_client.get_status_by() == []


def test_all_instances_are_listed(lists):
    assert ids(lists.get_status_all()) == sorted(LIVE + ENDED)


def test_a_listed_status_is_the_status_of_the_instance(lists):
    for status in lists.get_status_all():
        single = lists.get_status(status.instance_id)
        assert status and status.to_json() == single.to_json()
        assert vars(status) == vars(single)


def test_the_first_page_has_100_instances_and_its_token_leads_to_the_rest(own_client):
    wanted = [f"{number:03}" for number in range(105)]
    stock.together(*(own_client.stock.start_new("NobodyServesThis", instance) for instance in wanted))
    page = ids(own_client.get_status_all())
    assert len(page) == len(set(page)) == 100
    first = own_client.http.get(f"{stock.PUBLIC}/instances/")
    token = first.headers["x-ms-continuation-token"]
    assert token and sorted(row["instanceId"] for row in first.json) == page
    second = own_client.http.get(f"{stock.PUBLIC}/instances/", headers={"x-ms-continuation-token": token})
    assert sorted(page + [row["instanceId"] for row in second.json]) == wanted
    assert not second.headers.get("x-ms-continuation-token")


@pytest.mark.parametrize("states, expected", [
    ([Status.Pending], LIVE[:1]), ([Status.Running], LIVE[1:2]), ([Status.Suspended], LIVE[2:]),
    ([Status.Completed], ENDED[:1]), ([Status.Failed], ENDED[1:2]), ([Status.Terminated], ENDED[2:]),
    ([Status.Canceled], []), ([Status.ContinuedAsNew], []), ([Status.Running, Status.Pending, Status.Suspended], LIVE),
    (list(Status), LIVE + ENDED), ([], LIVE + ENDED), (None, LIVE + ENDED),
], ids=lambda value: "+".join(getattr(item, "name", "") for item in value or []) or None)
def test_a_list_by_state_holds_those_states(lists, states, expected):
    assert ids(lists.get_status_by(runtime_status=states)) == sorted(expected)


@pytest.mark.parametrize("prefix, expected", [
    ("pre fix", LIVE), ("pre fix_", LIVE[:1]), ("pre fix%", LIVE[1:2]), ("pre fixed", LIVE[2:]), ("Pre", ENDED[:1]),
    ("ü", ENDED[1:2]), ("a b", ENDED[2:]), ("%", []), ("_", []), ("pre fix_pendingx", []), ("fix", []), ("", LIVE + ENDED),
    (None, LIVE + ENDED)])
def test_a_list_by_prefix_holds_ids_that_begin_with_exactly_that(lists, prefix, expected):
    assert ids(lists.get_status_by(instance_id_prefix=prefix)) == sorted(expected)


def test_a_list_by_time_holds_what_was_created_then(mixed, lists):
    times = mixed.times
    assert ids(lists.get_status_by(created_time_from=times.middle)) == sorted(ENDED)
    assert ids(lists.get_status_by(created_time_to=times.middle)) == sorted(LIVE)
    assert ids(lists.get_status_by(times.start, times.end)) == sorted(LIVE + ENDED)
    assert lists.get_status_by(created_time_from=times.end) == []
    assert lists.get_status_by(created_time_to=times.start) == []
    assert lists.get_status_by(times.middle, times.start) == []


def test_filters_narrow_each_other(mixed, lists):
    times = mixed.times
    found = lists.get_status_by(times.start, times.middle, [Status.Running, Status.Suspended, Status.Failed], "pre fix%")
    assert ids(found) == LIVE[1:2]
    assert lists.get_status_by(times.middle, times.end, [Status.Running]) == []


def test_a_purged_instance_is_listed_no_more(own_client):
    own_client.start_new("HelloCities", "gone")
    own_client.wait_for("gone", "Completed")
    assert ids(own_client.get_status_all()) == ["gone"]
    own_client.purge_instance_history("gone")
    assert own_client.get_status_all() == []
