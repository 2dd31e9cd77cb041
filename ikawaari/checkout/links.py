"""Payment links: addresses to pay at. What may still be paid through them is counted here.

A use is a session of the link whose payment is running or has succeeded. Uses are counted, never stored: a failed
payment gives its use back automatically. Sessions know links; links do not know how a session is opened.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from peewee import fn

from ikawaari import clock, errors, ids, store
from ikawaari.checkout import merchant_view, offers, prices, returns
from ikawaari.checkout.offers import Offer
from ikawaari.checkout.snapshots import Snapshot
from ikawaari.errors import Details, Gone, NotFound, ValidationFailed
from ikawaari.events import events
from ikawaari.paging import PageRequest
from ikawaari.shapes import JsonObject, LinkEnd, MethodType, Page
from ikawaari.states import OpenedBy, PaymentStatus, SessionStatus
from ikawaari.store import listing
from ikawaari.store.listing import Listing
from ikawaari.store.models import CheckoutSession, PaymentLink
from ikawaari.store.owner import Owner

_SLUG_LENGTH = 16
_IS_USE = CheckoutSession.payment_status != PaymentStatus.UNPAID


@dataclass(frozen=True, kw_only=True)
class NewLink(Offer):
    """What a merchant requests; every field is optional."""

    expires_at: datetime | None = None
    max_uses: int | None = None  # 1: single use
    allow_repeat_subscriptions: bool = False


def create(owner: Owner, version: int, new: NewLink, now: datetime, *, credential_id: str | None = None) -> PaymentLink:
    """Create a link of `version` 1 or 2. `credential_id` names whose key signs its visitors' returns.

    Raises ValidationFailed naming every wrong field.
    """
    currency, amount = _checked(new, owner, now)
    with store.atomic():
        link = PaymentLink.create(
            id=str(uuid.uuid4()),
            version=version,
            slug=ids.random_text(_SLUG_LENGTH),
            merchant=owner.merchant,
            livemode=owner.livemode,
            active=True,
            **offers.columns(new, tuple(MethodType), amount=amount, currency=currency, country=new.country),
            allow_repeat_subscriptions=new.allow_repeat_subscriptions,
            max_uses=new.max_uses,
            credential=credential_id,
            created_at=now,
            expires_at=new.expires_at,
        )
        _tell("payment_link.created", link, now)
    return link


def _of_version(version: int, owner: Owner) -> Any:
    return listing.of_owner(PaymentLink, owner).where(PaymentLink.version == version)


_LISTINGS = {
    version: Listing(
        PaymentLink,
        "payment link",
        {"active": lambda value: PaymentLink.active == (value == "true")},
        rows=partial(_of_version, version),
    )
    for version in (1, 2)
}


def owned(link_id: str, version: int, owner: Owner) -> PaymentLink:
    """The owner's link of that version. Raises NotFound, also for another owner's."""
    return _LISTINGS[version].owned(link_id, owner)


def listed(version: int, owner: Owner, wanted: PageRequest, *, now: datetime) -> Page:
    """A page of the owner's links of that version."""
    return _LISTINGS[version].page(_of_version(version, owner), wanted, lambda rows: resources_of(rows, now))


def at(slug: str) -> PaymentLink:
    """The link of that address. Raises NotFound."""
    link = PaymentLink.get_or_none(PaymentLink.slug == slug)
    if link is None:
        raise NotFound("payment link")
    return link


def deactivate(link: PaymentLink, now: datetime) -> PaymentLink:
    """Deactivate a link permanently. Running payments are not affected. Idempotent."""
    with store.atomic():
        ended = (
            PaymentLink.update(active=False, deactivated_at=now)
            .where(PaymentLink.id == link.id, PaymentLink.active == True)  # noqa: E712 - SQL
            .execute()
        )
        stored = PaymentLink.get_by_id(link.id)
        if ended:
            _tell("payment_link.deactivated", stored, now)
    return stored


def require_usable(link: PaymentLink, now: datetime) -> None:
    """Raise Gone, with the reason in `details`, if the link accepts no more payments."""
    _refuse(_ended(link, _uses(link), now))


def is_usable(link: PaymentLink, now: datetime) -> bool:
    """Whether the link accepts payments."""
    return _ended(link, _uses(link), now) is None


def claim(session: CheckoutSession) -> None:
    """Claim one of the uses of the session's link, in the transaction that claimed the session. Raises Gone.

    If two sessions race for the last use, the second one waits for the link's lock, and then counts the first one.
    """
    link = _locked(session)
    if link is not None:
        _refuse(LinkEnd.INACTIVE if not link.active else LinkEnd.USED if _is_used_up(link, session) else None)


def is_exceeded(session: CheckoutSession) -> bool:
    """Whether money has arrived for a session without a use, while others have used up its link.

    This happens after a corrected failure, or with late money. Under the link's lock, like `claim`.
    """
    link = _locked(session) if session.payment_status == PaymentStatus.UNPAID else None
    return link is not None and _is_used_up(link, session)


