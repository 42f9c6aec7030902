"""Durable timers."""

from datetime import datetime, timedelta, timezone

import pytest

from durabletask import task

from harness import Registry

registry = Registry()


def parse(text):
    return datetime.fromisoformat(text)


@registry.orchestrator
def sleeps(ctx, milliseconds):
    before = ctx.current_utc_datetime
    fire_at = before + timedelta(milliseconds=milliseconds)
    yield ctx.create_timer(fire_at)
    return [before.isoformat(), fire_at.isoformat(), ctx.current_utc_datetime.isoformat()]


@registry.orchestrator
def sleeps_aware(ctx, milliseconds):
    yield ctx.create_timer(ctx.current_utc_datetime.replace(tzinfo=timezone.utc) + timedelta(milliseconds=milliseconds))
    return "woke"


@registry.orchestrator
def event_or_an_hour(ctx, _):
    event = ctx.wait_for_external_event("go")
    timer = ctx.create_timer(timedelta(hours=1))
    if (yield task.when_any([event, timer])) == event:
        timer.cancel()
        return ["event", event.get_result()]
    return ["timer"]


@registry.orchestrator
def many_timers(ctx, count):
    yield task.when_all([ctx.create_timer(timedelta(milliseconds=5 * n)) for n in range(count)])
    return count


@registry.orchestrator
def timers_in_a_row(ctx, count):
    last = ctx.current_utc_datetime
    for _ in range(count):
        yield ctx.create_timer(timedelta(milliseconds=20))
        assert ctx.current_utc_datetime > last
        last = ctx.current_utc_datetime
    return count


@pytest.fixture(autouse=True)
def running(worker):
    pass


def outcome(client, orchestrator, value, instance):
    client.schedule_new_orchestration(orchestrator, input=value, instance_id=instance)
    return client.wait_for_orchestration_completion(instance, timeout=65)


@pytest.mark.parametrize("milliseconds", [0, -3_600_000])
def test_a_timer_for_now_or_the_past_fires_at_once(client, new_id, milliseconds):
    state = outcome(client, sleeps, milliseconds, new_id())
    before, _, after = map(parse, state.get_output())
    assert timedelta(0) <= after - before < timedelta(seconds=60)


def test_a_timer_of_two_seconds_fires_after_two_seconds(client, new_id):
    state = outcome(client, sleeps, 2000, new_id())
    before, fire_at, after = map(parse, state.get_output())
    assert fire_at <= after < fire_at + timedelta(seconds=60)
    assert state.last_updated_at - state.created_at >= timedelta(seconds=1.9)


@pytest.mark.beyond_memory("its clock may stand at the time of firing")
def test_time_in_the_turn_is_past_the_time_of_firing(client, new_id):
    for _ in range(5):
        _, fire_at, after = map(parse, outcome(client, sleeps, 30, new_id()).get_output())
        assert after > fire_at


def test_a_time_zone_is_understood(client, new_id):
    assert outcome(client, sleeps_aware, 50, new_id()).get_output() == "woke"


def test_an_event_ends_the_race_with_a_long_timer(client, new_id):
    instance = new_id()
    client.schedule_new_orchestration(event_or_an_hour, instance_id=instance)
    client.wait_for_orchestration_start(instance, timeout=20)
    client.raise_orchestration_event(instance, "go", data="now")
    state = client.wait_for_orchestration_completion(instance, timeout=20)
    assert state.get_output() == ["event", "now"]


def test_fifty_timers_at_once(client, new_id):
    assert outcome(client, many_timers, 50, new_id()).get_output() == 50


def test_timers_in_a_row_move_time_forward(client, new_id):
    assert outcome(client, timers_in_a_row, 10, new_id()).get_output() == 10
