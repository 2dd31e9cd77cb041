"""What surrounds every request: an id, security headers, and who sent it, whatever proxies and clients write."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.merchant_api.calls import SESSIONS, Shop, app_on

SECRET = "test-secret-key-0123456789abcdef"
HTTPS: dict[str, Any] = {"api_url": "https://api.example", "pay_url": "https://pay.example", "secret_key": SECRET}
PATHS = {
    "JSON": "/healthz",
    "an error": f"{SESSIONS}/x",
    "the document": "/openapi.json",
    "its page": "/docs",
    "a page": "/nowhere",
    "a script": "/static/checkout.js",
    "a style": "/static/checkout.css",
    "no file": "/static/none.js",
}


@pytest.fixture
def http(new_sqlite: Callable[[Path], str], tmp_path: Path) -> Iterator[Flask]:
    """An app on a laptop."""
    with app_on(new_sqlite(tmp_path)) as app:
        yield app


@pytest.fixture
def https(new_sqlite: Callable[[Path], str], tmp_path: Path) -> Iterator[Flask]:
    """An app behind two proxies."""
    with app_on(new_sqlite(tmp_path), trusted_proxies=2, **HTTPS) as app:
        yield app


def test_every_response_has_an_id_and_the_security_headers(http: Flask) -> None:
    answers = [http.test_client().get(path, buffered=True) for path in PATHS.values() for _ in range(2)]
    assert len({answer.headers["Ikawaari-Request-Id"] for answer in answers}) == len(answers)
    for answer in answers:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert "Strict-Transport-Security" not in answer.headers


def test_a_page_reached_over_https_stays_there(https: Flask) -> None:
    for path in PATHS.values():
        answer = https.test_client().get(path, buffered=True)
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000", path


def test_only_static_files_are_kept_by_browsers_and_proxies(http: Flask) -> None:
    for name, path in PATHS.items():
        answer = http.test_client().get(path, buffered=True)
        assert ("no-store" in answer.headers["Cache-Control"]) is (not name.startswith("a s")), answer.headers


def test_what_a_merchant_reads_is_not_kept_on_the_way(http: Flask) -> None:
    shop = Shop(http)
    session = shop.opened()
    for path in (f"{SESSIONS}/{session['id']}", f"/api/checkout/{session['id']}", SESSIONS, f"/{session['id']}"):
        assert shop.get(path).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("fixture", "proto", "secure"), [("https", "http", True), ("http", "https", False)])
def test_cookies_are_secure_by_the_configuration_and_not_by_a_header(
    request: pytest.FixtureRequest, fixture: str, proto: str, secure: bool
) -> None:
    shop = Shop(request.getfixturevalue(fixture))
    link = shop.post("/api/v1/payment_links", {"amount": 5000}).json["url"].rpartition("/")[2]
    session, headers = shop.opened()["id"], {"X-Forwarded-Proto": proto, "X-Forwarded-Host": "a.example, b.example"}
    browser = shop.client
    answers = [
        browser.get(f"/{session}?lang=fr", headers=headers),
        browser.get(f"/pay/{link}", headers=headers),
        browser.post(f"/{session}/pay", data={"method": "card", "email": "a@b.co"}, headers=headers),
    ]
    for answer in answers:
        assert ("Secure" in answer.headers["Set-Cookie"]) is secure, answer.headers


def test_the_application_stands_at_the_root_whatever_is_said_of_it(http: Flask) -> None:
    answer = http.test_client().get("/nowhere", environ_overrides={"SCRIPT_NAME": "/evil"})
    assert "/evil" not in answer.text
    assert http.test_client().get("/static/none.js", environ_overrides={"SCRIPT_NAME": "/static"}).status_code == 404


@pytest.mark.parametrize(
    ("forwarded", "allowed"),
    [
        ("203.0.113.5, 10.0.0.1", True),
        ("203.0.113.5:51234, 10.0.0.1:80", True),
        ("8.8.8.8, 203.0.113.5:51234, 10.0.0.1", True),
        ("[2001:db8::1], 10.0.0.1", True),
        ("[2001:db8::1]:443, [::1]:80", True),
        ("2001:db8::1, ::1", True),
        ("::ffff:203.0.113.5, 10.0.0.1", True),
        ("203.0.113.6:51234, 10.0.0.1", False),
        ("203.0.113.5, 8.8.8.8, 10.0.0.1", False),
        ("unknown, 10.0.0.1", False),
        (", 10.0.0.1", False),
        ("[203.0.113.5, 10.0.0.1", False),
    ],
)
def test_an_allow_list_knows_an_address_with_its_port_and_brackets(https: Flask, forwarded: str, allowed: bool) -> None:
    shop = Shop(https, allowed_networks=["203.0.113.5/32", "2001:db8::/32"])
    answer = shop.get(SESSIONS, X_Forwarded_For=forwarded)
    assert answer.status_code == (200 if allowed else 403), answer.text
