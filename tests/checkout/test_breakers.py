"""An account that does not answer is left alone for a while; what is on its way is looked up as ever."""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest

from ikawaari import clock, errors, store
from ikawaari.checkout import (
    account_setup,
    accounts,
    attempts,
    breakers,
    callbacks,
    public_view,
    routing,
    settlement,
    snapshots,
)
from ikawaari.checkout.breakers import Reason
from ikawaari.errors import Conflict, Declined, Unavailable
from ikawaari.providers.base import Account, Charge, FailureCode, Outcome, Report, Result, refused, unknown
from ikawaari.providers.outcomes import failed, succeeded
from ikawaari.store.models import Breaker, CheckoutSession, Event, Invoice, PaymentAttempt, ProviderOrder, Subscription
from tests import accounts as providers
from tests import factories, statements
from tests.accounts import Aggregator, Cards, Direct
from tests.world import PAID, UNKNOWN, Killed, World, latest, message_of, names, statuses, together, tries

ORANGE, WAVE = "orange_sn", "wave_sn"
UNANSWERED = unknown("HTTP 500")
UNAVAILABLE = refused(FailureCode.PROVIDER_UNAVAILABLE, "ConnectionRefusedError")
DECLINED = failed(FailureCode.INSUFFICIENT_FUNDS)
Says = Outcome | Callable[[Charge], Outcome]
REST = timedelta(seconds=59)  # from a second after it opened
_numbers = itertools.count(10_000)


class Scripted:
    """What a provider answers to charges, and which it was asked for."""

    says: ClassVar[list[Says]] = []  # the next answers; then it takes the money
    second: ClassVar[list[Outcome]] = []  # those of the other provider
    asked: ClassVar[list[tuple[str, str]]] = []  # account and charge


class Operator(Direct):
    """A provider that answers as scripted."""

    name = "direct"

    def charge(self, account: Account, request: Any, now: datetime) -> Outcome:
        """As scripted."""
        Scripted.asked.append((account.id, request.id))
        says = Scripted.says.pop(0) if Scripted.says else paid_in_full(request)
        return says if isinstance(says, Outcome) else says(request)

    def lookup(self, account: Account, request: Charge, now: datetime) -> Outcome:
        """All that it was asked for was paid, as it finds out later."""
        return paid_in_full(request)

    def parse_callback(self, account: Account, request: Any, now: datetime) -> list[Any]:
        """The charge could not be taken: the operator does not work."""
        charge_id = request.body.decode()
        outcome = failed(FailureCode.PROVIDER_UNAVAILABLE, "DOWN")
        return [Report(event_id=charge_id, charge_id=charge_id, outcome=outcome)]


class Second(Aggregator):
    """Another provider, with a script of its own."""

    def charge(self, account: Account, request: Any, now: datetime) -> Outcome:
        """As scripted."""
        Scripted.asked.append((account.id, request.id))
        return Scripted.second.pop(0) if Scripted.second else paid_in_full(request)


class Card(Cards):
    """The same for cards."""

    charge = Operator.charge  # type: ignore[assignment]


def paid_in_full(request: Charge) -> Outcome:
    """All of it was taken."""
    return succeeded(str(request.money.amount), request.money.currency, reference=request.id)


def raising(_request: Charge) -> Outcome:
    """The adapter has a bug."""
    raise ValueError("odd")


@pytest.fixture
def house(world: World) -> Iterator[World]:
    """A house with one live account."""
    Scripted.says.clear()
    Scripted.asked.clear()
    providers.install(world.config, Operator, Second, Card)
    providers.add(world.config)
    yield world
    assert not Scripted.says, "the script was not played to its end"


@pytest.fixture
def account(house: World) -> str:
    """Its id."""
    return next(iter(accounts.known().channels))


def session_of(world: World, **overrides: Any) -> CheckoutSession:
    """A live session."""
    return factories.session(world.merchant, livemode=True, **overrides)


def pay(world: World, says: Says | None = None, operator: str = ORANGE) -> CheckoutSession:
    """One payer more, whose charge is answered so."""
    if says is not None:
        Scripted.says.append(says)
    session = session_of(world)
    request = factories.pay_request(f"+22177{next(_numbers):05}50"[:13], operator)
    with suppress(Declined):
        attempts.pay(session.id, request, world.now)
    return session


def play(world: World, answers: Sequence[Says]) -> list[bool]:
    """So many payers, a second after each other. Whether the operator is down after each."""
    found = []
    for says in answers:
        pay(world, says)
        found.append(is_down())
        world.later(1)
    return found


def is_down(operator: str | None = ORANGE) -> bool:
    """Whether the first account is not asked for that operator's payers now."""
    return routing.is_down(next(iter(accounts.known().channels)), operator)


