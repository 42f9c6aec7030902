"""Workers whose answers break the rules: deep failures, numbers and times that make no sense. Their own instance may fail, and says
why; nobody else notices."""

import uuid

import grpc
import pytest

import durabletask.internal.orchestrator_service_pb2 as pb

from harness import PATIENCE, RawWorker, complete, holds_for, schedule

pytestmark = pytest.mark.beyond_memory("is not that strict about the wire")

PREFIX = "/TaskHubSidecarService/"
INVALID = grpc.StatusCode.INVALID_ARGUMENT
FAILED = pb.ORCHESTRATION_STATUS_FAILED
COMPLETED = pb.ORCHESTRATION_STATUS_COMPLETED


@pytest.fixture(autouse=True)
def alone(no_workers):
    pass


@pytest.fixture
def name():
    return f"broken_{uuid.uuid4().hex}"


@pytest.fixture
def raw(server, name):
    with RawWorker(server.address, [name], [name]) as worker:
        yield worker


@pytest.fixture
def start(stub, name, new_id):
    def start(**fields):
        instance = fields.pop("instanceId", new_id())
        return stub.StartInstance(pb.CreateInstanceRequest(instanceId=instance, name=name, **fields)).instanceId
    return start


def ended(stub, instance, timeout=PATIENCE):
    return stub.WaitForInstanceCompletion(
        pb.GetInstanceRequest(instanceId=instance, getInputsAndOutputs=True), timeout=timeout).orchestrationState


# --------------------------------------------------------------------------------------- deep failure details

def nested(levels):
    """The bytes of failure details with so many inner failures. By hand: the library refuses to build what its readers refuse."""
    details = pb.TaskFailureDetails(errorType="Innermost", errorMessage=f"level {levels}").SerializeToString()
    for level in range(levels - 1, -1, -1):
        outer = pb.TaskFailureDetails(errorType="Outer", errorMessage=f"level {level}").SerializeToString()
        details = outer + field(4, details)
    return details


def field(number, content):
    """A field of protobuf that holds bytes."""
    size, length = len(content), bytearray()
    while size >= 0x80:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([number << 3 | 2, *length, size]) + content


def depth(details):
    levels = 0
    while details.HasField("innerFailure"):
        details, levels = details.innerFailure, levels + 1
    return levels


@pytest.mark.parametrize("levels", [0, 1, 30, 60, *range(85, 101), 120, 5000])
def test_deep_failure_details_arrive_or_are_refused(server, raw, stub, start, name, levels):
    """Readers of protobuf stop at 100 levels. What was taken in an answer must not be unreadable in the work item that tells of it,
    where it lies some levels deeper: the stream would end on it again and again, with everybody else's work."""
    instance, other = start(), start()
    raw.answer(raw.orchestration(instance), schedule(1, name))
    item = raw.activity(instance)
    answer = pb.ActivityResponse(instanceId=instance, taskId=1, completionToken=item.completionToken).SerializeToString()
    with grpc.insecure_channel(server.address) as channel:
        send = channel.unary_unary(PREFIX + "CompleteActivityTask", request_serializer=bytes, response_deserializer=bytes)
        try:
            send(answer + field(4, nested(levels)), timeout=PATIENCE)
        except grpc.RpcError as error:
            assert error.code() in (INVALID, grpc.StatusCode.INTERNAL) and levels > 60, error
            send(answer + field(4, nested(1)), timeout=PATIENCE)
    turn = raw.orchestration(instance)
    told = turn.orchestratorRequest.newEvents[-1].taskFailed.failureDetails
    assert levels > 60 or depth(told) == levels
    raw.answer(turn, complete(2))
    assert ended(stub, instance).orchestrationStatus == COMPLETED
    assert [chunk.events for chunk in stub.StreamInstanceHistory(pb.StreamInstanceHistoryRequest(instanceId=instance), timeout=PATIENCE)]
    raw.answer(raw.orchestration(other), complete(1))
    assert ended(stub, other).orchestrationStatus == COMPLETED


# --------------------------------------------------------------------------------------- numbers that make no sense

def timer(action_id, seconds, nanos=0):
    made = pb.OrchestratorAction(id=action_id)
    made.createTimer.fireAt.seconds, made.createTimer.fireAt.nanos = seconds, nanos
    return made


def with_status(status):
    return complete(1, status=status)


