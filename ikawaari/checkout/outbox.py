"""Events about what the domain owns, each showing its object as it is at that moment.

A move carries its event: the table of moves names it (`states`), the row that moved owes it, and no transaction commits
while a row does. `move` and `try_move` publish at once. Where the event has to show what is written after the move, or
to follow other events, the row moves by itself, and `publish_move` comes when the rest is written.
"""

from datetime import datetime
from typing import Any

from ikawaari.checkout import merchant_view, snapshots
from ikawaari.checkout.snapshots import IntentSnapshot, Snapshot
from ikawaari.events import events
from ikawaari.states import OpenedBy
from ikawaari.store.models import CheckoutSession, Customer, Invoice, PaymentIntent, Refund, Subscription
from ikawaari.store.record import Record

LATE_PAYMENT = "checkout.session.late_payment"


def publish(event_type: str, row: Record, now: datetime) -> None:
    """Record an event about `row`."""
    _is_published(event_type, row)
    match row:
        case CheckoutSession():
            publish_session(event_type, snapshots.of(row), now)
        case PaymentIntent():
            publish_intent(event_type, snapshots.of_intent(row), now)
        case Refund():
            events.append(event_type, merchant_view.refund(row), row.intent, now)
        case Subscription():
            events.append(event_type, merchant_view.subscription(snapshots.of_subscription(row)), row, now)
        case Invoice():
            events.append(event_type, merchant_view.invoice(row, snapshots.of_invoices([row])[0]), row, now)
        case Customer():
            events.append(event_type, merchant_view.customer(row), row, now)
        case _:
            raise TypeError(f"no event is about a {type(row).__name__}")


def publish_session(event_type: str, shown: Snapshot, now: datetime) -> None:
    """Record an event about a session. Of a renewal's page only late money is published: the rest is in `invoice.*`."""
    _is_published(event_type, shown.session)
    if event_type == LATE_PAYMENT or shown.session.opened_by != OpenedBy.RENEWAL:
        events.append(event_type, merchant_view.checkout_session(shown), shown.session, now)


def publish_intent(event_type: str, shown: IntentSnapshot, now: datetime) -> None:
    """Record an event about an intent."""
    _is_published(event_type, shown.intent)
    events.append(event_type, merchant_view.payment_intent(shown), shown.intent, now)


def _is_published(event_type: str, row: Record) -> None:
    if row.unpublished == event_type:
        row.unpublished = None


def publish_move(row: Record, now: datetime) -> None:
    """Record the event of the row's latest move."""
    if row.unpublished is not None:
        publish(row.unpublished, row, now)


def withhold(row: Record) -> None:
    """Publish nothing of the row's latest move. Who calls this says why."""
    row.unpublished = None


def move(row: Record, target: str, now: datetime, **changes: Any) -> None:
    """Move the row and publish that. Raises ForbiddenMove."""
    row.move("status", target, **changes)
    publish_move(row, now)


def try_move(row: Record, target: str, now: datetime, **changes: Any) -> bool:
    """Move the row if its stored status still allows it, and publish that."""
    moved = row.try_move("status", target, **changes)
    publish_move(row, now)
    return moved
