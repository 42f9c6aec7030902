"""Worker and client in one process, through durabletask.azuremanaged: the flavour that names a task hub.

    python managed.py [URL] [HUB]
"""

import sys

from durabletask import task
from durabletask.azuremanaged.client import DurableTaskSchedulerClient
from durabletask.azuremanaged.worker import DurableTaskSchedulerWorker

url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7071"
hub = sys.argv[2] if len(sys.argv) > 2 else "default"
server = {"host_address": url, "taskhub": hub, "token_credential": None, "secure_channel": False}


def say_hello(ctx: task.ActivityContext, name: str) -> str:
    return f"Hello, {name}!"


def hello(ctx: task.OrchestrationContext, name: str):
    return (yield ctx.call_activity(say_hello, input=name))


with DurableTaskSchedulerWorker(**server) as worker:
    worker.add_orchestrator(hello)
    worker.add_activity(say_hello)
    worker.start()
    client = DurableTaskSchedulerClient(**server)
    instance_id = client.schedule_new_orchestration(hello, input="Oslo")
    state = client.wait_for_orchestration_completion(instance_id, timeout=30)
    print(state.runtime_status.name, state.serialized_output)
