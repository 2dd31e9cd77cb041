"""Checkout sessions: opened, found, expired, completed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from ikawaari import clock, errors, ids, store
from ikawaari.checkout import (
    intents,
    links,
    merchant_view,
    offers,
    outbox,
    prefills,
    prices,
    quotes,
    references,
    returns,
    snapshots,
)
from ikawaari.checkout.collected import Collected
from ikawaari.checkout.offers import Offer
from ikawaari.checkout.snapshots import PaymentSnapshot, Snapshot
from ikawaari.errors import Conflict, Details, Gone, NotFound, ValidationFailed
from ikawaari.invariants import present
from ikawaari.money import Money
from ikawaari.paging import PageRequest
from ikawaari.shapes import ColumnValues, JsonObject, MethodType, Mode, Page
from ikawaari.states import PAYMENT, SILENT, UNSETTLED, OpenedBy, PaymentStatus, SessionStatus
from ikawaari.store import due, listing
from ikawaari.store.listing import Listing
from ikawaari.store.models import (
    CheckoutSession,
    Merchant,
    PaymentAttempt,
    PaymentIntent,
    PaymentLink,
)
from ikawaari.store.owner import Owner

S = TypeVar("S", bound=Snapshot)
EXPIRE = "session.expire"
LIFE = timedelta(hours=24)
SHORTEST_LIFE, LONGEST_LIFE = timedelta(minutes=30), timedelta(days=7)
_SLACK = timedelta(minutes=1)  # the merchant's clock may differ
_SETTLING_TIME = timedelta(minutes=15)  # how long expiry waits for an attempt without a deadline of its provider


@dataclass(frozen=True, kw_only=True, repr=False)  # it names a person, and a trace may have it
class NewSession(Offer):
    """What a merchant asks for; every field may be absent.

    What is empty is not said: a payment link may say it.
    """

    cancel_url: str | None = None
    customer_email: str | None = None
    customer_phone: str | None = None
    payment_link_id: str | None = None
    payment_link_v2_id: str | None = None
    defer_payment_intent_creation: bool = False
    mode: str | None = None
    client_reference_id: str | None = None
    expires_at: int | None = None  # Unix seconds


def open_session(
    owner: Owner,
    new: NewSession,
    now: datetime,
    *,
    credential_id: str | None = None,
    opened_by: OpenedBy = OpenedBy.MERCHANT,
) -> Snapshot:
    """Open a session for `owner`. `credential_id` names whose key signs the customer's return.

    Raises ValidationFailed naming every wrong field, NotFound for an unknown link, Gone for one that has ended.
    """
    link = _link_of(new, owner, now)
    new = _with_defaults(new, link)
    currency, amount, expires_at = _checked(owner, new, now, opened_by)
    if link is not None and link.expires_at is not None:
        expires_at = min(expires_at, link.expires_at)
    with store.atomic():
        session = CheckoutSession.create_soon(
            id=ids.new("cs"),
            merchant=owner.merchant,
            livemode=owner.livemode,
            status=SessionStatus.OPEN,
            payment_status=PaymentStatus.UNPAID,
            **offers.columns(
                new, tuple(MethodType), amount=amount, currency=currency, country=new.country or owner.merchant.country
            ),
            payment_link=link,
            opened_by=opened_by,
            credential=credential_id,
            created_at=now,
            expires_at=expires_at,
            **_columns(owner.merchant, new),
        )
        intent = None
        # A trial takes nothing today, so there is no intent yet.
        if (
            amount is not None
            and not session.deferred
            and not (new.recurring and new.recurring.get("trial_period_days"))
        ):
            intent = intents.open_for(session, Money(amount, currency), now)
        due.schedule_new(EXPIRE, session.id, expires_at)
        shown = Snapshot(session, (), owner.merchant, intent, link)  # nothing else can exist yet
        outbox.publish_session("checkout.session.created", shown, now)
    return shown


def find(session_id: str, now: datetime) -> CheckoutSession:
    """The session as it is at `now`: the first reader, or the worker, expires it. Raises NotFound."""
    session = CheckoutSession.get_or_none(CheckoutSession.id == session_id)
    if session is None:
        raise NotFound("checkout session", errors.SESSION_UNKNOWN)
    if _is_over(session, now):
        expire_when_due(session.id, now)
        session = CheckoutSession.get_by_id(session_id)
    return session


def look_up(session_id: str, now: datetime) -> Snapshot:
    """The same with everything that is shown with it, by one statement. Raises NotFound."""
    shown = snapshots.find(session_id)
    if shown is None:
        raise NotFound("checkout session", errors.SESSION_UNKNOWN)
    return _at(shown, now, snapshots.find)


def look_up_for_payment(session_id: str, now: datetime) -> PaymentSnapshot:
    """The same with every column that a payment needs. Raises NotFound."""
    shown = snapshots.for_payment(session_id)
    if shown is None:
        raise NotFound("checkout session", errors.SESSION_UNKNOWN)
    return _at(shown, now, snapshots.for_payment)


def find_open(session_id: str, now: datetime) -> PaymentSnapshot:
    """The same, if it is open. Raises NotFound, Gone if it has expired, Conflict if it is complete."""
    return require_open(look_up_for_payment(session_id, now), now)


def require_open(shown: PaymentSnapshot, now: datetime) -> PaymentSnapshot:
    """The session, read before, as it is at `now`. Raises Gone if it has expired, Conflict if it is complete."""
    shown = _at(shown, now, snapshots.for_payment)
    if shown.session.status == SessionStatus.EXPIRED:
        raise Gone(errors.SESSION_EXPIRED)
    if shown.session.status == SessionStatus.COMPLETE:
        raise Conflict(errors.ALREADY_PAID)
    return shown


def owned(session_id: str, owner: Owner, now: datetime) -> Snapshot:
    """The merchant's own session of that mode. Raises NotFound, also for another merchant's."""
    shown = snapshots.find(session_id)
    if shown is None or not owner.has(shown.session):
        raise NotFound("checkout session")
    return _at(shown, now, snapshots.find)


def _at(shown: S, now: datetime, read: Callable[[str], S | None]) -> S:
    """The session as it is at `now`."""
    if not _is_over(shown.session, now):
        return shown
    expire_when_due(shown.session.id, now)
    return present(read(shown.session.id), "sessions are never deleted")


def _is_over(session: CheckoutSession, now: datetime) -> bool:
    return bool(session.status == SessionStatus.OPEN and session.expires_at <= now)


_LISTING = Listing(
    CheckoutSession,
    "checkout session",
    {
        "status": CheckoutSession.status,
        "payment_status": CheckoutSession.payment_status,
        "client_reference_id": CheckoutSession.client_reference_id,
        "customer": CheckoutSession.customer,
        "customer_email": listing.same_email(CheckoutSession.customer_email),
        "payment_link": CheckoutSession.payment_link,
        "payment_intent": lambda value: CheckoutSession.id.in_(
            PaymentIntent.select(PaymentIntent.session).where(PaymentIntent.id == value)
        ),
    },
)


def listed(owner: Owner, wanted: PageRequest) -> Page:
    """A page of the owner's sessions. Besides the list's filters, `reference` is what a payer reads on the receipt."""
    own, filters = _LISTING.rows(owner), dict(wanted.filters)
    if reference := filters.pop("reference", None):
        own = own.where(CheckoutSession.id.in_(references.sessions(str(reference), owner)))
    return _LISTING.page(own, replace(wanted, filters=filters), _rendered)


def _rendered(rows: Sequence[CheckoutSession]) -> list[JsonObject]:
    return [merchant_view.checkout_session(shown) for shown in snapshots.of_all(rows)]


def expire(session: CheckoutSession, now: datetime) -> CheckoutSession:
    """Expire an open session at its merchant's request. Raises Conflict if it is paid, being paid, or has ended."""
    refuse_renewal(session)
    with store.atomic():
        locked = lock(session.id)
        if not try_expire(locked, now):
            raise Conflict(errors.STATE_FORBIDS, "Only an open session without an unsettled payment can be expired.")
    return locked


