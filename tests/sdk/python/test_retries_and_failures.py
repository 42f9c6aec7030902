"""Retry policies, failures and their details, non-determinism, names nobody registered."""

from datetime import timedelta

import pytest

from durabletask import task
from durabletask.client import OrchestrationStatus

from harness import Gates, Log, Registry

registry = Registry()
gates = Gates()
attempts = Log()


class OutOfStock(Exception):
    pass


def policy(count):
    return task.RetryPolicy(first_retry_interval=timedelta(milliseconds=30), max_number_of_attempts=count,
                            backoff_coefficient=1.5)


@registry.activity
def succeeds_on_third(ctx, _):
    if attempts.add(ctx.orchestration_id) < 3:
        raise OutOfStock(f"attempt {attempts.count(ctx.orchestration_id)}")
    return attempts.count(ctx.orchestration_id)


@registry.activity
def always_fails(ctx, message):
    attempts.add(ctx.orchestration_id)
    raise OutOfStock(message)


@registry.activity
def fails_with_cause(ctx, _):
    try:
        raise KeyError("the deep cause")
    except KeyError as cause:
        raise OutOfStock("the surface") from cause


@registry.activity
def gated(ctx, key):
    gates.wait(key)


@registry.orchestrator
def retried_activity(ctx, _):
    return (yield ctx.call_activity(succeeds_on_third, retry_policy=policy(5)))


@registry.orchestrator
def two_retried_activities(ctx, _):
    """The SDK schedules a retry under the id it had: the ids of both repeat and interleave."""
    return (yield task.when_all([
        ctx.call_activity(succeeds_on_third, input=1, retry_policy=policy(6)),
        ctx.call_activity(succeeds_on_third, input=2, retry_policy=policy(6)),
        ctx.create_timer(timedelta(milliseconds=20))]))


@registry.orchestrator
def exhausted_activity(ctx, message):
    yield ctx.call_activity(always_fails, input=message, retry_policy=policy(3))


@registry.orchestrator
def flaky_child(ctx, _):
    if attempts.add(ctx.instance_id) < 3:
        raise OutOfStock("child attempt")
    return attempts.count(ctx.instance_id)
    yield


@registry.orchestrator
def retried_child(ctx, _):
    return (yield ctx.call_sub_orchestrator(flaky_child, retry_policy=policy(5)))


@registry.orchestrator
def failing_child(ctx, _):
    if not ctx.is_replaying:
        attempts.add(ctx.instance_id)
    yield ctx.call_activity(fails_with_cause)


@registry.orchestrator
def exhausted_child(ctx, _):
    yield ctx.call_sub_orchestrator(failing_child, retry_policy=policy(2))


@registry.orchestrator
def catches_activity(ctx, _):
    try:
        yield ctx.call_activity(fails_with_cause)
    except task.TaskFailedError as error:
        inner = error.details.inner_failure
        return [error.details.error_type, error.details.message, bool(error.details.stack_trace),
                inner.error_type, inner.message]


@registry.orchestrator
def when_all_with_a_failure(ctx, _):
    try:
        yield task.when_all([ctx.call_activity(succeeds_on_third, retry_policy=policy(5)),
                             ctx.call_activity(always_fails, input="one of two")])
    except task.TaskFailedError as error:
        return error.details.message


@registry.orchestrator
def raises_at_once(ctx, message):
    raise OutOfStock(message)


@registry.orchestrator
def raises_later(ctx, message):
    yield ctx.create_timer(timedelta(milliseconds=1))
    raise OutOfStock(message)


@registry.orchestrator
def forgets_its_activity(ctx, _):
    """Takes another way on replay."""
    if attempts.add(ctx.instance_id) == 1:
        yield ctx.call_activity(gated, input=ctx.instance_id)
    else:
        yield ctx.create_timer(timedelta(milliseconds=1))
    return "unreachable"


@registry.orchestrator
def calls_unknown_activity(ctx, _):
    yield ctx.call_activity("nobody_registered_this")


@registry.orchestrator
def calls_unknown_child(ctx, _):
    try:
        yield ctx.call_sub_orchestrator("nobody_registered_this_either")
    except task.TaskFailedError as error:
        return ["failed", error.details.message]


@registry.orchestrator
def returns_what_json_cannot(ctx, _):
    return object()


@pytest.fixture(autouse=True)
def running(worker):
    pass


def outcome(client, orchestrator, instance, value=None):
    client.schedule_new_orchestration(orchestrator, input=value, instance_id=instance)
    return client.wait_for_orchestration_completion(instance, timeout=25)


