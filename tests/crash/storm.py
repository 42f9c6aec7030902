"""A load whose every acknowledged call is written down, what is done to those who carry it, and what must be true in the end.

Callers are careful, as users should be: who gets no answer asks again, with an idempotency key where the API has one. What is counted
is what was acknowledged: none of it may be lost, get stuck, or happen twice.
"""

import collections
import itertools
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import grpc

from durabletask.entities import EntityInstanceId

from harness import BASE, binary, eventually, new_client, quote

ENDED = ("Completed", "Failed", "Terminated", "Canceled")
LIVE = ("Running", "Pending", "Suspended", "ContinuedAsNew")
# Who is silent for long may be silent time and again: nothing is given up because of that.
ENDLESS_DELIVERIES = {"DURAHUB__DISPATCH__TURN_DELIVERIES": "0", "DURAHUB__DISPATCH__ACTIVITY_DELIVERIES": "0"}
# Short, so that who is stopped loses what he holds.
LEASE = 2
SHORT_LEASES = {"DURAHUB__DISPATCH__TURN_LEASE_SECS": str(LEASE), "DURAHUB__DISPATCH__ACTIVITY_LEASE_SECS": str(LEASE),
                **ENDLESS_DELIVERIES}
ENTITIES = 16
logging.getLogger("durabletask-client").setLevel(logging.WARNING)


class Crew:
    """Worker processes. Who is killed is replaced."""

    def __init__(self, address, directory, processes=4, workers=2):
        self.address, self.workers = address, workers
        self.errors = open(Path(directory) / "workers.stderr", "ab")
        self.processes = [self._begin() for _ in range(processes)]
        for process in self.processes:
            assert process.stdout.readline().strip() == b"serving"

    def _begin(self):
        script = Path(__file__).with_name("storm_worker.py")
        command = [sys.executable, str(script), self.address, str(self.workers)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.errors)

    def kill(self, index):
        old = self.processes[index]
        old.kill()
        old.wait(10)
        old.stdout.close()
        self.processes[index] = self._begin()

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait(10)
            process.stdout.close()
        self.errors.close()


class Ledger:
    """What was asked for and what was answered."""

    def __init__(self):
        self.lock = threading.Lock()
        self.counts = collections.Counter()
        # By instance: the number of times that an entity must have been told of it, at least and at most.
        self.notes = {}
        # Orchestrations there must be in the end, children included.
        self.instances = set()
        self.wrong = []

    def count(self, what, by=1):
        with self.lock:
            self.counts[what] += by

    def note(self, who, least, most):
        with self.lock:
            self.notes[who] = (least, most)

    def there(self, *instances):
        with self.lock:
            self.instances.update(instances)

    def found(self, kind, what):
        with self.lock:
            self.counts[kind] += 1
            self.wrong.append(f"{kind}: {what}")


