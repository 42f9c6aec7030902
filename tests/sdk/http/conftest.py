from __future__ import annotations

import re

import pytest

import harness
import stock
from harness import Registry

registry = Registry()


@registry.orchestrator
def echoes(ctx, value):
    return value
    yield


@registry.orchestrator
def tells_version(ctx, _):
    return ctx.version
    yield


@registry.orchestrator
def waits(ctx, _):
    ctx.set_custom_status({"waiting": True})
    return (yield ctx.wait_for_external_event("Go"))


@registry.orchestrator
def breaks(ctx, _):
    raise ValueError("broken on purpose")
    yield


@registry.orchestrator
def has_a_child(ctx, value):
    return (yield ctx.call_sub_orchestrator(echoes, input=value))


@registry.orchestrator
def runs_twice(ctx, again):
    if again != "again":
        ctx.continue_as_new("again")
    return again
    yield


@registry.entity
def tally(ctx, value):
    """Its state is a number, or whatever `set` says."""
    match ctx.operation:
        case "add":
            ctx.set_state((ctx.get_state(int) or 0) + value)
        case "set":
            ctx.set_state(value)
        case "delete":
            ctx.set_state(None)


def pytest_unconfigure():
    stock.shut_down()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    server = item.funcargs.get("own_server") or item.funcargs.get("server")
    if report.failed and server:
        report.sections.append(("the server's log (end)", server.log_tail()))


def pytest_generate_tests(metafunc):
    """Everything holds at both mounts."""
    if "mount" in metafunc.fixturenames:
        mounts = {"public": stock.PUBLIC, "rpc": stock.RPC}
        metafunc.parametrize("mount", mounts.values(), ids=mounts.keys())


@pytest.fixture(scope="session")
def server():
    """One server for the whole run, with a worker that serves the orchestrators above and nothing else."""
    server = stock.shared_server()
    worker = harness.new_worker("plain", server.address, registry, filters=True)
    worker.start()
    yield server
    worker.stop()
    assert server.alive(), "the server died during the tests"


@pytest.fixture
def own_server(tmp_path):
    """A server of the test's own, without a worker, to stop, kill and start again."""
    server = harness.Server(tmp_path / "own").start()
    yield server
    server.close()


@pytest.fixture
def client(server, mount):
    return stock.Client(server, mount)


@pytest.fixture
def own_client(own_server, mount):
    return stock.Client(own_server, mount)


@pytest.fixture
def new_id(request):
    """Fresh instance ids that carry the test's name."""
    prefix = re.sub(r"[^a-zA-Z0-9]+", "-", request.node.originalname.removeprefix("test_"))

    def make(suffix=""):
        return harness.unique(prefix) + (f"-{suffix}" if suffix else "")
    return make


@pytest.fixture
def started(client, new_id):
    """started("Suspended") is the id of a new instance in that state."""
    def start(state):
        return bring_to(client, state, new_id(state))
    return start


def bring_to(client, state, instance):
    name = {"Pending": "NobodyServesThis", "Completed": "echoes", "Failed": "breaks"}.get(state, "waits")
    assert client.start_new(name, instance) == instance
    if state in ("Suspended", "Terminated"):
        client.wait_for(instance, "Running")
        client.suspend(instance, "") if state == "Suspended" else client.terminate(instance, "over")
    client.wait_for(instance, state)
    return instance
