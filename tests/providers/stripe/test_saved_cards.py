"""Cards that are saved, with a payment or without one, and charged again."""

from dataclasses import replace

import pytest
from pytest_httpserver import HTTPServer

from ikawaari.money import Money
from ikawaari.providers.base import Charge, FailureCode, Result, SavedMethod
from tests.providers.bench_stripe import ASKS, VISA, StripeBench


def setup_of(bench: StripeBench, card: str = VISA) -> Charge:
    return replace(bench.charge(card=card), money=Money(0, "XOF"))


def test_a_payment_may_save_its_card_and_it_is_charged_again(bench: StripeBench) -> None:
    charge, outcome = bench.charged(replace(bench.charge(card=VISA), saves_method=True))
    assert outcome.saved
    assert (outcome.saved.brand, outcome.saved.last4, outcome.saved.exp_year) == ("visa", "4242", 2034)
    assert (outcome.saved.id[:3], (outcome.saved.customer or "")[:4]) == ("pm_", "cus_")
    assert bench.looked_up(charge).saved == outcome.saved
    renewal = replace(bench.charge(), card_token=None, saved=outcome.saved, off_session=True)
    again, renewed = bench.charged(renewal)
    assert (renewed.result, renewed.money, renewed.action) == (Result.SUCCEEDED, renewal.money, None)
    assert bench.taken(again.id) == 5_000
    assert bench.intents()[0]["customer"] == outcome.saved.customer


def test_a_setup_saves_a_card_and_takes_nothing(bench: StripeBench) -> None:
    charge = setup_of(bench)
    outcome = bench.provider.setup(bench.account, charge, bench.now())
    assert (outcome.result, outcome.money) == (Result.SUCCEEDED, Money(0, "XOF"))
    assert outcome.saved
    assert outcome.saved.last4 == "4242"
    assert bench.intents() == []
    assert bench.looked_up(replace(charge, submitted_at=bench.now())).saved == outcome.saved


@pytest.mark.parametrize(
    ("decision", "result", "failure"),
    [("complete", Result.SUCCEEDED, None), ("fail", Result.FAILED, FailureCode.AUTHENTICATION_FAILED)],
)
def test_a_setup_may_be_asked_about_by_the_bank(
    bench: StripeBench, decision: str, result: Result, failure: FailureCode | None
) -> None:
    charge = setup_of(bench, ASKS)
    outcome = bench.provider.setup(bench.account, charge, bench.now())
    assert outcome.result is Result.REQUIRES_ACTION
    known = bench.known(charge, outcome)
    bench.decide(known, decision)
    found = bench.looked_up(known)
    assert (found.result, found.failure, found.saved is not None) == (result, failure, decision == "complete")


def test_a_setup_can_be_canceled_and_declined(bench: StripeBench) -> None:
    charge = setup_of(bench, ASKS)
    known = bench.known(charge, bench.provider.setup(bench.account, charge, bench.now()))
    assert bench.provider.cancel(bench.account, known, bench.now()).failure is FailureCode.CANCELED
    poor = setup_of(bench, "pm_card_chargeDeclined")
    outcome = bench.provider.setup(bench.account, poor, bench.now())
    assert (outcome.result, outcome.failure) == (Result.FAILED, FailureCode.CARD_DECLINED)


@pytest.mark.parametrize("fault", ["timeout", "reset", "accepted_then_500", "garbage", "html"])
def test_a_setup_without_an_answer_is_looked_up(bench: StripeBench, fault: str) -> None:
    charge = setup_of(bench)
    bench.talk.next(fault, on="setup", times=2)
    assert bench.provider.setup(bench.account, charge, bench.now()).result is Result.UNKNOWN
    assert bench.looked_up(charge).result in {Result.NOT_FOUND, Result.SUCCEEDED}


