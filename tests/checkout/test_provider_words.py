"""What a provider wants to be kept comes back to it, whatever the status does, and is shown to nobody."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from ikawaari.checkout import callbacks, manual, notes, refunds, snapshots
from ikawaari.checkout.refunds import NewRefund
from ikawaari.errors import Conflict, Declined
from ikawaari.invariants import present
from ikawaari.money import Money
from ikawaari.providers import registry
from ikawaari.providers.base import (
    Account,
    Charge,
    FailureCode,
    Hint,
    Outcome,
    RefundOrder,
    Report,
    Result,
    SavedMethod,
    refused,
    unknown,
)
from ikawaari.providers.capabilities import Refunds
from ikawaari.providers.outcomes import succeeded
from ikawaari.providers.sandbox import Sandbox, ledger
from ikawaari.store.models import DueWork, Refund
from tests.world import PAID, World, audit, fresh, intent, latest, message_of, statuses
from tests.world import refunds as all_refunds


class Talkative(Sandbox):
    """A provider that answers as it is told, and keeps what it was asked."""

    says: dict[str, Outcome]

    def __init__(self, world: World) -> None:
        super().__init__(world.config)
        self.asked: list[tuple[str, Charge | RefundOrder]] = []
        self.says = {}

    def charge(self, account: Account, request: Charge, now: datetime) -> Outcome:
        """As told."""
        return self._said("charge", request, lambda: super(Talkative, self).charge(account, request, now))

    def lookup(self, account: Account, request: Charge, now: datetime) -> Outcome:
        """As told."""
        return self._said("lookup", request, lambda: super(Talkative, self).lookup(account, request, now))

    def refund(self, account: Account, order: RefundOrder, now: datetime) -> Outcome:
        """As told."""
        return self._said("refund", order, lambda: super(Talkative, self).refund(account, order, now))

    def lookup_refund(self, account: Account, order: RefundOrder, now: datetime) -> Outcome:
        """As told."""
        return self._said("lookup_refund", order, lambda: super(Talkative, self).lookup_refund(account, order, now))

    def parse_callback(self, account: Account, request: Any, now: datetime) -> list[Any]:
        """A hint, or a report of a refund."""
        body = json.loads(request.body)
        if "result" not in body:
            return [Hint(**body)]
        money = Money(5_000, "XOF") if body["result"] == "succeeded" else None
        failure = None if money else FailureCode.UNKNOWN
        outcome = Outcome(result=Result(body["result"]), money=money, failure=failure)
        return [Report(event_id=body["event"], refund_id=body["refund"], outcome=outcome)]

    def calls(self, verb: str) -> list[Any]:
        """What that verb was given, each time."""
        return [value for name, value in self.asked if name == verb]

    def _said(self, verb: str, value: Charge | RefundOrder, otherwise: Any) -> Outcome:
        self.asked.append((verb, value))
        return self.says.pop(verb) if verb in self.says else otherwise()


@pytest.fixture
def provider(world: World) -> Talkative:
    """The only provider."""
    made = Talkative(world)
    registry.configure([made])
    return made


def asking(**more: Any) -> Outcome:
    """Still pending."""
    return Outcome(result=Result.PROCESSING, reference="r1", **more)


def paid(world: World) -> Any:
    """A session that a card has paid."""
    session = world.session()
    world.pay_by_card(session)
    return session


def now_of(refund: Refund) -> Refund:
    """The refund as it is stored."""
    found: Refund = Refund.get_by_id(refund.id)
    return found


def shown_to_operators(session: Any) -> Any:
    """The latest attempt, as `ikawaari attempts show` prints it."""
    return manual.history(latest(session).id)["attempt"]


def ask(world: World, session: Any) -> Refund:
    """A merchant's refund of all of it."""
    return refunds.create(world.owner, NewRefund(payment_intent=intent(session).id), world.now)


# ---------------------------------------------------------------- charges


def test_what_a_provider_wants_to_be_kept_comes_back_to_it(world: World, provider: Talkative) -> None:
    session = world.session()
    provider.says["charge"] = asking(provider_data={"token": "secret-1"})
    world.pay(session, "011")
    assert provider.calls("charge")[0].provider_data == {}
    provider.says["lookup"] = asking(provider_data={"token": "secret-2"})  # the status stays
    world.wait(6)
    world.wait(60)
    assert [call.provider_data for call in provider.calls("lookup")][:2] == [
        {"token": "secret-1"},
        {"token": "secret-2"},
    ]
    assert latest(session).provider_data == {"token": "secret-2"}


