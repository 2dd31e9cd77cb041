"""The store on both engines, and due work to take."""

from datetime import UTC, datetime

import pytest


@pytest.fixture
def now() -> datetime:
    """An instant to count from."""
    return datetime(2025, 6, 2, 10, 0, tzinfo=UTC)
