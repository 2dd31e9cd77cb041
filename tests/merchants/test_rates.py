"""Rate limits: exact windows of a minute, counted by all processes together."""

from datetime import UTC, datetime, timedelta

import pytest

from ikawaari.merchants import rates
from ikawaari.merchants.rates import Standing
from ikawaari.store.models import RateWindow
from tests.world import together

pytestmark = pytest.mark.usefixtures("database")
MINUTE = datetime(2025, 6, 2, 10, 0, tzinfo=UTC)
END = int(MINUTE.timestamp()) + 60


def test_each_request_leaves_one_less() -> None:
    assert [rates.count([("k", 3)], MINUTE).remaining for _ in range(5)] == [2, 1, 0, -1, -2]


def test_the_request_after_the_last_is_one_too_many() -> None:
    assert [rates.count([("k", 2)], MINUTE).is_over for _ in range(3)] == [False, False, True]


def test_the_next_minute_starts_anew() -> None:
    rates.count([("k", 1)], MINUTE)
    last, first = MINUTE + timedelta(seconds=59, microseconds=999_999), MINUTE + timedelta(minutes=1)
    assert rates.count([("k", 1)], last) == Standing(1, -1, END)
    assert rates.count([("k", 1)], first) == Standing(1, 0, END + 60)


def test_callers_count_apart() -> None:
    rates.count([("k", 1)], MINUTE)
    assert rates.count([("l", 1)], MINUTE).remaining == 0


def test_the_standing_is_that_of_the_tightest() -> None:
    for _ in range(3):
        rates.count([("key a", 10), ("merchant", 5)], MINUTE)
    assert rates.count([("key b", 10), ("merchant", 5)], MINUTE) == Standing(5, 1, END)
    assert rates.count([("key c", 1), ("merchant", 9)], MINUTE) == Standing(1, 0, END)


def test_a_refused_request_counts_too() -> None:
    for _ in range(4):
        rates.count([("k", 1)], MINUTE)
    assert RateWindow.get().count == 4


@pytest.mark.parametrize("order", [1, -1])
def test_many_requests_at_once_are_counted_exactly(order: int) -> None:
    def ask(number: int) -> list[int]:
        limits = [("key", 100), ("merchant", 200)][:: order if number % 2 else 1]
        return [rates.count(limits, MINUTE).remaining for _ in range(3)]

    results = together(16, ask)
    left = [value for result in results if isinstance(result, list) for value in result]
    assert sorted(left, reverse=True) == list(range(99, 51, -1)), results


def test_windows_that_are_over_are_forgotten_and_the_running_one_is_not() -> None:
    rates.count([("k", 5)], MINUTE)
    rates.forget(MINUTE + timedelta(seconds=119))
    assert RateWindow.select().count() == 1
    rates.forget(MINUTE + timedelta(seconds=121))
    assert RateWindow.select().count() == 0
