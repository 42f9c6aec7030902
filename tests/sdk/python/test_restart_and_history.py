"""Running an instance again and reading its history with the stock client."""

import asyncio
import datetime
import json

import grpc
import pytest

import durabletask.history as history
import durabletask.internal.orchestrator_service_pb2 as pb
from durabletask.client import OrchestrationStatus

from harness import BASE, Registry, quote, refused

registry = Registry()


@registry.activity
def double(ctx, number):
    return number * 2


@registry.orchestrator
def doubles_all(ctx, numbers):
    result = []
    for number in numbers or []:
        result.append((yield ctx.call_activity(double, input=number)))
    return result


@registry.orchestrator
def waits(ctx, value):
    return [value, (yield ctx.wait_for_external_event("go"))]


@registry.orchestrator
def fails(ctx, reason):
    yield ctx.call_activity(double, input=1)
    raise RuntimeError(reason)


@registry.orchestrator
def calls_a_child(ctx, value):
    return (yield ctx.call_sub_orchestrator(doubles_all, input=[value], instance_id=f"{ctx.instance_id}:child"))


@registry.orchestrator
def counts_down(ctx, number):
    if number > 0:
        ctx.continue_as_new(number - 1)
        return None
    return "done"


@pytest.fixture(autouse=True)
def running(worker):
    pass


@pytest.fixture
def ended(client, new_id):
    def ended(orchestrator, input=None, **options):
        instance = client.schedule_new_orchestration(orchestrator, input=input, instance_id=new_id(), **options)
        return client.wait_for_orchestration_completion(instance, timeout=20)
    return ended


def execution(stub, instance):
    return stub.GetInstance(pb.GetInstanceRequest(instanceId=instance)).orchestrationState.executionId.value


# --------------------------------------------------------------------------------------- restart

def test_an_ended_instance_runs_again_under_its_own_id(client, stub, ended):
    old = ended(doubles_all, [1, 2, "ü"])
    before = execution(stub, old.instance_id)
    assert client.restart_orchestration(old.instance_id) == old.instance_id
    new = client.wait_for_orchestration_completion(old.instance_id, timeout=20)
    assert new.get_output() == [2, 4, "üü"] and new.serialized_input == old.serialized_input
    assert new.created_at > old.created_at
    assert execution(stub, old.instance_id) != before


def test_a_new_id_leaves_the_old_one_alone(client, ended):
    old = ended(doubles_all, [3], tags={"team": "blue"}, version="1.5.0")
    used = client.restart_orchestration(old.instance_id, restart_with_new_instance_id=True)
    assert used != old.instance_id
    new = client.wait_for_orchestration_completion(used, timeout=20)
    assert new.runtime_status == OrchestrationStatus.COMPLETED and new.get_output() == [6]
    assert client.get_orchestration_state(old.instance_id) == old
    for event in (begun(client, old.instance_id), begun(client, used)):
        assert (event.tags, event.version, event.input) == ({"team": "blue"}, "1.5.0", "[3]")


def begun(client, instance):
    [event] = [e for e in client.get_orchestration_history(instance) if isinstance(e, history.ExecutionStartedEvent)]
    return event


def test_a_failed_one_fails_again_for_itself(client, ended):
    old = ended(fails, "on purpose")
    used = client.restart_orchestration(old.instance_id, restart_with_new_instance_id=True)
    new = client.wait_for_orchestration_completion(used, timeout=20)
    assert new.runtime_status == OrchestrationStatus.FAILED
    assert new.failure_details.message == old.failure_details.message


def test_events_of_the_old_one_do_not_reach_the_new(client, ended, new_id):
    instance = client.schedule_new_orchestration(waits, input=7, instance_id=new_id())
    client.raise_orchestration_event(instance, "go", data="first")
    assert client.wait_for_orchestration_completion(instance, timeout=20).get_output() == [7, "first"]
    client.restart_orchestration(instance)
    state = client.wait_for_orchestration_start(instance, timeout=20)
    assert state.runtime_status == OrchestrationStatus.RUNNING and state.get_output() is None
    client.raise_orchestration_event(instance, "go", data="second")
    assert client.wait_for_orchestration_completion(instance, timeout=20).get_output() == [7, "second"]


@pytest.mark.parametrize("new_instance", [False, True])
def test_what_lives_or_is_missing_is_refused(client, new_id, new_instance):
    instance = client.schedule_new_orchestration(waits, instance_id=new_id())
    client.wait_for_orchestration_start(instance, timeout=20)
    with refused(grpc.StatusCode.FAILED_PRECONDITION):
        client.restart_orchestration(instance, restart_with_new_instance_id=new_instance)
    with refused(grpc.StatusCode.NOT_FOUND):
        client.restart_orchestration("never-started", restart_with_new_instance_id=new_instance)
    client.terminate_orchestration(instance)
    assert client.wait_for_orchestration_completion(instance, timeout=20)
    client.restart_orchestration(instance, restart_with_new_instance_id=new_instance)


