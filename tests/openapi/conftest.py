import tempfile
from pathlib import Path

import pytest

import harness


def pytest_report_header():
    import test_contract
    return (f"seed {test_contract.SEED}, {test_contract.EXAMPLES} examples for each operation "
            "(DURAHUB_FUZZ_SEED, DURAHUB_FUZZ_EXAMPLES)")


registry = harness.Registry()


@registry.entity
def counter(ctx, value):
    """Its state is the last operation, which is what tests look for; it stays whatever is sent."""
    ctx.set_state(ctx.operation)


@pytest.fixture(scope="session")
def server():
    """The binary with its samples, and a worker that serves an entity."""
    with tempfile.TemporaryDirectory(prefix="durahub-openapi-") as folder:
        # Waiting is asked for in several ways, and there is no more to see of an answer that comes late. The rule is there to be shown.
        environment = {"DURAHUB__LIMITS__WAIT_SECS": "1", "DURAHUB__RETENTION__RULES": "default after=365d"}
        server = harness.Server(Path(folder), environment=environment).start()
        worker = harness.new_worker("plain", server.address, registry, filters=True)
        worker.start()
        yield server
        worker.stop()
        assert server.alive(), "the server died during the tests"
        panics = [line for line in server.log_tail(10**6).splitlines() if "panicked" in line]
        server.close()
        assert not panics, panics
