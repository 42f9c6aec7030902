"""The stock package `durabletask.scheduled`: an entity that signals itself for later, and orchestrations that it starts."""

from datetime import datetime, timedelta, timezone

import pytest

from durabletask.client import OrchestrationQuery, OrchestrationStatus
from durabletask.scheduled import (ScheduleCreationOptions, ScheduledTaskClient, ScheduleQuery, ScheduleStatus,
                                   ScheduleUpdateOptions)

from harness import Log, Registry, eventually, holds_for, unique

pytestmark = pytest.mark.beyond_memory("keeps entities in another way")

registry = Registry()
runs = Log()


@registry.activity
def notes_a_run(ctx, key):
    runs.add(key, ctx.orchestration_id)


@registry.orchestrator
def scheduled_run(ctx, key):
    yield ctx.call_activity(notes_a_run, input=key)


@pytest.fixture
def schedules(plain_client, start_worker):
    start_worker(registry, before_start=lambda worker: worker.configure_scheduled_tasks())
    return ScheduledTaskClient(plain_client, operation_timeout=20)


def options(key, **more):
    return ScheduleCreationOptions(key, "scheduled_run", timedelta(seconds=1), orchestration_input=key,
                                   start_immediately_if_late=True, **more)


def test_the_life_of_a_schedule(schedules, plain_client):
    key = unique("life")
    schedule = schedules.create_schedule(options(key))
    found = schedule.describe()
    assert (found.schedule_id, found.status, found.orchestration_input) == (key, ScheduleStatus.ACTIVE, key)
    eventually(lambda: runs.count(key) >= 2, "two runs")
    begun = runs.of(key)
    assert len(set(begun)) == len(begun), "each time starts one orchestration"
    assert schedules.get_schedule(key).last_run_at <= datetime.now(timezone.utc)

    schedule.pause()
    assert schedule.describe().status == ScheduleStatus.PAUSED
    with pytest.raises(RuntimeError, match="pause_schedule"):
        schedule.pause()
    its = OrchestrationQuery(instance_id_prefix=f"{key}-")
    eventually(lambda: {run.runtime_status for run in plain_client.get_all_orchestration_states(its)}
               == {OrchestrationStatus.COMPLETED}, "the end of what was under way")
    before = runs.count(key)
    holds_for(lambda: runs.count(key) == before, 1.2, "nothing new")
    schedule.resume()
    eventually(lambda: runs.count(key) > before, "a run after the pause")

    schedule.delete()
    assert schedules.get_schedule(key) is None
    assert key not in [found.schedule_id for found in schedules.list_schedules()]


def test_schedules_are_listed_and_changed(schedules):
    prefix = unique("list")
    later = datetime.now(timezone.utc) + timedelta(hours=1)
    made = [schedules.create_schedule(options(f"{prefix}-{number}", start_at=later)) for number in range(5)]
    made[3].pause()

    def listed(**query):
        found = schedules.list_schedules(ScheduleQuery(schedule_id_prefix=prefix, **query))
        return [schedule.schedule_id for schedule in found]
    assert listed() == listed(page_size=2) == [schedule.schedule_id for schedule in made]
    assert listed(status=ScheduleStatus.PAUSED) == [f"{prefix}-3"]
    eventually(lambda: made[0].describe().next_run_at == later, "the time of the first run")
    assert runs.count(f"{prefix}-0") == 0
    made[0].update(ScheduleUpdateOptions(start_at=datetime.now(timezone.utc)))
    eventually(lambda: runs.count(f"{prefix}-0") >= 1, "a run at the new time")
    for schedule in made:
        schedule.delete()
    assert listed() == []
