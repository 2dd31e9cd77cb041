"""Sessions as a page finds them after some time: paying, owing, refunded, over. Each comes to be through the domain.

For tests of the page and for its gallery; the shop is in Senegal, in test mode. What needs time to go by takes the
clock, frozen by time-machine.
"""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import time_machine

from ikawaari import clock, worker
from ikawaari.checkout import abandonment, attempts, refunds, sessions, snapshots, subscriptions
from ikawaari.checkout.refunds import NewRefund
from ikawaari.errors import Declined
from ikawaari.store.models import CheckoutSession, Subscription
from tests import factories

MONTHLY = {"interval": "month", "interval_count": 1}


def work() -> None:
    """Have a worker do all that is due."""
    while worker.run_once(clock.now()):
        pass


def tried(ending: str, session: CheckoutSession | None = None, **overrides: Any) -> CheckoutSession:
    """A session after a try with the phone number that ends so. Overrides: those of `factories.pay_request`."""
    session = session or factories.session()
    with suppress(Declined):
        attempts.pay(session.id, factories.pay_request(factories.phone(ending), **overrides), clock.now())
    return session


def tried_by_card(token: str = "tok_test_card", **overrides: Any) -> CheckoutSession:
    """A session after a try with a card. Overrides: those of `factories.session`."""
    session = factories.session(**overrides)
    with suppress(Declined):
        attempts.pay(session.id, factories.card_request(token), clock.now())
    return session


def left(ending: str = "010") -> CheckoutSession:
    """A session whose payer has left the first payment, for another number or method."""
    session = tried(ending)
    (attempt,) = snapshots.attempts_of(snapshots.intent_of(session))
    assert abandonment.abandon(session.id, abandonment.name_of(attempt), clock.now())
    return session


def time_over(traveller: time_machine.Traveller, ending: str = "011") -> CheckoutSession:
    """A session whose payer's time is over, while nobody knows how it ended."""
    session = tried(ending)
    traveller.shift(timedelta(hours=1))
    return session


def doubted() -> CheckoutSession:
    """A session whose payment failed, and will turn out to be paid after all."""
    return tried("007")


def expired(ending: str = "007") -> CheckoutSession:
    """A session that has expired after a try."""
    return sessions.expire(tried(ending), clock.now())


def subscribed(**recurring: Any) -> CheckoutSession:
    """A session of a monthly subscription that has begun. Its renewals fail."""
    return tried_by_card("tok_test_renewal_declined", mode="subscription", recurring=MONTHLY | recurring)


def subscription(session: CheckoutSession) -> Subscription:
    """The subscription that it has begun."""
    found = snapshots.subscription_of(session)
    assert found
    return found


def stopped() -> CheckoutSession:
    """A session whose subscription its payer has stopped."""
    session = subscribed()
    subscriptions.cancel(subscription(session), clock.now(), at_period_end=True, by_payer=True)
    return session


def past_due(traveller: time_machine.Traveller) -> CheckoutSession:
    """A session whose subscription owes its second period."""
    session = subscribed()
    traveller.shift(timedelta(days=31))
    work()
    assert subscription(session).status == "past_due"
    return session


def refunded(*amounts: int) -> CheckoutSession:
    """A session paid by card, of which these parts went back, one after the other."""
    session = tried_by_card()
    for amount in amounts:
        order_refund(session, amount)
        work()
    return session


def order_refund(session: CheckoutSession, amount: int) -> None:
    """The merchant returns a part of its payment, as soon as a worker comes."""
    intent = snapshots.intent_of(session)
    assert intent
    new = NewRefund(payment_intent=intent.id, amount=amount)
    refunds.create(factories.owner(session.merchant), new, clock.now())
