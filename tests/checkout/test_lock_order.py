"""Locks are taken in one order, docs/architecture.md's, so that no two transactions wait for each other in a circle."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ikawaari import databases
from ikawaari.checkout import cancellations, intents, refunds, subscriptions
from ikawaari.checkout.refunds import NewRefund
from ikawaari.store.database import database
from ikawaari.store.models import CardSetup, Subscription
from ikawaari.store.record import Record
from tests import factories, live_cards
from tests.checkout.subscribing import DAY, MONTHLY, days, keep_token, subscribed
from tests.docs import papers
from tests.world import World, intent

pytestmark = pytest.mark.on_postgres

ORDER = [
    *("Subscription", "PaymentIntent", "CheckoutSession", "CardSetup", "PaymentLink", "Customer", "Invoice"),
    "WebhookEndpoint",
]
Held = list[tuple[str, ...]]


@pytest.fixture
def engine() -> str:
    """The code that takes the locks is the same on both; SQLite takes them for nothing, in the same order."""
    return "sqlite"


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    """What each transaction locked, in its order. The claim of an intent is a lock, too: it updates the row first."""
    transactions: Held = []
    mine = threading.local()
    locked, transaction, claim = Record._locked.__func__, databases.transaction, intents.claim  # type: ignore[attr-defined]

    lock = Record.lock.__func__  # type: ignore[attr-defined]

    def noted(verb: Any) -> Any:
        def call(cls: type[Record], which: Any) -> Any:
            mine.locks.append(cls.__name__)
            return verb(cls, which)

        return classmethod(call)

    def claimed(*args: Any) -> bool:
        mine.locks.append("PaymentIntent")
        return claim(*args)

    @contextmanager
    def opened(of: Any, **options: Any) -> Iterator[None]:
        if of is not database.obj or of.in_transaction():  # the sandbox's ledger, or an inner block
            with transaction(of, **options):
                yield
            return
        mine.locks = []
        with transaction(of, **options):
            yield
        transactions.append(tuple(mine.locks))

    monkeypatch.setattr(Record, "_locked", noted(locked))
    monkeypatch.setattr(Record, "lock", noted(lock))
    monkeypatch.setattr(intents, "claim", claimed)
    monkeypatch.setattr(databases, "transaction", opened)
    return transactions


def assert_in_order(held: Held) -> None:
    for names in held:
        known = [ORDER.index(name) for name in names if name in ORDER]
        assert known == sorted(known), " → ".join(names)


def test_the_order_is_the_documented_one() -> None:
    documented = "subscription → intent → session → card setup → link → customer → invoice → endpoint → due rows"
    assert documented in papers.section("docs/architecture.md", "The order of locks")


def test_payments_of_a_link_with_a_limit(world: World, held: Held) -> None:
    link = factories.link(world.merchant, max_uses=9)
    for ending in ("500", "001", "012", "007"):
        world.pay(world.session(payment_link_v2_id=link.id), ending)
    world.wait(6, 6, 6)
    assert_in_order(held)
    assert ("PaymentIntent", "PaymentLink") in held
    assert ("PaymentIntent", "Customer") in held


def test_a_subscription_s_years(world: World, held: Held) -> None:
    paid, declined = subscribed(world), subscribed(world)
    keep_token(declined, "tok_test_declined")
    for _ in range(3):
        days(world, 31)
        days(world, 10)
    subscriptions.cancel(Subscription.get_by_id(paid.id), world.now, at_period_end=False)
    assert_in_order(held)
    assert any(names[:2] == ("Subscription", "PaymentIntent") for names in held)


def test_refunds_cancellations_and_late_money(world: World, held: Held) -> None:
    paid, canceled, late = world.session(), world.session(), world.session()
    world.pay(paid, "013")
    world.pay(late, "007")
    cancellations.cancel(intent(canceled).id, world.now)
    world.wait(6)
    refunds.create(factories.owner(world.merchant), NewRefund(payment_intent=intent(paid).id, amount=100), world.now)
    world.wait(6, DAY)
    assert_in_order(held)
    assert held


def test_a_trial_whose_card_is_saved(world: World, held: Held) -> None:
    link = factories.link(world.merchant, max_uses=9, livemode=True, recurring=MONTHLY | {"trial_period_days": 7})
    with live_cards.opened(world) as cards:
        for card in (live_cards.PAYS, live_cards.ASKS):
            cards.pay(cards.session(payment_link_v2_id=link.id), card)
        cards.press(CardSetup.get(CardSetup.status == "requires_action").next_action["redirect_to_url"]["url"])
        world.wait(6, 6, 7 * DAY, 6)
    assert_in_order(held)
    assert ("CheckoutSession", "CardSetup", "PaymentLink") in [names[:3] for names in held]
