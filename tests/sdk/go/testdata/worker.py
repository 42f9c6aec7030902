"""A worker of the stock Python SDK that serves one activity for a Go orchestrator: worker.py ADDRESS."""

import os
import sys
import time

from durabletask.worker import TaskHubGrpcWorker


def who(ctx, key):
    return "Python"


worker = TaskHubGrpcWorker(host_address=sys.argv[1], secure_channel=False)
worker.add_activity(who)
worker.use_work_item_filters()
worker.start()
print("serving", flush=True)
parent = os.getppid()
while os.getppid() == parent:
    time.sleep(0.2)
os._exit(0)