def test_an_outcome_without_words_leaves_them_as_they_are(world: World, provider: Talkative) -> None:
    session = world.session()
    provider.says["charge"] = asking(provider_data={"token": "secret-1"})
    world.pay(session, "011")
    provider.says["lookup"] = unknown("HTTP 500")
    world.wait(6)
    assert latest(session).provider_data == {"token": "secret-1"}


def test_a_try_that_failed_there_is_kept_until_another_one_does(world: World, provider: Talkative) -> None:
    session = world.session()
    provider.says["charge"] = asking()
    world.pay(session, "011")
    assert notes.of(snapshots.of(session)).last_error is None
    provider.says["lookup"] = asking(last_error=FailureCode.INSUFFICIENT_FUNDS)  # the status stays
    world.wait(6)
    assert notes.of(snapshots.of(session)).last_error is FailureCode.INSUFFICIENT_FUNDS
    provider.says["lookup"] = unknown("HTTP 500")
    world.wait(60)
    assert latest(session).last_error == "insufficient_funds"
    provider.says["lookup"] = asking(last_error=FailureCode.PAYER_LIMIT)
    world.wait(60)
    assert shown_to_operators(session)["last_error"] == "payer_limit"
    assert statuses(session)[0] == "processing"
    provider.says["lookup"] = succeeded("5000", "XOF", reference="r1")
    world.wait(3_600)
    assert statuses(session) == PAID
    assert notes.of(snapshots.of(session)) == notes.NONE, "what failed before a success is not told"


@pytest.mark.parametrize("at_once", [True, False])
def test_what_the_provider_keeps_is_shown_to_operators(world: World, provider: Talkative, at_once: bool) -> None:
    session = world.session()
    paid_one = replace(succeeded("5000", "XOF", reference="r1"), cost=Money(75, "XOF"))
    provider.says["charge"] = paid_one if at_once else asking()
    world.pay(session, "011")
    if not at_once:
        provider.says["lookup"] = paid_one
        world.wait(6)
    shown = shown_to_operators(session)
    assert (statuses(session), shown["cost_amount"], shown["cost_currency"]) == (PAID, 75, "XOF")


@pytest.mark.on_postgres
def test_a_saved_method_is_kept_with_the_payment_and_shown_to_nobody(world: World, provider: Talkative) -> None:
    session = world.session()
    card = SavedMethod(id="pm_secret", customer="cus_secret", brand="visa", last4="4242", exp_month=12, exp_year=2030)
    provider.says["charge"] = Outcome(
        result=Result.SUCCEEDED, money=Money(5_000, "XOF"), saved=card, provider_data={"secret": "client_secret"}
    )
    world.pay_by_card(session)
    attempt = latest(session)
    assert (statuses(session), attempt.saved_method["id"]) == (PAID, "pm_secret")
    assert "secret" not in json.dumps(manual.history(attempt.id)).replace('"saved_method": "…"', "")


def test_a_refused_charge_has_failed(world: World, provider: Talkative) -> None:
    """Of a card, which no other account can charge."""
    session = world.session()
    provider.says["charge"] = refused(FailureCode.CONFIGURATION_ERROR, "HTTP 401")
    with pytest.raises(Declined):
        world.pay_by_card(session)
    assert (latest(session).status, latest(session).failure_code) == ("failed", "configuration_error")
    world.later(1)
    world.pay_by_card(session)
    assert statuses(session) == PAID


# ---------------------------------------------------------------- refunds


def limit(provider: Talkative, **limits: Any) -> None:
    """Let the provider refund cards only so."""
    cards = replace(present(provider.capabilities.cards, "it takes cards"), **limits)
    provider.capabilities = replace(provider.capabilities, cards=cards)


def test_a_provider_that_returns_whole_payments_only_is_promised_nothing_less(
    world: World, provider: Talkative
) -> None:
    session = paid(world)
    limit(provider, refunds=Refunds.WHOLE)
    with pytest.raises(Conflict) as refusal:
        refunds.create(world.owner, NewRefund(payment_intent=intent(session).id, amount=4_999), world.now)
    assert (refusal.value.code, all_refunds()) == ("IKW-RES-005", [])
    ask(world, session)
    world.work()
    assert fresh(session).payment_status == "refunded"
    audit()


def test_a_payment_that_is_too_old_is_not_promised_back(world: World, provider: Talkative) -> None:
    session = paid(world)
    limit(provider, refundable_for=timedelta(days=1))
    world.later(86_401)
    with pytest.raises(Conflict):
        ask(world, session)
    assert all_refunds() == []


