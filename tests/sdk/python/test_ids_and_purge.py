"""Starting an id that exists, and taking instances away."""

import grpc
import pytest

import durabletask.internal.orchestrator_service_pb2 as pb
from durabletask.client import OrchestrationStatus

from harness import Registry, eventually, refused

registry = Registry()

COMPLETED, FAILED, TERMINATED = (
    pb.ORCHESTRATION_STATUS_COMPLETED, pb.ORCHESTRATION_STATUS_FAILED, pb.ORCHESTRATION_STATUS_TERMINATED)
LIVE = [pb.ORCHESTRATION_STATUS_RUNNING, pb.ORCHESTRATION_STATUS_PENDING, pb.ORCHESTRATION_STATUS_SUSPENDED]


@registry.orchestrator
def echo(ctx, value):
    return value


@registry.orchestrator
def waits(ctx, _):
    return (yield ctx.wait_for_external_event("go"))


@registry.orchestrator
def fails(ctx, _):
    raise RuntimeError("on purpose")


@registry.orchestrator
def has_children(ctx, _):
    for number in range(2):
        yield ctx.call_sub_orchestrator(echo, input=number)
    return "done"


@pytest.fixture(autouse=True)
def running(worker):
    pass


def policy(*statuses, go_action=None):
    made = pb.OrchestrationIdReusePolicy(replaceableStatus=statuses)
    if go_action is not None:
        # Field 2 of the older message that Go clients send; the SDK's own message does not know it.
        made.MergeFromString(bytes([0x10, go_action]))
    return made


IGNORE, TERMINATE = 1, 2


def ended(client, instance, orchestrator=echo, value="old"):
    client.schedule_new_orchestration(orchestrator, input=value, instance_id=instance)
    return client.wait_for_orchestration_completion(instance, timeout=20)


def live(client, instance):
    client.schedule_new_orchestration(waits, instance_id=instance)
    client.wait_for_orchestration_start(instance, timeout=20)
    return instance


def start_again(client, instance, reuse=None):
    return client.schedule_new_orchestration(echo, input="new", instance_id=instance, reuse_id_policy=reuse)


def output(client, instance):
    return client.wait_for_orchestration_completion(instance, timeout=20).get_output()


def test_a_live_id_is_refused(client, new_id):
    instance = live(client, new_id())
    with refused(grpc.StatusCode.ALREADY_EXISTS):
        start_again(client, instance)
    client.raise_orchestration_event(instance, "go", data="first")
    assert output(client, instance) == "first"


@pytest.mark.beyond_memory("refuses ended ids as well")
@pytest.mark.parametrize("orchestrator", [echo, fails])
def test_an_ended_id_is_replaced(client, new_id, orchestrator):
    instance = new_id()
    old = ended(client, instance, orchestrator)
    start_again(client, instance)
    state = client.wait_for_orchestration_completion(instance, timeout=20)
    assert state.get_output() == "new" and state.failure_details is None
    assert state.created_at >= old.last_updated_at


def test_an_ended_id_with_its_status_listed_is_replaced(client, new_id):
    instance = new_id()
    ended(client, instance)
    start_again(client, instance, policy(COMPLETED))
    assert output(client, instance) == "new"


def test_an_ended_id_without_its_status_listed_is_refused(client, new_id):
    instance = new_id()
    ended(client, instance)
    with refused(grpc.StatusCode.ALREADY_EXISTS):
        start_again(client, instance, policy(FAILED, TERMINATED))
    assert output(client, instance) == "old"


def test_an_empty_policy_refuses_every_id_that_exists(client, new_id):
    instance = new_id()
    ended(client, instance)
    with refused(grpc.StatusCode.ALREADY_EXISTS):
        start_again(client, instance, policy())
    assert start_again(client, new_id("fresh"), policy())


@pytest.mark.beyond_memory("forgets the policy's effect on work in flight")
def test_a_live_id_with_its_status_listed_is_ended_and_replaced(client, new_id):
    instance = live(client, new_id())
    start_again(client, instance, policy(*LIVE, TERMINATED))
    assert output(client, instance) == "new"


def test_a_live_id_without_its_status_listed_is_refused(client, new_id):
    instance = live(client, new_id())
    with refused(grpc.StatusCode.ALREADY_EXISTS):
        start_again(client, instance, policy(COMPLETED, FAILED, TERMINATED))


