"""The machines: each has an address on the loopback network, a clock of its own, and one version of the program."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests import postgres
from tests.chaos import shop as shops
from tests.cluster.balancer import balanced
from tests.serving import ROOT, STOP_SECONDS, Served, copied, free_port, server_environment

CALL_SECONDS = 3  # how long a provider's call may take: a worker's lease is three times as long
POLL_SECONDS = 0.1  # how often a worker looks for due work
CLOCKS = (0.0, 4.0, -4.0)  # seconds by which the machines' clocks are wrong
_FAST = {
    "charge_timeout_seconds": str(CALL_SECONDS),
    "worker_poll_seconds": str(POLL_SECONDS),
    "sandbox_delay_seconds": "0.5",
    "sandbox_prompt_seconds": "8",
    "tries_per_session": "0",
}
_SCHEMA = """
SELECT table_name || '.' || column_name || ' ' || data_type || is_nullable AS line
    FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'migrated ' || migrated.name FROM schema_migration AS migrated
ORDER BY line
"""


class Server(Served):
    """`ikawaari serve` on an address of its own."""

    def __init__(self, host: str, port: int, environment: Mapping[str, str], log: Path) -> None:
        options = ["--workers", "1", "--threads", "6", "--no-worker"]
        super().__init__(environment, options, log, host=host, port=port)
        self.name = f"server {host}"


class Worker:
    """`ikawaari worker`."""

    def __init__(self, name: str, environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.folder = ROOT
        self._environment = {**environment, "PGAPPNAME": name}
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start (again)."""
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ikawaari", "worker"],
                cwd=self.folder,
                env=dict(self._environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def kill(self) -> None:
        """SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if it does not listen."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """SIGSTOP: it holds what it has claimed, and does nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: it goes on, and believes that no time has passed."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _end(self, wish: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(wish)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        process.kill()
        process.wait()


@dataclass
class Cluster:
    """All of them, and the address in front."""

    url: str
    servers: Sequence[Server]
    workers: Sequence[Worker]
    database: postgres.Server
    environment: Mapping[str, str]  # of a machine whose clock is right
    folder: Path

    @property
    def machines(self) -> Sequence[Server | Worker]:
        """Servers and workers."""
        return (*self.servers, *self.workers)

    @property
    def logs(self) -> Sequence[Path]:
        """What each of them wrote."""
        return sorted(self.folder.glob("*.log"))

    @property
    def database_url(self) -> str:
        """Where PostgreSQL is."""
        return self.environment["IKAWAARI_DATABASE_URL"]

    def holds_work(self) -> bool:
        """Whether any worker holds due work."""
        with psycopg.connect(self.database_url) as connection:
            held = "SELECT 1 FROM due_work WHERE leased_until IS NOT NULL LIMIT 1"
            return connection.execute(held).fetchone() is not None

    def is_in_transaction(self, worker: Worker) -> bool:
        """Whether a worker, which does nothing just now, has left a transaction open."""
        with psycopg.connect(self.database_url) as connection:
            idle = "SELECT 1 FROM pg_stat_activity WHERE application_name = %s AND state LIKE 'idle in transaction%%'"
            return connection.execute(idle, [worker.name]).fetchone() is not None

    def schema(self) -> list[str]:
        """Columns, indexes and applied migrations, a line each."""
        with psycopg.connect(self.database_url) as connection:
            return [line for (line,) in connection.execute(_SCHEMA).fetchall()]

    def run_command(self, *arguments: str, folder: Path = ROOT) -> None:
        """Run `ikawaari` once, of the version in `folder`, beside the machines."""
        command = [sys.executable, "-m", "ikawaari", *arguments]
        environment = dict(self.environment)
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout[-1_000:]}{done.stderr[-4_000:]}"


@contextmanager
def cluster(servers: int, workers: int, folder: Path) -> Iterator[Cluster]:
    """So many machines of each kind, which serve, for as long as the block lasts."""
    with ExitStack() as stack:
        run = postgres.Run.open(durable=True)
        stack.callback(run.close)
        database = run.server()
        stack.callback(database.close)
        url = database.create_database()
        front, port = free_port(), free_port()
        hosts = [f"127.0.0.{number + 2}" for number in range(servers)]
        balancer = stack.enter_context(balanced([(host, port) for host in hosts], "127.0.0.1", front))
        settings = shops.environment(url, **_FAST)
        running = Cluster(
            balancer.url,
            [
                Server(host, port, _with_clock(settings, balancer.url, number), folder / f"server{number}.log")
                for number, host in enumerate(hosts)
            ],
            [
                Worker(f"worker {number}", _with_clock(settings, balancer.url, number), folder / f"worker{number}.log")
                for number in range(workers)
            ],
            database,
            _with_clock(settings, balancer.url, 0),
            folder,
        )
        running.run_command("migrate")
        for machine in running.machines:
            stack.callback(machine.stop)
            machine.start()
        yield running


def _with_clock(settings: Mapping[str, str], url: str, number: int) -> dict[str, str]:
    offset = {"IKAWAARI_CLOCK_OFFSET_SECONDS": str(CLOCKS[number % len(CLOCKS)])}
    return server_environment(url, {**settings, **offset}) | {"PYTHONDONTWRITEBYTECODE": "1", "HOME": os.devnull}


NEXT_VERSION = '''"""What a next version may add beside one that still runs."""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
ALTER TABLE checkout_sessions ADD COLUMN next_version_note VARCHAR(255);

ALTER TABLE payment_attempts ADD COLUMN next_version_count BIGINT NOT NULL DEFAULT 0;

CREATE TABLE next_version_notes (id {auto}, note VARCHAR(255) NOT NULL);

CREATE INDEX checkout_sessions_next_version ON checkout_sessions (next_version_note)
    WHERE next_version_note IS NOT NULL
"""


def up(_migrator: Any, db: Any) -> None:
    """Add."""
    sql.run(db, SCHEMA)
'''


def next_version(folder: Path) -> Path:
    """A copy of the program whose schema is newer: columns, a table and an index that this version does not know."""
    copied(folder)
    (folder / "ikawaari/store/migrations/9999_next_version.py").write_text(NEXT_VERSION)
    return folder
