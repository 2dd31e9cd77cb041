"""The clock: aware, UTC, and read in one place."""

import ast
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import time_machine

import ikawaari
from ikawaari import clock, ids

HOME = Path(ikawaari.__file__).parent


def test_now_is_aware_and_utc() -> None:
    assert clock.now().tzinfo is UTC


def test_now_can_be_moved() -> None:
    with time_machine.travel(datetime(2030, 1, 1, tzinfo=UTC), tick=False):
        assert clock.unix(clock.now()) == 1_893_456_000


@pytest.mark.parametrize("seconds", [-7.5, 7.5])
def test_a_clock_can_be_wrong_by_as_much_as_a_test_wants(seconds: float) -> None:
    with time_machine.travel(datetime(2030, 1, 1, tzinfo=UTC), tick=False):
        clock.set_ahead(seconds)
        try:
            assert clock.now() == datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
            assert clock.nanoseconds() == round((1_893_456_000 + seconds) * 10**9)
            assert ids.new("cs").startswith(ids.first("cs", clock.now()))  # as those of a machine whose clock is wrong
        finally:
            clock.set_ahead(0)
        assert clock.now() == datetime(2030, 1, 1, tzinfo=UTC)


def test_unix_seconds_are_whole_and_independent_of_the_zone() -> None:
    instant = datetime(2025, 6, 2, 12, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))
    assert clock.unix(instant) == clock.unix(instant.astimezone(UTC)) == 1_748_858_400


def test_unix_seconds_come_back() -> None:
    assert clock.from_unix(1_748_858_400) == datetime(2025, 6, 2, 10, tzinfo=UTC)


def test_only_the_clock_reads_the_clock() -> None:
    readers = {"now", "utcnow", "today", "time", "time_ns"}
    for path in HOME.rglob("*.py"):
        if path.is_relative_to(HOME / "simulators"):  # another world, with a clock of its own
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in readers and path.name != "clock.py":
                assert getattr(node.value, "id", "") not in {"datetime", "date", "time"}, f"{path}:{node.lineno}"