@pytest.mark.beyond_memory("does not know the older message")
def test_ignore_answers_ok_and_starts_nothing(client, new_id):
    instance = live(client, new_id())
    assert start_again(client, instance, policy(*LIVE, go_action=IGNORE)) == instance
    client.raise_orchestration_event(instance, "go", data="first")
    assert output(client, instance) == "first"
    assert start_again(client, instance, policy(COMPLETED, go_action=IGNORE)) == instance
    assert output(client, instance) == "first"


@pytest.mark.beyond_memory("does not know the older message")
def test_ignore_for_another_status_refuses(client, new_id):
    instance = live(client, new_id())
    with refused(grpc.StatusCode.ALREADY_EXISTS):
        start_again(client, instance, policy(COMPLETED, go_action=IGNORE))


@pytest.mark.beyond_memory("does not know the older message")
def test_terminate_replaces_the_live_instance(client, new_id):
    instance = live(client, new_id())
    start_again(client, instance, policy(*LIVE, go_action=TERMINATE))
    assert output(client, instance) == "new"


@pytest.mark.beyond_memory("forgets waiters of replaced instances")
def test_a_wait_outlives_the_replacement(client, new_id):
    """Who waits for the end of an id sees the end of the old or of the new run, but does not hang."""
    import threading
    instance = live(client, new_id())
    seen = []
    waiting = threading.Thread(target=lambda: seen.append(
        client.wait_for_orchestration_completion(instance, timeout=20)), daemon=True)
    waiting.start()
    start_again(client, instance, policy(*LIVE, TERMINATED))
    waiting.join(20)
    assert seen and seen[0].runtime_status in (OrchestrationStatus.COMPLETED, OrchestrationStatus.TERMINATED)


def test_purging_an_ended_instance_takes_it_away(client, new_id):
    instance = new_id()
    ended(client, instance)
    result = client.purge_orchestration(instance)
    assert result.deleted_instance_count == 1 and result.is_complete is True
    assert client.get_orchestration_state(instance) is None
    assert client.purge_orchestration(instance).deleted_instance_count == 0
    start_again(client, instance)
    assert output(client, instance) == "new"


def test_purging_a_live_or_missing_instance_deletes_nothing(client, new_id):
    instance = live(client, new_id())
    assert client.purge_orchestration(instance).deleted_instance_count == 0
    assert client.purge_orchestration(new_id("missing")).deleted_instance_count == 0
    client.raise_orchestration_event(instance, "go", data=1)
    assert output(client, instance) == 1


@pytest.mark.beyond_memory("has no recursive purge")
def test_purging_takes_the_children_along_when_asked(client, new_id):
    instance = new_id()
    ended(client, instance, has_children)
    children = [f"{instance}:0001", f"{instance}:0002"]
    assert all(client.get_orchestration_state(child) for child in children)
    assert client.purge_orchestration(instance, recursive=True).deleted_instance_count == 3
    assert not any(client.get_orchestration_state(child) for child in children)


def test_purging_leaves_the_children_when_not_asked(client, new_id):
    instance = new_id()
    ended(client, instance, has_children)
    assert client.purge_orchestration(instance, recursive=False).deleted_instance_count == 1
    assert client.get_orchestration_state(f"{instance}:0001") is not None


@pytest.mark.beyond_memory("takes any id")
@pytest.mark.parametrize("instance", ["@entity@key", "x" * 10_000, "line\nbreak"])
def test_impossible_ids_are_refused(client, instance):
    with refused(grpc.StatusCode.INVALID_ARGUMENT):
        start_again(client, instance)


def test_ids_may_hold_blanks_and_any_letters(client, new_id):
    instance = new_id("blank ünïcode 漢字 a+b")
    start_again(client, instance)
    assert output(client, instance) == "new"


def test_ids_are_case_sensitive(client, new_id):
    lower = new_id("case")
    ended(client, lower)
    assert client.get_orchestration_state(lower.upper()) is None


@pytest.mark.beyond_memory("races on its lists")
def test_of_many_starts_of_one_id_one_wins(client, new_id):
    from concurrent.futures import ThreadPoolExecutor
    instance = new_id()

    def attempt(_):
        try:
            return client.schedule_new_orchestration(waits, instance_id=instance) and "started"
        except grpc.RpcError as error:
            return error.code()
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(attempt, range(64)))
    assert answers.count("started") == 1
    assert answers.count(grpc.StatusCode.ALREADY_EXISTS) == 63
    eventually(lambda: client.get_orchestration_state(instance), "the instance")
