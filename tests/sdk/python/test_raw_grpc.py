"""The wire itself: a hand-made worker that sees each item, and callers who send rubbish."""

import socket
import time
import uuid

import grpc
import pytest
from google.protobuf import empty_pb2

import durabletask.internal.orchestrator_service_pb2 as pb

from harness import PATIENCE, RawWorker, complete, eventually, holds_for, kinds, refused, schedule, string_value

pytestmark = pytest.mark.beyond_memory("is not that strict about the wire")

PREFIX = "/TaskHubSidecarService/"


@pytest.fixture(autouse=True)
def alone(no_workers):
    pass


@pytest.fixture
def name():
    """A name that only this test serves."""
    return f"raw_{uuid.uuid4().hex}"


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


def ended(stub, instance, timeout=PATIENCE):
    return stub.WaitForInstanceCompletion(
        pb.GetInstanceRequest(instanceId=instance, getInputsAndOutputs=True), timeout=timeout).orchestrationState


def stale(call):
    """Tokens that mean nothing any more are answered OK or NOT_FOUND; anything else makes some SDK retry for ever."""
    try:
        call()
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.NOT_FOUND, error


# --------------------------------------------------------------------------------------- the stream and its items

def test_hello_answers(stub):
    assert stub.Hello(empty_pb2.Empty(), timeout=PATIENCE) == empty_pb2.Empty()


def test_a_health_ping_comes_right_after_opening(raw):
    assert raw.wait_for_ping(20), "sooner than after the pause between pings"


def test_the_first_turn_has_what_every_sdk_needs(raw, stub, start, name):
    instance = start(input=string_value('"in"'), version=string_value("1.1"), tags={"a": "b"})
    item = raw.orchestration(instance)
    request = item.orchestratorRequest
    assert item.completionToken
    assert kinds(request.newEvents) == ["orchestratorStarted", "executionStarted"] and not request.pastEvents
    assert request.HasField("entityParameters"), "the .NET worker throws without"
    for event in request.newEvents:
        assert event.eventId == -1 and event.timestamp.seconds > 1_600_000_000
    started = request.newEvents[1].executionStarted
    assert (started.name, started.input.value, started.version.value) == (name, '"in"', "1.1")
    assert dict(started.tags) == {"a": "b"} and not started.HasField("parentInstance")
    assert started.orchestrationInstance.instanceId == instance
    assert started.orchestrationInstance.executionId.value == request.executionId.value != ""
    assert state(stub, instance).orchestrationStatus == pb.ORCHESTRATION_STATUS_PENDING
    raw.answer(item, complete(1, '"out"'))
    assert ended(stub, instance).output.value == '"out"'


def test_an_activity_item_and_the_turn_after_it(raw, stub, start, name):
    instance = start()
    first = raw.orchestration(instance)
    raw.answer(first, schedule(1, name, '"x"', version="3"))
    item = raw.activity(instance)
    request = item.activityRequest
    assert item.completionToken and item.completionToken != first.completionToken
    assert (request.name, request.taskId, request.input.value, request.version.value) == (name, 1, '"x"', "3")
    assert request.orchestrationInstance.executionId.value == first.orchestratorRequest.executionId.value
    raw.finish(item, '"y"')
    second = raw.orchestration(instance)
    assert kinds(second.orchestratorRequest.pastEvents) == [
        "orchestratorStarted", "executionStarted", "taskScheduled", "orchestratorCompleted"]
    assert second.orchestratorRequest.pastEvents[2].eventId == 1
    assert kinds(second.orchestratorRequest.newEvents) == ["orchestratorStarted", "taskCompleted"]
    completed = second.orchestratorRequest.newEvents[1]
    assert completed.eventId == -1 and completed.taskCompleted.taskScheduledId == 1
    assert second.completionToken != first.completionToken
    raw.answer(second, complete(2))
    assert ended(stub, instance).orchestrationStatus == pb.ORCHESTRATION_STATUS_COMPLETED


