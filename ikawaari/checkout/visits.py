"""Visits to a payment link's address: each leads to a checkout session, a new one or an earlier one."""

from datetime import datetime
from typing import Any, TypedDict

from ikawaari import clock, store
from ikawaari.checkout import budgets, links, merchant_view, public_view, repeats, sessions
from ikawaari.checkout.public_view import PublicMerchant
from ikawaari.checkout.repeats import Earlier
from ikawaari.checkout.sessions import NewSession
from ikawaari.states import OpenedBy, PaymentStatus, SessionStatus
from ikawaari.store.models import CheckoutSession, Merchant, PaymentLink
from ikawaari.store.owner import Owner


class LinkView(TypedDict):
    """What a page about a link shows."""

    url: str
    description: str | None
    amount: int | None
    currency: str
    country: str | None
    locale: str
    livemode: bool
    merchant: PublicMerchant
    paid_session: str | None  # the page of the visitor's own payment
    ended_at: int | None  # when the shop closed it, in Unix seconds


def open_session(
    slug: str, known_session_id: str | None, now: datetime, *, visitor: str = "", pressed: bool = False
) -> CheckoutSession:
    """The session for a visit to that address: this visitor's earlier one, or a new one.

    A single-use link has one session for all its visitors. `known_session_id` is what the visitor's browser remembers;
    `visitor` and `pressed` are those of `budgets`. Raises NotFound; Gone, with the reason in `details`, if the link
    accepts no more payments and none of theirs is running; TooManyRequests if such visitors open too many sessions.
    """
    link = links.at(slug)
    if _known(link, known_session_id, now) is None:
        links.require_usable(link, now)
        budgets.require_opening(link.id, visitor, now, pressed=pressed)
    with store.atomic():
        # If two visitors open a single-use link at once, the second one waits, and then finds the first one's session.
        link = PaymentLink.lock(link.id) if link.max_uses == 1 else link
        session = _known(link, known_session_id, now)
        if session is None or session.payment_status == PaymentStatus.UNPAID:
            links.require_usable(link, now)
        return session or _opened(link, now)


def earlier(slug: str, known_session_id: str | None, now: datetime) -> Earlier | None:
    """What a visitor's browser has paid by the link: see `repeats.of_browser`; with its page as `session`, and with
    `may_repeat`: whether the link accepts another payment.

    None if there is nothing to show, or nobody knows which browser paid: those of a single-use link share a session.
    Raises NotFound.
    """
    link = links.at(slug)
    own = _of(link).where(CheckoutSession.id == known_session_id).get_or_none() if known_session_id else None
    if own is None or links.is_shared(own, link) or (told := repeats.of_browser(own, link)) is None:
        return None
    return {**told, "session": own.id, "may_repeat": links.is_usable(link, now)}


def look(slug: str, now: datetime) -> LinkView:
    """What a robot may see of a link, without a session: see `view`. Raises NotFound, Gone."""
    links.require_usable(links.at(slug), now)
    return view(slug, None)


def view(slug: str, known_session_id: str | None) -> LinkView:
    """What a page about the link shows: whose it is, what for, and the page of the visitor's own payment, if any.

    Raises NotFound.
    """
    link = links.at(slug)
    merchant = Merchant.get_by_id(link.merchant_id)
    paid = _of(link).where(
        CheckoutSession.id == known_session_id, CheckoutSession.payment_status.in_(merchant_view.PAID)
    )
    return {
        "url": merchant_view.link_url(link.slug),
        "description": link.description,
        "amount": link.amount,
        "currency": link.currency,
        "country": link.country,
        "locale": link.locale,
        "livemode": link.livemode,
        "merchant": public_view.merchant(merchant),
        "paid_session": known_session_id if known_session_id and paid.exists() else None,
        "ended_at": clock.unix(link.deactivated_at) if link.deactivated_at else None,
    }


def _known(link: PaymentLink, known_session_id: str | None, now: datetime) -> CheckoutSession | None:
    """The session to return to: one that is being paid before one that is only open."""
    payable = (CheckoutSession.payment_status == PaymentStatus.UNPAID) & (CheckoutSession.expires_at > now)
    running = CheckoutSession.payment_status == PaymentStatus.PROCESSING
    found = _of(link).where(CheckoutSession.status == SessionStatus.OPEN, running | payable)
    if link.max_uses != 1:
        found = found.where(CheckoutSession.id == known_session_id)
    candidates = list(found.order_by(CheckoutSession.created_at.desc()))
    return min(candidates, key=lambda session: session.payment_status == PaymentStatus.UNPAID, default=None)


def _opened(link: PaymentLink, now: datetime) -> CheckoutSession:
    merchant = Merchant.get_by_id(link.merchant_id)
    first = link.version == 1
    new = NewSession(payment_link_id=link.id) if first else NewSession(payment_link_v2_id=link.id)
    owner = Owner(merchant, link.livemode)
    return sessions.open_session(owner, new, now, credential_id=link.credential_id, opened_by=OpenedBy.VISIT).session


def _of(link: PaymentLink) -> Any:
    """The sessions that visitors opened. Those that the merchant opened are for its own customers."""
    return CheckoutSession.select().where(
        CheckoutSession.payment_link == link.id,
        CheckoutSession.opened_by == OpenedBy.VISIT,
    )
