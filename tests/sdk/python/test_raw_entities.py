"""Entities on the wire: a hand-made worker that sees each batch, and answers and requests that break the rules."""

import uuid

import pytest

import durabletask.internal.orchestrator_service_pb2 as pb

from harness import (PATIENCE, RawWorker, complete, entity_message, eventually, failed, holds_for, kinds, string_value,
                     succeeded)

pytestmark = pytest.mark.beyond_memory("is not that strict about the wire")

COMPLETED, FAILED = pb.ORCHESTRATION_STATUS_COMPLETED, pb.ORCHESTRATION_STATUS_FAILED


@pytest.fixture(autouse=True)
def alone(no_workers):
    pass


@pytest.fixture
def name():
    """A name that only this test serves."""
    return f"raw_{uuid.uuid4().hex}"


@pytest.fixture
def entity(name):
    return f"@{name}@k"


@pytest.fixture
def raw(server, name):
    with RawWorker(server.address, [name], [name], [name]) as worker:
        yield worker


@pytest.fixture
def start(stub, name, new_id):
    def start(**fields):
        instance = fields.pop("instanceId", new_id())
        return stub.StartInstance(pb.CreateInstanceRequest(instanceId=instance, name=name, **fields)).instanceId
    return start


@pytest.fixture
def signal(stub, entity):
    def signal(operation, input=None, to=None):
        stub.SignalEntity(pb.SignalEntityRequest(instanceId=to or entity, name=operation, input=string_value(input),
                                                 requestId=str(uuid.uuid4())))
    return signal


@pytest.fixture
def look(stub, entity):
    def look(at=None):
        answer = stub.GetEntity(pb.GetEntityRequest(instanceId=at or entity, includeState=True))
        return answer.entity if answer.exists else None
    return look


def ended(stub, instance, timeout=PATIENCE):
    return stub.WaitForInstanceCompletion(
        pb.GetInstanceRequest(instanceId=instance, getInputsAndOutputs=True), timeout=timeout).orchestrationState


def call(action_id, entity, request="", operation="op", input=None):
    return entity_message(action_id, entityOperationCalled=pb.EntityOperationCalledEvent(
        requestId=request or str(uuid.uuid4()), operation=operation, input=string_value(input),
        targetInstanceId=string_value(entity)))


def lock(action_id, section, *entities, **fields):
    return entity_message(action_id, entityLockRequested=pb.EntityLockRequestedEvent(
        criticalSectionId=section, lockSet=entities, **fields))


def unlock(action_id, section, entity, **fields):
    return entity_message(action_id, entityUnlockSent=pb.EntityUnlockSentEvent(
        criticalSectionId=section, targetInstanceId=string_value(entity), **fields))


def operations(item):
    """What a batch asks for."""
    shown = []
    for event in item.entityRequestV2.operationRequests:
        sent = getattr(event, event.WhichOneof("eventType"))
        shown.append((sent.operation, sent.input.value))
    return shown


def signals_entity(entity, operation="op", **fields):
    return pb.OperationAction(sendSignal=pb.SendSignalAction(instanceId=entity, name=operation, **fields))


def starts(name, **fields):
    return pb.OperationAction(startNewOrchestration=pb.StartNewOrchestrationAction(name=name, **fields))


@pytest.fixture
def calling(raw, start, entity):
    """Has an orchestration call the entity; answers the instance and the request id."""
    def calling(operation="op", input=None, to=None):
        instance, request = start(), str(uuid.uuid4())
        raw.answer(raw.orchestration(instance), call(1, to or entity, request, operation, input))
        return instance, request
    return calling


def reply(raw, instance):
    """The event that an orchestration's next turn ends with; the orchestration is then ended, too."""
    turn = raw.orchestration(instance)
    event = turn.orchestratorRequest.newEvents[-1]
    raw.answer(turn, complete(99))
    return getattr(event, event.WhichOneof("eventType"))


# --------------------------------------------------------------------------------------- the batch

