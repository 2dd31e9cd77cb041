"""What a request may hold at most, and bodies that break off or are no body at all."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from flask import Flask
from gunicorn.http.body import Body, ChunkedReader
from gunicorn.http.unreader import IterUnreader

from tests.merchant_api.calls import Shop, app_on, error

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def app(shared_url: str) -> Iterator[Flask]:
    """One app for all tests here."""
    with app_on(shared_url) as app:
        yield app


@pytest.mark.parametrize(
    "chunks", [b"zz\r\nab\r\n", b"-1\r\nab\r\n", b"5\r\nabcdefgh\r\n0\r\n\r\n", b"5\r\nab", b"\x00"]
)
@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/api/v1/checkout/sessions", "application/json"),
        ("/api/test/mobile-money/callback", "application/json"),
        ("/callbacks/sandbox", "application/json"),
        ("/return", FORM),
    ],
)
def test_a_malformed_body_is_its_senders_fault(app: Flask, path: str, content_type: str, chunks: bytes) -> None:
    shop = Shop(app)
    # The very reader that gunicorn gives the application.
    body = Body(ChunkedReader(SimpleNamespace(trailers=[]), IterUnreader([chunks])))
    environ = {"wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_TYPE": content_type}
    headers = {"Authorization": f"Bearer {shop.key}", "Transfer-Encoding": "chunked", "Idempotency-Key": "1"}
    answer = shop.client.post(path, headers=headers, environ_overrides=environ)
    if path == "/return":
        assert answer.status_code in (400, 405)
    else:
        assert error(answer, 400, "IKW-REQ-009")["retryable"] is False


def test_a_query_has_at_most_a_hundred_parameters(app: Flask) -> None:
    shop = Shop(app)
    for path in ("/api/v1/checkout/sessions", "/api/v1/events"):
        assert shop.get(f"{path}?{'limit=1&' * 101}").status_code == 414
        assert shop.get(f"{path}?client_reference_id={'a' * 9_000}").status_code == 414
        assert shop.get(f"{path}?limit=1").status_code == 200