class Load:
    """Callers, each of which does one thing after the other and sees it to its end."""

    def __init__(self, server, ledger, chance, callers=24, patience=120):
        self.server, self.ledger, self.patience = server, ledger, patience
        self.over, self.numbers, self.longest = threading.Event(), itertools.count(), 0.0
        # How long starts took, those that were asked for once.
        self.start_seconds = []
        self.client = new_client("plain", server.address)
        import random
        seeds = [chance.randrange(1 << 32) for _ in range(callers)]
        self.pool = ThreadPoolExecutor(callers)
        self.hands = [self.pool.submit(self._caller, random.Random(seed)) for seed in seeds]

    def finish(self):
        """Nothing new; what was begun is seen to its end."""
        self.over.set()
        for hand in self.hands:
            hand.result()
        self.pool.shutdown()

    def _caller(self, chance):
        kinds = [self._order] * 6 + [self._collect] * 2 + [self._sleep, self._suspended, self._signal]
        while not self.over.is_set():
            name = f"s{next(self.numbers):06}"
            begun = time.monotonic()
            try:
                chance.choice(kinds)(name, chance)
            except AssertionError as error:
                self.ledger.found("stuck", f"{name}: {error}")
            self.longest = max(self.longest, time.monotonic() - begun)

    # Calls. Whoever gets no answer asks again; that is told apart, because nobody knows whether it was done.

    def _persist(self, call):
        """Answers what was answered, and how many times nobody knows."""
        unclear = 0

        def attempt():
            nonlocal unclear
            try:
                answer = call()
                if answer.status not in (429, 503):
                    return answer
                # Too much, or no room: it was not done, and is asked for again.
                self.ledger.count("refusals")
            except (OSError, EOFError):
                unclear += 1
            except Exception as error:
                if type(error).__module__ != "http.client":
                    raise
                unclear += 1
            return None
        answer = eventually(attempt, "an answer", self.patience, every=0.05)
        return answer, unclear

    def _start(self, orchestration, name, input, chance):
        self.ledger.there(name)
        if chance.random() < 0.3:
            self._start_by_grpc(orchestration, name, input)
        else:
            path = f"{BASE}/orchestrators/{orchestration}/{name}"
            begun = time.monotonic()
            answer, unclear = self._persist(
                lambda: self.server.http.call("POST", path, json.dumps(input), {"Idempotency-Key": name}))
            if not unclear:
                self.start_seconds.append(time.monotonic() - begun)
            assert answer.status == 202, f"start: {answer}"
            self.ledger.count("repeated calls", unclear)
        self.ledger.count("starts")

    def _start_by_grpc(self, orchestration, name, input):
        def ask():
            try:
                self.client.schedule_new_orchestration(orchestration, input=input, instance_id=name)
                return True
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED:
                    self.ledger.count("refusals")
                    return False
                # The process that had the call is gone, so it cannot be done later than the question.
                assert error.code() == grpc.StatusCode.UNAVAILABLE, f"start: {error.code()} {error.details()}"
            self.ledger.count("repeated calls")
            known, _ = self._persist(lambda: self.server.http.status(name))
            return known.status != 404
        eventually(ask, "a start", self.patience, every=0.05)

    def _event(self, name, event, value):
        """How often it may have arrived; 0: the instance has ended."""
        answer, unclear = self._persist(lambda: self.server.http.raise_event(name, event, value))
        assert answer.status in (202, 410), f"event: {answer}"
        self.ledger.count("repeated calls", unclear)
        if answer.status == 410:
            assert unclear, "an event was refused that could only be the first"
            return unclear
        self.ledger.count("events")
        return unclear + 1

    def _control(self, name, verb, good):
        answer, unclear = self._persist(lambda: self.server.http.operation(name, verb, f"{verb} {name}"))
        assert answer.status == 202 or unclear and answer.status in good, f"{verb}: {answer}"
        self.ledger.count("repeated calls", unclear)
        self.ledger.count("controls")

    def _end(self, name):
        def ended():
            answer, _ = self._persist(lambda: self.server.http.status(name))
            if answer.status == 404:
                self.ledger.found("lost", f"{name} was acknowledged and is not there")
            assert answer.status in (200, 202), f"status: {answer}"
            return answer.json if answer.json["runtimeStatus"] in ENDED else None
        return eventually(ended, f"the end of {name}", self.patience, every=0.25)

    def _wants(self, name, status, output):
        end = self._end(name)
        got = (end["runtimeStatus"], end["output"])
        if got != (status, output):
            self.ledger.found("wrong", f"{name}: {got}, expected {(status, output)}")
        self.ledger.count("ends as expected", got == (status, output))

    # What callers do.

    def _order(self, name, chance):
        numbers = [chance.randrange(1, 100) for _ in range(chance.randint(2, 6))]
        entity = f"e{chance.randrange(ENTITIES):02}"
        squares = [number * number for number in numbers]
        total = sum(number * number for number in squares[:2])
        self.ledger.note(name, 2, 2)
        self.ledger.note(f"{name}:part", 1, 1)
        self.ledger.there(f"{name}:part")
        self._start("order", name, {"numbers": numbers, "entity": entity, "pause": chance.randrange(500)}, chance)
        self._wants(name, "Completed", [sum(squares), total, (total % 1000) ** 2, 2])

    def _collect(self, name, chance):
        """Events are sent one after the other, so they come in that order; those nobody answered for may come twice."""
        self._start("collect", name, [], chance)
        most = {number: self._event(name, "next", number) for number in range(chance.randint(1, 12))}
        self._event(name, "next", None)
        end = self._end(name)
        got = end["output"] if end["runtimeStatus"] == "Completed" else None
        if got is None or not set(got) >= set(most):
            self.ledger.found("lost", f"{name}: {end}, expected {list(most)}")
        elif any(times > most.get(event, 0) for event, times in collections.Counter(got).items()):
            self.ledger.found("doubled", f"{name}: {got}, expected at most {most}")
        elif got != sorted(got):
            self.ledger.found("out of order", f"{name}: {got}")
        else:
            self.ledger.count("ends as expected")

    def _sleep(self, name, chance):
        self._start("sleep", name, None, chance)
        self._control(name, "terminate", (410,))
        self._wants(name, "Terminated", f"terminate {name}")

    def _suspended(self, name, chance):
        """What is suspended takes nothing in until it is resumed."""
        self._start("collect", name, [], chance)
        self._control(name, "suspend", (409,))
        most = self._event(name, "next", 0)

        def suspended():
            answer, _ = self._persist(lambda: self.server.http.status(name))
            assert answer.json["runtimeStatus"] == "Suspended", f"{name} was suspended: {answer}"
            return True
        eventually(suspended, f"{name} to be suspended", self.patience, every=0.05)
        self._control(name, "resume", (409,))
        self._event(name, "next", None)
        end = self._end(name)
        if end["runtimeStatus"] != "Completed" or not 1 <= len(end["output"]) <= most:
            self.ledger.found("wrong", f"{name}: {end}, expected 0 at most {most} times")
        else:
            self.ledger.count("ends as expected")

    def _signal(self, name, chance):
        path = f"{BASE}/entities/note/e{chance.randrange(ENTITIES):02}?op=note"
        answer, unclear = self._persist(lambda: self.server.http.call("POST", path, json.dumps(name)))
        assert answer.status == 202, f"signal: {answer}"
        self.ledger.note(name, 1, 1 + unclear)
        self.ledger.count("signals")
        self.ledger.count("repeated calls", unclear)


