"""Daily reports: each unit of money is in one row of one day."""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ikawaari import countries, store
from ikawaari.checkout import attempts, refunds, reports, settlement
from ikawaari.checkout.refunds import NewRefund
from ikawaari.checkout.reports import Day, ReportRow
from ikawaari.errors import ValidationFailed
from ikawaari.merchants import fees
from ikawaari.money import Money
from ikawaari.providers.base import FailureCode, Outcome, Result
from ikawaari.store.models import PaymentAttempt, PaymentIntent, Refund
from tests import factories
from tests.checkout.test_money_held import moody
from tests.test_statement_budgets import _copy as copied
from tests.world import World, intent, latest

TODAY = date(2025, 6, 2)


def rows(world: World, on: date = TODAY) -> list[ReportRow]:
    """The rows of the merchant's day."""
    return list(reports.daily(world.owner, on, world.now)["rows"])


def row(currency: str = "xof", operator: str = "orange_sn", **sums: Any) -> dict[str, Any]:
    """A row as it should be; what is not named is 0, or not known."""
    empty = {"count": 0, "gross": 0, "customer_fees": 0, "provider_fees": None, "refunds": 0, "net": None}
    return {"currency": currency, "operator": operator} | empty | sums


@pytest.mark.on_postgres
def test_a_day_has_a_row_for_each_currency_and_operator(world: World) -> None:
    for number, operator in (
        ("+221771234500", "orange_sn"),
        ("+221771234500", "orange_sn"),
        ("+221761234500", "free_sn"),
    ):
        request = factories.pay_request(number, operator)
        attempts.pay(world.session().id, request, world.now)
    world.pay_by_card(world.session())
    world.pay(world.session(), "001")  # no money
    world.wait(10)
    PaymentAttempt.update(cost_amount=75, cost_currency="XOF").where(PaymentAttempt.operator == "orange_sn").execute()
    PaymentAttempt.update(cost_amount=1, cost_currency="EUR").where(PaymentAttempt.operator == "free_sn").execute()
    known: dict[str, Any] = {"count": 2, "gross": 10_000, "provider_fees": 150, "net": 9_850}
    assert rows(world) == [
        row(operator="card", count=1, gross=5_000),
        row(operator="free_sn", count=1, gross=5_000),  # in another currency it is not known in this one
        row(**known),
    ]
    report = reports.daily(world.owner, TODAY, world.now)
    assert (report["object"], report["date"], report["timezone"]) == ("report.daily", "2025-06-02", "Africa/Dakar")
    assert report["livemode"] is False


def test_one_fee_that_is_not_known_makes_the_sum_unknown(world: World) -> None:
    for _ in range(2):
        world.pay_by_card(world.session())
    one = PaymentAttempt.get()
    PaymentAttempt.update(cost_amount=75, cost_currency="XOF").where(PaymentAttempt.id == one.id).execute()
    assert rows(world) == [row(operator="card", count=2, gross=10_000)]


def test_fees_that_customers_pay_are_a_part_of_what_is_taken(world: World) -> None:
    shop = factories.merchant(fees=fees.read(["card=2%"]))
    link = factories.link(shop, fee_mode="customer_pays")
    world.pay_by_card(factories.session(shop, amount=None, payment_link_v2_id=link.id))
    (found,) = reports.daily(factories.owner(shop), TODAY, world.now)["rows"]
    assert (found["gross"], found["customer_fees"]) == (5_100, 100)


def test_a_refund_belongs_to_the_day_on_which_it_succeeded_with_its_own_fee(world: World) -> None:
    session = world.session()
    world.pay_by_card(session)
    world.later(86_400)
    refunds.create(world.owner, NewRefund(payment_intent=intent(session).id, amount=2_000), world.now)
    world.work()
    assert rows(world) == [row(operator="card", count=1, gross=5_000)]
    assert rows(world, date(2025, 6, 3)) == [row(operator="card", refunds=2_000)]  # nobody knows its fee
    Refund.update(cost_amount=25, cost_currency="XOF").execute()
    assert rows(world, date(2025, 6, 3)) == [row(operator="card", refunds=2_000, provider_fees=25, net=-2_025)]


