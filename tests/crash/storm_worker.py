"""Workers for what is done to them in storm.py: stock SDK, several in one process. Not a test.

    storm_worker.py ADDRESS WORKERS

What an orchestration says in the end depends on each of its turns having counted exactly once.
"""

import logging
import sys
from datetime import timedelta
from pathlib import Path

from durabletask import entities, task
from durabletask.worker import ConcurrencyOptions, TaskHubGrpcWorker

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "sdk" / "python"))

from harness import QUICK, serve  # noqa: E402


def square(_, number):
    return number * number


def note(ctx: entities.EntityContext, who):
    """An entity: how often it was told of whom."""
    if ctx.operation != "note":
        raise NotImplementedError(ctx.operation)
    seen = ctx.get_state(dict, {})
    seen[who] = seen.get(who, 0) + 1
    ctx.set_state(seen)
    return seen[who]


def part(ctx: task.OrchestrationContext, order):
    """A child: it tells the entity that it ran."""
    ctx.signal_entity(entities.EntityInstanceId("note", order["entity"]), "note", ctx.instance_id)
    return (yield ctx.call_activity(square, input=order["number"]))


def order(ctx: task.OrchestrationContext, order):
    """Activities at once and in turn, a timer, a child, an entity that is signalled and called."""
    entity = entities.EntityInstanceId("note", order["entity"])
    squares = yield task.when_all([ctx.call_activity(square, input=number) for number in order["numbers"]])
    ctx.signal_entity(entity, "note", ctx.instance_id)
    yield ctx.create_timer(timedelta(milliseconds=order["pause"]))
    total = 0
    for number in squares[:2]:
        total += yield ctx.call_activity(square, input=number)
    child = yield ctx.call_sub_orchestrator(
        part, input={"entity": order["entity"], "number": total % 1000}, instance_id=f"{ctx.instance_id}:part")
    # The entity keeps the order of what one orchestration sends to it: the signal was before this call.
    noted = yield ctx.call_entity(entity, "note", ctx.instance_id)
    return [sum(squares), total, child, noted]


def collect(ctx: task.OrchestrationContext, so_far):
    """Whatever it is sent until it is sent None, over several executions."""
    got = list(so_far)
    for _ in range(4):
        event = yield ctx.wait_for_external_event("next")
        if event is None:
            return got
        got.append(event)
    ctx.continue_as_new(got, save_events=True)


def sleep(ctx: task.OrchestrationContext, _):
    """Ends only because somebody ends it."""
    yield ctx.wait_for_external_event("never")


def main():
    logging.disable(logging.CRITICAL)
    address, count = sys.argv[1], int(sys.argv[2])
    for _ in range(count):
        worker = TaskHubGrpcWorker(
            host_address=address, secure_channel=False, resiliency_options=QUICK,
            concurrency_options=ConcurrencyOptions(maximum_thread_pool_workers=4))
        for orchestrator in (order, part, collect, sleep):
            worker.add_orchestrator(orchestrator)
        worker.add_activity(square)
        worker.add_entity(note)
        worker.use_work_item_filters()
        worker.start()
    serve()


if __name__ == "__main__":
    main()
