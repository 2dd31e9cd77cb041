"""The arithmetic of periods: every instant lies in exactly one, and the n-th is found from the anchor alone."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ikawaari.checkout.subscriptions import period_end

anchors = st.integers(0, 200 * 365 * 86_400).map(lambda second: at(2000, 1, 1) + timedelta(seconds=second))
intervals = st.sampled_from(["day", "week", "month", "year"])
counts = st.integers(1, 24)
numbers = st.integers(0, 240)
LENGTHS = {"day": (1, 1), "week": (7, 7), "month": (28, 31), "year": (365, 366)}


def at(*date: int) -> datetime:
    """Half past ten on that date."""
    return datetime(date[0], date[1], date[2], 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("anchor", "interval", "ends"),
    [
        ((2025, 1, 31), "month", [(2025, 2, 28), (2025, 3, 31), (2025, 4, 30), (2025, 5, 31)]),
        ((2023, 11, 30), "month", [(2023, 12, 30), (2024, 1, 30), (2024, 2, 29), (2024, 3, 30)]),
        ((2024, 2, 29), "year", [(2025, 2, 28), (2026, 2, 28), (2027, 2, 28), (2028, 2, 29)]),
        ((2024, 2, 28), "day", [(2024, 2, 29), (2024, 3, 1)]),
        ((2025, 3, 27), "week", [(2025, 4, 3), (2025, 4, 10)]),
    ],
)
def test_known_periods(anchor: tuple[int, ...], interval: str, ends: list[tuple[int, ...]]) -> None:
    assert [period_end(at(*anchor), interval, 1, number + 1) for number in range(len(ends))] == [
        at(*end) for end in ends
    ]


@given(anchors, intervals, counts, numbers)
def test_periods_follow_each_other_and_have_the_length_of_their_kind(
    anchor: datetime, interval: str, count: int, number: int
) -> None:
    start, end = (period_end(anchor, interval, count, n) for n in (number, number + 1))
    shortest, longest = LENGTHS[interval]
    assert timedelta(days=shortest * count) <= end - start <= timedelta(days=longest * count)


@given(anchors, intervals, counts, numbers)
def test_the_time_of_day_is_the_anchor_s(anchor: datetime, interval: str, count: int, number: int) -> None:
    end = period_end(anchor, interval, count, number)
    assert (end.timetz(), end.utcoffset()) == (anchor.timetz(), timedelta())


@given(anchors, st.sampled_from(["month", "year"]), counts, numbers)
def test_the_day_is_the_anchor_s_or_the_month_s_last(anchor: datetime, interval: str, count: int, number: int) -> None:
    end = period_end(anchor, interval, count, number)
    assert end.day == min(anchor.day, monthrange(end.year, end.month)[1])
    months = (end.year - anchor.year) * 12 + end.month - anchor.month
    assert months == number * count * (12 if interval == "year" else 1)


@given(anchors, intervals, counts, st.integers(0, 20_000))
def test_every_instant_lies_in_exactly_one_period(anchor: datetime, interval: str, count: int, after: int) -> None:
    instant = anchor + timedelta(hours=after)
    number = 0
    while period_end(anchor, interval, count, number + 1) <= instant:
        number += 1
    assert period_end(anchor, interval, count, number) <= instant
    assert all(period_end(anchor, interval, count, later) > instant for later in range(number + 1, number + 4))
