"""Invoices: each period of a subscription is paid once, on the page of a checkout session of its own.

A renewal is a session like any other, so all promises of `attempts` hold for it: one unsettled attempt, and no charge
while a result is unknown. Its invoice knows when the saved payment method is charged again, and when that ends.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from ikawaari import ids, store
from ikawaari.checkout import intents, merchant_view, outbox, sessions, snapshots
from ikawaari.money import Money
from ikawaari.paging import PageRequest
from ikawaari.providers.base import FailureCode
from ikawaari.shapes import JsonObject, Mode, Page
from ikawaari.states import AttemptStatus, InvoiceStatus, OpenedBy, PaymentStatus, SessionStatus
from ikawaari.store import due
from ikawaari.store.listing import Listing
from ikawaari.store.models import CheckoutSession, Invoice, PaymentAttempt, PaymentIntent, Subscription

COLLECT = "invoice.collect"
DUNNING = timedelta(days=10)  # from the first try until the invoice counts as uncollectible
_TRIES = (timedelta(days=3), timedelta(days=5), timedelta(days=7))  # after the first one
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=15), timedelta(hours=6)  # for a provider that is closed, or missing
# The wait after an outage: three times longer after each try in a row, up to two days.
_FIRST_OUTAGE, _LONGEST_OUTAGE, _GROWTH = timedelta(hours=1), timedelta(days=2), 3
_MOST_OUTAGES = 10  # by then the longest wait is reached
_UNTRIED = timedelta(
    days=365
)  # the page's lifetime before the first try, which sets the final one: an outage of ours must not use it up


def open_first(subscription: Subscription, session: CheckoutSession, now: datetime) -> Invoice:
    """Create the invoice of the first period: `session` was just paid, and started the subscription."""
    period = (1, subscription.current_period_start, subscription.current_period_end)
    return _insert(subscription, session.id, period, now)


def open_next(
    subscription: Subscription, period: tuple[int, datetime, datetime], account_id: str | None, now: datetime
) -> Invoice:
    """Create the invoice of a renewal, with its page, due for collection now. `period`: its number, start and end.

    In the caller's transaction, under the subscription's lock. `account_id`: where it is collected; None if its page
    alone takes the payment, so that its days count from now.
    """
    session = _open_page(subscription, now)
    if account_id is None:
        session.change(expires_at=now + DUNNING)
        invoice = _insert(subscription, session.id, period, now, first_tried_at=now)
        due.schedule(COLLECT, invoice.id, now + DUNNING)
    else:
        invoice = _insert(subscription, session.id, period, now, next_try_at=now)
        due.schedule(COLLECT, invoice.id, now, lane=account_id)
    return invoice


def of(session: CheckoutSession) -> Invoice | None:
    """The invoice that the session pays, if there is one."""
    return Invoice.get_or_none(Invoice.session == session.id) if may_be_of(session) else None


def may_be_of(session: CheckoutSession) -> bool:
    """Whether the session may pay an invoice: a renewal's, or the first one of the subscription that it starts."""
    return bool(session.opened_by == OpenedBy.RENEWAL or session.mode == Mode.SUBSCRIPTION)


def open_of(subscription: Subscription) -> list[Invoice]:
    """The subscription's open invoices, oldest first."""
    waiting = Invoice.select().where(Invoice.subscription == subscription.id, Invoice.status == InvoiceStatus.OPEN)
    return list(waiting.order_by(Invoice.period))


def payable_of(subscription: Subscription, now: datetime) -> list[Invoice]:
    """Those of them whose page takes a payment now, each read with its page."""
    waiting = Invoice.select(Invoice, CheckoutSession).join(CheckoutSession)
    own = (Invoice.subscription == subscription.id) & (Invoice.status == InvoiceStatus.OPEN)
    is_open = (CheckoutSession.status == SessionStatus.OPEN) & (CheckoutSession.expires_at > now)
    return list(waiting.where(own, is_open).order_by(Invoice.period))


_LISTING = Listing(Invoice, "invoice", {"status": Invoice.status}, order=(Invoice.period, Invoice.id))


def listed(subscription: Subscription, wanted: PageRequest) -> Page:
    """A page of the subscription's invoices, newest first."""
    return _LISTING.page(Invoice.select().where(Invoice.subscription == subscription.id), wanted, _rendered)


def _rendered(rows: Sequence[Invoice]) -> list[JsonObject]:
    return [merchant_view.invoice(row, page) for row, page in zip(rows, snapshots.of_invoices(rows), strict=True)]


def claim_try(invoice: Invoice, now: datetime) -> bool:
    """Claim the try that is due, at the end of the transaction that stores its attempt. False if already claimed.

    If two workers race, or one whose lease has ended, the update requires the due time that it clears.
    The first try sets the retry days, and with them the expiry of the page.
    """
    is_due = (Invoice.status == InvoiceStatus.OPEN) & (Invoice.next_try_at <= now)
    first = invoice.first_tried_at or now
    changes = {Invoice.next_try_at: None, Invoice.first_tried_at: first}
    if not Invoice.update(changes).where(Invoice.id == invoice.id, is_due).execute():
        return False
    CheckoutSession.get_by_id(invoice.session_id).change(expires_at=first + DUNNING)
    return True