@pytest.mark.on_postgres
def test_a_refund_is_called_once_and_then_looked_up(world: World, provider: Talkative) -> None:
    session = paid(world)
    refund = ask(world, session)
    provider.says["refund"] = asking(provider_data={"batch": "7"})
    provider.says["lookup_refund"] = asking()
    world.work()
    world.wait(6)
    world.wait(10)
    (order,) = provider.calls("refund")
    assert (order.id, order.charge_reference) == (refund.sent_as, latest(session).provider_reference)
    assert order.id[14] == "4"  # a UUID of version 4
    first, *_ = provider.calls("lookup_refund")
    assert (first.id, first.reference, first.provider_data) == (order.id, "r1", {"batch": "7"})


def test_a_refund_that_never_arrived_is_asked_for_again_under_its_id(world: World, provider: Talkative) -> None:
    session = paid(world)
    ask(world, session)
    provider.says["refund"] = unknown("no answer")
    world.work()
    world.wait(6)
    assert len(provider.calls("refund")) == 1  # "not found" proves nothing while the call may be on its way
    world.wait(60)
    world.wait(60)
    assert [row.status for row in all_refunds()] == ["succeeded"]
    assert len({order.id for order in provider.calls("refund")}) == 1
    assert [entry["refunded"] for entry in ledger.entries()] == [5_000]
    audit()


def test_a_look_up_of_a_refund_without_an_answer_ends_nothing_and_sends_nothing(
    world: World, provider: Talkative
) -> None:
    session = paid(world)
    refund = ask(world, session)
    provider.says["refund"] = asking()
    world.work()
    for _ in range(4):
        provider.says["lookup_refund"] = unknown("no answer")
        world.wait(3_600)
    assert len(provider.calls("lookup_refund")) == 4
    assert (now_of(refund).status, len(provider.calls("refund"))) == ("pending", 1)
    provider.says["lookup_refund"] = Outcome(result=Result.SUCCEEDED, money=Money(5_000, "XOF"))
    world.wait(3_600)
    assert (now_of(refund).status, len(provider.calls("refund"))) == ("succeeded", 1)


@pytest.mark.on_postgres
def test_a_refund_that_was_refused_for_now_was_not_sent(world: World, provider: Talkative) -> None:
    session = paid(world)
    refund = ask(world, session)
    provider.says["refund"] = refused(FailureCode.PROVIDER_UNAVAILABLE)
    world.work()
    assert (now_of(refund).status, now_of(refund).sent_at) == ("pending", None)
    world.wait(6)
    assert (now_of(refund).status, provider.calls("lookup_refund")) == ("succeeded", [])
    audit()


def test_a_refund_that_was_refused_for_good_has_failed(world: World, provider: Talkative) -> None:
    session = paid(world)
    refund = ask(world, session)
    provider.says["refund"] = refused(FailureCode.NOT_ALLOWED)
    world.work()
    assert (now_of(refund).status, now_of(refund).failure_code) == ("failed", "not_allowed")
    audit()


@pytest.mark.on_postgres
def test_news_of_a_refund_comes_through_the_same_door(world: World, provider: Talkative) -> None:
    session = paid(world)
    refund = ask(world, session)
    provider.says["refund"] = asking()
    world.work()
    hear(world, result="succeeded", event="e1", refund=refund.sent_as)
    assert (now_of(refund).status, fresh(session).payment_status) == ("succeeded", "refunded")
    for _ in range(2):  # days later the bank sends it back: a look-up confirms what contradicts an end
        provider.says["lookup_refund"] = Outcome(result=Result.FAILED, failure=FailureCode.UNKNOWN)
        hear(world, result="failed", event="e2", refund=refund.sent_as)
        world.work()
    assert (now_of(refund).status, fresh(session).payment_status) == ("failed", "paid")
    assert world.told().count("refund.failed") == 1
    audit()


def test_news_of_a_refund_of_another_account_changes_nothing(world: World, provider: Talkative) -> None:
    session = paid(world)
    refund = ask(world, session)
    provider.says["refund"] = asking()
    world.work()
    latest(session).change(provider="acc_of_another")
    hear(world, result="succeeded", event="e1", refund=refund.sent_as)
    hear(world, refund_id=refund.sent_as)
    assert now_of(refund).status == "pending"


@pytest.mark.on_postgres
def test_a_hint_about_a_refund_makes_us_ask_at_once(world: World, provider: Talkative) -> None:
    session = paid(world)
    refund = ask(world, session)
    provider.says["refund"] = asking()
    world.work()
    hear(world, refund_id=refund.sent_as)
    assert DueWork.get(DueWork.kind == refunds.SEND).due_at == world.now


def hear(world: World, **body: Any) -> None:
    """Receive a callback."""
    callbacks.receive("sandbox", message_of(json.dumps(body).encode()), world.now)