class Faults:
    """What is done, each so often, at random moments and in a random order."""

    def __init__(self, server, crew, ledger, chance, clock=None):
        self.server, self.crew, self.ledger, self.chance, self.clock = server, crew, ledger, chance, clock

    def run(self, plan, pauses=(0.2, 2.5)):
        acts = [getattr(self, f"_{what}") for what, times in plan.items() for _ in range(times)]
        self.chance.shuffle(acts)
        for act in acts:
            time.sleep(self.chance.uniform(*pauses))  # the moment, not a synchronisation
            act()
            self.ledger.count(act.__name__[1:])

    def _kill(self):
        self.server.kill()
        self.server.start()

    def _stop(self):
        self._freeze(self.server.process)

    def _worker_kill(self):
        self.crew.kill(self.chance.randrange(len(self.crew.processes)))

    def _worker_stop(self):
        self._freeze(self.chance.choice(self.crew.processes))

    def _clock(self):
        """Ten minutes on: far more than any lease or timer here."""
        self.clock.move(timedelta(minutes=10))

    def _freeze(self, process):
        process.send_signal(signal.SIGSTOP)
        time.sleep(2 * LEASE + self.chance.uniform(0.5, 1.5))
        process.send_signal(signal.SIGCONT)


class SetClock:
    """How far the server's clock is ahead of ours."""

    def __init__(self, file):
        self.file, self.ahead = Path(file), timedelta(0)
        self.move(timedelta(0))
        self.environment = {"DURAHUB_TEST_CLOCK": str(self.file)}

    def move(self, by):
        self.ahead += by
        # In one step, so that the server never reads half of it.
        new = self.file.with_suffix(".new")
        new.write_text(str(int(self.ahead.total_seconds())))
        os.replace(new, self.file)


