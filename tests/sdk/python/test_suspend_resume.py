"""Suspended instances hold everything and lose nothing."""

import time
from datetime import timedelta

import grpc
import pytest

from durabletask import task
from durabletask.client import OrchestrationStatus

from harness import Gates, Log, Registry, eventually, holds_for, refused

registry = Registry()
gates = Gates()
executions = Log()


@registry.activity
def gated_step(ctx, step):
    executions.add(ctx.orchestration_id, step)
    gates.wait(ctx.orchestration_id)
    return step


@registry.activity
def free_step(ctx, step):
    executions.add(ctx.orchestration_id, step)
    return step


@registry.orchestrator
def gated_then_free(ctx, _):
    first = yield ctx.call_activity(gated_step, input=1)
    second = yield ctx.call_activity(free_step, input=2)
    return [first, second]


@registry.orchestrator
def three_gated_then_free(ctx, _):
    first = yield task.when_all([ctx.call_activity(gated_step, input=n) for n in range(3)])
    second = yield ctx.call_activity(free_step, input=3)
    return first + [second]


@registry.orchestrator
def short_nap(ctx, milliseconds):
    yield ctx.create_timer(timedelta(milliseconds=milliseconds))
    return (yield ctx.call_activity(free_step, input="after the nap"))


@registry.orchestrator
def three_events(ctx, _):
    values = []
    for _ in range(3):
        values.append((yield ctx.wait_for_external_event("item")))
    return values


@pytest.fixture(autouse=True)
def running(worker):
    pass


def status(client, instance):
    return client.get_orchestration_state(instance).runtime_status


def start(client, orchestrator, instance, value=None):
    client.schedule_new_orchestration(orchestrator, input=value, instance_id=instance)
    client.wait_for_orchestration_start(instance, timeout=20)
    return instance


def suspend(client, instance):
    client.suspend_orchestration(instance, reason="for the test")
    eventually(lambda: status(client, instance) == OrchestrationStatus.SUSPENDED, "SUSPENDED")


def resume(client, instance):
    client.resume_orchestration(instance, reason="enough")


def finished(client, instance):
    state = client.wait_for_orchestration_completion(instance, timeout=20)
    assert state.runtime_status == OrchestrationStatus.COMPLETED, state
    return state.get_output()


def test_resuming_shows_running_again(client, new_id):
    instance = start(client, three_events, new_id())
    suspend(client, instance)
    resume(client, instance)
    eventually(lambda: status(client, instance) == OrchestrationStatus.RUNNING, "RUNNING")


@pytest.mark.beyond_memory("dispatches to suspended instances")
def test_an_activity_result_waits_for_the_resume(client, new_id):
    instance = start(client, gated_then_free, new_id())
    gates.wait_until_entered(instance)
    suspend(client, instance)
    gates.open(instance)
    holds_for(lambda: status(client, instance) == OrchestrationStatus.SUSPENDED
              and executions.of(instance) == [1], 0.5, "suspended, no second step")
    resume(client, instance)
    assert finished(client, instance) == [1, 2]
    assert executions.of(instance) == [1, 2]


@pytest.mark.beyond_memory("dispatches to suspended instances")
def test_nothing_is_scheduled_twice(client, new_id):
    instance = start(client, three_gated_then_free, new_id())
    gates.wait_until_entered(instance)
    for _ in range(3):
        suspend(client, instance)
        resume(client, instance)
        eventually(lambda: status(client, instance) == OrchestrationStatus.RUNNING, "RUNNING")
    suspend(client, instance)
    gates.open(instance)
    holds_for(lambda: 3 not in executions.of(instance), 0.3, "no fourth step")
    resume(client, instance)
    assert finished(client, instance) == [0, 1, 2, 3]
    assert sorted(executions.of(instance)) == [0, 1, 2, 3]


@pytest.mark.beyond_memory("dispatches to suspended instances")
def test_a_timer_that_falls_due_waits_for_the_resume(client, new_id):
    # A machine that stalls may see the first naps end before they are suspended.
    for nap in (0.3, 3, 10):
        begun = time.monotonic()
        instance = start(client, short_nap, new_id(), int(nap * 1000))
        client.suspend_orchestration(instance)
        now = eventually(lambda: (it := status(client, instance)) != OrchestrationStatus.RUNNING and it, "SUSPENDED, or the end")
        if time.monotonic() < begun + nap:
            break
    assert now == OrchestrationStatus.SUSPENDED
    holds_for(lambda: status(client, instance) == OrchestrationStatus.SUSPENDED
              and executions.count(instance) == 0, nap + 0.5, "suspended past the timer")
    resume(client, instance)
    assert finished(client, instance) == "after the nap"
    assert executions.count(instance) == 1


