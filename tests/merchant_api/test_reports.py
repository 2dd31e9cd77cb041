"""Daily reports over REST."""

import pytest
import time_machine
from flask import Flask

from tests import factories
from tests.merchant_api.calls import Shop, refused
from tests.merchant_api.test_refunds import paid, refund, settle

DAILY = "/api/v1/reports/daily"
LATE = "2026-03-01T22:30:00Z"  # in Kinshasa it is March already, in Dakar not yet


def test_the_day_of_a_key_is_told_in_its_merchant_s_time_zone(shared_app: Flask) -> None:
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False):
        shop = Shop(shared_app)
        intent_id = paid(shop)
        assert refund(shop, intent_id, amount=2000).status_code == 201
        settle()
        answer = shop.get(f"{DAILY}?date=2026-03-01")
    row = {"currency": "xof", "operator": "card", "count": 1, "gross": 5000, "customer_fees": 0}
    assert answer.json == {
        "object": "report.daily",
        "date": "2026-03-01",
        "timezone": "Africa/Dakar",
        "livemode": False,
        "rows": [row | {"provider_fees": None, "refunds": 2000, "net": None}],
    }
    for other in (Shop(shared_app), Shop(shared_app, shop.merchant, livemode=True)):
        assert other.get(f"{DAILY}?date=2026-03-01").json["rows"] == []


def test_a_payment_late_in_the_evening_of_utc_is_on_the_next_day_in_kinshasa(shared_app: Flask) -> None:
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False) as clocks:
        dakar, kinshasa = Shop(shared_app), Shop(shared_app, factories.merchant(country="CD"))
        clocks.move_to("2026-03-01T23:30:00Z")
        for shop, currency in ((dakar, "xof"), (kinshasa, "cdf")):
            paid(shop, currency)
        told = {day: [shop.get(f"{DAILY}?date=2026-03-0{day}") for shop in (dakar, kinshasa)] for day in (1, 2)}
    assert [[row["currency"] for row in answer.json["rows"]] for answer in told[1]] == [["xof"], []]
    refused(told[2][0], "date")  # in Dakar it has not begun
    assert told[2][1].json["timezone"] == "Africa/Kinshasa"
    assert [(row["currency"], row["gross"]) for row in told[2][1].json["rows"]] == [("cdf", 5_000)]


@pytest.mark.parametrize(
    "query",
    ["", "date=", "date=today", "date=2026-02-29", "date=20260228", "date=2026-2-8", "date=1999-12-31",
     "date=9999-12-31", "date=0000-00-00", "date=2026-01-01T00:00:00", "date=%D9%A2026-01-01"],
)  # fmt: skip
def test_what_is_no_day_is_refused_by_name(shared_shop: Shop, query: str) -> None:
    refused(shared_shop.get(f"{DAILY}?{query}"), "date")


def test_a_parameter_that_is_not_known_is_refused_by_name(shared_shop: Shop) -> None:
    refused(shared_shop.get(f"{DAILY}?date=2026-01-01&currency=xof"), "currency")


def test_the_future_is_refused_and_today_is_not(shared_shop: Shop) -> None:
    with time_machine.travel(LATE, tick=False):
        assert shared_shop.get(f"{DAILY}?date=2026-03-01").status_code == 200
        refused(shared_shop.get(f"{DAILY}?date=2026-03-02"), "date")
