"""The public view of a session: what its page needs, and nothing more.

It never contains metadata, keys, provider names, a provider's own texts, whole phone numbers, or an earlier payer's
answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import NotRequired, TypedDict

from ikawaari import clock, countries, phones
from ikawaari.checkout import (
    accounts,
    health,
    links,
    merchant_view,
    notes,
    offers,
    payment_methods,
    quotes,
    references,
    returns,
    routing,
)
from ikawaari.checkout.offers import PublicOffer
from ikawaari.checkout.payment_methods import Terms
from ikawaari.checkout.snapshots import Snapshot
from ikawaari.errors import ValidationFailed
from ikawaari.operators import Operator
from ikawaari.providers.base import Flow
from ikawaari.shapes import CardFields, Failure, LineItem, MethodType, NextAction, Repeated
from ikawaari.states import PaymentStatus, SessionStatus
from ikawaari.store.models import CardSetup, CheckoutSession, Invoice, Merchant, PaymentAttempt, Subscription


class OfferedOperator(TypedDict):
    """A wallet of a country."""

    id: str
    name: str
    flows: list[Flow]
    available: bool


class OfferedCountry(TypedDict):
    """A country whose wallets can pay."""

    country: str
    dial_code: str
    operators: list[OfferedOperator]


class OfferedMethod(TypedDict):
    """A way to pay the session."""

    type: str
    countries: NotRequired[list[OfferedCountry]]  # of mobile money


class Fee(TypedDict):
    """What paying with one type of method costs."""

    type: str
    fee_amount: int
    amount_total: int


class PublicSubscription(TypedDict):
    """The subscription that the session started, for a customer who returns to stop it."""

    status: str
    current_period_end: int
    cancel_at_period_end: bool
    canceled_at: int | None


class PublicInvoice(TypedDict):
    """The period of a subscription that the session pays."""

    period_start: int
    period_end: int


class PublicMerchant(TypedDict):
    """Who sells, and where to turn to; phone numbers in E.164."""

    name: str
    logo_url: str | None
    color: str | None
    country: str
    legal_name: str | None
    town: str | None
    help_phone: str | None
    whatsapp: str | None
    terms_url: str | None
    refunds_url: str | None
    privacy_url: str | None
    payer_name: str | None


class MaskedCustomer(TypedDict):
    """Whom the merchant, or an earlier try, named: masked, for whoever has the link may not be that person."""

    name: str | None
    email: str | None
    phone: str | None


class PublicPayment(TypedDict):
    """The attempt that the page shows: the one that paid, or else the latest."""

    status: str
    type: str
    operator: str | None
    phone: str | None
    amount: int
    fee_amount: int
    currency: str
    created: int
    deadline_at: int | None
    settled_at: int | None
    reference: str


class PublicCheckout(PublicOffer):
    """The session as anybody who has its id may see it."""

    id: str
    object: str
    status: str
    payment_status: str
    mode: str
    amount: int | None
    fee_amount: int
    fees: list[Fee]
    line_items: list[LineItem]
    answered_fields: list[str]
    merchant: PublicMerchant
    payment_methods: Repeated[OfferedMethod]
    customer: MaskedCustomer
    next_action: NextAction | None
    payment: PublicPayment | None
    last_payment_error: Failure | None
    late: bool
    reference: str | None
    subscription: PublicSubscription | None
    invoice: PublicInvoice | None
    unavailable: str | None
    thank_you: str | None
    success_url: str | None
    cancel_url: str | None
    expires_at: int
    completed_at: int | None
    livemode: bool


@dataclass(frozen=True)
class _Asked:
    """What the snapshot does not contain: read once, before anything is rendered."""

    terms: Terms
    unavailable: str | None
    success_url: str | None
    attempts: Sequence[PaymentAttempt]


def public(shown: Snapshot, now: datetime, accepted: str = "en") -> PublicCheckout:
    """The session as anybody who has its id may see it; `accepted`: the payer's language, if the session has none."""
    is_paid = shown.session.payment_status in merchant_view.PAID
    asked = _Asked(
        terms=Terms.of_session(shown.session),
        unavailable=links.unavailable(shown),
        success_url=returns.success_url(shown.session, now) if is_paid else None,
        attempts=_shown(shown),
    )
    return _rendered(shown, asked, merchant_view.language(shown.session.locale, accepted), is_paid=is_paid)


