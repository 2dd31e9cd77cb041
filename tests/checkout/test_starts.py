"""An attempt begins with a claim, and is published with the first report about it: once, first, and at once.

And what a payer's request has read before the claim may be old by then: the claim finds out.
"""

from dataclasses import replace
from typing import Any

import pytest

from ikawaari import clock, store
from ikawaari.checkout import attempts, budgets, enquiry, intents, merchant_view, sessions, settlement
from ikawaari.checkout.snapshots import PaymentSnapshot, Snapshot
from ikawaari.errors import Conflict, Declined, Gone
from ikawaari.money import Money
from ikawaari.providers.base import FailureCode, Outcome, Result
from ikawaari.providers.sandbox import ledger
from ikawaari.store.models import CheckoutSession, Event, PaymentAttempt, PaymentIntent
from tests import factories
from tests import world as worlds
from tests.world import FAILED, PAID, Killed, World, audit, intent, latest, refunds, statuses, together, tries

BEGUN, PAYS, FAILS = "payment_intent.processing", "payment_intent.succeeded", "payment_intent.payment_failed"
OPENED = ["payment_intent.created", "checkout.session.created"]
TAKEN = Outcome(result=Result.SUCCEEDED, money=Money(5_000, "XOF"))


def begun(world: World) -> list[str]:
    """What was published since the session was opened."""
    told = world.told()
    assert told[:2] == OPENED
    return told[2:]


@pytest.mark.parametrize(
    ("ending", "at_once"),
    [
        ("500", [BEGUN, "payment_intent.requires_action"]),
        ("004", [BEGUN]),  # no answer: it is neither paid nor failed
        ("011", [BEGUN, "payment_intent.requires_action"]),
    ],
)
def test_a_payment_that_is_not_over_is_published_at_once(world: World, ending: str, at_once: list[str]) -> None:
    world.pay(world.session(), ending)
    assert begun(world) == at_once
    attempt = PaymentAttempt.get()
    for result in (Result.PROCESSING, Result.UNKNOWN, Result.NOT_FOUND):
        settlement.apply(attempt.id, Outcome(result=result), world.now)
    assert begun(world).count(BEGUN) == 1


def test_a_code_that_is_sent_is_no_second_start(world: World) -> None:
    session = world.session()
    world.pay(session, "009")
    attempts.submit_otp(session.id, "123456", world.now)
    world.wait(6)
    assert statuses(session) == PAID
    assert begun(world).count(BEGUN) == 1


def test_each_attempt_of_an_intent_has_a_start(world: World) -> None:
    session = world.session()
    for token in ("tok_test_declined", "tok_test_declined"):
        with pytest.raises(Declined):
            world.pay_by_card(session, token)
    world.pay_by_card(session)
    assert begun(world) == [BEGUN, FAILS, BEGUN, FAILS, BEGUN, PAYS, "checkout.session.completed"]


def test_it_shows_the_intent_and_the_attempt_as_they_were_claimed(world: World) -> None:
    world.pay_by_card(world.session())
    shown = Event.get(Event.type == BEGUN)
    assert '"status":"processing"' in shown.body
    assert '"status":"submitting"' in shown.body
    assert '"status":"succeeded"' not in shown.body


@pytest.mark.parametrize(
    ("when", "told"), [("before", [BEGUN, FAILS]), ("after", [BEGUN, PAYS, "checkout.session.completed"])]
)
def test_of_a_process_killed_around_the_charge_the_enquiry_publishes_it_once_and_first(
    world: World, when: str, told: list[str]
) -> None:
    worlds.dying(world.config, when)
    with pytest.raises(Killed):
        world.pay_by_card(world.session())
    assert begun(world) == []  # nothing was reported yet
    world.wait(5, 5, 5, 10, 30, 60, 600, 3600)
    assert begun(world) == told
    audit()


