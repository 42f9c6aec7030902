"""Everything at once against the binary and stock workers, for as long as one likes: kill -9 of the server and of workers, both stopped
with SIGSTOP for longer than leases last, and the clock set forward. None of what was acknowledged is lost, stuck or doubled.

DURAHUB_STORM="kill=100 stop=25 ..." says how often what is done instead of the few times that suffice for every day.
"""

import os
import time

import pytest

import harness
from storm import SHORT_LEASES, Crew, Faults, Ledger, Load, SetClock, audit

PLAN = dict.fromkeys(("kill", "stop", "worker_kill", "worker_stop", "clock"), 1) | {"kill": 10}
if "DURAHUB_STORM" in os.environ:
    PLAN = {what: int(times) for what, times in (each.split("=") for each in os.environ["DURAHUB_STORM"].split())}


@pytest.mark.timeout(60 + 20 * sum(PLAN.values()))
def test_nothing_acknowledged_is_lost_stuck_or_doubled(tmp_path, chance, watched):
    clock = SetClock(tmp_path / "clock")
    server = watched(harness.Server(tmp_path / "durahub", environment={**SHORT_LEASES, **clock.environment}))
    server.start()
    crew = Crew(server.address, tmp_path)
    ledger, begun = Ledger(), time.monotonic()
    try:
        load = Load(server, ledger, chance)
        Faults(server, crew, ledger, chance, clock).run(PLAN)
        load.finish()
        seconds = time.monotonic() - begun
        audit(server, ledger)
    finally:
        crew.close()
    print(f"{seconds:.0f} s, the slowest of them {load.longest:.1f} s; " + ", ".join(
        f"{count} {what}" for what, count in sorted(ledger.counts.items())))
    assert not ledger.wrong, f"{len(ledger.wrong)} findings:\n" + "\n".join(ledger.wrong[:40])
    assert ledger.counts["starts"] > 10 and ledger.counts["events"] > 0
