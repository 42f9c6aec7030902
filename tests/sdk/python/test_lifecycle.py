"""The server stops and comes back; workers and clients notice nothing worse than a pause."""

import grpc
import pytest

from harness import PATIENCE, RawWorker, Registry, eventually, new_client, new_worker, raw_stub

registry = Registry()


@registry.activity
def double(ctx, number):
    return number * 2


@registry.orchestrator
def waits_then_doubles(ctx, number):
    yield ctx.wait_for_external_event("go")
    return (yield ctx.call_activity(double, input=number))


@pytest.fixture(autouse=True)
def alone(no_workers):
    pass


def test_sigterm_ends_streams_with_unavailable_and_exits_zero(own_server):
    with RawWorker(own_server.address, ["nothing"]) as raw:
        assert raw.wait_for_ping(PATIENCE)
        assert own_server.terminate(15) == 0
        assert raw.wait_for_end() == grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("flavour", ["plain", "azuremanaged"])
@pytest.mark.parametrize("how", ["sigterm", "kill"])
def test_a_worker_comes_back_after_a_restart(own_server, stopper, how, flavour, new_id):
    worker = new_worker(flavour, own_server.address, registry)
    worker.start()
    client = new_client(flavour, own_server.address)
    instance = client.schedule_new_orchestration(waits_then_doubles, input=21, instance_id=new_id())
    client.wait_for_orchestration_start(instance, timeout=20)
    if how == "kill":
        own_server.kill()
    else:
        assert own_server.terminate() == 0
    own_server.start()

    def raised():
        try:
            client.raise_orchestration_event(instance, "go")
            return True
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNAVAILABLE
    eventually(raised, "the client to reach the server again")
    assert client.wait_for_orchestration_completion(instance, timeout=30).get_output() == 42
    stopper.stop(worker)
    client.close()


def test_a_second_server_on_the_same_store_is_refused(own_server, tmp_path):
    import subprocess
    from harness import binary
    second = subprocess.run(
        [str(binary()), "serve", "--listen", "127.0.0.1:0", "--store", f"sqlite:{own_server.store}"],
        capture_output=True, timeout=20, cwd=tmp_path)
    assert second.returncode != 0 and second.stderr
    assert own_server.ready()


def test_without_samples_nobody_serves_them(tmp_path):
    from harness import MEMORY, Server
    if MEMORY:
        pytest.skip("in-memory backend: has no samples")
    server = Server(tmp_path / "bare", arguments=["--no-samples"]).start()
    try:
        import durabletask.internal.orchestrator_service_pb2 as pb
        stub = raw_stub(server.address)
        stub.StartInstance(pb.CreateInstanceRequest(instanceId="one", name="HelloCities"))
        state = stub.GetInstance(pb.GetInstanceRequest(instanceId="one")).orchestrationState
        assert state.orchestrationStatus == pb.ORCHESTRATION_STATUS_PENDING
    finally:
        server.close()
