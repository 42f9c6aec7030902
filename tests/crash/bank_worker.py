"""A bank on the stock SDK: accounts are entities, a transfer locks two of them. One process, several workers.

Usage: bank_worker.py ADDRESS WORKERS
"""

import logging
import sys
import time

from durabletask import entities, task, worker


class Vault(entities.DurableEntity):
    """How much there is, and how often something came in and went out."""

    def _book(self, change, column):
        state = self.get_state(dict, {"balance": 0, "in": 0, "out": 0})
        if state["balance"] + change < 0:
            raise ValueError("not enough")
        state["balance"] += change
        state[column] += 1
        self.set_state(state)
        return state["balance"]

    def open(self, amount):
        self.set_state({"balance": amount, "in": 0, "out": 0})

    def deposit(self, amount):
        return self._book(amount, "in")

    def withdraw(self, amount):
        return self._book(-amount, "out")


def transfer(context: task.OrchestrationContext, order):
    source = entities.EntityInstanceId("vault", order["from"])
    target = entities.EntityInstanceId("vault", order["to"])
    with (yield context.lock_entities([source, target])):
        try:
            left = yield context.call_entity(source, "withdraw", order["amount"])
        except Exception:
            return "refused"
        now = yield context.call_entity(target, "deposit", order["amount"])
    return [left, now]


def main():
    logging.disable(logging.CRITICAL)
    address, count = sys.argv[1], int(sys.argv[2])
    workers = []
    for _ in range(count):
        each = worker.TaskHubGrpcWorker(host_address=address)
        each.add_orchestrator(transfer)
        each.add_entity(Account)
        each.start()
        workers.append(each)
    print("serving", flush=True)
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()
