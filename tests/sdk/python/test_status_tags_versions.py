"""What a client can read besides the output."""

from datetime import datetime, timedelta, timezone

import pytest

import durabletask.internal.orchestrator_service_pb2 as pb
from durabletask.client import OrchestrationStatus

from harness import PATIENCE, Gates, Registry, eventually

registry = Registry()
gates = Gates()


@registry.activity
def gated(ctx, key):
    gates.wait(key)


@registry.orchestrator
def reports_progress(ctx, _):
    ctx.set_custom_status({"step": 1})
    yield ctx.call_activity(gated, input=f"{ctx.instance_id}/1")
    ctx.set_custom_status({"step": 2, "text": "zweiter – 第二"})
    yield ctx.call_activity(gated, input=f"{ctx.instance_id}/2")
    return "done"


@registry.orchestrator
def clears_status(ctx, _):
    ctx.set_custom_status("busy")
    yield ctx.call_activity(gated, input=ctx.instance_id)
    ctx.set_custom_status(None)
    return "done"


@registry.orchestrator
def own_version(ctx, _):
    return ctx.version
    yield


@registry.orchestrator
def child_version(ctx, _):
    return (yield ctx.call_sub_orchestrator(own_version, version="7.1"))


@pytest.fixture(autouse=True)
def running(worker):
    pass


def read(stub, instance, payloads=True):
    response = stub.GetInstance(pb.GetInstanceRequest(instanceId=instance, getInputsAndOutputs=payloads))
    assert response.exists
    return response.orchestrationState


def test_custom_status_is_visible_while_running_and_stays(client, new_id):
    instance = client.schedule_new_orchestration(reports_progress, instance_id=new_id())
    show = lambda: client.get_orchestration_state(instance).get_custom_status()  # noqa: E731
    eventually(lambda: show() == {"step": 1}, "step 1")
    gates.open(f"{instance}/1")
    eventually(lambda: show() == {"step": 2, "text": "zweiter – 第二"}, "step 2")
    gates.open(f"{instance}/2")
    state = client.wait_for_orchestration_completion(instance, timeout=20)
    assert state.get_custom_status() == {"step": 2, "text": "zweiter – 第二"}


def test_custom_status_can_be_cleared(client, new_id):
    instance = client.schedule_new_orchestration(clears_status, instance_id=new_id())
    eventually(lambda: client.get_orchestration_state(instance).get_custom_status() == "busy", "busy")
    gates.open(instance)
    state = client.wait_for_orchestration_completion(instance, timeout=20)
    assert state.get_custom_status() is None


def test_waiting_for_the_start_answers_while_it_runs(client, new_id):
    instance = client.schedule_new_orchestration(reports_progress, instance_id=new_id())
    state = client.wait_for_orchestration_start(instance, timeout=20, fetch_payloads=True)
    assert state.runtime_status == OrchestrationStatus.RUNNING
    gates.open(f"{instance}/1")
    gates.open(f"{instance}/2")
    client.wait_for_orchestration_completion(instance, timeout=20)
    assert client.wait_for_orchestration_start(instance, timeout=PATIENCE).runtime_status == OrchestrationStatus.COMPLETED


@pytest.mark.beyond_memory("does not show them")
def test_tags_and_version_are_kept_and_shown(client, stub, new_id):
    instance = client.schedule_new_orchestration(
        own_version, instance_id=new_id(), version="1.2.3", tags={"team": "würze", "empty": ""})
    assert client.wait_for_orchestration_completion(instance, timeout=20).get_output() == "1.2.3"
    state = read(stub, instance)
    assert dict(state.tags) == {"team": "würze", "empty": ""}
    assert state.version.value == "1.2.3"


def test_the_version_reaches_the_orchestrator_and_the_child(client, new_id):
    instance = client.schedule_new_orchestration(own_version, instance_id=new_id(), version="2.0")
    assert client.wait_for_orchestration_completion(instance, timeout=20).get_output() == "2.0"
    instance = client.schedule_new_orchestration(child_version, instance_id=new_id())
    assert client.wait_for_orchestration_completion(instance, timeout=20).get_output() == "7.1"


@pytest.mark.beyond_memory("leaves fields out")
def test_the_state_is_complete(client, stub, new_id):
    before = datetime.now(timezone.utc) - timedelta(seconds=1)
    instance = client.schedule_new_orchestration(child_version, instance_id=new_id())
    client.wait_for_orchestration_completion(instance, timeout=20)
    after = datetime.now(timezone.utc) + timedelta(seconds=1)
    state = read(stub, instance)
    assert state.instanceId == instance and state.name == "child_version"
    for field in ("createdTimestamp", "lastUpdatedTimestamp", "completedTimestamp"):
        assert before <= getattr(state, field).ToDatetime(timezone.utc) <= after, field
    assert state.executionId.value
    assert not state.HasField("input") and not state.HasField("failureDetails")
    assert not state.HasField("parentInstanceId")
    assert read(stub, f"{instance}:0001").parentInstanceId.value == instance
    bare = read(stub, instance, payloads=False)
    assert not bare.HasField("output") and bare.HasField("createdTimestamp")
