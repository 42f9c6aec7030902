"""Forty stock workers and twenty dashboards stay connected while many instances wait and some work goes on.

DURAHUB_CROWD_FILE=FILE (such as examples/seed.rs makes; it is copied), DURAHUB_CROWD_SECONDS=300: a crowd worth measuring.
"""

import http.client
import os
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from urllib.parse import quote

import pytest

import harness
from harness import eventually
from storm import Crew, Ledger, Load

SECONDS = float(os.environ.get("DURAHUB_CROWD_SECONDS", "5"))
FILE = os.environ.get("DURAHUB_CROWD_FILE")
WAITING, WORKERS, PROCESSES, DASHBOARDS, INTERVAL = 300, 40, 5, 20, 5.0


class Dashboard:
    """What a page asks for: the stream of changes, and everything that it shows every few seconds, because something always has changed."""

    def __init__(self, server, number, over):
        self.server, self.over = server, over
        self.asks = self._list if number % 2 else self._overview
        self.pings, self.changes, self.trouble, self.waits = 0, 0, [], []
        self.hands = [threading.Thread(target=hand) for hand in (self._listen, self._look)]
        # People do not all look at the same moment.
        self.delay = number * INTERVAL / DASHBOARDS

    def start(self):
        for hand in self.hands:
            hand.start()

    def join(self):
        for hand in self.hands:
            hand.join(60)

    def _listen(self):
        """One connection for all the time; the server is never silent for longer than its pings are apart."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        try:
            connection.request("GET", "/api/v1/events")
            answer = connection.getresponse()
            assert answer.status == 200, answer.status
            while not self.over.is_set():
                line = answer.readline()
                if not line:
                    if not self.over.is_set():
                        self.trouble.append("the stream of changes ended")
                    return
                self.pings += line.startswith(b"event: ping")
                self.changes += line.startswith(b"event: changed")
        except Exception as error:
            self.trouble.append(f"the stream of changes: {error!r}")
        finally:
            connection.close()

    def _look(self):
        self.over.wait(self.delay)
        while not self.over.is_set():
            for path in self.asks():
                begun = time.monotonic()
                try:
                    answer = self.server.http.get(f"/api/v1/{path}", headers={"Accept-Encoding": "gzip"})
                    if answer.status != 200:
                        self.trouble.append(f"{path}: {answer}")
                except OSError as error:
                    self.trouble.append(f"{path}: {error!r}")
                self.waits.append(time.monotonic() - begun)
            self.over.wait(INTERVAL)

    @staticmethod
    def _overview():
        until = datetime.now(timezone.utc).replace(microsecond=0)
        since, until = (quote(time.isoformat()) for time in (until.replace(second=0) - timedelta(days=1), until))
        return ["counts?entities=false", "failures", "queues", "workers", "hubs",
                "instances?runtimeStatus=Failed&order=lastUpdatedTime+desc&top=10",
                *(f"instances?runtimeStatus={status}&entities=false&order=createdTime&top=1"
                  for status in ("Pending", "Running", "Suspended")),
                *(f"histogram?from={since}&to={until}&buckets=49&by=status&entities=false&of={of}"
                  for of in ("created", "completed"))]

    @staticmethod
    def _list():
        return ["hubs", "counts?topLevel=true&entities=false",
                "instances?topLevel=true&entities=false&order=createdTime+desc&top=50"]


def resident(server):
    with open(f"/proc/{server.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1024


def connected(server):
    """The workers from outside, and since when they are connected."""
    rows = server.http.get("/api/v1/workers").json
    return {row["id"]: row["connectedSince"] for row in rows if not row["embedded"]}


def waiting(server):
    counts = server.http.get("/api/v1/counts?entities=false").json["byStatus"]
    return sum(counts[status] for status in ("Running", "Pending", "Suspended"))


def at(numbers, share):
    return sorted(numbers)[min(len(numbers) - 1, int(len(numbers) * share))] * 1000


@pytest.mark.timeout(SECONDS + 240)
def test_nobody_is_disconnected(tmp_path, watched, chance):
    server = harness.Server(tmp_path / "durahub")
    if FILE:
        shutil.copyfile(FILE, server.store)
    watched(server).start()
    crew = Crew(server.address, tmp_path, processes=PROCESSES, workers=WORKERS // PROCESSES)
    over, ledger, trouble = threading.Event(), Ledger(), []
    dashboards = [Dashboard(server, number, over) for number in range(DASHBOARDS)]
    try:
        if not FILE:
            with ThreadPoolExecutor(8) as pool:
                starts = pool.map(lambda number: server.http.start("sleep", f"waits-{number}"), range(WAITING))
                assert all(answer.status == 202 for answer in starts)
        before = eventually(lambda: (lambda all: all if len(all) == WORKERS else None)(connected(server)), "the workers")
        parked, begun, most = waiting(server), time.monotonic(), 0
        for dashboard in dashboards:
            dashboard.start()
        load = Load(server, ledger, chance, callers=4)
        while time.monotonic() - begun < SECONDS:
            time.sleep(1)  # how often it is looked at
            most = max(most, resident(server))
            if connected(server) != before:
                trouble.append(f"workers: {connected(server)}, were {before}")
                break
        load.finish()
        over.set()
        for dashboard in dashboards:
            dashboard.join()
        trouble += [each for dashboard in dashboards for each in dashboard.trouble]
        waits, starts = [wait for dashboard in dashboards for wait in dashboard.waits], load.start_seconds
        print(f"{parked} waiting, {len(before)} workers and {len(dashboards)} dashboards for {SECONDS:.0f} s: "
              f"{sum(it.pings for it in dashboards)} pings and {sum(it.changes for it in dashboards)} changes on streams; "
              f"{len(waits)} requests of dashboards p50 {at(waits, 0.5):.0f} p99 {at(waits, 0.99):.0f} ms; "
              f"{len(starts)} HTTP starts p50 {at(starts, 0.5):.1f} p99 {at(starts, 0.99):.1f} ms; memory {most:.0f} MB; "
              + ", ".join(f"{count} {what}" for what, count in sorted(ledger.counts.items())))
    finally:
        over.set()
        crew.close()
    assert not trouble, "\n".join(map(str, trouble[:20]))
    assert not ledger.wrong, "\n".join(ledger.wrong[:20])
    assert parked >= WAITING and all(dashboard.pings > 0 for dashboard in dashboards)