def test_a_batch_has_what_every_sdk_needs(raw, entity, signal, calling):
    signal("add", "1")
    first = raw.batch(entity)
    instance, request = calling("get", "2")
    assert first.completionToken and first.entityRequestV2.executionId
    assert not first.entityRequestV2.HasField("entityState")
    event, = first.entityRequestV2.operationRequests
    assert event.eventId == -1 and event.timestamp.seconds > 1_600_000_000
    sent = event.entityOperationSignaled
    assert (sent.operation, sent.input.value) == ("add", "1") and uuid.UUID(sent.requestId)
    raw.do(first, None, state='"s"')
    second = raw.batch(entity)
    assert second.entityRequestV2.entityState.value == '"s"' and second.completionToken != first.completionToken
    event, = second.entityRequestV2.operationRequests
    called = event.entityOperationCalled
    assert (called.requestId, called.operation, called.input.value) == (request, "get", "2")
    assert called.parentInstanceId.value == instance and called.parentExecutionId.value
    raw.do(second, '"r"', state='"s"')
    assert reply(raw, instance) == pb.EntityOperationCompletedEvent(requestId=request, output=string_value('"r"'))


def test_what_waits_comes_as_one_batch_and_one_at_a_time(server, raw, entity, signal):
    signal("first")
    first = raw.batch(entity)
    for number in range(150):
        signal("add", str(number))
    holds_for(lambda: raw.held() == 0, 0.2, "one batch out")
    raw.do(first, None, state="1")
    second = raw.batch(entity)
    assert operations(second) == [("add", str(number)) for number in range(100)]
    raw.do(second, *[None] * 100, state="2")
    assert operations(raw.batch(entity)) == [("add", str(number)) for number in range(100, 150)]


def test_a_stream_holds_no_more_batches_than_it_asked_for(server, name, signal):
    with RawWorker(server.address, entities=[name], max_entities=2) as raw:
        for number in range(3):
            signal("op", to=f"@{name}@{number}")
        eventually(lambda: raw.held() == 2, "two batches")
        holds_for(lambda: raw.held() == 2, 0.2, "two batches out")
        raw.do(raw.batch(), None)
        eventually(lambda: raw.held() == 2, "the third batch")


def test_a_large_state_makes_batches_smaller(raw, entity, signal, look):
    """State and operations travel in one message of 4 MiB at most: what fits one by one must not fail together."""
    signal("first")
    raw.do(raw.batch(entity), None, state="s" * (3 << 20))
    hold = None
    for number in range(11):
        signal("op", str(number) + "x" * 100_000)
        hold = hold or raw.batch(entity)
    seen = operations(hold)
    raw.do(hold, *[None] * len(seen), state="s" * (3 << 20))
    while len(seen) < 11:
        item = raw.batch(entity)
        assert item.ByteSize() < 4 << 20
        seen += operations(item)
        raw.do(item, *[None] * len(operations(item)), state="s" * (3 << 20))
    assert [input[:-100_000] for _, input in seen] == [str(number) for number in range(11)]
    raw.stub.PurgeInstances(pb.PurgeInstancesRequest(instanceId=entity))


# --------------------------------------------------------------------------------------- answers

def test_an_answer_counts_once(raw, entity, signal, calling, look):
    instance, _ = calling()
    item = raw.batch(entity)
    raw.do(item, '"no"', state="0", token="nonsense")
    raw.do(item, '"no"', state="0", token="")
    assert look().backlogQueueSize == 1
    raw.do(item, '"yes"', state="1")
    raw.do(item, '"again"', state="2")
    assert reply(raw, instance).output.value == '"yes"'
    signal("later")
    later = raw.batch(entity)
    assert later.entityRequestV2.entityState.value == "1"
    raw.do(item, '"old"', state="3")
    raw.do(later, None, state="4")
    assert look().serializedState.value == "4"


