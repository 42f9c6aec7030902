"""Sequences of steps in DBOS on SQLite, measured as `durahub bench sequence` measures them: so many threads, each runs a workflow to its end and
begins the next one until the time is over. Prints one JSON object."""

import argparse
import json
import math
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dbos import DBOS, DBOSConfig
from sqlalchemy import Engine, event

# What the connections that DBOS made said about themselves.
settings: set[str] = set()


@DBOS.step()
def step() -> str:
    return "done"


@DBOS.workflow()
def sequence(activities: int) -> str:
    for _ in range(activities):
        step()
    return "done"


def lane(activities: int, until: float) -> list[float]:
    """One workflow after another; how many seconds each took."""
    latencies = []
    while (start := time.monotonic()) < until:
        if sequence(activities) != "done":
            raise RuntimeError("a workflow ended with something else")
        latencies.append(time.monotonic() - start)
    return latencies


def drive(activities: int, in_flight: int, seconds: float) -> list[float]:
    """All lanes for so many seconds, and until what they began has ended."""
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(in_flight) as threads:
        lanes = [threads.submit(lane, activities, until) for _ in range(in_flight)]
    return sorted(latency for done in lanes for latency in done.result())


def watch_connections(tuned: bool) -> None:
    @event.listens_for(Engine, "connect")
    def connected(connection, _record) -> None:
        if tuned:
            connection.execute("PRAGMA journal_mode = WAL")
        (journal,) = connection.execute("PRAGMA journal_mode").fetchone()
        (level,) = connection.execute("PRAGMA synchronous").fetchone()
        level = ["OFF", "NORMAL", "FULL", "EXTRA"][level]
        settings.add(f"SQLite, {journal.upper()} journal, synchronous={level}")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure sequences of steps in DBOS.")
    parser.add_argument("--folder", type=Path, required=True, help="where the database goes")
    parser.add_argument("--activities", type=int, default=3)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--warm-up", type=float, default=2, help="the same for so many seconds before, which do not count")
    parser.add_argument("--tuned", action="store_true", help="a write-ahead log, and one connection")
    return parser.parse_args()


def main() -> None:
    asked = options()
    watch_connections(asked.tuned)
    config: DBOSConfig = {
        "name": "peer",
        "system_database_url": f"sqlite:///{asked.folder.resolve() / 'dbos.sqlite'}",
        "log_level": "WARNING",
    }
    if asked.tuned:
        # Writers that queue in the process wait less than writers that poll for the lock of the file.
        config["sys_db_pool_size"] = 1
    DBOS(config=config)
    DBOS.launch()
    drive(asked.activities, asked.in_flight, asked.warm_up)
    begun = time.monotonic()
    latencies = drive(asked.activities, asked.in_flight, asked.seconds)
    seconds = time.monotonic() - begun
    DBOS.destroy()

    def ms(share: float) -> float | None:
        return latencies[math.ceil(len(latencies) * share) - 1] * 1e3 if latencies else None

    print(
        json.dumps(
            {
                "count": len(latencies),
                "seconds": seconds,
                "per_second": len(latencies) / seconds,
                "p50_ms": ms(0.5),
                "p99_ms": ms(0.99),
                "errors": 0,
                "settings": "; ".join(sorted(settings)) + f"",
            }
        )
    )


if __name__ == "__main__":
    main()
