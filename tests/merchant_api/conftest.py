"""Fixtures of the merchant API's tests."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.merchant_api.calls import Shop, app_on_sqlite
from tests.merchant_api.documents import JSON


@pytest.fixture
def shop(app: Flask) -> Shop:
    """A merchant with a key that may do everything, on a fresh database."""
    return Shop(app)


@pytest.fixture(scope="module")
def shared_app(new_sqlite: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One app for all tests of a module that only try what is refused, or do not mind each other's sessions."""
    with app_on_sqlite(new_sqlite, tmp_path_factory.mktemp("shared")) as app:
        yield app


@pytest.fixture(scope="module")
def shared_shop(shared_app: Flask) -> Shop:
    """A merchant on it who may ask as often as a test wants."""
    return Shop(shared_app, rate_limit=1_000_000)


@pytest.fixture(scope="module")
def document(shared_app: Flask) -> dict[str, Any]:
    """The document as it is served."""
    answer = shared_app.test_client().get("/openapi.json")
    assert (answer.status_code, answer.content_type) == (200, JSON)
    return dict(json.loads(answer.data))
