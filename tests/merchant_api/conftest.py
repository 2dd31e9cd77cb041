"""Fixtures of the merchant API's tests."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from tests.merchant_api.calls import Shop, app_on
from tests.merchant_api.documents import JSON


@pytest.fixture
def shop(app: Flask) -> Shop:
    """A merchant with a key that may do everything, on a fresh database."""
    return Shop(app)


@pytest.fixture
def shared_app(shared_url: str) -> Iterator[Flask]:
    """For tests that only try what is refused, or do not mind each other's sessions: one database for a module.

    Each test connects to it anew: one with a database of its own may have come in between.
    """
    with app_on(shared_url) as app:
        yield app


@pytest.fixture
def shared_shop(shared_app: Flask) -> Shop:
    """A merchant on it who may ask as often as a test wants."""
    return Shop(shared_app, rate_limit=1_000_000)


@pytest.fixture
def document(shared_app: Flask) -> dict[str, Any]:
    """The document as it is served."""
    answer = shared_app.test_client().get("/openapi.json")
    assert (answer.status_code, answer.content_type) == (200, JSON)
    return dict(json.loads(answer.data))
