"""Somebody else writes for too long: the answer is 503 with a time to come again, and nothing is half done."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from flask import Flask
from peewee import OperationalError

from ikawaari import clock, databases, locks, sqlite, store
from ikawaari.checkout import attempts
from ikawaari.config import Config
from ikawaari.providers.sandbox import ledger
from ikawaari.store.database import database
from ikawaari.store.models import CheckoutSession, IdempotencyKey, Merchant, PaymentAttempt
from tests import factories
from tests.merchant_api.calls import SESSIONS, Shop, error
from tests.world import halfway, release, together

ON_POSTGRES = pytest.mark.parametrize("engine", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits longer than a moment."""
    for engine in (databases, sqlite):
        monkeypatch.setattr(engine, "LONGEST_WAIT_SECONDS", 0.2)
    monkeypatch.setitem(databases.POSTGRES_LIMITS, "lock_timeout", 0.2)


@contextmanager
def busy(config: Config) -> Iterator[None]:
    """Somebody holds what every writer needs."""
    if config.database_url.startswith("sqlite"):
        with locks.file_lock(database.obj.writers_queue):
            yield
        return
    tables = "checkout_sessions, payment_intents, payment_attempts, rate_windows, idempotency_keys"
    with psycopg.connect(config.database_url) as connection:
        connection.execute(f"LOCK TABLE {tables} IN EXCLUSIVE MODE")
        yield
        connection.rollback()


def rows() -> list[int]:
    """How much there is."""
    return [model.select().count() for model in (CheckoutSession, PaymentAttempt, IdempotencyKey)]


def test_a_merchant_is_asked_to_come_again(app: Flask, config: Config) -> None:
    shop, before = Shop(app), rows()
    with busy(config):
        answer = shop.post(SESSIONS, {"amount": 5000}, Idempotency_Key="order 1")
        error(answer, 503, "IKW-SYS-002")
        assert answer.json["error"]["retryable"]
        assert int(answer.headers["Retry-After"]) > 0
        assert rows() == before
    assert shop.post(SESSIONS, {"amount": 5000}, Idempotency_Key="order 1").status_code == 201


def test_a_payer_is_asked_to_come_again_and_is_not_charged(app: Flask, config: Config) -> None:
    session = factories.session()
    form = {"method": "card", "card_token": "tok_test_card"}
    body = {"payment_method": {"type": "card", "card": {"token": "tok_test_card"}}}
    with busy(config):
        for answer in (
            app.test_client().post(f"/{session.id}/pay", data=form, headers={"Origin": "http://localhost"}),
            app.test_client().post(f"/api/checkout/{session.id}/pay", json=body),
        ):
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
        assert not PaymentAttempt.select().exists()
        assert list(ledger.entries()) == []
    assert app.test_client().post(f"/api/checkout/{session.id}/pay", json=body).status_code == 200


@ON_SQLITE
def test_the_writers_queue_ends_and_who_left_it_holds_up_nobody(app: Flask, config: Config) -> None:
    merchant = factories.merchant()
    with busy(config):
        results = together(4, lambda _: factories.session(merchant))
        assert [type(result) for result in results] == [locks.Busy] * 4
    deadline = time.monotonic() + 10
    while any(thread.name == "writers-queue" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert isinstance(factories.session(merchant), CheckoutSession)


@ON_SQLITE
def test_a_wait_that_ends_in_time_is_a_turn_like_any_other(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "LONGEST_WAIT_SECONDS", 30)
    merchant = factories.merchant()
    results = together(8, lambda _: [factories.session(merchant) for _ in range(5)])
    assert not [result for result in results if isinstance(result, Exception)], results
    assert CheckoutSession.select().count() == 40


@ON_POSTGRES
def test_a_lock_that_another_machine_keeps_is_not_waited_for_without_end(app: Flask, config: Config) -> None:
    session = factories.session()
    with busy(config), pytest.raises(OperationalError):
        attempts.pay(session.id, factories.pay_request(), clock.now())
    assert not PaymentAttempt.select().exists()


@ON_POSTGRES
def test_a_transaction_that_hangs_is_ended_by_the_server(
    app: Flask, client: Any, monkeypatch: pytest.MonkeyPatch, config: Config
) -> None:
    """The next request gets 503 at most, and none of what hung is there."""
    monkeypatch.setitem(databases.POSTGRES_LIMITS, "idle_in_transaction_session_timeout", 0.1)
    store.connect(config.database_url)
    merchant = factories.merchant()

    def hang() -> None:
        factories.merchant("hangs")
        _await_end(config, database.execute_sql("SELECT pg_backend_pid()").fetchone()[0])
        factories.merchant("too late")

    with pytest.raises(OperationalError):
        halfway(hang)
    release()
    assert [row.id for row in Merchant.select()] == [merchant.id]


def _await_end(config: Config, backend: int) -> None:
    with psycopg.connect(config.database_url, autocommit=True) as watching:
        deadline = time.monotonic() + 20
        while watching.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [backend]).fetchone():
            assert time.monotonic() < deadline
            time.sleep(0.01)


@ON_POSTGRES
def test_a_pool_without_a_free_connection_is_not_waited_for_without_end(
    app: Flask, client: Any, config: Config
) -> None:
    store.connect(config.database_url, pool=1)
    assert store.is_ready()
    kept, done = threading.Event(), threading.Event()

    def hold() -> None:
        store.is_ready()
        kept.set()
        done.wait(20)
        release()

    release()
    thread = threading.Thread(target=hold)
    thread.start()
    assert kept.wait(20)
    answer = client.get("/api/checkout/cs_00000000000000000000000000")
    error(answer, 503, "IKW-SYS-002")
    done.set()
    thread.join()
