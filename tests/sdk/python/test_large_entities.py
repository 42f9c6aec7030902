"""Entities whose state leaves little room in a message for their operations."""

import uuid

import pytest

import durabletask.internal.orchestrator_service_pb2 as pb

from harness import RawWorker, string_value

pytestmark = pytest.mark.beyond_memory("has no limits")

# A state of nearly the largest size there may be. Beside it, a message of 4 MiB has room for some of the operations, but not for all.
STATE = '"' + "s" * (3 * 1024 * 1024 - 2) + '"'
INPUT = '"' + "x" * 10_000 + '"'


def test_operations_that_do_not_fit_together_come_one_after_the_other(server, stub, no_workers):
    name = f"large_{uuid.uuid4().hex}"
    target = f"@{name}@k"

    def signal(operation, input=None):
        stub.SignalEntity(pb.SignalEntityRequest(
            instanceId=target, requestId=str(uuid.uuid4()), name=operation, input=string_value(input)))
    with RawWorker(server.address, entities=[name]) as worker:
        signal("grow")
        worker.operate(worker.batch(target), STATE)
    wanted = [f"op-{number}" for number in range(100)]
    for operation in wanted:
        signal(operation, INPUT)
    seen, batches = [], 0
    with RawWorker(server.address, entities=[name]) as worker:
        while len(seen) < len(wanted):
            item = worker.batch(target)
            seen += [event.entityOperationSignaled.operation for event in item.entityRequestV2.operationRequests]
            batches += 1
            worker.operate(item, STATE)
    assert seen == wanted and batches > 1