def test_events_keep_their_order_over_a_suspension(client, new_id):
    instance = start(client, three_events, new_id())
    client.raise_orchestration_event(instance, "item", data=1)
    suspend(client, instance)
    client.raise_orchestration_event(instance, "item", data=2)
    client.raise_orchestration_event(instance, "item", data=3)
    holds_for(lambda: status(client, instance) == OrchestrationStatus.SUSPENDED, 0.3, "suspended")
    resume(client, instance)
    assert finished(client, instance) == [1, 2, 3]


def test_the_wait_for_completion_outlives_a_suspension(client, new_id):
    instance = start(client, three_events, new_id())
    suspend(client, instance)
    with pytest.raises(TimeoutError):
        client.wait_for_orchestration_completion(instance, timeout=0.5)
    resume(client, instance)
    for number in range(3):
        client.raise_orchestration_event(instance, "item", data=number)
    assert finished(client, instance) == [0, 1, 2]


@pytest.mark.beyond_memory("delivers a resume to an instance that is not suspended, which fails in the worker")
def test_resuming_what_is_not_suspended_changes_nothing(client, new_id):
    """The worker fails an orchestration that is told to resume without being suspended."""
    instance = start(client, three_events, new_id())
    resume(client, instance)
    for number in range(3):
        client.raise_orchestration_event(instance, "item", data=number)
    assert finished(client, instance) == [0, 1, 2]


@pytest.mark.beyond_memory("delivers both, and the worker spins for ever on the second")
def test_suspending_twice_is_suspending_once(client, new_id):
    """The worker never comes back from a second ExecutionSuspended before the resume."""
    instance = start(client, three_events, new_id())
    for _ in range(3):
        client.suspend_orchestration(instance)
    client.raise_orchestration_event(instance, "item", data=0)
    eventually(lambda: status(client, instance) == OrchestrationStatus.SUSPENDED, "SUSPENDED")
    client.suspend_orchestration(instance)
    client.raise_orchestration_event(instance, "item", data=1)
    for _ in range(2):
        resume(client, instance)
    client.raise_orchestration_event(instance, "item", data=2)
    assert finished(client, instance) == [0, 1, 2]


@pytest.mark.beyond_memory("delivers what it gets, in any state")
def test_suspend_and_resume_in_one_breath_leave_it_running(client, new_id):
    for _ in range(10):
        instance = start(client, three_events, new_id())
        client.suspend_orchestration(instance)
        client.resume_orchestration(instance)
        for number in range(3):
            client.raise_orchestration_event(instance, "item", data=number)
        assert finished(client, instance) == [0, 1, 2]


@pytest.mark.beyond_memory("delivers what it gets, in any state")
def test_the_last_of_many_suspends_and_resumes_counts(client, new_id):
    instance = start(client, three_events, new_id())
    for _ in range(5):
        client.suspend_orchestration(instance)
        client.resume_orchestration(instance)
    client.suspend_orchestration(instance)
    eventually(lambda: status(client, instance) == OrchestrationStatus.SUSPENDED, "SUSPENDED")
    holds_for(lambda: status(client, instance) == OrchestrationStatus.SUSPENDED, 0.3, "SUSPENDED")
    resume(client, instance)
    for number in range(3):
        client.raise_orchestration_event(instance, "item", data=number)
    assert finished(client, instance) == [0, 1, 2]


def test_missing_instances_are_refused_and_ended_ones_ignored(client, new_id):
    with refused(grpc.StatusCode.NOT_FOUND):
        client.suspend_orchestration(new_id("missing"))
    with refused(grpc.StatusCode.NOT_FOUND):
        client.resume_orchestration(new_id("missing"))


@pytest.mark.beyond_memory("suspends ended instances")
def test_an_ended_instance_stays_ended(client, new_id):
    instance = start(client, three_events, new_id())
    client.terminate_orchestration(instance)
    client.wait_for_orchestration_completion(instance, timeout=20)
    client.suspend_orchestration(instance)
    client.resume_orchestration(instance)
    holds_for(lambda: status(client, instance) == OrchestrationStatus.TERMINATED, 0.2, "TERMINATED")