def chain(details):
    found = []
    while details is not None:
        found.append((details.error_type.rsplit(".", 1)[-1], details.message))
        details = details.inner_failure
    return found


def test_an_activity_succeeds_on_its_third_attempt(client, new_id):
    state = outcome(client, retried_activity, new_id())
    assert state.runtime_status == OrchestrationStatus.COMPLETED and state.get_output() == 3


def test_two_activities_are_retried_side_by_side(client, new_id):
    state = outcome(client, two_retried_activities, new_id())
    assert state.runtime_status == OrchestrationStatus.COMPLETED, state.failure_details
    assert attempts.count(state.instance_id) == 4


def test_exhausted_retries_fail_with_the_last_failure_inside(client, new_id):
    state = outcome(client, exhausted_activity, new_id(), "gone")
    assert state.runtime_status == OrchestrationStatus.FAILED
    assert attempts.count(state.instance_id) == 3
    assert ("OutOfStock", "gone") in chain(state.failure_details)


def test_a_child_is_retried_under_the_same_id(client, new_id):
    state = outcome(client, retried_child, new_id())
    assert state.runtime_status == OrchestrationStatus.COMPLETED, state.failure_details
    assert state.get_output() == 3
    assert attempts.count(f"{state.instance_id}:0001") == 3


@pytest.mark.beyond_memory("makes up its own failure details")
def test_exhausted_retries_of_a_child_keep_the_whole_chain(client, new_id):
    state = outcome(client, exhausted_child, new_id())
    assert state.runtime_status == OrchestrationStatus.FAILED
    assert attempts.count(f"{state.instance_id}:0001") == 2
    found = chain(state.failure_details)
    assert ("OutOfStock", "the surface") in found and ("KeyError", "'the deep cause'") in found, found


def test_failure_details_carry_type_message_stack_and_cause(client, new_id):
    state = outcome(client, catches_activity, new_id())
    error_type, message, has_stack, inner_type, inner_message = state.get_output()
    assert error_type.endswith(".OutOfStock") and message == "the surface" and has_stack
    assert inner_type == "builtins.KeyError" and inner_message == "'the deep cause'"


def test_when_all_waits_for_all_and_raises_the_failure(client, new_id):
    assert outcome(client, when_all_with_a_failure, new_id()).get_output() == "one of two"


@pytest.mark.parametrize("orchestrator", [raises_at_once, raises_later])
def test_an_orchestrator_that_raises_fails_with_details(client, new_id, orchestrator):
    state = outcome(client, orchestrator, new_id(), "no more, sorry: ünïcode")
    assert state.runtime_status == OrchestrationStatus.FAILED
    assert state.failure_details.error_type.endswith(".OutOfStock")
    assert state.failure_details.message == "no more, sorry: ünïcode"
    assert state.failure_details.stack_trace
    assert state.serialized_output is None


def test_failure_details_are_there_without_payloads(client, new_id):
    outcome(client, raises_at_once, instance := new_id(), "brief")
    state = client.get_orchestration_state(instance, fetch_payloads=False)
    assert state.failure_details.message == "brief"


def test_non_determinism_is_stored_as_a_failure(client, new_id):
    instance = new_id()
    client.schedule_new_orchestration(forgets_its_activity, instance_id=instance)
    gates.wait_until_entered(instance)
    gates.open(instance)
    state = client.wait_for_orchestration_completion(instance, timeout=20)
    assert state.runtime_status == OrchestrationStatus.FAILED
    assert state.failure_details.error_type.endswith("NonDeterminismError")


def test_an_unregistered_orchestrator_fails(client, new_id):
    state = outcome(client, "nobody_registered_me", new_id())
    assert state.runtime_status == OrchestrationStatus.FAILED
    assert state.failure_details.error_type.endswith("OrchestratorNotRegisteredError")


def test_an_unregistered_activity_fails_its_caller(client, new_id):
    state = outcome(client, calls_unknown_activity, new_id())
    assert state.runtime_status == OrchestrationStatus.FAILED
    assert any(kind == "ActivityNotRegisteredError" for kind, _ in chain(state.failure_details))


def test_an_unregistered_child_fails_its_task(client, new_id):
    kind, message = outcome(client, calls_unknown_child, new_id()).get_output()
    assert kind == "failed" and "nobody_registered_this_either" in message


def test_an_output_that_json_cannot_hold_fails(client, new_id):
    state = outcome(client, returns_what_json_cannot, new_id())
    assert state.runtime_status == OrchestrationStatus.FAILED
