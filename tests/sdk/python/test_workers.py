"""More than one worker: sharing, filters, limits, death."""

import logging
import signal
import threading
import time
from datetime import datetime, timedelta

import pytest

from durabletask import task
from durabletask.client import OrchestrationStatus
from durabletask.worker import (ActivityWorkItemFilter, ConcurrencyOptions, OrchestrationWorkItemFilter,
                                VersionFailureStrategy, VersioningOptions, VersionMatchStrategy, WorkItemFilters)

from harness import Log, Registry, eventually, holds_for, lines


def who_registry(me, log, orchestrator="shared_flow", activity="shared_step", pause=0.01):
    """The same names for every worker, but each tells who it was."""
    registry = Registry()

    def step(ctx, number):
        log.add(ctx.orchestration_id, me)
        log.add(me)
        time.sleep(pause)  # the work itself, so that one worker cannot take it all
        return number

    def flow(ctx, count):
        return sum((yield task.when_all([ctx.call_activity(activity, input=n) for n in range(count)])))

    step.__name__, flow.__name__ = activity, orchestrator
    registry.activity(step)
    registry.orchestrator(flow)
    return registry


def test_two_workers_share_and_do_everything_once(plain_client, start_worker, new_id):
    log = Log()
    start_worker(who_registry("one", log), "plain")
    start_worker(who_registry("two", log), "azuremanaged")
    instances = [plain_client.schedule_new_orchestration("shared_flow", input=5, instance_id=new_id(str(n)))
                 for n in range(40)]
    for instance in instances:
        state = plain_client.wait_for_orchestration_completion(instance, timeout=30)
        assert state.runtime_status == OrchestrationStatus.COMPLETED and state.get_output() == 10, state
    assert [log.count(instance) for instance in instances] == [5] * 40
    assert log.count("one") + log.count("two") == 200
    assert log.count("one") > 0 and log.count("two") > 0


def test_workers_with_filters_get_only_what_they_name(plain_client, start_worker, new_id):
    log = Log()
    start_worker(who_registry("red", log, "red_flow", "red_step"), "plain", filters=True)
    start_worker(who_registry("blue", log, "blue_flow", "blue_step"), "azuremanaged", filters=True)
    instances = {colour: [plain_client.schedule_new_orchestration(f"{colour}_flow", input=3, instance_id=new_id(colour))
                          for _ in range(10)] for colour in ("red", "blue")}
    for colour, its in instances.items():
        for instance in its:
            assert plain_client.wait_for_orchestration_completion(instance, timeout=20).get_output() == 3
            assert set(log.of(instance)) == {colour}


def test_what_no_filter_names_stays_pending_until_someone_does(plain_client, start_worker, new_id):
    log = Log()
    start_worker(who_registry("red", log, "red_flow", "red_step"), filters=True)
    lonely = plain_client.schedule_new_orchestration("green_flow", input=2, instance_id=new_id())
    served = plain_client.schedule_new_orchestration("red_flow", input=2, instance_id=new_id("red"))
    assert plain_client.wait_for_orchestration_completion(served, timeout=20).get_output() == 1
    assert plain_client.get_orchestration_state(lonely).runtime_status == OrchestrationStatus.PENDING
    start_worker(who_registry("green", log, "green_flow", "green_step"), filters=True)
    assert plain_client.wait_for_orchestration_completion(lonely, timeout=20).get_output() == 1


def test_an_activity_can_live_on_another_worker_than_its_orchestrator(plain_client, start_worker, new_id):
    log = Log()
    flows, steps = who_registry("flows", log, "split_flow", "split_step"), who_registry("steps", log, "x", "split_step")
    flows.activities.clear()
    steps.orchestrators.clear()
    start_worker(flows, filters=True)
    start_worker(steps, "azuremanaged", filters=True)
    instance = plain_client.schedule_new_orchestration("split_flow", input=4, instance_id=new_id())
    assert plain_client.wait_for_orchestration_completion(instance, timeout=20).get_output() == 6
    assert set(log.of(instance)) == {"steps"}


def test_filters_match_versions(plain_client, start_worker, new_id):
    log = Log()
    for version in ("1.0", "2.0"):
        registry = who_registry(version, log, "versioned_flow", f"step_for_{version}")
        start_worker(registry, before_start=lambda worker, v=version: worker.use_work_item_filters(
            WorkItemFilters(orchestrations=[OrchestrationWorkItemFilter("versioned_flow", [v])],
                            activities=[ActivityWorkItemFilter(f"step_for_{v}")])))
    for version in ("2.0", "1.0", "2.0"):
        instance = plain_client.schedule_new_orchestration(
            "versioned_flow", input=2, instance_id=new_id(version), version=version)
        assert plain_client.wait_for_orchestration_completion(instance, timeout=20).get_output() == 1
        assert set(log.of(instance)) == {version}
    unserved = plain_client.schedule_new_orchestration("versioned_flow", input=2, instance_id=new_id(), version="3.0")
    holds_for(lambda: plain_client.get_orchestration_state(unserved).runtime_status == OrchestrationStatus.PENDING,
              0.3, "PENDING")


