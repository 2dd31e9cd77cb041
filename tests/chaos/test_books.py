"""The checks after a run: each must find a broken book, and none may take a sound one for broken."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from ikawaari import clock, store
from ikawaari.checkout import conditions, refunds, visits
from ikawaari.checkout.refunds import NewRefund
from ikawaari.config import Config
from ikawaari.store.database import database
from ikawaari.store.models import (
    CheckoutSession,
    Event,
    Invoice,
    PaymentAttempt,
    PaymentIntent,
    PaymentLink,
    Refund,
    WebhookDelivery,
    WebhookEndpoint,
)
from tests import factories
from tests import world as worlds
from tests.chaos.seeded import books, deliveries, ledgers, logs, moved, pruned
from tests.chaos.seeded.buyers import unexpected
from tests.chaos.seeded.deliveries import Arrival, Told
from tests.checkout.subscribing import subscribed
from tests.world import PAID, WAITING, World, intent, latest, statuses, together

ON_POSTGRES = pytest.mark.parametrize("engine", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)


ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def world(config: Config, httpserver: HTTPServer) -> Iterator[World]:
    """A world on a fresh database."""
    with worlds.opened(config, httpserver) as opened:
        yield opened


@contextmanager
def unguarded() -> Iterator[None]:
    """Write what the database's constraints would refuse: most broken books."""
    with store.atomic():
        database.obj.execute_sql("PRAGMA ignore_check_constraints = ON")
        yield


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


SECOND_ID = "00000000-0000-4000-8000-000000000001"


def paid(world: World, ending: str = "500") -> PaymentAttempt:
    """The attempt of a session that was paid."""
    session = world.session()
    world.pay(session, ending)
    world.wait(5, 30)
    return latest(session)


def everything() -> list[str]:
    """What the checks of our own books find."""
    return [*books.under_way(), *books.mismatches(), *books.wrong_periods(), *books.overused_links()]


BREAKS: dict[str, Callable[[PaymentAttempt], object]] = {
    "unsettled": lambda one: PaymentAttempt.update(status="processing").where(PaymentAttempt.id == one.id).execute(),
    "another success that nobody returned": lambda one: (
        PaymentAttempt.update(amount_received=9_999).where(PaymentAttempt.id == one.id).execute()
    ),
    "counted on an intent that is not paid": lambda one: (
        PaymentIntent.update(status="requires_payment_method").where(PaymentIntent.id == one.intent_id).execute()
    ),
    "an unpaid session of a paid intent": lambda _: CheckoutSession.update(payment_status="unpaid").execute(),
    "too much returned": lambda one: (
        PaymentAttempt.update(returned=5_005, counted=5_005).where(PaymentAttempt.id == one.id).execute()
    ),
}


@ON_SQLITE
@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_book_is_found(world: World, name: str) -> None:
    attempt = paid(world)
    assert everything() == []
    with unguarded():
        BREAKS[name](attempt)
    assert everything() != []


@ON_SQLITE
def test_a_second_success_of_which_nobody_knows_is_found(world: World) -> None:
    attempt = paid(world)
    with unguarded():
        PaymentAttempt.insert({**attempt.__data__, "id": SECOND_ID, "provider_reference": None, "counted": 0}).execute()
    assert any(f"attempt {SECOND_ID}: received 5000, returned 0, held 0" in found for found in books.mismatches())


@ON_SQLITE
def test_a_pending_refund_and_a_pending_delivery_are_found(world: World) -> None:
    attempt = paid(world, "012")  # half of the amount, which goes back
    assert everything() == []
    with unguarded():
        Refund.update(status="pending").where(Refund.attempt == attempt.id).execute()
    assert any("is pending" in found for found in books.under_way())


@ON_SQLITE
def test_a_delivery_that_waits_and_an_endpoint_that_fails_are_found(world: World) -> None:
    endpoint = WebhookEndpoint.create(
        id="we_1",
        merchant=world.merchant,
        livemode=False,
        url="http://127.0.0.1:1/",
        secret="",
        enabled_events=["*"],
        enabled=True,
        created_at=world.now,
    )
    paid(world)
    assert WebhookDelivery.select().exists()
    assert any("deliveries wait" in found for found in books.under_way())
    endpoint.change(failing_since=world.now)
    assert any("is failing" in found for found in books.under_way())