def test_a_callback_that_comes_before_the_answer_publishes_it(world: World) -> None:
    worlds.dying(world.config, "after")
    with pytest.raises(Killed):
        world.pay_by_card(world.session())
    settlement.apply(PaymentAttempt.get().id, TAKEN, world.now, settlement.Source.CALLBACK)
    assert begun(world) == [BEGUN, PAYS, "checkout.session.completed"]


def test_nothing_begins_after_an_earlier_attempt_has_paid(world: World) -> None:
    """A provider corrects the first attempt while the second one is on its way: the intent is paid, and stays so."""
    session = world.session()
    with pytest.raises(Declined):
        world.pay_by_card(session, "tok_test_declined")
    world.later(1)
    worlds.dying(world.config, "before")
    with pytest.raises(Killed):
        world.pay_by_card(session)
    first, second = tries(session)
    settlement.apply(first.id, TAKEN, world.now)
    settlement.apply(second.id, Outcome(result=Result.FAILED, failure=FailureCode.CARD_DECLINED), world.now)
    assert begun(world) == [BEGUN, FAILS, PAYS, "checkout.session.completed"]
    assert (intent(session).status, latest(session).status) == ("succeeded", "failed")


# ---------------------------------------------------------------- what was read before the claim


def read(world: World, **fields: Any) -> PaymentSnapshot:
    """A session as a payer's request reads it, before anything else."""
    return sessions.look_up_for_payment(world.session(**fields).id, world.now)


def press(shown: PaymentSnapshot, **fields: Any) -> Snapshot | None:
    """Pay by card, on the strength of what was read."""
    return attempts.pay_once(shown, factories.card_request(**fields), None, clock.now())


@pytest.mark.parametrize("deferred", [False, True])
def test_who_has_not_seen_the_latest_attempt_is_refused_and_not_charged(world: World, *, deferred: bool) -> None:
    """Two presses at once: the second one has read the session before the first one was declined."""
    shown = read(world, defer_payment_intent_creation=deferred)
    with pytest.raises(Declined):
        world.pay_by_card(shown.session, "tok_test_declined")
    with pytest.raises(Conflict) as refused:
        press(shown)
    assert refused.value.code == "IKW-RES-003"
    assert statuses(shown.session) == FAILED
    assert len(list(ledger.entries())) == len(tries(shown.session)) == 1
    world.later(1)
    press(sessions.look_up_for_payment(shown.session.id, world.now))
    assert statuses(shown.session) == PAID
    audit()


@pytest.mark.on_postgres
def test_no_budget_is_passed_by_presses_that_were_all_read_before_the_first_one(world: World) -> None:
    budgets.configure(replace(world.config, tries_per_session=2, declines_per_card=0))
    session = world.session()
    read_at_once = [sessions.look_up_for_payment(session.id, world.now) for _ in range(6)]

    def pressed(number: int) -> None:
        attempts.pay_once(read_at_once[number], factories.card_request("tok_test_declined"), None, world.now)

    results = together(6, pressed)
    assert sorted(type(result).__name__ for result in results) == ["Conflict"] * 5 + ["Declined"]
    assert len(tries(session)) == 1


@pytest.mark.parametrize("deferred", [False, True])
def test_who_has_not_seen_that_it_is_paid_is_told_so(world: World, *, deferred: bool) -> None:
    shown = read(world, defer_payment_intent_creation=deferred)
    world.pay_by_card(shown.session)
    with pytest.raises(Conflict) as refused:
        press(shown)
    assert refused.value.code == "IKW-RES-004"
    assert len(tries(shown.session)) == 1


def test_who_has_not_seen_that_it_has_ended_is_told_so(world: World) -> None:
    shown, late = read(world), read(world)
    sessions.expire(CheckoutSession.get_by_id(shown.session.id), world.now)
    with pytest.raises(Gone):
        press(shown)
    world.later(86_401)  # its body was sent slowly
    with pytest.raises(Gone):
        press(late)
    assert PaymentAttempt.select().count() == 0