def card_fields(session: CheckoutSession, view: PublicCheckout) -> CardFields | None:
    """The fields in which a live card is typed on the session's page; None if it takes none now."""
    offered = session.livemode and any(one["type"] == MethodType.CARD for one in view["payment_methods"])
    return payment_methods.card_fields(Terms.of_session(session)) if offered else None


def _rendered(shown: Snapshot, asked: _Asked, language: str, *, is_paid: bool) -> PublicCheckout:
    session, attempts = shown.session, asked.attempts
    is_shared = links.is_shared(session, shown.link)
    methods, payment = _methods(session, asked.terms), _payment_of(attempts)
    return {
        "id": session.id,
        "object": "checkout.session",
        "status": session.status,
        "payment_status": session.payment_status,
        "mode": session.mode,
        **offers.public(session),
        "amount": _amount(session, payment),
        "fee_amount": session.fee_amount,
        "fees": _fees(session, methods),
        "line_items": [_item(item) for item in session.line_items],
        "answered_fields": [] if is_shared else sorted(session.custom_field_values),
        "merchant": merchant(shown.merchant),
        "payment_methods": methods,
        "customer": _customer(session, is_shared=is_shared),
        "next_action": None if is_paid else merchant_view.next_action(attempts, language),
        "payment": payment,
        "last_payment_error": None if is_paid else merchant_view.failure(attempts),
        "late": session.late,
        "reference": references.of_session(session, attempts),
        "subscription": _subscription(shown.subscription),
        "invoice": _invoice(shown.invoice),
        "unavailable": asked.unavailable,
        "thank_you": session.thank_you if is_paid else None,
        "success_url": asked.success_url,
        "cancel_url": session.cancel_url,
        "expires_at": clock.unix(session.expires_at),
        "completed_at": clock.unix(session.completed_at) if session.completed_at else None,
        "livemode": session.livemode,
    }


def _shown(shown: Snapshot) -> Sequence[PaymentAttempt]:
    """The session's attempts; of an open one that begins with a trial, the card that is being saved, in their place."""
    session = shown.session
    is_trial = session.livemode and session.recurring and session.recurring.get("trial_period_days")
    if shown.attempts or not is_trial or session.status != SessionStatus.OPEN:
        return shown.attempts
    every = CardSetup.select().where(CardSetup.session == session.id)
    latest = every.order_by(CardSetup.created_at.desc(), CardSetup.id.desc()).first()
    return [] if latest is None else [_as_attempt(latest, session)]


def _as_attempt(setup: CardSetup, session: CheckoutSession) -> PaymentAttempt:
    """It is not stored: the page shows both alike."""
    same = ("id", "status", "provider", "amount", "fee_amount", "failure_code", "next_action")
    times = ("created_at", "deadline_at", "settled_at")
    columns = {name: getattr(setup, name) for name in (*same, *times)}
    return PaymentAttempt(type=MethodType.CARD, currency=session.currency, **columns)


def _payment_of(attempts: Sequence[PaymentAttempt]) -> PublicPayment | None:
    """The attempt that the page shows: the one that paid, or else the latest."""
    paying = [row for row in attempts if row.counted]
    chosen = (paying or attempts)[-1:]
    return _payment(chosen[0]) if chosen else None


def _amount(session: CheckoutSession, payment: PublicPayment | None) -> int | None:
    """The amount; None while the customer may still choose it."""
    if session.amount is not None or payment is None or session.payment_status == PaymentStatus.UNPAID:
        return session.amount
    return payment["amount"] - payment["fee_amount"]


def _fees(session: CheckoutSession, methods: Sequence[OfferedMethod]) -> list[Fee]:
    """What the session costs with each type of method; empty while its payer must choose first."""
    try:
        offered = [(method["type"], quotes.of(session, method["type"], None, None)) for method in methods]
    except ValidationFailed:
        return []
    return [{"type": kind, "fee_amount": quote.fee, "amount_total": quote.total} for kind, quote in offered]


def _item(item: LineItem) -> LineItem:
    shown: LineItem = {"name": item["name"], "amount": item["amount"], "quantity": item["quantity"]}
    if adjustable := item.get("adjustable_quantity"):
        shown["adjustable_quantity"] = adjustable
    return shown


