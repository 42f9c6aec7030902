"""What clients see of entities, what they can do to them, and what they cannot."""

from datetime import timedelta

import grpc
import pytest

import durabletask.internal.orchestrator_service_pb2 as pb
from durabletask.azuremanaged.client import DurableTaskSchedulerClient
from durabletask.client import EntityQuery, OrchestrationQuery
from durabletask.entities import EntityInstanceId

from harness import PATIENCE, Registry, eventually, raw_stub, refused, string_value, unique

pytestmark = pytest.mark.beyond_memory("keeps entities in another way")

INVALID, MISSING = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND

registry = Registry()


def keeper(ctx, value):
    """Keeps whatever it is given."""
    ctx.set_state(value)


def in_its_own_words(name):
    """The keeper under a name that only one test uses."""
    def named(ctx, value):
        keeper(ctx, value)
    named.__name__ = name
    return registry.entity(named)


NAMES = ["query_one", "query_two", "query_pages", "query_times", "query_clean", "query_purge", "query_hub", "query_seen"]
for name in NAMES:
    in_its_own_words(name)


@pytest.fixture(scope="module")
def flavour():
    return "plain"  # test_entities.py has both


@pytest.fixture(autouse=True)
def running(worker):
    pass


@pytest.fixture
def key():
    return unique("k")


@pytest.fixture
def made(client):
    """made(name, key, state) makes an entity with a state."""
    def made(name, key, state=1):
        entity = EntityInstanceId(name, key)
        client.signal_entity(entity, "set", state)
        eventually(lambda: (found := client.get_entity(entity)) and found.get_state(), f"the state of {entity}")
        return entity
    return made


def ids(entities):
    return [str(entity.id) for entity in entities]


# --------------------------------------------------------------------------------------- lists

def test_a_prefix_is_of_names_or_of_keys(client, made, key):
    one, other = made("query_one", f"{key}-1"), made("query_one", f"{key}-2")
    two = made("query_two", f"{key}-1")

    def listed(prefix):
        return [entity for entity in ids(client.get_all_entities(EntityQuery(instance_id_starts_with=prefix))) if key in entity]
    assert listed(f"@query_one@{key}") == [str(one), str(other)] == listed("@query_one")
    assert listed(f"@query_one@{key}-2") == [str(other)]
    assert listed("@query_") == [str(one), str(other), str(two)] == listed(None)
    assert listed("@query_one@nobody") == []


def test_states_are_there_when_asked_for(client, made, key):
    made("query_one", key, {"ü": [1]})
    with_state, = client.get_all_entities(EntityQuery(instance_id_starts_with=f"@query_one@{key}"))
    assert with_state.get_typed_state() == {"ü": [1]} and with_state.includes_state
    without, = client.get_all_entities(EntityQuery(instance_id_starts_with=f"@query_one@{key}", include_state=False))
    assert without.get_state() is None and without.last_modified == with_state.last_modified


def test_transient_ones_only_when_asked_for(client, made, key):
    """An entity without a state that has messages: its worker does not exist, or they are for later."""
    later = EntityInstanceId("query_one", f"{key}-later")
    at = made("query_one", key) and client.get_entity(EntityInstanceId("query_one", key)).last_modified + timedelta(hours=1)
    client.signal_entity(later, "set", 1, signal_time=at)
    query = EntityQuery(instance_id_starts_with=f"@query_one@{key}")
    assert ids(client.get_all_entities(query)) == [f"@query_one@{key}"]
    query.include_transient = True
    assert ids(client.get_all_entities(query)) == [f"@query_one@{key}", str(later)]
    assert client.get_entity(later).backlog_queue_size == 1


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_pages_have_everything_once_and_end(client, stub, made, size):
    prefix = unique("p")
    wanted = [str(made("query_pages", f"{prefix}-{number}")) for number in range(6)]
    assert ids(client.get_all_entities(EntityQuery(
        instance_id_starts_with=f"@query_pages@{prefix}", page_size=size))) == wanted
    pages, query = [], pb.EntityQuery(
        instanceIdStartsWith=string_value(f"@query_pages@{prefix}"), pageSize={"value": size})
    while True:
        page = stub.QueryEntities(pb.QueryEntitiesRequest(query=query))
        pages.append([entity.instanceId for entity in page.entities])
        if not page.HasField("continuationToken"):
            break
        assert page.continuationToken.value
        query.continuationToken.CopyFrom(page.continuationToken)
    assert sum(pages, []) == wanted and all(len(page) <= size for page in pages) and len(pages) <= 6 // size + 1


