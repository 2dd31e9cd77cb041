"""One account that hangs holds up no other account of its provider: neither enquiries, nor refunds, nor renewals."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

import ikawaari
from ikawaari import clock, worker
from ikawaari.checkout import (
    account_setup,
    attempts,
    conditions,
    enquiry,
    provider_states,
    refunds,
    subscriptions,
    trials,
)
from ikawaari.checkout.refunds import NewRefund
from ikawaari.config import Config
from ikawaari.providers import registry
from ikawaari.providers.base import Account, Charge, Outcome
from ikawaari.states import ProviderState
from ikawaari.store import due
from ikawaari.store.models import DueWork, Invoice, PaymentAttempt, PaymentIntent, Refund, Subscription
from tests import accounts as providers
from tests import factories, world
from tests.accounts import Direct
from tests.test_lanes import at_work, until

MONTHLY = {"interval": "month", "interval_count": 1}


class Stuck(Direct):
    """Whoever enquires at the account of the site `hangs` waits until the test is over."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.over = threading.Event()
        self.waiting: list[str] = []

    def lookup(self, account: Account, request: Charge, now: datetime) -> Outcome:
        """Wait, or not."""
        if account.text("site") == "hangs":
            self.waiting.append(request.id)
            assert self.over.wait(60)
        return super().lookup(account, request, now)


@pytest.fixture
def stuck(config: Config) -> Iterator[Stuck]:
    """The house with one provider, whose payers approve at once."""
    ikawaari.start(config)
    provider = Stuck(config)
    registry.configure([provider])
    yield provider
    provider.over.set()
    world.close()


def paid(number: int, ending: str = "500", **session: Any) -> PaymentAttempt:
    """An attempt of a payer of its own."""
    opened = factories.session(livemode=True, **session)
    attempts.pay(opened.id, factories.pay_request(f"+22177{number:04}{ending}"), clock.now())
    intent = PaymentIntent.get(PaymentIntent.session == opened.id)
    return PaymentAttempt.get(PaymentAttempt.intent == intent.id)


def renewal_is_due() -> None:
    """The subscription began so long ago that its second period has just begun."""
    subscription, ago = Subscription.get(), timedelta(days=31)
    moved = ("anchor_at", "current_period_start", "current_period_end")
    subscription.change(**{name: getattr(subscription, name) - ago for name in moved})
    due.schedule(subscriptions.RENEW, subscription.id, clock.now())


def test_an_account_that_hangs_delays_no_other_of_its_provider(stuck: Stuck, config: Config) -> None:
    hanging = providers.add(config, settings={"token": "a_token", "site": "hangs"}).id
    for number in range(30):
        due.schedule(enquiry.ENQUIRE, paid(number, "011").id, clock.now(), lane=hanging)
    provider_states.switch(hanging, ProviderState.CLOSED, clock.now())
    good = providers.add(config).id
    asked = [paid(100 + number, "004") for number in range(3)]
    refunded = paid(200)
    paid(201, mode="subscription", recurring=MONTHLY)
    assert {attempt.provider for attempt in [*asked, refunded]} == {good}
    with at_work(config):
        until(lambda: len(stuck.waiting) >= 2)
        until(lambda: bool(Subscription.select()) and PaymentAttempt.get_by_id(refunded.id).status == "succeeded")
        for attempt in asked:
            due.schedule(enquiry.ENQUIRE, attempt.id, clock.now(), lane=good)
        owner = factories.owner(PaymentIntent.get_by_id(refunded.intent_id).merchant, livemode=True)
        refunds.create(owner, NewRefund(payment_intent=refunded.intent_id), clock.now())
        renewal_is_due()
        until(lambda: all(PaymentAttempt.get_by_id(one.id).status == "succeeded" for one in asked))
        until(lambda: Refund.get().status == "succeeded")
        until(lambda: [row.status for row in Invoice.select().order_by(Invoice.period)] == ["paid", "paid"])
        assert len(stuck.waiting) <= worker.MOST_CALLS // 4
        stuck.over.set()
    assert not set(stuck.waiting) & {attempt.id for attempt in asked}


def test_all_work_that_may_wait_for_an_account_is_in_its_lane(stuck: Stuck, config: Config) -> None:
    account_id = providers.add(config).id
    account_setup.order(None, "SN", "orange", [account_id])
    attempt = paid(1)
    paid(2, mode="subscription", recurring=MONTHLY)
    while worker.run_once(clock.now()):
        pass
    owner = factories.owner(PaymentIntent.get_by_id(attempt.intent_id).merchant, livemode=True)
    attempts_of = DueWork.select().where(DueWork.kind == enquiry.ENQUIRE)
    assert {row.lane for row in attempts_of} <= {account_id}
    paid(3, "011")
    refunds.create(owner, NewRefund(payment_intent=attempt.intent_id), clock.now())
    renewal_is_due()
    worker.run_once(clock.now(), kinds=worker.BOOKKEEPING)
    lanes = {(row.kind, row.lane) for row in DueWork.select() if row.kind in worker.CALLS}
    # The others are in the tests of their own modules: conditions, a refund that has ended, the card of a trial.
    made_here = worker.CALLS - {conditions.REFRESH, refunds.RETRY, refunds.RECHECK, trials.ENQUIRE}
    assert lanes == {(kind, account_id) for kind in made_here}