@ON_SQLITE
def test_a_period_that_is_skipped_paid_twice_or_not_paid_is_found(world: World) -> None:
    subscription = subscribed(world)
    (first,) = Invoice.select()
    assert list(books.wrong_periods()) == []
    with unguarded():
        Invoice.update(status="void").execute()
    assert any("is void: paid 1 times" in found for found in books.wrong_periods())
    with unguarded():
        Invoice.update(status="paid").execute()
    with unguarded():
        PaymentAttempt.update(counted=2 * subscription.amount).execute()
    assert any("is paid: paid 1 times" in found for found in books.wrong_periods())
    with unguarded():
        PaymentAttempt.update(counted=0).execute()
    assert any("is paid: paid 0 times" in found for found in books.wrong_periods())
    later = first.period_end + timedelta(days=1)
    Invoice.insert(
        {**first.__data__, "id": "in_2", "period": 2, "period_start": later, "session": world.session().id}
    ).execute()
    assert any("does not follow" in found for found in books.wrong_periods())


@ON_SQLITE
def test_late_money_of_a_voided_invoice_that_goes_back_is_sound(world: World) -> None:
    subscription = subscribed(world)
    refund = refunds.create(world.owner, NewRefund(attempt=PaymentAttempt.get().id), world.now)
    world.wait(5)
    Refund.update(reason="late", automatic=True).where(Refund.id == refund.id).execute()
    with unguarded():
        Invoice.update(status="void").where(Invoice.subscription == subscription.id).execute()
    assert list(books.wrong_periods()) == []


@ON_SQLITE
def test_a_link_that_was_paid_once_too_often_is_found(world: World) -> None:
    link = factories.link(world.merchant, max_uses=2)
    for ending in ("500", "501"):
        session = visits.open_session(link.slug, None, world.now)
        world.pay(session, ending)
        world.wait(5, 30)
    assert list(books.overused_links()) == []
    PaymentLink.update(max_uses=1).execute()
    (found,) = books.overused_links()
    assert "may be used 1 times and was paid 2 times" in found
    refund = refunds.create(world.owner, NewRefund(payment_intent=intent(session).id), world.now)
    world.wait(5)
    Refund.update(reason="link_used", automatic=True).where(Refund.id == refund.id).execute()
    assert list(books.overused_links()) == []


# ---------------------------------------------------------------- ledgers

OURS = ledgers.Ours("a", "acc", (5_000, 0), [])
CHARGE = {"id": "A", "amount": "5000", "currency": "xof", "state": "succeeded"}


@pytest.mark.parametrize(
    ("charges", "refunds"),
    [
        ([], []),
        ([CHARGE | {"amount": "4999"}], []),
        ([CHARGE | {"state": "failed"}], []),
        ([CHARGE, CHARGE], []),
        ([CHARGE], [{**CHARGE, "id": "R", "of": "A", "amount": "1"}]),
        ([CHARGE, CHARGE | {"id": "B"}], []),
    ],
)
def test_a_ledger_that_differs_by_a_unit_is_found(charges: list[dict[str, str]], refunds: list[dict[str, str]]) -> None:
    pairs = [("A", OURS)]
    assert list(ledgers.differences("wave", pairs, ledgers.theirs([CHARGE], []))) == []
    assert list(ledgers.differences("wave", pairs, ledgers.theirs(charges, refunds))) != []


@ON_SQLITE
def test_the_sandbox_is_compared_like_the_others(world: World) -> None:
    paid(world, "012")
    own = [(one.id, one) for one in ledgers.ours()]
    assert own
    assert list(ledgers.differences("sandbox", own, ledgers.of_sandbox())) == []
    with unguarded():
        PaymentAttempt.update(amount_received=PaymentAttempt.amount_received - 1).execute()
    own = [(one.id, one) for one in ledgers.ours()]
    assert list(ledgers.differences("sandbox", own, ledgers.of_sandbox())) != []


# ---------------------------------------------------------------- webhooks

FIRST, SECOND = Told("evt_1", "a.b", "cs_1", 1, "x"), Told("evt_2", "a.c", "cs_1", 2, "y")
OTHER = Told("evt_3", "a.b", "cs_2", 3, "z")
EVENTS = [FIRST, SECOND, OTHER]


def arrived(*events: Told, accepted: bool = True) -> list[Arrival]:
    """These events, as they come."""
    return [Arrival(event.id, event.digest, accepted) for event in events]


def of_webhooks(arrivals: list[Arrival]) -> list[str]:
    """What the checks of webhooks find."""
    checks = (deliveries.undelivered, deliveries.altered, deliveries.out_of_order)
    return [found for check in checks for found in check(EVENTS, arrivals)]


def test_webhooks_that_come_again_or_after_those_of_other_objects_are_sound() -> None:
    assert of_webhooks(arrived(OTHER, FIRST, FIRST, SECOND, SECOND)) == []
    assert of_webhooks([*arrived(FIRST, accepted=False), *arrived(FIRST, OTHER, SECOND)]) == []


