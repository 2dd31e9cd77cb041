"""Calling the API as a merchant's server does, and reading what it says of errors."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask

from ikawaari import databases
from ikawaari.config import Config
from ikawaari.store.models import Merchant
from tests import factories
from tests.apps import app_of
from tests.conftest import disconnect

Answer = Any  # werkzeug's TestResponse, whose `json` mypy would have us check for None each time
SESSIONS = "/api/v1/checkout/sessions"
MISSING = "cs_000000000000000000000000000"
HOME: dict[str, Any] = {
    "api_url": "http://localhost",
    "pay_url": "http://localhost",
    "secret_key": "test-secret-key-0123456789abcdef",
    "merchant_rate_limit": 10**9,
    "prompts_per_phone": 0,  # one merchant's tests in a module share a few numbers
}


class Shop:
    """A merchant with a key, on an app."""

    def __init__(self, app: Flask, owner: Merchant | None = None, **credential: Any) -> None:
        self.client: Any = app.test_client()
        self.merchant = owner or factories.merchant()
        self.key = factories.credential(self.merchant, **credential)

    def get(self, path: str, **headers: str) -> Answer:
        """GET with the key."""
        return self.client.get(path, headers=self._headers(headers))

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        """POST `body` as JSON with the key; bytes are sent as they are. `Idempotency_Key` is that header."""
        content_type = headers.pop("Content_Type", "application/json")
        data = body if isinstance(body, bytes) or body is None else json.dumps(body)
        return self.client.post(path, data=data, content_type=content_type, headers=self._headers(headers))

    def opened(self, **body: Any) -> dict[str, Any]:
        """A new session, of 5,000 XOF unless `body` says otherwise."""
        answer = self.post(SESSIONS, {"amount": 5000} | body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json)

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} | {
            name.replace("_", "-"): text for name, text in headers.items()
        }


@contextmanager
def app_on(database_url: str, **settings: Any) -> Iterator[Flask]:
    """The app on that SQLite database, for a whole table of requests that leave nothing behind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(databases._SQLITE_PRAGMAS, "synchronous", "off")  # nothing in here must outlive a power cut
        yield app_of(Config(database_url=database_url, **(HOME | settings)))
        disconnect()


def error(answer: Answer, status: int, code: str) -> dict[str, Any]:
    """The error in `answer`, which must be that one, in our envelope, with the request id of the header."""
    assert (answer.status_code, answer.content_type) == (status, "application/json"), answer.text
    body = answer.json["error"]
    assert body["code"] == code, answer.text
    assert body["request_id"] == answer.headers["Ikawaari-Request-Id"]
    assert set(body) == {"code", "message", "type", "retryable", "details", "request_id"}
    return dict(body)


def refused(answer: Answer, *fields: str, code: str = "IKW-REQ-001") -> None:
    """Assert that `answer` is a 400 that names exactly those fields."""
    assert sorted(error(answer, 400, code)["details"]) == sorted(fields), answer.text