def test_times_bound_from_below_inclusively_and_from_above_exclusively(client, made, key):
    entities = [made("query_times", f"{key}-{number}") for number in range(3)]
    times = [client.get_entity(entity).last_modified for entity in entities]
    assert times == sorted(set(times))

    def listed(**bounds):
        return ids(client.get_all_entities(EntityQuery(instance_id_starts_with=f"@query_times@{key}", **bounds)))
    everything = [str(entity) for entity in entities]
    assert listed(last_modified_from=times[1]) == everything[1:]
    assert listed(last_modified_to=times[1]) == everything[:1]
    assert listed(last_modified_from=times[0], last_modified_to=times[2]) == everything[:2]
    assert listed(last_modified_from=times[2] + timedelta(microseconds=1)) == []
    client.signal_entity(entities[0], "set", 2)
    eventually(lambda: listed(last_modified_from=times[2]) == [everything[0], everything[2]], "the change to be seen")


@pytest.mark.parametrize("seconds", [-2**63, -62135596801, 253402300800, 2**63 - 1])
def test_impossible_times_bound_as_well(client, stub, made, key, seconds):
    entity = str(made("query_times", key))
    for bound, there in (("lastModifiedFrom", seconds < 0), ("lastModifiedTo", seconds > 0)):
        query = pb.EntityQuery(instanceIdStartsWith=string_value(entity))
        getattr(query, bound).seconds = seconds
        found = stub.QueryEntities(pb.QueryEntitiesRequest(query=query)).entities
        assert [its.instanceId for its in found] == [entity] * there, bound


def test_a_token_of_another_list_is_refused(client, stub, made, key):
    for number in range(2):
        made("query_pages", f"{key}-{number}")
    one = pb.EntityQuery(instanceIdStartsWith=string_value(f"@query_pages@{key}"), pageSize={"value": 1})
    token = stub.QueryEntities(pb.QueryEntitiesRequest(query=one)).continuationToken
    other = pb.EntityQuery(instanceIdStartsWith=string_value("@query"), continuationToken=token)
    for query in (other, pb.EntityQuery(continuationToken=string_value("nonsense"))):
        with refused(INVALID):
            stub.QueryEntities(pb.QueryEntitiesRequest(query=query))


# --------------------------------------------------------------------------------------- cleaning and purging

def test_there_is_nothing_to_clean(client, made, key):
    entity = made("query_clean", key)
    result = client.clean_entity_storage()
    assert (result.empty_entities_removed, result.orphaned_locks_released) == (0, 0)
    assert client.get_entity(entity) is not None


def test_a_purge_deletes_the_state(client, made, key):
    entity = made("query_purge", key)
    assert client.purge_orchestration(str(entity)).deleted_instance_count == 1
    assert client.get_entity(entity) is None
    assert client.purge_orchestration(str(entity)).deleted_instance_count == 0
    client.signal_entity(entity, "set", 2)
    eventually(lambda: (found := client.get_entity(entity)) and found.get_typed_state() == 2, "the entity to begin anew")


def test_a_purge_keeps_what_waits(client, made, key):
    entity = made("query_purge", key)
    client.signal_entity(entity, "set", 2, signal_time=client.get_entity(entity).last_modified + timedelta(hours=1))
    assert client.purge_orchestration(str(entity)).deleted_instance_count == 1
    found = client.get_entity(entity)
    assert (found.get_state(), found.backlog_queue_size) == ("", 1)


# --------------------------------------------------------------------------------------- where entities are