@pytest.mark.parametrize(
    "arrivals",
    [
        arrived(FIRST, SECOND),
        arrived(SECOND, FIRST, OTHER),
        [*arrived(FIRST, accepted=False), *arrived(SECOND, FIRST, OTHER)],
        [*arrived(FIRST, SECOND), *arrived(OTHER, accepted=False)],
        arrived(FIRST, replace(SECOND, digest="other"), OTHER),
        arrived(FIRST, SECOND, OTHER, replace(OTHER, id="evt_4")),
    ],
)
def test_webhooks_that_are_missing_altered_strange_or_out_of_order_are_found(arrivals: list[Arrival]) -> None:
    assert of_webhooks(arrivals) != []


def test_a_list_of_events_that_differs_from_the_webhooks_is_found() -> None:
    listed = {one.id: one.digest for one in EVENTS}
    assert list(deliveries.differs_from_list(EVENTS, listed)) == []
    assert list(deliveries.differs_from_list(EVENTS, listed | {"evt_2": "other"})) != []
    assert list(deliveries.differs_from_list(EVENTS, {"evt_1": "x"})) != []


# ---------------------------------------------------------------- what is deleted


@pytest.mark.on_both
def test_a_session_that_is_deleted_before_its_end_is_found(world: World) -> None:
    pruned.watch()
    open_one, expired = world.session(), world.session()
    for session in (open_one, expired):
        PaymentIntent.delete().where(PaymentIntent.session == session.id).execute()
    CheckoutSession.update(status="expired").where(CheckoutSession.id == expired.id).execute()
    CheckoutSession.delete().where(CheckoutSession.id == expired.id).execute()
    assert list(pruned.wrongly()) == []
    CheckoutSession.delete().where(CheckoutSession.id == open_one.id).execute()
    (found,) = pruned.wrongly()
    assert open_one.id in found
    assert pruned.figures() == {"events": 0, "checkout_sessions": 2, "callbacks": 0}


@pytest.mark.on_both
def test_an_event_that_is_deleted_is_compared_as_well_and_an_old_one_that_stays_is_found(world: World) -> None:
    pruned.watch()
    world.pay(world.session())
    first, *others = deliveries.stored()
    Event.delete().where(Event.id == first.id).execute()
    assert deliveries.told(pruned.events()) == [first]
    assert deliveries.stored() == others
    assert pruned.left() == []
    Event.update(created_at=clock.now() - 2 * moved.KEPT).execute()
    assert pruned.left() != []
    Event.delete().where(Event.id != others[-1].id).execute()  # the newest of a list stays
    assert pruned.left() == []


# ---------------------------------------------------------------- answers and logs


def test_an_answer_of_500_and_a_503_that_is_final_are_found() -> None:
    assert list(unexpected({"200": 9, "503 IKW-SYS-002": 3, "409 IKW-RES-003": 1})) == []
    assert list(unexpected({"500 IKW-SYS-001": 1})) != []
    assert list(unexpected({"503 IKW-SYS-001": 1})) != []
    assert list(unexpected({"502": 1})) != []


@pytest.mark.parametrize(
    "line",
    [
        '{"event": "paid", "phone": "221771234500"}',
        '{"event": "paid", "phone": "+221771234500,"}',
        '{"event": "called", "key": "secret-of-an-account"}',
        '{"event": "called", "key": "sk_live_8dK2mQx7"}',
    ],
)
def test_a_private_text_in_the_log_is_found(tmp_path: Path, line: str) -> None:
    log = tmp_path / "log"
    log.write_text('{"event": "paid", "amount": 771234500}\n')
    assert list(logs.leaks(log, ["secret-of-an-account"], {"221771234500"})) == []
    log.write_text(f"{line}\n")
    assert len(list(logs.leaks(log, ["secret-of-an-account"], {"221771234500"}))) == 1


TRACE = "Traceback (most recent call last):\\n  File x\\n{}: told\\nHINT: more"


@pytest.mark.parametrize(("raised", "count"), [("peewee.OperationalError", 0), ("KeyError", 1), ("x.Forbidden", 1)])
def test_an_exception_that_no_outage_explains_is_found(tmp_path: Path, raised: str, count: int) -> None:
    log = tmp_path / "log"
    log.write_text(f'{{"event": "due_work_failed", "exception": "{TRACE.format(raised)}"}}\n')
    assert len(list(logs.faults(log))) == count


def test_a_call_of_a_provider_that_names_no_attempt_is_found(tmp_path: Path) -> None:
    log = tmp_path / "log"
    sound = [{"what": "charge", "attempt_id": "a"}, {"what": "keys"}, {"what": "predict", "work": conditions.REFRESH}]
    log.write_text("".join(json.dumps({"event": "provider_asked", **one}) + "\n" for one in sound))
    assert list(logs.unattributed(log)) == []
    log.write_text(json.dumps({"event": "provider_asked", "what": "charge"}) + "\n")
    assert len(list(logs.unattributed(log))) == 1
