"""Subscribing in the domain's tests: what a customer agrees to, what days go by, and what the books say then."""

from typing import Any

from ikawaari.checkout import merchant_view, snapshots
from ikawaari.providers.sandbox import ledger
from ikawaari.store.models import CheckoutSession, DueWork, Event, Invoice, PaymentAttempt, PaymentIntent, Subscription
from tests import factories
from tests.world import World, fresh

DAY = 86_400
MONTHLY = {"interval": "month", "interval_count": 1}
DAILY = {"interval": "day", "interval_count": 1}


def subscribed(world: World, how: str = "tok_test_card", recurring: dict[str, Any] | None = None) -> Subscription:
    """A subscription, begun by a card's token or by the phone number with that ending."""
    session = world.session(mode="subscription", recurring=recurring or MONTHLY)
    pay_page(world, session, how)
    world.wait(6)
    return Subscription.get(Subscription.session == session.id)


def pay_page(world: World, session: CheckoutSession, how: str = "tok_test_card") -> None:
    """Pay a page by hand."""
    if how.startswith("tok_"):
        world.pay_by_card(session, how)
    else:
        world.pay(session, how)


def keep_token(subscription: Subscription, token: str) -> None:
    """From now on the subscription is charged by that card."""
    kept = subscription.payment_method | {"type": "card", "card_token": token, "operator": None, "phone": None}
    now(subscription).change(payment_method=kept)


def keep_phone(subscription: Subscription, ending: str) -> None:
    """From now on the phone with that ending is asked."""
    wallet = {"type": "mobile_money", "operator": "orange_sn", "country": "SN", "phone": factories.phone(ending)}
    now(subscription).change(payment_method=subscription.payment_method | wallet)


def now(subscription: Subscription) -> Subscription:
    """The subscription as it is stored."""
    return Subscription.get_by_id(subscription.id)


def days(world: World, count: float) -> None:
    """That many days go by at once, with nobody at work; then a worker comes, and prompts are answered."""
    world.later(count * DAY)
    world.work()
    world.wait(6)


def invoices(subscription: Subscription) -> list[Invoice]:
    """Its invoices, by period."""
    return list(Invoice.select().where(Invoice.subscription == subscription.id).order_by(Invoice.period))


def states(subscription: Subscription) -> list[str]:
    """Of the subscription, then of its invoices by period."""
    return [now(subscription).status, *(invoice.status for invoice in invoices(subscription))]


def page(invoice: Invoice) -> CheckoutSession:
    """The page of an invoice."""
    return fresh(CheckoutSession.get_by_id(invoice.session_id))


def as_told(invoice: Invoice) -> Any:
    """The invoice as its merchant sees it."""
    return merchant_view.invoice(invoice, *snapshots.of_invoices([invoice]))


def tries(invoice: Invoice) -> list[PaymentAttempt]:
    """The attempts of an invoice, oldest first."""
    return snapshots.attempts_of(snapshots.intent_of(page(invoice)))


def taken(subscription: Subscription) -> dict[int, int]:
    """What the provider's ledger says that it took and kept, by the number of the period."""
    periods = dict.fromkeys((invoice.period for invoice in invoices(subscription)), 0)
    by_intent = {PaymentIntent.get(PaymentIntent.session == one.session).id: one for one in invoices(subscription)}
    for entry in ledger.entries():
        if entry["payment_intent"] in by_intent:
            periods[by_intent[entry["payment_intent"]].period] += entry["amount"] - entry["refunded"]
    return periods


def told(record: Subscription | Invoice) -> list[str]:
    """What was told of one object, in order, without the object's name."""
    events = Event.select().where(Event.object_id == record.id).order_by(Event.sequence)
    return [event.type.partition(".")[2] for event in events]


def due(kind: str, record: Subscription | Invoice) -> DueWork | None:
    """When that work is due."""
    return DueWork.get_or_none(DueWork.kind == kind, DueWork.subject == record.id)
