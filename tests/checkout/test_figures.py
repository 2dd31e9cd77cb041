"""The figures that dashboards and alarms show: true, and read by few statements that no stored million makes slower."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from ikawaari.checkout import breakers, figures, incidents, refunds
from ikawaari.checkout.refunds import NewRefund
from ikawaari.events import endpoints
from ikawaari.meters import (
    BREAKERS,
    CASES,
    CLOCK_SKEW,
    DUE_LAG,
    DUE_WAITING,
    ENDPOINTS_FAILING,
    HELD,
    HELD_ATTEMPTS,
    INCIDENTS,
    REFUNDS_PENDING,
    UNSETTLED,
    WEBHOOKS_PENDING,
    Meter,
)
from ikawaari.money import Money
from ikawaari.store import due
from ikawaari.store.database import database
from ikawaari.store.models import (
    CheckoutSession,
    PaymentAttempt,
    ReconciliationCase,
    WebhookDelivery,
    WebhookEndpoint,
)
from tests import statements
from tests.checkout.test_money_held import paid_twice_at_expresso
from tests.store.test_indexes import _plan
from tests.world import World, intent, latest

pytestmark = pytest.mark.on_both
SANDBOX = ("sandbox", "test")


def found(world: World) -> Mapping[tuple[Meter, tuple[str, ...]], float]:
    """The figures as they are now."""
    return {(meter, tuple(labels)): value for meter, labels, value in figures.read(world.now)}


def test_a_house_in_order_has_nothing_to_show(world: World) -> None:
    figures_now = found(world)
    assert set(figures_now) == {(CLOCK_SKEW, ()), (WEBHOOKS_PENDING, ())}
    assert figures_now[WEBHOOKS_PENDING, ()] == 0


def test_attempts_without_an_end_are_counted_by_their_age(world: World) -> None:
    for seconds_until_the_next in (86_400, 10_000, 100, 30):
        world.pay(world.session())
        world.later(seconds_until_the_next)
    assert {labels: value for (meter, labels), value in found(world).items() if meter is UNSETTLED} == {
        (*SANDBOX, "24h+"): 1,
        (*SANDBOX, "1-24h"): 1,
        (*SANDBOX, "1-10m"): 1,
        (*SANDBOX, "0-1m"): 1,
    }


def test_refunds_without_an_end_are_counted_by_their_age(world: World) -> None:
    for seconds_until_the_next in (80_000, 10_000, 30):
        session = paid(world)
        refunds.create(world.owner, NewRefund(payment_intent=intent(session).id, amount=1_000), world.now)
        world.later(seconds_until_the_next)
    assert {labels: value for (meter, labels), value in found(world).items() if meter is REFUNDS_PENDING} == {
        (*SANDBOX, "24h+"): 1,
        (*SANDBOX, "1-24h"): 1,
        (*SANDBOX, "0-1m"): 1,
    }
    world.work()
    assert not [meter for meter, _ in found(world) if meter is REFUNDS_PENDING]


def test_money_that_is_held_is_summed(world: World) -> None:
    _, attempt = paid_twice_at_expresso(world)
    held = PaymentAttempt.get_by_id(attempt.id).held
    assert held > 0
    figures_now = found(world)
    assert figures_now[HELD, (*SANDBOX, "XOF")] == held
    assert figures_now[HELD_ATTEMPTS, (*SANDBOX, "XOF")] == 1


def test_work_that_waits_is_counted_with_the_age_of_the_oldest(world: World) -> None:
    due.schedule("attempt.enquire", "one", world.now)
    due.schedule("attempt.enquire", "two", world.now - timedelta(seconds=40))
    due.schedule("attempt.enquire", "three", world.now + timedelta(seconds=1))  # not due
    due.schedule("session.expire", "four", world.now - timedelta(seconds=5))
    due.claim(world.now, kinds={"session.expire"}, most=1, lease=timedelta(seconds=60))  # a worker holds it
    figures_now = found(world)
    assert {labels: value for (meter, labels), value in figures_now.items() if meter is DUE_WAITING} == {
        ("attempt.enquire",): 2
    }
    assert figures_now[DUE_LAG, ("attempt.enquire",)] == 40


def test_webhooks_breakers_and_incidents_are_counted(world: World) -> None:
    endpoint = endpoints.create(world.owner, url="http://127.0.0.1:9/", enabled_events=["*"], now=world.now)
    attempt = latest(paid(world))
    WebhookEndpoint.update(failing_since=world.now).where(WebhookEndpoint.id == endpoint.id).execute()
    breakers.open_now(("acc_gone", "orange_sn"), breakers.Reason.FAILURES)
    breakers.open_now(("sandbox", ""), breakers.Reason.CLOSED)
    incidents.record(incidents.Kind.DISPUTE, attempt, Money(5_000, "XOF"), world.now)
    for reference, closed_at in (("1", None), ("2", None), ("3", world.now)):
        _case(reference, closed_at, world.now)
    figures_now = found(world)
    assert figures_now[WEBHOOKS_PENDING, ()] == WebhookDelivery.select().count() > 0
    assert figures_now[ENDPOINTS_FAILING, ("test",)] == 1
    assert figures_now[INCIDENTS, ("dispute",)] == 1
    assert figures_now[CASES, ("acc_gone", "live", "missing_here")] == 2
    assert figures_now[BREAKERS, (*SANDBOX, "cards")] == 1
    assert figures_now[BREAKERS, ("acc_gone", "live", "orange_sn")] == 1, "what is not known here may be live"


def test_all_of_them_take_few_statements(world: World) -> None:
    found(world)
    with statements.sent() as seen:
        found(world)
    assert len(seen) <= 8, seen


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (lambda now: figures._select_held(database.obj), "payment_attempts_held"),
        (
            lambda now: figures._select_unsettled(database.obj, [0] * 5),
            "payment_attempts_(one_unsettled|status_created_at)",
        ),
        (lambda now: figures._select_due(database.obj, now), "due_work_due_at"),
        (lambda now: figures._count_pending(database.obj), "webhook_deliveries_of_"),
        (lambda now: figures._select_failing(database.obj), "webhook_endpoints_failing"),
        (lambda now: figures._select_pending_refunds(database.obj, [0] * 5), "refunds_pending"),
        (lambda now: figures._select_open(database.obj), "(?s)incidents_open.*reconciliation_cases_open"),
    ],
    ids=["held", "unsettled", "due", "pending", "failing", "refunds", "open"],
)
def test_each_is_found_by_an_index(world: World, query: Callable[[datetime], Any], index: str) -> None:
    assert re.search(index, _plan(*query(world.now)))


def _case(reference: str, closed_at: datetime | None, now: datetime) -> None:
    ReconciliationCase.create(
        account="acc_gone",
        kind="missing_here",
        object="payment",
        reference=reference,
        created_at=now,
        changed_at=now,
        closed_at=closed_at,
    )


def paid(world: World) -> CheckoutSession:
    """A session that was paid by card."""
    session = world.session()
    world.pay_by_card(session)
    return session
