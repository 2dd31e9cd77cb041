"""The world of the domain's tests, on both engines."""

from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer

from ikawaari.config import Config
from tests import world as worlds


@pytest.fixture
def world(config: Config, httpserver: HTTPServer) -> Iterator[worlds.World]:
    """The house at work, with one merchant and the sandbox's payers; the clock stands still."""
    with worlds.opened(config, httpserver) as opened:
        yield opened
