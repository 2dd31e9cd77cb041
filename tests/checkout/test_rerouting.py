"""A refusal is passed on to the next provider account, once; a failure never, an unknown never. One charge at most."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from ikawaari.checkout import attempts, merchant_view, provider_states, settlement
from ikawaari.errors import Conflict, Declined
from ikawaari.invariants import present
from ikawaari.money import Money
from ikawaari.providers import registry
from ikawaari.providers.base import Account, Charge, FailureCode, Outcome, Result, refused, unknown
from ikawaari.providers.outcomes import failed
from ikawaari.providers.sandbox import Sandbox, ledger
from ikawaari.states import ProviderState
from tests import accounts as providers
from tests import factories
from tests.accounts import Direct
from tests.world import PAID, Killed, World, audit, intent, latest, names, statuses, together, tries
from tests.world import refunds as all_refunds

UNAVAILABLE = refused(FailureCode.PROVIDER_UNAVAILABLE, "ConnectionRefusedError")
Says = Callable[[Charge], Outcome]


def provider_named(called: str, world: World, says: Outcome | Says) -> Sandbox:
    """A provider that answers every charge so, and takes nothing."""

    class Saying(Sandbox):
        name = called
        asked: list[str]

        def charge(self, account: Account, request: Any, now: datetime) -> Outcome:
            self.asked.append(request.id)
            return says if isinstance(says, Outcome) else says(request)

    made = Saying(world.config)
    made.asked = []
    return made


def configure(world: World, *firsts: Outcome | Says) -> list[Any]:
    """Providers that answer so, in order of preference, before the sandbox. Returns all of them."""
    every: list[Any] = [provider_named(f"p{number}", world, says) for number, says in enumerate(firsts)]
    every.append(Sandbox(world.config))
    registry.configure(every)
    return every


def taken() -> list[int]:
    """What the sandbox took, for each charge that it has."""
    return [entry["amount"] for entry in ledger.entries()]


def test_a_refused_charge_is_asked_for_at_the_next_account(world: World) -> None:
    first, _ = configure(world, UNAVAILABLE)
    session = world.session()
    world.pay(session)
    refused_one, other = tries(session)
    assert (first.asked, refused_one.status, refused_one.provider) == ([refused_one.id], "failed", "p0")
    assert (other.provider, other.routed_from, other.phone) == ("sandbox", refused_one.id, refused_one.phone)
    assert merchant_view.failure(tries(session)) is None
    world.wait(5)
    assert (statuses(session), taken()) == (PAID, [5_000])
    about_it = [name for name in world.told() if name.startswith("payment_intent.")]
    assert about_it.count("payment_intent.processing") == 1
    assert "payment_intent.payment_failed" not in about_it
    audit()


@pytest.mark.parametrize("says", [failed(FailureCode.INSUFFICIENT_FUNDS), failed(FailureCode.PROVIDER_UNAVAILABLE)])
def test_a_failure_is_not_passed_on(world: World, says: Outcome) -> None:
    configure(world, says)
    session = world.session()
    with pytest.raises(Declined):
        world.pay(session)
    assert (len(tries(session)), taken()) == (1, [])


def test_an_unknown_is_not_passed_on(world: World) -> None:
    configure(world, unknown("no answer"))
    session = world.session()
    world.pay(session)
    assert ([attempt.status for attempt in tries(session)], taken()) == (["unknown"], [])


def test_a_refusal_is_passed_on_once_only(world: World) -> None:
    *firsts, _ = configure(world, UNAVAILABLE, UNAVAILABLE, UNAVAILABLE)
    session = world.session()
    with pytest.raises(Declined):
        world.pay(session)
    assert [len(one.asked) for one in firsts] == [1, 1, 0]
    assert ([attempt.status for attempt in tries(session)], taken()) == (["failed", "failed"], [])
    assert intent(session).status == "failed"
    assert world.told().count("payment_intent.payment_failed") == 1
    audit()


def test_the_other_account_without_an_answer_is_the_last_one_asked(world: World) -> None:
    *firsts, _ = configure(world, UNAVAILABLE, unknown("no answer"))
    session = world.session()
    world.pay(session)
    assert ([attempt.status for attempt in tries(session)], taken()) == (["failed", "unknown"], [])
    with pytest.raises(Conflict):
        world.pay(session)
    world.wait(60)  # it never saw the charge
    assert [len(one.asked) for one in firsts] == [1, 1]
    registry.configure([Sandbox(world.config)])
    world.pay(session)
    world.wait(5)
    assert (statuses(session), taken()) == (PAID, [5_000])
    audit()


@pytest.mark.parametrize("has_taken", [False, True])
def test_a_process_that_dies_at_the_other_account_leaves_it_to_the_enquiry(world: World, has_taken: bool) -> None:
    def die(charge: Charge) -> Outcome:
        if has_taken:
            sandbox = Sandbox(world.config)
            sandbox.charge(present(sandbox.account, "the sandbox has one"), charge, world.now)
        raise Killed

    *firsts, _ = configure(world, UNAVAILABLE, die)
    session = world.session()
    with pytest.raises(Killed):
        world.pay(session)
    assert [attempt.status for attempt in tries(session)] == ["failed", "submitting"]
    with pytest.raises(Conflict):
        world.pay(session)
    world.wait(60)
    assert ([len(one.asked) for one in firsts], len(tries(session))) == ([1, 1], 2)
    if not has_taken:
        registry.configure([Sandbox(world.config)])
        world.pay(session)
        world.wait(5)
    assert (statuses(session), taken()) == (PAID, [5_000])
    audit()


def test_a_card_is_not_passed_on(world: World) -> None:
    """Its token is one provider's."""
    configure(world, UNAVAILABLE)
    session = world.session()
    with pytest.raises(Declined):
        world.pay_by_card(session)
    assert (len(tries(session)), taken()) == (1, [])


