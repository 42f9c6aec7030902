"""Entities, by the stock client: it reads and signals, and knows nothing else of them."""

from __future__ import annotations

import json

import pytest
from azure.durable_functions import EntityId

import harness
import stock


@pytest.fixture
def key(new_id):
    return new_id()


def state_of(client, entity, wanted=None):
    """Waits for a state, or for this one. What the client sends arrives as a JSON string that holds JSON."""
    def there():
        answer = client.read_entity_state(entity)
        state = answer.entity_state
        return answer.entity_exists and (wanted is None or wanted == state) and answer
    return harness.eventually(there, f"{entity.key} to be {wanted}").entity_state


def test_an_entity_is_signalled_and_read(client, key):
    entity = EntityId("Tally", key)
    assert not client.read_entity_state(entity).entity_exists
    client.signal_entity(entity, "set", {"a": [1, None]})
    assert json.loads(state_of(client, entity)) == {"a": [1, None]}
    client.signal_entity(entity, "delete")
    harness.eventually(lambda: not client.read_entity_state(entity).entity_exists, "no state")


def test_signals_of_one_sender_keep_their_order(client, key):
    entity = EntityId("tally", key)
    for number in range(1, 21):
        client.signal_entity(entity, "set", number)
    assert state_of(client, entity, "20") == "20"


def test_signals_of_many_senders_all_count(client, key):
    """By plain HTTP, so that numbers are numbers."""
    target = f"{stock.PUBLIC}/entities/tally/{key}"
    import concurrent.futures
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.http.call("POST", f"{target}?op=add", "1").status, range(100)))
    assert answers == [202] * 100
    harness.eventually(lambda: client.http.get(target).body == b"100", "all of them")


def test_a_name_is_in_any_case_and_a_key_is_not(client, key):
    client.signal_entity(EntityId("TALLY", key), "set", "x")
    assert state_of(client, EntityId("tally", key)) == '"x"'
    assert not client.read_entity_state(EntityId("tally", key.upper())).entity_exists


@pytest.mark.parametrize("odd", ["a b", "ü🚀", "100%", "a|b", "a=b&c"])
def test_a_key_may_hold_nearly_anything(client, key, odd):
    """Also an `@`, but not for the SDK of the worker."""
    entity = EntityId("tally", f"{key} {odd}")
    client.signal_entity(entity, "set", odd)
    assert state_of(client, entity) == json.dumps(odd)
    rows = client.http.get(f"{stock.PUBLIC}/entities/tally?fetchState=true&top=1000").json
    assert [row["state"] for row in rows if row["entityId"]["key"] == entity.key] == [json.dumps(odd)]


def test_a_list_has_rows_as_the_original_writes_them(client, key):
    client.signal_entity(EntityId("tally", key), "set", 1)
    state_of(client, EntityId("tally", key))
    for target in ("entities", "entities/TALLY"):
        rows = client.http.get(f"{stock.RPC}/{target}?top=1000").json
        row, = [row for row in rows if row["entityId"]["key"] == key]
        assert list(row) == ["entityId", "lastOperationTime", "state"]
        assert list(row["entityId"]) == ["name", "key"] and row["state"] is None


def test_an_entity_of_another_hub_is_another(client, key):
    entity = EntityId("tally", key)
    client.signal_entity(entity, "set", 1)
    state_of(client, entity)
    assert not client.read_entity_state(entity, "nowhere", "connection").entity_exists
    with pytest.raises(Exception, match="400"):
        client.signal_entity(entity, "set", 1, "no such hub")


@pytest.mark.parametrize("name, key, operation", [
    ("tally", "x" * 256, "set"), ("tally", "k", "o" * 257), ("tal@ly", "k", "set"), ("tally", "a\\b", "set")],
    ids=["key", "operation", "name", "backslash"])
def test_what_breaks_a_rule_is_refused(client, name, key, operation):
    with pytest.raises(Exception) as refused:
        client.signal_entity(EntityId(name, key), operation)
    assert "400" in str(refused.value)


def test_an_input_that_is_too_large_is_refused(client, key):
    with pytest.raises(Exception, match="413"):
        client.signal_entity(EntityId("tally", key), "set", "x" * (4 << 20))
    assert not client.read_entity_state(EntityId("tally", key)).entity_exists


def test_without_a_worker_signals_wait_also_over_a_crash(own_server, own_client, key):
    entity = EntityId("tally", key)
    own_client.signal_entity(entity, "set", 1)
    own_server.kill()
    own_server.start()
    client = stock.Client(own_server)
    assert not client.read_entity_state(entity).entity_exists
    assert client.http.status(f"@tally@{key}").json["runtimeStatus"] == "Running"
    import conftest
    worker = harness.new_worker("plain", own_server.address, conftest.registry, filters=True)
    worker.start()
    try:
        assert state_of(client, entity) == "1"
    finally:
        worker.stop()
