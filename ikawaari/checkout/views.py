"""The public view of a session: what its page needs, and nothing more.

Never in here: metadata, keys, provider names, a provider's own words, whole phone numbers, what
an earlier payer answered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ikawaari import clock, countries, phones
from ikawaari.checkout import links, payment_methods, quotes, resources, returns
from ikawaari.checkout.payment_methods import Terms
from ikawaari.checkout.snapshots import Snapshot
from ikawaari.errors import ValidationFailed
from ikawaari.states import PaymentStatus
from ikawaari.store.models import CheckoutSession, Invoice, Merchant, PaymentAttempt, Subscription


@dataclass(frozen=True)
class _Asked:
    """What the snapshot does not hold: asked for once, before anything is rendered."""

    terms: Terms
    unavailable: str | None
    success_url: str | None


def public(shown: Snapshot, now: datetime, accepted: str = "en") -> dict[str, Any]:
    """The session as anybody who has its id may see it; `accepted`: the payer's language, where it has none."""
    is_paid = shown.session.payment_status in resources.PAID
    asked = _Asked(
        terms=Terms.of_session(shown.session),
        unavailable=links.unavailable(shown),
        success_url=returns.success_url(shown.session, now) if is_paid else None,
    )
    return _rendered(shown, asked, resources.language(shown.session.locale, accepted), is_paid=is_paid)


def _rendered(shown: Snapshot, asked: _Asked, language: str, *, is_paid: bool) -> dict[str, Any]:
    session, attempts = shown.session, shown.attempts
    is_shared = links.is_shared(session, shown.link)
    methods, payment = _methods(asked.terms), _payment_of(attempts)
    return {
        "id": session.id,
        "object": "checkout.session",
        "status": session.status,
        "payment_status": session.payment_status,
        "mode": session.mode,
        "recurring": session.recurring,
        "amount": _amount(session, payment),
        "amount_min": session.amount_min,
        "amount_max": session.amount_max,
        "amount_presets": session.amount_presets,
        "fee_mode": session.fee_mode,
        "fee_amount": session.fee_amount,
        "fees": _fees(session, methods),
        "currency": session.currency,
        "country": session.country,
        "description": session.description,
        "line_items": [_item(item) for item in session.line_items],
        "custom_fields": session.custom_fields,
        "answered_fields": [] if is_shared else sorted(session.custom_field_values),
        "merchant": _merchant(shown.merchant),
        "payment_methods": methods,
        "customer": _customer(session, is_shared=is_shared),
        "next_action": None if is_paid else resources.next_action(attempts, language),
        "payment": payment,
        "last_payment_error": None if is_paid else resources.failure(attempts),
        "late": session.late,
        "subscription": _subscription(shown.subscription),
        "invoice": _invoice(shown.invoice),
        "unavailable": asked.unavailable,
        "thank_you": session.thank_you if is_paid else None,
        "success_url": asked.success_url,
        "cancel_url": session.cancel_url,
        "expires_at": clock.unix(session.expires_at),
        "completed_at": clock.unix(session.completed_at) if session.completed_at else None,
        "livemode": session.livemode,
        "locale": session.locale,
    }


def _payment_of(attempts: Sequence[PaymentAttempt]) -> dict[str, Any] | None:
    """The attempt that the page tells about: the one that paid, else the latest."""
    paying = [row for row in attempts if row.counted]
    chosen = (paying or attempts)[-1:]
    return _payment(chosen[0]) if chosen else None


def _amount(session: CheckoutSession, payment: dict[str, Any] | None) -> int | None:
    """The amount; None while the customer still may choose it."""
    if session.amount is not None or payment is None or session.payment_status == PaymentStatus.UNPAID:
        return session.amount
    return int(payment["amount"] - payment["fee_amount"])


def _fees(session: CheckoutSession, methods: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the session comes to with each kind of method; empty while its payer has to choose first."""
    try:
        offered = [(method["type"], quotes.of(session, method["type"], None, None)) for method in methods]
    except ValidationFailed:
        return []
    return [{"type": kind, "fee_amount": quote.fee, "amount_total": quote.total} for kind, quote in offered]


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    shown = {key: item[key] for key in ("name", "amount", "quantity")}
    adjustable = item.get("adjustable_quantity")
    return shown | {"adjustable_quantity": adjustable} if adjustable else shown


def _subscription(found: Subscription | None) -> dict[str, Any] | None:
    """The subscription that the session started, for who comes back to stop it."""
    if found is None:
        return None
    return {
        "status": found.status,
        "current_period_end": clock.unix(found.current_period_end),
        "cancel_at_period_end": found.cancel_at_period_end,
        "canceled_at": clock.unix(found.canceled_at) if found.canceled_at else None,
    }


def _invoice(found: Invoice | None) -> dict[str, int] | None:
    if found is None:
        return None
    return {"period_start": clock.unix(found.period_start), "period_end": clock.unix(found.period_end)}


def _payment(attempt: PaymentAttempt) -> dict[str, Any]:
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
        "reference": resources.reference(attempt),
    }


def _merchant(merchant: Merchant) -> dict[str, Any]:
    return {
        "name": merchant.name,
        "logo_url": merchant.logo_url,
        "color": merchant.color,
        "country": merchant.country,
    }


def _methods(terms: Terms) -> list[dict[str, Any]]:
    methods: list[dict[str, Any]] = []
    for method_type in terms.method_types:
        if method_type == "mobile_money" and (served := payment_methods.countries_of(terms)):
            methods.append({"type": "mobile_money", "countries": [_country(terms, code) for code in served]})
        if method_type == "card" and payment_methods.takes_cards(terms):
            methods.append({"type": "card"})
    return methods


def _country(terms: Terms, code: str) -> dict[str, Any]:
    return {
        "country": code,
        "dial_code": countries.COUNTRIES[code].dial_code,
        "operators": [
            {
                "id": operator.id,
                "name": operator.name,
                "flows": payment_methods.flows_of(terms, operator.id),
                "available": True,
            }
            for operator in payment_methods.operators_of(terms, code)
        ],
    }


def _customer(session: CheckoutSession, *, is_shared: bool) -> dict[str, str | None]:
    """Whom the merchant, or an earlier try, named: masked, for whoever has the link may not be that person.

    Where strangers share the session nobody is named: the one who looks is not the one who typed.
    """
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
