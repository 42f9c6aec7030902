"""A worker: the code of one orchestration and its activities. Runs until Ctrl+C.

    python worker.py [HOST:PORT]
"""

import sys
import threading
from datetime import timedelta

from durabletask import task
from durabletask.worker import TaskHubGrpcWorker


def price_of(ctx: task.ActivityContext, item: str) -> int:
    return 5 * len(item)


def pay(ctx: task.ActivityContext, amount: int) -> str:
    # An activity runs at least once: after a crash it may run again. The task id is the same then, so a payment service could
    # recognise the repetition.
    return f"paid {amount} ({ctx.orchestration_id}/{ctx.task_id})"


def expense_report(ctx: task.OrchestrationContext, items: list[str]):
    """Prices all items at once; sums above 50 need a decision within a minute; pays, and tries again if that fails."""
    prices = yield task.when_all([ctx.call_activity(price_of, input=item) for item in items])
    total = sum(prices)
    if total > 50:
        ctx.set_custom_status(f"waiting for a decision about {total}")
        decision = ctx.wait_for_external_event("Decision")
        deadline = ctx.create_timer(timedelta(minutes=1))
        first = yield task.when_any([decision, deadline])
        if first is deadline or decision.get_result() is not True:
            return f"refused {total}"
    retry = task.RetryPolicy(first_retry_interval=timedelta(seconds=1), max_number_of_attempts=3)
    return (yield ctx.call_activity(pay, input=total, retry_policy=retry))


if __name__ == "__main__":
    address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7071"
    with TaskHubGrpcWorker(host_address=address, secure_channel=False) as worker:
        worker.add_orchestrator(expense_report)
        worker.add_activity(price_of)
        worker.add_activity(pay)
        # Tells the server which names this worker serves; see "Which worker gets the work" in the README.
        worker.use_work_item_filters()
        worker.start()
        print(f"working for {address}; Ctrl+C ends it")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print("leaving")