def test_a_closed_account_is_not_asked_instead(world: World) -> None:
    configure(world, UNAVAILABLE)
    provider_states.switch("sandbox", ProviderState.CLOSED, world.now)
    session = world.session()
    with pytest.raises(Declined):
        world.pay(session)
    assert (len(tries(session)), taken()) == (1, [])


@pytest.mark.on_postgres
def test_a_hundred_who_pay_at_once_while_the_first_account_refuses_charge_once(world: World) -> None:
    first, _ = configure(world, UNAVAILABLE)
    session = world.session()
    results = together(20, lambda _: world.pay(session))
    assert names(results) == {"None": 1, "Conflict": 19}
    world.wait(5)
    assert (len(first.asked), taken(), statuses(session)) == (1, [5_000], PAID)
    audit()


def test_news_that_arrives_before_the_refusal_ends_the_search(world: World) -> None:
    """The provider says that it refused what it has reported as paid: nobody else is asked."""

    def paid_and_refused(charge: Charge) -> Outcome:
        paid = Outcome(result=Result.SUCCEEDED, money=Money(5_000, "XOF"))
        settlement.apply(charge.id, paid, world.now, settlement.Source.CALLBACK)
        return UNAVAILABLE

    configure(world, paid_and_refused)
    session = world.session()
    world.pay(session)
    assert (statuses(session), taken(), len(tries(session))) == (PAID, [], 1)


@pytest.mark.parametrize("seconds", [0, 5])
def test_a_refused_charge_that_was_taken_after_all_is_given_back_beside_another(world: World, seconds: int) -> None:
    configure(world, UNAVAILABLE)
    session = world.session()
    world.pay(session)
    world.wait(seconds)
    refused_one = tries(session)[0]
    late = Outcome(result=Result.SUCCEEDED, money=Money(5_000, "XOF"))
    settlement.apply(refused_one.id, late, world.now, settlement.Source.CALLBACK)
    world.wait(10)
    assert statuses(session) == PAID
    assert [(row.amount, row.reason) for row in all_refunds()] == [(5_000, "duplicate")]
    assert sum(attempt.counted for attempt in tries(session)) == 5_000


@pytest.mark.on_postgres
def test_a_repeated_request_finds_the_attempt_that_goes_on(world: World) -> None:
    configure(world, UNAVAILABLE)
    session = world.session()
    world.pay(session)
    assert attempts.is_tried(tries(session)[0].id)
    assert attempts.is_tried(latest(session).id)


def test_a_refusal_goes_on_among_the_accounts_of_its_merchant_and_the_house(world: World) -> None:
    class Refusing(Direct):
        """It is shut for the accounts of the site `shut`."""

        asked: list[str]

        def charge(self, account: Account, request: Any, now: datetime) -> Outcome:
            self.asked.append(account.id)
            return UNAVAILABLE if account.text("site") == "shut" else super().charge(account, request, now)

    provider = Refusing(world.config)
    provider.asked = []
    registry.configure([provider])
    shut = {"token": "a_token", "site": "shut"}
    stranger = factories.merchant("Autre").id
    providers.add(world.config, merchant_id=stranger)
    own = providers.add(world.config, merchant_id=world.merchant.id, settings=shut).id
    abroad = providers.add(world.config, country="CI").id
    in_test_mode = providers.add(world.config, livemode=False).id
    house = providers.add(world.config).id
    session = world.session(livemode=True)
    world.pay(session)
    world.wait(5)
    assert provider.asked == [own, house]
    assert not {abroad, in_test_mode} & {attempt.provider for attempt in tries(session)}
    assert (statuses(session), taken()) == (PAID, [5_000])
    audit()
