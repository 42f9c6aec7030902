from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import harness

HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items):
    if not harness.MEMORY:
        return
    for item in items:
        mark = item.get_closest_marker("beyond_memory")
        if mark:
            item.add_marker(pytest.mark.skip(reason="in-memory backend: " + (mark.args[0] if mark.args else "differs")))
        elif item.get_closest_marker("needs_http"):
            item.add_marker(pytest.mark.skip(reason="in-memory backend: no HTTP API"))


_server_log = lambda: ""  # noqa: E731 - replaced when the session's server starts


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        tail = _server_log()
        if tail:
            report.sections.append(("the server's log (end)", tail))


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One server for the whole run."""
    global _server_log
    if harness.MEMORY:
        server = harness.MemoryServer()
    else:
        server = harness.Server(tmp_path_factory.mktemp("durahub")).start()
    _server_log = server.log_tail
    yield server
    assert server.alive(), "the server died during the tests"
    server.close()


@pytest.fixture
def own_server(tmp_path):
    """A server of the test's own, to stop, kill and start again."""
    if harness.MEMORY:
        pytest.skip("in-memory backend: cannot be restarted")
    server = harness.Server(tmp_path / "own").start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def stopper():
    stopper = harness.Stopper()
    yield stopper
    stopper.join()


@pytest.fixture(scope="module", params=harness.FLAVOURS)
def flavour(request):
    return request.param


@pytest.fixture(scope="module")
def worker(request, server, stopper, flavour):
    """A running worker of the module's `registry`; no other worker runs meanwhile."""
    worker = harness.new_worker(flavour, server.address, request.module.registry)
    stopper.join()
    worker.start()
    yield worker
    stopper.stop(worker)


@pytest.fixture(scope="module")
def client(server, flavour):
    client = harness.new_client(flavour, server.address)
    yield client
    client.close()


@pytest.fixture(scope="module")
def plain_client(server):
    """For modules that do not run once for each flavour."""
    client = harness.new_client("plain", server.address)
    yield client
    client.close()


@pytest.fixture
def no_workers(stopper):
    """Nobody serves anything: every worker of earlier tests is gone."""
    stopper.join()


@pytest.fixture
def start_worker(server, stopper):
    """start_worker(registry, flavour="plain", ...) starts a worker that goes with the test, and waits until it is connected.

    `before_start` gets the worker while it can still be configured."""
    stopper.join()
    running = []

    def start(registry, flavour="plain", before_start=None, **options):
        worker = harness.new_worker(flavour, server.address, registry, **options)
        if before_start:
            before_start(worker)
        others = set() if harness.MEMORY else harness.connected(server)
        worker.start()
        running.append(worker)
        if not harness.MEMORY:
            harness.eventually(lambda: harness.connected(server) - others, "the worker's connection")
        return worker

    yield start
    for worker in running:
        stopper.stop(worker)
    stopper.join()


@pytest.fixture
def start_process(server, tmp_path):
    """start_process(prefix, *options) starts a worker that can be killed (worker_process.py); answers the process and its log."""
    started = []

    def start(prefix, *options):
        log = tmp_path / f"{prefix}.log"
        process = subprocess.Popen(
            [sys.executable, str(HERE / "worker_process.py"), server.address, str(log), "--prefix", prefix, *options],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        started.append(process)
        return process, log
    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="session")
def stub(server):
    """The SDK's generated stub, for what its client does not show."""
    return harness.raw_stub(server.address)


@pytest.fixture
def http(server):
    return server.http


@pytest.fixture
def new_id(request):
    """Fresh instance ids that carry the test's name."""
    prefix = re.sub(r"[^a-zA-Z0-9]+", "-", request.node.originalname.removeprefix("test_"))

    def make(suffix=""):
        return harness.unique(prefix) + (f"-{suffix}" if suffix else "")
    return make
