"""A PostgreSQL of the run's own, which may be killed, restarted, or lose its connections."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from tests import postgres
from tests.chaos.seeded.disk import Disk, disk

_SETTINGS = postgres.SETTINGS | {
    # What was committed must survive the death of the server; nobody cuts this machine's power.
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "autovacuum": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "60",
}
_DOWN_SECONDS = 1.0
_GONE_SECONDS = 20.0


class Postmaster:
    """The server and its one database."""

    def __init__(self, run: postgres.Run, room: Disk, migrate: Callable[[str], None]) -> None:
        self._run, self.disk = run, room
        server = run.server()
        self.url = server.create_database(server.migrated(migrate))
        server.close()

    def end(self, wish: signal.Signals) -> None:
        """Signal the postmaster: SIGKILL, or SIGQUIT for an immediate shutdown; then start it again."""
        os.kill(self._pid(), wish)
        self._wait_until_gone()
        time.sleep(_DOWN_SECONDS)
        self._run.start_again()

    def drop_connections(self) -> int:
        """End every connection but one's own; how many there were."""
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend'"
        with psycopg.connect(self.url, autocommit=True) as connection:
            return len(connection.execute(f"{others} AND pid <> pg_backend_pid()").fetchall())

    def recover(self) -> None:
        """Start it if it died, as it does when it cannot write its log; wait until it answers."""
        deadline = time.monotonic() + postgres.START_SECONDS
        while not self._answers():
            if not self._processes():
                self._run.start_again()
            if time.monotonic() > deadline:
                raise AssertionError("PostgreSQL did not come back")
            time.sleep(0.1)

    def stop(self) -> None:
        """End it for good."""
        with suppress(ProcessLookupError, FileNotFoundError):
            os.kill(self._pid(), signal.SIGQUIT)
        self._wait_until_gone()

    def pids(self) -> list[int]:
        """The processes that write files."""
        return self._processes()

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _pid(self) -> int:
        return int((self._run.folder / "data" / "postmaster.pid").read_text().split()[0])

    def _wait_until_gone(self) -> None:
        """A postmaster that was killed leaves its children, and they notice a moment later."""
        deadline = time.monotonic() + _GONE_SECONDS
        while self._processes():
            if time.monotonic() > deadline:
                raise AssertionError("PostgreSQL did not end")
            time.sleep(0.05)

    def _processes(self) -> list[int]:
        """Every process of the server: each works in the folder of the data."""
        folder = self._run.folder / "data"
        return [pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if _folder_of(pid) == folder]


@contextmanager
def started(migrate: Callable[[str], None]) -> Iterator[Postmaster]:
    """A server for as long as the block lasts, on a disk that may be filled."""
    run = postgres.Run.open()
    run.settings = _SETTINGS
    run.folder.mkdir()
    try:
        with disk(run.folder) as room:
            postmaster = Postmaster(run, room, migrate)
            try:
                yield postmaster
            finally:
                postmaster.stop()
    finally:
        run.close()


def _folder_of(pid: int) -> Path | None:
    try:
        return Path(os.readlink(f"/proc/{pid}/cwd"))
    except OSError:
        return None
