"""Where backends differ, what this one does: rows of docs/decisions/0006 and of the protocol's tables that no other test here holds."""

import uuid

import grpc
import pytest

import durabletask.internal.orchestrator_service_pb2 as pb

from harness import PATIENCE, RawWorker, complete, eventually, holds_for, kinds, refused, schedule, string_value

pytestmark = pytest.mark.beyond_memory("chooses otherwise here and there")

PENDING, RUNNING, SUSPENDED = (
    pb.ORCHESTRATION_STATUS_PENDING, pb.ORCHESTRATION_STATUS_RUNNING, pb.ORCHESTRATION_STATUS_SUSPENDED)
COMPLETED, FAILED, TERMINATED = (
    pb.ORCHESTRATION_STATUS_COMPLETED, pb.ORCHESTRATION_STATUS_FAILED, pb.ORCHESTRATION_STATUS_TERMINATED)
CANCELED, CONTINUED = pb.ORCHESTRATION_STATUS_CANCELED, pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW
STATUSES = [PENDING, RUNNING, SUSPENDED, COMPLETED, FAILED, CANCELED, TERMINATED]
ENDED = [COMPLETED, FAILED, CANCELED, TERMINATED]
short = lambda status: pb.OrchestrationStatus.Name(status).rsplit("_", 1)[1]  # noqa: E731


@pytest.fixture(autouse=True)
def alone(no_workers):
    pass


@pytest.fixture
def name():
    return f"choices_{uuid.uuid4().hex}"


@pytest.fixture
def raw(server, name):
    with RawWorker(server.address, [name], [name]) as worker:
        yield worker


def state(stub, instance, payloads=True):
    return stub.GetInstance(pb.GetInstanceRequest(instanceId=instance, getInputsAndOutputs=payloads)).orchestrationState


def reaches(stub, instance, status):
    eventually(lambda: state(stub, instance).orchestrationStatus == status, f"{instance} to be {short(status)}")


@pytest.fixture
def in_status(raw, stub, name, new_id):
    """in_status(SUSPENDED) makes an instance that is. None of them is in anybody's hands."""
    def make(status, **fields):
        served = name if status not in (PENDING, SUSPENDED, TERMINATED) else f"{name}_unserved"
        instance = stub.StartInstance(pb.CreateInstanceRequest(instanceId=new_id(), name=served, **fields)).instanceId
        match status:
            case pb.ORCHESTRATION_STATUS_RUNNING:
                raw.answer(raw.orchestration(instance))
            case pb.ORCHESTRATION_STATUS_SUSPENDED:
                stub.SuspendInstance(pb.SuspendRequest(instanceId=instance))
            case pb.ORCHESTRATION_STATUS_TERMINATED:
                stub.TerminateInstance(pb.TerminateRequest(instanceId=instance))
            case pb.ORCHESTRATION_STATUS_COMPLETED | pb.ORCHESTRATION_STATUS_FAILED | pb.ORCHESTRATION_STATUS_CANCELED:
                raw.answer(raw.orchestration(instance), complete(1, '"old"', status))
        reaches(stub, instance, status)
        return instance
    return make


# --------------------------------------------------------------------------------------- an id that exists

def replaced(stub, raw, name, instance, policy):
    """Starts the id again; whether that made a new execution. A refusal must leave the old one as it is."""
    before = state(stub, instance)
    try:
        stub.StartInstance(pb.CreateInstanceRequest(
            instanceId=instance, name=name, input=string_value('"new"'), orchestrationIdReusePolicy=policy))
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.ALREADY_EXISTS, error
        assert state(stub, instance) == before
        return False
    assert state(stub, instance).executionId.value != before.executionId.value
    turn = raw.orchestration(instance)
    assert [event.executionStarted.input.value for event in turn.orchestratorRequest.newEvents
            if event.HasField("executionStarted")] == ['"new"']
    raw.answer(turn, complete(1, '"new"'))
    reaches(stub, instance, COMPLETED)
    assert state(stub, instance).output.value == '"new"'
    return True


@pytest.mark.parametrize("status", STATUSES, ids=short)
def test_what_the_policy_of_a_start_says_about_an_id_that_exists(raw, stub, name, in_status, status):
    def try_with(policy):
        return replaced(stub, raw, name, in_status(status), policy)
    others = [other for other in STATUSES if other != status]
    assert try_with(None) == (status in ENDED)
    assert try_with(pb.OrchestrationIdReusePolicy(replaceableStatus=[status]))
    assert not try_with(pb.OrchestrationIdReusePolicy(replaceableStatus=others))
    assert not try_with(pb.OrchestrationIdReusePolicy())


