"""Entities and the workers that serve them: filters, nobody there, workers and servers that vanish."""

import signal
import threading
import time

import grpc
import pytest

from durabletask.client import OrchestrationStatus
from durabletask.entities import EntityInstanceId
from durabletask.worker import EntityWorkItemFilter, OrchestrationWorkItemFilter, WorkItemFilters

from harness import Log, Registry, eventually, lines, new_client, new_worker, unique

pytestmark = pytest.mark.beyond_memory("keeps entities in another way")

registry = Registry()


@registry.entity
def ledger(ctx, entry):
    """Keeps all entries and passes each on to its mirror."""
    if ctx.operation == "enter":
        ctx.set_state([*ctx.get_state(list, []), entry])
        ctx.signal_entity(EntityInstanceId("mirror", ctx.entity_id.key), "enter", entry)
        return len(ctx.get_state(list))


@registry.entity
def mirror(ctx, entry):
    ctx.set_state([*ctx.get_state(list, []), entry])


@registry.activity
def nothing(ctx, _):
    pass


@registry.orchestrator
def enters(ctx, wanted):
    """Signals and calls in turn, with an activity between."""
    key, first, count = wanted
    counted = []
    for number in range(first, first + count):
        if number % 2:
            ctx.signal_entity(EntityInstanceId("ledger", key), "enter", number)
        else:
            counted.append((yield ctx.call_entity(EntityInstanceId("ledger", key), "enter", number)))
        yield ctx.call_activity(nothing)
    return counted


@pytest.fixture(autouse=True)
def alone(no_workers):
    pass


def entity_registry(name, log, me=None):
    """An entity that counts what it is told, and an orchestrator that calls one of any name."""
    registry = Registry()

    def tally(ctx, amount):
        log.add(str(ctx.entity_id), me)
        ctx.set_state(ctx.get_state(int, 0) + amount)
        return ctx.get_state(int)

    def calls(ctx, wanted):
        return (yield ctx.call_entity(EntityInstanceId.parse(wanted), "add", 1))

    def empty(ctx, _):
        return "empty"

    tally.__name__, calls.__name__, empty.__name__ = name, f"{name}_calls", f"{name}_empty"
    registry.entity(tally)
    registry.orchestrator(calls)
    registry.orchestrator(empty)
    return registry


def value(client, entity):
    found = client.get_entity(entity)
    return found and found.get_typed_state()


@pytest.mark.parametrize("filters", [False, True])
def test_two_workers_share_entities_and_each_operation_runs_once(plain_client, start_worker, filters):
    log, name = Log(), unique("shared").replace("-", "_")
    start_worker(entity_registry(name, log, "one"), filters=filters)
    start_worker(entity_registry(name, log, "two"), "azuremanaged", filters=filters)
    entities = [EntityInstanceId(name, str(number)) for number in range(20)]
    sent, seen, deadline = 0, set(), time.monotonic() + 20
    # One of them may stall while the other does everything.
    while seen != {"one", "two"} and time.monotonic() < deadline:
        for _ in range(3):
            for entity in entities:
                plain_client.signal_entity(entity, "add", 1)
        sent += 3
        eventually(lambda: [value(plain_client, entity) for entity in entities] == [sent] * 20, "all signals")
        seen = {me for entity in entities for me in log.of(str(entity))}
    assert [log.count(str(entity)) for entity in entities] == [sent] * 20
    assert seen == {"one", "two"}


def test_a_call_that_nobody_serves_waits_and_is_seen(plain_client, start_worker, new_id):
    log, names = Log(), [unique(colour).replace("-", "_") for colour in ("red", "blue")]
    red, blue = (EntityInstanceId(name, "k") for name in names)
    start_worker(entity_registry(names[0], log), filters=True)
    lonely = plain_client.schedule_new_orchestration(f"{names[0]}_calls", input=str(blue), instance_id=new_id())
    plain_client.signal_entity(blue, "add", 10)
    waiting = eventually(lambda: (found := plain_client.get_entity(blue)) and found.backlog_queue_size == 2 and found, "two")
    assert waiting.get_state() == "" and not log.count(str(blue))
    served = plain_client.schedule_new_orchestration(f"{names[0]}_calls", input=str(red), instance_id=new_id("served"))
    assert plain_client.wait_for_orchestration_completion(served, timeout=20).get_output() == 1
    assert plain_client.get_orchestration_state(lonely).runtime_status == OrchestrationStatus.RUNNING
    assert plain_client.get_entity(blue).backlog_queue_size == 2
    start_worker(entity_registry(names[1], log), filters=True)
    assert plain_client.wait_for_orchestration_completion(lonely, timeout=20).get_output() in (1, 11)
    eventually(lambda: value(plain_client, blue) == 11, "both")
    assert plain_client.get_entity(blue).backlog_queue_size == 0


