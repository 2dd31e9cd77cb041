"""Every place that a customer of the hosted page may come to, as real rows, and the address that leads there.

For what must hold in all of them: that each control leads on, what the page weighs, what a screen reader hears. They
are made through the domain; what needs time was made that long ago. Nothing goes on by itself where no worker runs.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import time_machine

from ikawaari import clock
from ikawaari.checkout import attempts, enquiry, sessions, snapshots, subscriptions, visits
from ikawaari.errors import Declined
from ikawaari.hosted import receipts
from ikawaari.store.models import CheckoutSession, Invoice, Merchant, PaymentLink
from tests import factories, scenes

SHOP_URL = "https://shop.example"
ADDRESSES = {"success_url": f"{SHOP_URL}/thanks", "cancel_url": f"{SHOP_URL}/cart"}
SHOP = {name: text for name, text in factories.BRAND.items() if name != "logo_url"}
FEES = {"mobile_money": {"basis_points": 150, "fixed": 0}, "card": {"basis_points": 250, "fixed": 100}}
ITEM = {"name": "Wax, 6 yards", "amount": 1_500, "quantity": 3}
ADJUSTABLE = ITEM | {"adjustable_quantity": {"minimum": 0, "maximum": 10}}
CHOSEN = {"amount": None, "amount_min": 1_000, "amount_max": 50_000, "amount_presets": [2_000, 5_000]}
QUESTIONS = [factories.custom_field("size", "dropdown", required=True), factories.custom_field("name", "text")]
MONTHLY: dict[str, Any] = {"mode": "subscription", "recurring": scenes.MONTHLY}
TRIAL: dict[str, Any] = {"mode": "subscription", "recurring": scenes.MONTHLY | {"trial_period_days": 7}}
DAYS = timedelta(days=1)
NO_LIMITS: dict[str, Any] = {
    "tries_per_session": 0,
    "prompts_per_phone": 0,
    "declines_per_card": 0,
    "codes_per_attempt": 0,
    "link_sessions_per_minute": 0,
}
"""Settings under which nobody is told to wait."""


@dataclass(frozen=True)
class Place:
    """An address on the server, and the cookies with which one comes there."""

    path: str
    cookies: Mapping[str, str] = field(default_factory=dict)


Make = Callable[[Merchant], Place]


def of(session: CheckoutSession, suffix: str = "") -> Place:
    """The page of a session."""
    return Place(f"/{session.id}{suffix}")


def shop(*, bare: bool = False, **fields: Any) -> Merchant:
    """A shop that has told its customers everything, or nothing but its name."""
    return factories.merchant("Boutique Awa", **({} if bare else SHOP), fees=FEES, **fields)


@contextmanager
def before(age: timedelta) -> Iterator[None]:
    """That long ago."""
    with time_machine.travel(clock.now() - age, tick=False):
        yield


def opened(**fields: Any) -> Make:
    """An open page. A shop without contacts has no addresses either."""
    return lambda owner: of(_session(owner, **fields))


def by_phone(ending: str, *, of_session: Mapping[str, Any] | None = None, **payment: Any) -> Make:
    """A page after a payment with the phone number that ends so."""
    return lambda owner: of(scenes.tried(ending, _session(owner, **(of_session or {})), **payment))


def by_card(token: str = "tok_test_card", suffix: str = "", **fields: Any) -> Make:
    """A page after a payment by card."""
    return lambda owner: of(_paid_by_card(owner, token, **fields), suffix)


def time_over(owner: Merchant) -> Place:
    """Nobody approved, and the operator has not said so."""
    with before(timedelta(hours=1)):
        return by_phone("011")(owner)


def failed_late(owner: Merchant) -> Place:
    """A failure that the provider may still correct."""
    return of(_in_doubt(owner))


def subscribed(owner: Merchant) -> Place:
    """A subscription that runs."""
    return of(_subscribed(owner))


def stopped(owner: Merchant) -> Place:
    """A subscription that its customer has stopped, and may resume."""
    session = _subscribed(owner)
    subscriptions.cancel(scenes.subscription(session), clock.now(), at_period_end=True, by_payer=True)
    return of(session)


def past_due(owner: Merchant) -> Place:
    """A subscription that owes its second period."""
    with before(31 * DAYS):
        session = _subscribed(owner)
    scenes.work()
    return of(session)


def invoice(owner: Merchant) -> Place:
    """The page that pays what a subscription owes."""
    path = past_due(owner).path
    subscription = scenes.subscription(CheckoutSession.get_by_id(path[1:]))
    owed = Invoice.get(Invoice.subscription == subscription, Invoice.status == "open")
    return Place(f"/{owed.session_id}")


def refunded(*amounts: int) -> Make:
    """A payment of which these parts went back."""

    def make(owner: Merchant) -> Place:
        session = _paid_by_card(owner)
        for amount in amounts:
            scenes.order_refund(session, amount)
        scenes.work()
        return of(session)

    return make


def expired(owner: Merchant) -> Place:
    """A session that is over."""
    return of(sessions.expire(_session(owner), clock.now()))


def late(owner: Merchant) -> Place:
    """Money that came after the end."""
    with before(timedelta(hours=1)):
        session = _in_doubt(owner)
        sessions.expire(session, clock.now())
    scenes.work()
    return of(session)


def receipt(owner: Merchant) -> Place:
    """A receipt to print, under an address of its own."""
    return Place(urlsplit(receipts.address(_paid_by_card(owner).id)).path)


def device(owner: Merchant) -> Place:
    """The codes for another device, on a page of their own."""
    return of(_session(owner), "/device")


def link(**fields: Any) -> Make:
    """A payment link, as a chat's preview of it stands there."""
    return lambda owner: _at(factories.link(owner, **fields))


