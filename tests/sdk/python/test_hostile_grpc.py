"""Callers and workers who send what means nothing, or too much of it: the server lives, answers in plain codes, and nobody else
notices."""

import os
import random
import uuid

import grpc
import pytest
from google.protobuf import empty_pb2

import durabletask.internal.orchestrator_service_pb2 as pb

from harness import PATIENCE, RawWorker, complete, eventually, raw_stub, refused, schedule, string_value

pytestmark = pytest.mark.beyond_memory("is not that strict about the wire")

PREFIX = "/TaskHubSidecarService/"
METHODS = {method.name: method for method in pb.DESCRIPTOR.services_by_name["TaskHubSidecarService"].methods}
INVALID, TOO_LARGE, MISSING = (
    grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.NOT_FOUND)
FAILED = pb.ORCHESTRATION_STATUS_FAILED
COMPLETED = pb.ORCHESTRATION_STATUS_COMPLETED
GIANT = "g" * (1 << 20)


@pytest.fixture(autouse=True)
def alone(no_workers):
    pass


@pytest.fixture
def name():
    return f"hostile_{uuid.uuid4().hex}"


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


# --------------------------------------------------------------------------------------- bytes that mean nothing

# What a request may be refused with. UNAVAILABLE and DEADLINE_EXCEEDED would be repeated for ever by some SDK, and UNKNOWN is a panic.
PLAIN = {INVALID, TOO_LARGE, MISSING, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNIMPLEMENTED,
         grpc.StatusCode.ALREADY_EXISTS, grpc.StatusCode.FAILED_PRECONDITION}


def fill(message, dice, levels=3):
    """Any value for any field of the message, also those that make no sense."""
    for field in message.DESCRIPTOR.fields:
        if dice.random() < 0.5 or (field.type == field.TYPE_MESSAGE and levels == 0):
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            continue
        numbers = [0, 1, -1, 2**31 - 1, -2**31, 99]
        value = {
            field.TYPE_STRING: lambda: dice.choice(["", "x", "@a@b", "\0", "ü" * 300, "a/b?c#d", "default"]),
            field.TYPE_BOOL: lambda: dice.random() < 0.5,
            field.TYPE_INT32: lambda: dice.choice(numbers),
            field.TYPE_INT64: lambda: dice.choice([*numbers, 2**63 - 1, -2**63]),
            field.TYPE_ENUM: lambda: dice.choice(numbers),
            field.TYPE_DOUBLE: lambda: dice.choice([0.0, float("nan"), float("inf"), -1.5]),
        }.get(field.type)
        repeated = hasattr(getattr(message, field.name), "append")
        for _ in range(dice.randint(1, 3) if repeated else 1):
            if field.type == field.TYPE_MESSAGE:
                inner = getattr(message, field.name).add() if repeated else getattr(message, field.name)
                inner.SetInParent()
                fill(inner, dice, levels - 1)
            elif value and repeated:
                getattr(message, field.name).append(value())
            elif value:
                setattr(message, field.name, value())
    return message


def message_class(descriptor):
    from google.protobuf import message_factory
    return message_factory.GetMessageClass(descriptor)


@pytest.fixture
def dice():
    seed = os.environ.get("DURAHUB_SEED") or str(random.randrange(2**32))
    print(f"DURAHUB_SEED={seed}")
    return random.Random(seed)


def attempt(channel, method, request):
    """The code of one call; a stream is left as soon as it has begun."""
    kind = channel.unary_stream if METHODS[method].server_streaming else channel.unary_unary
    call = kind(PREFIX + method, request_serializer=bytes, response_deserializer=bytes)
    try:
        if METHODS[method].server_streaming:
            answers = call(request, timeout=PATIENCE)
            next(answers, None)
            answers.cancel()
        else:
            call(request, timeout=PATIENCE)
        return grpc.StatusCode.OK
    except grpc.RpcError as error:
        return error.code()


@pytest.mark.parametrize("method", METHODS)
def test_any_bytes_on_any_rpc(own_server, dice, method):
    accepted = {grpc.StatusCode.OK, *PLAIN}
    with grpc.insecure_channel(own_server.address) as channel:
        well_formed = message_class(METHODS[method].input_type)
        for _ in range(40):
            noise = dice.randbytes(dice.randrange(200))
            whole = fill(well_formed(), dice).SerializeToString()
            cut = whole[:dice.randrange(len(whole) + 1)]
            spoilt = bytearray(whole)
            for _ in range(3 if spoilt else 0):
                spoilt[dice.randrange(len(spoilt))] = dice.randrange(256)
            for request in (noise, whole, cut, bytes(spoilt)):
                code = attempt(channel, method, request)
                assert code in accepted, f"{method}({request!r}) was answered with {code}"
        raw_stub(own_server.address).Hello(empty_pb2.Empty(), timeout=PATIENCE)
    assert own_server.alive() and "panicked" not in own_server.log_tail(1000)


# --------------------------------------------------------------------------------------- giant fields

