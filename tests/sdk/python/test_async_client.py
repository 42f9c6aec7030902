"""The asyncio client."""

import asyncio

import pytest

from durabletask.azuremanaged.client import AsyncDurableTaskSchedulerClient
from durabletask.client import AsyncTaskHubGrpcClient, OrchestrationStatus

from harness import Registry

registry = Registry()


@registry.orchestrator
def sums_two_events(ctx, start):
    first = yield ctx.wait_for_external_event("number")
    second = yield ctx.wait_for_external_event("number")
    return start + first + second


@pytest.fixture(autouse=True)
def running(worker):
    pass


def make(flavour, address):
    if flavour == "plain":
        return AsyncTaskHubGrpcClient(host_address=address, secure_channel=False)
    return AsyncDurableTaskSchedulerClient(
        host_address=f"http://{address}", taskhub="default", token_credential=None, secure_channel=False)


def test_the_whole_life_of_an_instance(server, flavour, new_id):
    async def life():
        client = make(flavour, server.address)
        try:
            instance = await client.schedule_new_orchestration(sums_two_events, input=1, instance_id=new_id())
            assert (await client.wait_for_orchestration_start(instance, timeout=20)) is not None
            await client.suspend_orchestration(instance)
            await client.resume_orchestration(instance)
            await client.raise_orchestration_event(instance, "number", data=10)
            await client.raise_orchestration_event(instance, "number", data=100)
            state = await client.wait_for_orchestration_completion(instance, timeout=20)
            assert state.get_output() == 111
            assert (await client.purge_orchestration(instance)).deleted_instance_count == 1
            assert await client.get_orchestration_state(instance) is None
        finally:
            await client.close()
    asyncio.run(life())


@pytest.mark.beyond_memory("has ten threads for fifty waits")
def test_fifty_waits_at_once(server, flavour, new_id):
    async def crowd():
        client = make(flavour, server.address)
        try:
            ids = [new_id(str(n)) for n in range(50)]
            await asyncio.gather(*(client.schedule_new_orchestration(
                sums_two_events, input=0, instance_id=i) for i in ids))
            waits = [asyncio.create_task(client.wait_for_orchestration_completion(i, timeout=30)) for i in ids]
            await asyncio.gather(*(client.raise_orchestration_event(i, "number", data=n)
                                   for n, i in enumerate(ids) for _ in range(2)))
            states = await asyncio.gather(*waits)
            assert [s.get_output() for s in states] == [2 * n for n in range(50)]
            assert {s.runtime_status for s in states} == {OrchestrationStatus.COMPLETED}
        finally:
            await client.close()
    asyncio.run(crowd())
