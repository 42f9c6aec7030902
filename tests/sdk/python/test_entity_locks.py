"""Critical sections with the stock SDK: who holds a lock has the entity to itself, and no lock outlives its section."""

import pytest

import durabletask.internal.orchestrator_service_pb2 as pb
from durabletask import task
from durabletask.client import OrchestrationStatus
from durabletask.entities import DurableEntity, EntityInstanceId

from harness import Gates, Registry, eventually, holds_for

pytestmark = pytest.mark.beyond_memory("keeps entities in another way")

registry = Registry()
gates = Gates()


@registry.entity
class Account(DurableEntity):
    def set(self, amount):
        self.set_state(amount)

    def add(self, amount):
        self.set_state(self.get_state(int, 0) + amount)

    def get(self):
        return self.get_state(int, 0)


def account(key):
    return EntityInstanceId("account", key)


@registry.activity
def waits_at_the_gate(ctx, key):
    gates.wait(key)


@registry.orchestrator
def moves(ctx, wanted):
    """Reads and writes in steps: right only if nobody else comes between."""
    source, target, amount = wanted
    with (yield ctx.lock_entities([account(source), account(target)])):
        has = yield ctx.call_entity(account(source), "get")
        had = yield ctx.call_entity(account(target), "get")
        yield task.when_all([ctx.call_entity(account(source), "set", has - amount),
                             ctx.call_entity(account(target), "set", had + amount)])
    return [has, had]


@registry.orchestrator
def holds(ctx, keys):
    """In the section until its gate opens; what it sees of the first account before and after."""
    first = account(keys[0])
    with (yield ctx.lock_entities([account(key) for key in keys])):
        before = yield ctx.call_entity(first, "get")
        yield ctx.call_activity(waits_at_the_gate, input=ctx.instance_id)
        after = yield ctx.call_entity(first, "get")
    return [before, after]


@registry.orchestrator
def fails_inside(ctx, key):
    with (yield ctx.lock_entities([account(key)])):
        yield ctx.call_entity(account(key), "add", 1)
        raise RuntimeError("inside")


@registry.orchestrator
def ends_inside(ctx, key):
    yield ctx.lock_entities([account(key)])
    yield ctx.call_entity(account(key), "add", 1)
    return "left it to others to unlock"


@registry.orchestrator
def begins_anew_inside(ctx, wanted):
    key, rounds = wanted
    with (yield ctx.lock_entities([account(key)])):
        yield ctx.call_entity(account(key), "add", 1)
        if rounds > 1:
            ctx.continue_as_new([key, rounds - 1])
    return "done"


@registry.orchestrator
def looks(ctx, key):
    return (yield ctx.call_entity(account(key), "get"))


@pytest.fixture(scope="module")
def flavour():
    return "plain"  # test_entities.py has both


@pytest.fixture(autouse=True)
def running(worker):
    pass


@pytest.fixture
def start(client, new_id):
    def start(orchestrator, input, suffix=""):
        return client.schedule_new_orchestration(orchestrator, input=input, instance_id=new_id(suffix))
    return start


@pytest.fixture
def output(client):
    def output(instance):
        state = client.wait_for_orchestration_completion(instance, timeout=30)
        assert state.runtime_status == OrchestrationStatus.COMPLETED, state
        return state.get_output()
    return output


def found(stub, key):
    """What the client's own object hides: who holds the lock."""
    return stub.GetEntity(pb.GetEntityRequest(instanceId=str(account(key)), includeState=True)).entity


def is_free(stub, *keys):
    return eventually(lambda: not any(found(stub, key).HasField("lockedBy") for key in keys), f"{keys} to be free")


def balance(client, key):
    entity = client.get_entity(account(key))
    return entity and entity.get_typed_state()


# --------------------------------------------------------------------------------------- inside

def test_two_entities_are_locked_and_seen_to_be(client, stub, start, output, new_id):
    keys = [new_id("a"), new_id("b")]
    for key in keys:
        client.signal_entity(account(key), "set", 10)
    holder = start(holds, keys)
    gates.wait_until_entered(holder)
    assert [found(stub, key).lockedBy.value for key in keys] == [holder, holder]
    gates.open(holder)
    assert output(holder) == [10, 10]
    is_free(stub, *keys)
    assert output(start(moves, [*keys, 3])) == [10, 10]
    assert [balance(client, key) for key in keys] == [7, 13]


