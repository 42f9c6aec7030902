"""Children: results, failures, levels, ids."""

import pytest

from durabletask import task
from durabletask.client import OrchestrationStatus

from harness import Log, Registry, eventually

registry = Registry()
children = Log()


@registry.activity
def work(ctx, value):
    return value


@registry.activity
def fail_with(ctx, message):
    raise ValueError(message)


@registry.orchestrator
def child_adds_one(ctx, number):
    children.add(ctx.instance_id, ctx.parent_instance_id)
    return (yield ctx.call_activity(work, input=number + 1))


@registry.orchestrator
def child_fails(ctx, message):
    yield ctx.call_activity(fail_with, input=message)


@registry.orchestrator
def child_waits(ctx, _):
    return (yield ctx.wait_for_external_event("go"))


@registry.orchestrator
def parent_of(ctx, number):
    return (yield ctx.call_sub_orchestrator(child_adds_one, input=number))


@registry.orchestrator
def three_levels(ctx, number):
    return (yield ctx.call_sub_orchestrator(parent_of, input=number)) * 10


@registry.orchestrator
def parent_of_ten(ctx, _):
    return (yield task.when_all([ctx.call_sub_orchestrator(child_adds_one, input=n) for n in range(10)]))


@registry.orchestrator
def parent_names_child(ctx, child):
    return (yield ctx.call_sub_orchestrator(child_adds_one, input=1, instance_id=child))


@registry.orchestrator
def parent_catches(ctx, message):
    try:
        yield ctx.call_sub_orchestrator(child_fails, input=message)
    except task.TaskFailedError as error:
        details, chain = error.details, []
        while details is not None:
            chain.append([details.error_type, details.message])
            details = details.inner_failure
        return chain
    return "no failure"


@registry.orchestrator
def parent_lets_fail(ctx, message):
    yield ctx.call_sub_orchestrator(child_fails, input=message)


@registry.orchestrator
def parent_of_waiting_child(ctx, child):
    try:
        return (yield ctx.call_sub_orchestrator(child_waits, instance_id=child))
    except task.TaskFailedError as error:
        return ["failed", bool(error.details.error_type or error.details.message)]


@pytest.fixture(autouse=True)
def running(worker):
    pass


def outcome(client, orchestrator, value, instance):
    client.schedule_new_orchestration(orchestrator, input=value, instance_id=instance)
    return client.wait_for_orchestration_completion(instance, timeout=25)


@pytest.mark.beyond_memory("does not tell a child its parent")
def test_the_child_knows_its_parent(client, new_id):
    instance = new_id()
    assert outcome(client, parent_of, 1, instance).get_output() == 2
    assert set(children.of(f"{instance}:0001")) == {instance}


def test_the_childs_result_reaches_the_parent(client, new_id):
    assert outcome(client, parent_of, 4, new_id()).get_output() == 5


def test_three_levels_deep(client, new_id):
    assert outcome(client, three_levels, 4, new_id()).get_output() == 50


def test_ten_children_at_once(client, new_id):
    assert outcome(client, parent_of_ten, None, new_id()).get_output() == list(range(1, 11))


def test_a_child_with_a_given_id_is_an_instance_like_others(client, new_id):
    child = new_id("child")
    assert outcome(client, parent_names_child, child, new_id()).get_output() == 2
    state = client.get_orchestration_state(child)
    assert state.runtime_status == OrchestrationStatus.COMPLETED and state.get_output() == 2


@pytest.mark.beyond_memory("makes up its own failure details")
def test_a_childs_failure_can_be_caught_with_its_details(client, new_id):
    chain = outcome(client, parent_catches, "no stock", new_id()).get_output()
    assert ["builtins.ValueError", "no stock"] in chain, chain


def test_an_uncaught_failure_of_a_child_fails_the_parent(client, new_id):
    state = outcome(client, parent_lets_fail, "no stock", new_id())
    assert state.runtime_status == OrchestrationStatus.FAILED
    assert "no stock" in state.failure_details.message


@pytest.mark.beyond_memory("fails the parent instead of its task")
def test_a_child_id_taken_by_a_live_instance_fails_the_task_typed(client, new_id):
    taken = new_id("taken")
    client.schedule_new_orchestration(child_waits, instance_id=taken)
    client.wait_for_orchestration_start(taken, timeout=20)
    state = outcome(client, parent_of_waiting_child, taken, new_id())
    assert state.get_output() == ["failed", True]
    assert client.get_orchestration_state(taken).runtime_status == OrchestrationStatus.RUNNING
    client.raise_orchestration_event(taken, "go", data=7)
    assert client.wait_for_orchestration_completion(taken, timeout=20).get_output() == 7


def test_a_child_id_of_an_ended_instance_is_used_again(client, new_id):
    child = new_id("child")
    assert outcome(client, parent_names_child, child, new_id()).get_output() == 2
    assert outcome(client, parent_names_child, child, new_id()).get_output() == 2


@pytest.mark.beyond_memory("does not tell the parent")
def test_terminating_the_child_fails_the_parents_task(client, new_id):
    child, parent = new_id("child"), new_id()
    client.schedule_new_orchestration(parent_of_waiting_child, input=child, instance_id=parent)
    eventually(lambda: client.get_orchestration_state(child) is not None, "the child")
    client.terminate_orchestration(child, output="enough")
    state = client.wait_for_orchestration_completion(parent, timeout=20)
    assert state.get_output() == ["failed", True]
    assert client.get_orchestration_state(child).runtime_status == OrchestrationStatus.TERMINATED


def test_an_event_reaches_a_child_by_its_id(client, new_id):
    child, parent = new_id("child"), new_id()
    client.schedule_new_orchestration(parent_of_waiting_child, input=child, instance_id=parent)
    eventually(lambda: client.get_orchestration_state(child) is not None, "the child")
    client.raise_orchestration_event(child, "go", data={"n": 3})
    assert client.wait_for_orchestration_completion(parent, timeout=20).get_output() == {"n": 3}
