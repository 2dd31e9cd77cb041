"""Customers: who paid a merchant, recognized by the phone number that paid, or else by the email address."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog

from ikawaari import ids, phones, store, texts
from ikawaari.checkout import merchant_view, outbox
from ikawaari.errors import ValidationFailed
from ikawaari.paging import PageRequest
from ikawaari.shapes import JsonObject, Page
from ikawaari.states import AttemptStatus
from ikawaari.store import listing
from ikawaari.store.listing import Listing
from ikawaari.store.models import CheckoutSession, Customer, Merchant, PaymentAttempt, PaymentIntent
from ikawaari.store.owner import Owner

log = structlog.get_logger()


def recognize(session: CheckoutSession, phone: str | None, now: datetime) -> None:
    """Record the customer of a session that was just paid, in the caller's transaction.

    `phone`: the number that paid, in E.164; None for a card. A payer who gave neither a number nor an email address is
    not recorded. If a customer cannot be stored, that is logged, and does not undo the payment.
    """
    try:
        email = session.customer_details.get("email") or session.customer_email
        identity = identity_of(phone, email)
        if identity is not None and session.customer_id is None:
            with store.savepoint():
                _recognize(session, identity, phone, email, now)
    except Exception:
        log.exception("customer_not_recognized", session=session.id)


def learn(session: CheckoutSession, now: datetime) -> None:
    """Add what the payer of a session has said after the payment to its customer, in the caller's transaction.

    Who paid by card, and had given nothing, becomes a customer by the email address.
    """
    if session.customer_id is None:
        recognize(session, None, now)
    elif _add(Customer.lock(session.customer_id), session.customer_details):
        outbox.publish("customer.updated", Customer.get_by_id(session.customer_id), now)


def _add(customer: Customer, given: JsonObject) -> bool:
    """Note what is not known yet; return whether there was anything."""
    learned = {key: given[key] for key in ("name", "email", "phone") if given.get(key) and not getattr(customer, key)}
    if learned:
        customer.change(**learned)
    return bool(learned)


def _recognize(session: CheckoutSession, identity: str, phone: str | None, email: str | None, now: datetime) -> None:
    made = _insert(session, identity, now)
    # If one person makes two payments at once, the second one waits here, and then finds the first one's row.
    customer = Customer.lock(_of(session).where(Customer.identity == identity).get().id)
    given = {"name": session.customer_details.get("name"), "email": email, "phone": phone}
    learned = _add(customer, given)
    session.change(customer=customer.id)
    if made or learned:
        outbox.publish("customer.created" if made else "customer.updated", customer, now)


def identity_of(phone: str | None, email: str | None) -> str | None:
    """What identifies a payer: the number that pays, in E.164, or else the email address."""
    return phone or (texts.email_identity(email) if email else None)


def has_paid(merchant_id: str, livemode: bool, phone: str) -> bool:
    """Whether that number, in E.164, has ever paid the merchant in that mode."""
    paid = PaymentAttempt.select().join(PaymentIntent)
    paid = paid.where(PaymentAttempt.phone == phone, PaymentAttempt.status == AttemptStatus.SUCCEEDED)
    return bool(paid.where(PaymentIntent.merchant == merchant_id, PaymentIntent.livemode == livemode).exists())


_LISTING = Listing(Customer, "customer", {"email": listing.same_email(Customer.email), "phone": Customer.phone})
owned = _LISTING.owned


def listed(owner: Owner, wanted: PageRequest) -> Page:
    """A page of the owner's customers. Raises ValidationFailed, too, for a filter that is no phone number."""
    if "phone" in wanted.filters:
        phone = _asked_phone(str(wanted.filters["phone"]), owner.merchant)
        wanted = replace(wanted, filters={**wanted.filters, "phone": phone})
    return _LISTING.page(_LISTING.rows(owner), wanted, lambda rows: [merchant_view.customer(row) for row in rows])


def _asked_phone(text: str, merchant: Merchant) -> str:
    """The number in the form that is stored. An unencoded + arrives as a blank. Raises ValidationFailed."""
    try:
        return phones.parse(f"+{text.strip()}" if text.startswith(" ") else text, merchant.country).e164
    except phones.InvalidPhone:
        raise ValidationFailed({"phone": ["is not a phone number"]}) from None


def _insert(session: CheckoutSession, identity: str, now: datetime) -> bool:
    """Create the customer unless it exists. Returns whether it was created."""
    return Customer.insert_once(
        id=ids.new("cus"),
        merchant=session.merchant_id,
        livemode=session.livemode,
        identity=identity,
        created_at=now,
    )


def _of(session: CheckoutSession) -> Any:
    return Customer.select().where(Customer.merchant == session.merchant_id, Customer.livemode == session.livemode)
