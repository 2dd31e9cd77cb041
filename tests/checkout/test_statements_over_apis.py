"""Statements without a file: what providers list over their APIs, against our books."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
import requests

from ikawaari import clock
from ikawaari.checkout import account_setup, cases, reconciliation, refunds
from ikawaari.checkout.account_setup import NewAccount
from ikawaari.checkout.reconciliation import Coverage, Summary
from ikawaari.checkout.refunds import NewRefund
from ikawaari.errors import NotFound
from ikawaari.providers.pawapay import statement
from ikawaari.providers.statements import NoStatement
from ikawaari.simulators.pawapay import PawaPay
from ikawaari.simulators.wave import Wave, rules
from ikawaari.store.models import PaymentAttempt, ReconciliationCase, Refund
from tests import factories, live_cards
from tests.checkout.test_corrected_refunds import quantities, states
from tests.live_cards import Cards
from tests.simulators.talking import Talk, talk
from tests.world import World, latest, statuses


@pytest.fixture
def cards(world: World) -> Iterator[Cards]:
    """The merchant's account at Stripe, whose events are lost."""
    with live_cards.opened(world) as opened:
        yield opened


def compare(world: World, account: str) -> tuple[Summary, Sequence[ReconciliationCase]]:
    """The account's own list of two hours, against the books."""
    span, summary = (world.now - timedelta(hours=1), world.now + timedelta(hours=1)), Summary()
    lines = reconciliation.listed(account, span, world.now)
    return summary, list(reconciliation.reconcile(account, lines, Coverage(span=span), summary, world.now))


@pytest.mark.on_postgres
def test_a_refund_made_in_stripes_dashboard_whose_events_were_lost_is_booked_once(cards: Cards) -> None:
    session = cards.session()
    cards.pay(session)
    attempt = latest(session)
    made = cards.call("POST", "/v1/refunds", {"payment_intent": str(attempt.provider_reference), "amount": "2000"})
    for _ in range(2):
        summary, found = compare(cards.world, attempt.provider)
        assert (summary.lines, summary.is_clean) == (2, True)
        assert [(case.kind, case.reference, case.closed_by) for case in found] in (
            [("missing_here", made["id"], cases.BY_ITSELF)],
            [],
        )
        cards.world.work()
    assert (states(), quantities(session)) == (["succeeded"], (2_000, 2_000, "partially_refunded"))
    assert (Refund.get().provider_reference, Refund.get().cost_amount) == (made["id"], 0)
    assert PaymentAttempt.get().cost_amount == 145


def test_a_payment_of_which_we_know_nothing_more_is_found_there(cards: Cards) -> None:
    session = cards.session()
    cards.sim.next("accepted_then_500", on="charge")
    cards.pay(session)
    assert statuses(session)[0] in {"unknown", "processing"}
    _, (case,) = compare(cards.world, latest(session).provider)
    assert (case.kind, case.closed_by, statuses(session)[0]) == ("missing_here", cases.BY_ITSELF, "succeeded")


def test_without_an_answer_nothing_is_compared(cards: Cards) -> None:
    session = cards.session()
    cards.pay(session)
    account = latest(session).provider
    cards.sim.next("500", on="report")
    with pytest.raises(NoStatement):
        compare(cards.world, account)
    assert (ReconciliationCase.select().count(), latest(session).listed_at) == (0, None)


def test_who_lists_nothing_says_so(world: World) -> None:
    with pytest.raises(NoStatement, match="use a file"):
        compare(world, "sandbox")
    with pytest.raises(NoStatement):
        reconciliation.listed("acc_nobody", (world.now, world.now), world.now)
    with pytest.raises(NotFound):
        reconciliation.require_account("acc_nobody")


# ---------------------------------------------------------------- Wave, whose refunds have no id of ours


@pytest.fixture
def wallet(world: World) -> Iterator[Talk]:
    """A wallet in Senegal, whose webhooks are lost."""
    with talk(Wave()) as sim:
        settings = sim.settings()
        new = NewAccount(provider="wave", merchant_id=None, country="SN", livemode=True, settings=settings)
        account_setup.add(new, world.config, clock.now())
        yield sim


def paid_at_wave(world: World) -> PaymentAttempt:
    """A payment that is approved there, of which we have not heard yet."""
    session = world.session(livemode=True)
    world.pay(session, operator="wave_sn")
    attempt = latest(session)
    answer = requests.post(attempt.next_action["redirect_to_url"]["url"], {"decision": "pay"}, timeout=10,
                           allow_redirects=False)  # fmt: skip
    assert answer.status_code == 303
    return attempt


