"""Rewind: a failed orchestration goes on from before its failures, and replays without noticing."""

import asyncio
from datetime import timedelta

import grpc
import pytest

from durabletask import task
from durabletask.client import OrchestrationStatus

from harness import Log, Registry, refused

registry = Registry()
runs = Log()
broken = set()


def policy(count, milliseconds=20):
    return task.RetryPolicy(first_retry_interval=timedelta(milliseconds=milliseconds), max_number_of_attempts=count)


@registry.activity
def works(ctx, key):
    """Fails while its key is broken."""
    runs.add(key)
    if key in broken:
        raise RuntimeError(f"{key} is broken")
    return f"{key}!"


@registry.activity
def undo(ctx, key):
    runs.add(f"{key} undone")


def part(ctx, name):
    return f"{ctx.instance_id}/{name}"


@registry.orchestrator
def one_after_the_other(ctx, names):
    result = []
    for name in names:
        result.append((yield ctx.call_activity(works, input=part(ctx, name))))
    return result


@registry.orchestrator
def all_together(ctx, names):
    return (yield task.when_all([ctx.call_activity(works, input=part(ctx, name)) for name in names]))


@registry.orchestrator
def all_together_with_retries(ctx, names):
    policies = {"a": policy(3), "b": policy(2), "c": None}
    calls = [ctx.call_activity(works, input=part(ctx, name), retry_policy=policies[name]) for name in names]
    return (yield task.when_all(calls))


@registry.orchestrator
def retried(ctx, count):
    first = yield ctx.call_activity(works, input=part(ctx, "first"))
    return [first, (yield ctx.call_activity(works, input=part(ctx, "a"), retry_policy=policy(count)))]


@registry.orchestrator
def leaf(ctx, key):
    return (yield ctx.call_activity(works, input=key))


@registry.orchestrator
def branch(ctx, names):
    calls = [ctx.call_sub_orchestrator(leaf, input=part(ctx, name), instance_id=part(ctx, name).replace("/", "."))
             for name in names]
    return (yield task.when_all(calls))


@registry.orchestrator
def root(ctx, names):
    first = yield ctx.call_activity(works, input=part(ctx, "first"))
    below = yield ctx.call_sub_orchestrator(branch, input=names, instance_id=f"{ctx.instance_id}.branch")
    return [first, below]


@registry.orchestrator
def retried_child(ctx, _):
    return (yield ctx.call_sub_orchestrator(leaf, input=part(ctx, "a"), retry_policy=policy(3)))


@registry.orchestrator
def with_timers(ctx, _):
    yield ctx.create_timer(timedelta(milliseconds=10))
    late = ctx.create_timer(timedelta(seconds=1.5))
    result = yield ctx.call_activity(works, input=part(ctx, "a"))
    yield late
    return result


@registry.orchestrator
def undoes_and_fails(ctx, _):
    done = yield ctx.call_activity(works, input=part(ctx, "reserve"))
    try:
        yield task.when_all([ctx.call_activity(works, input=part(ctx, name)) for name in ("a", "b")])
    except task.TaskFailedError:
        yield ctx.call_activity(undo, input=done)
        raise


@registry.orchestrator
def with_an_event(ctx, _):
    ctx.set_custom_status("kept")
    event = yield ctx.wait_for_external_event("go")
    return [event, (yield ctx.call_activity(works, input=part(ctx, "a")))]


@registry.orchestrator
def counts_down(ctx, number):
    yield ctx.call_activity(works, input=part(ctx, str(number)))
    if number > 0:
        ctx.continue_as_new(number - 1)
        return None
    return "done"


@registry.orchestrator
def raises(ctx, _):
    yield ctx.call_activity(works, input=part(ctx, "a"))
    raise ValueError("by itself")


@pytest.fixture(autouse=True)
def running(worker):
    pass


@pytest.fixture
def fail(client, new_id):
    """Starts an orchestration whose `names` are broken, and waits for it to fail."""
    def fail(orchestrator, names, input=None):
        instance = new_id()
        broken.update(f"{instance}/{name}" for name in names)
        client.schedule_new_orchestration(orchestrator, input=input, instance_id=instance)
        return failed(client, instance)
    return fail


def failed(client, instance):
    state = client.wait_for_orchestration_completion(instance, timeout=20)
    assert state.runtime_status == OrchestrationStatus.FAILED, state
    return instance


def repair(instance, *names):
    broken.difference_update(f"{instance}/{name}" for name in names)


def completed(client, instance):
    state = client.wait_for_orchestration_completion(instance, timeout=20)
    assert state.runtime_status == OrchestrationStatus.COMPLETED, state
    return state.get_output()