def test_hubs_keep_their_own(server, stub, client, made, key):
    entity, hub = made("query_hub", key, "here"), unique("hub")
    stub.CreateTaskHub(pb.CreateTaskHubRequest(), metadata=[("taskhub", hub)])
    elsewhere = DurableTaskSchedulerClient(host_address=f"http://{server.address}", taskhub=hub,
                                           token_credential=None, secure_channel=False)
    elsewhere.signal_entity(entity, "set", "there")
    assert elsewhere.get_entity(entity).backlog_queue_size == 1, "nobody serves that hub"
    assert client.get_entity(entity).get_typed_state() == "here"
    transient = EntityQuery(instance_id_starts_with=f"@query_hub@{key}", include_transient=True)
    assert ids(elsewhere.get_all_entities(transient)) == ids(client.get_all_entities(transient)) == [str(entity)]
    assert elsewhere.get_all_entities() == []
    stub.DeleteTaskHub(pb.DeleteTaskHubRequest(), metadata=[("taskhub", hub)])
    with refused(MISSING):
        elsewhere.get_entity(entity)
    assert client.get_entity(entity).get_typed_state() == "here"
    elsewhere.close()


def test_entities_are_no_orchestrations(client, stub, made, key):
    entity = str(made("query_seen", key))
    assert client.get_orchestration_state(entity) is None
    # The SDK cannot read the status of everything that other tests have left here, so it is asked for these ids only.
    assert client.get_all_orchestration_states(OrchestrationQuery(instance_id_prefix="@")) == []
    assert not [name for name in stub.ListInstanceIds(pb.ListInstanceIdsRequest()).instanceIds if name.startswith("@")]
    for call in (stub.WaitForInstanceStart, stub.WaitForInstanceCompletion):
        assert not call(pb.GetInstanceRequest(instanceId=entity), timeout=PATIENCE).exists
    for call in (lambda: client.raise_orchestration_event(entity, "set", data=2),
                 lambda: client.terminate_orchestration(entity),
                 lambda: client.suspend_orchestration(entity),
                 lambda: client.resume_orchestration(entity)):
        with refused(MISSING):
            call()
    batch = pb.InstanceBatch(instanceIds=[entity, "@nobody@k"])
    left = stub.SkipGracefulOrchestrationTerminations(pb.SkipGracefulOrchestrationTerminationsRequest(instanceBatch=batch))
    assert list(left.unterminatedInstanceIds) == [entity, "@nobody@k"]
    assert client.get_entity(EntityInstanceId("query_seen", key)).get_typed_state() == 1


BAD_IDS = {
    "counter": "@name@key", "": "@name@key", "@counter": "@name@key", "counter@key": "@name@key",
    "@@key": "name .* must not be empty", "@ @key": "name .* must not be empty", f"@c@{'k' * 300}": "303 .* limit is 256",
    "@" + "n" * 100_000: "@name@key", f"@{'Ü' * 300}@k": "303 .* limit is 256"}


@pytest.mark.parametrize("bad", BAD_IDS, ids=lambda bad: f"{len(bad)}-{bad[:10]}")
def test_bad_ids_are_refused_and_the_rule_is_named(server, bad):
    stub = raw_stub(server.address)
    for call in (lambda: stub.SignalEntity(pb.SignalEntityRequest(instanceId=bad, name="set")),
                 lambda: stub.GetEntity(pb.GetEntityRequest(instanceId=bad))):
        with pytest.raises(grpc.RpcError, match=BAD_IDS[bad]) as error:
            call()
        assert error.value.code() == INVALID and len(error.value.details()) < 1000


def test_ids_may_hold_more_at_signs_and_any_letters(client, stub, key):
    for odd in (f"@Query_One@{key}@more@Ünïcode 漢字 / \\ ? #", f"@query_one@{key}\n"):
        stub.SignalEntity(pb.SignalEntityRequest(instanceId=odd, name="set", input=string_value("1")))
        found = stub.GetEntity(pb.GetEntityRequest(instanceId=odd)).entity
        assert found.instanceId == odd.replace("Query_One", "query_one")
        stub.PurgeInstances(pb.PurgeInstancesRequest(instanceId=found.instanceId))


def test_a_signal_must_fit(client, stub, key):
    entity = EntityInstanceId("query_seen", key)
    with refused(INVALID):
        client.signal_entity(entity, "o" * 300)
    with refused(INVALID):
        stub.SignalEntity(pb.SignalEntityRequest(instanceId=str(entity), name="set", requestId="r" * 300))
    with refused(INVALID, grpc.StatusCode.RESOURCE_EXHAUSTED):
        client.signal_entity(entity, "set", "x" * (5 << 20))
    assert client.get_entity(entity) is None