@pytest.mark.on_postgres
def test_at_wave_a_lost_payment_and_a_refund_in_its_portal_are_found_and_booked_once(
    world: World, wallet: Talk
) -> None:
    attempt = paid_at_wave(world)
    for _ in range(2):
        summary, _ = compare(world, attempt.provider)
        assert (summary.lines, summary.is_clean) == (1, True)
    settled = PaymentAttempt.get_by_id(attempt.id)
    assert (settled.status, settled.amount_received, settled.cost_amount) == ("succeeded", 5_000, 50)
    key = {"Authorization": f"Bearer {rules.api_key('sn')}"}
    path = f"/v1/checkout/sessions/{attempt.provider_reference}/refund"
    assert requests.post(f"{wallet.base_url}{path}", headers=key, timeout=10).status_code == 200
    for _ in range(2):
        summary, _ = compare(world, attempt.provider)
        assert (summary.lines, summary.is_clean) == (2, True)
        world.work()
    refund = Refund.get()
    assert (refund.status, refund.amount, refund.cost_amount, refund.reason) == (
        "succeeded", 5_000, -50, "made_at_provider",
    )  # fmt: skip
    assert PaymentAttempt.get_by_id(attempt.id).returned == 5_000


def test_at_wave_a_refund_of_ours_is_the_one_of_the_statement(world: World, wallet: Talk) -> None:
    attempt = paid_at_wave(world)
    compare(world, attempt.provider)
    owner = factories.owner(world.merchant, livemode=True)
    refunds.create(owner, NewRefund(payment_intent=attempt.intent_id), world.now)
    world.wait(5, 10, 60)
    assert Refund.get().status == "succeeded"
    summary, found = compare(world, attempt.provider)
    assert (summary.matched, found, Refund.select().count()) == (2, [], 1)


# ---------------------------------------------------------------- pawaPay, whose statements are made first


@pytest.fixture
def pawapay(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Talk]:
    """An account for Senegal, whose callbacks are lost, and whose statements are asked for without waiting."""
    monkeypatch.setattr(statement, "_WAITS", (0.0,) * 3)
    with talk(PawaPay()) as sim:
        settings = sim.settings()
        new = NewAccount(provider="pawapay", merchant_id=None, country="SN", livemode=True, settings=settings)
        account_setup.add(new, world.config, clock.now())
        yield sim


def compare_a_past_day(world: World, account: str) -> tuple[Summary, Sequence[ReconciliationCase]]:
    """The hour until two hours ago, of which pawaPay says that it is listed whole."""
    span, summary = (world.now - timedelta(hours=3), world.now - timedelta(hours=2)), Summary()
    lines = reconciliation.listed(account, span, world.now)
    return summary, list(reconciliation.reconcile(account, lines, Coverage(span=span), summary, world.now))


@pytest.mark.on_postgres
def test_at_pawapay_a_lost_payment_is_found_and_booked_with_its_fee_and_a_failed_refund_is_no_case(
    world: World, pawapay: Talk
) -> None:
    session = world.session(livemode=True)
    world.pay(session)
    pawapay.advance(10)
    attempt = latest(session)
    assert attempt.status not in {"succeeded", "failed"}
    world.later(9_000)
    for count in (1, 0):
        summary, found = compare_a_past_day(world, attempt.provider)
        assert (summary.lines, summary.matched, summary.is_clean, len(found)) == (1, 1, True, count)
    settled = PaymentAttempt.get_by_id(attempt.id)
    assert (settled.status, settled.amount_received, settled.cost_amount) == ("succeeded", 5_000, 75)
    pawapay.next("fail", on="refund", code="UNSPECIFIED_FAILURE")
    owner = factories.owner(world.merchant, livemode=True)
    for amount in (1_000, 2_000):
        refunds.create(owner, NewRefund(payment_intent=attempt.intent_id, amount=amount), world.now)
        world.work()
        pawapay.advance(10)
        world.wait(60, 600)
    assert sorted(str(one.status) for one in Refund.select()) == ["failed", "succeeded"]
    world.later(8_000)
    summary, found = compare_a_past_day(world, attempt.provider)
    assert (summary.lines, summary.matched, found, Refund.select().count()) == (2, 1, [], 2)


def test_at_pawapay_nothing_is_compared_if_one_wallet_cannot_be_read(world: World, pawapay: Talk) -> None:
    session = world.session(livemode=True)
    world.pay(session)
    account = latest(session).provider
    world.later(9_000)
    for kind in ("500", "fail", "refuse", "garbage"):
        pawapay.next(kind, on="report")
        with pytest.raises(NoStatement):
            compare_a_past_day(world, account)
    assert (ReconciliationCase.select().count(), latest(session).listed_at) == (0, None)
