"""What clients can do while nobody serves the orchestration: management does not need a worker."""

import time
from datetime import datetime, timedelta, timezone

import pytest

from durabletask.client import OrchestrationStatus

from harness import PATIENCE, Log, Registry, eventually, holds_for, unique

registry = Registry()
executions = Log()


@registry.activity
def note_it(ctx, value):
    executions.add(ctx.orchestration_id, value)
    return value


@registry.orchestrator
def notes(ctx, value):
    executions.add(f"{ctx.instance_id}/turn", time.time())
    return (yield ctx.call_activity(note_it, input=value))


@registry.orchestrator
def notes_an_event(ctx, _):
    return (yield ctx.wait_for_external_event("note"))


@pytest.fixture(autouse=True)
def alone(no_workers):
    pass


def status(client, instance):
    return client.get_orchestration_state(instance).runtime_status


def in_a_while(seconds):
    return datetime.now(timezone.utc) + timedelta(seconds=seconds)


def test_a_new_instance_is_pending_until_a_worker_comes(plain_client, start_worker, new_id):
    instance = plain_client.schedule_new_orchestration(notes, input="hi", instance_id=new_id())
    state = plain_client.get_orchestration_state(instance)
    assert state.runtime_status == OrchestrationStatus.PENDING and state.get_input() == "hi"
    with pytest.raises(TimeoutError):
        plain_client.wait_for_orchestration_start(instance, timeout=0.3)
    start_worker(registry)
    assert plain_client.wait_for_orchestration_start(instance, timeout=20).runtime_status != OrchestrationStatus.PENDING
    assert plain_client.wait_for_orchestration_completion(instance, timeout=20).get_output() == "hi"


def test_events_raised_before_any_worker_are_kept(plain_client, start_worker, new_id):
    instance = plain_client.schedule_new_orchestration(notes_an_event, instance_id=new_id())
    plain_client.raise_orchestration_event(instance, "note", data="early")
    start_worker(registry)
    assert plain_client.wait_for_orchestration_completion(instance, timeout=20).get_output() == "early"


@pytest.mark.beyond_memory("needs a worker to terminate")
def test_a_pending_instance_is_terminated_at_once(plain_client, start_worker, new_id):
    instance = plain_client.schedule_new_orchestration(notes, instance_id=new_id())
    plain_client.terminate_orchestration(instance, output="never mind")
    state = plain_client.wait_for_orchestration_completion(instance, timeout=PATIENCE)
    assert state.runtime_status == OrchestrationStatus.TERMINATED and state.get_output() == "never mind"
    start_worker(registry)
    later = plain_client.schedule_new_orchestration(notes, input=1, instance_id=new_id("later"))
    plain_client.wait_for_orchestration_completion(later, timeout=20)
    assert executions.count(f"{instance}/turn") == 0


@pytest.mark.beyond_memory("needs a worker to terminate")
def test_a_running_instance_is_terminated_when_its_worker_is_gone(plain_client, server, stopper, new_id):
    from harness import new_worker
    worker = new_worker("plain", server.address, registry)
    worker.start()
    instance = plain_client.schedule_new_orchestration(notes_an_event, instance_id=new_id())
    plain_client.wait_for_orchestration_start(instance, timeout=20)
    stopper.stop(worker)
    stopper.join()
    plain_client.terminate_orchestration(instance, output="alone")
    state = plain_client.wait_for_orchestration_completion(instance, timeout=PATIENCE)
    assert state.runtime_status == OrchestrationStatus.TERMINATED and state.get_output() == "alone"


@pytest.mark.beyond_memory("needs a worker to suspend")
def test_a_pending_instance_can_be_suspended_and_resumed(plain_client, start_worker, new_id):
    instance = plain_client.schedule_new_orchestration(notes, input=5, instance_id=new_id())
    plain_client.suspend_orchestration(instance)
    eventually(lambda: status(plain_client, instance) == OrchestrationStatus.SUSPENDED, "SUSPENDED")
    start_worker(registry)
    holds_for(lambda: status(plain_client, instance) == OrchestrationStatus.SUSPENDED, 0.5, "SUSPENDED")
    plain_client.resume_orchestration(instance)
    state = plain_client.wait_for_orchestration_completion(instance, timeout=20)
    assert state.get_output() == 5 and executions.count(instance) == 1


@pytest.mark.beyond_memory("needs a worker to suspend")
def test_a_suspended_pending_instance_can_be_terminated(plain_client, new_id):
    instance = plain_client.schedule_new_orchestration(notes, instance_id=new_id())
    plain_client.suspend_orchestration(instance)
    plain_client.terminate_orchestration(instance)
    state = plain_client.wait_for_orchestration_completion(instance, timeout=PATIENCE)
    assert state.runtime_status == OrchestrationStatus.TERMINATED


@pytest.mark.beyond_memory("starts scheduled instances at once")
def test_a_scheduled_start_waits_for_its_time(plain_client, start_worker, new_id):
    start_worker(registry)
    due = in_a_while(1.5)
    instance = plain_client.schedule_new_orchestration(notes, input=1, instance_id=new_id(), start_at=due)
    assert status(plain_client, instance) == OrchestrationStatus.PENDING or in_a_while(0) >= due
    state = plain_client.wait_for_orchestration_completion(instance, timeout=20)
    assert state.get_output() == 1
    assert executions.of(f"{instance}/turn")[0] >= due.timestamp()


@pytest.mark.beyond_memory("starts scheduled instances at once")
def test_a_far_start_stays_pending_and_can_be_terminated_at_once(plain_client, start_worker, new_id):
    start_worker(registry)
    instance = plain_client.schedule_new_orchestration(notes, instance_id=new_id(), start_at=in_a_while(3600))
    plain_client.raise_orchestration_event(instance, "early", data=1)
    holds_for(lambda: status(plain_client, instance) == OrchestrationStatus.PENDING, 0.4, "PENDING")
    plain_client.terminate_orchestration(instance, output="cancelled")
    state = plain_client.wait_for_orchestration_completion(instance, timeout=PATIENCE)
    assert state.runtime_status == OrchestrationStatus.TERMINATED and state.get_output() == "cancelled"
    assert executions.count(f"{instance}/turn") == 0


def test_a_start_time_in_the_past_means_now(plain_client, start_worker, new_id):
    start_worker(registry)
    instance = plain_client.schedule_new_orchestration(notes, input=2, instance_id=new_id(), start_at=in_a_while(-3600))
    assert plain_client.wait_for_orchestration_completion(instance, timeout=20).get_output() == 2


def test_waiting_for_the_end_gives_up_at_its_timeout(plain_client, new_id):
    instance = plain_client.schedule_new_orchestration(notes, instance_id=new_id())
    before = time.monotonic()
    with pytest.raises(TimeoutError):
        plain_client.wait_for_orchestration_completion(instance, timeout=0.5)
    assert 0.4 <= time.monotonic() - before < 60


def test_a_missing_instance_reads_as_none(plain_client):
    assert plain_client.get_orchestration_state(unique("never-started")) is None


@pytest.mark.beyond_memory("waits until the deadline")
def test_waiting_for_a_missing_instance_answers_none_at_once(plain_client):
    before = time.monotonic()
    assert plain_client.wait_for_orchestration_start(unique("never-started"), timeout=100) is None
    assert plain_client.wait_for_orchestration_completion(unique("never-started"), timeout=100) is None
    assert time.monotonic() - before < 60
