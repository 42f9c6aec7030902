"""Entities as the .NET SDK speaks of them on the wire unless it is told otherwise: events with JSON, both ways."""

import datetime
import json
import uuid

import pytest
from google.protobuf.unknown_fields import UnknownFieldSet

import durabletask.internal.orchestrator_service_pb2 as pb

from harness import PATIENCE, RawWorker, complete, eventually, holds_for, kinds, string_value

pytestmark = pytest.mark.beyond_memory("does not know the older form")


@pytest.fixture(autouse=True)
def alone(no_workers):
    pass


@pytest.fixture
def name():
    return f"dotnet_{uuid.uuid4().hex}"


@pytest.fixture
def raw(server, name):
    with RawWorker(server.address, [name], entities=[name]) as worker:
        yield worker


@pytest.fixture
def start(stub, name, new_id):
    def start(suffix=""):
        return stub.StartInstance(pb.CreateInstanceRequest(instanceId=new_id(suffix), name=name)).instanceId
    return start


def guid():
    """As .NET writes one, but for its case, which must not matter."""
    return str(uuid.uuid4()).upper()


def send(action, target, event, **data):
    return pb.OrchestratorAction(id=action, sendEvent=pb.SendEventAction(
        instance=pb.OrchestrationInstance(instanceId=target), name=event, data=string_value(json.dumps(data))))


def call(action, target, request, operation, input=None, **data):
    return send(action, target, "op", op=operation, input=input, id=request, parent="of no account", **data)


def lock(action, request, *entities):
    names = [dict(zip(("name", "key"), entity[1:].split("@"))) for entity in entities]
    return send(action, entities[0], "op", id=request, lockset=names, pos=0, parent="of no account")


def release(action, target, request):
    return send(action, target, "release", parent="of no account", id=request)


def raised(turn):
    """The events of a turn but its first, which must all be the raised kind: name and data."""
    events = turn.orchestratorRequest.newEvents
    assert set(kinds(events[1:])) == {"eventRaised"}, events
    assert all(event.eventId == -1 and event.HasField("timestamp") for event in events)
    return [(event.eventRaised.name, json.loads(event.eventRaised.input.value)) for event in events[1:]]


def operations(item):
    return [(kind, getattr(event, kind).operation, getattr(event, kind).input.value)
            for event in item.entityRequestV2.operationRequests for kind in [event.WhichOneof("eventType")]]


def entity_of(stub, target):
    return stub.GetEntity(pb.GetEntityRequest(instanceId=target, includeState=True))


def test_a_call_and_its_answer(raw, stub, start, name):
    instance, target, request = start(), f"@{name}@k", guid()
    raw.answer(raw.orchestration(instance), call(0, target, request, "add", "5"))
    item = raw.batch(target)
    assert operations(item) == [("entityOperationCalled", "add", "5")]
    called = item.entityRequestV2.operationRequests[0]
    assert (called.eventId, called.entityOperationCalled.requestId) == (-1, request.lower())
    assert called.entityOperationCalled.parentInstanceId.value == instance
    assert len(UnknownFieldSet(called.entityOperationCalled)) == 0, "the server's own marks stay in the server"
    raw.operate(item, "5", '{"sum":5}')
    turn = raw.orchestration(instance)
    assert raised(turn) == [(request.lower(), {"result": '{"sum":5}'})]
    # The history has what was sent, as it was sent.
    sent = [event for event in turn.orchestratorRequest.pastEvents if event.HasField("eventSent")]
    assert [(event.eventId, event.eventSent.instanceId, event.eventSent.name) for event in sent] == [(0, target, "op")]
    assert json.loads(sent[0].eventSent.input.value)["id"] == request
    raw.answer(turn, complete(1, '"end"'))
    assert entity_of(stub, target).entity.serializedState.value == "5"


def test_a_call_that_fails(raw, start, name):
    instance, target, request = start(), f"@{name}@k", guid()
    raw.answer(raw.orchestration(instance), call(0, target, request, "divide", "0", signal=False))
    inner = pb.TaskFailureDetails(errorType="System.ArithmeticException", errorMessage="by zero")
    raw.operate(raw.batch(target), "1", pb.TaskFailureDetails(
        errorType="System.InvalidOperationException", errorMessage="no", stackTrace=string_value("at Divide"), innerFailure=inner))
    (told, answer), = raised(raw.orchestration(instance))
    assert (told, answer["exceptionType"]) == (request.lower(), "no")
    details = answer["failureDetails"]
    assert (details["ErrorType"], details["ErrorMessage"], details["StackTrace"]) == (
        "System.InvalidOperationException", "no", "at Divide")
    assert details["InnerFailure"]["ErrorType"] == "System.ArithmeticException" and details["IsNonRetriable"] is False
    assert "result" not in answer


def test_an_answer_comes_once_also_over_a_restart_of_the_worker(server, raw, start, name):
    instance, target, request = start(), f"@{name}@k", guid()
    raw.answer(raw.orchestration(instance), call(0, target, request, "get"))
    raw.operate(raw.batch(target), "1", "1")
    first = raw.orchestration(instance)
    assert raised(first) == [(request.lower(), {"result": "1"})]
    raw.close()
    with RawWorker(server.address, [name], entities=[name]) as again:
        turn = again.orchestration(instance)
        assert raised(turn) == [(request.lower(), {"result": "1"})]
        # A worker that sends its open actions again asks nothing anew.
        again.answer(turn, call(0, target, request, "get"))
        holds_for(lambda: again.held() == 0, 0.3, "neither a second call nor a second answer")