def test_others_wait_while_it_is_locked(client, stub, start, output, new_id):
    key = new_id("account")
    client.signal_entity(account(key), "set", 1)
    holder = start(holds, [key])
    gates.wait_until_entered(holder)
    client.signal_entity(account(key), "add", 100)
    caller = start(looks, key, "caller")
    eventually(lambda: found(stub, key).backlogQueueSize == 2, "a signal and a call to wait")
    holds_for(lambda: balance(client, key) == 1, 0.2, "the balance")
    second = start(moves, [key, new_id("other"), 1], "second")
    eventually(lambda: found(stub, key).backlogQueueSize == 3, "the lock request to wait")
    assert found(stub, key).lockedBy.value == holder
    gates.open(holder)
    assert output(holder) == [1, 1]
    assert output(caller) == 101 and output(second) == [101, 0]
    is_free(stub, key)
    assert balance(client, key) == 100


def test_many_sections_over_three_entities_lose_nothing(client, stub, start, output, new_id):
    keys = [new_id(letter) for letter in "abc"]
    for key in keys:
        client.signal_entity(account(key), "set", 1000)
    flows = [start(moves, [keys[number % 3], keys[(number + 1 + number % 2) % 3], number], str(number))
             for number in range(24)]
    for flow in flows:
        output(flow)
    expected = [1000] * 3
    for number in range(24):
        expected[number % 3] -= number
        expected[(number + 1 + number % 2) % 3] += number
    assert [balance(client, key) for key in keys] == expected
    is_free(stub, *keys)


def test_a_lock_may_be_all_there_is_of_an_entity(client, stub, start, output, new_id):
    key = new_id("empty")
    holder = start(holds, [key])
    gates.wait_until_entered(holder)
    assert found(stub, key).lockedBy.value == holder and not found(stub, key).HasField("serializedState")
    gates.open(holder)
    assert output(holder) == [0, 0]
    eventually(lambda: client.get_entity(account(key)) is None, "the entity to be gone")


# --------------------------------------------------------------------------------------- every way out

def test_a_failure_releases(client, stub, start, new_id):
    key = new_id("account")
    failing = start(fails_inside, key)
    assert client.wait_for_orchestration_completion(failing, timeout=20).runtime_status == OrchestrationStatus.FAILED
    is_free(stub, key)
    assert balance(client, key) == 1


def test_an_end_without_leaving_releases(client, stub, start, output, new_id):
    key = new_id("account")
    for _ in range(2):
        output(start(ends_inside, key))
    is_free(stub, key)
    assert balance(client, key) == 2


def test_beginning_anew_releases(client, stub, start, output, new_id):
    key = new_id("account")
    assert output(start(begins_anew_inside, [key, 4])) == "done"
    is_free(stub, key)
    assert balance(client, key) == 4


@pytest.mark.parametrize("recursive", [False, True])
def test_a_termination_releases(client, stub, start, output, new_id, recursive):
    keys = [new_id("a"), new_id("b")]
    holder = start(holds, keys)
    gates.wait_until_entered(holder)
    waiting = start(looks, keys[1], "waiting")
    client.terminate_orchestration(holder, output="enough", recursive=recursive)
    assert client.wait_for_orchestration_completion(holder, timeout=20).runtime_status == OrchestrationStatus.TERMINATED
    assert output(waiting) == 0
    is_free(stub, *keys)
    gates.open(holder)


def test_a_termination_while_waiting_for_the_lock_leaves_none(client, stub, start, output, new_id):
    keys = [new_id("a"), new_id("b")]
    holder = start(holds, keys[:1])
    gates.wait_until_entered(holder)
    waiting = start(moves, [*keys, 1], "waiting")
    eventually(lambda: found(stub, keys[0]).backlogQueueSize == 1, "the second to wait")
    client.terminate_orchestration(waiting)
    client.wait_for_orchestration_completion(waiting, timeout=20)
    gates.open(holder)
    assert output(holder) == [0, 0]
    is_free(stub, *keys)
    assert output(start(moves, [*keys, 1], "after")) == [0, 0]


def test_a_suspended_owner_keeps_its_lock(client, stub, start, output, new_id):
    key = new_id("account")
    client.signal_entity(account(key), "set", 5)
    holder = start(holds, [key])
    gates.wait_until_entered(holder)
    client.suspend_orchestration(holder)
    eventually(lambda: client.get_orchestration_state(holder).runtime_status == OrchestrationStatus.SUSPENDED, "SUSPENDED")
    gates.open(holder)
    client.signal_entity(account(key), "add", 1)
    holds_for(lambda: balance(client, key) == 5 and found(stub, key).lockedBy.value == holder, 0.2, "the lock")
    client.resume_orchestration(holder)
    assert output(holder) == [5, 5]
    eventually(lambda: balance(client, key) == 6, "the signal")