def test_fewer_results_leave_the_rest_where_it_stood(raw, entity, signal):
    signal("a")
    item = raw.batch(entity)
    for operation in "bcd":
        signal(operation)
    raw.do(item, None)
    raw.do(raw.batch(entity), None, state="1")
    again = raw.batch(entity)
    assert operations(again) == [("c", ""), ("d", "")] and again.entityRequestV2.entityState.value == "1"
    raw.do(again, None, None)


def test_more_results_than_operations_mean_nothing(raw, entity, calling, look):
    instance, _ = calling()
    raw.do(raw.batch(entity), '"mine"', '"nobody\'s"', failed("E", "nobody's"), state="1")
    assert reply(raw, instance).output.value == '"mine"'
    assert look().serializedState.value == "1"


@pytest.mark.parametrize("state", [None, ""])
def test_an_answer_without_a_state_deletes_it(raw, entity, signal, look, state):
    signal("set")
    raw.do(raw.batch(entity), None, state="1")
    assert look().serializedState.value == "1"
    signal("delete")
    raw.do(raw.batch(entity), None, state=state)
    assert look() is None


def test_a_batch_that_fails_is_tried_again_but_not_for_ever(raw, name, signal, calling, look):
    """Two entities: the answers for one are a failure, those for the other have no result at all."""
    ways = {f"@{name}@failure": "Broken", f"@{name}@nothing": "ProtocolViolationError"}
    details = pb.TaskFailureDetails(errorType="Broken", errorMessage="the worker is out of order")
    waiting = {}
    for entity in ways:
        signal("set", to=entity)
        raw.do(raw.batch(entity), None, state='"kept"')
        waiting[entity] = calling(to=entity)
    for _ in range(6):
        for entity, way in ways.items():
            item = raw.batch(entity)
            assert item.entityRequestV2.entityState.value == '"kept"'
            if way == "Broken":
                raw.do(item, '"ignored"', state='"lost"', failureDetails=details)
            else:
                raw.do(item, state='"lost"')
    for entity, way in ways.items():
        instance, request = waiting[entity]
        told = reply(raw, instance)
        assert (told.requestId, told.failureDetails.errorType) == (request, way)
        assert look(entity).serializedState.value == '"kept"'
        signal("goes on", to=entity)
        assert operations(raw.batch(entity)) == [("goes on", "")]


def test_who_wants_the_state_gets_the_batch_again(raw, entity, signal):
    signal("set")
    raw.do(raw.batch(entity), None, state="1")
    signal("op")
    raw.do(raw.batch(entity), state="2", requiresState=True)
    again = raw.batch(entity)
    assert again.entityRequestV2.entityState.value == "1" and operations(again) == [("op", "")]


def test_an_abandoned_batch_comes_again(raw, stub, entity, signal, look):
    signal("op", "1")
    item = raw.batch(entity)
    stub.AbandonTaskEntityWorkItem(pb.AbandonEntityTaskRequest(completionToken=item.completionToken))
    stub.AbandonTaskEntityWorkItem(pb.AbandonEntityTaskRequest(completionToken="nonsense"))
    again = raw.batch(entity)
    assert again.entityRequestV2 == item.entityRequestV2 and again.completionToken != item.completionToken
    raw.do(item, None, state="0")
    raw.do(again, None, state="1")
    assert look().serializedState.value == "1"


def test_a_batch_on_a_lost_stream_goes_to_the_next(server, name, entity, signal, look):
    with RawWorker(server.address, entities=[name]) as first:
        signal("op", "1")
        held = first.batch(entity)
    signal("op", "2")
    with RawWorker(server.address, entities=[name]) as second:
        again = second.batch(entity)
        assert operations(again) == [("op", "1"), ("op", "2")]
        second.do(held, None, state="0")
        assert look().backlogQueueSize == 2
        second.do(again, None, None, state="1")
        assert look().serializedState.value == "1"