def test_a_bank_that_wants_to_see_the_payer_fails_a_renewal(bench: StripeBench) -> None:
    charge = setup_of(bench, ASKS)
    known = bench.known(charge, bench.provider.setup(bench.account, charge, bench.now()))
    bench.decide(known, "complete")
    saved = bench.looked_up(known).saved
    assert saved
    renewal, outcome = bench.charged(replace(bench.charge(), card_token=None, saved=saved, off_session=True))
    assert (outcome.result, outcome.failure) == (Result.FAILED, FailureCode.AUTHENTICATION_REQUIRED)
    again = bench.looked_up(renewal)
    assert (again.result, again.failure) == (Result.FAILED, FailureCode.AUTHENTICATION_REQUIRED)


def test_a_saved_card_that_is_gone_is_no_money(bench: StripeBench) -> None:
    gone = SavedMethod(id="pm_gone", customer="cus_gone")
    renewal, outcome = bench.charged(replace(bench.charge(), card_token=None, saved=gone, off_session=True))
    assert (outcome.result, outcome.failure) == (Result.REFUSED, FailureCode.CONFIGURATION_ERROR)
    assert bench.taken(renewal.id) == 0


def test_a_renewal_without_a_saved_card_needs_its_payer(bench: StripeBench) -> None:
    _, outcome = bench.charged(replace(bench.charge(card=VISA), off_session=True, saves_method=True))
    assert (outcome.result, outcome.failure) == (Result.REFUSED, FailureCode.AUTHENTICATION_REQUIRED)
    assert bench.intents() == []


def test_a_renewal_asks_for_nothing_of_its_payer_and_saves_nothing(bench: StripeBench) -> None:
    """Stripe refuses an intent that is off session and saves its method."""
    charge = setup_of(bench)
    saved = bench.provider.setup(bench.account, charge, bench.now()).saved
    assert saved
    renewal = replace(bench.charge(), card_token=None, saved=saved, off_session=True, saves_method=True)
    _, outcome = bench.charged(renewal)
    assert (outcome.result, outcome.saved) == (Result.SUCCEEDED, None)
    assert bench.intents()[0]["setup_future_usage"] is None


@pytest.mark.parametrize(
    ("advice", "is_spent"), [("do_not_try_again", True), ("try_again_later", False), (None, False)]
)
def test_a_bank_may_say_that_a_saved_card_never_pays_again(
    bench: StripeBench, httpserver: HTTPServer, advice: str | None, is_spent: bool
) -> None:
    charge = bench.charge()
    intent = {"id": "pi_1", "object": "payment_intent", "livemode": False, "status": "requires_payment_method"}
    intent |= {"metadata": {"attempt": charge.id}}
    error = {"type": "card_error", "code": "card_declined", "decline_code": "stolen_card", "advice_code": advice}
    httpserver.expect_request("/v1/payment_intents").respond_with_json(intent)
    httpserver.expect_request("/v1/payment_intents/pi_1/confirm").respond_with_json({"error": error}, 402)
    account = bench.account_at(httpserver.url_for("").rstrip("/"))
    saved = SavedMethod(id="pm_1", customer="cus_1", last4="4242")
    renewal = replace(charge, card_token=None, saved=saved, off_session=True)
    outcome = bench.provider.charge(account, renewal, bench.now())
    assert (outcome.result, outcome.failure) == (Result.FAILED, FailureCode.CARD_DECLINED)
    sent = httpserver.log[-1][0].form.to_dict()
    assert sent == {
        "payment_method": "pm_1",
        "off_session": "true",
        "error_on_requires_action": "true",
        "expand[]": "payment_method",
    }
    assert outcome.saved == (replace(saved, is_spent=True) if is_spent else None)
    httpserver.expect_request("/v1/payment_intents/pi_1").respond_with_json({**intent, "last_payment_error": error})
    again = bench.provider.lookup(account, replace(renewal, reference="pi_1"), bench.now())
    assert (again.failure, again.saved) == (outcome.failure, outcome.saved)