@pytest.mark.parametrize("method, request_, codes", [
    ("StartInstance", pb.CreateInstanceRequest(name=GIANT), [INVALID]),
    ("StartInstance", pb.CreateInstanceRequest(name="n", instanceId=GIANT), [INVALID]),
    ("StartInstance", pb.CreateInstanceRequest(name="n", version=string_value(GIANT)), [INVALID, TOO_LARGE]),
    ("GetInstance", pb.GetInstanceRequest(instanceId=GIANT), None),
    ("WaitForInstanceCompletion", pb.GetInstanceRequest(instanceId=GIANT), None),
    ("RaiseEvent", pb.RaiseEventRequest(instanceId=GIANT, name="n"), [MISSING, INVALID]),
    ("TerminateInstance", pb.TerminateRequest(instanceId=GIANT), [MISSING, INVALID]),
    ("PurgeInstances", pb.PurgeInstancesRequest(instanceId=GIANT), None),
    ("PurgeInstances", pb.PurgeInstancesRequest(instanceBatch=pb.InstanceBatch(instanceIds=["x"] * 501)), [INVALID]),
    ("CompleteActivityTask", pb.ActivityResponse(instanceId=GIANT, completionToken=GIANT), None),
    ("CompleteOrchestratorTask", pb.OrchestratorResponse(instanceId=GIANT, completionToken=GIANT), None),
], ids=lambda value: value if isinstance(value, str) else "")
def test_giant_fields(stub, method, request_, codes):
    if codes is None:
        getattr(stub, method)(request_, timeout=PATIENCE)
    else:
        with refused(*codes):
            getattr(stub, method)(request_, timeout=PATIENCE)


def test_a_message_above_the_limit(stub):
    with refused(TOO_LARGE):
        stub.StartInstance(pb.CreateInstanceRequest(name="n", input=string_value("x" * (65 << 20))), timeout=20)


def listed(stub, instance):
    """The instance in a list, read by a client that takes what all SDKs take: 4 MiB."""
    page = stub.QueryInstances(pb.QueryInstancesRequest(query=pb.InstanceQuery(instanceIdPrefix=string_value(instance))))
    return [state.instanceId for state in page.orchestrationState]


def test_giant_tags_do_not_spoil_the_lists(stub, start, new_id):
    instance = new_id()
    try:
        start(instanceId=instance, tags={f"{number}": GIANT for number in range(5)})
    except grpc.RpcError as error:
        assert error.code() in (INVALID, TOO_LARGE), error
    else:
        assert listed(stub, instance) == [instance]


@pytest.mark.parametrize("action", [
    lambda name: pb.ScheduleTaskAction(name=name, tags={f"{number}": GIANT for number in range(5)}),
    lambda name: pb.ScheduleTaskAction(name=name + GIANT * 5),
    lambda name: pb.ScheduleTaskAction(name=name, version=string_value(GIANT * 5)),
    lambda name: pb.ScheduleTaskAction(name=name, parentTraceContext=pb.TraceContext(traceParent=GIANT * 5)),
], ids=["tags", "name", "version", "trace"])
def test_an_activity_that_no_worker_could_receive_fails_its_orchestration(raw, stub, start, name, action):
    """Handed out it would end the stream of every worker that gets it, again and again."""
    instance, other = start(), start()
    raw.answer(raw.orchestration(instance), pb.OrchestratorAction(id=1, scheduleTask=action(name)))
    failure = ended(stub, instance).failureDetails
    assert failure.errorType == "PayloadTooLargeError" and "the limit is 65536" in failure.errorMessage, failure
    raw.answer(raw.orchestration(other), complete(1))
    assert ended(stub, other).orchestrationStatus == COMPLETED


@pytest.mark.parametrize("fields", [
    {"parentTraceContext": pb.TraceContext(traceParent=GIANT)},
    {"executionId": string_value(GIANT)},
], ids=["trace", "execution id"])
def test_a_start_with_what_every_activity_would_carry_is_refused(start, fields):
    with refused(INVALID):
        start(**fields)


def test_giant_failure_details_do_not_spoil_the_lists(raw, stub, start):
    instance = start()
    action = complete(0, status=FAILED)
    action.completeOrchestration.failureDetails.CopyFrom(pb.TaskFailureDetails(errorType="E", errorMessage=GIANT * 5))
    raw.answer(raw.orchestration(instance), action)
    eventually(lambda: listed(stub, instance) == [instance], "the list")
    assert ended(stub, instance).orchestrationStatus == FAILED


def test_a_giant_failure_of_an_activity_is_cut_and_arrives(raw, stub, start, name):
    instance, other = start(), start()
    raw.answer(raw.orchestration(instance), schedule(1, name))
    raw.finish(raw.activity(instance), failure=pb.TaskFailureDetails(errorType="E", errorMessage=GIANT * 5))
    raw.answer(raw.orchestration(instance), complete(2))
    assert ended(stub, instance).orchestrationStatus == COMPLETED
    raw.answer(raw.orchestration(other), complete(1))
    assert ended(stub, other).orchestrationStatus == COMPLETED
