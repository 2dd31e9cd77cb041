"""How often a key and a merchant may ask, and how they are told, on both engines."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask

from ikawaari.config import Config
from ikawaari.merchants import rates
from ikawaari.store.models import RateWindow
from tests.merchant_api.calls import MISSING, SESSIONS, Shop, error
from tests.world import together

NOON = datetime(2026, 3, 2, 12, 0, 20, tzinfo=UTC)
END_OF_MINUTE = "1772452860"


@pytest.fixture
def config(config: Config) -> Config:
    """A house where all keys of a merchant may ask five times a minute."""
    return replace(config, merchant_rate_limit=5)


@pytest.fixture(autouse=True)
def noon() -> Iterator[time_machine.Traveller]:
    """Twenty seconds into a minute that does not end by itself."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def test_every_answer_tells_where_the_caller_stands(app: Flask) -> None:
    shop = Shop(app, rate_limit=4)
    answers = [
        shop.get(SESSIONS),
        shop.get(f"{SESSIONS}/{MISSING}"),
        shop.post(SESSIONS, {"amount": 0}),
        shop.post(SESSIONS, b"{"),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 400, 400]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["3", "2", "1", "0"]
    assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"4"}
    assert {answer.headers["X-RateLimit-Reset"] for answer in answers} == {END_OF_MINUTE}


def test_a_key_over_its_limit_is_told_when_to_come_again(app: Flask, noon: time_machine.Traveller) -> None:
    shop = Shop(app, rate_limit=2)
    assert [shop.get(SESSIONS).status_code for _ in range(2)] == [200, 200]
    for _ in range(2):
        answer = shop.get(SESSIONS)
        assert error(answer, 429, "IKW-RATE-001")["retryable"] is True
        assert (answer.headers["Retry-After"], answer.headers["X-RateLimit-Remaining"]) == ("40", "0")
    noon.shift(timedelta(seconds=40))
    assert shop.get(SESSIONS).headers["X-RateLimit-Remaining"] == "1"


def test_the_keys_of_a_merchant_share_its_limit(app: Flask) -> None:
    first = Shop(app, rate_limit=4)
    second = Shop(app, first.merchant, livemode=True)
    assert [shop.get(SESSIONS).headers["X-RateLimit-Remaining"] for shop in (first, first, second)] == ["3", "2", "2"]
    assert [second.get(SESSIONS).status_code for _ in range(3)] == [200, 200, 429]
    answer = first.get(SESSIONS)
    assert (answer.status_code, answer.headers["X-RateLimit-Limit"]) == (429, "5")
    assert Shop(app).get(SESSIONS).status_code == 200


def test_a_key_without_a_limit_of_its_own_has_the_house_s(app: Flask, config: Config) -> None:
    app.config["IKAWAARI"] = replace(config, key_rate_limit=3)
    assert Shop(app).get(SESSIONS).headers["X-RateLimit-Limit"] == "3"


def test_a_key_without_the_scope_is_counted_too(app: Flask) -> None:
    shop = Shop(app, scopes=["payments:read"], rate_limit=1)
    error(shop.post(SESSIONS, {}), 403, "IKW-AUTHZ-001")
    error(shop.get(SESSIONS), 429, "IKW-RATE-001")


def test_nobody_else_is_counted(app: Flask) -> None:
    client = app.test_client()
    for path in (SESSIONS, f"/api/checkout/{MISSING}", "/openapi.json", "/healthz"):
        assert "X-RateLimit-Limit" not in client.get(path).headers
    assert RateWindow.select().count() == 0


def test_requests_at_the_same_moment_are_all_counted(app: Flask) -> None:
    shop = Shop(app, rate_limit=5)
    answers = together(8, lambda _: shop.get(SESSIONS))
    assert sorted(getattr(answer, "status_code", 0) for answer in answers) == [200] * 5 + [429] * 3


def test_windows_that_are_over_are_forgotten(app: Flask, noon: time_machine.Traveller) -> None:
    shop = Shop(app)
    shop.get(SESSIONS)
    noon.shift(timedelta(minutes=3))
    shop.get(SESSIONS)
    rates.forget(datetime.now(UTC))
    assert RateWindow.select().count() == 2
