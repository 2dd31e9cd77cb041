"""Payment intents: each is the intent to collect one amount, once. A session or a merchant's own server creates it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from peewee import fn

from ikawaari import errors, ids, store
from ikawaari.checkout import budgets, merchant_view, outbox, payment_methods, prefills, routing, snapshots
from ikawaari.checkout.payment_methods import PayRequest, Terms
from ikawaari.checkout.snapshots import IntentSnapshot
from ikawaari.errors import Conflict, ValidationFailed
from ikawaari.invariants import present
from ikawaari.money import Money
from ikawaari.paging import PageRequest
from ikawaari.shapes import ColumnValues, JsonObject, MethodType, Page
from ikawaari.states import PAYABLE, IntentStatus
from ikawaari.store.listing import Listing
from ikawaari.store.models import CheckoutSession, PaymentAttempt, PaymentIntent
from ikawaari.store.owner import Owner


@dataclass(frozen=True, kw_only=True, repr=False)  # it names a person, and a trace may have it
class NewIntent:
    """What a merchant's server asks for. The amount is in the currency's smallest unit."""

    amount: int
    currency: str
    country: str | None = None
    customer: str | None = None
    customer_email: str | None = None
    customer_phone: str | None = None
    description: str | None = None
    metadata: JsonObject = field(default_factory=dict)
    payment: Mapping[str, Any] | None = None  # the fields of a PayRequest, to confirm with
    confirm: bool = False  # it is paid immediately, by that


def create(owner: Owner, new: NewIntent, now: datetime) -> PaymentIntent:
    """Create an intent without a session.

    Raises ValidationFailed, also for a payment method that cannot be. With `confirm` also what would refuse the attempt
    before it is stored (Unavailable when no provider takes it now, TooManyRequests), so that nothing is left behind.
    """
    terms = terms_of_new(owner, new)
    method = payment_methods.read(PayRequest(**new.payment), terms) if new.payment else None
    if new.confirm and method:
        method = payment_methods.routed(method, terms, Money(new.amount, new.currency))
    with store.atomic():
        intent = PaymentIntent.create(
            id=ids.new("pi"),
            merchant=owner.merchant,
            livemode=owner.livemode,
            status=IntentStatus.REQUIRES_CONFIRMATION if new.payment else IntentStatus.REQUIRES_PAYMENT_METHOD,
            amount=new.amount,
            currency=new.currency,
            country=terms.country,
            customer=new.customer,
            customer_email=prefills.email(new.customer_email),
            customer_phone=terms.phone,
            payment_method=dict(new.payment) if new.payment else None,
            description=new.description,
            metadata=dict(new.metadata),
            created_at=now,
        )
        outbox.publish_intent("payment_intent.created", IntentSnapshot(intent), now)
        if new.confirm and method:
            budgets.require_try(IntentSnapshot(intent), method, now)  # a refused try must not leave an intent behind
    return intent


def terms_of_new(owner: Owner, new: NewIntent) -> Terms:
    """What the intent may be paid with. A phone number that cannot be parsed is ignored."""
    country = new.country or owner.merchant.country
    return Terms(
        merchant_id=owner.merchant_id,
        livemode=owner.livemode,
        currency=new.currency,
        method_types=tuple(MethodType),
        country=country,
        phone=prefills.phone(new.customer_phone, country),
    )


def unserved(owner: Owner, new: NewIntent) -> list[str]:
    """What no account takes now of what a new intent may be paid with, in words for the merchant."""
    terms = terms_of_new(owner, new)
    if not new.payment:
        return payment_methods.unserved(terms, chosen=False)
    method = payment_methods.read(PayRequest(**new.payment), terms)
    wanted = terms.wanting(method.type, method.operator, Money(new.amount, new.currency))
    return [] if routing.reaching(wanted) else [routing.missing(wanted)]


def terms_of(intent: PaymentIntent) -> Terms:
    """What the intent may be paid with: its session's terms, if it has one."""
    session = CheckoutSession.get_or_none(CheckoutSession.id == intent.session_id)
    return Terms.of_session(session) if session else Terms.of_intent(intent)


_LISTING = Listing(
    PaymentIntent, "payment intent", {"status": PaymentIntent.status, "customer": PaymentIntent.customer}
)
owned = _LISTING.owned