def test_the_statuses_of_a_policy_may_come_one_by_one(stub, raw, name, in_status):
    """Packed or not: proto3 readers take both."""
    instance = in_status(FAILED)
    start = pb.CreateInstanceRequest(instanceId=instance, name=name).SerializeToString()
    policy = bytes([0x08, COMPLETED, 0x08, FAILED])
    raw.channel.unary_unary("/TaskHubSidecarService/StartInstance", request_serializer=bytes)(
        start + bytes([0x32, len(policy)]) + policy)
    raw.answer(raw.orchestration(instance), complete(1))
    reaches(stub, instance, COMPLETED)


# --------------------------------------------------------------------------------------- ids that do not exist

@pytest.mark.parametrize("method, request_", [
    ("RaiseEvent", pb.RaiseEventRequest(name="e")),
    ("TerminateInstance", pb.TerminateRequest()),
    ("SuspendInstance", pb.SuspendRequest()),
    ("ResumeInstance", pb.ResumeRequest()),
    ("RewindInstance", pb.RewindInstanceRequest()),
    ("RestartInstance", pb.RestartInstanceRequest()),
], ids=lambda value: value if isinstance(value, str) else "")
def test_who_speaks_to_nobody_is_told(stub, new_id, method, request_):
    request_.instanceId = new_id()
    with refused(grpc.StatusCode.NOT_FOUND):
        getattr(stub, method)(request_)


@pytest.mark.parametrize("status", ENDED, ids=short)
def test_messages_to_what_has_ended_are_dropped_quietly(stub, in_status, status):
    instance = in_status(status)
    before = state(stub, instance)
    stub.RaiseEvent(pb.RaiseEventRequest(instanceId=instance, name="e"))
    stub.TerminateInstance(pb.TerminateRequest(instanceId=instance))
    stub.SuspendInstance(pb.SuspendRequest(instanceId=instance))
    stub.ResumeInstance(pb.ResumeRequest(instanceId=instance))
    assert state(stub, instance) == before


def test_reading_and_waiting_for_what_does_not_exist_answer_at_once(stub, new_id):
    for method in (stub.GetInstance, stub.WaitForInstanceStart, stub.WaitForInstanceCompletion):
        answer = method(pb.GetInstanceRequest(instanceId=new_id(), getInputsAndOutputs=True), timeout=PATIENCE)
        assert not answer.exists and not answer.HasField("orchestrationState")


# --------------------------------------------------------------------------------------- what a state shows

def test_payloads_are_shown_on_request_and_failures_always(raw, stub, name, new_id):
    instance = new_id()
    stub.StartInstance(pb.CreateInstanceRequest(instanceId=instance, name=name, input=string_value('"in"')))
    failure = complete(1, '"out"', FAILED)
    failure.completeOrchestration.failureDetails.errorType = "OnPurpose"
    raw.answer(raw.orchestration(instance), failure, custom_status='"status"')
    reaches(stub, instance, FAILED)

    def listed(payloads):
        query = pb.InstanceQuery(instanceIdPrefix=string_value(instance), fetchInputsAndOutputs=payloads)
        [found] = stub.QueryInstances(pb.QueryInstancesRequest(query=query)).orchestrationState
        return found

    for read in (lambda payloads: state(stub, instance, payloads), listed):
        full, bare = read(True), read(False)
        assert (full.input.value, full.output.value, full.customStatus.value) == ('"in"', '"out"', '"status"')
        assert not any(bare.HasField(field) for field in ("input", "output", "customStatus"))
        assert full.failureDetails.errorType == bare.failureDetails.errorType == "OnPurpose"


def test_the_end_of_an_execution_is_told_before_the_end_of_its_turn(raw, stub, in_status):
    instance = in_status(COMPLETED)
    events = [event for chunk in stub.StreamInstanceHistory(pb.StreamInstanceHistoryRequest(instanceId=instance))
              for event in chunk.events]
    assert kinds(events) == ["orchestratorStarted", "executionStarted", "executionCompleted", "orchestratorCompleted"]


def test_a_new_generation_is_running_and_keeps_its_creation_tags_version_and_status(raw, stub, name, new_id):
    instance = new_id()
    stub.StartInstance(pb.CreateInstanceRequest(
        instanceId=instance, name=name, version=string_value("1"), tags={"a": "b"}))
    created = state(stub, instance).createdTimestamp
    first = raw.orchestration(instance)
    raw.answer(first, schedule(1, name), custom_status='"kept"')
    raw.finish(raw.activity(instance))
    again = complete(2, '"next"', CONTINUED)
    raw.answer(raw.orchestration(instance), again)
    turn = raw.orchestration(instance)
    now = state(stub, instance)
    assert now.orchestrationStatus == RUNNING, "never CONTINUED_AS_NEW"
    assert (now.createdTimestamp, now.version.value, dict(now.tags)) == (created, "1", {"a": "b"})
    assert now.customStatus.value == '"kept"'
    assert now.executionId.value != first.orchestratorRequest.executionId.value
    raw.answer(turn, complete(1))


