"""A worker whose stream is idle stays connected: health pings come well inside the silence after which the SDK gives a stream up.

The real times are 30 s between pings and 120 s of patience; what waits for them here has both shortened.
"""

import logging
import re
import subprocess

import pytest

from durabletask.grpc_options import GrpcWorkerResiliencyOptions

from harness import Registry, Server, binary, eventually, new_client, new_worker

pytestmark = pytest.mark.beyond_memory("sends no health pings")

registry = Registry()


@registry.orchestrator
def answers(ctx, value):
    return value
    yield


class Connections(logging.Handler):
    """What the worker says about its streams."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.opened, self.given_up, self.pings = 0, 0, 0

    def emit(self, record):
        text = record.getMessage()
        self.opened += "Successfully connected" in text
        self.given_up += "Timed out waiting for work items" in text
        self.pings += 'Received "healthPing"' in text


@pytest.fixture
def pinging(tmp_path):
    """A server that pings every so many seconds."""
    servers = []

    def start(seconds):
        servers.append(Server(tmp_path / str(seconds), environment={"DURAHUB__GRPC__PING_SECS": str(seconds)}).start())
        return servers[-1]
    yield start
    for server in servers:
        server.close()


def idle_worker(server, patience, name):
    """A stock worker that gives a stream up after so many silent seconds, and what it says."""
    connections = Connections()
    logger = logging.Logger(name, logging.DEBUG)
    logger.addHandler(connections)
    options = GrpcWorkerResiliencyOptions(
        silent_disconnect_timeout_seconds=patience, reconnect_backoff_base_seconds=0.01, reconnect_backoff_cap_seconds=0.02)
    worker = new_worker("plain", server.address, registry, resiliency_options=options, logger=logger)
    worker.start()
    return worker, connections


def test_the_server_pings_four_times_within_the_patience_of_the_sdk():
    settings = subprocess.run([str(binary()), "config"], capture_output=True, text=True, check=True, timeout=20).stdout
    pause = int(re.search(r"^ping_secs = (\d+)", settings, re.MULTILINE)[1])
    assert (pause, GrpcWorkerResiliencyOptions().silent_disconnect_timeout_seconds) == (30, 120)


def test_an_idle_worker_keeps_its_stream(pinging, stopper, new_id):
    server = pinging(1)
    worker, connections = idle_worker(server, 6, "idle")
    # Longer than the worker's patience.
    eventually(lambda: connections.pings >= 8, "eight pings", timeout=60)
    assert (connections.opened, connections.given_up) == (1, 0)
    client = new_client("plain", server.address)
    instance = client.schedule_new_orchestration(answers, input=7, instance_id=new_id())
    assert client.wait_for_orchestration_completion(instance, timeout=20).get_output() == 7
    assert connections.opened == 1
    stopper.stop(worker)
    client.close()


def test_without_pings_it_would_give_it_up(pinging, stopper):
    """Shows that the test above could fail."""
    worker, connections = idle_worker(pinging(100), 0.5, "impatient")
    eventually(lambda: connections.given_up >= 1 and connections.opened >= 2, "another stream")
    stopper.stop(worker)