def counts(instance, names):
    return [runs.count(f"{instance}/{name}") for name in names]


def test_a_failed_activity_is_run_again_and_what_succeeded_is_not(client, fail):
    instance = fail(one_after_the_other, ["b"], ["a", "b", "c"])
    repair(instance, "b")
    client.rewind_orchestration(instance, reason="repaired")
    assert completed(client, instance) == [f"{instance}/{name}!" for name in "abc"]
    assert counts(instance, "abc") == [1, 2, 1]


def test_several_failed_activities_are_run_again(client, fail):
    instance = fail(all_together, ["b", "d", "e"], ["a", "b", "c", "d", "e"])
    repair(instance, "b", "d", "e")
    client.rewind_orchestration(instance, reason="repaired")
    assert completed(client, instance) == [f"{instance}/{name}!" for name in "abcde"]
    assert counts(instance, "abcde") == [1, 2, 1, 2, 2]


def test_a_failed_sub_orchestration_is_rewound_with_its_parent(client, fail):
    instance = fail(branch, ["b"], ["a", "b"])
    repair(instance, "b")
    client.rewind_orchestration(instance, reason="repaired")
    assert completed(client, instance) == [f"{instance}/a!", f"{instance}/b!"]
    assert completed(client, f"{instance}.b") == f"{instance}/b!"
    assert counts(instance, "ab") == [1, 2]


def test_a_nested_failure_is_found(client, fail, new_id):
    instance = new_id()
    key = f"{instance}.branch/b"
    broken.add(key)
    client.schedule_new_orchestration(root, input=["a", "b"], instance_id=instance)
    failed(client, instance)
    broken.discard(key)
    client.rewind_orchestration(instance, reason="repaired")
    assert completed(client, instance) == [f"{instance}/first!", [f"{instance}.branch/a!", f"{instance}.branch/b!"]]
    assert [runs.count(f"{instance}.branch/a"), runs.count(key), runs.count(f"{instance}/first")] == [1, 2, 1]


def test_a_purged_child_is_made_anew(client, fail):
    instance = fail(branch, ["b"], ["a", "b"])
    repair(instance, "b")
    assert client.purge_orchestration(f"{instance}.b").deleted_instance_count == 1
    client.rewind_orchestration(instance, reason="repaired")
    assert completed(client, instance) == [f"{instance}/a!", f"{instance}/b!"]
    assert client.get_orchestration_state(f"{instance}.b").runtime_status == OrchestrationStatus.COMPLETED


def test_rewinding_twice(client, fail):
    instance = fail(one_after_the_other, ["a", "b"], ["a", "b"])
    repair(instance, "a")
    client.rewind_orchestration(instance, reason="first")
    failed(client, instance)
    assert counts(instance, "ab") == [2, 1]
    repair(instance, "b")
    client.rewind_orchestration(instance, reason="second")
    assert completed(client, instance) == [f"{instance}/a!", f"{instance}/b!"]
    assert counts(instance, "ab") == [2, 2]


def test_it_fails_again_if_nothing_was_repaired(client, fail):
    instance = fail(one_after_the_other, ["a"], ["a"])
    for count in (2, 3):
        client.rewind_orchestration(instance)
        failed(client, instance)
        assert counts(instance, "a") == [count]


def test_a_reason_is_not_needed(client, fail):
    instance = fail(one_after_the_other, ["a"], ["a"])
    repair(instance, "a")
    client.rewind_orchestration(instance)
    assert completed(client, instance) == [f"{instance}/a!"]


def test_a_missing_instance_is_refused(client, new_id):
    with refused(grpc.StatusCode.NOT_FOUND):
        client.rewind_orchestration(new_id(), reason="why")


def test_what_has_not_failed_is_refused(client, new_id):
    instance = client.schedule_new_orchestration(with_an_event, instance_id=new_id())
    client.wait_for_orchestration_start(instance, timeout=20)
    with refused(grpc.StatusCode.FAILED_PRECONDITION):
        client.rewind_orchestration(instance)
    client.raise_orchestration_event(instance, "go", data=1)
    completed(client, instance)
    with refused(grpc.StatusCode.FAILED_PRECONDITION):
        client.rewind_orchestration(instance)


def test_a_retry_policy_keeps_the_attempts_that_it_has_seen(client, fail):
    """The SDK schedules each attempt under the same id; only the last one is taken back."""
    instance = fail(retried, ["a"], 3)
    assert counts(instance, ["first", "a"]) == [1, 3]
    repair(instance, "a")
    client.rewind_orchestration(instance)
    assert completed(client, instance) == [f"{instance}/first!", f"{instance}/a!"]
    assert counts(instance, ["first", "a"]) == [1, 4]


