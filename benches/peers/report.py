"""What run.sh measured: makes lines of it, and a table of the lines. Only the standard library."""

import json
import sys


def line(peer: str, variant: str, version: str, activities: str, in_flight: str, settings: str = "") -> None:
    """One line from the JSON object that a peer printed last. It says its settings itself, or they are given."""
    told = [text for text in sys.stdin.read().splitlines() if text.startswith("{")]
    if not told:
        sys.exit(1)
    figures = json.loads(told[-1])
    if not figures["count"]:
        sys.exit(1)
    row = {"workload": f"sequence of {activities}", "in_flight": int(in_flight), "peer": peer, "version": version}
    row["variant"] = variant
    row |= {key: figures[key] for key in ("count", "seconds", "per_second", "p50_ms", "p99_ms", "errors")}
    print(json.dumps(row | {"settings": settings or figures["settings"]}))


def table() -> None:
    """All lines as a table in Markdown, workload by workload."""
    rows = [json.loads(text) for text in sys.stdin]
    workloads = list(dict.fromkeys((row["workload"], row["in_flight"]) for row in rows))
    cells = [["workload", "peer", "per second", "p50 ms", "p99 ms", "settings"]]
    cells += [["---", "---", "---:", "---:", "---:", "---"]]
    for workload in workloads:
        for row in rows:
            if (row["workload"], row["in_flight"]) == workload:
                at_a_time = "one at a time" if row["in_flight"] == 1 else f"{row['in_flight']} in flight"
                tuned = ", tuned" if row["variant"] == "tuned" else ""
                failed = f" ({row['errors']} errors)" if row["errors"] else ""
                cells.append(
                    [
                        f"{row['workload']}, {at_a_time}",
                        f"{row['peer']} {row['version']}{tuned}",
                        f"{row['per_second']:.1f}" + failed,
                        f"{row['p50_ms']:.1f}",
                        f"{row['p99_ms']:.1f}",
                        row["settings"],
                    ]
                )
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    for row in cells:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")


if __name__ == "__main__":
    if sys.argv[1:] == ["table"]:
        table()
    else:
        line(*sys.argv[1:])