BROKEN = {
    "nothing in the action": pb.OrchestratorAction(id=1),
    "an activity without a name": schedule(1, ""),
    "a timer without a time": pb.OrchestratorAction(id=1, createTimer=pb.CreateTimerAction()),
    "a child without a name": pb.OrchestratorAction(id=1, createSubOrchestration=pb.CreateSubOrchestrationAction()),
    "an event for nobody": pb.OrchestratorAction(id=1, sendEvent=pb.SendEventAction(name="n")),
    "the end as RUNNING": with_status(pb.ORCHESTRATION_STATUS_RUNNING),
    "the end as PENDING": with_status(pb.ORCHESTRATION_STATUS_PENDING),
    "the end as SUSPENDED": with_status(pb.ORCHESTRATION_STATUS_SUSPENDED),
    "the end as 99": with_status(99),
    "the end as -1": with_status(-1),
}


@pytest.mark.parametrize("what", BROKEN)
def test_an_answer_that_breaks_the_protocol_fails_its_instance_and_says_why(raw, stub, start, name, what):
    instance, other = start(), start()
    raw.answer(raw.orchestration(instance), schedule(7, name), BROKEN[what])
    state = ended(stub, instance)
    assert state.orchestrationStatus == FAILED
    assert state.failureDetails.errorType == "ProtocolViolationError" and state.failureDetails.errorMessage
    assert raw.held() <= 1, "nothing of a broken answer is done"
    raw.answer(raw.orchestration(other), complete(1))
    ended(stub, other)


@pytest.mark.parametrize("action_id", [0, -1, -100, -2**31, 2**31 - 1])
def test_any_number_is_an_id(raw, stub, start, name, action_id):
    instance = start()
    raw.answer(raw.orchestration(instance), schedule(action_id, name))
    item = raw.activity(instance)
    assert item.activityRequest.taskId == action_id
    raw.finish(item, '"done"', token="")
    turn = raw.orchestration(instance)
    assert turn.orchestratorRequest.newEvents[-1].taskCompleted.taskScheduledId == action_id
    raw.answer(turn, complete(action_id, '"end"'))
    assert ended(stub, instance).output.value == '"end"'


@pytest.mark.parametrize("seconds, nanos", [(-2**63, 0), (-1, 0), (0, -1), (0, 2**31 - 1), (0, -2**31), (-62135596800, 0)])
def test_a_timer_at_an_impossible_time_in_the_past_fires(raw, stub, start, seconds, nanos):
    instance = start()
    raw.answer(raw.orchestration(instance), timer(1, seconds, nanos))
    turn = raw.orchestration(instance)
    assert turn.orchestratorRequest.newEvents[-1].timerFired.timerId == 1
    raw.answer(turn, complete(2))
    ended(stub, instance)


@pytest.mark.parametrize("seconds", [253402300799, 253402300800, 2**62, 2**63 - 1])
def test_a_timer_after_the_end_of_time_waits(raw, stub, start, seconds):
    instance = start()
    raw.answer(raw.orchestration(instance), timer(1, seconds, 999_999_999))
    holds_for(lambda: raw.held() == 0, 0.2, "no turn")
    stub.TerminateInstance(pb.TerminateRequest(instanceId=instance))
    assert ended(stub, instance).orchestrationStatus == pb.ORCHESTRATION_STATUS_TERMINATED


@pytest.mark.parametrize("seconds", [-2**63, -1, 2**63 - 1])
@pytest.mark.parametrize("nanos", [0, -2**31, 2**31 - 1])
def test_a_purge_with_an_impossible_budget(stub, seconds, nanos):
    request = pb.PurgeInstancesRequest(purgeInstanceFilter=pb.PurgeInstanceFilter(runtimeStatus=[99]))
    request.purgeInstanceFilter.timeout.seconds, request.purgeInstanceFilter.timeout.nanos = seconds, nanos
    try:
        assert stub.PurgeInstances(request, timeout=PATIENCE).deletedInstanceCount == 0
    except grpc.RpcError as error:
        assert error.code() == INVALID, error


@pytest.mark.parametrize("events", [-2**31, -1, 2**31 - 1])
def test_an_impossible_number_of_events_taken(raw, stub, start, name, events):
    instance = start()
    turn = raw.orchestration(instance)
    raw.stub.CompleteOrchestratorTask(pb.OrchestratorResponse(
        instanceId=instance, completionToken=turn.completionToken, actions=[complete(1, '"end"')],
        numEventsProcessed={"value": events}))
    assert ended(stub, instance).orchestrationStatus in (COMPLETED, FAILED)


@pytest.mark.parametrize("limit", [-1, -2**31])
def test_a_negative_limit_means_not_stated(server, stub, start, name, limit):
    instance = start()
    with RawWorker(server.address, [name], [name], max_orchestrations=limit, max_activities=limit) as worker:
        worker.answer(worker.orchestration(instance), schedule(1, name))
        worker.finish(worker.activity(instance))
        worker.answer(worker.orchestration(instance), complete(2))
    ended(stub, instance)