def test_a_retry_policy_that_is_used_up_again_can_be_rewound_again(client, fail):
    instance = fail(retried, ["a"], 2)
    for count in (3, 4):
        client.rewind_orchestration(instance)
        failed(client, instance)
        assert counts(instance, "a") == [count]
    repair(instance, "a")
    client.rewind_orchestration(instance)
    assert completed(client, instance) == [f"{instance}/first!", f"{instance}/a!"]


def test_retries_side_by_side(client, fail):
    instance = fail(all_together_with_retries, ["a", "b", "c"], ["a", "b", "c"])
    assert counts(instance, "abc") == [3, 2, 1]
    repair(instance, "a", "b", "c")
    client.rewind_orchestration(instance)
    assert completed(client, instance) == [f"{instance}/{name}!" for name in "abc"]
    assert counts(instance, "abc") == [4, 3, 2]


def test_a_retried_child_is_rewound_in_its_last_attempt(client, fail):
    instance = fail(retried_child, ["a"])
    assert counts(instance, "a") == [3]
    repair(instance, "a")
    client.rewind_orchestration(instance)
    assert completed(client, instance) == f"{instance}/a!"
    assert counts(instance, "a") == [4]


def test_timers_that_have_fired_stay_so_and_others_are_set_again(client, fail):
    instance = fail(with_timers, ["a"])
    repair(instance, "a")
    client.rewind_orchestration(instance)
    assert completed(client, instance) == f"{instance}/a!"
    assert counts(instance, "a") == [2]


def test_a_failure_that_was_dealt_with_stays_and_the_history_still_replays(client, fail):
    instance = fail(undoes_and_fails, ["a"])
    first = client.get_orchestration_state(instance).failure_details.message
    repair(instance, "a")
    client.rewind_orchestration(instance)
    failed(client, instance)
    assert client.get_orchestration_state(instance).failure_details.message == first
    assert counts(instance, ["reserve", "a", "b"]) == [1, 1, 1]
    assert runs.count(f"{instance}/reserve! undone") == 1


def test_events_and_the_custom_status_are_kept(client, new_id):
    instance = new_id()
    broken.add(f"{instance}/a")
    client.schedule_new_orchestration(with_an_event, instance_id=instance)
    client.raise_orchestration_event(instance, "go", data=7)
    failed(client, instance)
    repair(instance, "a")
    client.rewind_orchestration(instance)
    assert completed(client, instance) == [7, f"{instance}/a!"]
    assert client.get_orchestration_state(instance).serialized_custom_status == '"kept"'


def test_after_continue_as_new_the_newest_execution_is_rewound(client, fail):
    instance = fail(counts_down, ["1"], 2)
    repair(instance, "1")
    client.rewind_orchestration(instance)
    assert completed(client, instance) == "done"
    assert counts(instance, "210") == [1, 2, 1]


def test_what_failed_by_itself_fails_again(client, fail):
    instance = fail(raises, [])
    client.rewind_orchestration(instance)
    failed(client, instance)
    assert counts(instance, "a") == [1]


def test_while_it_runs_again_nothing_is_left_of_the_failure(client, fail, http):
    instance = fail(with_timers, ["a"])
    repair(instance, "a")
    client.rewind_orchestration(instance, reason="repaired")
    state = client.get_orchestration_state(instance)
    if state.runtime_status == OrchestrationStatus.RUNNING:
        assert state.failure_details is None and state.serialized_output is None
    completed(client, instance)
    kinds = [type(event).__name__ for event in client.get_orchestration_history(instance)]
    assert kinds.count("ExecutionCompletedEvent") == kinds.count("ExecutionRewoundEvent") == 1
    [revision] = http.get(f"/api/v1/instances/{instance}/revisions").json
    assert (revision["revision"], revision["reason"]) == (1, "repaired")
    rows = http.status(instance, "?showHistory=true&historyRevision=1").json["historyEvents"]
    assert [row["EventType"] for row in rows[-2:]] == ["ExecutionCompleted", "ExecutionRewound"]


def test_the_async_client_rewinds_too(server, fail, client):
    from durabletask.client import AsyncTaskHubGrpcClient
    instance = fail(one_after_the_other, ["a"], ["a"])
    repair(instance, "a")

    async def rewind():
        other = AsyncTaskHubGrpcClient(host_address=server.address, secure_channel=False)
        try:
            await other.rewind_orchestration(instance, reason="async")
        finally:
            await other.close()
    asyncio.run(rewind())
    assert completed(client, instance) == [f"{instance}/a!"]
