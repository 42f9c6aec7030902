"""Many instances at once: queries in pages, ids of ended ones, purges by filter and batch."""

import base64
from datetime import datetime, timedelta, timezone

import grpc
import pytest
from google.protobuf import duration_pb2

import durabletask.internal.orchestrator_service_pb2 as pb
from durabletask.client import OrchestrationQuery, OrchestrationStatus

from harness import Registry, refused, string_value, unique

registry = Registry()


@registry.orchestrator
def echo(ctx, value):
    ctx.set_custom_status("echoing")
    return value


@registry.orchestrator
def waits(ctx, _):
    return (yield ctx.wait_for_external_event("go"))


@registry.orchestrator
def fails(ctx, _):
    raise RuntimeError("on purpose")


@registry.orchestrator
def has_children(ctx, children):
    for child in children:
        yield ctx.call_sub_orchestrator(echo, input="c", instance_id=child)


@pytest.fixture(autouse=True)
def running(worker):
    pass


@pytest.fixture
def prefix():
    return unique("q") + "%_"


def ended(client, instance, orchestrator=echo, value="v"):
    client.schedule_new_orchestration(orchestrator, input=value, instance_id=instance)
    return client.wait_for_orchestration_completion(instance, timeout=20)


def live(client, instance):
    client.schedule_new_orchestration(waits, instance_id=instance)
    client.wait_for_orchestration_start(instance, timeout=20)


def found(client, **query):
    return [state.instance_id for state in client.get_all_orchestration_states(OrchestrationQuery(**query))]


def created(client, instance):
    return client.get_orchestration_state(instance).created_at


def test_all_pages_are_followed_and_meet_each_instance_once(client, prefix):
    ids = [f"{prefix}{number}" for number in range(7)]
    for instance in ids:
        ended(client, instance)
    for size in (1, 3, 7, 100, (1 << 31) - 1):
        assert found(client, instance_id_prefix=prefix, max_instance_count=size) == ids
    assert found(client, instance_id_prefix=prefix.upper()) == []


def test_filters(client, prefix):
    a, b, c = f"{prefix}a", f"{prefix}b", f"{prefix}c"
    ended(client, a)
    ended(client, b, fails)
    live(client, c)
    of = {"instance_id_prefix": prefix}
    assert found(client, runtime_status=[OrchestrationStatus.COMPLETED], **of) == [a]
    assert found(client, runtime_status=[OrchestrationStatus.FAILED, OrchestrationStatus.RUNNING], **of) == [b, c]
    assert found(client, runtime_status=[OrchestrationStatus.SUSPENDED], **of) == []
    second = created(client, b).replace(tzinfo=timezone.utc)
    assert found(client, created_time_from=second, **of) == [b, c]
    assert found(client, created_time_to=second, **of) == [a], "the end of the range is not part of it"
    client.raise_orchestration_event(c, "go")


def test_payloads_come_when_asked_for(client, prefix):
    ended(client, f"{prefix}a", value="in and out")
    ended(client, f"{prefix}b", fails)
    query = {"instance_id_prefix": prefix}
    full, failed = client.get_all_orchestration_states(OrchestrationQuery(fetch_inputs_and_outputs=True, **query))
    assert (full.get_input(), full.get_output(), full.get_custom_status()) == ("in and out", "in and out", "echoing")
    assert "on purpose" in failed.failure_details.message
    narrow, failed = client.get_all_orchestration_states(OrchestrationQuery(**query))
    assert (narrow.serialized_input, narrow.serialized_output, narrow.serialized_custom_status) == (None, None, None)
    assert "on purpose" in failed.failure_details.message


def test_a_page_of_large_instances_is_cut_and_goes_on(client, stub, prefix):
    ids = [f"{prefix}{number}" for number in range(5)]
    for instance in ids:
        ended(client, instance, value="x" * 700_000)
    query = pb.InstanceQuery(instanceIdPrefix=string_value(prefix), fetchInputsAndOutputs=True)
    met, pages = [], []
    while True:
        answer = stub.QueryInstances(pb.QueryInstancesRequest(query=query))
        assert answer.ByteSize() < 4 << 20
        met += [state.instanceId for state in answer.orchestrationState]
        if not answer.HasField("continuationToken"):
            break
        assert answer.continuationToken.value not in ("", "0", *pages)
        pages.append(answer.continuationToken.value)
        query.continuationToken.CopyFrom(answer.continuationToken)
    assert met == ids
    assert len(pages) >= 2


@pytest.mark.parametrize("token", ["0", "x", base64.b64encode(b"a place").decode(), "0100"])
def test_tokens_of_others_are_refused(stub, token):
    with refused(grpc.StatusCode.INVALID_ARGUMENT):
        query = pb.InstanceQuery(continuationToken=string_value(token))
        stub.QueryInstances(pb.QueryInstancesRequest(query=query))
    with refused(grpc.StatusCode.INVALID_ARGUMENT):
        stub.ListInstanceIds(pb.ListInstanceIdsRequest(lastInstanceKey=string_value(token)))