def test_an_intent_that_cannot_be_paid_is_not_claimed(world: World) -> None:
    """Nothing but the payable statuses is claimed, whatever another move to `processing` would allow."""
    session = world.session()
    world.pay(session, "009")
    waiting = intent(session)
    assert waiting.status == "requires_action"
    with store.atomic():
        assert not intents.claim(waiting, Money(5_000, "XOF"))
    for status in ("canceled", "succeeded", "processing"):
        stale = PaymentIntent.get_by_id(waiting.id)
        stale.status = status
        with store.atomic():
            assert not intents.claim(stale, Money(5_000, "XOF"))
    assert intent(session).status == "requires_action"


# ---------------------------------------------------------------- what is answered without another look


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"defer_payment_intent_creation": True},
        {"amount": None, "amount_min": 100},
        {"mode": "subscription", "recurring": {"interval": "month", "interval_count": 1}},
        {"line_items": [{"name": "Cloth", "amount": 2_500, "quantity": 2}]},
        {"metadata": {"order": "7"}, "customer_email": "awa@example.com"},
    ],
    ids=str,
)
@pytest.mark.parametrize("how", ["tok_test_card", "500", "004"])
def test_what_is_answered_is_what_is_stored(world: World, fields: dict[str, Any], how: str) -> None:
    customer = {"name": "Awa", "email": "awa@example.com"}
    own: dict[str, Any] = {"customer": customer, **({"amount": 3_000} if "amount" in fields else {})}
    pay = (
        factories.card_request(**own) if how.startswith("tok_") else factories.pay_request(factories.phone(how), **own)
    )
    shown = attempts.pay_once(read(world, **fields), pay, None, world.now)
    if fields.get("mode") == "subscription":
        assert shown is None  # it may have started a subscription
        return
    assert shown is not None
    stored = sessions.look_up_for_payment(shown.session.id, world.now)
    assert merchant_view.checkout_session(shown) == merchant_view.checkout_session(stored)
    for row, same in ((shown.session, stored.session), (shown.intent, stored.intent)):
        assert row is not None
        assert same is not None
        assert row.__data__ == same.__data__
    assert [row.__data__ for row in shown.attempts] == [row.__data__ for row in stored.attempts]


def test_what_had_to_be_undone_is_read_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = read(world)
    with monkeypatch.context() as patch:
        patch.setattr(sessions, "try_complete", lambda *_args, **_changes: 1 / 0)
        assert press(shown) is None
    assert statuses(shown.session)[:2] == ("succeeded", "succeeded")
    world.wait(31)
    assert statuses(shown.session) == PAID


# ---------------------------------------------------------------- when it was stored


@pytest.mark.on_postgres
def test_an_attempt_carries_the_time_of_the_shared_clock(world: World) -> None:
    """On PostgreSQL the server writes it: this machine's clock may be an hour ahead."""
    store.shared_clock.use(None)
    try:
        before = store.shared_clock.now()
        session = world.session()
        world.pay(session, "011")
        attempt = latest(session)
        assert before <= attempt.submitted_at <= store.shared_clock.now()
        assert (attempt.submitted_at == world.now) == (not store.is_postgres())
    finally:
        store.shared_clock.use(clock.now)


def test_two_charges_of_one_reference_are_both_booked(world: World) -> None:
    """The reference is written with the move; where it cannot be, the money is booked without it."""
    first, second = world.session(), world.session()
    for session in (first, second):
        world.pay(session, "011")
    for session in (first, second):
        settlement.apply(latest(session).id, replace(TAKEN, reference="same"), world.now)
    assert [statuses(session) for session in (first, second)] == [PAID, PAID]
    assert latest(first).provider_reference == "same"
    assert latest(second).provider_reference not in (None, "same")
    assert enquiry.enquire(latest(second).id, world.now) is None
    assert not refunds()