def test_one_fee_of_a_refund_that_is_not_known_makes_the_sum_unknown_too(world: World) -> None:
    session = world.session()
    world.pay_by_card(session)
    PaymentAttempt.update(cost_amount=75, cost_currency="XOF").execute()
    for amount in (2_000, 1_000):
        refunds.create(world.owner, NewRefund(payment_intent=intent(session).id, amount=amount), world.now)
        world.work()
    told: dict[str, Any] = {"operator": "card", "count": 1, "gross": 5_000, "refunds": 3_000}
    known = {"cost_amount": -30, "cost_currency": "XOF"}  # the provider gives a part of its fee back
    Refund.update(**known).where(Refund.amount == 2_000).execute()
    assert rows(world) == [row(**told)]
    Refund.update(known | {"cost_currency": "EUR"}).where(Refund.amount == 1_000).execute()
    assert rows(world) == [row(**told)]
    Refund.update(cost_amount=0, cost_currency="XOF").where(Refund.amount == 1_000).execute()
    assert rows(world) == [row(**told, provider_fees=45, net=1_955)]


def test_money_that_pays_nothing_was_taken_and_goes_back(world: World) -> None:
    world.pay(world.session(), "012")  # half of it
    world.wait(10, 10)
    assert rows(world) == [row(count=1, gross=2_500, refunds=2_500)]


def test_a_wrong_amount_after_a_failure_belongs_to_the_day_of_the_money(world: World) -> None:
    moody(world, FailureCode.NOT_ALLOWED)
    session = world.session()
    world.pay(session, "001")
    world.wait(10)
    world.later(86_400)
    late = Outcome(result=Result.SUCCEEDED, money=Money(2_500, "XOF"))
    settlement.apply(latest(session).id, late, world.now)
    assert rows(world) == []
    assert rows(world, date(2025, 6, 3)) == [row(count=1, gross=2_500)]


def test_nobody_sees_what_is_another_s(world: World) -> None:
    world.pay_by_card(world.session())
    other = factories.merchant(now=world.now)
    world.pay_by_card(factories.session(other))
    live = factories.owner(world.merchant, livemode=True)
    assert reports.daily(live, TODAY, world.now)["rows"] == ()
    assert len(rows(world)) == 1
    found = dict(reports.all_daily(TODAY, world.now, livemode=False))
    assert {name: one["rows"][0]["count"] for name, one in found.items()} == {world.merchant.id: 1, other.id: 1}
    assert dict(reports.all_daily(TODAY, world.now, livemode=True)) == {}


@pytest.mark.parametrize("on", [date(2025, 6, 3), date(1999, 12, 31)])
def test_a_day_that_has_not_begun_or_is_none_of_ours_is_refused(world: World, on: date) -> None:
    with pytest.raises(ValidationFailed) as refused:
        rows(world, on)
    assert list(refused.value.details) == ["date"]


def test_today_is_where_the_merchant_is(world: World) -> None:
    there = factories.owner(factories.merchant(country="CD"))
    world.later(13.5 * 3600)  # 23:30 UTC, half past midnight in Kinshasa
    assert reports.daily(there, date(2025, 6, 3), world.now)["timezone"] == "Africa/Kinshasa"
    with pytest.raises(ValidationFailed):
        rows(world, date(2025, 6, 3))


def test_a_time_zone_has_a_name() -> None:
    assert reports.zone_named("Africa/Lubumbashi").key == "Africa/Lubumbashi"
    for name in ("Africa", "Mars/Olympus", "", "../etc/passwd", "Africa/\0"):
        with pytest.raises(ValidationFailed):
            reports.zone_named(name)
    assert {one.code: reports.zone_of(one.code).key for one in countries.COUNTRIES.values()}["NE"] == "Africa/Niamey"


