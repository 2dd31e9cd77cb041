"""The world of the domain's tests, and a merchant's server."""

from collections.abc import Iterator

import pytest

from tests.checkout.conftest import world  # noqa: F401 - a fixture
from tests.events.receiver import Receiver, listening


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A merchant's server that takes everything."""
    with listening() as opened:
        yield opened