def test_a_token_is_good_for_its_own_list_only(client, stub, prefix):
    for name in "ab":
        ended(client, prefix + name)
    query = pb.InstanceQuery(instanceIdPrefix=string_value(prefix), maxInstanceCount=1)
    by_creation = stub.QueryInstances(pb.QueryInstancesRequest(query=query)).continuationToken
    by_end = stub.ListInstanceIds(pb.ListInstanceIdsRequest(pageSize=1)).lastInstanceKey
    with refused(grpc.StatusCode.INVALID_ARGUMENT):
        stub.ListInstanceIds(pb.ListInstanceIdsRequest(lastInstanceKey=by_creation))
    with refused(grpc.StatusCode.INVALID_ARGUMENT):
        stub.QueryInstances(pb.QueryInstancesRequest(query=pb.InstanceQuery(continuationToken=by_end)))


def test_ids_of_ended_instances_come_in_the_order_of_their_end(client, prefix):
    begun = datetime.now(timezone.utc) - timedelta(seconds=1)
    a, b, c, d = (f"{prefix}{name}" for name in "abcd")
    live(client, a)
    ended(client, b)
    ended(client, c, fails)
    client.raise_orchestration_event(a, "go")
    client.wait_for_orchestration_completion(a, timeout=20)
    live(client, d)
    token, met = None, []
    while True:
        page = client.list_instance_ids(completed_time_from=begun, page_size=2, continuation_token=token)
        assert len(page.items) <= 2
        met += [instance for instance in page.items if instance.startswith(prefix)]
        token = page.continuation_token
        if token is None:
            break
    assert met == [b, c, a]
    failed = client.list_instance_ids(runtime_status=[OrchestrationStatus.FAILED], completed_time_from=begun)
    assert [instance for instance in failed.items if instance.startswith(prefix)] == [c]
    assert client.list_instance_ids(completed_time_to=begun - timedelta(days=9999)).items == []
    client.raise_orchestration_event(d, "go")


def test_purge_by_filter_spares_what_lives(client, prefix):
    a, b, c, d = (f"{prefix}{name}" for name in "abcd")
    ended(client, a)
    begin = created(client, a).replace(tzinfo=timezone.utc) + timedelta(microseconds=1)
    ended(client, b)
    ended(client, c, fails)
    live(client, d)
    failed = client.purge_orchestrations_by(created_time_from=begin, runtime_status=[OrchestrationStatus.FAILED])
    assert (failed.deleted_instance_count, failed.is_complete) == (1, True)
    running = client.purge_orchestrations_by(created_time_from=begin, runtime_status=[OrchestrationStatus.RUNNING])
    assert (running.deleted_instance_count, running.is_complete) == (0, True)
    rest = client.purge_orchestrations_by(created_time_from=begin)
    assert (rest.deleted_instance_count, rest.is_complete) == (1, True)
    assert found(client, instance_id_prefix=prefix) == [a, d]
    client.raise_orchestration_event(d, "go")
    client.wait_for_orchestration_completion(d, timeout=20)


def test_a_purge_without_time_says_that_it_is_not_complete_and_goes_on(client, stub, prefix):
    ids = [f"{prefix}{number}" for number in range(103)]
    for instance in ids:
        client.schedule_new_orchestration(echo, input="v", instance_id=instance)
    for instance in ids:
        client.wait_for_orchestration_completion(instance, timeout=20)
    filter = pb.PurgeInstanceFilter(timeout=duration_pb2.Duration())
    filter.createdTimeFrom.FromDatetime(created(client, ids[0]))
    first, second = (stub.PurgeInstances(pb.PurgeInstancesRequest(purgeInstanceFilter=filter)) for _ in range(2))
    assert (first.deletedInstanceCount, first.isComplete.value) == (100, False)
    assert (second.deletedInstanceCount, second.isComplete.value) == (3, True)


@pytest.mark.parametrize("recursive", [False, True])
def test_a_recursive_purge_by_filter_takes_the_children(client, prefix, recursive):
    parent, early, late = f"{prefix}parent", f"{prefix}early", f"{prefix}late"
    ended(client, parent, has_children, [early, late])
    begin = created(client, parent).replace(tzinfo=timezone.utc)
    purged = client.purge_orchestrations_by(
        created_time_from=begin, created_time_to=begin + timedelta(microseconds=1), recursive=recursive)
    assert (purged.deleted_instance_count, purged.is_complete) == (3 if recursive else 1, True)
    assert found(client, instance_id_prefix=prefix) == ([] if recursive else [early, late])


def test_a_batch_counts_what_was_there_and_had_ended(client, stub, prefix):
    a, b, c = f"{prefix}a", f"{prefix}b", f"{prefix}c"
    ended(client, a)
    ended(client, b)
    live(client, c)
    batch = pb.InstanceBatch(instanceIds=[a, c, "no-such-instance", b, a])
    purged = stub.PurgeInstances(pb.PurgeInstancesRequest(instanceBatch=batch))
    assert (purged.deletedInstanceCount, purged.isComplete.value) == (2, True)
    assert found(client, instance_id_prefix=prefix) == [c]
    with refused(grpc.StatusCode.INVALID_ARGUMENT):
        batch = pb.InstanceBatch(instanceIds=["x"] * 501)
        stub.PurgeInstances(pb.PurgeInstancesRequest(instanceBatch=batch))
    with refused(grpc.StatusCode.INVALID_ARGUMENT):
        stub.PurgeInstances(pb.PurgeInstancesRequest())
    client.raise_orchestration_event(c, "go")
