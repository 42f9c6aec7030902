"""The orchestration, and the activity that adds up. Runs until it is ended.

    python worker.py [HOST:PORT]
"""

import sys
import threading
from itertools import pairwise

from durabletask import task
from durabletask.worker import TaskHubGrpcWorker


def plan_trip(ctx: task.OrchestrationContext, cities: list[str]):
    """Everything it calls by a text lives in another language. It neither knows nor cares which."""
    greetings = yield ctx.call_sub_orchestrator("HelloCities")
    legs = [ctx.call_activity("Distance", input={"from": a, "to": b}) for a, b in pairwise(cities)]
    stays = [ctx.call_activity("HotelPrice", input={"city": city, "nights": 2}) for city in cities]
    kilometres = yield task.when_all(legs)
    prices = yield task.when_all(stays)
    total = yield ctx.call_activity(add_up, input=prices)
    cost = yield ctx.call_activity("formatMoney", input=total)
    return {"rust": greetings, "go": kilometres, "java": prices, "python": total, "javascript": cost}


def add_up(ctx: task.ActivityContext, numbers: list[int]) -> int:
    return sum(numbers)


if __name__ == "__main__":
    address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7071"
    with TaskHubGrpcWorker(host_address=address, secure_channel=False) as worker:
        worker.add_orchestrator(plan_trip)
        worker.add_activity(add_up)
        worker.use_work_item_filters()
        worker.start()
        threading.Event().wait()
