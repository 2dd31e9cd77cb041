"""The audit finds what no constraint can say, mends what is safe, and reads only otherwise."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ikawaari import worker
from ikawaari.checkout import attempts, audit, refund_checks, refunds
from ikawaari.checkout.refunds import NewRefund
from ikawaari.events import delivery, endpoints
from ikawaari.store.models import (
    CheckoutSession,
    DueWork,
    Invoice,
    PaymentAttempt,
    PaymentIntent,
    Refund,
    Subscription,
    WebhookDelivery,
)
from tests import factories, statements
from tests.checkout.subscribing import DAILY, days, subscribed
from tests.world import World, fresh, intent, latest, together

pytestmark = pytest.mark.on_postgres


def found(*, everything: bool = True, world: World | None = None) -> list[tuple[str, str]]:
    """What the audit says, and of what."""
    since = None if everything else world.now - timedelta(hours=1) if world else None
    return sorted((one.finding, one.object) for one in audit.findings(since))


def busy(world: World) -> None:
    """A shop in the middle of its day: payments of every ending, refunds, subscriptions, an endpoint."""
    endpoints.create(world.owner, url="http://127.0.0.1:1/", enabled_events=("*",), now=world.now)
    for ending in ("001", "004", "007", "010", "011", "012", "013", "500"):
        world.pay(world.session(), ending)
    world.wait(5, 30)
    expresso = world.session()
    attempts.pay(expresso.id, factories.pay_request("+221701234012", "expresso_sn"), world.now)
    session = world.session()
    world.pay_by_card(session)
    refunds.create(world.owner, NewRefund(payment_intent=intent(session).id, amount=1_000), world.now)
    subscribed(world)
    subscribed(world, "tok_test_renewal_declined", DAILY)
    days(world, 1)
    late = factories.session(factories.merchant(late_payments="refund"))
    world.later(86_399)
    world.pay(late, "007")
    world.wait(5, 60)
    world.session()


def test_a_busy_shop_is_as_it_should_be(world: World) -> None:
    busy(world)
    assert found() == []
    assert found(everything=False, world=world) == []


def test_no_check_compares_all_rows_of_a_table_with_all_of_another(world: World) -> None:
    """PostgreSQL does, for NOT IN of more rows than fit its memory: a million open sessions took longer than it may."""
    with statements.sent() as sent:
        audit.findings(world.now)
        audit.findings(None)
    assert len(sent) >= 20
    assert not [text for text in sent if "NOT IN (SELECT" in text]


def lose(kind: str, subject: str) -> None:
    """The due row is gone, as by a bug."""
    assert DueWork.delete().where(DueWork.kind == kind, DueWork.subject == subject).execute() == 1


def unsettled(world: World) -> tuple[str, str]:
    session = world.session()
    world.pay(session, "011")
    return "attempt.enquire", latest(session).id


def pending(world: World) -> tuple[str, str]:
    session = world.session()
    world.pay_by_card(session)
    new = NewRefund(payment_intent=intent(session).id)
    return "refund.send", refunds.create(world.owner, new, world.now).id


def opened(world: World) -> tuple[str, str]:
    return "session.expire", world.session().id


def renewed(world: World) -> tuple[str, str]:
    return "subscription.renew", subscribed(world).id


def owed(world: World) -> tuple[str, str]:
    behind = subscribed(world, "tok_test_renewal_declined", DAILY)
    days(world, 1)
    return "invoice.collect", Invoice.get(Invoice.subscription == behind.id, Invoice.status == "open").id


def undelivered(world: World) -> tuple[str, str]:
    made = endpoints.create(world.owner, url="http://127.0.0.1:1/", enabled_events=("*",), now=world.now)
    world.session()
    row = WebhookDelivery.get(WebhookDelivery.endpoint == made.id)
    return delivery.DELIVER, delivery.subject_of(made.id, row.lane)


LOST: dict[str, Callable[[World], tuple[str, str]]] = {
    "attempt_without_enquiry": unsettled,
    "refund_without_sending": pending,
    "session_without_expiry": opened,
    "subscription_without_renewal": renewed,
    "invoice_without_collection": owed,
    "deliveries_without_lane": undelivered,
}


@pytest.mark.parametrize("finding", LOST)
def test_a_due_row_that_is_missing_is_found_and_mended(world: World, finding: str) -> None:
    kind, subject = LOST[finding](world)
    lane = DueWork.get(DueWork.kind == kind, DueWork.subject == subject).lane
    lose(kind, subject)
    world.later(7200)  # what is open is looked at, however long ago it changed
    assert found() == found(everything=False, world=world) == [(finding, subject)]
    (one,) = audit.findings()
    assert one.is_mendable
    assert not DueWork.select().where(DueWork.kind == kind, DueWork.subject == subject)
    assert audit.mend(one, world.now)
    row = DueWork.get(DueWork.kind == kind, DueWork.subject == subject)
    assert (row.due_at, row.lane) == (world.now, lane)
    assert found() == []


def test_the_hourly_run_mends(world: World) -> None:
    worker.housekeeping("", world.now)
    kind, subject = unsettled(world)
    lose(kind, subject)
    worker.housekeeping("", world.later(3600))
    assert DueWork.select().where(DueWork.kind == kind, DueWork.subject == subject).count() == 1


def change(model: Any, row_id: str, **columns: Any) -> None:
    """Change a row behind the code's back."""
    assert model.update(**columns).where(model.id == row_id).execute() == 1


