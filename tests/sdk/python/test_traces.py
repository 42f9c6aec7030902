"""A trace that begins at the caller goes through orchestrations, activities and children, whether their SDK traces or not."""

import json
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

import durabletask.internal.orchestrator_service_pb2 as pb

from harness import RawWorker, complete, schedule, string_value

pytestmark = pytest.mark.beyond_memory("does not pass every trace on")

OUTER = pb.TraceContext(
    traceParent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", spanID="b7ad6b7169203331",
    traceState=string_value("vendor=1"))
INNER = pb.TraceContext(
    traceParent="00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01", spanID="00f067aa0ba902b7")


@pytest.fixture(autouse=True)
def alone(no_workers):
    pass


@pytest.fixture
def name():
    return f"traced_{uuid.uuid4().hex}"


@pytest.fixture
def raw(server, name):
    with RawWorker(server.address, [name], [name]) as worker:
        yield worker


def started(item):
    return next(event.executionStarted for event in item.orchestratorRequest.newEvents
                if event.HasField("executionStarted"))


def child(action_id, name, instance, trace=None):
    return pb.OrchestratorAction(id=action_id, createSubOrchestration=pb.CreateSubOrchestrationAction(
        name=name, instanceId=instance, parentTraceContext=trace))


def task(action_id, name, trace=None):
    action = schedule(action_id, name)
    if trace is not None:
        action.scheduleTask.parentTraceContext.CopyFrom(trace)
    return action


# --------------------------------------------------------------------------------------- the stock SDK, which traces

def test_spans_of_the_sdk_make_one_tree(server, new_id):
    instance = new_id()
    process = subprocess.run(
        [sys.executable, Path(__file__).with_name("traced_process.py"), server.address, instance],
        capture_output=True, text=True, timeout=50)
    assert process.returncode == 0, process.stderr
    spans = [json.loads(line) for line in process.stdout.splitlines()]
    by_id = {span["id"]: span for span in spans}
    assert len({span["trace"] for span in spans}) == 1

    def way_up(span):
        way = []
        while span is not None:
            way.append(span["name"])
            span = by_id.get(span["parent"])
        return way

    def work(name, of):
        """The span around the work itself; there is one, however often the orchestrator was replayed."""
        [span] = [span for span in spans if (span["name"], span["instance"], span["kind"]) == (name, of, "SERVER")]
        return way_up(span)

    parent = ["orchestration:traced_parent", "create_orchestration:traced_parent", "the caller"]
    child = ["orchestration:traced_child", "orchestration:traced_child", *parent]  # The second is the parent's, who waits.
    activity = ["activity:traced_activity", "activity:traced_activity"]
    assert work("orchestration:traced_parent", instance) == parent
    assert work("activity:traced_activity", instance) == [*activity, *parent]
    assert work("orchestration:traced_child", f"{instance}-child") == child
    assert work("activity:traced_activity", f"{instance}-child") == [*activity, *child]


# --------------------------------------------------------------------------------------- on the wire

def test_the_trace_of_a_start_reaches_the_orchestrator(raw, stub, name, new_id):
    instance = new_id()
    stub.StartInstance(pb.CreateInstanceRequest(instanceId=instance, name=name, parentTraceContext=OUTER))
    item = raw.orchestration(instance)
    assert started(item).parentTraceContext == OUTER
    raw.answer(item, complete(1))


def test_what_a_worker_names_reaches_activities_and_children(raw, stub, name, new_id):
    instance = new_id()
    stub.StartInstance(pb.CreateInstanceRequest(instanceId=instance, name=name, parentTraceContext=OUTER))
    raw.answer(raw.orchestration(instance), task(1, name, INNER), child(2, name, f"{instance}-child", INNER))
    assert raw.activity(instance).activityRequest.parentTraceContext == INNER
    assert started(raw.orchestration(f"{instance}-child")).parentTraceContext == INNER


def test_where_a_worker_names_none_the_trace_of_the_start_goes_on(raw, stub, name, new_id):
    """The SDKs for Java and Go name none, and neither do those for Python and JavaScript where OpenTelemetry is not installed."""
    instance, inner = new_id(), new_id("child")
    stub.StartInstance(pb.CreateInstanceRequest(instanceId=instance, name=name, parentTraceContext=OUTER))
    raw.answer(raw.orchestration(instance), task(1, name), child(2, name, inner))
    assert raw.activity(instance).activityRequest.parentTraceContext == OUTER
    turn = raw.orchestration(inner)
    assert started(turn).parentTraceContext == OUTER
    raw.answer(turn, task(1, name))
    assert raw.activity(inner).activityRequest.parentTraceContext == OUTER


def test_a_start_without_a_trace_begins_none(raw, stub, name, new_id):
    instance = new_id()
    stub.StartInstance(pb.CreateInstanceRequest(instanceId=instance, name=name))
    turn = raw.orchestration(instance)
    assert not started(turn).HasField("parentTraceContext")
    raw.answer(turn, task(1, name))
    assert not raw.activity(instance).activityRequest.HasField("parentTraceContext")


@pytest.mark.needs_http
def test_the_trace_of_a_start_over_http_goes_on(raw, http, name, new_id):
    instance = new_id()
    http.call("POST", f"/runtime/webhooks/durabletask/orchestrators/{name}/{instance}",
              headers={"traceparent": OUTER.traceParent, "tracestate": "vendor=1"})
    raw.answer(raw.orchestration(instance), task(1, name))
    trace = raw.activity(instance).activityRequest.parentTraceContext
    assert (trace.traceParent, trace.traceState.value) == (OUTER.traceParent, "vendor=1")


def test_the_span_of_an_orchestration_is_remembered_for_its_next_turn_and_not_for_its_next_execution(
        raw, stub, name, new_id):
    instance = new_id()
    stub.StartInstance(pb.CreateInstanceRequest(instanceId=instance, name=name, parentTraceContext=OUTER))

    def answer(item, span, *actions):
        response = pb.OrchestratorResponse(
            instanceId=instance, completionToken=item.completionToken, actions=actions,
            orchestrationTraceContext=pb.OrchestrationTraceContext(spanID=string_value(span)))
        response.orchestrationTraceContext.spanStartTime.FromSeconds(1_700_000_000)
        raw.stub.CompleteOrchestratorTask(response)
        return response.orchestrationTraceContext

    first = raw.orchestration(instance)
    assert not first.orchestratorRequest.HasField("orchestrationTraceContext")
    said = answer(first, "1111111111111111", task(1, name))
    raw.finish(raw.activity(instance))
    second = raw.orchestration(instance)
    assert second.orchestratorRequest.orchestrationTraceContext == said
    answer(second, "2222222222222222", complete(2, status=pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW))
    third = raw.orchestration(instance)
    assert not third.orchestratorRequest.HasField("orchestrationTraceContext")
    assert started(third).parentTraceContext == OUTER
    raw.answer(third, complete(1))
