"""A client: starts two expense reports and decides about the one that asks for it.

    python client.py [HOST:PORT]
"""

import sys

from durabletask.client import TaskHubGrpcClient

address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7071"
client = TaskHubGrpcClient(host_address=address, secure_channel=False)

small = client.schedule_new_orchestration("expense_report", input=["tea"])
large = client.schedule_new_orchestration("expense_report", input=["train ticket", "hotel"])
client.raise_orchestration_event(large, "Decision", data=True)

for name, instance_id in [("small", small), ("large", large)]:
    state = client.wait_for_orchestration_completion(instance_id, timeout=30)
    print(f"{name}: {state.runtime_status.name} {state.serialized_output}")
