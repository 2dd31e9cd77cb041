"""Daily reports: what was taken, what went back, and what providers keep, by currency and operator.

Each unit that a provider took or returned belongs to one row of one day: a payment to the day on which we learned that
its money was taken, a refund to that on which it succeeded. A day lasts from one local midnight to the next. Money that
pays nothing (a second payment, a wrong amount) is counted like any other: it was taken, and goes back by a refund.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypedDict
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from peewee import Case, fn

from ikawaari import countries, store
from ikawaari.errors import ValidationFailed
from ikawaari.invariants import present
from ikawaari.shapes import MethodType
from ikawaari.states import RefundStatus
from ikawaari.store.models import Merchant, PaymentAttempt, PaymentIntent, Refund
from ikawaari.store.owner import Owner

_ONE_DAY = timedelta(days=1)
_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(9999, 12, 30)  # beyond them a midnight may be no instant


class ReportRow(TypedDict):
    """One currency and operator of a day."""

    currency: str  # lower case
    operator: str  # `card` for cards
    count: int
    gross: int
    customer_fees: int
    provider_fees: int | None  # None if that of a payment or refund is not known
    refunds: int
    net: int | None  # None if `provider_fees` is


class Report(TypedDict):
    """A day of a merchant, in a mode."""

    object: str
    date: str
    timezone: str
    livemode: bool
    rows: Sequence[ReportRow]


@dataclass(frozen=True)
class Day:
    """A calendar day somewhere."""

    date: date
    zone: ZoneInfo

    @property
    def since(self) -> datetime:
        """Its beginning. Where a clock change leaves midnight out, or repeats it, it is the first instant of the day,
        and so always the end of the day before.
        """
        return datetime.combine(self.date, time(), self.zone).astimezone(UTC)

    @property
    def until(self) -> datetime:
        """Its end, at which the next day begins."""
        return Day(self.date + _ONE_DAY, self.zone).since


def daily(owner: Owner, on: date, now: datetime) -> Report:
    """The owner's report of a day, in the time zone of the merchant's country. Raises ValidationFailed for `date`."""
    day = day_of(on, zone_of(owner.merchant.country), now)
    rows = _rows((_merchant() == owner.merchant_id) & (PaymentIntent.livemode == owner.livemode), day)
    return _report(day, rows.get(owner.merchant_id, ()), livemode=owner.livemode)


def all_daily(
    on: date, now: datetime, *, livemode: bool, merchant: Merchant | None = None, zone: ZoneInfo | None = None
) -> Iterator[tuple[str, Report]]:
    """The reports of a day, each with its merchant's id, of those who have any row; or that of `merchant` alone.

    `zone`: in place of the countries' time zones. Raises ValidationFailed.
    """
    if merchant is not None:
        day = day_of(on, zone or zone_of(merchant.country), now)
        rows = _rows((_merchant() == merchant.id) & (PaymentIntent.livemode == livemode), day)
        yield merchant.id, _report(day, rows.get(merchant.id, ()), livemode=livemode)
        return
    for country in countries.COUNTRIES:
        day = day_of(on, zone or zone_of(country), now)
        there = Merchant.select(Merchant.id).where(Merchant.country == country)
        rows = _rows(_merchant().in_(there) & (PaymentIntent.livemode == livemode), day)
        for merchant_id in sorted(rows):
            yield merchant_id, _report(day, rows[merchant_id], livemode=livemode)


def zone_of(country: str) -> ZoneInfo:
    """The time zone of a country that we serve."""
    return ZoneInfo(present(countries.find(country), "merchants are where we serve").time_zone)


def zone_named(name: str) -> ZoneInfo:
    """The time zone of an IANA name, such as Africa/Dakar. Raises ValidationFailed."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones, such as Africa
        raise ValidationFailed({"timezone": ["must be a time zone's name, such as Africa/Dakar"]}) from None


def day_of(on: date, zone: ZoneInfo, now: datetime) -> Day:
    """A day that has begun there by now. Raises ValidationFailed for `date`."""
    today = now.astimezone(zone).date()
    if on > today:
        raise ValidationFailed({"date": [f"must not be in the future: today is {today} ({zone.key})"]})
    if not _FIRST_DAY <= on <= _LAST_DAY:
        raise ValidationFailed({"date": [f"must not be before {_FIRST_DAY}"]})
    return Day(on, zone)


