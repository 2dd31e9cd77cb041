"""Stripe's refunds: each status, what cannot be returned, and those that fail days after they have succeeded."""

from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from ikawaari import ids
from ikawaari.money import Money
from ikawaari.providers.base import Charge, FailureCode, Outcome, RefundOrder, Report, Result
from ikawaari.providers.stripe.refunding import outcome_of
from tests.providers.bench_stripe import VISA, StripeBench


def paid(bench: StripeBench, card: str = VISA) -> Charge:
    charge = bench.charge(card=card)
    outcome = bench.provider.charge(bench.account, charge, bench.now())
    assert outcome.result is Result.SUCCEEDED, outcome
    return bench.known(charge, outcome)


def refund(bench: StripeBench, order: RefundOrder) -> Outcome:
    return bench.provider.refund(bench.account, order, bench.now())


@pytest.mark.parametrize(
    ("status", "result", "failure"),
    [
        ("pending", Result.PROCESSING, None),
        ("requires_action", Result.PROCESSING, None),
        ("succeeded", Result.SUCCEEDED, None),
        ("failed", Result.FAILED, FailureCode.UNKNOWN),
        ("canceled", Result.FAILED, FailureCode.CANCELED),
    ],
)
def test_each_status_of_a_refund(status: str, result: Result, failure: FailureCode | None) -> None:
    said = {"id": "re_1", "status": status, "amount": 400, "currency": "xof", "failure_reason": "lost_or_stolen_card"}
    outcome = outcome_of(said)
    assert (outcome.result, outcome.failure, outcome.reference) == (result, failure, "re_1")
    assert (outcome.money == Money(400, "XOF")) is (result is Result.SUCCEEDED)


def test_a_status_that_is_not_known_is_processing_and_an_error_in_the_log() -> None:
    with capture_logs() as logged:
        assert outcome_of({"id": "re_1", "status": "new"}).result is Result.PROCESSING
    assert logged[0]["log_level"] == "error"


@pytest.mark.parametrize("said", [None, {}, {"id": "re_1"}, {"id": "re_1", "status": "succeeded", "amount": "4"}])
def test_what_cannot_be_read_is_unknown(said: Any) -> None:
    assert outcome_of(said).result is Result.UNKNOWN


def test_parts_are_returned_up_to_the_whole(bench: StripeBench) -> None:
    charge = paid(bench)
    first, second, third = (bench.refund_of(charge, amount) for amount in (2_000, 3_000, 1))
    assert [refund(bench, order).money for order in (first, second)] == [Money(2_000, "XOF"), Money(3_000, "XOF")]
    outcome = refund(bench, third)
    assert (outcome.result, outcome.failure) == (Result.FAILED, FailureCode.NOT_ALLOWED)
    (_, made) = bench.ask("/v1/refunds")["data"]
    assert made["metadata"] == {"refund": first.id, "attempt": charge.id}
    assert made["reason"] == "requested_by_customer"


def test_more_than_is_left_is_not_allowed(bench: StripeBench) -> None:
    outcome = refund(bench, bench.refund_of(paid(bench), 5_001))
    assert (outcome.result, outcome.failure) == (Result.FAILED, FailureCode.NOT_ALLOWED)


def test_a_refund_without_the_charges_reference_starts_nothing(bench: StripeBench) -> None:
    outcome = refund(bench, replace(bench.refund_of(paid(bench)), charge_reference=None))
    assert (outcome.result, outcome.failure) == (Result.REFUSED, FailureCode.CONFIGURATION_ERROR)


def test_a_key_that_stripe_does_not_know_returns_nothing(bench: StripeBench) -> None:
    order = bench.refund_of(paid(bench))
    bench.account = replace(bench.account, settings={**bench.account.settings, "secret_key": "sk_test_wrong"})
    outcome = refund(bench, order)
    assert (outcome.result, outcome.failure) == (Result.REFUSED, FailureCode.CONFIGURATION_ERROR)
    assert bench.returned(order.id) == 0


@pytest.mark.parametrize("fault", ["429", "key_in_use"])
def test_who_comes_too_soon_or_too_often_is_unknown(bench: StripeBench, fault: str) -> None:
    order = bench.refund_of(paid(bench))
    bench.talk.next(fault, on="refund")
    assert refund(bench, order).result is Result.UNKNOWN
    assert bench.provider.lookup_refund(bench.account, order, bench.now()).result is Result.NOT_FOUND


def test_a_key_that_was_used_is_looked_up(bench: StripeBench) -> None:
    charge = paid(bench)
    order = bench.refund_of(charge, 2_000)
    refund(bench, order)
    assert refund(bench, replace(order, money=Money(1_000, "XOF"))).money == Money(2_000, "XOF")
    assert refund(bench, order).money == Money(2_000, "XOF")
    assert bench.returned(order.id) == 2_000


def test_a_refund_is_found_among_others_without_its_reference(bench: StripeBench) -> None:
    charge = paid(bench)
    first, second = bench.refund_of(charge, 2_000), bench.refund_of(charge, 1_000)
    refund(bench, first)
    refund(bench, second)
    found = bench.provider.lookup_refund(bench.account, first, bench.now())
    assert found.money == Money(2_000, "XOF")
    stranger = replace(first, id=ids.new_attempt())
    assert bench.provider.lookup_refund(bench.account, stranger, bench.now()).result is Result.NOT_FOUND


@pytest.mark.parametrize("fault", ["reset", "500", "garbage"])
@pytest.mark.parametrize("is_known", [True, False])
def test_a_look_up_without_an_answer_is_unknown(bench: StripeBench, fault: str, is_known: bool) -> None:
    order = bench.refund_of(paid(bench))
    outcome = refund(bench, order)
    asked = replace(order, reference=outcome.reference if is_known else None)
    bench.talk.next(fault, on="lookup")
    assert bench.provider.lookup_refund(bench.account, asked, bench.now()).result is Result.UNKNOWN


def test_a_pending_refund_succeeds_later(bench: StripeBench) -> None:
    order = bench.refund_of(paid(bench, "pm_card_pendingRefund"))
    outcome = refund(bench, order)
    assert outcome.result is Result.PROCESSING
    bench.talk.advance(3_600)
    found = bench.provider.lookup_refund(bench.account, replace(order, reference=outcome.reference), bench.now())
    assert found.money == Money(5_000, "XOF")


def test_a_refund_that_succeeded_may_fail_days_later_and_says_so(bench: StripeBench) -> None:
    order = bench.refund_of(paid(bench, "pm_card_refundFail"))
    assert refund(bench, order).result is Result.SUCCEEDED
    before = len(bench.receiver.wait(3))
    bench.talk.advance(3 * 86_400)
    news = [
        one
        for request in bench.receiver.wait(before + 2)[before:]
        for one in bench.provider.parse_callback(bench.account, bench.callback(request), bench.now())
    ]
    reports = [one for one in news if isinstance(one, Report)]
    assert {(one.refund_id, one.outcome.result) for one in reports} == {(order.id, Result.FAILED)}
    assert bench.returned(order.id) == 0
