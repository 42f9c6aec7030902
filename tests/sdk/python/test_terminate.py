"""Termination with a worker at hand; without one, see test_without_a_worker."""

import pytest

from durabletask import task
from durabletask.client import OrchestrationStatus

from harness import Gates, Log, Registry, eventually, holds_for

registry = Registry()
gates = Gates()
executions = Log()


@registry.activity
def gated_work(ctx, key):
    executions.add(key)
    gates.wait(key)
    return key


@registry.orchestrator
def waits_for_ever(ctx, _):
    ctx.set_custom_status("waiting")
    return (yield ctx.wait_for_external_event("never"))


@registry.orchestrator
def works_then_waits(ctx, _):
    yield ctx.call_activity(gated_work, input=ctx.instance_id)
    yield ctx.call_activity(gated_work, input=f"{ctx.instance_id}/second")


@registry.orchestrator
def parent_of_three(ctx, _):
    yield task.when_all([
        ctx.call_sub_orchestrator(waits_for_ever, instance_id=f"{ctx.instance_id}-child-{n}") for n in range(3)])


@registry.orchestrator
def grandparent(ctx, _):
    yield ctx.call_sub_orchestrator(parent_of_three, instance_id=f"{ctx.instance_id}-p")


@pytest.fixture(autouse=True)
def running(worker):
    pass


def start(client, orchestrator, instance):
    client.schedule_new_orchestration(orchestrator, instance_id=instance)
    client.wait_for_orchestration_start(instance, timeout=20)
    return instance


def status(client, instance):
    state = client.get_orchestration_state(instance)
    return state and state.runtime_status


def test_a_running_instance_ends_with_the_given_output(client, new_id):
    instance = start(client, waits_for_ever, new_id())
    client.terminate_orchestration(instance, output={"why": "test"})
    state = client.wait_for_orchestration_completion(instance, timeout=20)
    assert state.runtime_status == OrchestrationStatus.TERMINATED
    assert state.get_output() == {"why": "test"}
    assert state.failure_details is None


def test_terminating_twice_keeps_the_first_output(client, new_id):
    instance = start(client, waits_for_ever, new_id())
    client.terminate_orchestration(instance, output="first")
    client.wait_for_orchestration_completion(instance, timeout=20)
    client.terminate_orchestration(instance, output="second")
    assert client.get_orchestration_state(instance).get_output() == "first"


@pytest.mark.beyond_memory("runs the ended orchestrator on")
def test_a_late_activity_result_wakes_nothing(client, new_id):
    instance = start(client, works_then_waits, new_id())
    gates.wait_until_entered(instance)
    client.terminate_orchestration(instance)
    client.wait_for_orchestration_completion(instance, timeout=20)
    gates.open(instance)
    holds_for(lambda: status(client, instance) == OrchestrationStatus.TERMINATED
              and executions.count(f"{instance}/second") == 0, 0.5, "TERMINATED, no second activity")


@pytest.mark.beyond_memory("has no recursive termination")
def test_recursion_ends_all_descendants(client, new_id):
    instance = start(client, grandparent, new_id())
    descendants = [f"{instance}-p"] + [f"{instance}-p-child-{n}" for n in range(3)]
    eventually(lambda: all(status(client, d) == OrchestrationStatus.RUNNING for d in descendants), "all descendants")
    client.terminate_orchestration(instance, output="all of you", recursive=True)
    for each in [instance] + descendants:
        state = client.wait_for_orchestration_completion(each, timeout=20)
        assert state.runtime_status == OrchestrationStatus.TERMINATED, each


def test_without_recursion_children_live_on(client, new_id):
    instance = start(client, parent_of_three, new_id())
    children = [f"{instance}-child-{n}" for n in range(3)]
    eventually(lambda: all(status(client, c) == OrchestrationStatus.RUNNING for c in children), "all children")
    client.terminate_orchestration(instance, recursive=False)
    client.wait_for_orchestration_completion(instance, timeout=20)
    for child in children:
        assert status(client, child) == OrchestrationStatus.RUNNING
        client.raise_orchestration_event(child, "never", data=1)
        assert client.wait_for_orchestration_completion(child, timeout=20).get_output() == 1


def test_a_suspended_instance_can_be_terminated(client, new_id):
    instance = start(client, waits_for_ever, new_id())
    client.suspend_orchestration(instance)
    eventually(lambda: status(client, instance) == OrchestrationStatus.SUSPENDED, "SUSPENDED")
    client.terminate_orchestration(instance, output="out")
    state = client.wait_for_orchestration_completion(instance, timeout=20)
    assert state.runtime_status == OrchestrationStatus.TERMINATED and state.get_output() == "out"


@pytest.mark.beyond_memory("re-adds activities of a suspended instance")
def test_a_suspended_instance_with_work_under_way_can_be_terminated(client, new_id):
    instance = start(client, works_then_waits, new_id())
    gates.wait_until_entered(instance)
    client.suspend_orchestration(instance)
    eventually(lambda: status(client, instance) == OrchestrationStatus.SUSPENDED, "SUSPENDED")
    client.terminate_orchestration(instance)
    state = client.wait_for_orchestration_completion(instance, timeout=20)
    gates.open(instance)
    assert state.runtime_status == OrchestrationStatus.TERMINATED
    holds_for(lambda: executions.count(instance) == 1, 0.3, "one execution")


def test_a_missing_instance_is_no_disaster(client, new_id):
    """NOT_FOUND and silence are both fine; the server's own choice is in its API description."""
    import grpc
    try:
        client.terminate_orchestration(new_id("missing"))
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.NOT_FOUND
