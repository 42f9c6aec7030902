"""Entities with the stock SDK: operations, their results and failures, what a state may be, and what entities do themselves."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest

from durabletask import task
from durabletask.client import OrchestrationStatus
from durabletask.entities import DurableEntity, EntityInstanceId

from harness import Registry, eventually

pytestmark = pytest.mark.beyond_memory("keeps entities in another way")

registry = Registry()


@registry.entity
class Counter(DurableEntity):
    def add(self, amount):
        self.set_state(self.get_state(int, 0) + amount)
        return self.get_state(int)

    def get(self):
        return self.get_state(int, 0)

    def add_and_fail(self, amount):
        self.add(amount)
        self.signal_entity(self.entity_context.entity_id, "add", 1000)
        raise ValueError(f"no more than {amount}: ü")

    def tell(self, target):
        self.signal_entity(EntityInstanceId("journal", target), "note", self.get())

    def tell_later(self, target):
        at = datetime.now(timezone.utc) + timedelta(milliseconds=400)
        self.signal_entity(EntityInstanceId("journal", target), "note", ["told", at.isoformat()], at)

    def start(self, instance):
        return self.schedule_new_orchestration("echoes", [self.get(), "from the counter"], instance)


@registry.entity
def journal(ctx, value):
    """A function as an entity: it keeps what it was told, in order."""
    match ctx.operation:
        case "note":
            ctx.set_state([*ctx.get_state(list, []), value])
        case "note_time":
            ctx.set_state([*ctx.get_state(list, []), [value, datetime.now(timezone.utc).isoformat()]])
        case "read":
            return ctx.get_state(list, [])
        case operation:
            raise NotImplementedError(operation)


@registry.entity
def keeper(ctx, value):
    """Keeps whatever it is given."""
    if ctx.operation == "set":
        ctx.set_state(value)
    return ctx.get_state()


@registry.orchestrator
def echoes(ctx, value):
    return value


@registry.orchestrator
def calls(ctx, wanted):
    """Calls in order, each when the one before has answered."""
    results = []
    for entity, operation, value in wanted:
        try:
            results.append((yield ctx.call_entity(EntityInstanceId.parse(entity), operation, value)))
        except task.TaskFailedError as error:
            inner = error.details.inner_failure
            results.append({"type": inner.error_type, "message": inner.message})
    return results


@registry.orchestrator
def fails_with_its_entity(ctx, entity):
    yield ctx.call_entity(EntityInstanceId.parse(entity), "add_and_fail", 7)


@registry.orchestrator
def tells_in_order(ctx, wanted):
    """Signals and calls in one turn; the last call sees all of them."""
    entity, count = EntityInstanceId.parse(wanted[0]), wanted[1]
    pending = []
    for number in range(count):
        if number % 3 == 2:
            pending.append(ctx.call_entity(entity, "note", number))
        else:
            ctx.signal_entity(entity, "note", number)
    yield task.when_all(pending)
    return (yield ctx.call_entity(entity, "read"))


@registry.orchestrator
def tells_later(ctx, entity):
    at = ctx.current_utc_datetime + timedelta(seconds=2)
    ctx.signal_entity(EntityInstanceId.parse(entity), "note_time", f"{at.isoformat()}+00:00", at)
    ctx.signal_entity(EntityInstanceId.parse(entity), "note_time", "at once")


@registry.orchestrator
def adds_many(ctx, wanted):
    for _ in range(wanted[1]):
        ctx.signal_entity(EntityInstanceId.parse(wanted[0]), "add", 1)
    yield ctx.create_timer(ctx.current_utc_datetime)


@pytest.fixture(autouse=True)
def running(worker):
    pass


@pytest.fixture
def entity(new_id):
    return lambda name, suffix="": EntityInstanceId(name, new_id(suffix))


def value(client, entity):
    found = client.get_entity(entity)
    return found and found.get_typed_state()


def becomes(client, entity, wanted, timeout=20):
    def probe():
        now = value(client, entity)
        assert now == wanted, now
        return True
    eventually(probe, f"{entity} to be {str(wanted)[:100]}", timeout)


def output(client, orchestrator, input, new_id, **options):
    instance = client.schedule_new_orchestration(orchestrator, input=input, instance_id=new_id(), **options)
    state = client.wait_for_orchestration_completion(instance, timeout=30)
    assert state.runtime_status == OrchestrationStatus.COMPLETED, state
    return state.get_output()


# --------------------------------------------------------------------------------------- operations

def test_a_counter_by_signal_and_by_call(client, entity, new_id):
    counter = entity("Counter")
    assert client.get_entity(counter) is None
    client.signal_entity(counter, "add", 5)
    client.signal_entity(counter, "add", -2)
    becomes(client, counter, 3)
    assert output(client, calls, [[str(counter), "add", 10], [str(counter), "get", None]], new_id) == [13, 13]
    found = client.get_entity(counter)
    assert (found.id, found.backlog_queue_size, found.get_typed_state()) == (counter, 0, 13)
    assert abs((datetime.now(timezone.utc) - found.last_modified).total_seconds()) < 60
    assert client.get_entity(counter, include_state=False).get_state() is None


def test_a_function_as_an_entity(client, entity, new_id):
    book = entity("journal")
    for note in ("a", None, {"b": [1]}):
        client.signal_entity(book, "note", note)
    becomes(client, book, ["a", None, {"b": [1]}])
    assert output(client, calls, [[str(book), "read", None]], new_id) == [["a", None, {"b": [1]}]]


def test_names_are_one_in_any_case_and_keys_are_not(client, stub, entity):
    counter = entity("COUNTER", "Key")
    assert str(counter).startswith("@counter@")
    client.signal_entity(counter, "add", 1)
    becomes(client, counter, 1)
    assert client.get_entity(EntityInstanceId("counter", counter.key.upper())) is None


def test_a_failure_can_be_caught_and_rolls_its_state_back(client, entity, new_id):
    counter = entity("counter")
    results = output(client, calls, [
        [str(counter), "add", 1], [str(counter), "add_and_fail", 100], [str(counter), "add", 1],
        [str(counter), "no_such_thing", None], [str(entity("nobody")), "get", None]], new_id)
    assert [results[0], results[2]] == [1, 2], "neither the state nor the signal of what failed counts"
    assert results[1] == {"type": "builtins.ValueError", "message": "no more than 100: ü"}
    assert results[3]["type"] == "builtins.AttributeError" and "no_such_thing" in results[3]["message"]
    assert "EntityNotRegisteredError" in results[4]["type"] and "nobody" in results[4]["message"]


def test_a_failure_that_nobody_catches_fails_the_orchestration(client, entity, new_id):
    instance = client.schedule_new_orchestration(
        fails_with_its_entity, input=str(entity("counter")), instance_id=new_id())
    state = client.wait_for_orchestration_completion(instance, timeout=20)
    assert state.runtime_status == OrchestrationStatus.FAILED
    assert "no more than 7: ü" in state.failure_details.message


def test_a_failed_signal_harms_nobody(client, entity):
    counter = entity("counter")
    client.signal_entity(counter, "add_and_fail", 100)
    client.signal_entity(counter, "no_such_thing")
    client.signal_entity(counter, "add", 1)
    becomes(client, counter, 1)


@pytest.mark.parametrize("kept", [
    0, -1, 2**53, 1.5, True, False, "", "text", "ünï 漢字 \U0001f600 \x00 \"\\", [], [1, [None]], {}, {"a": {"b": 1}, "ü": None},
    "l" * 900_000], ids=lambda kept: f"{type(kept).__name__}-{str(kept)[:8]!a}")
def test_a_state_of_any_type_comes_back_as_it_was(client, entity, new_id, kept):
    one = entity("keeper")
    assert output(client, calls, [[str(one), "set", kept], [str(one), "look", None]], new_id) == [kept, kept]
    assert value(client, one) == kept


def test_without_a_state_an_entity_is_gone(client, entity, new_id):
    one = entity("keeper")
    assert output(client, calls, [[str(one), "set", 1]], new_id) == [1]
    assert client.get_entity(one) is not None
    assert output(client, calls, [[str(one), "set", None], [str(one), "look", None]], new_id) == [None, None]
    assert client.get_entity(one) is None
    counter = entity("counter")
    client.signal_entity(counter, "add", 4)
    becomes(client, counter, 4)
    client.signal_entity(counter, "delete")
    eventually(lambda: client.get_entity(counter) is None, "the entity to be gone")
    client.signal_entity(counter, "add", 1)
    becomes(client, counter, 1)


# --------------------------------------------------------------------------------------- order, time, number

def test_what_one_orchestration_sends_runs_in_order(client, entity, new_id):
    assert output(client, tells_in_order, [str(entity("journal")), 150], new_id) == list(range(150))


def test_a_signal_for_later_waits(client, entity):
    book = entity("journal")
    at = datetime.now(timezone.utc) + timedelta(seconds=2)
    client.signal_entity(book, "note_time", at.isoformat(), signal_time=at)
    client.signal_entity(book, "note_time", "at once")
    early = eventually(lambda: value(client, book), "the first signal")
    waiting = client.get_entity(book).backlog_queue_size
    # On a machine that stalls for so long there is no more to see of the time before.
    if datetime.now(timezone.utc) < at:
        assert ([what for what, _ in early], waiting) == (["at once"], 1)
    after_its_time(client, book, 2)


def test_an_orchestration_signals_for_later(client, entity, new_id):
    book = entity("journal")
    output(client, tells_later, str(book), new_id)
    after_its_time(client, book, 2)


def after_its_time(client, book, count):
    notes = eventually(lambda: len(value(client, book) or []) == count and value(client, book), "the late signal")
    late, = [note for note in notes if note[0] != "at once"]
    due, ran = map(datetime.fromisoformat, late)
    assert timedelta(0) <= ran - due < timedelta(seconds=60), notes


def test_a_thousand_signals_of_fifty_senders_count_once_each(client, entity, new_id):
    counter = entity("counter")
    flows = [client.schedule_new_orchestration(adds_many, input=[str(counter), 20], instance_id=new_id(str(number)))
             for number in range(25)]
    with ThreadPoolExecutor(25) as pool:
        list(pool.map(lambda _: [client.signal_entity(counter, "add", 1) for _ in range(20)], range(25)))
    for flow in flows:
        client.wait_for_orchestration_completion(flow, timeout=30)
    becomes(client, counter, 1000)
    assert client.get_entity(counter).backlog_queue_size == 0


# --------------------------------------------------------------------------------------- what entities do

def test_an_entity_signals_another(client, entity):
    counter, book = entity("counter"), entity("journal")
    for _ in range(5):
        client.signal_entity(counter, "add", 1)
        client.signal_entity(counter, "tell", book.key)
    becomes(client, book, [1, 2, 3, 4, 5])


def test_an_entity_signals_for_later(client, entity):
    counter, book = entity("counter"), entity("journal")
    client.signal_entity(counter, "tell_later", book.key)
    seen = eventually(lambda: value(client, book), "the signal")
    assert datetime.now(timezone.utc) >= datetime.fromisoformat(seen[0][1])


def test_an_entity_starts_an_orchestration(client, entity, new_id):
    counter, instance = entity("counter"), new_id()
    client.signal_entity(counter, "add", 3)
    assert output(client, calls, [[str(counter), "start", instance]], new_id) == [instance]
    state = eventually(lambda: client.get_orchestration_state(instance), "the orchestration")
    state = client.wait_for_orchestration_completion(instance, timeout=20)
    assert (state.name, state.get_output()) == ("echoes", [3, "from the counter"])
    # Started again under an id that is taken: nothing happens.
    assert output(client, calls, [[str(counter), "add", 1], [str(counter), "start", instance]], new_id) == [4, instance]
    assert client.get_orchestration_state(instance).created_at == state.created_at
