"""What a provider says of its operators: kept until it says otherwise, read by routing, by the checks and by pages."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest

from ikawaari import worker
from ikawaari.checkout import account_setup, accounts, attempts, breakers, conditions, intents, refunds, routing
from ikawaari.checkout.intents import NewIntent
from ikawaari.checkout.refunds import NewRefund
from ikawaari.checkout.routing import Wanted
from ikawaari.errors import Unavailable, ValidationFailed
from ikawaari.providers.base import Account, Outcome
from ikawaari.providers.capabilities import Condition, Health, Limits
from ikawaari.providers.outcomes import succeeded
from ikawaari.store.models import DueWork, Event, PaymentAttempt, PaymentIntent, ProviderConditions
from tests import accounts as providers
from tests import factories
from tests.accounts import Aggregator, Direct
from tests.world import World, statuses, tries

ORANGE, WAVE = "orange_sn", "wave_sn"


class Speaking(Direct):
    """A provider that says something of its operators, or breaks."""

    says: ClassVar[list[Condition] | Exception] = []
    asked: ClassVar[list[str]] = []

    def conditions(self, account: Account, now: datetime) -> list[Condition]:
        """As told."""
        self.asked.append(account.id)
        if isinstance(self.says, Exception):
            raise self.says
        return self.says

    def charge(self, account: Account, request: Any, now: datetime) -> Outcome:
        """Take it."""
        return succeeded(str(request.money.amount), request.money.currency, reference=request.id)


class Silent(Aggregator):
    """Another provider, that never says anything."""

    charge = Speaking.charge  # type: ignore[assignment]


def of(operator: str = ORANGE, currency: str = "XOF", **more: Any) -> Condition:
    """A condition."""
    return Condition(operator=operator, currency=currency, **more)


def say(world: World, *said: Condition) -> None:
    """The provider says so from now on, and a worker asks at once."""
    Speaking.says = list(said)
    conditions.refresh(next(iter(accounts.known().channels)), world.now)


@pytest.fixture
def house(world: World) -> Iterator[World]:
    """A house with one live account, and a worker that has done all there was to do."""
    Speaking.says = []
    Speaking.asked.clear()
    providers.install(world.config, Speaking, Silent)
    providers.add(world.config)
    yield world
    Speaking.says = []


def asked_times() -> int:
    """How often the provider was asked."""
    return len(Speaking.asked)


def wanted(**more: Any) -> Wanted:
    """A payment by Orange Money."""
    given: dict[str, Any] = {"merchant_id": None, "livemode": True, "method_type": "mobile_money"}
    return Wanted(**given | {"operator": ORANGE, "currency": "XOF"} | more)


def takes(**more: Any) -> bool:
    """Whether somebody takes such a payment."""
    return bool(routing.candidates(wanted(**more)))


# ---------------------------------------------------------------- asking


def test_a_new_account_is_asked_about_at_once_and_then_hourly(house: World) -> None:
    Speaking.says = [of()]
    house.work()
    assert asked_times() == 1
    house.wait(3_599)
    assert asked_times() == 1
    house.wait(1)
    assert asked_times() == 2
    row = ProviderConditions.get()
    assert (row.account, row.refreshed_at, row.failed_since) == (Speaking.asked[0], house.now, None)


def test_a_provider_that_never_says_anything_is_not_asked(house: World) -> None:
    house.work()
    providers.add(house.config, "aggregator")
    work = {(row.subject, row.lane) for row in DueWork.select().where(DueWork.kind == conditions.REFRESH)}
    assert work == {(account, account) for account in Speaking.asked}
    stranger = providers.add(house.config, "aggregator", livemode=False)
    assert conditions.refresh(stranger.id, house.now) is None


@pytest.mark.on_postgres
def test_new_settings_are_asked_about_at_once(house: World) -> None:
    Speaking.says = [of()]
    house.work()
    account_setup.update(Speaking.asked[0], {"token": "another"}, house.config, house.now)
    house.work()
    assert asked_times() == 2


@pytest.mark.on_postgres
def test_an_account_of_an_older_version_is_asked_about_within_the_hour(house: World) -> None:
    DueWork.delete().execute()
    worker.housekeeping("", house.now)
    worker.housekeeping("", house.now)
    house.work()
    assert asked_times() == 1


@pytest.mark.parametrize("silence", [[], ValueError("a bug")], ids=["no answer", "a bug"])
@pytest.mark.on_postgres
def test_without_an_answer_what_was_said_is_kept_and_it_is_asked_again_later_and_later(
    house: World, silence: Any
) -> None:
    say(house, of(limits=Limits(maximum=3_000)))
    Speaking.says = silence
    account_id, waits = Speaking.asked[0], list[timedelta]()
    for _ in range(9):
        again = conditions.refresh(account_id, house.now)
        assert again is not None
        waits.append(again - house.now)
        house.later(waits[-1].total_seconds())
    assert waits[:5] == [timedelta(minutes=minutes) for minutes in (1, 1, 2, 4, 8)]
    assert waits[-1] == timedelta(hours=1)
    assert not takes(amount=4_000)
    say(house, of(limits=Limits(maximum=5_000)))
    assert takes(amount=4_000)
    assert ProviderConditions.get().failed_since is None


def test_what_another_version_has_stored_is_as_if_it_had_not_been_said(house: World) -> None:
    say(house, of(limits=Limits(maximum=3_000)))
    assert not takes(amount=4_000)
    odds: list[Any] = [[{"operator": ORANGE}], [{}], ["?"], {"a": 1}]
    odds.append([{**ProviderConditions.get().said[0], "health": "odd"}])
    for odd in odds:
        ProviderConditions.update(said=odd).execute()
        accounts.distrust()
        assert takes(amount=4_000)


# ---------------------------------------------------------------- limits


def test_what_it_says_counts_before_the_constants(house: World) -> None:
    assert (takes(amount=1_000_000), takes(amount=1_000_001)) == (True, False)
    say(house, of(limits=Limits(minimum=100, maximum=2_000_000, step=5)))
    found = {amount: takes(amount=amount) for amount in (95, 100, 102, 1_000_005, 2_000_000, 2_000_005)}
    assert found == {95: False, 100: True, 102: False, 1_000_005: True, 2_000_000: True, 2_000_005: False}
    say(house, of())  # it says nothing of limits any more
    assert (takes(amount=95), takes(amount=1_000_001)) == (True, False)


@pytest.mark.parametrize(("amount", "chosen"), [(5_000, False), (5_000, True), (99, False), (99, True)])
def test_an_amount_outside_is_refused_before_anything_is_stored(house: World, amount: int, chosen: bool) -> None:
    say(house, of(limits=Limits(minimum=100, maximum=3_000)))
    session = factories.session(house.merchant, livemode=True, amount=None if chosen else amount)
    before = [model.select().count() for model in (PaymentAttempt, PaymentIntent, Event, DueWork)]
    request = factories.pay_request(amount=amount if chosen else None)
    with pytest.raises(ValidationFailed) as refusal:
        attempts.pay(session.id, request, house.now)
    words = "orange_sn takes 100 to 3000 XOF, in the smallest unit"
    assert refusal.value.details == {"amount" if chosen else "operator": [words]}
    assert (refusal.value.code, refusal.value.http_status) == ("IKW-CHK-002", 400)
    assert [model.select().count() for model in (PaymentAttempt, PaymentIntent, Event, DueWork)] == before
    fitting = factories.session(house.merchant, livemode=True, amount=3_000)
    attempts.pay(fitting.id, factories.pay_request(), house.now)
    assert statuses(fitting)[0] == "succeeded"


def test_the_fee_is_a_part_of_what_is_taken(house: World) -> None:
    say(house, of(limits=Limits(maximum=5_000)))
    house.merchant.change(fees={"mobile_money": {"basis_points": 100, "fixed": 0}})
    session = factories.session(house.merchant, livemode=True, amount=5_000, fee_mode="customer_pays")
    with pytest.raises(ValidationFailed):
        attempts.pay(session.id, factories.pay_request(), house.now)


def test_another_account_may_take_it(house: World) -> None:
    say(house, of(limits=Limits(maximum=3_000)))
    other = providers.add(house.config, "aggregator")
    session = factories.session(house.merchant, livemode=True, amount=5_000)
    attempts.pay(session.id, factories.pay_request(), house.now)
    assert [attempt.provider for attempt in tries(session)] == [other.id]


def test_an_intent_is_refused_before_it_is_made_and_when_it_is_confirmed(house: World) -> None:
    say(house, of(limits=Limits(maximum=3_000)))
    payment: Mapping[str, Any] = {"type": "mobile_money", "operator": ORANGE, "phone_number": factories.phone()}
    new = NewIntent(amount=5_000, currency="XOF", payment=payment)
    owner = factories.owner(house.merchant, livemode=True)
    with pytest.raises(ValidationFailed) as refusal:
        intents.create(owner, replace(new, confirm=True), house.now)
    assert list(refusal.value.details) == ["operator"]
    assert not PaymentIntent.select().exists()
    made = intents.create(owner, new, house.now)
    with pytest.raises(ValidationFailed):
        attempts.confirm(made, factories.pay_request(), house.now)
    assert not PaymentAttempt.select().exists()


def test_a_refusal_is_passed_on_only_to_whom_the_amount_suits(house: World) -> None:
    say(house, of(limits=Limits(maximum=3_000)))
    providers.add(house.config, "aggregator")
    session = factories.session(house.merchant, livemode=True, amount=5_000)
    attempts.pay(session.id, factories.pay_request(), house.now)
    assert len(tries(session)) == 1


# ---------------------------------------------------------------- health


@pytest.mark.parametrize("word", [Health.DELAYED, Health.CLOSED])
def test_an_operator_that_is_not_open_is_down_at_once_and_asked_about_sooner(house: World, word: Health) -> None:
    say(house, of(), of(WAVE))
    assert takes()
    Speaking.says = [of(health=word), of(WAVE)]
    account_id = Speaking.asked[0]
    assert conditions.refresh(account_id, house.now) == house.now + conditions.WHILE_NOT_OPEN
    assert (takes(), takes(operator=WAVE)) == (False, True)
    assert breakers.listed()[account_id][ORANGE]["reason"] == word.value  # type: ignore[index, call-overload]
    session = factories.session(house.merchant, livemode=True)
    with pytest.raises(Unavailable):
        attempts.pay(session.id, factories.pay_request(), house.now)
    house.later(30)
    say(house, of(), of(WAVE))
    assert takes()
    assert breakers.listed() == {}


def test_one_charge_passes_after_a_minute_though_nobody_says_that_it_is_open(house: World) -> None:
    say(house, of(health=Health.CLOSED))
    house.later(60)
    session = factories.session(house.merchant, livemode=True)
    attempts.pay(session.id, factories.pay_request(), house.now)
    assert statuses(session)[0] == "succeeded"
    assert takes()


def test_what_payers_have_found_out_is_not_undone_by_what_the_provider_says(house: World) -> None:
    say(house, of())
    breakers.open_now((Speaking.asked[0], ORANGE), breakers.Reason.FAILURES)
    say(house, of())
    assert not takes()


def test_a_wallet_that_the_account_does_not_have_is_not_taken_and_not_down(house: World) -> None:
    say(house, of(health=Health.ABSENT), of(currency="XAF", health=Health.ABSENT), of(WAVE))
    assert (takes(), takes(operator=WAVE)) == (False, True)
    assert breakers.listed() == {}
    assert not routing.reaching(wanted())
    (listed,) = account_setup.listed()
    operators: Any = listed["operators"]
    assert (ORANGE in operators, WAVE in operators) == (False, True)


def test_of_two_currencies_one_may_be_closed(house: World) -> None:
    say(house, of(), of(currency="XAF", health=Health.CLOSED))
    assert (takes(), takes(currency="XAF")) == (True, False)
    say(house, of(health=Health.DELAYED), of(currency="XAF", health=Health.ABSENT))
    assert (takes(), routing.reaching(wanted(currency="XAF"))) == (False, [])
    house.later(60)
    assert takes(), "the breaker decides"


def test_in_test_mode_nothing_is_down(house: World) -> None:
    account = providers.add(house.config, livemode=False)
    Speaking.says = [of(health=Health.CLOSED)]
    conditions.refresh(account.id, house.now)
    assert breakers.listed() == {}
    assert takes(livemode=False)


def test_what_was_taken_is_returned_whatever_the_provider_says_of_new_charges(house: World) -> None:
    session = factories.session(house.merchant, livemode=True)
    attempts.pay(session.id, factories.pay_request(), house.now)
    say(house, of(health=Health.ABSENT, limits=Limits(minimum=100_000)), of(currency="XAF", health=Health.ABSENT))
    intent = PaymentIntent.get(PaymentIntent.session == session.id)
    refund = refunds.create(
        factories.owner(house.merchant, livemode=True), NewRefund(payment_intent=intent.id), house.now
    )
    assert refund.status == "pending"
