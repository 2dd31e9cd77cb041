"""The same POST twice is answered twice and done once, on both engines."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import time_machine
from flask import Flask

from ikawaari import clock, sealing
from ikawaari.config import Config
from ikawaari.store import sealed
from ikawaari.store.database import database
from ikawaari.store.models import CheckoutSession, IdempotencyKey
from tests import factories
from tests.merchant_api.calls import MISSING, SESSIONS, Answer, Shop, error, refused
from tests.world import together

UNKNOWN_LINK = "00000000-0000-4000-8000-000000000000"


def held(shop: Shop, key: str, **changes: object) -> IdempotencyKey:
    """The row that `key` left behind, as if its first call still ran."""
    row = IdempotencyKey.get(IdempotencyKey.key == key)
    row.change(**({"status": None, "body": None, "headers": None} | changes))
    return row


def test_the_first_answer_comes_again_byte_for_byte(shop: Shop) -> None:
    with time_machine.travel(datetime(2026, 9, 21, 12, 0, 30, tzinfo=UTC), tick=False):  # what remains is of a minute
        first, again = (
            shop.post(SESSIONS, {"amount": 5000, "metadata": {"b": 1, "a": "é"}}, Idempotency_Key="k") for _ in "12"
        )
    assert (again.status_code, again.data, again.content_type) == (201, first.data, first.content_type)
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    assert first.headers["Ikawaari-Request-Id"] != again.headers["Ikawaari-Request-Id"]
    assert int(again.headers["X-RateLimit-Remaining"]) == int(first.headers["X-RateLimit-Remaining"]) - 1
    assert CheckoutSession.select().count() == 1


def test_without_a_key_each_call_is_its_own(shop: Shop) -> None:
    assert len({shop.post(SESSIONS, {}).json["id"] for _ in range(2)}) == 2


@pytest.mark.parametrize("body", [{"amount": 5001}, None, b'{"amount": 5000 }'], ids=["other", "none", "a blank more"])
def test_a_key_with_another_body_is_refused(shop: Shop, body: object) -> None:
    shop.post(SESSIONS, b'{"amount": 5000}', Idempotency_Key="k")
    answer = error(shop.post(SESSIONS, body, Idempotency_Key="k"), 409, "IKW-REQ-007")
    assert answer["retryable"] is False
    assert CheckoutSession.select().count() == 1


@pytest.mark.parametrize("key", ["", "a" * 256, "a\x01b", "a\tb", "\x7f"])
def test_a_key_is_1_to_255_printable_characters(shop: Shop, key: str) -> None:
    refused(shop.post(SESSIONS, {}, Idempotency_Key=key), "Idempotency-Key")
    assert CheckoutSession.select().count() == 0


@pytest.mark.parametrize("key", ["a" * 255, "order 1042 / é", "'; DROP TABLE merchants; --"])
def test_any_other_text_is_a_key(shop: Shop, key: str) -> None:
    assert len({shop.post(SESSIONS, {}, Idempotency_Key=key).json["id"] for _ in range(2)}) == 1


def test_one_key_serves_several_paths(shop: Shop) -> None:
    ids = [shop.opened()["id"] for _ in range(2)]
    paths = [SESSIONS, *(f"{SESSIONS}/{session_id}/expire" for session_id in ids)]
    assert [shop.post(path, Idempotency_Key="k").status_code for path in paths] == [201, 200, 200]


def test_a_key_belongs_to_one_merchant_and_one_mode(shop: Shop, app: Flask) -> None:
    shops = (shop, Shop(app), Shop(app, shop.merchant, livemode=True))
    assert len({one.post(SESSIONS, {}, Idempotency_Key="k").json["id"] for one in shops}) == 3


def test_two_keys_of_one_merchant_share_idempotency_keys(shop: Shop, app: Flask) -> None:
    colleague = Shop(app, shop.merchant)
    assert shop.post(SESSIONS, {}, Idempotency_Key="k").data == colleague.post(SESSIONS, {}, Idempotency_Key="k").data


@pytest.mark.parametrize(
    ("body", "status"),
    [({"amount": 0}, 400), (b"{", 400), ({"paymentLinkId": MISSING}, 400), ({"paymentLinkId": UNKNOWN_LINK}, 404)],
)
def test_a_refusal_leaves_the_key_to_the_corrected_request(shop: Shop, body: object, status: int) -> None:
    for _ in range(2):
        answer = shop.post(SESSIONS, body, Idempotency_Key="order-1042")
        assert (answer.status_code, "Idempotent-Replayed" in answer.headers) == (status, False)
    assert (IdempotencyKey.select().count(), CheckoutSession.select().count()) == (0, 0)
    first, again = (shop.post(SESSIONS, {"amount": 5000}, Idempotency_Key="order-1042") for _ in range(2))
    assert (first.status_code, again.data, CheckoutSession.select().count()) == (201, first.data, 1)


def test_other_content_leaves_the_key_free(shop: Shop) -> None:
    error(shop.post(SESSIONS, b"a=b", Idempotency_Key="k", Content_Type="text/plain"), 415, "IKW-REQ-003")
    error(shop.post(SESSIONS, b" " * 200_000, Idempotency_Key="k"), 413, "IKW-REQ-004")
    assert IdempotencyKey.select().count() == 0


def test_what_has_ended_is_a_final_answer(shop: Shop) -> None:
    link = shop.post("/api/v1/payment_links", {"amount": 5000}).json["id"]
    shop.post(f"/api/v1/payment_links/{link}/deactivate")
    first, again = (shop.post(SESSIONS, {"paymentLinkId": link}, Idempotency_Key="k") for _ in range(2))
    assert (first.status_code, again.data, again.headers["Idempotent-Replayed"]) == (410, first.data, "true")
    error(shop.post(SESSIONS, {}, Idempotency_Key="k"), 409, "IKW-REQ-007")


def test_a_conflict_is_not_kept(shop: Shop) -> None:
    session = CheckoutSession.get_by_id(shop.opened()["id"])
    session.move("payment_status", "processing")
    path = f"{SESSIONS}/{session.id}/expire"
    error(shop.post(path, Idempotency_Key="k"), 409, "IKW-RES-002")
    session.move("payment_status", "unpaid")
    answer = shop.post(path, Idempotency_Key="k")
    assert (answer.status_code, "Idempotent-Replayed" in answer.headers) == (200, False)


def test_a_breakdown_is_not_kept(shop: Shop) -> None:
    # A table that is gone is as good a bug as any.
    database.execute_sql("ALTER TABLE events RENAME TO elsewhere")
    assert shop.post(SESSIONS, {}, Idempotency_Key="k").status_code in {500, 503}
    database.execute_sql("ALTER TABLE elsewhere RENAME TO events")
    assert (shop.post(SESSIONS, {}, Idempotency_Key="k").status_code, CheckoutSession.select().count()) == (201, 1)


def test_neither_401_nor_403_nor_429_takes_the_key(app: Flask) -> None:
    owner = factories.merchant()
    reader = Shop(app, owner, scopes=["payments:read"])
    error(reader.post(SESSIONS, {}, Idempotency_Key="k"), 403, "IKW-AUTHZ-001")
    slow = Shop(app, owner, rate_limit=1)
    with time_machine.travel(clock.now(), tick=False):
        slow.get(SESSIONS)
        error(slow.post(SESSIONS, {}, Idempotency_Key="k"), 429, "IKW-RATE-001")
    assert IdempotencyKey.select().count() == 0
    assert Shop(app, owner).post(SESSIONS, {}, Idempotency_Key="k").status_code == 201


# ---------------------------------------------------------------- while the first call runs


def test_while_the_first_call_runs_the_second_is_told_to_wait(shop: Shop) -> None:
    first = shop.post(SESSIONS, {}, Idempotency_Key="k")
    row = held(shop, "k", locked_until=clock.now() + timedelta(seconds=30))
    answer = shop.post(SESSIONS, {}, Idempotency_Key="k")
    assert error(answer, 409, "IKW-REQ-008")["retryable"] is True
    assert answer.headers["Retry-After"] == "1"
    row.change(status=201, body=first.text, headers={"Content-Type": "application/json"})
    assert shop.post(SESSIONS, {}, Idempotency_Key="k").data == first.data


def test_equal_calls_at_the_same_moment_open_one_session(shop: Shop) -> None:
    answers: list[Answer] = together(6, lambda _: shop.post(SESSIONS, {"amount": 5000}, Idempotency_Key="k"))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.data for answer in answers if answer.status_code == 201}) == 1
    assert CheckoutSession.select().count() == 1


@pytest.mark.parametrize("engine", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_a_call_that_still_runs_in_another_thread_is_waited_for(shop: Shop, config: Config) -> None:
    def call() -> Answer:
        return shop.post(SESSIONS, {}, Idempotency_Key="k")

    with ThreadPoolExecutor(1) as thread, psycopg.connect(config.database_url) as blocker:
        blocker.execute("LOCK TABLE events IN EXCLUSIVE MODE")
        first = thread.submit(call)
        while not database.execute_sql("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted").fetchone():
            assert not first.done()
        error(call(), 409, "IKW-REQ-008")
        blocker.rollback()
        assert first.result().status_code == 201
    assert call().data == first.result().data


def test_the_lock_of_a_killed_call_runs_out(shop: Shop) -> None:
    shop.post(SESSIONS, {}, Idempotency_Key="k")
    held(shop, "k", locked_until=clock.now() + timedelta(seconds=60))
    with time_machine.travel(clock.now() + timedelta(seconds=61), tick=False):
        answer = shop.post(SESSIONS, {}, Idempotency_Key="k")
        assert (answer.status_code, "Idempotent-Replayed" in answer.headers) == (201, False)
        assert shop.post(SESSIONS, {}, Idempotency_Key="k").data == answer.data


def test_a_refusal_of_who_took_over_leaves_the_key_to_the_corrected_request(shop: Shop) -> None:
    shop.post(SESSIONS, {}, Idempotency_Key="k")
    held(shop, "k", locked_until=clock.now() - timedelta(seconds=1))
    error(shop.post(SESSIONS, {"amount": -1}, Idempotency_Key="k"), 400, "IKW-REQ-001")
    assert shop.post(SESSIONS, {}, Idempotency_Key="k").status_code == 201


def test_a_final_refusal_of_who_took_over_is_kept(shop: Shop) -> None:
    link = shop.post("/api/v1/payment_links", {"amount": 5000}).json["id"]
    shop.post(SESSIONS, {"paymentLinkId": link}, Idempotency_Key="k")
    shop.post(f"/api/v1/payment_links/{link}/deactivate")
    held(shop, "k", locked_until=clock.now() - timedelta(seconds=1))
    first, again = (shop.post(SESSIONS, {"paymentLinkId": link}, Idempotency_Key="k") for _ in range(2))
    assert (first.status_code, again.data, again.headers["Idempotent-Replayed"]) == (410, first.data, "true")


def test_of_many_who_find_a_killed_call_one_takes_over(shop: Shop, app: Flask) -> None:
    shop.post(SESSIONS, {}, Idempotency_Key="k")
    held(shop, "k", locked_until=clock.now() - timedelta(seconds=1))
    answers = together(5, lambda _: shop.post(SESSIONS, {}, Idempotency_Key="k"))
    assert {getattr(answer, "status_code", answer) for answer in answers} <= {201, 409}
    assert CheckoutSession.select().count() == 2


def test_an_answer_is_kept_for_a_day(shop: Shop) -> None:
    from ikawaari.merchants import idempotency

    first = shop.post(SESSIONS, {}, Idempotency_Key="k")
    with time_machine.travel(clock.now() + timedelta(hours=24), tick=False):
        idempotency.forget_calls(clock.now())
        assert shop.post(SESSIONS, {}, Idempotency_Key="k").data == first.data
    with time_machine.travel(clock.now() + timedelta(hours=26), tick=False):
        idempotency.forget_calls(clock.now())
        assert shop.post(SESSIONS, {}, Idempotency_Key="k").data != first.data


ENDPOINTS = "/api/v1/webhook-endpoints"


def test_an_answer_that_holds_a_secret_is_sealed_and_comes_again_to_its_own_credential_alone(shop: Shop) -> None:
    body = {"url": "https://93.184.216.34/hook"}
    made = shop.post(ENDPOINTS, body, Idempotency_Key="k")
    rotated = shop.post(f"{ENDPOINTS}/{made.json['id']}/rotate_secret", {}, Idempotency_Key="k")
    assert shop.post(ENDPOINTS, body, Idempotency_Key="k").data == made.data
    assert shop.post(f"{ENDPOINTS}/{made.json['id']}/rotate_secret", {}, Idempotency_Key="k").data == rotated.data
    assert not any("whsec_" in str(row.__data__) for row in IdempotencyKey.select())
    colleague = Shop(shop.client.application, shop.merchant)
    for path, sent in ((ENDPOINTS, body), (f"{ENDPOINTS}/{made.json['id']}/rotate_secret", {})):
        refusal = colleague.post(path, sent, Idempotency_Key="k")
        error(refusal, 409, "IKW-REQ-007")
        assert "whsec_" not in refusal.text
    assert colleague.post(SESSIONS, {}, Idempotency_Key="s").status_code == 201
    assert shop.post(SESSIONS, {}, Idempotency_Key="s").headers["Idempotent-Replayed"] == "true", "it holds no secret"


def test_a_sealed_answer_outlives_a_rotation_of_the_secret(shop: Shop, config: Config) -> None:
    body = {"url": "https://93.184.216.34/hook"}
    made = shop.post(ENDPOINTS, body, Idempotency_Key="k")
    before = config.secret_key
    sealing.configure(replace(config, secret_key="n" * 32, old_secret_keys=before))
    assert sealed.rotate() > 0
    sealing.configure(replace(config, secret_key="n" * 32))
    assert shop.post(ENDPOINTS, body, Idempotency_Key="k").data == made.data
