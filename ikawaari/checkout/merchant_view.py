"""The objects as merchants see them, in answers and in events alike. Amounts in the smallest unit."""

from collections.abc import Sequence

from ikawaari import clock, phones
from ikawaari.checkout import accounts, offers, references
from ikawaari.checkout.snapshots import IntentSnapshot, Snapshot, SubscriptionSnapshot
from ikawaari.config import Config
from ikawaari.operators import OPERATORS
from ikawaari.providers.base import ActionKind
from ikawaari.shapes import Failure, JsonObject, NextAction, Prompt
from ikawaari.states import AttemptStatus, IntentStatus, InvoiceStatus, PaymentStatus
from ikawaari.store.models import Customer, Invoice, PaymentAttempt, PaymentLink, Refund

PAID = (
    PaymentStatus.PAID,
    PaymentStatus.REFUNDED,
    PaymentStatus.PARTIALLY_REFUNDED,
    PaymentStatus.NO_PAYMENT_REQUIRED,
)
LANGUAGES = ("fr", "en")
_MESSAGES = {
    ActionKind.USSD: {
        "en": "Approve the payment on your phone.",
        "fr": "Validez le paiement sur votre téléphone.",
    },
    ActionKind.OTP: {
        "en": "Type the code that your operator gave you.",
        "fr": "Saisissez le code que votre opérateur vous a donné.",
    },
}
_pay_url = ""


def configure(config: Config) -> None:
    """Set where customers reach us: the base of every session's `url`."""
    global _pay_url  # noqa: PLW0603 - set once, at start-up
    _pay_url = config.pay_url


def page_url(session_id: str) -> str:
    """The address of a session's page."""
    return f"{_pay_url}/{session_id}"


def receipt_url(token: str) -> str:
    """The address at which anybody reads the receipt of that token."""
    return f"{_pay_url}/r/{token}"


def link_url(slug: str) -> str:
    """The address of a payment link."""
    return f"{_pay_url}/pay/{slug}"


def after_payment_url() -> str:
    """Where a payer returns to if the merchant gave no address: a page that says what to do."""
    return f"{_pay_url}/return"


def failure(attempts: Sequence[PaymentAttempt]) -> Failure | None:
    """Why the latest attempt failed, or None if it did not."""
    if not attempts or attempts[-1].status != AttemptStatus.FAILED:
        return None
    code = str(attempts[-1].failure_code)
    return {"code": code, "message": f"The last payment attempt failed: {code.replace('_', ' ')}."}


def next_action(attempts: Sequence[PaymentAttempt], language: str = "en") -> NextAction | None:
    """What the payer has to do now; `language`, `fr` or `en`, is that of the message."""
    waits = attempts and attempts[-1].status == AttemptStatus.REQUIRES_ACTION
    action: NextAction | None = attempts[-1].next_action if waits else None
    if action is not None and (prompt := action.get("mobile_money_ussd")):
        return {**action, "mobile_money_ussd": _prompt(attempts[-1], prompt, language)}
    if action is not None and (prompt := action.get("mobile_money_otp")):
        return {**action, "mobile_money_otp": {**prompt, "message": _MESSAGES[ActionKind.OTP][language]}}
    return action


def _prompt(attempt: PaymentAttempt, prompt: Prompt, language: str) -> Prompt:
    """The prompt in the payer's language. What the provider says of its operator now counts before what we know."""
    channel = accounts.last_known().channels.get(attempt.provider)
    said = channel.condition(attempt.operator, attempt.currency) if channel else None
    known = OPERATORS.get(attempt.operator or "")
    dial_code = (said and said.dial_code) or prompt["dial_code"] or (known and known.menu)
    told: Prompt = {"message": _MESSAGES[ActionKind.USSD][language], "dial_code": dial_code or None}
    if said and (instructions := said.instructions.get(language)):
        told["instructions"] = instructions
    if said and said.payee_name:
        told["payee_name"] = said.payee_name
    return told


def language(locale: str | None, accepted: str) -> str:
    """The session's language, if its `locale` is one, or else the `accepted` one."""
    return locale if locale in LANGUAGES else accepted


def checkout_session(shown: Snapshot) -> JsonObject:
    """A checkout session."""
    session, intent, attempts = shown.session, shown.intent, shown.attempts
    amount = intent.amount - session.fee_amount if session.amount is None and intent else session.amount
    offered = offers.of(session)
    del offered["thank_you"]  # only a link has it, and shows it
    return {
        "id": session.id,
        "object": "checkout.session",
        "url": page_url(session.id),
        "status": session.status,
        "payment_status": session.payment_status,
        "mode": session.mode,
        **offered,
        "amount": amount,
        "fee_amount": session.fee_amount,
        "amount_total": amount + session.fee_amount if amount is not None else None,
        "cancel_url": session.cancel_url,
        "customer_email": session.customer_email,
        "customer_phone": session.customer_phone,
        "customer_details": session.customer_details or None,
        "customer": session.customer_id,
        "custom_fields": [
            definition | {"value": session.custom_field_values.get(definition["key"])}
            for definition in session.custom_fields
        ],
        "payment_intent": intent.id if intent else None,
        "subscription": shown.subscription.id if shown.subscription else None,
        **_links_of(shown.link),
        "client_reference_id": session.client_reference_id,
        "livemode": session.livemode,
        "created": clock.unix(session.created_at),
        "expires_at": clock.unix(session.expires_at),
        "completed_at": clock.unix(session.completed_at) if session.completed_at else None,
        "late": session.late,
        "reference": references.of_session(session, attempts),
        "last_payment_error": None if session.payment_status in PAID else failure(attempts),
        "attempts_count": len(attempts),
        "attempts": [attempt(row) for row in attempts],
    }


