"""External events."""

from datetime import timedelta

import grpc
import pytest

from durabletask import task
from durabletask.client import OrchestrationStatus

from harness import Gates, Registry, refused

registry = Registry()
gates = Gates()


@registry.activity
def gated(ctx, key):
    gates.wait(key)
    return key


@registry.orchestrator
def waits_for(ctx, names):
    values = []
    for name in names:
        values.append((yield ctx.wait_for_external_event(name)))
    return values


@registry.orchestrator
def busy_then_waits(ctx, count):
    yield ctx.call_activity(gated, input=ctx.instance_id)
    values = []
    for _ in range(count):
        values.append((yield ctx.wait_for_external_event("item")))
    return values


@registry.orchestrator
def waits_at_most(ctx, milliseconds):
    event = ctx.wait_for_external_event("approval")
    timeout = ctx.create_timer(timedelta(milliseconds=milliseconds))
    if (yield task.when_any([event, timeout])) == event:
        timeout.cancel()
        return ["event", event.get_result()]
    return ["timeout"]


@registry.orchestrator
def tells(ctx, target):
    ctx.send_event(target, "greeting", data={"from": ctx.instance_id})
    yield ctx.create_timer(timedelta(milliseconds=1))
    return "told"


@pytest.fixture(autouse=True)
def running(worker):
    pass


def start(client, orchestrator, value, instance):
    client.schedule_new_orchestration(orchestrator, input=value, instance_id=instance)
    return instance


def output(client, instance):
    state = client.wait_for_orchestration_completion(instance, timeout=20)
    assert state.runtime_status == OrchestrationStatus.COMPLETED, state
    return state.get_output()


def test_an_event_resumes_the_wait_with_its_value(client, new_id):
    instance = start(client, waits_for, ["approval"], new_id())
    client.wait_for_orchestration_start(instance, timeout=20)
    client.raise_orchestration_event(instance, "approval", data={"ok": True, "by": "Zoë"})
    assert output(client, instance) == [{"ok": True, "by": "Zoë"}]


def test_events_sent_right_after_the_start_are_kept(client, new_id):
    for _ in range(10):
        instance = start(client, waits_for, ["a", "b"], new_id())
        client.raise_orchestration_event(instance, "b", data=2)
        client.raise_orchestration_event(instance, "a", data=1)
        assert output(client, instance) == [1, 2]


def test_an_event_nobody_waits_for_yet_is_buffered(client, new_id):
    instance = start(client, busy_then_waits, 1, new_id())
    gates.wait_until_entered(instance)
    client.raise_orchestration_event(instance, "item", data="early")
    gates.open(instance)
    assert output(client, instance) == ["early"]


def test_events_of_one_name_keep_their_order(client, new_id):
    instance = start(client, busy_then_waits, 25, new_id())
    for number in range(10):
        client.raise_orchestration_event(instance, "item", data=number)
    gates.open(instance)
    for number in range(10, 25):
        client.raise_orchestration_event(instance, "item", data=number)
    assert output(client, instance) == list(range(25))


def test_event_names_ignore_case(client, new_id):
    instance = start(client, waits_for, ["APPROVAL", "second"], new_id())
    client.raise_orchestration_event(instance, "aPProval", data=1)
    client.raise_orchestration_event(instance, "SECOND", data=2)
    assert output(client, instance) == [1, 2]


def test_an_event_without_data_is_none(client, new_id):
    instance = start(client, waits_for, ["bare"], new_id())
    client.raise_orchestration_event(instance, "bare")
    assert output(client, instance) == [None]


def test_waiting_gives_up_at_the_timeout(client, new_id):
    assert output(client, start(client, waits_at_most, 200, new_id())) == ["timeout"]


def test_an_event_in_time_beats_the_timeout(client, new_id):
    instance = start(client, waits_at_most, 60_000, new_id())
    client.raise_orchestration_event(instance, "approval", data=False)
    assert output(client, instance) == ["event", False]


def test_an_orchestrator_sends_an_event_to_another(client, new_id):
    receiver = start(client, waits_for, ["greeting"], new_id("receiver"))
    sender = start(client, tells, receiver, new_id("sender"))
    assert output(client, receiver) == [{"from": sender}]
    assert output(client, sender) == "told"


@pytest.mark.beyond_memory("raises inside its action handling")
def test_an_event_sent_to_nobody_is_dropped(client, new_id):
    assert output(client, start(client, tells, new_id("nobody"), new_id())) == "told"


def test_an_event_for_a_missing_instance_is_refused(client, new_id):
    with refused(grpc.StatusCode.NOT_FOUND):
        client.raise_orchestration_event(new_id("missing"), "x")


def test_an_event_for_an_ended_instance_is_dropped(client, new_id):
    instance = start(client, waits_for, [], new_id())
    assert output(client, instance) == []
    client.raise_orchestration_event(instance, "late", data=1)
    assert output(client, instance) == []
