"""Errors as they leave: one envelope, no page on JSON routes, no stack trace anywhere."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

import ikawaari
from ikawaari import store
from ikawaari.config import Config
from ikawaari.store.database import database
from tests.conftest import disconnect
from tests.merchant_api.calls import HOME, MISSING, SESSIONS, Answer, Shop, app_on, error

JSON_ROUTES = (
    *(SESSIONS, f"{SESSIONS}/{MISSING}", f"{SESSIONS}/{MISSING}/expire", f"/api/checkout/{MISSING}"),
    *(f"/api/checkout/{MISSING}/pay", "/api/test/mobile-money/callback", "/callbacks/sandbox", "/openapi.json"),
    *("/healthz", "/readyz"),
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


@pytest.fixture
def app(shared_url: str) -> Iterator[Flask]:
    """One app for all tests here that break nothing."""
    with app_on(shared_url) as app:
        yield app


@pytest.fixture
def client(app: Flask) -> Any:
    """Somebody without a credential."""
    return app.test_client()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", JSON_ROUTES)
def test_json_routes_answer_every_method_with_json(client: Any, path: str, method: str) -> None:
    answer = client.open(path, method=method)
    assert answer.status_code in {200, 400, 401, 404, 405}
    assert "Ikawaari-Request-Id" in answer.headers
    if method == "OPTIONS":
        assert (answer.status_code, answer.data) == (200, b"")
    else:
        assert answer.content_type == "application/json"
    if answer.status_code == 405:
        assert method == "HEAD" or error(answer, 405, "IKW-REQ-005")
        assert method not in answer.headers["Allow"].split(", ")


@pytest.mark.parametrize(
    "path",
    [
        *(path + "/" for path in JSON_ROUTES if not path.startswith("/openapi")),
        *("/api/", "/api/v1", "/api/v1/", "/api/v2/checkout/sessions", "/api/v1/Checkout/sessions", "/callbacks/"),
        *("/api//v1/checkout/sessions", "/api/v1//checkout/sessions", "/api/v1/checkout//sessions"),
        *("/api/checkout/%00", "/api/checkout/a%00b/pay", "/callbacks/%00", "/api/%00", "/api/checkout/" + "a" * 600),
        *("/api/checkout/..%2f..%2fetc", "/api/checkout/%FF%FE"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_not_there_is_not_found(client: Any, method: str, path: str) -> None:
    answer = client.open(path, method=method)
    if answer.status_code == 405:
        error(answer, 405, "IKW-REQ-005")
    else:
        assert error(answer, 404, answer.json["error"]["code"])["code"] in {"IKW-RES-001", "IKW-CHK-001"}


@pytest.mark.parametrize("path", ["/callbacks/paypal", "/callbacks/" + "a" * 400])
def test_what_is_posted_to_nobodys_callbacks_is_not_found(client: Any, path: str) -> None:
    answer = client.post(path)
    assert error(answer, 404, answer.json["error"]["code"])["code"] in {"IKW-RES-001", "IKW-CHK-001"}


def test_elsewhere_a_person_gets_a_page(client: Any) -> None:
    answer = client.get("/nowhere")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")


def test_a_head_request_is_answered_like_a_get_without_its_body(app: Flask) -> None:
    shop = Shop(app)
    session_id = shop.opened()["id"]
    for path in (SESSIONS, f"{SESSIONS}/{session_id}", f"/api/checkout/{session_id}"):
        answer = shop.client.head(path, headers={"Authorization": f"Bearer {shop.key}"})
        assert (answer.status_code, answer.data, answer.content_type) == (200, b"", "application/json")


def test_every_answer_has_an_id_of_its_own_and_forbids_to_be_framed(client: Any) -> None:
    answers = [client.get(path) for path in JSON_ROUTES for _ in range(2)]
    assert len({answer.headers["Ikawaari-Request-Id"] for answer in answers}) == len(answers)
    for answer in answers:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_bug_shows_nothing_of_itself(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    shop = Shop(ikawaari.create_app(config))
    database.execute_sql("ALTER TABLE due_work DROP COLUMN tries")  # as good a bug as any
    answer = shop.post(SESSIONS, {"amount": 5000, "description": "secret words"})
    shown = error(answer, answer.status_code, answer.json["error"]["code"])
    assert answer.status_code in {500, 503}
    assert "Traceback" not in answer.text
    assert "tries" not in answer.text
    assert shown["retryable"] is True
    logged = capsys.readouterr().err
    assert shown["request_id"] in logged
    assert "secret words" not in logged
    assert shop.key not in logged
    disconnect()


# ---------------------------------------------------------------- without the database


@pytest.fixture
def orphan() -> Iterator[Any]:
    """A client of an app whose database does not answer."""
    yield ikawaari.create_app(Config(database_url="postgresql://nobody@127.0.0.1:1/none", **HOME)).test_client()
    disconnect()


def unavailable(answer: Answer) -> None:
    """Assert that `answer` asks to come again."""
    assert error(answer, 503, "IKW-SYS-002")["retryable"] is True
    assert answer.headers["Retry-After"] == "5"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", path) for path in (SESSIONS, f"{SESSIONS}/x", "/api/checkout/x", "/readyz")),
        *(("POST", path) for path in (SESSIONS, f"{SESSIONS}/x/expire", "/api/test/mobile-money/callback")),
        ("POST", "/api/checkout/x/pay"),
    ],
)
def test_without_the_database_everybody_is_asked_to_come_again(orphan: Any, method: str, path: str) -> None:
    body: dict[str, Any] = {"payment_intent_id": "pi_1", "status": "failed"} if "test" in path else {}
    body = {"payment_method": {"type": "card", "card": {"token": "tok_1"}}} if path.endswith("pay") else body
    headers = {"Authorization": "Bearer ik_test_1", "Idempotency-Key": "k"}
    unavailable(orphan.open(path, method=method, json=body if method == "POST" else None, headers=headers))


@pytest.mark.parametrize("path", ["/healthz", "/openapi.json", "/docs"])
def test_what_needs_no_database_is_served_without_one(orphan: Any, path: str) -> None:
    assert orphan.get(path).status_code == 200


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_database_that_stays_locked_is_no_bug(config: Config) -> None:
    import sqlite3

    shop = Shop(ikawaari.create_app(config))
    path = config.database_url.removeprefix("sqlite:///")
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    database.execute_sql("PRAGMA busy_timeout = 50")
    unavailable(shop.post(SESSIONS, {}))
    blocker.close()
    assert shop.post(SESSIONS, {}).status_code == 201
    disconnect()


@pytest.mark.parametrize("engine", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_a_pool_that_is_empty_is_no_bug(config: Config) -> None:
    import threading

    shop = Shop(ikawaari.create_app(replace(config, database_pool=1)))
    database.obj._wait_timeout = 0.05
    taken, done = threading.Event(), threading.Event()

    def take() -> None:
        database.connect()
        taken.set()
        done.wait()
        store.release()

    store.release()
    thread = threading.Thread(target=take)
    thread.start()
    taken.wait()
    unavailable(shop.get(SESSIONS))
    done.set()
    thread.join()
    assert shop.get(SESSIONS).status_code == 200
    disconnect()