def listed(owner: Owner, wanted: PageRequest, accepted: str = "en") -> Page:
    """A page of the owner's intents. `accepted`: the language of messages, if no session determines it."""

    def render(rows: Sequence[PaymentIntent]) -> list[JsonObject]:
        return [merchant_view.payment_intent(shown, accepted) for shown in snapshots.of_intents(rows)]

    return _LISTING.page(_LISTING.rows(owner), wanted, render)


def update(intent_id: str, changes: ColumnValues) -> PaymentIntent:
    """Change an intent's fields, unless money moves or has moved. Raises Conflict, ValidationFailed."""
    with store.atomic():
        intent = PaymentIntent.lock(intent_id)
        if intent.status not in PAYABLE:
            raise Conflict(errors.STATE_FORBIDS, f"A payment intent that is {intent.status} does not change.")
        if intent.session_id and {"amount", "currency"} & set(changes):
            raise Conflict(errors.STATE_FORBIDS, "The checkout session says the amount of this payment intent.")
        # An attempt that failed may still be corrected to succeeded: its money must be of the intent's currency.
        if changes.get("currency", intent.currency) != intent.currency and snapshots.attempts_of(intent):
            raise Conflict(errors.STATE_FORBIDS, f"A payment was attempted in {intent.currency}; make another intent.")
        values = dict(changes)
        if values.get("customer_phone"):
            values["customer_phone"] = _known_phone(str(values["customer_phone"]), intent.country)
        if values:
            intent.change(**values)
    return intent


def open_for(session: CheckoutSession, money: Money, now: datetime) -> PaymentIntent:
    """Create the intent of a session that is being opened, in that transaction: nobody else can see the session yet."""
    intent = PaymentIntent.create_soon(**_columns(session, money, now))
    outbox.publish_intent("payment_intent.created", IntentSnapshot(intent, session), now)
    return intent


def for_session(session: CheckoutSession, money: Money, now: datetime) -> PaymentIntent:
    """The intent of a deferred session, created over `money` if missing, and locked. In the caller's transaction.

    If two first payments race, the unique index on the session keeps one intent.
    """
    made = PaymentIntent.insert_once(**_columns(session, money, now))
    found = PaymentIntent.find_and_lock(PaymentIntent.session == session.id)
    intent = present(found, "a session's intent is never removed")
    if made:
        outbox.publish_intent("payment_intent.created", IntentSnapshot(intent, session), now)
    return intent


def claim(intent: PaymentIntent, money: Money) -> bool:
    """Claim the intent for one payment of `money`: from here on it is locked. False if it cannot be paid any more.

    Compare and set: if two payers read the same payable intent, the second one waits here, and then changes no row.
    """
    amount = {} if intent.amount == money.amount else {"amount": money.amount}
    return intent.status in PAYABLE and intent.try_move("status", IntentStatus.PROCESSING, **amount)


def count_of_attempts(intent_id: Any) -> Any:
    """How many attempts the intent has, in SQL."""
    return PaymentAttempt.select(fn.COUNT(PaymentAttempt.id)).where(PaymentAttempt.intent == intent_id)


def lock_for(session_id: str) -> None:
    """Lock the session's intent, if it has one, until the caller's transaction ends."""
    PaymentIntent.find_and_lock(PaymentIntent.session == session_id)


def try_cancel(intent: PaymentIntent, reason: str, now: datetime) -> bool:
    """Cancel an intent that is neither paid nor being paid, and publish that. `reason`: `requested`, `expired`."""
    return outbox.try_move(intent, IntentStatus.CANCELED, now, canceled_at=now, cancellation_reason=reason)


def _columns(session: CheckoutSession, money: Money, now: datetime) -> ColumnValues:
    return {
        "id": ids.new("pi"),
        "merchant": session.merchant_id,
        "livemode": session.livemode,
        "session": session.id,
        "status": IntentStatus.REQUIRES_PAYMENT_METHOD,
        "amount": money.amount,
        "currency": money.currency,
        "customer_email": session.customer_email,
        "customer_phone": session.customer_phone,
        "description": session.description,
        "metadata": session.metadata,
        "created_at": now,
    }


def _known_phone(text: str, country: str | None) -> str:
    """`text` as an E.164 number. Raises ValidationFailed."""
    number = prefills.phone(text, country)
    if number is None:
        raise ValidationFailed({"customer_phone": ["is not a phone number of this country"]})
    return number
