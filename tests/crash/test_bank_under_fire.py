"""Money moves between entities in critical sections while connections are cut every second and the server is killed ten
times. None is lost or made, each transfer happened once or not at all, and no account stays locked.
"""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flaky import Proxy
from harness import eventually, new_client

TRANSFERS = int(os.environ.get("DURAHUB_TRANSFERS", "1000"))
KILLS = int(os.environ.get("DURAHUB_TRANSFER_KILLS", "10"))
ACCOUNTS = [f"a{number:02}" for number in range(20)]
OPENING = 100
TERMINAL = ("Completed", "Failed", "Terminated", "Canceled")
# Two minutes for a thousand transfers on a quiet machine.
SECONDS = 200 + TRANSFERS


@pytest.fixture
def network(server):
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()


@pytest.fixture
def workers(network, tmp_path):
    """Eight workers in two processes, behind the network."""
    script = Path(__file__).with_name("bank_worker.py")
    with open(tmp_path / "bank.stderr", "wb") as errors:
        command = [sys.executable, str(script), f"127.0.0.1:{network.port}", "4"]
        processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) for _ in range(2)]
        for process in processes:
            assert process.stdout.readline().strip() == b"serving"
        yield processes
        for process in processes:
            process.kill()
            process.wait(10)
            process.stdout.close()


def entity(client, account, read_state=True):
    from durabletask import entities
    return client.get_entity(entities.EntityInstanceId("vault", account), include_state=read_state)


def persistently(call):
    """Repeats what the dying server did not answer."""
    def answered():
        try:
            return call() or True
        except (OSError, EOFError):
            return None
        except Exception as error:
            if type(error).__module__ == "http.client":
                return None
            raise
    return eventually(answered, "an answer", timeout=90)


def start(server, number, order):
    """Started once: an id that is known by now was acknowledged or not, but it is there."""
    name = f"transfer-{number}"
    def ask():
        answer = server.http.start("transfer", name, order)
        assert answer.status in (202, 409), (name, answer)
        return True
    persistently(ask)
    return name


def outcome(server, name):
    def ended():
        try:
            answer = server.http.status(name)
        except Exception:
            return None
        assert answer.status != 404, f"{name} was acknowledged and is gone"
        return answer.json if answer.status == 200 and answer.json["runtimeStatus"] in TERMINAL else None
    return eventually(ended, f"the end of {name}", timeout=SECONDS, every=0.2)


@pytest.mark.timeout(SECONDS)
def test_no_money_is_lost_or_made_and_no_lock_is_left(server, network, workers, chance):
    client = new_client("plain", server.address)
    from durabletask import entities
    for account in ACCOUNTS:
        client.signal_entity(entities.EntityInstanceId("vault", account), "open", input=OPENING)
    eventually(lambda: all(entity(client, account) for account in ACCOUNTS), "all accounts open", timeout=30)

    orders = []
    for _ in range(TRANSFERS):
        source, target = chance.sample(ACCOUNTS, 2)
        orders.append({"from": source, "to": target, "amount": chance.randint(1, 40)})
    over = threading.Event()
    cuts = []

    def cut():
        while not over.wait(1.0):
            cuts.append(network.cut_one(chance))

    def kill():
        for _ in range(KILLS):
            if over.wait(chance.uniform(1.0, 4.0)):
                return
            server.kill()
            server.start()

    hands = ThreadPoolExecutor(2)
    cutting, killing = hands.submit(cut), hands.submit(kill)
    begin = time.monotonic()
    try:
        with ThreadPoolExecutor(16) as pool:
            names = list(pool.map(lambda each: start(server, *each), enumerate(orders)))
            killing.result()
            outcomes = list(pool.map(lambda name: outcome(server, name), names))
    finally:
        over.set()
        for hand in (cutting, killing):
            hand.result()
    print(f"{TRANSFERS} transfers in {time.monotonic() - begin:.0f} s, {sum(cuts)} connections cut, {KILLS} kills")

    assert sum(cuts) > 0
    assert all(each["runtimeStatus"] == "Completed" for each in outcomes), \
        [each for each in outcomes if each["runtimeStatus"] != "Completed"][:3]
    done = [order for order, each in zip(orders, outcomes) if each["output"] != "refused"]
    assert done
    client = new_client("plain", server.address)
    for account in ACCOUNTS:
        # What the last transfers sent, unlocks among it, has arrived.
        found = eventually(
            lambda: (lambda it: it if it.backlog_queue_size == 0 and not it._locked_by else None)(
                entity(client, account)), f"{account} at rest", timeout=30)
        came = sum(order["amount"] for order in done if order["to"] == account)
        went = sum(order["amount"] for order in done if order["from"] == account)
        assert found.get_typed_state(dict) == {
            "balance": OPENING + came - went,
            "in": sum(order["to"] == account for order in done),
            "out": sum(order["from"] == account for order in done),
        }