def expire_when_due(session_id: str, now: datetime) -> datetime | None:
    """Expire the session if its time is over. Returns when to check again, or None if it is done."""
    with store.atomic():
        # If a payment claims the session at the last moment, it holds this lock: its attempt is seen, or fails.
        session = lock(session_id)
        ends_at = _ends_at(session)
        if session.status == SessionStatus.OPEN and ends_at > now:
            return ends_at
        if not try_expire(session, now, while_settling=True):
            _end_intent(session, now)  # of an attempt that expiry did not wait for, and that has failed meanwhile
    return None


def lock(session_id: str) -> CheckoutSession:
    """Lock the session and its intent, in the caller's transaction.

    A payment could lock the intent and wait for its session, while an expiry has locked the session and waits for its
    intent. To avoid this, both lock the intent first.
    """
    intents.lock_for(session_id)
    return CheckoutSession.lock(session_id)


def claim(session: CheckoutSession, answers: Collected, now: datetime, tried: tuple[str, int] | None = None) -> bool:
    """Claim the session for one payment, and store the choices and answers.

    False if it is being paid, was paid, or ended while the payer typed. `tried`: its intent, and how many attempts that
    was read to have; false, too, if it has others by now.
    """
    guard = store.Guard(_is_open, (now,)) if tried is None else store.Guard(_is_open_and_tried, (now, *tried))
    return session.try_move(
        "payment_status",
        PaymentStatus.PROCESSING,
        guard,
        **answers.columns,
        **quotes.columns(session, answers.quote),
    )


