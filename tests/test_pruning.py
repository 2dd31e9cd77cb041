"""The due work that deletes what is no longer kept."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from ikawaari import pruning, store
from ikawaari.config import Config, UnsafeConfiguration
from ikawaari.store import due, pruned
from ikawaari.store.models import Callback, DueWork, RateWindow
from tests import statements
from tests import world as worlds
from tests.world import World


@pytest.fixture
def world(config: Config, httpserver: HTTPServer) -> Iterator[World]:
    """The house at work; the clock stands still."""
    with worlds.opened(config, httpserver) as opened:
        yield opened


def windows(world: World, count: int) -> None:
    """So many minutes in which somebody sent requests, which are over."""
    for number in range(count):
        RateWindow.create(id=f"w{number}", count=1, ends_at=world.now - timedelta(hours=1))


@pytest.mark.on_both
def test_it_deletes_a_part_at_a_time_with_pauses_and_comes_back_every_hour(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruned, "MOST", 2)
    windows(world, 5)
    due.schedule(pruning.PRUNE, "rate_windows", world.now)
    world.work()
    assert RateWindow.select().count() == 3
    world.wait(1, 1)
    assert RateWindow.select().count() == 0
    assert DueWork.get().due_at == world.now + timedelta(hours=1)


def test_each_rule_has_a_row_once_and_one_of_another_version_ends(world: World) -> None:
    pruning.schedule(world.now)
    world.work()
    pruning.schedule(world.now)
    assert {(row.kind, row.subject) for row in DueWork.select()} == {("prune", name) for name in pruning.RULES}
    assert {row.due_at for row in DueWork.select()} == {world.now + timedelta(hours=1)}
    assert pruning.prune("what a later version deletes", world.now) is None


@pytest.mark.on_both
def test_callbacks_go_when_their_days_are_over(world: World) -> None:
    for number, days in enumerate((366, 364, 366)):
        received = world.now - timedelta(days=days)
        Callback.create(provider="p", event_id=str(number), body="", received_at=received)
    pruning.prune("callbacks", world.now)
    assert [row.event_id for row in Callback.select()] == ["1"]


def test_a_machine_whose_clock_is_a_year_ahead_deletes_nothing(world: World) -> None:
    Callback.create(provider="p", event_id="1", body="", received_at=world.now)
    store.shared_clock.use(lambda: world.now)
    pruning.prune("callbacks", world.now + timedelta(days=400))
    store.shared_clock.use(None)
    assert Callback.select().count() == 1


@pytest.mark.parametrize("name", ["events", "callbacks", "sessions"])
def test_zero_days_keep_forever(world: World, name: str) -> None:
    settings: Any = {{"sessions": "unpaid_session_days"}.get(name, f"{name[:-1]}_days"): 0}
    pruning.configure(replace(world.config, **settings))
    with statements.sent() as sent:  # nothing is even looked for
        assert pruning.prune(name, world.now) == world.now + timedelta(hours=1)
    assert [text for text in sent if "clock_timestamp" not in text] == []
    pruning.configure(world.config)


@pytest.mark.parametrize("days", [1, 29])
@pytest.mark.parametrize("name", ["event_days", "callback_days", "unpaid_session_days"])
def test_nothing_that_was_promised_can_be_kept_too_short(name: str, days: int) -> None:
    settings: Any = {name: days}
    with pytest.raises(UnsafeConfiguration, match=f"IKAWAARI_{name.upper()} must be 0 .forever. or at least 30"):
        Config(**settings)
    assert Config(**settings | {name: 30}).is_local
