"""A worker that asks for the older form of entity batches, as SDKs from before the newer one have to."""

import grpc
import pytest
from durabletask import entities
from durabletask.client import TaskHubGrpcClient
from durabletask.worker import TaskHubGrpcWorker

from harness import PATIENCE, eventually, pb, raw_stub, unique

V1 = [("durahub-entity-requests", "v1")]


def test_a_worker_that_asks_for_the_older_form_gets_it(server, stopper, no_workers):
    name, seen = unique("tally"), []

    def tally(context, amount):
        if context.operation == "fail":
            raise ValueError("no")
        context.set_state(context.get_state(int, 0) + (amount or 0))
        return context.get_state(int)

    def caller(context, _):
        entity = entities.EntityInstanceId(name, "k")
        first = yield context.call_entity(entity, "add", 5)
        try:
            yield context.call_entity(entity, "fail")
        except Exception as error:
            return [first, str(error)]

    tally.__name__, caller.__name__ = name, unique("caller")
    worker = TaskHubGrpcWorker(host_address=server.address, secure_channel=False, metadata=V1)
    worker.add_entity(tally)
    worker.add_orchestrator(caller)
    execute = worker._execute_entity_batch

    def noted(request, *rest, **named):
        seen.append(type(request).__name__)
        return execute(request, *rest, **named)
    worker._execute_entity_batch = noted
    worker.start()
    try:
        client = TaskHubGrpcClient(host_address=server.address, secure_channel=False)
        state = client.wait_for_orchestration_completion(client.schedule_new_orchestration(caller), timeout=20)
        assert state.runtime_status.name == "COMPLETED", state
        assert '[5, ' in state.serialized_output and "no" in state.serialized_output
        client.signal_entity(entities.EntityInstanceId(name, "k"), "add", input=2)
        eventually(lambda: (it := client.get_entity(entities.EntityInstanceId(name, "k"))) is not None
                   and it.get_state(int) == 7, "the signal applied")
        assert set(seen) == {"EntityBatchRequest"}
    finally:
        stopper.stop(worker)


def test_another_form_is_refused(server):
    with pytest.raises(grpc.RpcError) as refused:
        next(iter(raw_stub(server.address).GetWorkItems(
            pb.GetWorkItemsRequest(), metadata=[("durahub-entity-requests", "v3")], timeout=PATIENCE)))
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "v1 or v2" in refused.value.details()
