"""A worker and a client of the stock SDK in a process that traces itself with OpenTelemetry, which is set for a whole process or not at all.

    python traced_process.py HOST:PORT PREFIX

Runs one orchestration within a span of the caller's own and prints every span as one line of JSON.
"""

import json
import sys

from durabletask.client import TaskHubGrpcClient
from durabletask.worker import TaskHubGrpcWorker
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


def traced_parent(ctx, prefix):
    yield ctx.call_activity(traced_activity, input="parent")
    yield ctx.call_sub_orchestrator(traced_child, instance_id=f"{prefix}-child")


def traced_child(ctx, _):
    yield ctx.call_activity(traced_activity, input="child")


def traced_activity(ctx, who):
    return who


def main(address, prefix):
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    trace.set_tracer_provider(provider)
    server = {"host_address": address, "secure_channel": False}
    with TaskHubGrpcWorker(**server) as worker:
        worker.add_orchestrator(traced_parent)
        worker.add_orchestrator(traced_child)
        worker.add_activity(traced_activity)
        worker.use_work_item_filters()
        worker.start()
        client = TaskHubGrpcClient(**server)
        with trace.get_tracer("test").start_as_current_span("the caller"):
            instance = client.schedule_new_orchestration(traced_parent, input=prefix, instance_id=prefix)
        state = client.wait_for_orchestration_completion(instance, timeout=30)
        assert state.runtime_status.name == "COMPLETED", state
    for span in spans.get_finished_spans():
        print(json.dumps({
            "name": span.name,
            "instance": span.attributes.get("durabletask.task.instance_id"),
            "trace": span.context.trace_id,
            "id": span.context.span_id,
            "parent": span.parent and span.parent.span_id,
            "kind": span.kind.name,
        }))


if __name__ == "__main__":
    main(*sys.argv[1:])