def audit(server, ledger):
    """What must be true when all is quiet. Stops the server to look into its file."""
    http = server.http

    def quiet():
        counts = http.get("/api/v1/counts?entities=false").json["byStatus"]
        return counts if not any(counts.get(status) for status in LIVE) else None
    try:
        counts = eventually(quiet, "no instance that has not ended", 30)
    except AssertionError as error:
        ledger.found("stuck", error)
        counts = http.get("/api/v1/counts?entities=false").json["byStatus"]
    client = new_client("plain", server.address)

    def at_rest():
        """Signals are acknowledged before they are taken in."""
        found = [client.get_entity(EntityInstanceId("note", f"e{number:02}"), include_state=False) for number in range(ENTITIES)]
        return not any(entity and entity.backlog_queue_size for entity in found)
    try:
        eventually(at_rest, "no entity with a signal before it", 30)
    except AssertionError as error:
        ledger.found("stuck", error)
    client.close()
    stored = {row["instanceId"] for row in listed(server)}
    for instance in sorted(ledger.instances - stored):
        ledger.found("lost", instance)
    for instance in sorted(stored - ledger.instances):
        ledger.found("doubled", f"{instance} is nobody's")
    if sum(counts.values()) != len(stored):
        ledger.found("wrong", f"{counts} counted, {len(stored)} listed")

    noted = collections.Counter()
    for number in range(ENTITIES):
        answer = http.get(f"{BASE}/entities/note/e{number:02}")
        if answer.status == 200:
            noted.update(answer.json)
    for who, (least, most) in ledger.notes.items():
        if noted[who] < least:
            ledger.found("lost", f"an entity was told of {who} {noted[who]} times, expected {least}")
        if noted[who] > most:
            ledger.found("doubled", f"an entity was told of {who} {noted[who]} times, expected {most}")
    for who in noted.keys() - ledger.notes.keys():
        ledger.found("doubled", f"an entity was told of {who}, who is nobody")

    parked = http.get("/api/v1/parked").json["parked"]
    if parked:
        ledger.found("stuck", f"parked: {parked}")
    pool = ThreadPoolExecutor(8)
    list(pool.map(lambda instance: check_history(server, ledger, instance), sorted(stored & ledger.instances)))
    pool.shutdown()
    assert server.terminate() == 0
    checked = subprocess.run(
        [str(binary()), "check", "--store", f"sqlite:{server.store}"], capture_output=True, text=True, timeout=300)
    if checked.returncode != 0:
        ledger.found("wrong", f"durahub check: {checked.stdout}{checked.stderr}")


def listed(server):
    rows, token = [], None
    while True:
        headers = {"x-ms-continuation-token": token} if token else {}
        answer = server.http.get(f"{BASE}/instances?top=1000&showInput=false", headers=headers)
        assert answer.status == 200, answer
        rows += [row for row in answer.json if not row["instanceId"].startswith("@")]
        token = answer.headers.get("x-ms-continuation-token")
        if not token:
            return rows


def check_history(server, ledger, instance):
    """One start, one end, and each result once."""
    answer = server.http.get(f"/api/v1/instances/{quote(instance)}/history?top=5000")
    assert answer.status == 200, (instance, answer)
    events = answer.json["events"]
    kinds = collections.Counter(event["type"] for event in events)
    results = collections.Counter((event["type"], event["taskId"]) for event in events if event["taskId"] is not None)
    if kinds["ExecutionStarted"] != 1 or kinds["ExecutionCompleted"] + kinds["ExecutionTerminated"] < 1:
        ledger.found("wrong", f"{instance}: {dict(kinds)}")
    if any(times > 1 for times in results.values()):
        ledger.found("doubled", f"{instance}: {dict(results)}")
