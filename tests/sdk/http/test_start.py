"""start_new."""

import json
import re

import pytest
from opentelemetry.sdk.trace import TracerProvider

import harness
from stock import Client, together

INPUTS = [0, 1.5, -7, True, False, "", " ", "hi", "ü 第二 🚀", "null", [], {}, [0, None, ""], {"a": {"b": [1, "c"]}}]


@pytest.mark.parametrize("value", INPUTS, ids=json.dumps)
def test_an_input_reaches_the_orchestrator_as_the_json_text_that_the_client_makes_of_it(client, new_id, value):
    instance = client.start_new("echoes", new_id(), value)
    status = client.wait_for_end(instance)
    # The client encodes twice: what travels and is kept is a JSON string that holds JSON.
    assert isinstance(status.input_, str) and json.loads(status.input_) == value
    assert status.output == status.input_


def test_without_an_input_there_is_none(client, new_id):
    status = client.wait_for_end(client.start_new("echoes", new_id()))
    assert status.runtime_status.name == "Completed"
    assert status.input_ is None and status.output is None


def test_an_id_is_made_up_where_none_is_given(client):
    instances = {client.start_new("echoes") for _ in range(3)}
    assert len(instances) == 3 and all(re.fullmatch("[0-9a-f]{32}", instance) for instance in instances)
    assert all(client.get_status(instance).instance_id == instance for instance in instances)


@pytest.mark.parametrize("given", ["x", "a b", "ü 🚀", "a|b", "a,b:c;d=e", "100%", "(a)'!*~", "{a}[b]", "a@b", "..a", "long"])
def test_an_id_with_unusual_characters_works_everywhere(client, given):
    given = "é" * 256 if given == "long" else given
    if client.state(given):
        client.terminate(given, "left over")
        client.wait_for_end(given)
    assert client.start_new("waits", given) == given
    client.wait_for(given, "Running")
    client.suspend(given, "a")
    client.wait_for(given, "Suspended")
    client.resume(given, "b")
    client.raise_event(given, "Go", 1)
    status = client.wait_for_end(given)
    assert status.instance_id == given and status.output == "1"
    assert client.purge_instance_history(given).instances_deleted == 1


def test_a_plus_in_an_id_means_a_space_because_the_client_does_not_escape_it(client, new_id):
    instance = new_id("a+b")
    assert client.start_new("echoes", instance) == instance.replace("+", " ")
    assert client.get_status(instance).instance_id == instance.replace("+", " ")


@pytest.mark.parametrize("version", ["2.0", "1.0 b", "ü&v=1+2"])
def test_a_version_reaches_the_orchestrator_and_the_status(client, new_id, version):
    status = client.wait_for_end(client.start_new("tells_version", new_id(), None, version))
    assert status.output == version and status.version == version


def test_without_a_version_the_status_has_none(client, new_id):
    status = client.wait_for_end(client.start_new("tells_version", new_id()))
    assert not status.output and not hasattr(status, "version")


def test_a_function_that_nobody_serves_stays_pending(client, new_id):
    instance = client.start_new("NobodyServesThis", new_id(), {"kept": True})
    status = client.get_status(instance)
    assert status and status.runtime_status.name == "Pending" and status.name == "NobodyServesThis"
    assert json.loads(status.input_) == {"kept": True}


def test_a_sample_runs(client, new_id):
    status = client.wait_for_end(client.start_new("HelloCities", new_id()))
    assert status.output == ["Hello, Tokyo!", "Hello, Seattle!", "Hello, London!"]


@pytest.mark.parametrize("state", ["Pending", "Running", "Suspended"])
def test_an_id_in_use_is_refused_with_the_servers_reason(client, started, state):
    instance = started(state)
    with pytest.raises(Exception) as refusal:
        client.start_new("echoes", instance)
    body = refusal.value.args[0]
    assert isinstance(body, dict) and body["ExceptionMessage"] and body["StackTrace"] is None, body
    assert client.state(instance) == state


@pytest.mark.parametrize("state", ["Completed", "Failed", "Terminated"])
def test_an_id_that_has_ended_starts_anew(client, started, state):
    instance = started(state)
    assert client.start_new("echoes", instance, "second life") == instance
    harness.eventually(lambda: client.get_status(instance).output == '"second life"', "the second life's output")


@pytest.mark.parametrize("given", ["@counter@k", "a\\b", "a\x01b", "x" * 257], ids=["entity", "backslash", "control", "long"])
def test_an_impossible_id_is_refused_with_a_readable_message(client, given):
    with pytest.raises(Exception, match="instanceId") as refusal:
        client.start_new("echoes", given)
    assert isinstance(refusal.value.args[0], str)  # ExceptionMessage, and no KeyError


def test_a_slash_in_an_id_starts_nothing(client, new_id):
    instance = new_id()
    with pytest.raises(Exception):
        client.start_new("echoes", f"{instance}/b")
    assert not client.get_status(instance)


def test_an_empty_function_name_is_refused(client):
    with pytest.raises(Exception):
        client.start_new("")


def test_an_input_that_is_too_large_is_refused_and_starts_nothing(client, new_id):
    instance = new_id()
    with pytest.raises(Exception) as refusal:
        client.start_new("echoes", instance, "x" * (4 << 20))
    assert refusal.value.args[0]["ExceptionMessage"]
    assert not client.get_status(instance)


def test_of_many_starts_of_one_id_one_succeeds(client, new_id):
    instance = new_id()
    results = together(*(client.stock.start_new("waits", instance) for _ in range(30)))
    assert results.count(instance) == 1 and sum(isinstance(result, Exception) for result in results) == 29


def test_many_starts_at_the_same_time_all_succeed(client, new_id):
    instances = [new_id() for _ in range(60)]
    assert together(*(client.stock.start_new("echoes", instance, instance) for instance in instances)) == instances
    for instance in instances:
        assert client.wait_for_end(instance).output == json.dumps(instance)


def test_the_invocation_id_does_no_harm(server, mount, new_id):
    for invocation in ("6f0a3d0e-3c1f-4d3c-8a0e-0d7b2ad7e0a1", "not a guid"):
        client = Client(server, mount, invocation)
        instance = client.start_new("waits", new_id())
        client.wait_for(instance, "Running")
        client.raise_event(instance, "Go")
        client.wait_for(instance, "Completed")


def test_the_callers_trace_is_the_parent_of_the_orchestration(server, client, new_id):
    with harness.RawWorker(server.address, orchestrations=["Traced"]) as worker:
        with TracerProvider().get_tracer("test").start_as_current_span("caller") as span:
            instance = client.start_new("Traced", new_id())
        request = worker.orchestration(instance).orchestratorRequest
        context = next(event.executionStarted.parentTraceContext for event in request.newEvents
                       if event.HasField("executionStarted"))
        client.terminate(instance, "seen")
    trace = span.get_span_context()
    assert context.traceParent == f"00-{trace.trace_id:032x}-{trace.span_id:016x}-{trace.trace_flags:02x}"


def test_the_client_finds_its_instance_again_after_the_server_was_killed(own_server, own_client, new_id):
    instance = own_client.start_new("NobodyServesThis", new_id(), [1])
    own_server.kill()
    with pytest.raises(OSError):
        own_client.get_status(instance)
    own_server.start()
    assert own_client.get_status(instance).input_ == "[1]"
