"""The world of the domain's tests, on both engines."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from ikawaari.config import Config
from tests import world as worlds

_HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On PostgreSQL each commit runs what is marked: here tests repeat what others ask the database, over and over."""
    ids = {item.nodeid for item in items}
    for item in items:
        repeats = "postgres" in item.nodeid and item.nodeid.replace("postgres", "sqlite") in ids
        kept = item.get_closest_marker("on_postgres") or item.get_closest_marker("on_both")
        if item.path.is_relative_to(_HERE) and repeats and not kept:
            item.add_marker("long")


@pytest.fixture
def world(config: Config, httpserver: HTTPServer) -> Iterator[worlds.World]:
    """The house at work, with one merchant and the sandbox's payers; the clock stands still."""
    with worlds.opened(config, httpserver) as opened:
        yield opened