def test_a_parent_that_is_restarted_restarts_its_child(client, ended):
    old = ended(calls_a_child, 4)
    client.restart_orchestration(old.instance_id)
    new = client.wait_for_orchestration_completion(old.instance_id, timeout=20)
    assert new.runtime_status == OrchestrationStatus.COMPLETED and new.get_output() == [8]


def test_after_continue_as_new_the_newest_input_counts(client, ended):
    old = ended(counts_down, 2)
    used = client.restart_orchestration(old.instance_id, restart_with_new_instance_id=True)
    new = client.wait_for_orchestration_completion(used, timeout=20)
    assert new.get_output() == "done" and new.serialized_input == old.serialized_input == "0"


@pytest.mark.needs_http
def test_http_restarts_what_grpc_started(client, http, ended):
    old = ended(doubles_all, [5])
    path = f"{BASE}/instances/{quote(old.instance_id)}/restart"
    answer = http.call("POST", f"{path}?restartWithNewInstanceId=False&timeout=20")
    assert (answer.status, answer.json) == (200, [10]), answer
    answer = http.call("POST", path.replace("/runtime/webhooks", ""))
    assert answer.status == 202, answer
    used = answer.json["id"]
    assert used != old.instance_id
    assert client.wait_for_orchestration_completion(used, timeout=20).get_output() == [10]


# --------------------------------------------------------------------------------------- history

def test_the_history_is_complete_and_in_order(client, ended):
    state = ended(doubles_all, [1, 2])
    events = client.get_orchestration_history(state.instance_id)
    kinds = [type(event).__name__.removesuffix("Event") for event in events]
    steps = [kind for kind in kinds if kind not in ("OrchestratorStarted", "OrchestratorCompleted")]
    assert steps == ["ExecutionStarted", "TaskScheduled", "TaskCompleted", "TaskScheduled", "TaskCompleted", "ExecutionCompleted"]
    assert [event.result for event in events if isinstance(event, history.TaskCompletedEvent)] == ["2", "4"]
    ids = [event.event_id for event in events if event.event_id >= 0]
    assert ids == sorted(set(ids))
    assert all(event.timestamp is not None for event in events)
    assert events == client.get_orchestration_history(state.instance_id, for_work_item_processing=True)


def test_the_async_client_reads_the_same(client, server, ended):
    from durabletask.client import AsyncTaskHubGrpcClient
    state = ended(doubles_all, [1])

    async def read():
        async with AsyncTaskHubGrpcClient(host_address=server.address) as other:
            return await other.get_orchestration_history(state.instance_id)
    assert asyncio.run(read()) == client.get_orchestration_history(state.instance_id)


def test_a_restart_begins_a_history_of_its_own(client, stub, ended):
    old = ended(doubles_all, [1])
    before, events = execution(stub, old.instance_id), client.get_orchestration_history(old.instance_id)
    assert client.get_orchestration_history(old.instance_id, execution_id=before) == events
    client.restart_orchestration(old.instance_id)
    client.wait_for_orchestration_completion(old.instance_id, timeout=20)
    again = client.get_orchestration_history(old.instance_id)
    assert len(again) == len(events) and again[0].timestamp > events[-1].timestamp
    with refused(grpc.StatusCode.NOT_FOUND):
        client.get_orchestration_history(old.instance_id, execution_id=before)


@pytest.mark.parametrize("processing", [False, True])
def test_what_is_missing_has_no_history(client, processing):
    with refused(grpc.StatusCode.NOT_FOUND):
        client.get_orchestration_history("never-started", for_work_item_processing=processing)


def test_a_pending_instance_has_an_empty_one(client, new_id):
    # Pending because of its time: the worker of another test may still be there, and it takes any name.
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    instance = client.schedule_new_orchestration(doubles_all, input=[1], instance_id=new_id(), start_at=later)
    assert client.get_orchestration_history(instance) == []
    client.terminate_orchestration(instance)


@pytest.mark.needs_http
def test_show_history_tells_the_same(client, http, ended):
    state = ended(doubles_all, [1, 2, 3])
    streamed = [(type(event).__name__.removesuffix("Event"), event.result)
                for event in client.get_orchestration_history(state.instance_id)
                if isinstance(event, (history.TaskCompletedEvent, history.ExecutionCompletedEvent))]
    shown = [(row["EventType"], row["Result"]) for row in http.history(state.instance_id) if "Result" in row]
    assert [(name, json.loads(result)) for name, result in streamed] == shown
    assert len(shown) == 4


def test_a_large_history_arrives_whole(client, new_id):
    """3.6 MB of events, in several messages."""
    words = ["x" * 300_000, "y" * 300_000, "z" * 300_000]
    instance = client.schedule_new_orchestration(doubles_all, input=words, instance_id=new_id())
    state = client.wait_for_orchestration_completion(instance, timeout=20)
    assert state.runtime_status == OrchestrationStatus.COMPLETED
    results = [event.result for event in client.get_orchestration_history(instance)
               if isinstance(event, history.TaskCompletedEvent)]
    assert results == [json.dumps(word * 2) for word in words]
