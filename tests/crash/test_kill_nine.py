"""kill -9, again and again, on one store: what was acknowledged stays, and nothing happens twice.

Three kinds of work are under way whenever the server dies: the samples SlowChain and HumanApproval inside it, and
orchestrations of three activities on a Python worker in a process of its own, which reconnects by itself. Everything is
started over HTTP. A caller who got no answer asks for the status and starts again only when the id is unknown, as any
careful user would; a caller who got 202 never looks back, and that is what is checked.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

from harness import eventually, unique

ROUNDS = int(os.environ.get("DURAHUB_CRASH_ROUNDS", "20"))
INSTANCES = int(os.environ.get("DURAHUB_CRASH_INSTANCES", "200"))
WORKER = Path(__file__).resolve().parents[1] / "sdk" / "python" / "worker_process.py"
TERMINAL = ("Completed", "Failed", "Terminated", "Canceled")


class Unanswered(Exception):
    """The server died before, while or after it did what was asked."""


def ask(call):
    """An HTTP answer, or Unanswered when the connection broke: nobody knows then whether it was done."""
    try:
        return call()
    except (OSError, EOFError) as error:
        raise Unanswered(repr(error)) from error
    except Exception as error:
        if type(error).__module__ == "http.client":  # a torn answer
            raise Unanswered(repr(error)) from error
        raise


class Expected:
    """One instance and what must become of it."""

    def __init__(self, name, instance, input, outputs, steps=None):
        self.name, self.instance, self.input, self.outputs, self.steps = name, instance, input, outputs, steps
        self.acknowledged = False
        self.event = None            # the value of Approval, once somebody decided it
        self.event_acknowledged = False
        self.started_at = None       # when the last attempt to start it began
        self.ended = None            # its status when it was seen to have ended
        self.ended_at = None

    def start(self, http):
        self.started_at = self.started_at or time.time()
        answer = ask(lambda: http.start(self.name, self.instance, self.input))
        assert answer.status == 202, (self.instance, answer)
        self.acknowledged = True

    def approve(self, http, value):
        self.event = value
        answer = ask(lambda: http.raise_event(self.instance, "Approval", value))
        assert answer.status == 202, (self.instance, answer)
        self.event_acknowledged = True

    def start_unless_known(self, http):
        """What a caller does who got no answer."""
        known = ask(lambda: http.status(self.instance)).status
        assert known in (200, 202, 404), (self.instance, known)
        if known == 404:
            self.start(http)
        self.acknowledged = True

    def approve_again(self, http):
        """The same for the event: once more, unless the instance has ended."""
        answer = ask(lambda: http.raise_event(self.instance, "Approval", self.event))
        assert answer.status in (202, 410), (self.instance, answer)
        self.event_acknowledged = True


class PythonWorker:
    """The worker process; `restart` kills it and starts another that appends to the same log."""

    def __init__(self, server, directory):
        self.server, self.log = server, directory / "worker.log"
        self.log.touch()
        self.errors = open(directory / "worker.stderr", "ab")
        self.kill_times, self.process = [], None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER), self.server.address, str(self.log), "--prefix", "crash"],
            stdout=subprocess.PIPE, stderr=self.errors)
        assert self.process.stdout.readline().strip() == b"serving"

    def restart(self):
        self.kill_times.append(time.time())
        self.stop()
        self.start()

    def stop(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        self.process.stdout.close()

    def lines(self):
        return [line.split() for line in self.log.read_text().splitlines()]


@pytest.fixture
def worker(server, tmp_path):
    worker = PythonWorker(server, tmp_path)
    yield worker
    worker.stop()
    worker.errors.close()


def slow_chain(steps, delay):
    return Expected("SlowChain", unique("chain"), {"steps": steps, "delayMs": delay}, [steps], steps=steps)


def approval(timeout, outputs):
    return Expected("HumanApproval", unique("approval"), {"timeoutSeconds": timeout}, outputs)


def python_steps():
    return Expected("crash_steps", unique("python"), 3, [[1, 3, 6]], steps=3)


def look(server, pool, expected):
    """Sees who has ended; whoever was acknowledged must be known."""
    def one(each):
        answer = server.http.status(each.instance)
        assert answer.status != 404, f"{each.instance} was acknowledged and is gone"
        if answer.status == 200:
            each.ended, each.ended_at = answer.json, time.time()
    list(pool.map(one, [each for each in expected if each.acknowledged and each.ended is None]))


def check_ending(each):
    assert each.ended["runtimeStatus"] == "Completed", each.ended
    assert each.ended["output"] in each.outputs, each.ended
    if each.name == "HumanApproval" and each.event_acknowledged and each.input["timeoutSeconds"] > 60:
        assert each.ended["output"] == ("Approved" if each.event else "Rejected"), each.ended


def check_history(server, each):
    """Nothing was applied twice: one start, one end, each result once and in its place."""
    rows = server.http.history(each.instance)
    types = [row["EventType"] for row in rows]
    assert types.count("ExecutionStarted") == 1 and types[0] == "ExecutionStarted", (each.instance, types)
    assert types.count("ExecutionCompleted") == 1 and types[-1] == "ExecutionCompleted", (each.instance, types)
    assert "TaskScheduled" not in types and "TaskFailed" not in types, (each.instance, types)
    if each.steps is not None:
        assert types.count("TaskCompleted") == each.steps, (each.instance, types)
    results = [row["Result"] for row in rows if row["EventType"] == "TaskCompleted"]
    if each.name == "crash_steps":
        assert results == each.outputs[0], (each.instance, results)
    scheduled = [datetime.fromisoformat(row["ScheduledTime"]) for row in rows if row["EventType"] == "TaskCompleted"]
    assert scheduled == sorted(scheduled), (each.instance, scheduled)
    if each.name == "HumanApproval":
        assert types.count("EventRaised") + types.count("TimerFired") >= 1, (each.instance, types)


def check_executions(server, worker, expected):
    """No result is lost: what the server took once is not asked for again, and each step ran at most once more for
    each death that fell into the instance's life."""
    deaths = sorted(server.kill_times + worker.kill_times)
    ours = {each.instance: each for each in expected if each.name == "crash_steps"}
    runs, taken, newest_stream = {}, {}, None
    for line in worker.lines():
        if line[0] == "O":
            newest_stream = float(line[1])
        elif line[0] == "X" and line[3] in ours:
            key = (line[3], int(line[4]))
            runs[key] = runs.get(key, 0) + 1
        elif line[0] == "A":
            opened, now, key = float(line[1]), float(line[2]), (line[3], line[4])
            # A stale token may be answered OK and ignored: only answers over the same stream in one life are promises.
            if opened == newest_stream and not any(opened <= death <= now for death in server.kill_times):
                taken.setdefault(key, opened)
        elif line[0] == "D":
            opened, key = float(line[1]), (line[3], line[4])
            assert not (key in taken and opened >= taken[key]), \
                f"{key} was delivered again after the server had taken its result"
    for instance, each in ours.items():
        allowed = 1 + sum(each.started_at <= death <= each.ended_at for death in deaths)
        for step in (1, 2, 3):
            count = runs.get((instance, step), 0)
            assert 1 <= count <= allowed, f"{instance} ran step {step} {count} times in {allowed - 1} deaths"


