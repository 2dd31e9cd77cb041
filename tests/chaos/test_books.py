"""The comparison after a seeded run: what it must find, and what it must not take for a contradiction."""

from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer

from ikawaari.config import Config
from ikawaari.store.models import CheckoutSession, PaymentAttempt
from tests import world as worlds
from tests.chaos.seeded import books
from tests.world import PAID, WAITING, World, intent, latest, statuses, together

ON_POSTGRES = pytest.mark.parametrize("engine", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)


@pytest.fixture
def world(config: Config, httpserver: HTTPServer) -> Iterator[World]:
    """A world on a fresh database."""
    with worlds.opened(config, httpserver) as opened:
        yield opened


@pytest.mark.on_both
def test_a_session_that_is_paid_before_its_intent_is_found(world: World) -> None:
    session = world.session()
    world.pay(session)
    assert books.contradictions() == []
    CheckoutSession.update(payment_status="paid").where(CheckoutSession.id == session.id).execute()
    (found,) = books.contradictions()
    assert intent(session).id in found


@pytest.mark.on_both
def test_an_intent_that_received_what_no_attempt_counts_is_found(world: World) -> None:
    session = world.session()
    world.pay(session)
    world.wait(5, 30)
    assert statuses(session) == PAID
    assert books.contradictions() == []
    PaymentAttempt.update(counted=0, held=PaymentAttempt.counted).where(
        PaymentAttempt.id == latest(session).id
    ).execute()
    (found,) = books.contradictions()
    assert intent(session).id in found


@ON_POSTGRES
def test_a_payment_that_succeeds_between_two_reads_is_no_contradiction(world: World) -> None:
    session = world.session()
    world.pay(session)
    with books.at_one_moment():
        before = statuses(session)
        together(1, lambda _: world.wait(5, 30))
        assert statuses(session) == before == WAITING
    assert statuses(session) == PAID
