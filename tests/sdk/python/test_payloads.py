"""What goes in comes out, to the letter."""

import pytest

from durabletask.client import OrchestrationStatus

from harness import Registry

registry = Registry()

VALUES = {
    "null": None,
    "empty text": "",
    "text": "plain",
    "unicode": "Zoë ☃ 漢字 🦀 \u2028 \x7f \"quoted\" \\ \n",
    "numbers": [0, -1, 1.5, 1e300, 2**53 + 1, -0.0],
    "booleans": [True, False],
    "nested": {"a": [{"b": {"": None}}], "z": "", "ä": []},
    "looks like JSON": "{\"not\": \"parsed\"}",
}


@registry.activity
def same(ctx, value):
    return value


@registry.orchestrator
def through_everything(ctx, value):
    by_activity = yield ctx.call_activity(same, input=value)
    by_child = yield ctx.call_sub_orchestrator(same_child, input=value)
    by_event = yield ctx.wait_for_external_event("value")
    ctx.set_custom_status(value)
    return [value == by_activity == by_child == by_event, value]


@registry.orchestrator
def through_an_activity(ctx, value):
    return len((yield ctx.call_activity(same, input=value)))


@registry.orchestrator
def makes_text(ctx, length):
    return "o" * length


@registry.orchestrator
def same_child(ctx, value):
    return value


@pytest.fixture(autouse=True)
def running(worker):
    pass


@pytest.mark.parametrize("name", VALUES)
def test_a_value_survives_every_way(client, new_id, name):
    value, instance = VALUES[name], new_id()
    client.schedule_new_orchestration(through_everything, input=value, instance_id=instance)
    client.raise_orchestration_event(instance, "value", data=value)
    state = client.wait_for_orchestration_completion(instance, timeout=30)
    assert state.runtime_status == OrchestrationStatus.COMPLETED, state.failure_details
    assert state.get_output() == [True, value]
    assert state.get_input() == value
    assert state.get_custom_status() == value


def test_a_megabyte_passes_through_an_activity(client, new_id):
    """Three times in the history: input, scheduled, completed. The SDK takes no work item above 4 MiB."""
    value, instance = "m" * (1 << 20), new_id()
    client.schedule_new_orchestration(through_an_activity, input=value, instance_id=instance)
    state = client.wait_for_orchestration_completion(instance, timeout=30)
    assert state.get_output() == len(value)
    assert state.get_input() == value


def test_a_megabyte_comes_back_as_output(client, new_id):
    instance = new_id()
    client.schedule_new_orchestration(makes_text, input=1 << 20, instance_id=instance)
    assert client.wait_for_orchestration_completion(instance, timeout=30).get_output() == "o" * (1 << 20)