def paid(world: World) -> CheckoutSession:
    session = world.session()
    world.pay_by_card(session)
    return session


def test_books_that_differ_are_found_and_not_mended(world: World) -> None:
    one, two, three, four, five = (paid(world) for _ in range(5))
    change(PaymentAttempt, latest(one).id, returned=1_000)
    change(PaymentAttempt, latest(two).id, counted=4_000)
    change(PaymentIntent, intent(three).id, amount_refunded=5_000)
    change(CheckoutSession, four.id, payment_status="refunded")
    change(PaymentAttempt, latest(five).id, counted=4_000, held=1_000)
    expected = [
        ("attempt_differs_from_its_refunds", latest(one).id),
        ("attempt_books_do_not_add_up", latest(two).id),
        ("intent_differs_from_its_attempts", intent(two).id),
        ("intent_differs_from_its_attempts", intent(three).id),
        ("session_differs_from_its_intent", four.id),
        ("intent_differs_from_its_attempts", intent(five).id),
    ]
    assert found() == found(everything=False, world=world) == sorted(expected)
    before = [list(model.select().order_by(model.id).dicts()) for model in (PaymentAttempt, PaymentIntent, Refund)]
    assert not any(audit.mend(one, world.now) for one in audit.findings())
    after = [list(model.select().order_by(model.id).dicts()) for model in (PaymentAttempt, PaymentIntent, Refund)]
    assert before == after


def test_what_changed_long_ago_is_looked_at_on_request_alone(world: World) -> None:
    session = paid(world)
    change(PaymentIntent, intent(session).id, amount_refunded=5_000)
    world.later(86_400)
    world.work()
    assert found(everything=False, world=world) == []
    assert found() == [("intent_differs_from_its_attempts", intent(session).id)]


def test_statuses_that_differ_are_found(world: World) -> None:
    subscription = subscribed(world)
    invoice = Invoice.get(Invoice.subscription == subscription.id)
    change(Invoice, invoice.id, status="open", paid_at=None)
    running = world.session()
    world.pay(running, "011")
    change(PaymentIntent, intent(running).id, status="failed")
    assert ("invoice_differs_from_its_page", invoice.id) in found()
    assert ("intent_status_differs_from_its_attempts", intent(running).id) in found()
    assert ("session_differs_from_its_intent", running.id) in found()


def test_a_subscription_that_was_never_started_is_found(world: World) -> None:
    subscription = subscribed(world)
    Invoice.delete().where(Invoice.subscription == subscription.id).execute()
    Subscription.delete().where(Subscription.id == subscription.id).execute()
    assert ("session_without_subscription", subscription.session_id) in found()


def test_a_success_that_counts_for_nothing_is_found(world: World) -> None:
    session = paid(world)
    change(PaymentAttempt, latest(session).id, counted=0, held=5_000)
    assert ("success_that_counts_for_nothing", latest(session).id) in found()
    assert fresh(session).status == "complete"


def test_payments_in_the_middle_of_a_look_are_no_findings(world: World) -> None:
    """Sessions are paid and refunded beside the audit, which reads with several queries."""
    mates = [world.session() for _ in range(24)]
    ended = threading.Event()

    def shop(number: int) -> list[str]:
        if number == 0:
            said = []
            while not ended.is_set():
                said += [one.finding for one in audit.findings()]
            return said
        for session in mates[number - 1 :: 3]:
            world.pay_by_card(session)
            new = NewRefund(payment_intent=intent(session).id, amount=1_000)
            refund_checks.send(refunds.create(world.owner, new, world.now).id, world.now)
        if number == 3:
            ended.set()
        return []

    assert together(4, shop) == [[]] * 4