def _is_open(now: Any) -> Any:
    return (CheckoutSession.status == SessionStatus.OPEN) & (CheckoutSession.expires_at > now)


def _is_open_and_tried(now: Any, intent_id: Any, times: Any) -> Any:
    return _is_open(now) & (intents.count_of_attempts(intent_id) == times)


def lost(session: CheckoutSession, now: datetime) -> Exception:
    """The error for a caller whose claim failed."""
    fresh = CheckoutSession.get_by_id(session.id)
    if fresh.payment_status != PaymentStatus.PROCESSING:
        find_open(session.id, now)  # raises what its status requires
    return Conflict(errors.ATTEMPT_UNSETTLED)


def try_complete(session: CheckoutSession, payment: PaymentStatus, now: datetime, **changes: Any) -> bool:
    """Complete an open session: both of its statuses move by one UPDATE, if both may. Who calls this publishes it.

    False if the session is not open any more; then nothing has changed.
    """
    origins = [str(origin) for origin in PAYMENT.origins(payment, SILENT)]
    may_move = store.Guard(_is_payment_status_in, (origins,))
    return session.try_move(
        "status", SessionStatus.COMPLETE, may_move, payment_status=payment, completed_at=now, **changes
    )


def _is_payment_status_in(statuses: Any) -> Any:
    return CheckoutSession.payment_status.in_(statuses)


def refuse_renewal(session: CheckoutSession) -> None:
    """Raise Conflict for the page of a renewal: an invoice ends with its subscription, or after its retries."""
    if session.opened_by == OpenedBy.RENEWAL:
        raise Conflict(errors.STATE_FORBIDS, "This is an invoice's page; cancel the subscription to end it.")


def try_expire(session: CheckoutSession, now: datetime, *, while_settling: bool = False) -> bool:
    """Expire the session, unless a payment claimed it first: both are one UPDATE of the same row, so one of them loses.

    Its intent is canceled with it. The caller holds the intent's lock already: see `lock`.
    """
    settled = [PaymentStatus.UNPAID, PaymentStatus.PROCESSING] if while_settling else [PaymentStatus.UNPAID]
    guard = store.Guard(_is_payment_status_in, ([str(status) for status in settled],))
    expired = session.try_move("status", SessionStatus.EXPIRED, guard)
    if expired:
        _end_intent(session, now)
        outbox.publish_move(session, now)
    return expired


