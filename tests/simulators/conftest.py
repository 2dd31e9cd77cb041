"""Fixtures for tests of simulators."""

from collections.abc import Iterator

import pytest

from tests.simulators.talking import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody who receives callbacks."""
    with Receiver().listening() as receiver:
        yield receiver