def test_twenty_kills_lose_nothing_and_repeat_nothing(server, worker, chance):
    pool = ThreadPoolExecutor(8)
    everything = []
    for number in range(ROUNDS):
        approved_early = [approval(600, ["Approved", "Rejected"]) for _ in range(3)]
        approved_late = [approval(600, ["Approved", "Rejected"]) for _ in range(3)]
        timing_out = [approval(1, ["TimedOut"])]
        chains = [slow_chain(10, 20), slow_chain(30, 30), slow_chain(3, 0)]
        fresh = approved_early + approved_late + timing_out + chains + [python_steps() for _ in range(INSTANCES)]
        decisions = {each: chance.random() < 0.5 for each in approved_early + approved_late}
        order = list(fresh)
        chance.shuffle(order)
        everything += fresh

        # Callers at work, until the server dies under them.
        dead = threading.Event()

        def caller(share):
            for each in share:
                if dead.is_set():
                    return
                try:
                    each.started_at = each.started_at or time.time()
                    each.start(server.http)
                    if each in approved_early:
                        each.approve(server.http, decisions[each])
                except Unanswered:
                    pass
        callers = [threading.Thread(target=caller, args=(order[n::4],)) for n in range(4)]
        began = time.monotonic()
        moment = chance.uniform(0.02, 1.2)
        for thread in callers:
            thread.start()
        time.sleep(max(0, began + moment - time.monotonic()))  # the moment of death, not a synchronisation
        server.kill()
        dead.set()
        for thread in callers:
            thread.join(30)
        if number % 5 == 4:
            worker.restart()

        server.start()
        look(server, pool, everything)  # whoever got 202 must be known at once
        unknown = [each for each in fresh if not each.acknowledged]
        list(pool.map(lambda each: each.start_unless_known(server.http), unknown))
        for each in approved_early:
            if not each.event_acknowledged:
                each.event = decisions[each]
                each.approve_again(server.http)
        for each in approved_late:
            each.event = decisions[each]
            each.approve_again(server.http)

        # Those of earlier rounds have to come to their end before the next death; the fresh ones may see it.
        older = everything[:-len(fresh)]

        def older_ended():
            look(server, pool, older)
            return all(each.ended for each in older)
        eventually(older_ended, f"round {number}: the ends of all earlier instances", timeout=60, every=0.1)

    def all_ended():
        look(server, pool, everything)
        return all(each.ended for each in everything)
    try:
        eventually(all_ended, "all ends", timeout=90, every=0.1)
    except AssertionError:
        stuck = [each.instance for each in everything if not each.ended]
        raise AssertionError(f"{len(stuck)} of {len(everything)} never ended: {stuck[:10]}") from None

    for each in everything:
        check_ending(each)
    list(pool.map(lambda each: check_history(server, each), everything))
    check_executions(server, worker, everything)
    pool.shutdown()
    print(f"{len(everything)} instances, {len(server.kill_times)} kills, {len(worker.lines())} worker lines")