def _links_of(link: PaymentLink | None) -> dict[str, str | None]:
    """The link that a session comes from, under the name of its version."""
    return {
        "payment_link": link.id if link and link.version == 1 else None,
        "payment_link_v2": link.id if link and link.version == 2 else None,
    }


def payment_intent(shown: IntentSnapshot, accepted: str = "en") -> JsonObject:
    """A payment intent. Its currency is in lower case, unlike the session's, as documented.

    `accepted`: the language of messages for the payer, if no session determines it.
    """
    intent, attempts = shown.intent, shown.attempts
    paid = intent.status == IntentStatus.SUCCEEDED
    return {
        "id": intent.id,
        "object": "payment_intent",
        "status": intent.status,
        "amount": intent.amount,
        "amount_received": intent.amount_received,
        "amount_refunded": intent.amount_refunded,
        "currency": intent.currency.lower(),
        "customer_email": intent.customer_email,
        "customer_phone": intent.customer_phone,
        "customer": intent.customer,
        "country": intent.country,
        "description": intent.description,
        "metadata": intent.metadata,
        "checkout_session": intent.session_id,
        "livemode": intent.livemode,
        "created": clock.unix(intent.created_at),
        "canceled_at": clock.unix(intent.canceled_at) if intent.canceled_at else None,
        # An attempt may run or fail beside one that was corrected to succeeded: a paid intent requires nothing.
        "next_action": None if paid else next_action(attempts, language(shown.locale, accepted)),
        "last_payment_error": None if paid else failure(attempts),
        "attempts_count": len(attempts),
        "attempts": [attempt(row) for row in attempts],
    }


def attempt(row: PaymentAttempt) -> JsonObject:
    """A payment attempt: the payer, and the result."""
    return {
        "id": row.id,
        "reference": references.of_attempt(row),
        "provider": row.provider,
        "type": row.type,
        "operator": row.operator,
        "country": row.country,
        "phone": phones.mask(row.phone) if row.phone else None,
        "amount": row.amount,
        "fee_amount": row.fee_amount,
        "amount_received": row.amount_received,
        "amount_returned": row.returned,
        "amount_held": max(0, row.held),
        "currency": row.currency.lower(),
        "status": row.status,
        "failure_code": row.failure_code,
        "surplus": row.surplus,
        "created": clock.unix(row.created_at),
        "settled_at": clock.unix(row.settled_at) if row.settled_at else None,
    }


def refund(row: Refund) -> JsonObject:
    """A refund."""
    return {
        "id": row.id,
        "object": "refund",
        "payment_intent": row.intent_id,
        "attempt": row.attempt_id,
        "amount": row.amount,
        "currency": row.currency.lower(),
        "status": row.status,
        "reason": row.reason,
        "automatic": row.automatic,
        "failure_code": row.failure_code,
        "metadata": row.metadata,
        "created": clock.unix(row.created_at),
        "settled_at": clock.unix(row.settled_at) if row.settled_at else None,
    }


def customer(row: Customer) -> JsonObject:
    """A customer."""
    return {
        "id": row.id,
        "object": "customer",
        "name": row.name,
        "email": row.email,
        "phone": row.phone,
        "livemode": row.livemode,
        "created": clock.unix(row.created_at),
    }


def subscription(shown: SubscriptionSnapshot) -> JsonObject:
    """A subscription. Its metadata and reference are those of the session that created it."""
    row = shown.subscription
    return {
        "id": row.id,
        "object": "subscription",
        "checkout_session": row.session_id,
        "customer": row.customer_id,
        "client_reference_id": shown.client_reference_id,
        "status": row.status,
        "amount": row.amount,
        "currency": row.currency.lower(),
        "interval": row.interval,
        "interval_count": row.interval_count,
        "current_period_start": clock.unix(row.current_period_start),
        "current_period_end": clock.unix(row.current_period_end),
        "trial_end": clock.unix(row.trial_end) if row.trial_end else None,
        "cancel_at_period_end": row.cancel_at_period_end,
        "canceled_at": clock.unix(row.canceled_at) if row.canceled_at else None,
        "latest_invoice": shown.latest_invoice_id,
        "metadata": shown.metadata,
        "livemode": row.livemode,
        "created": clock.unix(row.created_at),
    }


def invoice(row: Invoice, page: Snapshot) -> JsonObject:
    """An invoice: one period of a subscription, and the page where its customer can pay it."""
    session, intent, attempts = page.session, page.intent, page.attempts
    return {
        "id": row.id,
        "object": "invoice",
        "subscription": row.subscription_id,
        "customer": session.customer_id,
        "checkout_session": session.id,
        "payment_intent": intent.id if intent else None,
        "status": row.status,
        "period": row.period,
        "period_start": clock.unix(row.period_start),
        "period_end": clock.unix(row.period_end),
        "amount": row.amount,
        "fee_amount": session.fee_amount,
        "currency": row.currency.lower(),
        "hosted_invoice_url": page_url(session.id),
        "attempt_count": len(attempts),
        "next_payment_attempt": clock.unix(row.next_try_at) if row.next_try_at else None,
        "last_payment_error": None if row.status == InvoiceStatus.PAID else failure(attempts),
        "livemode": row.livemode,
        "created": clock.unix(row.created_at),
        "paid_at": clock.unix(row.paid_at) if row.paid_at else None,
    }
