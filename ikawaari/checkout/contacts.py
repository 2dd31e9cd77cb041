"""The name and the email address that a payer leaves on the receipt, after the payment: nothing stands before it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from ikawaari import errors, store
from ikawaari.checkout import collected, customers, links
from ikawaari.checkout.snapshots import Snapshot
from ikawaari.errors import Conflict
from ikawaari.states import PaymentStatus
from ikawaari.store.models import CheckoutSession

_RECEIPT = (PaymentStatus.PAID, PaymentStatus.NO_PAYMENT_REQUIRED)
_ASKED_FOR = timedelta(hours=1)  # who opens the page later may be somebody else


def are_asked(shown: Snapshot, now: datetime) -> bool:
    """Whether the page may ask: a payment has just been received, and nobody has given an address.

    Strangers who share a session are not asked: one of them would be taken for the payer.
    """
    return _may_be_left(shown.session, now) and not links.is_shared(shown.session, shown.link)


def leave(shown: Snapshot, given: Mapping[str, str], now: datetime) -> None:
    """Add the answers to the session and to its customer, of whom the merchant is notified.

    Raises ValidationFailed, and Conflict if the page may not ask any longer.
    """
    session_id = str(shown.session.id)
    if not are_asked(shown, now):
        raise Conflict(errors.ALREADY_PAID)
    details = collected.details(given, shown.session)
    with store.atomic():
        # If two tabs send it at once, the second one waits here, and then finds the first one's address.
        session = CheckoutSession.lock(session_id)
        if not _may_be_left(session, now) or not details:
            return
        session.change(customer_details={**details, **session.customer_details})
        customers.learn(session, now)


def _may_be_left(session: CheckoutSession, now: datetime) -> bool:
    known = session.customer_details.get("email") or session.customer_email
    is_fresh = session.completed_at is not None and now - session.completed_at < _ASKED_FOR
    return is_fresh and not known and session.payment_status in _RECEIPT
