"""The server's clock is set while it works: a day forward, a day back, and back again over a restart. DURAHUB_TEST_CLOCK names the file
that says how far its clock is ahead of the computer's; workers and callers keep theirs.
"""

import subprocess
from datetime import datetime, timedelta

import pytest

import harness
from harness import RawWorker, complete, eventually, schedule
from storm import ENDLESS_DELIVERIES, Crew, Ledger, Load, SetClock, audit

DAY = timedelta(days=1)


@pytest.fixture
def clock(tmp_path):
    return SetClock(tmp_path / "clock")


@pytest.fixture
def server(tmp_path, clock, watched):
    # Leases are looked at as often as the shortest of them: every four seconds. A day is far more.
    environment = {**clock.environment, **ENDLESS_DELIVERIES, "DURAHUB__DISPATCH__TURN_LEASE_SECS": "4"}
    return watched(harness.Server(tmp_path / "durahub", environment=environment)).start()


def approval(server, name, seconds):
    answer = server.http.start("HumanApproval", name, {"timeoutSeconds": seconds})
    assert answer.status == 202, answer
    # On a machine that stalls a short time is over before it is seen.
    eventually(lambda: status(server, name) in ("Running", "Completed"), f"{name} to wait")
    return answer.json["statusQueryGetUri"]


def status(server, name):
    return server.http.status(name).json["runtimeStatus"]


def path_of(uri):
    return "/" + uri.split("/", 3)[3]


def test_timers_are_due_by_the_new_time_and_leases_last_as_long_as_ever(server, clock):
    uri = approval(server, "due", 3600)
    with RawWorker(server.address, ["holds"], ["held"]) as worker:
        assert server.http.start("holds", "holder").status == 202
        worker.answer(worker.orchestration("holder"), schedule(0, "held"))
        held = worker.activity("holder")
        clock.move(DAY)
        assert server.http.wait_for_end("due")["output"] == "TimedOut"
        eventually(lambda: "the clock was set forward" in server.log_tail(), "leases to be looked at", 60)
        assert "took back work" not in server.log_tail()
        worker.finish(held, "1")
        last = worker.orchestration("holder")
        worker.answer(last, complete(1, "2"))
        assert server.http.wait_for_end("holder")["output"] == 2
        assert worker.held() == 0, "nothing was given out twice"
    assert server.http.get(path_of(uri)).status == 200, "links stay good"


def test_time_that_was_set_back_goes_on_and_everything_with_it(server, clock):
    approval(server, "before", 3)
    clock.move(-DAY)
    approval(server, "after", 1)
    for name in ("after", "before"):
        assert server.http.wait_for_end(name)["output"] == "TimedOut"
        times = [datetime.fromisoformat(row["Timestamp"]) for row in server.http.history(name)]
        # A turn that a timer begins is put at the next whole millisecond after it was due, for the sake of SDKs.
        assert all(later >= earlier - timedelta(milliseconds=1) for earlier, later in zip(times, times[1:])), times
    rows = server.http.get("/api/v1/instances?order=createdTime+desc").json["instances"]
    assert [row["instanceId"] for row in rows if not row["instanceId"].startswith("@")] == ["after", "before"]


def test_a_server_that_starts_with_a_clock_set_back_keeps_what_is_due_later_and_does_all_the_rest(server, clock):
    approval(server, "due", 60)
    approval(server, "open", 3600)
    assert server.http.start("SlowChain", "chain", {"steps": 20, "delayMs": 50}).status == 202
    clock.move(-DAY)
    server.kill()
    server.start()
    assert server.http.start("SlowChain", "new", {"steps": 3, "delayMs": 10}).status == 202
    assert server.http.wait_for_end("new")["output"] == 3
    assert server.http.wait_for_end("chain")["output"] == 20
    assert server.http.raise_event("open", "Approval", True).status == 202
    assert server.http.wait_for_end("open")["output"] == "Approved"
    assert status(server, "due") == "Running"
    waits = server.http.get("/api/v1/instances/due/explain").json
    assert "timer" in str(waits), waits
    rows = server.http.get("/api/v1/instances?order=createdTime+desc").json["instances"]
    assert {row["instanceId"] for row in rows} == {"due", "open", "chain", "new"} and rows[-1]["instanceId"] == "new"
    clock.move(DAY + timedelta(minutes=2))
    assert server.http.wait_for_end("due")["output"] == "TimedOut"
    assert server.terminate() == 0
    checked = subprocess.run(
        [harness.binary(), "check", "--store", f"sqlite:{server.store}"], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_nothing_is_lost_stuck_or_doubled_when_the_clock_is_set_under_load(server, clock, tmp_path, chance):
    crew, ledger = Crew(server.address, tmp_path, processes=2), Ledger()
    try:
        load = Load(server, ledger, chance, callers=8, patience=60)
        for by in (DAY, -DAY, timedelta(seconds=-5), 2 * DAY):
            before = ledger.counts["ends as expected"]
            clock.move(by)
            eventually(lambda: ledger.counts["ends as expected"] >= before + 20, "20 more to end", 60)
        load.finish()
        audit(server, ledger)
    finally:
        crew.close()
    print(", ".join(f"{count} {what}" for what, count in sorted(ledger.counts.items())))
    assert not ledger.wrong, "\n".join(ledger.wrong[:40])