def test_an_entity_can_live_on_another_worker_than_its_callers(plain_client, start_worker, new_id):
    log, name = Log(), unique("split").replace("-", "_")
    entities, flows = entity_registry(name, log, "entities"), entity_registry(name, log, "flows")
    start_worker(entities, before_start=lambda worker: worker.use_work_item_filters(
        WorkItemFilters(entities=[EntityWorkItemFilter(name.upper())])))
    start_worker(flows, "azuremanaged", before_start=lambda worker: worker.use_work_item_filters(
        WorkItemFilters(orchestrations=[OrchestrationWorkItemFilter(f"{name}_calls")])))
    for number in range(1, 6):
        instance = plain_client.schedule_new_orchestration(
            f"{name}_calls", input=f"@{name}@k", instance_id=new_id(str(number)))
        assert plain_client.wait_for_orchestration_completion(instance, timeout=20).get_output() == number
    assert set(log.of(f"@{name}@k")) == {"entities"}


def test_signals_and_their_entity_outlive_a_restart_of_the_worker(plain_client, server, stopper, start_worker):
    log, name = Log(), unique("restarted").replace("-", "_")
    first = new_worker("plain", server.address, entity_registry(name, log))
    first.start()
    entities = [EntityInstanceId(name, str(number)) for number in range(4)]
    for number in range(100):
        plain_client.signal_entity(entities[number % 4], "add", 1)
        if number == 50:
            stopper.stop(first)
    stopper.join()
    start_worker(entity_registry(name, log))
    eventually(lambda: [value(plain_client, entity) for entity in entities] == [25] * 4, "all signals")


def test_a_section_outlives_its_worker(plain_client, start_process, new_id):
    prefix = "section" + str(time.time_ns())
    entity = EntityInstanceId(f"{prefix}_tally", "k")
    victim, log = start_process(prefix, "--block")
    instance = plain_client.schedule_new_orchestration(f"{prefix}_section", input=str(entity), instance_id=new_id())
    eventually(lambda: lines(log, "X"), "the activity on the first worker")
    plain_client.signal_entity(entity, "add", 100)
    heir, _ = start_process(prefix)
    assert heir.stdout.readline().strip() == b"serving"
    victim.send_signal(signal.SIGKILL)
    state = plain_client.wait_for_orchestration_completion(instance, timeout=30)
    assert state.runtime_status == OrchestrationStatus.COMPLETED and state.get_output() == [1, 2], state
    eventually(lambda: value(plain_client, entity) == 102, "the signal from outside, after the section")
    assert not plain_client.get_entity(entity)._locked_by
    assert [int(pid) for _, _, pid, _, _ in lines(log, "X")] == [victim.pid, heir.pid]


def test_nothing_is_lost_or_doubled_when_the_server_is_killed(own_server, stopper):
    worker = new_worker("plain", own_server.address, registry)
    worker.start()
    client = new_client("plain", own_server.address)
    book, copy = EntityInstanceId("ledger", "k"), EntityInstanceId("mirror", "k")
    flows = [client.schedule_new_orchestration(enters, input=["k", 100 * number, 12], instance_id=f"flow-{number}")
             for number in range(6)]
    told, tried, stop = [], [], threading.Event()

    def tells():
        for number in range(10_000, 20_000):
            if stop.is_set():
                return
            tried.append(number)
            try:
                client.signal_entity(book, "enter", number)
                told.append(number)
            except grpc.RpcError:
                time.sleep(0.01)  # the server is away: no need to spin

    sender = threading.Thread(target=tells, daemon=True)
    sender.start()
    try:
        for kill in range(2):
            before = len(told)
            eventually(lambda: len(told) > before + 20, "signals")
            own_server.kill()
            own_server.start()
        before = len(told)
        eventually(lambda: len(told) > before + 20, "signals after the last kill")
    finally:
        stop.set()
        sender.join(20)
    for flow in flows:
        state = client.wait_for_orchestration_completion(flow, timeout=40)
        assert state.runtime_status == OrchestrationStatus.COMPLETED and state.get_output() == sorted(state.get_output())
    eventually(lambda: all(client.get_entity(entity).backlog_queue_size == 0 for entity in (book, copy)), "rest")
    entries = value(client, book)
    assert len(set(entries)) == len(entries), "what was sent once is there once"
    own = [entry for entry in entries if entry < 10_000]
    assert sorted(own) == [100 * number + step for number in range(6) for step in range(12)]
    assert set(told) <= set(entries) - set(own) <= set(tried)
    for number in range(6):
        its = [entry for entry in own if entry // 100 == number]
        assert its == sorted(its), "in the order of its sender"
    eventually(lambda: value(client, copy) == entries, "the mirror to have all of it, in order")
    client.close()
    stopper.stop(worker)
