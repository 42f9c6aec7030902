"""What the .NET SDK does on the wire and the Python SDK does not: answers in pieces, answers sent again, and its demands on events."""

import uuid

import grpc
import pytest

import durabletask.internal.orchestrator_service_pb2 as pb

from harness import PATIENCE, RawWorker, complete, holds_for, kinds, schedule, string_value

pytestmark = pytest.mark.beyond_memory("does not know answers in pieces")


@pytest.fixture(autouse=True)
def alone(no_workers):
    pass


@pytest.fixture
def name():
    return f"dotnet_{uuid.uuid4().hex}"


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


def state(stub, instance):
    return stub.GetInstance(pb.GetInstanceRequest(instanceId=instance, getInputsAndOutputs=True)).orchestrationState


def ended(stub, instance):
    return stub.WaitForInstanceCompletion(
        pb.GetInstanceRequest(instanceId=instance, getInputsAndOutputs=True), timeout=PATIENCE).orchestrationState


def piece(worker, turn, index, *actions, last=False, custom_status=None):
    """As the SDK sends them: the first says nothing of the events taken, the others say 0."""
    worker.stub.CompleteOrchestratorTask(pb.OrchestratorResponse(
        instanceId=turn.orchestratorRequest.instanceId, completionToken=turn.completionToken, actions=actions,
        isPartial=not last, chunkIndex={"value": index}, numEventsProcessed={"value": 0} if index else None,
        customStatus=string_value(custom_status)))


def tasks(worker, instance, count):
    return sorted(worker.activity(instance).activityRequest.taskId for _ in range(count))


def test_pieces_in_any_order_and_sent_twice_make_one_answer(raw, stub, start, name):
    instance = start()
    turn = raw.orchestration(instance)
    piece(raw, turn, 1, schedule(2, name), schedule(3, name))
    piece(raw, turn, 0, schedule(0, name), schedule(1, name))
    piece(raw, turn, 1, schedule(2, name), schedule(3, name), custom_status='"not this one"')
    holds_for(lambda: raw.held() == 0, 0.2, "nothing before the last piece")
    assert state(stub, instance).orchestrationStatus == pb.ORCHESTRATION_STATUS_PENDING
    piece(raw, turn, 2, schedule(4, name), last=True, custom_status='"of the last"')
    assert tasks(raw, instance, 5) == [0, 1, 2, 3, 4]
    assert state(stub, instance).customStatus.value == '"of the last"'
    holds_for(lambda: raw.held() == 0, 0.2, "each once")


def test_all_events_count_as_taken_when_the_first_piece_says_nothing(raw, stub, start, name):
    instance = start()
    raw.answer(raw.orchestration(instance))
    stub.RaiseEvent(pb.RaiseEventRequest(instanceId=instance, name="e"))
    turn = raw.orchestration(instance)
    piece(raw, turn, 0, schedule(0, name))
    piece(raw, turn, 1, schedule(1, name), last=True)
    assert tasks(raw, instance, 2) == [0, 1]
    holds_for(lambda: raw.held() == 0, 0.2, "the event comes once")


def test_pieces_of_a_lost_stream_count_for_nothing(server, raw, stub, start, name):
    with RawWorker(server.address, [name], [name]) as lost:
        raw.close()
        instance = start()
        turn = lost.orchestration(instance)
        piece(lost, turn, 0, schedule(0, name), schedule(1, name))
    with RawWorker(server.address, [name], [name]) as next_worker:
        again = next_worker.orchestration(instance)
        assert kinds(again.orchestratorRequest.newEvents) == ["orchestratorStarted", "executionStarted"]
        piece(next_worker, turn, 1, complete(9, '"of the lost one"'), last=True)
        piece(next_worker, again, 0, schedule(5, name))
        piece(next_worker, again, 1, schedule(6, name), last=True)
        assert tasks(next_worker, instance, 2) == [5, 6]
    assert state(stub, instance).orchestrationStatus == pb.ORCHESTRATION_STATUS_RUNNING


def test_a_large_answer_in_pieces(raw, stub, start, name):
    """10 MB in pieces of 3.9 MB, as the SDK cuts them."""
    instance = start()
    turn = raw.orchestration(instance)
    actions = [schedule(number, name, '"' + "x" * 100_000 + '"') for number in range(100)]
    for index in range(0, 3):
        piece(raw, turn, index, *actions[index * 39:(index + 1) * 39], last=index == 2)
    assert tasks(raw, instance, 100) == list(range(100))


def test_a_committed_answer_is_sent_again_ten_times(raw, stub, start, name):
    """The SDK does so after UNAVAILABLE, UNKNOWN, DEADLINE_EXCEEDED and INTERNAL: none of them may be the answer to that."""
    instance = start()
    turn = raw.orchestration(instance)
    raw.answer(turn, schedule(0, name))
    item = raw.activity(instance)
    raw.finish(item, '"once"')
    for _ in range(10):
        for again in (lambda: raw.answer(turn, schedule(0, name), complete(1, '"twice"')), lambda: raw.finish(item, '"twice"')):
            try:
                again()
            except grpc.RpcError as error:
                assert error.code() == grpc.StatusCode.NOT_FOUND, error
    turn = raw.orchestration(instance)
    assert [event.taskCompleted.result.value for event in turn.orchestratorRequest.newEvents[1:]] == ['"once"']
    raw.answer(turn, complete(1, '"end"'))
    assert ended(stub, instance).output.value == '"end"'


def test_every_event_has_a_time_and_the_servers_own_have_no_id(raw, stub, start, name):
    """The SDK throws on an event without a time, and drops results with an id that it has seen."""
    instance = start()
    fire = pb.OrchestratorAction(id=2)
    fire.createTimer.fireAt.seconds = 1
    raw.answer(raw.orchestration(instance), schedule(0, name), schedule(1, name), fire, pb.OrchestratorAction(
        id=3, createSubOrchestration=pb.CreateSubOrchestrationAction(name=name, instanceId=f"{instance}:child")))
    raw.answer(raw.orchestration(f"{instance}:child"), complete(0))
    raw.finish(raw.activity(instance), "1")
    raw.finish(raw.activity(instance), failure=pb.TaskFailureDetails(errorType="E", errorMessage="m"))
    stub.RaiseEvent(pb.RaiseEventRequest(instanceId=instance, name="e"))
    stub.SuspendInstance(pb.SuspendRequest(instanceId=instance))
    stub.ResumeInstance(pb.ResumeRequest(instanceId=instance))
    seen = set()
    wanted = {"taskCompleted", "taskFailed", "timerFired", "subOrchestrationInstanceCompleted", "eventRaised", "executionResumed"}
    while not wanted <= seen:
        turn = raw.orchestration(instance)
        request = turn.orchestratorRequest
        assert request.HasField("entityParameters")
        for event in [*request.pastEvents, *request.newEvents]:
            kind = event.WhichOneof("eventType")
            seen.add(kind)
            assert event.HasField("timestamp") and event.timestamp.seconds > 1_600_000_000, kind
            recorded = kind in ("taskScheduled", "timerCreated", "subOrchestrationInstanceCreated")
            assert (event.eventId >= 0) == recorded, event
        raw.answer(turn)