def ended_link(**columns: Any) -> Make:
    """A link that takes no more payments."""

    def make(owner: Merchant) -> Place:
        row = factories.link(owner)
        row.change(**columns)
        return _at(row)

    return make


def paid_link(**fields: Any) -> Make:
    """A link that this browser has paid by."""

    def make(owner: Merchant) -> Place:
        row = factories.link(owner, **fields)
        session = visits.open_session(row.slug, None, clock.now())
        attempts.pay(session.id, factories.card_request(), clock.now())
        return Place(f"/pay/{row.slug}", {"visit": session.id})

    return make


def ended_meanwhile(owner: Merchant) -> Place:
    """A session whose link ended while its page was open."""
    row = factories.link(owner)
    session = _session(owner, payment_link_v2_id=row.id, cancel_url=None)
    row.change(active=False)
    return of(session)


def screen(make: Make) -> Make:
    """The simulated wallet or bank of a payment."""

    def found(owner: Merchant) -> Place:
        session = CheckoutSession.get_by_id(make(owner).path[1:])
        action = snapshots.attempts_of(snapshots.intent_of(session))[-1].next_action
        assert action
        return Place(urlsplit(str(action["redirect_to_url"]["url"])).path)

    return found


def at(path: str) -> Make:
    """An address that needs no rows."""
    return lambda _owner: Place(path)


def _session(owner: Merchant, **fields: Any) -> CheckoutSession:
    addresses = ADDRESSES if owner.town else {}
    return factories.session(owner, **{"locale": "fr"} | addresses | fields)


def _paid_by_card(owner: Merchant, token: str = "tok_test_card", **fields: Any) -> CheckoutSession:
    session = _session(owner, **fields)
    with suppress(Declined):
        attempts.pay(session.id, factories.card_request(token), clock.now())
    return session


def _in_doubt(owner: Merchant) -> CheckoutSession:
    session = scenes.tried("007", _session(owner))
    enquiry.check(session.id, clock.now())
    return session


def _subscribed(owner: Merchant) -> CheckoutSession:
    return _paid_by_card(owner, "tok_test_renewal_declined", **MONTHLY)


def _at(row: PaymentLink) -> Place:
    return Place(f"/pay/{row.slug}")


PLACES: dict[str, Make] = {
    "open": opened(line_items=[ITEM]),
    "open, one way": opened(payment_method_types=["mobile_money"], customer_phone="+221771234500"),
    "open, card alone": opened(payment_method_types=["card"]),
    "open, amount": opened(**CHOSEN),
    "open, quantities": opened(line_items=[ADJUSTABLE], fee_mode="customer_pays"),
    "open, questions": opened(custom_fields=QUESTIONS),
    "open, fee": opened(fee_mode="customer_pays"),
    "open, five operators": opened(country="CD", currency="CDF", amount=2_500_000),
    "open, subscription": opened(**MONTHLY),
    "open, trial": opened(**TRIAL),
    "open, no way to pay": lambda owner: of(_session(owner, livemode=True)),
    "failed at once": by_phone("008"),
    "failed, in doubt": failed_late,
    "card declined": by_card("tok_test_declined"),
    "prompt": by_phone("011"),
    "time over": time_over,
    "code": by_phone("009"),
    "wallet": by_phone("010"),
    "square code": by_phone("500", operator="wave_sn", preferred_flow="qr"),
    "bank": by_card("tok_test_3ds"),
    "unknown": by_phone("004"),
    "wallet's screen": screen(by_phone("010")),
    "bank's screen": screen(by_card("tok_test_3ds")),
    "paid": by_card(),
    "paid, stay": by_card(suffix="?stay=1"),
    "paid, no way back": by_card(success_url=None),
    "trial begun": by_card(**TRIAL),
    "subscribed": subscribed,
    "stopped": stopped,
    "past due": past_due,
    "invoice": invoice,
    "refunded in part": refunded(1_500),
    "refunded": refunded(5_000),
    "late": late,
    "receipt": receipt,
    "expired": expired,
    "ended meanwhile": ended_meanwhile,
    "device": device,
    "link": link(),
    "link ended": ended_link(active=False),
    "link paid": paid_link(),
    "link used up": paid_link(max_uses=1),
    "code to type": at("/code"),
    "wrong code": at("/code?code=K7M4-4Q2X"),
    "returned": at("/return"),
    "not found": at(f"/cs_{'0' * 32}"),
}
