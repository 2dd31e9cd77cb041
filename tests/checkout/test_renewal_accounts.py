"""Which account a renewal is charged at: a card's own; a wallet's anew; and none where only its payer can act."""

import json
from dataclasses import replace

import pytest

from ikawaari import worker
from ikawaari.checkout import attempts, breakers, provider_states
from ikawaari.errors import Unavailable
from ikawaari.providers.capabilities import Limits, Reach, Renewals
from ikawaari.states import ProviderState
from ikawaari.store.models import DueWork, Event, PaymentAttempt, Subscription
from tests import accounts as providers
from tests.accounts import Aggregator, Cards, Direct
from tests.checkout.subscribing import DAY, MONTHLY, days, invoices, page, pay_page, states, told, tries
from tests.world import World, audit


class PageAlone(Direct):
    """A wallet without prompts: its payer pays on a page."""

    name = "page_alone"

    def narrowed(self, of: Reach) -> Reach:
        return replace(super().narrowed(of), renewals=Renewals.NONE)


def subscribed(world: World, how: str = "500") -> Subscription:
    """A monthly subscription in live mode, begun by a card's token or by the phone number with that ending."""
    session = world.session(livemode=True, mode="subscription", recurring=MONTHLY)
    pay_page(world, session, how)
    world.wait(6)
    return Subscription.get(Subscription.session == session.id)


def close(world: World, account_id: str) -> None:
    """It takes no new charges."""
    provider_states.switch(account_id, ProviderState.CLOSED, world.now)


def charged_at() -> list[str]:
    """The accounts of all attempts, oldest first."""
    return [attempt.provider for attempt in PaymentAttempt.select().order_by(PaymentAttempt.created_at)]


def test_a_wallet_is_routed_anew_and_collected_in_the_lane_of_its_account(world: World) -> None:
    providers.install(world.config, Direct, Aggregator)
    first, second = (providers.add(world.config, name).id for name in ("direct", "aggregator"))
    subscription = subscribed(world)
    close(world, first)
    world.later(30 * DAY + DAY)
    worker.run_once(world.now, kinds={"subscription.renew"})
    lanes = [row.lane for row in DueWork.select().where(DueWork.kind == "invoice.collect")]
    assert lanes == [second]
    world.work()
    world.wait(6)
    assert charged_at() == [first, second]
    assert states(subscription) == ["active", "paid", "paid"]
    audit()


def test_a_card_is_charged_where_it_is_kept_and_waits_while_that_is_closed(world: World) -> None:
    providers.install(world.config, Cards)
    first = providers.add(world.config, "cards").id
    subscription = subscribed(world, "tok_test_card")
    providers.add(world.config, "cards")
    close(world, first)
    for _ in range(12):
        days(world, 3)
    assert charged_at() == [first]
    assert states(subscription) == ["active", "paid", "open"]
    provider_states.switch(first, ProviderState.OPEN, world.now)
    days(world, 1)
    assert charged_at() == [first, first]
    assert states(subscription) == ["active", "paid", "paid"]
    audit()


@pytest.mark.on_postgres
def test_the_page_of_an_invoice_takes_a_card_at_another_account_meanwhile(world: World) -> None:
    providers.install(world.config, Cards)
    first = providers.add(world.config, "cards").id
    subscription = subscribed(world, "tok_test_card")
    second = providers.add(world.config, "cards").id
    close(world, first)
    days(world, 31)
    world.pay_by_card(page(invoices(subscription)[-1]))
    assert charged_at() == [first, second]
    assert states(subscription) == ["active", "paid", "paid"]
    days(world, 31)
    assert charged_at() == [first, second, second]


def test_a_wallet_without_prompts_is_asked_by_its_page_alone_and_the_days_count(world: World) -> None:
    providers.install(world.config, PageAlone)
    providers.add(world.config, "page_alone")
    subscription = subscribed(world)
    days(world, 31)
    invoice = invoices(subscription)[-1]
    assert (tries(invoice), told(invoice)) == ([], ["created"])
    created = json.loads(Event.get(Event.object_id == invoice.id, Event.type == "invoice.created").body)
    assert created["data"]["next_payment_attempt"] is None
    assert (page(invoice).expires_at - invoice.created_at).days == 10
    audit()
    for _ in range(11):
        days(world, 1)
    assert states(subscription) == ["unpaid", "paid", "uncollectible"]
    assert tries(invoice) == []


def test_the_payer_pays_a_wallet_s_renewal_on_its_page(world: World) -> None:
    providers.install(world.config, PageAlone)
    providers.add(world.config, "page_alone")
    subscription = subscribed(world)
    days(world, 31)
    invoice = invoices(subscription)[-1]
    world.pay(page(invoice), "001")  # not enough money
    world.wait(6)
    assert told(invoice) == ["created", "payment_failed"]
    days(world, 3)
    assert [attempt.off_session for attempt in tries(invoice)] == [False]
    world.pay(page(invoice))
    world.wait(6)
    assert states(subscription) == ["active", "paid", "paid"]
    audit()


def test_a_renewal_prefers_an_account_that_prompts(world: World) -> None:
    providers.install(world.config, PageAlone, Aggregator)
    direct, prompting = (providers.add(world.config, name).id for name in ("page_alone", "aggregator"))
    subscription = subscribed(world)
    days(world, 31)
    assert charged_at() == [direct, prompting]
    assert states(subscription) == ["active", "paid", "paid"]
    audit()


def test_an_account_that_closes_just_before_the_try_leaves_it_due(world: World) -> None:
    providers.install(world.config, Direct)
    account_id = providers.add(world.config).id
    subscription = subscribed(world)
    close(world, account_id)
    days(world, 31)
    invoice = invoices(subscription)[-1]
    with pytest.raises(Unavailable):
        attempts.pay_saved(invoice, world.now)
    assert invoices(subscription)[-1].next_try_at == invoice.next_try_at
    provider_states.switch(account_id, ProviderState.OPEN, world.now)
    days(world, 1)
    assert states(subscription) == ["active", "paid", "paid"]


def test_an_outage_does_not_make_a_page_of_a_prompt(world: World) -> None:
    providers.install(world.config, PageAlone, Aggregator)
    _, prompting = (providers.add(world.config, name).id for name in ("page_alone", "aggregator"))
    subscription = subscribed(world)
    world.later(31 * DAY)
    breakers.open_now((prompting, "orange_sn"), breakers.Reason.FAILURES)
    world.work()
    invoice = invoices(subscription)[-1]
    assert (invoice.first_tried_at, tries(invoice)) == (None, [])
    days(world, 1)
    assert charged_at()[1:] == [prompting]
    assert states(subscription) == ["active", "paid", "paid"]
    audit()


def test_a_renewal_that_no_account_takes_so_much_of_is_not_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    providers.install(world.config, Direct)
    providers.add(world.config)
    subscription = subscribed(world)
    monkeypatch.setattr(Direct, "limits", Limits(maximum=100))
    providers.install(world.config, Direct)
    days(world, 31)
    invoice = invoices(subscription)[-1]
    assert (tries(invoice), (page(invoice).expires_at - invoice.created_at).days) == ([], 10)
    for _ in range(11):
        days(world, 1)
    assert states(subscription) == ["unpaid", "paid", "uncollectible"]
