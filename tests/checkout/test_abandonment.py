"""A payer leaves a payment before it has ended: another one may start only once this one certainly takes nothing."""

from datetime import datetime

import pytest

from ikawaari.checkout import abandonment, attempts, callbacks, settlement
from ikawaari.config import Config
from ikawaari.errors import Conflict, Declined, NotFound
from ikawaari.money import Money
from ikawaari.providers import registry
from ikawaari.providers.base import Account, Charge, Outcome, Result
from ikawaari.providers.outcomes import unknown
from ikawaari.providers.sandbox import Sandbox
from ikawaari.store.models import CheckoutSession
from tests.world import (
    FAILED,
    PAID,
    WAITING,
    Killed,
    World,
    audit,
    latest,
    message_of,
    names,
    statuses,
    together,
    tries,
)

OTP, PAGE, PROMPT = "009", "010", "011"
LOST = unknown("no answer")


class Odd(Sandbox):
    """A sandbox in which something goes wrong, once, while a charge is called off."""

    trouble = ""

    def cancel(self, account: Account, request: Charge, now: datetime) -> Outcome:
        """Get lost on the way there or back, or be overtaken by the payer or by the callback."""
        if self._is("lost on the way"):
            return LOST
        if self._is("paid before"):
            self.decide(request.id, succeeded=True, failure=None, now=now)
        outcome = super().cancel(account, request, now)
        if self._is("callback in between"):
            told = self.decide(request.id, succeeded=False, failure="canceled", now=now)
            message = message_of(told.body, told.headers)
            (received,) = together(1, lambda _: callbacks.receive("sandbox", message, now))
            assert not isinstance(received, Exception)
        return LOST if self._is("lost on the way back") else outcome

    def lookup(self, account: Account, request: Charge, now: datetime) -> Outcome:
        """Kill whoever asks, or do not answer."""
        if self._is("killed before the look-up"):
            raise Killed
        if self._is("look-up lost"):
            return LOST
        return super().lookup(account, request, now)

    def _is(self, trouble: str) -> bool:
        is_it = self.trouble == trouble
        self.trouble = "" if is_it else self.trouble
        return is_it


class CancelOnly(Odd):
    """The same, where a cancellation does not look up by itself what the charge has come to."""

    def cancel(self, account: Account, request: Charge, now: datetime) -> Outcome:
        """Say "canceled", and nothing more."""
        trouble, self.trouble = self.trouble, ""
        outcome = super().cancel(account, request, now)
        self.trouble = trouble
        return outcome


def troubled(config: Config, trouble: str) -> None:
    """Have that go wrong next."""
    provider = (CancelOnly if "look-up" in trouble else Odd)(config)
    provider.trouble = trouble
    registry.configure([provider])


def waiting(world: World, ending: str = PAGE) -> CheckoutSession:
    """A session whose payer has something to do."""
    session = world.session()
    world.pay(session, ending)
    assert statuses(session) == WAITING
    return session


def leave(world: World, session: CheckoutSession) -> bool:
    """Its payer wants to leave the payment that the page shows."""
    return abandonment.abandon(session.id, abandonment.name_of(latest(session)), world.now)


def pay_again(world: World, session: CheckoutSession) -> None:
    """Pay it by another number, and see that the money moved once."""
    world.later(1)
    world.pay(session, "501")
    world.wait(5)
    assert statuses(session) == PAID
    assert [one.status for one in tries(session)] == ["failed", "succeeded"]
    audit()


@pytest.mark.parametrize("ending", [OTP, PAGE])
@pytest.mark.on_postgres
def test_what_can_be_called_off_is_left_at_once(world: World, ending: str) -> None:
    session = waiting(world, ending)
    assert abandonment.is_possible(latest(session))
    assert leave(world, session)
    assert (statuses(session), latest(session).failure_code) == (FAILED, "canceled")
    assert world.told()[-1] == "payment_intent.payment_failed"
    pay_again(world, session)


def test_a_card_at_its_bank_is_left_too(world: World) -> None:
    session = world.session()
    world.pay_by_card(session, "tok_test_3ds")
    assert leave(world, session)
    pay_again(world, session)


def test_a_prompt_on_a_phone_is_not_left(world: World) -> None:
    session = waiting(world, PROMPT)
    assert not abandonment.is_possible(latest(session))
    assert not leave(world, session)
    assert statuses(session) == WAITING
    with pytest.raises(Conflict):
        world.pay(session, "501")