def schedule_retry(invoice: Invoice, now: datetime, *, by_page_alone: bool) -> None:
    """A payment of the invoice failed: schedule the next try, or the end.

    Retry days missed while no worker was running are skipped. `by_page_alone`: there is no further try.
    """
    ends_at = end_of(invoice)
    if ends_at is None:  # it was the payer's own try; ours is still due
        due.schedule(COLLECT, invoice.id, now)
        return
    tries = [] if by_page_alone else [invoice.first_tried_at + days for days in (timedelta(), *_TRIES)]
    next_try_at = min((at for at in tries if now < at < ends_at), default=None)
    invoice.change(next_try_at=next_try_at)
    due.schedule(COLLECT, invoice.id, next_try_at or ends_at)


def wait_for_provider(invoice_id: str, now: datetime) -> datetime:
    """No provider accepts the try that is due: postpone it silently, longer each time. Returns until when.

    The try stays due. The retry days wait with it, because they count tries.
    """
    with store.atomic():
        Subscription.lock(Invoice.get_by_id(invoice_id).subscription_id)
        invoice = Invoice.get_by_id(invoice_id)
        wait = min(max(_FIRST_WAIT, now - (invoice.next_try_at or now)), _LONGEST_WAIT)
        if invoice.status == InvoiceStatus.OPEN and invoice.first_tried_at:
            first = invoice.first_tried_at + wait
            invoice.change(first_tried_at=first)
            CheckoutSession.get_by_id(invoice.session_id).change(expires_at=first + DUNNING)
    return now + wait


def wait_out_outage(invoice: Invoice, now: datetime) -> None:
    """Our try did not reach the provider: postpone it, and all retry days with it, because they count real tries."""
    outages = sum(1 for _ in takewhile(_was_outage, reversed(_own_tries(invoice))))
    wait = min(_FIRST_OUTAGE * _GROWTH ** (min(outages, _MOST_OUTAGES) - 1), _LONGEST_OUTAGE)
    first = invoice.first_tried_at + wait
    invoice.change(first_tried_at=first, next_try_at=now + wait)
    CheckoutSession.get_by_id(invoice.session_id).change(expires_at=first + DUNNING)
    due.schedule(COLLECT, invoice.id, now + wait)


def end_of(invoice: Invoice) -> datetime | None:
    """When the invoice becomes uncollectible, if nobody pays it; None before the first try."""
    return invoice.first_tried_at + DUNNING if invoice.first_tried_at else None


def void(invoice: Invoice, now: datetime) -> None:
    """The subscription ends: void the invoice and expire its page, in the caller's transaction under its lock.

    Money that is already on its way is late money of that page.
    """
    sessions.try_expire(sessions.lock(invoice.session_id), now, while_settling=True)
    outbox.move(invoice, InvoiceStatus.VOID, now, next_try_at=None)


def has_failed(subscription: Subscription) -> bool:
    """Whether a payment of one of its open invoices has failed."""
    failed = PaymentAttempt.select().where(
        PaymentAttempt.status == AttemptStatus.FAILED,
        PaymentAttempt.failure_code != FailureCode.PROVIDER_UNAVAILABLE.value,  # an outage is not a failed payment
    )
    intents_of = failed.join(PaymentIntent).join(Invoice, on=(Invoice.session == PaymentIntent.session))
    waiting = (Invoice.subscription == subscription.id) & (Invoice.status == InvoiceStatus.OPEN)
    return bool(intents_of.where(waiting).exists())


def _insert(
    subscription: Subscription, session_id: str, period: tuple[int, datetime, datetime], now: datetime, **columns: Any
) -> Invoice:
    number, starts_at, ends_at = period
    return Invoice.create(
        id=ids.new("in"),
        merchant=subscription.merchant_id,
        livemode=subscription.livemode,
        subscription=subscription.id,
        session=session_id,
        period=number,
        period_start=starts_at,
        period_end=ends_at,
        status=InvoiceStatus.OPEN,
        amount=subscription.amount,
        currency=subscription.currency,
        created_at=now,
        **columns,
    )


def _own_tries(invoice: Invoice) -> list[PaymentAttempt]:
    """The off-session attempts of the invoice, oldest first."""
    session = CheckoutSession.get_by_id(invoice.session_id)
    return [attempt for attempt in snapshots.attempts_of(snapshots.intent_of(session)) if attempt.off_session]


def _was_outage(attempt: PaymentAttempt) -> bool:
    return bool(attempt.failure_code == FailureCode.PROVIDER_UNAVAILABLE)


def _open_page(subscription: Subscription, now: datetime) -> CheckoutSession:
    """A session over one period, with everything agreed in the first one, and its intent."""
    first = CheckoutSession.get_by_id(subscription.session_id)
    copied = (
        *(
            "livemode",
            "currency",
            "country",
            "payment_method_types",
            "fee_mode",
            "description",
            "locale",
            "metadata",
        ),
        *("customer_email", "customer_phone", "customer_details", "client_reference_id"),
    )
    session = CheckoutSession.create(
        id=ids.new("cs"),
        merchant=subscription.merchant_id,
        status=SessionStatus.OPEN,
        payment_status=PaymentStatus.UNPAID,
        mode=Mode.PAYMENT,
        opened_by=OpenedBy.RENEWAL,
        amount=subscription.amount,
        fee_amount=subscription.fee_amount,
        customer=subscription.customer_id,
        amount_presets=[],
        custom_fields=[],
        custom_field_values={},
        line_items=[],
        deferred=False,
        created_at=now,
        expires_at=now + _UNTRIED,
        **{name: getattr(first, name) for name in copied},
    )
    intents.open_for(session, Money(subscription.amount, subscription.currency), now)
    return session