# --------------------------------------------------------------------------------------- lists and purges

def created_at(stub, instance):
    return state(stub, instance).createdTimestamp


def test_a_range_of_creation_has_its_first_moment_and_not_its_last(stub, in_status):
    """To the microsecond, and the same for lists and purges."""
    first, second = in_status(COMPLETED), in_status(COMPLETED)
    begin, end = created_at(stub, first), created_at(stub, second)
    query = pb.InstanceQuery(createdTimeFrom=begin, createdTimeTo=end)
    found = {found.instanceId for found in stub.QueryInstances(pb.QueryInstancesRequest(query=query)).orchestrationState}
    assert first in found and second not in found
    stub.PurgeInstances(pb.PurgeInstancesRequest(
        purgeInstanceFilter=pb.PurgeInstanceFilter(createdTimeFrom=begin, createdTimeTo=end)))
    assert not stub.GetInstance(pb.GetInstanceRequest(instanceId=first)).exists
    assert stub.GetInstance(pb.GetInstanceRequest(instanceId=second)).exists


def test_a_range_of_ends_has_its_first_moment_and_not_its_last(stub, in_status):
    first, second = in_status(COMPLETED), in_status(COMPLETED)
    begin, end = state(stub, first).completedTimestamp, state(stub, second).completedTimestamp
    listed = stub.ListInstanceIds(pb.ListInstanceIdsRequest(completedTimeFrom=begin, completedTimeTo=end)).instanceIds
    assert first in listed and second not in listed


def test_the_last_page_of_instances_has_no_token(stub, name, new_id):
    prefix = new_id()
    for number in range(3):
        stub.StartInstance(pb.CreateInstanceRequest(instanceId=f"{prefix}-{number}", name=name))
    met, tokens = [], [""]
    while tokens[-1] is not None:
        page = stub.QueryInstances(pb.QueryInstancesRequest(query=pb.InstanceQuery(
            instanceIdPrefix=string_value(prefix), maxInstanceCount=1, continuationToken=string_value(tokens[-1]))))
        met += [found.instanceId for found in page.orchestrationState]
        tokens.append(page.continuationToken.value if page.HasField("continuationToken") else None)
    assert met == [f"{prefix}-{number}" for number in range(3)]
    assert len(set(tokens)) == len(tokens) and not {"", "0"} & set(tokens[1:])


def test_the_last_page_of_ended_ids_has_no_key_and_an_empty_key_means_from_the_start(stub, in_status):
    instances = [in_status(COMPLETED) for _ in range(3)]
    begin = state(stub, instances[0]).completedTimestamp
    met, keys = [], [""]
    while keys[-1] is not None:
        page = stub.ListInstanceIds(pb.ListInstanceIdsRequest(
            completedTimeFrom=begin, pageSize=1, lastInstanceKey=string_value(keys[-1])))
        met += page.instanceIds
        keys.append(page.lastInstanceKey.value if page.HasField("lastInstanceKey") else None)
        assert len(keys) < 100, "the list does not end"
    assert met == instances
    everything = stub.ListInstanceIds(pb.ListInstanceIdsRequest(completedTimeFrom=begin))
    assert list(everything.instanceIds) == instances, "a page size of 0 means the server's own"


# --------------------------------------------------------------------------------------- who gets what

def test_a_list_of_names_that_is_there_and_empty_serves_nothing_of_that_kind(server, stub, name, new_id):
    instance = new_id()
    stub.StartInstance(pb.CreateInstanceRequest(instanceId=instance, name=name))
    with RawWorker(server.address) as nothing, RawWorker(server.address, orchestrations=[name]) as turns:
        turns.answer(turns.orchestration(instance), schedule(1, name))
        reaches(stub, instance, RUNNING)
        holds_for(lambda: nothing.held() == turns.held() == 0, 0.3, "nobody having the activity")
        with RawWorker(server.address, activities=[name]) as activities:
            activities.finish(activities.activity(instance))
            turns.answer(turns.orchestration(instance), complete(2))
            reaches(stub, instance, COMPLETED)
            assert nothing.held() == activities.held() == 0


def test_the_empty_version_of_a_filter_is_that_of_unversioned_work(server, stub, name, new_id):
    with RawWorker(server.address, orchestrations=[(name, [""])]) as unversioned, \
            RawWorker(server.address, orchestrations=[(name, ["1", "2"])]) as versioned:
        for version, worker in ((None, unversioned), ("", unversioned), ("2", versioned)):
            instance = new_id()
            stub.StartInstance(pb.CreateInstanceRequest(instanceId=instance, name=name, version=string_value(version)))
            worker.answer(worker.orchestration(instance), complete(1))
