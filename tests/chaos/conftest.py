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
            if "sqlite" in item.nodeid and "killed_at_any_step" not in item.nodeid:
                item.add_marker("long")


@pytest.fixture
def shop(database: None) -> Shop:
    """A merchant on a fresh database."""
    return Shop()