def test_results_without_content(raw, entity, calling, look):
    instance, _ = calling()
    raw.do(raw.batch(entity), pb.OperationResult(), state="1")
    told = reply(raw, instance)
    assert told.failureDetails.errorType == "ProtocolViolationError" and "neither" in told.failureDetails.errorMessage
    for result, wanted in [(succeeded(None), False), (succeeded(""), True)]:
        instance, _ = calling()
        raw.do(raw.batch(entity), result, state="1")
        assert reply(raw, instance).HasField("output") == wanted
    instance, _ = calling()
    raw.do(raw.batch(entity), pb.OperationResult(failure=pb.OperationResultFailure()), state="1")
    assert reply(raw, instance).HasField("failureDetails")


def test_an_entity_writes_to_itself_and_to_others(raw, entity, name, signal, stub):
    signal("op")
    raw.do(raw.batch(entity), None, state="1", actions=[
        signals_entity(entity, "self", input=string_value("1")), signals_entity(f"@{name.upper()}@other", "other"),
        starts(name, input=string_value('"in"'), version=string_value("2"))])
    assert operations(raw.batch(entity)) == [("self", "1")]
    other = raw.batch(f"@{name}@other")
    assert uuid.UUID(other.entityRequestV2.operationRequests[0].entityOperationSignaled.requestId)
    turn = raw.orchestration()
    started = turn.orchestratorRequest.newEvents[1].executionStarted
    assert (started.input.value, started.version.value) == ('"in"', "2") and not started.HasField("parentInstance")
    raw.answer(turn, complete(1))
    ended(stub, turn.orchestratorRequest.instanceId)


@pytest.mark.parametrize("what, action", [
    ("an id", lambda name: signals_entity("nobody")),
    ("an empty name", lambda name: signals_entity("@@k")),
    ("no content", lambda name: pb.OperationAction()),
    ("no name", lambda name: starts("")),
    ("an entity to start", lambda name: starts(name, instanceId="@a@b")),
    ("an input", lambda name: signals_entity(f"@{name}@o", input=string_value("x" * (3 << 20) + "x"))),
    ("an operation's name", lambda name: signals_entity(f"@{name}@o", "o" * (5 << 20))),
    ("an orchestration's name", lambda name: starts(name + "n" * (5 << 20))),
    ("a version", lambda name: starts(name, version=string_value("v" * (5 << 20)))),
    ("a trace", lambda name: starts(name, parentTraceContext=pb.TraceContext(traceParent="t" * (5 << 20)))),
], ids=lambda value: value if isinstance(value, str) else "")
def test_actions_that_break_the_rules_fail_the_calls_of_their_batch(raw, entity, name, calling, look, signal, what, action):
    instance, request = calling()
    raw.do(raw.batch(entity), '"done"', state="1", actions=[signals_entity(f"@{name}@never"), action(name)])
    told = reply(raw, instance)
    assert told.requestId == request and told.failureDetails.errorType, told
    assert look() is None and look(f"@{name}@never") is None, "nothing of it is done"
    signal("goes on")
    raw.do(raw.batch(entity), None)


def test_ten_thousand_actions_in_one_answer(raw, entity, name, signal, look):
    signal("op")
    raw.do(raw.batch(entity), None, state="1", actions=[
        signals_entity(f"@{name}@{number % 10}", str(number)) for number in range(10_000)])
    seen = {number: [] for number in range(10)}
    while sum(map(len, seen.values())) < 10_000:
        item = raw.batch()
        its = [int(operation) for operation, _ in operations(item)]
        seen[its[0] % 10] += its
        raw.do(item, *[None] * len(its))
    for number, its in seen.items():
        assert its == list(range(number, 10_000, 10))


# --------------------------------------------------------------------------------------- locks

def granted(raw, instance, section):
    turn = raw.orchestration(instance)
    assert turn.orchestratorRequest.newEvents[-1].entityLockGranted.criticalSectionId == section
    return turn


def free(look, *entities):
    eventually(lambda: not any((found := look(entity)) and found.HasField("lockedBy") for entity in entities), "free")