def _end_intent(session: CheckoutSession, now: datetime) -> None:
    """Cancel the intent of an expired session, unless an attempt still runs or was paid. Late money may still come."""
    intent = snapshots.intent_of(session) if session.status == SessionStatus.EXPIRED else None
    if intent is not None:
        intents.try_cancel(intent, "expired", now)


def _columns(merchant: Merchant, new: NewSession) -> ColumnValues:
    """What the session keeps of what was asked for besides its offer."""
    email = prefills.email(new.customer_email)
    return {
        "mode": new.mode or Mode.PAYMENT,
        "cancel_url": new.cancel_url,
        "customer_email": email,
        "customer_phone": prefills.phone(new.customer_phone, new.country or merchant.country),
        "customer_details": {"email": email} if email else {},
        "custom_field_values": {},
        "deferred": new.defer_payment_intent_creation,
        "client_reference_id": new.client_reference_id,
    }


def _ends_at(session: CheckoutSession) -> datetime:
    """When the session really expires: an attempt that started in time may be approved until its own deadline."""
    running = (
        PaymentAttempt.select()
        .join(PaymentIntent)
        .where(PaymentIntent.session == session.id, PaymentAttempt.status.in_(UNSETTLED))
        .get_or_none()
    )
    ends_at: datetime = session.expires_at
    return max(ends_at, running.deadline_at or running.created_at + _SETTLING_TIME) if running else ends_at


def _link_of(new: NewSession, owner: Owner, now: datetime) -> PaymentLink | None:
    """The link that the session comes from. Raises NotFound, Gone."""
    version, link_id = (1, new.payment_link_id) if new.payment_link_id else (2, new.payment_link_v2_id)
    if link_id is None:
        return None
    link = links.owned(link_id, version, owner)
    links.require_usable(link, now)
    return link


def _with_defaults(new: NewSession, link: PaymentLink | None) -> NewSession:
    """What the request says, and the link says the rest. Raises ValidationFailed for its price in other money."""
    if link is None:
        return new
    if (new.currency or link.currency).upper() != link.currency and new.amount is None and not new.line_items:
        raise ValidationFailed({"currency": [f"must be the payment link's, {link.currency}, or come with an amount"]})
    mode = new.mode or (Mode.SUBSCRIPTION if link.recurring else Mode.PAYMENT)
    return replace(offers.completed(new, link), mode=mode)


def _checked(owner: Owner, new: NewSession, now: datetime, opened_by: OpenedBy) -> tuple[str, int | None, datetime]:
    """Currency, amount and expiry. What no schema of one field can see is checked here."""
    problems: Details = {}
    currency = prices.currency_of(new, owner.merchant, problems)
    if (
        opened_by is not OpenedBy.VISIT
    ):  # no visitor of a link is refused because its merchant has changed the fees since
        prices.check_fees(new, currency, owner.merchant, problems)
    amount = prices.amount_of(new, currency, problems)
    expires_at = clock.from_unix(new.expires_at) if new.expires_at is not None else now + LIFE
    if new.expires_at is not None and not SHORTEST_LIFE - _SLACK <= expires_at - now <= LONGEST_LIFE + _SLACK:
        problems["expires_at"] = ["must be between 30 minutes and 7 days ahead"]
    if new.mode == Mode.SUBSCRIPTION and new.recurring is None:
        problems["recurring"] = ["is required in subscription mode"]
    if new.mode == Mode.SUBSCRIPTION and amount is None:
        problems["amount"] = ["is required in subscription mode"]
    if new.mode != Mode.SUBSCRIPTION and new.recurring is not None:
        problems["recurring"] = ["is for subscription mode"]
    returns.check_scheme("success_url", new.success_url, owner.livemode, problems)
    returns.check_scheme("cancel_url", new.cancel_url, owner.livemode, problems)
    if problems:
        raise ValidationFailed(problems)
    return currency, amount, expires_at