def _report(day: Day, rows: Sequence[ReportRow], *, livemode: bool) -> Report:
    return {
        "object": "report.daily",
        "date": day.date.isoformat(),
        "timezone": day.zone.key,
        "livemode": livemode,
        "rows": rows,
    }


# ---------------------------------------------------------------- the sums

_Key = tuple[str, str, str]
"""A merchant's id, a currency and an operator."""


def _merchant() -> Any:
    """Whose an intent is, for a condition. SQLite, which knows nothing of how many rows each merchant has, would read
    all that the merchant ever had, not that day's payments, if it could find the merchant's by an index.
    """
    return PaymentIntent.merchant if store.is_postgres() else fn.COALESCE(PaymentIntent.merchant, "")


def _rows(whose: Any, day: Day) -> Mapping[str, Sequence[ReportRow]]:
    """The rows of each merchant, by currency and operator."""
    taken = dict(_split(row) for row in _payments(whose, day).tuples())
    given = dict(_split(row) for row in _refunds(whose, day).tuples())
    found: dict[str, list[ReportRow]] = {}
    for key in sorted(taken.keys() | given.keys()):
        merchant_id, currency, operator = key
        row = _row(currency, operator, taken.get(key, (0,) * 5), given.get(key, (0,) * 3))
        found.setdefault(merchant_id, []).append(row)
    return found


def _split(row: Sequence[Any]) -> tuple[_Key, Sequence[int]]:
    merchant_id, currency, operator, *sums = row
    return (merchant_id, currency, operator or MethodType.CARD.value), [
        int(one or 0) for one in sums
    ]  # PostgreSQL's sums are decimals


def _row(currency: str, operator: str, taken: Sequence[int], given: Sequence[int]) -> ReportRow:
    count, gross, customer_fees, cost, unknown = taken
    refunds, cost_of_refunds, unknown_of_refunds = given
    fees = None if unknown or unknown_of_refunds else cost + cost_of_refunds
    return {
        "currency": currency.lower(),
        "operator": operator,
        "count": count,
        "gross": gross,
        "customer_fees": customer_fees,
        "provider_fees": fees,
        "refunds": refunds,
        "net": None if fees is None else gross - refunds - fees,
    }


def _payments(whose: Any, day: Day) -> Any:
    """How many, the sums of amounts, customers' fees and providers' fees, and how many of the last are not known."""
    sums = [
        fn.COUNT(PaymentAttempt.id),
        fn.SUM(PaymentAttempt.amount_received),
        fn.SUM(Case(None, [(PaymentAttempt.counted > 0, PaymentAttempt.fee_amount)], 0)),
        *_costs(PaymentAttempt, PaymentAttempt.received_currency),
    ]
    key = [PaymentIntent.merchant, PaymentAttempt.received_currency, PaymentAttempt.operator]
    known = PaymentAttempt.amount_received.is_null(False) & _within(PaymentAttempt.settled_at, day)
    return PaymentAttempt.select(*key, *sums).join(PaymentIntent).where(known & whose).group_by(*key)


def _refunds(whose: Any, day: Day) -> Any:
    """The sums of amounts and providers' fees, and how many of the latter are not known."""
    sums = [fn.SUM(Refund.amount), *_costs(Refund, Refund.currency)]
    key = [PaymentIntent.merchant, Refund.currency, PaymentAttempt.operator]
    done = (Refund.status == RefundStatus.SUCCEEDED) & _within(Refund.settled_at, day)
    rows = Refund.select(*key, *sums).join(PaymentAttempt).join(PaymentIntent)
    return rows.where(done & whose).group_by(*key)


def _costs(model: Any, currency: Any) -> Sequence[Any]:
    """The sum of what providers keep, and how many times that is not known in this currency."""
    is_known = model.cost_currency == currency
    return fn.SUM(Case(None, [(is_known, model.cost_amount)], 0)), fn.SUM(Case(None, [(is_known, 0)], 1))


def _within(column: Any, day: Day) -> Any:
    return (column >= day.since) & (column < day.until)
