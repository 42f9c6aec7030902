"""Activities one after another and all at once."""

import pytest

from durabletask import task
from durabletask.client import OrchestrationStatus

from harness import Log, Registry

registry = Registry()
executions = Log()


@registry.activity
def say_hello(ctx, name):
    executions.add(ctx.orchestration_id, name)
    return f"Hello, {name}!"


@registry.activity
def square(ctx, number):
    executions.add(ctx.orchestration_id, number)
    return number * number


@registry.orchestrator
def three_greetings(ctx, names):
    greetings = []
    for name in names:
        greetings.append((yield ctx.call_activity(say_hello, input=name)))
    return greetings


@registry.orchestrator
def squares(ctx, count):
    return sum((yield task.when_all([ctx.call_activity(square, input=n) for n in range(count)])))


@registry.orchestrator
def first_of_squares(ctx, count):
    tasks = [ctx.call_activity(square, input=n) for n in range(count)]
    winner = yield task.when_any(tasks)
    return tasks.index(winner) >= 0


@registry.orchestrator
def no_tasks(ctx, value):
    return {"echo": value}


@registry.orchestrator
def own_identity(ctx, _):
    first = ctx.new_uuid()
    yield ctx.call_activity(say_hello, input="x")
    return [ctx.instance_id, first, ctx.new_uuid()]


@pytest.fixture(autouse=True)
def running(worker):
    pass


def test_activities_run_in_sequence_and_results_flow(client, new_id):
    instance = client.schedule_new_orchestration(three_greetings, input=["Tokyo", "Seattle", "London"], instance_id=new_id())
    state = client.wait_for_orchestration_completion(instance, timeout=20)
    assert state.runtime_status == OrchestrationStatus.COMPLETED
    assert state.get_output() == ["Hello, Tokyo!", "Hello, Seattle!", "Hello, London!"]
    assert state.name == "three_greetings" and state.instance_id == instance
    assert state.get_input() == ["Tokyo", "Seattle", "London"]
    assert executions.of(instance) == ["Tokyo", "Seattle", "London"]


def test_an_id_is_made_when_none_is_given(client):
    instance = client.schedule_new_orchestration(no_tasks, input=1)
    assert instance
    assert client.wait_for_orchestration_completion(instance, timeout=20).get_output() == {"echo": 1}


def test_an_orchestrator_without_tasks_completes(client, new_id):
    instance = client.schedule_new_orchestration(no_tasks, input=[1, None, "x"], instance_id=new_id())
    state = client.wait_for_orchestration_completion(instance, timeout=20)
    assert state.get_output() == {"echo": [1, None, "x"]}


def test_fan_out_of_50_runs_each_once_and_keeps_order(client, new_id):
    instance = client.schedule_new_orchestration(squares, input=50, instance_id=new_id())
    state = client.wait_for_orchestration_completion(instance, timeout=30)
    assert state.get_output() == sum(n * n for n in range(50))
    assert sorted(executions.of(instance)) == list(range(50))


def test_when_any_completes_with_the_first(client, new_id):
    instance = client.schedule_new_orchestration(first_of_squares, input=5, instance_id=new_id())
    assert client.wait_for_orchestration_completion(instance, timeout=20).get_output() is True


def test_replay_sees_the_same_ids_and_uuids(client, new_id):
    instance = client.schedule_new_orchestration(own_identity, instance_id=new_id())
    seen, first, second = client.wait_for_orchestration_completion(instance, timeout=20).get_output()
    assert seen == instance and first != second


def test_timestamps_and_payload_flags(client, new_id):
    instance = client.schedule_new_orchestration(three_greetings, input=["a"], instance_id=new_id())
    done = client.wait_for_orchestration_completion(instance, timeout=20)
    assert done.created_at <= done.last_updated_at
    bare = client.get_orchestration_state(instance, fetch_payloads=False)
    assert bare.runtime_status == OrchestrationStatus.COMPLETED
    assert bare.serialized_input is None and bare.serialized_output is None
