"""Our rows as the values that providers are given: whole charges and refunds."""

from ikawaari.checkout import merchant_view
from ikawaari.money import Money
from ikawaari.providers.base import Charge, Flow, RefundOrder, SavedMethod
from ikawaari.shapes import Locale, MethodType, Mode
from ikawaari.states import OpenedBy
from ikawaari.store.models import CardSetup, CheckoutSession, Merchant, PaymentAttempt, PaymentIntent, Refund


def find(attempt_id: str) -> PaymentAttempt:
    """The attempt, read with the intent and the merchant that its charge tells of."""
    rows = PaymentAttempt.select(PaymentAttempt, PaymentIntent, Merchant).join(PaymentIntent).join(Merchant)
    found: PaymentAttempt = rows.where(PaymentAttempt.id == attempt_id).get()
    return found


def of(attempt: PaymentAttempt, otp: str | None = None, session: CheckoutSession | None = None) -> Charge:
    """The charge of an attempt, with the code that its payer typed, if one is sent now.

    `session`: its own, when the money is asked for: it says in which language, and whether the method is to be saved,
    as that of a subscription is: also on an invoice's page, whose payer may take another one from now on.
    """
    intent, details = attempt.intent, attempt.customer_details
    name, email = details.get("name"), details.get("email") or intent.customer_email
    return Charge(
        id=attempt.id,
        intent_id=attempt.intent_id,
        money=Money(attempt.amount, attempt.currency),
        method_type=attempt.type,
        operator=attempt.operator,
        country=attempt.country,
        phone=attempt.phone,
        flow=Flow(attempt.flow) if attempt.flow else None,
        otp=otp,
        card_token=attempt.card_token,
        saved=SavedMethod(**attempt.saved_method) if attempt.saved_method else None,
        saves_method=session is not None and _renews(session),
        off_session=attempt.off_session,
        customer_name=name if isinstance(name, str) else None,
        customer_email=email if isinstance(email, str) else None,
        return_url=attempt.return_url,
        language=Locale.ENGLISH if session is not None and session.locale == Locale.ENGLISH else Locale.FRENCH,
        page_url=merchant_view.page_url(intent.session_id) if intent.session_id else merchant_view.after_payment_url(),
        statement=intent.merchant.name,
        description=intent.description or "",
        submitted_at=attempt.submitted_at,
        reference=attempt.provider_reference,
        provider_data=attempt.provider_data or {},
    )


def setup(setup: CardSetup, session: CheckoutSession) -> Charge:
    """The order to save a card for a session's subscription, and to take nothing."""
    name, email = setup.customer_details.get("name"), setup.customer_details.get("email") or session.customer_email
    return Charge(
        id=setup.id,
        intent_id=session.id,
        money=Money(0, session.currency),
        method_type=MethodType.CARD,
        card_token=setup.card_token,
        saves_method=True,
        customer_name=name if isinstance(name, str) else None,
        customer_email=email if isinstance(email, str) else None,
        return_url=setup.return_url,
        language=Locale.ENGLISH if session.locale == Locale.ENGLISH else Locale.FRENCH,
        page_url=merchant_view.page_url(session.id),
        statement=session.merchant.name,
        description=session.description or "",
        submitted_at=setup.submitted_at,
        reference=setup.provider_reference,
        provider_data=setup.provider_data or {},
    )


def _renews(session: CheckoutSession) -> bool:
    return bool(session.mode == Mode.SUBSCRIPTION or session.opened_by == OpenedBy.RENEWAL)


def refund(refund: Refund, attempt: PaymentAttempt) -> RefundOrder:
    """The order to return a refund's part of what `attempt` took."""
    received = Money(attempt.amount_received or 0, attempt.received_currency or attempt.currency)
    return RefundOrder(
        id=refund.sent_as or refund.id,
        charge_id=attempt.id,
        charge_reference=attempt.provider_reference,
        charge_data=attempt.provider_data or {},
        charge_money=received,
        money=Money(refund.amount, refund.currency),
        operator=attempt.operator,
        reason=refund.reason,
        submitted_at=refund.sent_at,
        reference=refund.provider_reference,
        provider_data=refund.provider_data or {},
    )