def _subscription(found: Subscription | None) -> PublicSubscription | None:
    if found is None:
        return None
    return {
        "status": found.status,
        "current_period_end": clock.unix(found.current_period_end),
        "cancel_at_period_end": found.cancel_at_period_end,
        "canceled_at": clock.unix(found.canceled_at) if found.canceled_at else None,
    }


def _invoice(found: Invoice | None) -> PublicInvoice | None:
    if found is None:
        return None
    return {"period_start": clock.unix(found.period_start), "period_end": clock.unix(found.period_end)}


def _payment(attempt: PaymentAttempt) -> PublicPayment:
    return {
        "status": attempt.status,
        "type": attempt.type,
        "operator": attempt.operator,
        "phone": phones.mask(attempt.phone) if attempt.phone else None,
        "amount": attempt.amount,
        "fee_amount": attempt.fee_amount,
        "currency": attempt.currency,
        "created": clock.unix(attempt.created_at),
        "deadline_at": clock.unix(attempt.deadline_at) if attempt.deadline_at else None,
        "settled_at": clock.unix(attempt.settled_at) if attempt.settled_at else None,
        "reference": references.of_attempt(attempt),
    }


def merchant(row: Merchant) -> PublicMerchant:
    """Who sells."""
    return {
        "name": row.name,
        "logo_url": row.logo_url,
        "color": row.color,
        "country": row.country,
        "legal_name": row.legal_name,
        "town": row.town,
        "help_phone": row.help_phone,
        "whatsapp": row.whatsapp,
        "terms_url": row.terms_url,
        "refunds_url": row.refunds_url,
        "privacy_url": row.privacy_url,
        "payer_name": row.payer_name,
    }


def _methods(session: CheckoutSession, terms: Terms) -> Repeated[OfferedMethod]:
    """What is offered under these terms, remembered: it takes longer to find than to read the session.

    One merchant's own accounts offer nothing to another one, and what has changed has another number.
    """
    known = accounts.known()
    shared = known.sharing(terms.merchant_id)
    alike = replace(terms, merchant_id=shared, method_types=tuple(terms.method_types), phone=None)
    return _offered(alike, known.number, routing.down(), frozenset(notes.hindrances(session, terms)))


@lru_cache(200)
def _offered(
    terms: Terms, _number: int, _down: frozenset[health.Key], hindered: frozenset[str]
) -> Repeated[OfferedMethod]:
    methods = Repeated[OfferedMethod]()
    for method_type in terms.method_types:
        if method_type == MethodType.MOBILE_MONEY and (served := payment_methods.countries_of(terms)):
            methods.append(
                {"type": MethodType.MOBILE_MONEY, "countries": [_country(terms, code, hindered) for code in served]}
            )
        if method_type == MethodType.CARD and payment_methods.takes_cards(terms):
            methods.append({"type": MethodType.CARD})
    return methods


def _country(terms: Terms, code: str, hindered: frozenset[str]) -> OfferedCountry:
    """A country with its operators; those that cannot be paid by now come last."""
    offered = payment_methods.operators_of(terms, code)
    operators = [_operator(terms, operator, available=operator.id not in hindered) for operator in offered]
    return {
        "country": code,
        "dial_code": countries.COUNTRIES[code].dial_code,
        "operators": sorted(operators, key=lambda operator: not operator["available"]),
    }


def _operator(terms: Terms, operator: Operator, *, available: bool) -> OfferedOperator:
    return {
        "id": operator.id,
        "name": operator.name,
        "flows": payment_methods.flows_of(terms, operator.id),
        "available": available,
    }


def _customer(session: CheckoutSession, *, is_shared: bool) -> MaskedCustomer:
    """The customer to show. If strangers share the session, nobody is shown: the viewer is not the one who typed."""
    details = {} if is_shared else session.customer_details
    return {
        "name": details.get("name"),
        "email": _masked_email(details.get("email")),
        "phone": phones.mask(session.customer_phone) if session.customer_phone else None,
    }


def _masked_email(email: str | None) -> str | None:
    if not email:
        return None
    name, _, host = email.partition("@")
    return f"{name[:1]}•••@{host}"
