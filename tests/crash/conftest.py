from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "sdk" / "python"))

import harness  # noqa: E402

SEED = int(os.environ.get("DURAHUB_SEED") or random.SystemRandom().randrange(1 << 32))


def pytest_report_header():
    return f"crash tests: DURAHUB_SEED={SEED}"


@pytest.fixture
def chance():
    """All that is random here; the seed is in the header and in every failure."""
    return random.Random(SEED)


_running = []


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        report.sections.append(("seed", f"DURAHUB_SEED={SEED}"))
        for server in _running:
            report.sections.append(("the server's log (end)", server.log_tail()))


@pytest.fixture
def watched():
    """Takes in servers that the test makes: their logs are shown when it fails, and they are closed."""
    mine = []

    def watch(server):
        mine.append(server)
        _running.append(server)
        return server
    yield watch
    for server in mine:
        server.close()
        _running.remove(server)


@pytest.fixture
def server(tmp_path, watched):
    return watched(harness.Server(tmp_path / "durahub")).start()
