"""examples/mixed_team as its README describes it: five languages, one orchestration, against the shipped binary."""

import json
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = REPOSITORY / "examples" / "mixed_team" / "run.sh"


@pytest.fixture
def environment():
    """The SDKs that the suites of the single languages have installed, where they have."""
    environment = {**os.environ, "PYTHON": sys.executable}
    if given := os.environ.get("DURAHUB_BIN"):
        environment["DURAHUB_BIN"] = str(Path(given).resolve())
    modules = REPOSITORY / "tests" / "sdk" / "js" / "node_modules"
    if modules.is_dir():
        environment["NODE_PATH"] = str(modules)
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine())
    node = modules / f"node-linux-{machine}" / "bin" / "node"
    if sys.platform == "linux" and node.exists():
        environment["NODE"] = str(node)
    return environment


def nothing_is_left(group):
    """Whether all processes of the group are gone."""
    try:
        os.killpg(group, 0)
        return False
    except ProcessLookupError:
        return True


def ends_wholly(group):
    """Waits until nothing is left."""
    deadline = time.monotonic() + 60
    while not nothing_is_left(group):
        assert time.monotonic() < deadline, "some of its processes are still there"
        time.sleep(0.05)


def test_all_languages_plan_a_trip_together(environment):
    script = subprocess.Popen(
        [SCRIPT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True)
    output, log = script.communicate(timeout=390)
    assert script.returncode == 0, log
    assert json.loads(output) == {
        "rust": ["Hello, Tokyo!", "Hello, Seattle!", "Hello, London!"],
        "go": [7697, 7699],
        "java": [280, 360, 420],
        "python": 1060,
        "javascript": "€1,060.00",
    }
    ends_wholly(script.pid)


def test_ended_early_it_leaves_nothing_behind(environment):
    with subprocess.Popen([SCRIPT], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment,
                          start_new_session=True) as script:
        assert any("the server is at" in line for line in script.stderr), "it never came that far"
        script.send_signal(signal.SIGTERM)
        assert script.wait(60) == 130
        ends_wholly(script.pid)
