"""Where the checkout keeps its rows while it is measured: on a disk, and durable before it answers."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import postgres

ENGINES = ("sqlite", "postgres")
NAMES = {"sqlite": "SQLite FULL", "postgres": "PostgreSQL"}


@contextmanager
def opened(engine: str) -> Iterator[str]:
    """The URL of an empty database, for as long as the block lasts."""
    if engine == "sqlite":
        with tempfile.TemporaryDirectory(prefix="ikawaari-bench-", dir="/tmp") as folder:
            yield f"sqlite:///{Path(folder) / 'bench.sqlite3'}"
        return
    run = postgres.Run.open(durable=True)
    try:
        server = run.server()
        yield server.create_database(None)
        server.close()
    finally:
        run.close()
