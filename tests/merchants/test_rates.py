"""Rate limits: exact windows of a minute, counted by all processes together."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ikawaari.merchants import rates
from ikawaari.merchants.rates import RateLimitStatus
from ikawaari.store.models import RateWindow
from tests import statements
from tests.world import together

pytestmark = pytest.mark.usefixtures("database")
MINUTE = datetime(2025, 6, 2, 10, 0, tzinfo=UTC)
END = int(MINUTE.timestamp()) + 60


@pytest.fixture(autouse=True)
def a_new_process() -> Iterator[None]:
    """It has taken no block yet."""
    rates._windows.clear()
    yield
    rates._windows.clear()


def test_each_request_leaves_one_less() -> None:
    assert [rates.count([("k", 3)], MINUTE).remaining for _ in range(5)] == [2, 1, 0, -1, -1]
    rates._windows.clear()
    assert [rates.count([("l", 70)], MINUTE).remaining for _ in range(71)] == list(range(69, -2, -1))


def test_the_request_after_the_last_is_one_too_many() -> None:
    assert [rates.count([("k", 2)], MINUTE).is_over for _ in range(3)] == [False, False, True]


def test_the_next_minute_starts_anew() -> None:
    rates.count([("k", 1)], MINUTE)
    last, first = MINUTE + timedelta(seconds=59, microseconds=999_999), MINUTE + timedelta(minutes=1)
    assert rates.count([("k", 1)], last) == RateLimitStatus(1, -1, END)
    assert rates.count([("k", 1)], first) == RateLimitStatus(1, 0, END + 60)


def test_callers_count_apart() -> None:
    rates.count([("k", 1)], MINUTE)
    assert rates.count([("l", 1)], MINUTE).remaining == 0


def test_the_standing_is_that_of_the_tightest() -> None:
    for _ in range(3):
        rates.count([("key a", 10), ("merchant", 5)], MINUTE)
    assert rates.count([("key b", 10), ("merchant", 5)], MINUTE) == RateLimitStatus(5, 1, END)
    assert rates.count([("key c", 1), ("merchant", 9)], MINUTE) == RateLimitStatus(1, 0, END)


def test_who_is_over_the_limit_is_refused_without_asking_the_database() -> None:
    rates.count([("k", 1)], MINUTE)
    with statements.sent() as sent:
        assert [rates.count([("k", 1)], MINUTE).is_over for _ in range(3)] == [True] * 3
    assert sent == []
    assert RateWindow.get().count == 1


def test_a_limit_that_is_changed_is_counted_on() -> None:
    rates.count([("k", 1)], MINUTE)
    assert [rates.count([("k", 3)], MINUTE).remaining for _ in range(3)] == [1, 0, -1]


@contextmanager
def process(number: int, memories: dict[int, Any]) -> Iterator[None]:
    """What is counted in here is counted by that process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rates, "_windows", memories.setdefault(number, {}))
        yield


@pytest.mark.parametrize("count", [2, 5])
def test_processes_that_take_turns_let_exactly_the_limit_through(count: int) -> None:
    memories: dict[int, Any] = {}
    passed = 0
    for turn in range(130):
        with process(turn % count, memories):
            passed += not rates.count([("k", 100)], MINUTE).is_over
    assert passed == 100


def test_a_process_that_falls_silent_shortens_the_window_by_its_block_and_nobody_lengthens_it() -> None:
    memories: dict[int, Any] = {}
    with process(1, memories):
        rates.count([("k", 100)], MINUTE)  # and holds nine more
    with process(2, memories):
        assert [rates.count([("k", 100)], MINUTE).is_over for _ in range(100)].count(False) == 90
    with process(1, memories):
        assert [rates.count([("k", 100)], MINUTE).is_over for _ in range(10)] == [False] * 9 + [True]


@pytest.mark.parametrize(("limit", "requests", "asked"), [(100, 50, 7), (100, 100, 36), (10_000, 10_000, 105)])
def test_blocks_save_the_database_most_requests(limit: int, requests: int, asked: int) -> None:
    with statements.sent() as sent:
        for _ in range(requests):
            rates.count([("k", limit)], MINUTE)
    assert len([text for text in sent if text.startswith("INSERT")]) == asked


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
