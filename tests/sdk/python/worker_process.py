"""A Python worker in a process of its own, so that it can be killed. Not a test.

    worker_process.py ADDRESS LOG [--prefix NAME] [--block]

It serves the orchestrators `NAME_steps` and `NAME_section`, the activity `NAME_step` and the entity `NAME_tally`, named by
the prefix so that several can live side by side, and appends one line for each thing that happens to LOG, each with a
single write:

    O <stream opened>                                    a work-item stream was opened
    D <stream opened> <now> <instance> <task>            an activity was delivered
    X <now> <pid> <instance> <step>                      an activity ran
    A <stream opened> <now> <instance> <task>            the server answered OK to an activity's completion

`<stream opened>` is the moment the stream was opened over which the item came: a completion whose token is older than
a restart of the server may be ignored with OK, so only A lines within one life of the server prove that a result was
taken. With --block the activity never returns.
"""

import argparse
import os
import sys
import threading
import time

import grpc

from durabletask.entities import EntityInstanceId
from durabletask.worker import ConcurrencyOptions, TaskHubGrpcWorker

from harness import QUICK, serve


class Witness(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    def __init__(self, write):
        self._write = write
        self._opened_by_token = {}
        self._lock = threading.Lock()

    def intercept_unary_unary(self, continuation, details, request):
        call = continuation(details, request)
        method = details.method if isinstance(details.method, str) else details.method.decode()
        if method.endswith("/CompleteActivityTask") and call.exception() is None:
            with self._lock:
                opened = self._opened_by_token.pop(request.completionToken, None)
            if opened is not None:
                self._write("A", opened, time.time(), request.instanceId, request.taskId)
        return call

    def intercept_unary_stream(self, continuation, details, request):
        opened = time.time()
        self._write("O", opened)
        return WitnessedStream(continuation(details, request), lambda item: self._delivered(item, opened))

    def _delivered(self, item, opened):
        if item.HasField("activityRequest"):
            request = item.activityRequest
            with self._lock:
                self._opened_by_token[item.completionToken] = opened
            self._write("D", opened, time.time(), request.orchestrationInstance.instanceId, request.taskId)


class WitnessedStream:
    def __init__(self, call, seen):
        self._call, self._seen = call, seen

    def __iter__(self):
        for item in self._call:
            self._seen(item)
            yield item

    def __getattr__(self, name):
        return getattr(self._call, name)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("address")
    arguments.add_argument("log")
    arguments.add_argument("--prefix", default="process")
    arguments.add_argument("--block", action="store_true")
    options = arguments.parse_args()
    log = os.open(options.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def write(*fields):
        os.write(log, (" ".join(f"{f:.6f}" if isinstance(f, float) else str(f) for f in fields) + "\n").encode())

    def step(ctx, value):
        number, total = value
        write("X", time.time(), os.getpid(), ctx.orchestration_id, number)
        if options.block:
            threading.Event().wait()
        return total + number

    def steps(ctx, count):
        total, results = 0, []
        for number in range(1, count + 1):
            total = yield ctx.call_activity(step, input=[number, total])
            results.append(total)
        return results

    def section(ctx, entity):
        tally_id = EntityInstanceId.parse(entity)
        with (yield ctx.lock_entities([tally_id])):
            before = yield ctx.call_entity(tally_id, "add", 1)
            yield ctx.call_activity(step, input=[0, 0])
            return [before, (yield ctx.call_entity(tally_id, "add", 1))]

    def tally(ctx, amount):
        ctx.set_state(ctx.get_state(int, 0) + amount)
        return ctx.get_state(int)

    for function in (step, steps, section, tally):
        function.__name__ = f"{options.prefix}_{function.__name__}"
    worker = TaskHubGrpcWorker(
        host_address=options.address, secure_channel=False, interceptors=[Witness(write)], resiliency_options=QUICK,
        concurrency_options=ConcurrencyOptions(maximum_thread_pool_workers=8))
    worker.add_orchestrator(steps)
    worker.add_orchestrator(section)
    worker.add_activity(step)
    worker.add_entity(tally)
    worker.use_work_item_filters()
    worker.start()
    serve()


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    main()
