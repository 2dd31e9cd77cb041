"""A code that an operator asks for before the charge is asked for before anything is stored: nobody is held."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from ikawaari.checkout import attempts, intents
from ikawaari.checkout.intents import NewIntent
from ikawaari.config import Config
from ikawaari.errors import Declined, ValidationFailed
from ikawaari.providers import registry
from ikawaari.providers.base import Account, FailureCode, Flow, Outcome, refused
from ikawaari.providers.outcomes import failed
from ikawaari.providers.sandbox import Sandbox, ledger
from ikawaari.store.models import PaymentAttempt, PaymentIntent
from tests import factories
from tests.world import PAID, World, audit, fresh, statuses, tries


class Coded(Sandbox):
    """A provider of which Orange in Senegal wants a code with the charge; 123456 is the right one."""

    name = "coded"
    codes: list[str | None]
    refuses = False

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.plain = Sandbox(config)  # which asks on the phone, once the code is right

    def charge(self, account: Account, request: Any, now: datetime) -> Outcome:
        """Refuse a wrong code."""
        self.codes.append(request.otp)
        if self.refuses:
            return refused(FailureCode.PROVIDER_UNAVAILABLE)
        if request.otp not in (None, "123456"):
            return failed(FailureCode.OTP_INVALID)
        return self.plain.charge(account, replace(request, otp=None, flow=None), now)


@pytest.fixture
def coded(world: World) -> Coded:
    """It, before the sandbox."""
    provider = Coded(world.config)
    provider.codes = []
    reach = provider.capabilities.operators["orange_sn"]
    asking = replace(reach, flows=(Flow.OTP, Flow.REDIRECT), code_from="*144*4*6*{amount}#")
    operators = {**provider.capabilities.operators, "orange_sn": asking}
    provider.capabilities = replace(provider.capabilities, operators=operators)
    registry.configure([provider, Sandbox(world.config)])
    return provider


def test_without_the_code_nothing_is_stored_and_another_method_may_be_chosen(world: World, coded: Coded) -> None:
    session = world.session()
    with pytest.raises(ValidationFailed) as refusal:
        world.pay(session)
    assert refusal.value.details == {"otp": ["is required: the payer dials *144*4*6*5000# and gets a code"]}
    assert (coded.codes, PaymentAttempt.select().count(), fresh(session).payment_status) == ([], 0, "unpaid")
    world.pay_by_card(session)
    assert statuses(session) == PAID
    audit()


def test_the_code_goes_out_with_the_one_call_of_the_charge(world: World, coded: Coded) -> None:
    session = world.session()
    world.pay(session, otp="123456")
    world.wait(5)
    assert (coded.codes, statuses(session)) == (["123456"], PAID)
    assert [entry["amount"] for entry in ledger.entries()] == [5_000]
    audit()


def test_after_a_wrong_code_the_next_try_is_another_attempt(world: World, coded: Coded) -> None:
    session = world.session()
    with pytest.raises(Declined):
        world.pay(session, otp="000000")
    world.later(1)
    world.pay(session, otp="123456")
    world.wait(5)
    ended = [(one.status, one.failure_code) for one in tries(session)]
    assert ended == [("failed", "otp_invalid"), ("succeeded", None)]
    audit()


def test_a_flow_without_a_code_is_not_asked_for_one(world: World, coded: Coded) -> None:
    session = world.session()
    world.pay(session, preferred_flow="redirect")
    assert coded.codes == [None]


def test_a_code_is_not_passed_on_to_another_provider(world: World, coded: Coded) -> None:
    coded.refuses = True
    session = world.session()
    with pytest.raises(Declined):
        world.pay(session, otp="123456")
    assert len(tries(session)) == 1


def test_an_intent_is_confirmed_with_the_code(world: World, coded: Coded) -> None:
    made = intents.create(world.owner, NewIntent(amount=5_000, currency="XOF"), world.now)
    request = factories.pay_request(factories.phone("500"))
    with pytest.raises(ValidationFailed):
        attempts.confirm(made, request, world.now)
    attempts.confirm(made, replace(request, otp="123456"), world.now)
    world.wait(5)
    assert PaymentIntent.get_by_id(made.id).status == "succeeded"
