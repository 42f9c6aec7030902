"""A disk that fills up under load, once so that SQLite itself finds no room and once with room kept back by `limits.free_disk_bytes`. The
server says so, loses nothing, and goes on by itself when there is room again.

The data is on a small file system of its own, which only root can mount.
"""

import os
import subprocess

import pytest

import harness
from harness import eventually
from storm import Crew, Ledger, Load, audit

MEGABYTE = 1 << 20


@pytest.fixture
def small_disk(tmp_path):
    """80 MiB, 40 of which a ballast takes: more than the write-ahead log (16 MiB) and its copy in the file need."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system: NOT TESTED")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", disk], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"no small file system can be mounted here: NOT TESTED ({mounted.stderr.strip()})")
    (disk / "ballast").write_bytes(b"\0" * 40 * MEGABYTE)
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


class Filling:
    """A server on the small disk with workers, load on it, and one who starts what takes room until that is refused."""

    def __init__(self, directory, disk, watched, chance, free_disk_bytes):
        self.directory, self.disk, self.chance = directory, disk, chance
        self.server = watched(harness.Server(disk, environment={
            "DURAHUB__LIMITS__FREE_DISK_BYTES": str(free_disk_bytes), "DURAHUB__DISPATCH__MAX_BACKOFF_MS": "500"}))
        self.server.log_path, self.server.output_path = directory / "server.stderr", directory / "server.stdout"
        self.server.start()
        self.crew = Crew(self.server.address, directory, processes=1)
        self.ledger, self.load, self.fillers = Ledger(), None, 0

    def __enter__(self):
        self.load = Load(self.server, self.ledger, self.chance, callers=8)
        return self

    def __exit__(self, *_):
        self.load.over.set()
        self.crew.close()

    def start(self, size):
        name = f"filler-{self.fillers:06}"
        answer = self.server.http.start("sleep", name, "x" * size)
        if answer.status == 202:
            self.fillers += 1
            self.ledger.there(name)
        return answer

    def fill(self):
        """Answers the refusal."""
        answer = eventually(lambda: refused(self.start(256 * 1024)), "a refusal", 60, every=0)
        assert self.fillers > 0, answer
        return answer

    def settle(self):
        """All that was under way or accepted comes to its end, and nothing is missing."""
        self.load.finish()
        for number in range(self.fillers):
            answer = self.server.http.operation(f"filler-{number:06}", "terminate", "done")
            assert answer.status == 202, (number, answer)
        audit(self.server, self.ledger)
        print(f"{self.fillers} fillers; " + ", ".join(f"{n} {what}" for what, n in sorted(self.ledger.counts.items())))
        assert not self.ledger.wrong, "\n".join(self.ledger.wrong[:40])


def refused(answer):
    assert answer.status in (202, 503), answer
    return answer if answer.status == 503 else None


def test_sqlite_without_room_loses_nothing_and_goes_on_when_there_is_some(tmp_path, small_disk, watched, chance):
    with Filling(tmp_path, small_disk, watched, chance, free_disk_bytes=0) as it:
        answer = it.fill()
        assert "full" in answer.json["Message"], answer
        # What is left is taken by somebody else.
        with open(small_disk / "others", "wb", buffering=0) as others, pytest.raises(OSError):
            while True:
                others.write(b"\0" * 4096)

        def unready():
            answer = it.server.http.get("/readyz")
            return answer if answer.status == 503 else None
        told = eventually(unready, "/readyz to say that nothing can be stored", 60)
        assert b"disk is full" in told.body, told
        assert it.server.http.get("/healthz").status == 200
        assert it.server.http.status("filler-000000").status in (200, 202), "it can still be read"
        process = it.server.process
        (small_disk / "others").unlink()
        (small_disk / "ballast").unlink()
        eventually(it.server.ready, "/readyz to be well again", 30)
        eventually(lambda: it.start(256 * 1024).status == 202, "a start to be taken again", 30)
        assert it.server.process is process and it.server.alive(), "by itself"
        it.settle()


def test_room_kept_back_lets_what_was_started_come_to_its_end(tmp_path, small_disk, watched, chance):
    with Filling(tmp_path, small_disk, watched, chance, free_disk_bytes=24 * MEGABYTE) as it:
        began = it.server.http.start("SlowChain", "chain", {"steps": 20, "delayMs": 100})
        assert began.status == 202, began
        it.ledger.there("chain")
        answer = it.fill()
        assert "limits.free_disk_bytes" in answer.json["Message"], answer
        assert refused(it.server.http.raise_event("filler-000000", "other", 1)), "events are new work, too"
        assert it.server.http.wait_for_end("chain", 60)["output"] == 20, "what was started goes on"
        assert it.server.ready(), "it does its work"
        (small_disk / "ballast").unlink()
        eventually(lambda: it.start(10).status == 202, "a start to be taken again", 10)
        it.settle()