def test_what_was_acknowledged_last_is_there_after_the_kill(server):
    """The kill follows the answer immediately: a start, an event, a termination."""
    for _ in range(5):
        fresh, told, ended = (approval(600, ["Approved"]) for _ in range(3))
        told.start(server.http)
        ended.start(server.http)
        assert server.http.operation(ended.instance, "terminate", "before the kill").status == 202
        told.approve(server.http, True)
        fresh.start(server.http)
        server.kill()
        server.start()
        assert server.http.status(fresh.instance).status == 202
        assert server.http.wait_for_end(told.instance)["output"] == "Approved"
        status = server.http.wait_for_end(ended.instance)
        assert status["runtimeStatus"] == "Terminated" and status["output"] == "before the kill"
        fresh.approve(server.http, False)
        assert server.http.wait_for_end(fresh.instance)["output"] == "Rejected"


def test_states_survive_the_kill_as_they_were(server):
    suspended, running, timing_out = approval(600, []), approval(600, []), approval(2, [])
    for each in (suspended, running, timing_out):
        each.start(server.http)

    def shows(each, *statuses):
        return server.http.status(each.instance).json["runtimeStatus"] in statuses
    eventually(lambda: all(shows(each, "Running") for each in (suspended, running)), "Running")
    # On a machine that stalls its time is over before it is seen.
    eventually(lambda: shows(timing_out, "Running", "Completed"), "Running")
    assert server.http.operation(suspended.instance, "suspend").status == 202
    eventually(lambda: shows(suspended, "Suspended"), "Suspended")
    before = server.http.status(running.instance).json
    for _ in range(3):
        server.kill()
        server.start()
    assert shows(suspended, "Suspended")
    assert server.http.status(running.instance).json == before
    assert server.http.wait_for_end(timing_out.instance)["output"] == "TimedOut"
    assert server.http.raise_event(suspended.instance, "Approval", True).status == 202
    assert server.http.operation(suspended.instance, "resume").status == 202
    assert server.http.wait_for_end(suspended.instance)["output"] == "Approved"
    assert server.http.purge(suspended.instance).status == 200
    server.kill()
    server.start()
    assert server.http.status(suspended.instance).status == 404, "what was purged stays purged"


def test_a_chain_killed_in_every_step_still_counts_right(server):
    chain = slow_chain(10, 60)
    chain.start(server.http)
    seen = 0
    while seen < 10 and len(server.kill_times) < 12:
        def further():
            status = server.http.status(chain.instance, "?showHistory=true").json
            done = sum(row["EventType"] == "TaskCompleted" for row in status.get("historyEvents", []))
            assert done >= seen, "a result went missing"
            return done if done > seen or status["runtimeStatus"] in TERMINAL else None
        seen = eventually(further, f"more than {seen} steps")
        server.kill()
        server.start()
    chain.ended = server.http.wait_for_end(chain.instance)
    check_ending(chain)
    check_history(server, chain)


def test_an_instance_id_is_not_started_twice_by_a_cautious_caller(server, chance):
    """Start, die, ask, start if unknown: exactly one run whatever the moment."""
    for _ in range(5):
        chain = slow_chain(3, 10)
        asking = threading.Thread(target=lambda: _quietly(lambda: chain.start(server.http)))
        asking.start()
        time.sleep(chance.uniform(0, 0.01))  # the moment of death, not a synchronisation
        server.kill()
        asking.join(10)
        server.start()
        if not chain.acknowledged:
            chain.start_unless_known(server.http)
        chain.ended = server.http.wait_for_end(chain.instance)
        check_ending(chain)
        check_history(server, chain)


def _quietly(call):
    try:
        call()
    except Unanswered:
        pass


def test_json_of_the_whole_status_is_the_same_after_a_kill(server):
    chain = slow_chain(5, 0)
    chain.start(server.http)
    server.http.wait_for_end(chain.instance)
    before = server.http.status(chain.instance, "?showHistory=true&showHistoryOutput=true").json
    server.kill()
    server.start()
    after = server.http.status(chain.instance, "?showHistory=true&showHistoryOutput=true").json
    assert json.dumps(after) == json.dumps(before)