def test_what_a_worker_rejects_by_version_goes_to_another(plain_client, start_worker, new_id):
    """Rejecting is abandoning: the item comes again, and sooner or later to the worker that takes it."""
    log = Log()
    for version in ("1.0", "2.0"):
        start_worker(who_registry(version, log, "picky_flow", "picky_step"),
                     before_start=lambda worker, v=version: worker.use_versioning(VersioningOptions(
                         version=v, match_strategy=VersionMatchStrategy.STRICT,
                         failure_strategy=VersionFailureStrategy.REJECT)))
    for version in ("1.0", "2.0"):
        instance = plain_client.schedule_new_orchestration(
            "picky_flow", input=2, instance_id=new_id(version), version=version)
        state = plain_client.wait_for_orchestration_completion(instance, timeout=30)
        assert state.runtime_status == OrchestrationStatus.COMPLETED and state.get_output() == 1


def test_no_more_activities_run_at_once_than_the_worker_allows(plain_client, start_worker, new_id):
    running, most, lock, full = 0, 0, threading.Lock(), threading.Event()
    registry = Registry()

    @registry.activity
    def counted_step(ctx, number):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            if most >= 3:
                full.set()
        full.wait(10)
        time.sleep(0.02)  # for one more, which must not come
        with lock:
            running -= 1
        return number

    @registry.orchestrator
    def counted_flow(ctx, count):
        return len((yield task.when_all([ctx.call_activity(counted_step, input=n) for n in range(count)])))

    start_worker(registry, concurrency_options=ConcurrencyOptions(
        maximum_concurrent_activity_work_items=3, maximum_concurrent_orchestration_work_items=1,
        maximum_thread_pool_workers=16))
    instance = plain_client.schedule_new_orchestration(counted_flow, input=30, instance_id=new_id())
    assert plain_client.wait_for_orchestration_completion(instance, timeout=30).get_output() == 30
    assert most == 3


def test_a_long_timer_in_pieces_keeps_its_time(plain_client, start_worker, new_id):
    """The plain worker cuts timers longer than its maximum; a time of firing that lost precision would add pieces."""
    registry = Registry()

    @registry.orchestrator
    def sleeps_in_pieces(ctx, milliseconds):
        fire_at = ctx.current_utc_datetime + timedelta(milliseconds=milliseconds)
        yield ctx.create_timer(fire_at)
        return [fire_at.isoformat(), ctx.current_utc_datetime.isoformat()]

    start_worker(registry, maximum_timer_interval=timedelta(milliseconds=300))
    instance = plain_client.schedule_new_orchestration(sleeps_in_pieces, input=1000, instance_id=new_id())
    state = plain_client.wait_for_orchestration_completion(instance, timeout=20)
    fire_at, after = map(datetime.fromisoformat, state.get_output())
    assert fire_at <= after < fire_at + timedelta(seconds=60)


@pytest.mark.beyond_memory("forgets what a dead worker held")
def test_an_activity_of_a_killed_worker_goes_to_another(plain_client, start_process, no_workers, new_id):
    prefix = "killed" + str(time.time_ns())
    victim, log = start_process(prefix, "--block")
    instance = plain_client.schedule_new_orchestration(f"{prefix}_steps", input=3, instance_id=new_id())
    eventually(lambda: lines(log, "X"), "the activity on the first worker")
    heir, _ = start_process(prefix)
    assert heir.stdout.readline().strip() == b"serving"
    before = time.monotonic()
    victim.send_signal(signal.SIGKILL)
    state = plain_client.wait_for_orchestration_completion(instance, timeout=30)
    assert state.get_output() == [1, 3, 6]
    assert time.monotonic() - before < 15, "a dead stream gives its work back at once"
    ran = [(int(pid), int(step)) for _, _, pid, _, step in lines(log, "X")]
    assert ran == [(victim.pid, 1), (heir.pid, 1), (heir.pid, 2), (heir.pid, 3)]


def test_two_hundred_orchestrations_at_once(plain_client, start_worker, new_id):
    log = Log()
    start_worker(who_registry("one", log, "crowd_flow", "crowd_step", pause=0))
    instances = [plain_client.schedule_new_orchestration("crowd_flow", input=3, instance_id=new_id(str(n)))
                 for n in range(200)]
    for instance in instances:
        state = plain_client.wait_for_orchestration_completion(instance, timeout=50)
        assert state.runtime_status == OrchestrationStatus.COMPLETED and state.get_output() == 3
    assert [log.count(instance) for instance in instances] == [3] * 200


@pytest.fixture(autouse=True, scope="module")
def quiet():
    """The SDK logs each step; hundreds of instances make that most of the work."""
    names = ["durabletask-worker", "durabletask-client", "durabletask-async_client"]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.WARNING)
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)
