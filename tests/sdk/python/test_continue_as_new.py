"""Generations."""

from datetime import timedelta

import pytest

import durabletask.internal.orchestrator_service_pb2 as pb
from durabletask import task
from durabletask.client import OrchestrationStatus

from harness import Gates, Log, Registry, eventually

registry = Registry()
gates = Gates()
runs = Log()


@registry.activity
def count_run(ctx, generation):
    return runs.add(ctx.orchestration_id, generation)


@registry.activity
def gated_run(ctx, key):
    gates.wait(key)
    return key


@registry.orchestrator
def generations(ctx, state):
    generation, last = state
    yield ctx.call_activity(count_run, input=generation)
    if generation < last:
        ctx.continue_as_new([generation + 1, last])
        return None
    return generation


@registry.orchestrator
def one_event_each(ctx, state):
    seen, last = state
    if not seen:
        yield ctx.call_activity(gated_run, input=ctx.instance_id)
    value = yield ctx.wait_for_external_event("item")
    seen = seen + [value]
    if len(seen) < last:
        ctx.continue_as_new([seen, last], save_events=True)
        return None
    return seen


@registry.orchestrator
def small_child(ctx, generation):
    yield ctx.call_activity(count_run, input=generation)
    return generation * 2


@registry.orchestrator
def one_child_each(ctx, state):
    generation, total, last = state
    total += yield ctx.call_sub_orchestrator(small_child, input=generation)
    if generation < last:
        ctx.continue_as_new([generation + 1, total, last])
        return None
    return total


@registry.orchestrator
def leaves_work_behind(ctx, generation):
    """Goes on without waiting for its activity and its timer: their results belong to the old generation."""
    if generation == 0:
        late = ctx.call_activity(gated_run, input=ctx.instance_id)
        timer = ctx.create_timer(timedelta(days=365))
        yield task.when_any([late, timer, ctx.wait_for_external_event("move on")])
        ctx.continue_as_new(1)
        return None
    first = yield ctx.call_activity(count_run, input="second generation")
    yield ctx.wait_for_external_event("finish")
    return ["second generation", first]


@registry.orchestrator
def failing_generation(ctx, generation):
    yield ctx.call_activity(count_run, input=generation)
    if generation == 3:
        raise RuntimeError("third generation")
    ctx.continue_as_new(generation + 1)


@pytest.fixture(autouse=True)
def running(worker):
    pass


def test_twenty_generations(client, new_id):
    instance = new_id()
    client.schedule_new_orchestration(generations, input=[1, 20], instance_id=instance)
    state = client.wait_for_orchestration_completion(instance, timeout=30)
    assert state.runtime_status == OrchestrationStatus.COMPLETED and state.get_output() == 20
    assert runs.of(instance) == list(range(1, 21))
    assert state.get_input() == [20, 20]


@pytest.mark.beyond_memory("says nothing of executions")
def test_each_generation_is_a_new_execution_created_when_the_first_was(client, stub, new_id):
    instance = new_id()
    client.schedule_new_orchestration(leaves_work_behind, input=0, instance_id=instance)
    client.wait_for_orchestration_start(instance, timeout=20)
    get = lambda: stub.GetInstance(pb.GetInstanceRequest(instanceId=instance)).orchestrationState  # noqa: E731
    before = get()
    gates.wait_until_entered(instance)
    client.raise_orchestration_event(instance, "move on")
    eventually(lambda: runs.count(instance) == 1, "the second generation's activity")
    client.raise_orchestration_event(instance, "finish")
    client.wait_for_orchestration_completion(instance, timeout=20)
    after = get()
    gates.open(instance)
    assert before.executionId.value and after.executionId.value
    assert before.executionId.value != after.executionId.value
    assert before.createdTimestamp == after.createdTimestamp


def test_buffered_events_move_on_to_the_next_generations(client, new_id):
    instance = new_id()
    client.schedule_new_orchestration(one_event_each, input=[[], 20], instance_id=instance)
    for number in range(15):
        client.raise_orchestration_event(instance, "item", data=number)
    gates.open(instance)
    for number in range(15, 20):
        client.raise_orchestration_event(instance, "item", data=number)
    state = client.wait_for_orchestration_completion(instance, timeout=30)
    assert state.get_output() == list(range(20))


def test_events_raised_while_generations_change_are_neither_lost_nor_doubled(client, new_id):
    instance = new_id()
    client.schedule_new_orchestration(one_event_each, input=[[], 40], instance_id=instance)
    gates.open(instance)
    for number in range(40):
        client.raise_orchestration_event(instance, "item", data=number)
    state = client.wait_for_orchestration_completion(instance, timeout=30)
    assert state.get_output() == list(range(40))


def test_a_child_in_each_generation_repeats_its_id(client, new_id):
    instance = new_id()
    client.schedule_new_orchestration(one_child_each, input=[1, 0, 20], instance_id=instance)
    state = client.wait_for_orchestration_completion(instance, timeout=40)
    assert state.get_output() == sum(2 * n for n in range(1, 21))
    assert runs.of(f"{instance}:0001") == list(range(1, 21))


@pytest.mark.beyond_memory("delivers results of the old generation")
def test_results_of_an_old_generation_do_not_reach_the_new_one(client, new_id):
    instance = new_id()
    client.schedule_new_orchestration(leaves_work_behind, input=0, instance_id=instance)
    gates.wait_until_entered(instance)
    client.raise_orchestration_event(instance, "move on")
    eventually(lambda: runs.count(instance) == 1, "the second generation's activity")
    gates.open(instance)
    client.raise_orchestration_event(instance, "finish")
    state = client.wait_for_orchestration_completion(instance, timeout=20)
    assert state.get_output() == ["second generation", 1]


def test_a_failure_in_a_later_generation_fails_the_instance(client, new_id):
    instance = new_id()
    client.schedule_new_orchestration(failing_generation, input=1, instance_id=instance)
    state = client.wait_for_orchestration_completion(instance, timeout=20)
    assert state.runtime_status == OrchestrationStatus.FAILED
    assert "third generation" in state.failure_details.message
    assert runs.of(instance) == [1, 2, 3]