def broken(world: World) -> None:
    """The operator is down, as five payers have found out."""
    assert play(world, [UNANSWERED] * breakers.IN_A_ROW)[-1]


# ---------------------------------------------------------------- opening


@pytest.mark.parametrize(
    "says",
    [UNANSWERED, UNAVAILABLE, failed(FailureCode.PROVIDER_UNAVAILABLE), raising],
    ids=["unknown", "refused", "failed", "bug"],
)
def test_five_technical_results_in_a_row_open_it(house: World, account: str, says: Says) -> None:
    assert play(house, [says] * 5) == [False] * 4 + [True]
    times = {"since": clock.iso(house.now - timedelta(seconds=1)), "next_trial": clock.iso(house.now + REST)}
    assert breakers.listed() == {account: {ORANGE: {"reason": "failures", **times}}}
    assert account_setup.listed()[0]["breakers"] == breakers.listed()[account]


@pytest.mark.parametrize(
    "says",
    [
        paid_in_full,
        DECLINED,
        refused(FailureCode.INVALID_AMOUNT),
        refused(FailureCode.CONFIGURATION_ERROR),
        Outcome(result=Result.PROCESSING, reference="r"),
    ],
    ids=["paid", "declined", "refused", "configuration", "processing"],
)
def test_an_answer_ends_the_row(house: World, says: Says) -> None:
    assert not any(play(house, [*[UNANSWERED] * 4, says, *[UNANSWERED] * 4]))


@pytest.mark.parametrize(
    "says",
    [
        DECLINED,
        refused(FailureCode.CONFIGURATION_ERROR),
        refused(FailureCode.INVALID_PHONE),
        failed(FailureCode.UNKNOWN),
    ],
    ids=lambda outcome: outcome.failure.value,
)
def test_a_hundred_declines_leave_it_closed(house: World, says: Outcome) -> None:
    assert not any(play(house, [says] * 100))
    assert not Breaker.select().exists()


def test_sixty_percent_of_ten_open_it(house: World) -> None:
    assert play(house, ([UNANSWERED, UNANSWERED, UNANSWERED, DECLINED] * 3)[:10]) == [False] * 9 + [True]


def test_less_than_sixty_percent_do_not(house: World) -> None:
    assert not any(play(house, [UNANSWERED, DECLINED] * 15))


def test_what_is_older_than_five_minutes_does_not_count_for_the_rate(house: World) -> None:
    play(house, [UNANSWERED, UNANSWERED, UNANSWERED, DECLINED] * 2)
    house.later(300)
    assert not any(play(house, [UNANSWERED, UNANSWERED, DECLINED]))


def test_what_is_older_than_an_hour_does_not_count_for_the_row(house: World) -> None:
    play(house, [UNANSWERED] * 4)
    house.later(3_600)
    assert play(house, [UNANSWERED] * 5) == [False] * 4 + [True]


def test_an_operator_that_is_down_takes_no_other_one_along(house: World) -> None:
    broken(house)
    assert is_down(ORANGE)
    assert not is_down(WAVE)
    assert statuses(pay(house, operator=WAVE)) == PAID


def test_cards_have_a_breaker_of_their_own(house: World) -> None:
    cards = providers.add(house.config, "cards")
    Scripted.says += [UNANSWERED] * 5
    for number in range(5):
        attempts.pay(session_of(house).id, factories.card_request(f"tok_test_{number}"), house.now)
    assert routing.is_down(cards.id, None)
    assert list(breakers.listed()[cards.id]) == ["cards"]
    assert not is_down(ORANGE)


def test_test_mode_has_none(house: World) -> None:
    providers.add(house.config, livemode=False)
    for number in range(6):
        Scripted.says.append(UNANSWERED)
        attempts.pay(house.session().id, factories.pay_request(f"+2217711{number:02}500"), house.now)
    assert not Breaker.select().exists()


def test_news_that_the_operator_could_not_take_it_counts_once_for_each_charge(house: World, account: str) -> None:
    sessions = [pay(house, Outcome(result=Result.PROCESSING)) for _ in range(5)]
    found = []
    for session in sessions:
        for _ in range(2):
            callbacks.receive(account, message_of(latest(session).id.encode()), house.now)
        found.append(is_down())
    assert found == [False] * 4 + [True]


def test_what_we_did_not_send_does_not_count(house: World) -> None:
    sessions = [pay(house, UNANSWERED) for _ in range(4)]
    assert not is_down()
    ours = pay(house, Outcome(result=Result.PROCESSING))
    for raw_code in settlement.OWN_CODES:
        settlement.apply(latest(ours).id, failed(FailureCode.PROVIDER_UNAVAILABLE, raw_code), house.now)
        breakers.heed(latest(ours), failed(FailureCode.PROVIDER_UNAVAILABLE, raw_code), answers_charge=False)
    assert not is_down()
    assert [statuses(session) for session in sessions] == [UNKNOWN] * 4