def is_shared(session: CheckoutSession, link: PaymentLink | None) -> bool:
    """Whether strangers share a session of `link`: all visitors of a single-use link get the same session."""
    return bool(session.opened_by == OpenedBy.VISIT and link is not None and link.max_uses == 1)


def forget_visitor(session: CheckoutSession) -> None:
    """Clear from a shared session, whose payment has failed, everything that its visitor typed or chose.

    The next visitor may be another person, who must not see it, nor be taken for that person. The attempt keeps it, in
    case the money arrives after all.
    """
    link = PaymentLink.get_by_id(session.payment_link_id) if session.opened_by == OpenedBy.VISIT else None
    if link is not None and is_shared(session, link):
        chosen = {"amount": link.amount, "line_items": link.line_items, "fee_amount": 0}
        session.change(customer_details={}, custom_field_values={}, **chosen)


def unavailable(shown: Snapshot) -> str | None:
    """Why an open session can no longer be paid because of its link: `inactive`, `used`; None if it can."""
    session, link = shown.session, shown.link
    if link is None or session.status != SessionStatus.OPEN or session.payment_status != PaymentStatus.UNPAID:
        return None
    return LinkEnd.INACTIVE if not link.active else LinkEnd.USED if _is_used_up(link, session) else None


def resource(link: PaymentLink, now: datetime) -> JsonObject:
    """The link as its merchant sees it at `now`."""
    return resources_of([link], now)[0]


def resources_of(links: Sequence[PaymentLink], now: datetime) -> list[JsonObject]:
    """Links as their merchant sees them at `now`."""
    using = CheckoutSession.select(CheckoutSession.payment_link, fn.COUNT(CheckoutSession.id))
    using = using.where(CheckoutSession.payment_link.in_([link.id for link in links]), _IS_USE)
    rows: Any = using.group_by(CheckoutSession.payment_link).tuples()
    uses = dict(rows)
    return [_rendered(link, uses.get(link.id, 0), now) for link in links]


def _rendered(link: PaymentLink, uses: int, now: datetime) -> JsonObject:
    told: JsonObject = {
        "id": link.id,
        "object": "payment_link",
        "version": link.version,
        "url": merchant_view.link_url(link.slug),
        "slug": link.slug,
        "active": link.active,
        "status": _ended(link, uses, now) or "active",
        "uses": uses,
        "is_single_use": link.max_uses == 1,
        "amount": link.amount,
        "currency": link.currency,
        "country": link.country,
        "fee_mode": link.fee_mode,
        "description": link.description,
        "payment_method_types": link.payment_method_types,
        "livemode": link.livemode,
        "created": clock.unix(link.created_at),
        "expires_at": clock.iso(link.expires_at) if link.expires_at else None,
    }
    if link.version == 1:
        return told
    repeats = {"max_uses": link.max_uses, "allow_repeat_subscriptions": link.allow_repeat_subscriptions}
    return {**told, **offers.of(link), **repeats}


def _checked(new: NewLink, owner: Owner, now: datetime) -> tuple[str, int | None]:
    """Currency and amount. Checks that span several fields are here."""
    problems: Details = {}
    currency = prices.currency_of(new, owner.merchant, problems)
    prices.check_fees(new, currency, owner.merchant, problems)
    amount = prices.amount_of(new, currency, problems)
    if new.recurring is not None and amount is None:
        problems["amount"] = ["is required with recurring"]
    if new.expires_at is not None and new.expires_at <= now:
        problems["expires_at"] = ["must lie ahead"]
    returns.check_scheme("success_url", new.success_url, owner.livemode, problems)
    if problems:
        raise ValidationFailed(problems)
    return currency, amount


def _locked(session: CheckoutSession) -> PaymentLink | None:
    """The session's link, locked if its uses are limited; None if it has none."""
    if session.payment_link_id is None:
        return None
    link = PaymentLink.get_by_id(session.payment_link_id)
    return PaymentLink.lock(link.id) if link.max_uses is not None else link


def _ended(link: PaymentLink, uses: int, now: datetime) -> str | None:
    """Why a link with so many uses accepts no more payments; None if it does."""
    if not link.active:
        return LinkEnd.INACTIVE
    if link.expires_at is not None and link.expires_at <= now:
        return "expired"
    return LinkEnd.USED if link.max_uses is not None and uses >= link.max_uses else None


def _is_used_up(link: PaymentLink, but: CheckoutSession) -> bool:
    """Whether the sessions of the link, except `but`, have all its uses."""
    return link.max_uses is not None and _uses(link, but) >= link.max_uses


def _uses(link: PaymentLink, but: CheckoutSession | None = None) -> int:
    of_it = CheckoutSession.payment_link == link.id
    return int(CheckoutSession.select().where(of_it, _IS_USE, CheckoutSession.id != (but.id if but else "")).count())


def _refuse(reason: str | None) -> None:
    if reason is not None:
        raise Gone(errors.LINK_ENDED, details={"payment_link": [reason]})


def _tell(event_type: str, link: PaymentLink, now: datetime) -> None:
    events.append(event_type, resource(link, now), link, now)
