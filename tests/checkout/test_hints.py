"""Hints: unsigned news is worth nothing but a question, which is asked at once."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from ikawaari import ids
from ikawaari.checkout import callbacks, settlement
from ikawaari.providers import registry
from ikawaari.providers.base import Account, Hint
from ikawaari.providers.sandbox import Sandbox
from ikawaari.store.models import Callback, DueWork
from tests.world import PAID, World, latest, message_of, statuses


class Hinting(Sandbox):
    """A provider whose callbacks are not signed: each names a charge by one of its ids."""

    def parse_callback(self, account: Account, request: Any, now: datetime) -> list[Any]:
        """A hint of what the body says."""
        return [Hint(**json.loads(request.body))]


@pytest.fixture
def hinting(world: World) -> Hinting:
    """The only provider."""
    provider = Hinting(world.config)
    registry.configure([provider])
    return provider


def hint(world: World, **about: str) -> None:
    """Receive a hint."""
    callbacks.receive("sandbox", message_of(json.dumps(about).encode()), world.now)


def asked_at() -> datetime:
    """When the provider is asked next."""
    at: datetime = DueWork.get(DueWork.kind == settlement.ENQUIRE).due_at
    return at


@pytest.mark.parametrize("by", ["charge_id", "reference"])
def test_a_hint_makes_us_ask_at_once_and_says_nothing_itself(world: World, hinting: Hinting, by: str) -> None:
    session = world.session()
    world.pay(session, "011")
    attempt = latest(session)
    before = statuses(session)
    assert asked_at() > world.now
    hint(world, **{by: attempt.id if by == "charge_id" else str(attempt.provider_reference)})
    assert (asked_at(), statuses(session)) == (world.now, before)
    hinting.decide(attempt.id, succeeded=True, failure=None, now=world.now)
    hint(world, charge_id=attempt.id)
    world.work()
    assert statuses(session) == PAID


def test_a_hint_does_not_put_off_what_is_due(world: World, hinting: Hinting) -> None:
    session = world.session()
    world.pay(session, "011")
    due_at = asked_at()
    world.later((due_at - world.now + timedelta(seconds=10)).total_seconds())
    hint(world, charge_id=latest(session).id)
    assert asked_at() == due_at


@pytest.mark.on_postgres
def test_a_hint_of_a_stranger_changes_nothing(world: World, hinting: Hinting) -> None:
    session = world.session()
    world.pay(session, "011")
    before = asked_at()
    hint(world, charge_id=ids.new_attempt())
    hint(world, reference="nobody's")
    latest(session).change(provider="acc_of_another")
    hint(world, charge_id=latest(session).id)
    assert (asked_at(), DueWork.select().where(DueWork.kind == settlement.ENQUIRE).count()) == (before, 1)
    assert Callback.select().count() == 0