@pytest.mark.parametrize("given", [["b", "a"], ["a", "a", "b"], ["b", "a", "b", "a"]])
def test_a_lock_set_in_any_form(raw, stub, name, start, look, given):
    """Unsorted, in odd case, with one entity twice: it is one section all the same."""
    entities = [f"@{name}@a", f"@{name}@b"]
    instance = start()
    raw.answer(raw.orchestration(instance), lock(1, "s", *[f"@{name.upper()}@{key}" for key in given]))
    turn = granted(raw, instance, "s")
    assert [look(entity).lockedBy.value for entity in entities] == [instance] * 2
    sent = [event for event in turn.orchestratorRequest.pastEvents if event.HasField("entityLockRequested")]
    assert len(sent) == 1 and sent[0].eventId == 1
    raw.answer(turn, *[unlock(n + 2, "s", entity) for n, entity in enumerate(entities)], complete(9))
    assert ended(stub, instance).orchestrationStatus == COMPLETED
    assert all(look(entity) is None for entity in entities)


def test_sections_in_opposite_orders_do_not_wait_for_each_other(raw, stub, name, start, look):
    ids = [f"@{name}@{key}" for key in "abc"]
    instances = [start() for _ in range(10)]
    for number, instance in enumerate(instances):
        raw.answer(raw.orchestration(instance), lock(1, f"s{number}", *(ids if number % 2 else reversed(ids))))
    for _ in instances:
        turn = raw.orchestration()
        assert turn.orchestratorRequest.newEvents[-1].HasField("entityLockGranted")
        owner = turn.orchestratorRequest.instanceId
        assert [look(entity).lockedBy.value for entity in ids] == [owner] * 3
        raw.answer(turn, complete(9))
    assert all(ended(stub, instance).orchestrationStatus == COMPLETED for instance in instances)
    free(look, *ids)


def test_fifty_entities_in_one_section(raw, stub, name, start, look):
    entities = [f"@{name}@{number}" for number in range(50)]
    instance = start()
    raw.answer(raw.orchestration(instance), lock(1, "s", *entities))
    turn = granted(raw, instance, "s")
    assert {look(entity).lockedBy.value for entity in entities} == {instance}
    raw.answer(turn, complete(9))
    assert ended(stub, instance).orchestrationStatus == COMPLETED
    assert all(look(entity) is None for entity in entities)


@pytest.mark.parametrize("end", ["complete", "fail", "anew", "terminate", "purge", "replace"])
def test_no_lock_outlives_its_execution(raw, stub, entity, name, start, look, signal, end):
    """No SDK's help here: the orchestration never unlocks."""
    instance = start()
    raw.answer(raw.orchestration(instance), lock(1, "s", entity))
    turn = granted(raw, instance, "s")
    signal("waits")
    assert look().lockedBy.value == instance
    if end in ("terminate", "purge"):
        stub.TerminateInstance(pb.TerminateRequest(instanceId=instance))
    elif end == "replace":
        policy = pb.OrchestrationIdReusePolicy(replaceableStatus=[pb.ORCHESTRATION_STATUS_RUNNING])
        start(instanceId=instance, orchestrationIdReusePolicy=policy)
    else:
        status = {"complete": COMPLETED, "fail": FAILED, "anew": pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW}[end]
        raw.answer(turn, complete(9, status=status))
    if end == "purge":
        ended(stub, instance)
        stub.PurgeInstances(pb.PurgeInstancesRequest(instanceId=instance))
    assert operations(item := raw.batch(entity)) == [("waits", "")]
    raw.do(item, None, state="1")
    assert not look().HasField("lockedBy")


@pytest.mark.parametrize("position", [1, 7, -1, 2**31 - 1, -2**31])
def test_the_position_is_the_servers(raw, stub, entity, start, look, position):
    instance = start()
    raw.answer(raw.orchestration(instance), lock(1, "s", entity, position=position))
    turn = granted(raw, instance, "s")
    assert look().lockedBy.value == instance
    raw.answer(turn, complete(9))
    ended(stub, instance)