# ---------------------------------------------------------------- open


def test_without_another_account_nothing_is_asked_nor_stored(house: World) -> None:
    broken(house)
    session, before = session_of(house), (PaymentAttempt.select().count(), Event.select().count())
    with pytest.raises(Unavailable) as refusal:
        attempts.pay(session.id, factories.pay_request(), house.now)
    assert (refusal.value.code, refusal.value.retryable) == ("IKW-SYS-003", False)
    assert list(refusal.value.details) == ["payment_method"]
    assert len(Scripted.asked) == 5
    assert (PaymentAttempt.select().count(), Event.select().count()) == before


def test_another_account_takes_over(house: World, account: str) -> None:
    other = providers.add(house.config, "aggregator")
    broken(house)
    assert statuses(pay(house)) == PAID
    assert Scripted.asked[-1][0] == other.id
    wanted = routing.Wanted(
        merchant_id=None, livemode=True, method_type="mobile_money", operator=ORANGE, currency="XOF"
    )
    found = {one.id: reason for one, reason in routing.explained(wanted)}
    assert found[other.id] is None
    assert "breaker" in str(found[account])


def prefer(*account_ids: str) -> None:
    """From now on they are asked in this order."""
    with store.atomic():
        accounts.changed()
        ProviderOrder.create(operator=ORANGE, accounts=list(account_ids))
    accounts.forget()


def test_a_refused_charge_is_not_passed_on_to_it(house: World, account: str) -> None:
    other = providers.add(house.config, "aggregator")
    broken(house)
    prefer(other.id, account)
    for seconds in (1, 60):  # not even as the one that may pass
        house.later(seconds)
        Scripted.second.append(UNAVAILABLE)
        asked = len(Scripted.asked)
        session = pay(house)
        assert ([attempt.status for attempt in tries(session)], len(Scripted.asked) - asked) == (["failed"], 1)


def test_the_page_shows_it_last_and_disabled(house: World) -> None:
    session = session_of(house)

    def shown() -> list[tuple[str, bool]]:
        method, *_ = public_view.public(snapshots.of(session), house.now)["payment_methods"]
        (senegal,) = [country for country in method["countries"] if country["country"] == "SN"]
        return [(operator["id"], operator["available"]) for operator in senegal["operators"]]

    before = shown()
    assert before[0] == (ORANGE, True)
    broken(house)
    assert shown() == [*before[1:], (ORANGE, False)]
    house.later(60)
    assert shown() == before, "somebody has to try it"
    house.later(-60)
    providers.add(house.config, "aggregator")
    assert shown() == before, "another account takes it"


def test_a_renewal_waits_in_silence(house: World) -> None:
    session = session_of(house, mode="subscription", recurring={"interval": "month", "interval_count": 1})
    attempts.pay(session.id, factories.pay_request(), house.now)
    house.work()
    subscription = Subscription.get()
    house.later((subscription.current_period_end - house.now).total_seconds() - 10)
    broken(house)
    told = Event.select().count()
    for _ in range(5):
        open_until(house, house.now + timedelta(days=1))
        house.wait(1_000)
    invoice = Invoice.get(Invoice.period == 2)
    assert (invoice.status, invoice.first_tried_at, Subscription.get().status) == ("open", None, "active")
    new = [event.type for event in Event.select().order_by(Event.sequence)][told:]
    assert "invoice.payment_failed" not in new
    open_until(house, house.now)
    house.wait(6 * 3_600)
    assert Invoice.get_by_id(invoice.id).status == "paid"


def open_until(world: World, trial_at: datetime) -> None:
    """The operator is down until then."""
    with store.atomic():
        accounts.changed()
        Breaker.update(next_trial_at=trial_at).execute()
    accounts.forget()


def test_what_is_on_its_way_is_looked_up_as_ever(house: World) -> None:
    sessions = [pay(house, UNANSWERED) for _ in range(5)]
    assert is_down()
    open_until(house, house.now + timedelta(days=1))
    house.wait(6)
    assert [statuses(session) for session in sessions] == [PAID] * 5
    assert is_down(), "what began before says nothing of now"


# ---------------------------------------------------------------- half-open


def test_after_sixty_seconds_one_charge_passes_and_an_answer_closes_it(house: World) -> None:
    broken(house)
    house.later(58)
    with pytest.raises(Unavailable):
        attempts.pay(session_of(house).id, factories.pay_request(), house.now)
    house.later(1)
    assert statuses(pay(house)) == PAID
    assert not is_down()
    assert not breakers.listed()
    assert statuses(pay(house)) == PAID


