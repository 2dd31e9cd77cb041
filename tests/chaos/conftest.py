"""Every test in this folder is a test of chaos, and none leaves a stack trace in a server's log."""

from pathlib import Path

import pytest

from tests.chaos.shop import Shop

_HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them. On SQLite each commit kills at each step of a payment; all else of it waits for check-all."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker("chaos")
            if "sqlite" in item.nodeid and not _is_quick(item):
                item.add_marker("long")


def _is_quick(item: pytest.Item) -> bool:
    return "killed_at_any_step" in item.nodeid or item.path.name == "test_books.py"


@pytest.fixture
def shop(database: None) -> Shop:
    """A merchant on a fresh database."""
    return Shop()