def test_an_answer_is_for_the_execution_that_asked(raw, start, name):
    instance, target = start(), f"@{name}@k"
    first, second = guid(), guid()
    again = complete(1, status=pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW)
    raw.answer(raw.orchestration(instance), call(0, target, first, "one"), again)
    raw.answer(raw.orchestration(instance), call(0, target, second, "two"))
    seen = []
    while len(seen) < 2:
        item = raw.batch(target)
        seen += operations(item)
        raw.operate(item, "1", *[json.dumps(operation) for _, operation, _ in operations(item)])
    assert raised(raw.orchestration(instance)) == [(second.lower(), {"result": '"two"'})]


def test_a_signal_and_one_for_later(raw, start, name):
    instance, target = start(), f"@{name}@k"
    turn = raw.orchestration(instance)
    due = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=3)
    time = due.strftime("%Y-%m-%dT%H:%M:%S.%f") + "7Z"
    raw.answer(turn,
               send(0, target, f"op@{time}", op="later", signal=True, id=guid(), input='"l"', due=time),
               send(1, target, "op", op="now", signal=True, id=guid()), complete(2))
    item = raw.batch(target)
    assert operations(item) == [("entityOperationSignaled", "now", "")]
    raw.operate(item, "1")
    item = raw.batch(target)
    assert operations(item) == [("entityOperationSignaled", "later", '"l"')]
    assert datetime.datetime.now(datetime.timezone.utc) >= due
    raw.operate(item, "2")


def test_two_orchestrations_that_want_the_same_two_entities(raw, stub, start, name):
    entities = [f"@{name}@a", f"@{name}@b"]
    first, second = start("first"), start("second")
    of_first, of_second = guid(), guid()
    granted = {"result": "Lock Acquisition Completed"}
    raw.answer(raw.orchestration(first), lock(0, of_first, *entities))
    turn = raw.orchestration(first)
    assert raised(turn) == [(of_first.lower(), granted)]
    for entity in entities:
        assert entity_of(stub, entity).entity.lockedBy.value == first
    raw.answer(raw.orchestration(second), lock(0, of_second, *reversed(entities)))
    # Calls of the owner run, whatever waits; those of others do not.
    signal = pb.SignalEntityRequest(instanceId=entities[0], name="outside", requestId=guid().lower())
    stub.SignalEntity(signal)
    inside = guid()
    raw.answer(turn, call(1, entities[0], inside, "inside"))
    item = raw.batch(entities[0])
    assert operations(item) == [("entityOperationCalled", "inside", "")]
    raw.operate(item, "1", '"in"')
    turn = raw.orchestration(first)
    assert raised(turn) == [(inside.lower(), {"result": '"in"'})]
    assert raw.held() == 0, "the second still waits, and so does the signal"
    raw.answer(turn, release(2, entities[0], of_first), release(3, entities[1], of_first), complete(4))
    turn = raw.orchestration(second)
    assert raised(turn) == [(of_second.lower(), granted)]
    assert entity_of(stub, entities[1]).entity.lockedBy.value == second
    raw.answer(turn, *(release(1 + at, entity, of_second) for at, entity in enumerate(entities)), complete(3))
    # It came after the second had asked, and so after the second.
    item = raw.batch(entities[0])
    assert operations(item) == [("entityOperationSignaled", "outside", "")]
    raw.operate(item, None)
    for entity in entities:
        eventually(lambda: not entity_of(stub, entity).exists, "nothing is left of it")


def test_an_orchestration_that_ends_without_a_release_frees_its_entities(raw, stub, start, name):
    instance, target = start(), f"@{name}@a"
    raw.answer(raw.orchestration(instance), lock(0, guid(), target))
    turn = raw.orchestration(instance)
    assert entity_of(stub, target).entity.lockedBy.value == instance
    raw.answer(turn, complete(1))
    eventually(lambda: not entity_of(stub, target).exists, "nothing is left of it")


@pytest.mark.parametrize("event, data, reason", [
    ("Go", "{}", "entities know only the events op, op@TIME and release"),
    ("op", "{bad", "its data cannot be read"),
    ("op", None, "it has no data"),
    ("op", '{"op":"a","id":"x"}', 'the id "x" is no GUID'),
    ("op@tomorrow", '{"op":"a","id":"ID"}', '"tomorrow" is not a time'),
    ("op", '{"id":"ID","lockset":[]}', "lockSet must not be empty"),
], ids=["name", "json", "nothing", "id", "time", "lockset"])
def test_what_no_entity_understands_fails_the_orchestration(raw, stub, start, name, event, data, reason):
    instance, target = start(), f"@{name}@k"
    data = data and data.replace("ID", guid())
    raw.answer(raw.orchestration(instance), pb.OrchestratorAction(id=3, sendEvent=pb.SendEventAction(
        instance=pb.OrchestrationInstance(instanceId=target), name=event, data=string_value(data))))
    state = stub.WaitForInstanceCompletion(pb.GetInstanceRequest(instanceId=instance), timeout=PATIENCE).orchestrationState
    assert state.orchestrationStatus == pb.ORCHESTRATION_STATUS_FAILED
    assert state.failureDetails.errorType == "ProtocolViolationError"
    assert f"action 3 sends the event {event} to {target}: " in state.failureDetails.errorMessage
    assert reason in state.failureDetails.errorMessage
    assert not entity_of(stub, target).exists