@pytest.mark.parametrize("says", [DECLINED, Outcome(result=Result.PROCESSING, reference="r")], ids=["failed", "waits"])
def test_any_answer_closes_it(house: World, says: Outcome) -> None:
    broken(house)
    house.later(60)
    pay(house, says)
    assert not is_down()


def test_another_silence_begins_the_rest_again(house: World) -> None:
    broken(house)
    for _ in range(3):
        house.later(60)
        assert not is_down()
        pay(house, UNANSWERED)
        assert is_down()
        house.later(59)
        assert is_down()
        house.later(-59)
    assert len(Scripted.asked) == 8


def test_what_came_before_it_closed_does_not_open_it_again(house: World) -> None:
    broken(house)
    house.later(60)
    pay(house)
    house.later(1)
    assert play(house, [UNANSWERED] * 5) == [False] * 4 + [True]


def test_while_the_one_is_on_its_way_nobody_else_passes(house: World) -> None:
    broken(house)
    house.later(60)
    others: list[object] = []

    def slowly(request: Charge) -> Outcome:
        with pytest.raises(Unavailable):
            attempts.pay(session_of(house).id, factories.pay_request(), house.now)
        others.append(is_down())
        return paid_in_full(request)

    assert statuses(pay(house, slowly)) == PAID
    assert others == [True]
    assert not is_down()


def test_a_claim_that_comes_to_nothing_gives_it_back(house: World) -> None:
    broken(house)
    house.later(60)

    def refuse(_stored: str) -> None:
        raise Conflict(errors.KEY_REUSED)

    for _ in range(3):
        with pytest.raises(Conflict):
            attempts.pay(session_of(house).id, replace(factories.pay_request(), once=refuse), house.now)
    assert len(Scripted.asked) == 5
    assert statuses(pay(house)) == PAID


def test_should_the_one_be_lost_the_next_passes_later(house: World) -> None:
    broken(house)
    house.later(60)

    def die(_request: Charge) -> Outcome:
        raise Killed

    with pytest.raises(Killed):
        pay(house, die)
    assert is_down()
    house.later(60)
    assert not is_down()
    assert statuses(pay(house)) == PAID


@pytest.mark.on_postgres
def test_of_many_at_once_exactly_one_passes(house: World) -> None:
    broken(house)
    house.later(60)
    sessions = [session_of(house) for _ in range(12)]
    requests = [factories.pay_request(f"+22176{next(_numbers):05}50"[:13]) for _ in sessions]
    gate = threading.Event()

    def wait(request: Charge) -> Outcome:
        gate.wait(5)
        return paid_in_full(request)

    def one(number: int) -> None:
        try:
            attempts.pay(sessions[number].id, requests[number], house.now)
        finally:
            if number:  # whoever is refused is so while the one is on its way
                refused_ones.append(number)
            if len(refused_ones) >= 11:
                gate.set()

    refused_ones: list[int] = []
    Scripted.says.append(wait)
    results = together(12, one)
    assert names(results)["None"] == 1, results
    assert len(Scripted.asked) == 6
    assert not is_down()


# ---------------------------------------------------------------- what it may cost


def test_a_payment_that_succeeds_writes_nothing_of_it(house: World) -> None:
    pay(house)
    with statements.sent() as sent:
        assert statuses(pay(house)) == PAID
    assert not [text for text in sent if "breakers" in text]


def test_a_breaker_that_cannot_be_written_harms_no_payment(house: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breakers, "_are_too_many", lambda *_: 1 / 0)
    sessions = [pay(house, UNANSWERED) for _ in range(6)]
    assert [statuses(session) for session in sessions] == [UNKNOWN] * 6
    assert not is_down()


@pytest.mark.on_postgres
def test_many_that_open_it_at_once_open_it_once(house: World, account: str) -> None:
    results = together(8, lambda _: breakers.open_now((account, ORANGE), Reason.FAILURES))
    assert results == [None] * 8
    assert Breaker.select().count() == 1
    house.later(10)
    breakers.open_now((account, ORANGE), Reason.CLOSED)
    row = Breaker.get()
    assert (row.reason, row.next_trial_at - house.now) == ("failures", timedelta(seconds=50))


def test_accounts_are_listed_with_their_last_success_by_one_statement(house: World, account: str) -> None:
    others = {providers.add(house.config, "aggregator").id for _ in range(3)}
    pay(house)
    house.later(5)
    pay(house)
    paid_at = house.now
    house.later(5)
    pay(house, DECLINED)
    accounts.known()
    with statements.sent() as asked:
        listed = {str(one["id"]): one["last_success"] for one in account_setup.listed()}
    assert listed == {account: clock.iso(paid_at), **dict.fromkeys(others)}
    assert len(asked) == 1