@pytest.mark.parametrize("ending", ["004", "500"])
def test_neither_is_one_of_which_nobody_knows_or_that_is_paid(world: World, ending: str) -> None:
    session = world.session()
    world.pay(session, ending)
    world.later(4)
    assert not leave(world, session)
    world.wait(5, 10)
    assert leave(world, session)  # it has ended, and stays what it is
    assert statuses(session) == PAID
    audit()


def test_one_that_was_approved_a_moment_before_is_paid(world: World) -> None:
    troubled(world.config, "paid before")
    session = waiting(world)
    assert leave(world, session)
    assert statuses(session) == PAID
    with pytest.raises(Conflict):
        world.pay(session, "501")
    audit()


@pytest.mark.parametrize("trouble", ["lost on the way", "lost on the way back", "look-up lost"])
def test_without_an_answer_it_stays_as_it_is_and_is_asked_about(world: World, trouble: str) -> None:
    troubled(world.config, trouble)
    session = waiting(world)
    assert not leave(world, session)
    assert statuses(session) == WAITING
    with pytest.raises(Conflict):
        world.pay(session, "501")
    world.work()  # it is asked about at once
    assert statuses(session) == (WAITING if trouble == "lost on the way" else FAILED)
    world.later(4)
    assert leave(world, session)
    pay_again(world, session)


def test_who_is_killed_between_the_cancellation_and_the_look_up_loses_nothing(world: World) -> None:
    troubled(world.config, "killed before the look-up")
    session = waiting(world)
    with pytest.raises(Killed):
        leave(world, session)
    assert statuses(session) == WAITING
    world.wait(5, 10)
    assert statuses(session) == FAILED
    pay_again(world, session)


def test_a_callback_may_come_in_between(world: World) -> None:
    troubled(world.config, "callback in between")
    session = waiting(world)
    assert leave(world, session)
    assert statuses(session) == FAILED
    assert world.told().count("payment_intent.payment_failed") == 1
    pay_again(world, session)


def test_a_callback_that_says_paid_after_all_pays(world: World) -> None:
    """The provider broke its word. Both payments are known, and the second one goes back."""
    session = waiting(world)
    assert leave(world, session)
    first = latest(session)
    world.later(1)
    world.pay(session, "501")
    world.wait(5)
    paid = Outcome(result=Result.SUCCEEDED, money=Money(first.amount, first.currency))
    settlement.apply(first.id, paid, world.now, settlement.Source.CALLBACK)
    assert statuses(session)[1:] == PAID[1:]
    assert [(one.counted, one.held) for one in tries(session)] == [(0, 5_000), (5_000, 0)]


@pytest.mark.on_postgres
def test_of_eight_tabs_one_leaves_and_all_see_that_it_has_ended(world: World) -> None:
    session = waiting(world)
    results = together(8, lambda _: leave(world, session))
    assert set(names(results)) <= {"True", "False"}
    assert statuses(session) == FAILED
    assert leave(world, session)
    assert world.told().count("payment_intent.payment_failed") == 1
    pay_again(world, session)


def test_an_old_tab_does_not_end_what_another_one_has_begun_since(world: World) -> None:
    session = waiting(world)
    old = abandonment.name_of(latest(session))
    assert leave(world, session)
    world.later(4)
    world.pay(session, OTP)
    assert abandonment.abandon(session.id, old, world.now)
    assert statuses(session) == WAITING


@pytest.mark.on_postgres
def test_who_presses_again_and_again_asks_every_few_seconds(world: World) -> None:
    troubled(world.config, "lost on the way")
    session = waiting(world)
    assert [leave(world, session) for _ in range(3)] == [False] * 3
    assert statuses(session) == WAITING
    world.later(4)
    assert leave(world, session)


@pytest.mark.on_postgres
def test_a_code_that_is_sent_meanwhile_pays_or_does_not(world: World) -> None:
    session = waiting(world, OTP)

    def act(number: int) -> None:
        if number:
            leave(world, session)
        else:
            attempts.submit_otp(session.id, "123456", world.now)

    results = together(2, act)
    assert all(not isinstance(one, Exception) or isinstance(one, (Conflict, Declined)) for one in results)
    world.wait(5, 10, 60)
    assert statuses(session) in (PAID, FAILED)
    audit()


def test_after_it_the_sessions_time_goes_on(world: World) -> None:
    session = waiting(world)
    leave(world, session)
    world.wait(90_000)
    assert statuses(session) == ("failed", "canceled", "expired", "unpaid")


def test_an_unknown_session_is_unknown(world: World) -> None:
    with pytest.raises(NotFound):
        abandonment.abandon("cs_0000000000000000", "00000000", world.now)