def test_a_lock_asked_for_twice_is_granted_once(raw, stub, entity, name, start, look, signal):
    instance = start()
    raw.answer(raw.orchestration(instance), lock(1, "s", entity), lock(2, "s", entity))
    turn = granted(raw, instance, "s")
    assert kinds(turn.orchestratorRequest.newEvents).count("entityLockGranted") == 1
    holds_for(lambda: raw.held() == 0, 0.2, "nothing more")
    raw.answer(turn, unlock(3, "s", entity), complete(9))
    ended(stub, instance)
    signal("free")
    raw.do(raw.batch(entity), None)


def test_unlocking_what_is_not_locked(raw, stub, entity, name, start, look):
    holder, other = start(), start()
    raw.answer(raw.orchestration(holder), lock(1, "s", entity))
    turn = granted(raw, holder, "s")
    forged = string_value(holder)
    raw.answer(raw.orchestration(other), unlock(1, "s", entity), unlock(2, "s", entity, parentInstanceId=forged),
               unlock(3, "s", f"@{name}@never"), complete(9))
    assert ended(stub, other).orchestrationStatus == COMPLETED
    eventually(lambda: look().backlogQueueSize == 0, "the unlocks to be read")
    assert look().lockedBy.value == holder and look(f"@{name}@never") is None
    raw.answer(turn, unlock(2, "other", entity), unlock(3, "s", entity), unlock(4, "s", entity))
    free(look, entity)
    stub.TerminateInstance(pb.TerminateRequest(instanceId=holder))
    ended(stub, holder)


def test_a_call_of_the_owner_overtakes_the_others(raw, stub, entity, name, start, signal, look):
    holder = start()
    raw.answer(raw.orchestration(holder), lock(1, "s", entity))
    turn = granted(raw, holder, "s")
    signal("waits")
    raw.answer(turn, call(2, entity, operation="mine"), call(3, entity, operation="mine, too"))
    item = raw.batch(entity)
    assert operations(item) == [("mine", ""), ("mine, too", "")]
    assert item.entityRequestV2.operationRequests[0].entityOperationCalled.parentInstanceId.value == holder
    raw.do(item, None, None, state="1")
    raw.answer(raw.orchestration(holder), unlock(4, "s", entity), complete(9))
    ended(stub, holder)
    assert operations(raw.batch(entity)) == [("waits", "")]


def test_a_purge_leaves_the_lock(raw, stub, entity, start, look, signal):
    signal("set")
    raw.do(raw.batch(entity), None, state="1")
    holder = start()
    raw.answer(raw.orchestration(holder), lock(1, "s", entity))
    turn = granted(raw, holder, "s")
    assert stub.PurgeInstances(pb.PurgeInstancesRequest(instanceId=entity)).deletedInstanceCount == 1
    assert look().lockedBy.value == holder and not look().HasField("serializedState")
    raw.answer(turn, complete(9))
    ended(stub, holder)
    eventually(lambda: look() is None, "the entity to be gone")


def test_a_purge_makes_the_batch_that_is_out_stale(raw, stub, entity, look, signal):
    signal("set")
    raw.do(raw.batch(entity), None, state="1")
    signal("op")
    held = raw.batch(entity)
    stub.PurgeInstances(pb.PurgeInstancesRequest(instanceId=entity))
    raw.do(held, None, state="2")
    again = raw.batch(entity)
    assert operations(again) == [("op", "")] and not again.entityRequestV2.HasField("entityState")
    raw.do(again, None, state="3")
    assert look().serializedState.value == "3"


# --------------------------------------------------------------------------------------- requests that break the rules