@pytest.mark.parametrize(
    ("zone", "first", "hours"),
    [
        ("Africa/Dakar", date(2025, 6, 2), [24, 24]),
        ("Europe/Paris", date(2025, 3, 29), [24, 23, 24]),
        ("Europe/Paris", date(2025, 10, 25), [24, 25, 24]),
        ("Africa/Cairo", date(2025, 4, 24), [24, 23, 24]),  # there is no midnight on the second day
        ("America/Havana", date(2025, 11, 1), [24, 25, 24]),  # and two on the second one here
        ("Africa/Casablanca", date(2025, 2, 22), [24, 25, 24]),
    ],
)
def test_each_instant_is_in_one_day_whatever_the_clocks_do(zone: str, first: date, hours: list[int]) -> None:
    days = [Day(first + timedelta(days=number), ZoneInfo(zone)) for number in range(len(hours))]
    assert [(day.until - day.since) // timedelta(hours=1) for day in days] == hours
    assert [day.until for day in days[:-1]] == [day.since for day in days[1:]]


OPERATORS = ("orange_sn", "wave_sn", "free_sn", None)


@pytest.mark.on_both
@pytest.mark.parametrize("zone", ["Africa/Dakar", "Africa/Cairo"])
def test_the_sums_of_all_days_are_the_ledger(world: World, zone: str) -> None:
    """Any money at any time, by rows of the tables: also where payments and refunds are days apart, or at midnight."""
    world.pay_by_card(world.session())
    world.later(40 * 86_400)
    rng, first = random.Random(20_261_126), date(2025, 4, 20)
    taken: Counter[tuple[str, str]] = Counter()
    given: Counter[tuple[str, str]] = Counter()
    paid, origin = PaymentAttempt.get(), PaymentIntent.get()
    for number in range(120):
        at = _instant(rng, first, zone)
        currency, operator = rng.choice(["XOF", "XAF", "CDF"]), rng.choice(OPERATORS)
        amount, key = rng.randint(1, 10**9), (currency.lower(), operator or "card")
        with store.atomic():
            copy = copied(origin, session=None, currency=currency)
            books = {"amount": amount, "currency": currency, "counted": amount, "amount_received": amount}
            own = {"received_currency": currency, "operator": operator, "settled_at": at, "provider_reference": None}
            attempt = copied(paid, intent=copy, **books, **own, unpromised=amount)
            taken[key] += amount
            if rng.random() < 0.5:
                back = rng.randint(1, amount)
                status = rng.choice(["succeeded", "succeeded", "failed"])
                own = {"id": f"re_{number}", "status": status, "settled_at": _instant(rng, first, zone)}
                whose = {"intent": copy, "attempt": attempt, "amount": back, "currency": currency}
                Refund.create(**own, **whose, automatic=False, metadata={}, created_at=at)
                given[key] += back if status == "succeeded" else 0
    taken["xof", "card"] += 5_000
    gross: Counter[tuple[str, str]] = Counter()
    returned: Counter[tuple[str, str]] = Counter()
    for number in range(80):
        day = first + timedelta(days=number)
        for _, report in reports.all_daily(
            day, world.now, livemode=False, merchant=world.merchant, zone=ZoneInfo(zone)
        ):
            for one in report["rows"]:
                gross[one["currency"], one["operator"]] += one["gross"]
                returned[one["currency"], one["operator"]] += one["refunds"]
    assert gross == taken
    assert returned == +given


def _instant(rng: random.Random, first: date, zone: str) -> datetime:
    """Any time in a month, rather often just before or at a midnight there."""
    day = Day(first + timedelta(days=rng.randrange(30)), ZoneInfo(zone))
    edges = [day.since, day.until - timedelta(microseconds=1), day.since + timedelta(seconds=rng.randrange(86_000))]
    return rng.choice(edges).astimezone(UTC)
