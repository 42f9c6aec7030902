"""A server with keys, and the SDKs that show them: as metadata, or as the token of a credential."""

from __future__ import annotations

import hashlib
import time

import grpc
import pytest
from azure.core.credentials import AccessToken
from durabletask.azuremanaged.client import DurableTaskSchedulerClient
from durabletask.azuremanaged.worker import DurableTaskSchedulerWorker

import harness

pytestmark = pytest.mark.skipif(bool(harness.MEMORY), reason="in-memory backend: no keys")

registry = harness.Registry()
KEYS = {"operate": "operate-key", "worker": "worker-key", "read": "read-key", "admin": "admin-key"}


@registry.activity
def double(ctx, value):
    return 2 * value


@registry.orchestrator
def doubles(ctx, value):
    return (yield ctx.call_activity(double, input=value))


class Key:
    """A credential as the azuremanaged packages want it. They ask for a token of some scope and send it as the bearer."""

    def __init__(self, key):
        self.key = key

    def get_token(self, *scopes, **options):
        return AccessToken(self.key, int(time.time()) + 3600)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    keys = ",".join(f"{role}:{role}:{hashlib.sha256(key.encode()).hexdigest()}" for role, key in KEYS.items())
    environment = {"DURAHUB__AUTH__KEYS": keys}
    server = harness.Server(tmp_path_factory.mktemp("keys"), environment=environment, arguments=["--no-samples"]).start()
    yield server
    assert server.alive(), "the server died during the tests"
    server.close()


def bearer(key):
    return [("authorization", f"Bearer {key}")]


def plain_client(server, key, metadata=bearer):
    return harness.new_client("plain", server.address, metadata=metadata(key) if key else None)


def managed(kind, server, key):
    return kind(host_address=f"http://{server.address}", taskhub="default", token_credential=Key(key), secure_channel=False)


@pytest.fixture(scope="module", params=["metadata", "credential"])
def worker(request, server):
    """A worker with a key that is for workers and for nothing else."""
    if request.param == "metadata":
        worker = harness.new_worker("plain", server.address, registry, metadata=bearer(KEYS["worker"]))
    else:
        worker = managed(DurableTaskSchedulerWorker, server, KEYS["worker"])
        registry.register(worker)
    worker.start()
    yield worker
    worker.stop()


def code_of(call, *arguments, **options):
    with pytest.raises(grpc.RpcError) as refused:
        call(*arguments, **options)
    return refused.value.code()


def test_a_client_and_a_worker_with_the_right_keys_work_together(server, worker):
    clients = [
        plain_client(server, KEYS["operate"]),
        plain_client(server, KEYS["operate"], lambda key: [("x-functions-key", key)]),
        plain_client(server, KEYS["admin"]),
        managed(DurableTaskSchedulerClient, server, KEYS["operate"]),
    ]
    for client in clients:
        instance = client.schedule_new_orchestration(doubles, input=21)
        state = client.wait_for_orchestration_completion(instance, timeout=20)
        assert state.serialized_output == "42", state
        client.close()


def test_without_a_key_or_with_a_wrong_one_nobody_is_served(server):
    for client in (plain_client(server, None), plain_client(server, "wrong"),
                   managed(DurableTaskSchedulerClient, server, "wrong")):
        assert code_of(client.schedule_new_orchestration, "doubles") == grpc.StatusCode.UNAUTHENTICATED
        assert code_of(client.get_orchestration_state, "x") == grpc.StatusCode.UNAUTHENTICATED
        client.close()


def test_a_reader_looks_and_does_nothing_else(server):
    client = plain_client(server, KEYS["read"])
    assert client.get_orchestration_state("nobody") is None
    denied = grpc.StatusCode.PERMISSION_DENIED
    assert code_of(client.schedule_new_orchestration, "doubles") == denied
    assert code_of(client.terminate_orchestration, "x") == denied
    assert code_of(client.raise_orchestration_event, "x", "e") == denied
    assert code_of(client.purge_orchestration, "x") == denied
    client.close()


@pytest.mark.parametrize("role", ["operate", "read"])
def test_only_workers_get_work(server, role):
    """The stock worker would try again for ever, so this is asked with its own stub."""
    stub, pb = harness.raw_stub(server.address), harness.pb
    stream = stub.GetWorkItems(pb.GetWorkItemsRequest(), metadata=bearer(KEYS[role]), timeout=20)
    with pytest.raises(grpc.RpcError) as refused:
        next(stream)
    assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED
    assert role in refused.value.details() and KEYS[role] not in refused.value.details()
    first = next(stub.GetWorkItems(pb.GetWorkItemsRequest(), metadata=bearer(KEYS["worker"]), timeout=20))
    assert first.HasField("healthPing")


def test_a_worker_starts_nothing(server):
    client = plain_client(server, KEYS["worker"])
    assert code_of(client.schedule_new_orchestration, "doubles") == grpc.StatusCode.PERMISSION_DENIED
    assert code_of(client.get_orchestration_state, "x") == grpc.StatusCode.PERMISSION_DENIED
    client.close()