GIANT = "g" * (1 << 20)
BROKEN = {
    "no content": entity_message(1),
    "a call to nobody": call(1, ""),
    "a call to an orchestration": call(1, "order-1"),
    "a call without a request id": entity_message(1, entityOperationCalled=pb.EntityOperationCalledEvent(
        operation="op", targetInstanceId=string_value("@a@b"))),
    "a call with a giant operation": call(1, "@a@b", operation=GIANT),
    "a call with a giant request id": call(1, "@a@b", request=GIANT),
    "a call with a giant input": call(1, "@a@b", input=GIANT * 3 + "x"),
    "a signal without a name": entity_message(1, entityOperationSignaled=pb.EntityOperationSignaledEvent(
        targetInstanceId=string_value("@@b"))),
    "a signal with a giant operation": entity_message(1, entityOperationSignaled=pb.EntityOperationSignaledEvent(
        operation=GIANT, targetInstanceId=string_value("@a@b"))),
    "a lock of nothing": lock(1, "s"),
    "a lock of what is no entity": lock(1, "s", "@a@b", "order-1"),
    "a lock without a section": lock(1, "", "@a@b"),
    "a lock of a giant section": lock(1, GIANT, "@a@b"),
    "a lock of far too many": lock(1, "s", *[f"@entity@{number}" for number in range(20_000)]),
    "an unlock of nothing": unlock(1, "s", ""),
    "an unlock of a giant section": unlock(1, GIANT, "@a@b"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_message_that_breaks_the_rules_fails_its_orchestration_and_says_why(raw, stub, start, entity, look, what):
    instance, other = start(), start()
    raw.answer(raw.orchestration(instance), call(7, entity), BROKEN[what])
    state = ended(stub, instance)
    assert state.orchestrationStatus == FAILED and state.failureDetails.errorMessage, state
    assert state.failureDetails.errorType in ("ProtocolViolationError", "PayloadTooLargeError")
    assert look() is None, "nothing of a broken answer is done"
    raw.answer(raw.orchestration(other), complete(1))
    ended(stub, other)


def test_two_calls_with_one_request_id_harm_nobody_else(raw, stub, start, entity, signal):
    instance = start()
    raw.answer(raw.orchestration(instance), call(1, entity, "same"), call(2, entity, "same"))
    done = 0
    while done < 2:
        item = raw.batch(entity)
        done += len(operations(item))
        raw.do(item, *['"r"'] * len(operations(item)))
    turn = raw.orchestration(instance)
    assert turn.orchestratorRequest.newEvents[-1].entityOperationCompleted.requestId == "same"
    raw.answer(turn, complete(9))
    assert ended(stub, instance).orchestrationStatus == COMPLETED


def test_an_answer_for_an_execution_that_is_over_is_not_one_for_the_next(raw, stub, start, entity, calling):
    """The next one asks under the same request id."""
    instance, request = calling("old")
    item = raw.batch(entity)
    stub.TerminateInstance(pb.TerminateRequest(instanceId=instance))
    ended(stub, instance)
    policy = pb.OrchestrationIdReusePolicy(replaceableStatus=[pb.ORCHESTRATION_STATUS_TERMINATED])
    start(instanceId=instance, orchestrationIdReusePolicy=policy)
    turn = raw.orchestration(instance)
    assert kinds(turn.orchestratorRequest.newEvents) == ["orchestratorStarted", "executionStarted"]
    raw.answer(turn, call(1, entity, request, "new"))
    raw.do(item, '"late"', state="1")
    again = raw.batch(entity)
    assert operations(again) == [("new", "")] and again.entityRequestV2.entityState.value == "1"
    raw.do(again, '"in time"', state="2")
    assert reply(raw, instance).output.value == '"in time"'


def test_signals_at_impossible_times(raw, stub, entity, name):
    for number, (seconds, nanos) in enumerate([(-2**63, 0), (0, 2**31 - 1), (0, -2**31), (2**63 - 1, -1), (253402300800, 0)]):
        request = pb.SignalEntityRequest(instanceId=f"@{name}@{number}", name="op")
        request.scheduledTime.seconds, request.scheduledTime.nanos = seconds, nanos
        stub.SignalEntity(request)
    for number in range(3):
        assert operations(raw.batch(f"@{name}@{number}")) == [("op", "")]
    assert raw.held() == 0, "what is after the end of time waits"