def test_text_that_is_not_json_is_carried_as_it_is(raw, stub, start, name):
    """Payloads belong to the SDKs: the server neither parses nor rewrites them."""
    odd = "not json {[ \u00e4 \t 1.50 "
    instance = start(input=string_value(odd))
    turn = raw.orchestration(instance)
    assert turn.orchestratorRequest.newEvents[1].executionStarted.input.value == odd
    raw.answer(turn, schedule(1, name, odd))
    activity = raw.activity(instance)
    assert activity.activityRequest.input.value == odd
    raw.finish(activity, odd)
    turn = raw.orchestration(instance)
    assert turn.orchestratorRequest.newEvents[-1].taskCompleted.result.value == odd
    raw.answer(turn, complete(2, odd), custom_status=odd)
    end = ended(stub, instance)
    assert (end.input.value, end.output.value, end.customStatus.value) == (odd, odd, odd)


def test_a_timer_turn_is_later_than_the_timer(raw, stub, start):
    instance = start()
    turn = raw.orchestration(instance)
    action = pb.OrchestratorAction(id=0, createTimer=pb.CreateTimerAction())
    action.createTimer.fireAt.FromNanoseconds(time.time_ns() // 1000 * 1000 + 123_456_000)
    raw.answer(turn, action)
    turn = raw.orchestration(instance)
    began, fired = turn.orchestratorRequest.newEvents
    assert fired.timerFired.timerId == 0 and fired.timerFired.fireAt == action.createTimer.fireAt
    assert began.timestamp.ToNanoseconds() > fired.timerFired.fireAt.ToNanoseconds()
    raw.answer(turn, complete(1))
    ended(stub, instance)


def test_a_stream_holds_no_more_activities_than_it_asked_for(server, stub, name, start):
    with RawWorker(server.address, [name], [name], max_activities=2) as raw:
        instance = start()
        raw.answer(raw.orchestration(instance), *(schedule(n, name) for n in range(5)))
        first = raw.activity(instance)
        eventually(lambda: raw.held() == 1, "the second activity")
        holds_for(lambda: raw.held() == 1, 0.3, "two activities out")
        raw.finish(first)
        eventually(lambda: raw.held() == 3, "the third activity and the turn with the first result")


def test_a_stream_holds_no_more_turns_than_it_asked_for(server, name, start, new_id):
    with RawWorker(server.address, [name], [name], max_orchestrations=1) as raw:
        instances = [start(instanceId=new_id(str(n))) for n in range(3)]
        for _ in instances:
            eventually(lambda: raw.held() == 1, "a turn")
            holds_for(lambda: raw.held() == 1, 0.2, "one turn out")
            raw.answer(raw.orchestration(), complete(1))


def test_zero_means_not_stated(server, name, start, new_id):
    with RawWorker(server.address, [name], [name], max_orchestrations=0) as raw:
        for number in range(10):
            start(instanceId=new_id(str(number)))
        eventually(lambda: raw.held() == 10, "ten turns at once")


def test_what_a_lost_stream_held_goes_to_the_next_at_once(server, stub, name, start):
    with RawWorker(server.address, [name], [name]) as first:
        busy, waiting = start(), start()
        first.answer(first.orchestration(busy), schedule(1, name))
        first.activity(busy)
        held = first.orchestration(waiting)
    with RawWorker(server.address, [name], [name]) as second:
        activity, again = second.activity(busy), second.orchestration(waiting)
        assert kinds(again.orchestratorRequest.newEvents) == kinds(held.orchestratorRequest.newEvents)
        stale(lambda: second.answer(held, complete(1, '"by the old token"')))
        second.answer(again, complete(1, '"by the new token"'))
        assert ended(stub, waiting).output.value == '"by the new token"'
        second.finish(activity)
        second.answer(second.orchestration(busy), complete(2))
        ended(stub, busy)


# --------------------------------------------------------------------------------------- answers, good and bad

def test_an_unknown_token_hurts_nobody(raw, stub, start):
    stale(lambda: stub.CompleteActivityTask(pb.ActivityResponse(instanceId="no", taskId=7, completionToken="nonsense")))
    stale(lambda: stub.CompleteOrchestratorTask(pb.OrchestratorResponse(
        instanceId="no", completionToken="nonsense", actions=[complete(1)])))
    stub.AbandonTaskActivityWorkItem(pb.AbandonActivityTaskRequest(completionToken="nonsense"))
    stub.AbandonTaskOrchestratorWorkItem(pb.AbandonOrchestrationTaskRequest(completionToken="nonsense"))
    instance = start()
    raw.answer(raw.orchestration(instance), complete(1, "1"))
    assert ended(stub, instance).output.value == "1"


def test_an_unknown_token_for_a_known_instance_changes_nothing(raw, stub, start, name):
    instance = start()
    turn = raw.orchestration(instance)
    stale(lambda: raw.answer(turn, complete(1, '"forged"'), token="nonsense"))
    assert state(stub, instance).orchestrationStatus == pb.ORCHESTRATION_STATUS_PENDING
    raw.answer(turn, schedule(1, name))
    activity = raw.activity(instance)
    stale(lambda: raw.finish(activity, '"forged"', token="nonsense"))
    raw.finish(activity, '"true"')
    turn = raw.orchestration(instance)
    assert turn.orchestratorRequest.newEvents[-1].taskCompleted.result.value == '"true"'
    raw.answer(turn, complete(2))
    ended(stub, instance)


def test_a_completion_counts_once(raw, stub, start, name):
    instance = start()
    first = raw.orchestration(instance)
    raw.answer(first, schedule(1, name), schedule(2, name))
    stale(lambda: raw.answer(first, schedule(1, name), schedule(2, name)))
    one, two = sorted((raw.activity(instance), raw.activity(instance)), key=lambda i: i.activityRequest.taskId)
    assert raw.held() == 0
    raw.finish(one, '"first"')
    stale(lambda: raw.finish(one, '"second"'))
    stale(lambda: raw.finish(one, failure=pb.TaskFailureDetails(errorType="E", errorMessage="late")))
    raw.finish(two, '"other"')
    results = []
    while len(results) < 2:
        turn = raw.orchestration(instance)
        results += [e.taskCompleted.result.value for e in turn.orchestratorRequest.newEvents if e.HasField("taskCompleted")]
        raw.answer(turn, *([complete(3)] if len(results) >= 2 else []))
    assert sorted(results) == ['"first"', '"other"']
    assert ended(stub, instance).orchestrationStatus == pb.ORCHESTRATION_STATUS_COMPLETED
    stale(lambda: raw.answer(first, complete(9, '"too late"')))
    assert not state(stub, instance).HasField("output")


def test_an_abandoned_activity_comes_again(raw, stub, start, name):
    instance = start()
    raw.answer(raw.orchestration(instance), schedule(1, name, '"x"'))
    item = raw.activity(instance)
    stub.AbandonTaskActivityWorkItem(pb.AbandonActivityTaskRequest(completionToken=item.completionToken))
    again = raw.activity(instance)
    assert again.activityRequest == item.activityRequest and again.completionToken != item.completionToken
    raw.finish(again)
    raw.answer(raw.orchestration(instance), complete(2))
    ended(stub, instance)


def test_an_abandoned_turn_comes_again_with_the_same_events_first(raw, stub, start):
    instance = start()
    item = raw.orchestration(instance)
    stub.RaiseEvent(pb.RaiseEventRequest(instanceId=instance, name="later"))
    stub.AbandonTaskOrchestratorWorkItem(pb.AbandonOrchestrationTaskRequest(completionToken=item.completionToken))
    again = raw.orchestration(instance)
    assert kinds(again.orchestratorRequest.newEvents)[:2] == ["orchestratorStarted", "executionStarted"]
    assert again.completionToken != item.completionToken
    raw.answer(again, complete(1))
    ended(stub, instance)


def test_answers_without_tokens_are_taken_by_their_ids(raw, stub, start, name):
    """As the Go SDK sends them."""
    instance = start()
    raw.answer(raw.orchestration(instance), schedule(0, name), token="")
    raw.finish(raw.activity(instance), '"go"', token="")
    turn = raw.orchestration(instance)
    assert turn.orchestratorRequest.newEvents[-1].taskCompleted.result.value == '"go"'
    raw.answer(turn, complete(1, '"done"'), token="")
    assert ended(stub, instance).output.value == '"done"'


def test_a_child_without_an_id_gets_one(raw, stub, start, name):
    """As the Go SDK asks for it."""
    instance = start()
    raw.answer(raw.orchestration(instance), pb.OrchestratorAction(
        id=0, createSubOrchestration=pb.CreateSubOrchestrationAction(name=name, input=string_value("5"))))
    child = raw.orchestration()
    made = child.orchestratorRequest.instanceId
    assert made and made != instance
    parent = child.orchestratorRequest.newEvents[1].executionStarted.parentInstance
    assert parent.orchestrationInstance.instanceId == instance and parent.taskScheduledId == 0
    assert parent.orchestrationInstance.executionId.value and parent.name.value == name
    raw.answer(child, complete(0, "6"))
    turn = raw.orchestration(instance)
    assert turn.orchestratorRequest.newEvents[-1].subOrchestrationInstanceCompleted.result.value == "6"
    raw.answer(turn, complete(1))
    ended(stub, instance)


def test_a_completion_may_stand_before_other_actions(raw, stub, start, name, new_id):
    target = start(instanceId=new_id("target"))
    target_turn = raw.orchestration(target)
    raw.answer(target_turn)
    instance = start()
    event = pb.OrchestratorAction(id=1, sendEvent=pb.SendEventAction(
        instance=pb.OrchestrationInstance(instanceId=target), name="told", data=string_value("1")))
    raw.answer(raw.orchestration(instance), complete(2, '"done"'), event)
    assert ended(stub, instance).output.value == '"done"'
    turn = raw.orchestration(target)
    assert turn.orchestratorRequest.newEvents[-1].eventRaised.name == "told"
    raw.answer(turn, complete(1))
    ended(stub, target)


def test_actions_told_again_are_not_done_again(raw, stub, start, name):
    """A terminated or suspended replay re-emits what it scheduled before."""
    instance = start()
    raw.answer(raw.orchestration(instance), schedule(1, name))
    activity = raw.activity(instance)
    stub.RaiseEvent(pb.RaiseEventRequest(instanceId=instance, name="poke"))
    raw.answer(raw.orchestration(instance), schedule(1, name))
    holds_for(lambda: raw.held() == 0, 0.3, "one activity")
    raw.finish(activity)
    turn = raw.orchestration(instance)
    assert kinds(turn.orchestratorRequest.pastEvents).count("taskScheduled") == 1
    raw.answer(turn, complete(2))
    ended(stub, instance)


def test_an_id_may_be_scheduled_again_once_it_has_finished(raw, stub, start, name):
    """The Python SDK's retries use the id they had."""
    instance = start()
    raw.answer(raw.orchestration(instance), schedule(1, name))
    raw.finish(raw.activity(instance), failure=pb.TaskFailureDetails(errorType="E", errorMessage="first"))
    turn = raw.orchestration(instance)
    assert turn.orchestratorRequest.newEvents[-1].taskFailed.failureDetails.errorMessage == "first"
    raw.answer(turn, schedule(1, name))
    raw.finish(raw.activity(instance), '"second"')
    turn = raw.orchestration(instance)
    assert turn.orchestratorRequest.newEvents[-1].taskCompleted.result.value == '"second"'
    raw.answer(turn, complete(2))
    ended(stub, instance)


def test_a_completion_in_pieces_is_applied_whole(raw, stub, start, name):
    """As the .NET and Java SDKs send large ones."""
    instance = start()
    turn = raw.orchestration(instance)

    def piece(index, partial, *actions):
        raw.stub.CompleteOrchestratorTask(pb.OrchestratorResponse(
            instanceId=instance, completionToken=turn.completionToken, actions=actions, isPartial=partial,
            chunkIndex={"value": index}, numEventsProcessed={"value": 0} if index else None))
    piece(0, True, schedule(0, name), schedule(1, name))
    holds_for(lambda: raw.held() == 0, 0.2, "nothing before the last piece")
    piece(1, False, schedule(2, name))
    assert sorted(raw.activity(instance).activityRequest.taskId for _ in range(3)) == [0, 1, 2]


def test_asking_for_the_history_commits_nothing(raw, stub, start):
    instance = start()
    turn = raw.orchestration(instance)
    raw.stub.CompleteOrchestratorTask(pb.OrchestratorResponse(
        instanceId=instance, completionToken=turn.completionToken, requiresHistory=True, actions=[complete(1)]))
    again = raw.orchestration(instance)
    assert kinds(again.orchestratorRequest.newEvents) == ["orchestratorStarted", "executionStarted"]
    raw.answer(again, complete(1))
    ended(stub, instance)


def test_an_answer_after_the_termination_is_refused_quietly(raw, stub, start, name):
    instance = start()
    raw.answer(raw.orchestration(instance), schedule(1, name))
    activity = raw.activity(instance)
    stub.TerminateInstance(pb.TerminateRequest(instanceId=instance, output=string_value('"enough"')))
    try:
        turn = raw.orchestration(instance, timeout=1)
    except AssertionError:
        pass  # the server ended it by itself
    else:
        raw.answer(turn, complete(2, '"enough"', pb.ORCHESTRATION_STATUS_TERMINATED))
    assert ended(stub, instance).orchestrationStatus == pb.ORCHESTRATION_STATUS_TERMINATED
    stale(lambda: raw.finish(activity, '"late"'))
    assert state(stub, instance).output.value == '"enough"'


# --------------------------------------------------------------------------------------- rubbish

def test_garbage_bytes_are_refused(server, stub):
    with grpc.insecure_channel(server.address) as channel:
        for method in ("StartInstance", "GetInstance", "CompleteOrchestratorTask", "CompleteActivityTask"):
            call = channel.unary_unary(PREFIX + method, request_serializer=bytes, response_deserializer=bytes)
            for garbage in (b"\xff\xff\xff\xff", b"\x0a\xff", bytes(range(256))):
                with refused(grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INTERNAL):
                    call(garbage, timeout=PATIENCE)
        stream = channel.unary_stream(PREFIX + "GetWorkItems", request_serializer=bytes, response_deserializer=bytes)
        with refused(grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INTERNAL):
            list(stream(b"\xff\xff\xff\xff", timeout=PATIENCE))
    stub.Hello(empty_pb2.Empty(), timeout=PATIENCE)


def test_unknown_methods_are_unimplemented(server):
    with grpc.insecure_channel(server.address) as channel:
        for path in (PREFIX + "NoSuchMethod", "/no.such.Service/Method"):
            call = channel.unary_unary(path, request_serializer=bytes, response_deserializer=bytes)
            with refused(grpc.StatusCode.UNIMPLEMENTED):
                call(b"", timeout=PATIENCE)


@pytest.mark.parametrize("rubbish", [b"\x00" * 64, b"GET\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 100,
                                     bytes(range(256)) * 40])
def test_rubbish_on_the_port_hurts_nobody(server, stub, rubbish):
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(rubbish)
        connection.settimeout(5)
        try:
            while connection.recv(4096):
                pass
        except (TimeoutError, ConnectionError):
            pass
    stub.Hello(empty_pb2.Empty(), timeout=PATIENCE)


@pytest.mark.parametrize("fields", [dict(name=""), dict(name="n", instanceId="@a@b"), dict(name="n" * 100_000)])
def test_impossible_starts_are_refused(stub, fields):
    with refused(grpc.StatusCode.INVALID_ARGUMENT):
        stub.StartInstance(pb.CreateInstanceRequest(**fields))


def test_an_unknown_hub_is_not_found(server, stub, name):
    elsewhere = [("taskhub", "no-such-hub")]
    with refused(grpc.StatusCode.NOT_FOUND):
        stub.StartInstance(pb.CreateInstanceRequest(name=name), metadata=elsewhere)
    with refused(grpc.StatusCode.NOT_FOUND):
        stub.GetInstance(pb.GetInstanceRequest(instanceId="x"), metadata=elsewhere)
    with RawWorker(server.address, [name], metadata=elsewhere) as raw:
        assert raw.wait_for_end() == grpc.StatusCode.NOT_FOUND


def test_the_default_hub_may_be_named_or_not(stub, start, name):
    instance = start()
    for metadata in ([("taskhub", "default")], None):
        assert stub.GetInstance(pb.GetInstanceRequest(instanceId=instance), metadata=metadata).exists


def test_a_missing_instance_does_not_exist(stub):
    for call in (stub.GetInstance, stub.WaitForInstanceStart, stub.WaitForInstanceCompletion):
        response = call(pb.GetInstanceRequest(instanceId="never-started"), timeout=PATIENCE)
        assert not response.exists and not response.HasField("orchestrationState")


def test_a_start_at_the_epoch_means_now(raw, stub, start):
    """The JavaScript SDK always sends the field."""
    request = pb.CreateInstanceRequest()
    request.scheduledStartTimestamp.SetInParent()
    instance = start(scheduledStartTimestamp=request.scheduledStartTimestamp)
    raw.answer(raw.orchestration(instance), complete(1))
    ended(stub, instance)
