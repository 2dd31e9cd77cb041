"""Stripe's statement: what moved in the balance, as the payers paid it."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from ikawaari.money import Money
from ikawaari.providers.channel import Channel
from ikawaari.providers.provider import Verb
from ikawaari.providers.statements import Kind, Line, NoStatement, Standing
from ikawaari.providers.stripe import statement
from tests.providers.bench_stripe import StripeBench
from tests.providers.stripe.test_refunds import paid

HOUR = timedelta(hours=1)


def listed(bench: StripeBench, since: datetime | None = None) -> list[Line]:
    """The lines of two hours around now."""
    since = since or bench.now() - HOUR
    return list(Channel(bench.provider, bench.account).statement(since, since + 2 * HOUR, bench.now()))


def test_payments_and_refunds_are_listed_with_both_ids_and_the_fee(bench: StripeBench) -> None:
    assert Verb.STATEMENT in bench.provider.verbs
    charge = paid(bench)
    order = bench.refund_of(charge, 2_000)
    bench.provider.refund(bench.account, order, bench.now())
    refund, payment = listed(bench)
    assert (payment.kind, payment.id, payment.own_id) == (Kind.PAYMENT, charge.reference, charge.id)
    assert (payment.money, payment.standing) == (Money(5_000, "XOF"), Standing.SUCCEEDED)
    assert (payment.fee, payment.fee_currency) == (145, "XOF")
    assert (refund.kind, refund.own_id, refund.charge_id) == (Kind.REFUND, order.id, charge.reference)
    assert (refund.id[:3], refund.money, refund.fee) == ("re_", Money(2_000, "XOF"), 0)
    assert all(line.at and abs(line.at - bench.now()) < HOUR for line in (refund, payment))


def test_a_time_in_which_nothing_was_is_empty(bench: StripeBench) -> None:
    paid(bench)
    assert listed(bench, bench.now() + HOUR) == []


def test_every_page_is_read(bench: StripeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    charges = {paid(bench).id for _ in range(3)}
    monkeypatch.setattr(statement, "_PAGE", 2)
    assert {line.own_id for line in listed(bench)} == charges


def test_a_refund_that_has_failed_since_is_told_as_such(bench: StripeBench) -> None:
    charge = paid(bench, "pm_card_refundFail")
    bench.provider.refund(bench.account, bench.refund_of(charge, 5_000), bench.now())
    bench.talk.advance(4 * 86_400)
    since = bench.now() - HOUR
    lines = list(Channel(bench.provider, bench.account).statement(since, since + timedelta(days=9), bench.now()))
    assert [(line.kind, line.standing, line.fee) for line in lines] == [
        (Kind.REFUND, Standing.FAILED, None),
        (Kind.REFUND, Standing.FAILED, 0),
        (Kind.PAYMENT, Standing.SUCCEEDED, 145),
    ]


@pytest.mark.parametrize("fault", ["500", "reset", "429", "garbage", "html"])
def test_a_page_that_is_missing_is_no_statement(
    bench: StripeBench, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    for _ in range(3):
        paid(bench)
    monkeypatch.setattr(statement, "_PAGE", 2)
    lines: Iterator[Line] = Channel(bench.provider, bench.account).statement(
        bench.now() - HOUR, bench.now() + HOUR, bench.now()
    )
    next(lines)
    bench.talk.next(fault, on="report")
    with pytest.raises(NoStatement):
        list(lines)


@pytest.mark.parametrize(
    "odd", [{}, {"source": "ch_1"}, {"source": {"id": "ch_1", "status": "new"}}, {"created": "yesterday"}]
)
def test_a_transaction_that_cannot_be_read_is_no_statement(odd: dict[str, object]) -> None:
    source = {"id": "ch_1", "status": "succeeded", "amount": 5, "currency": "xof"}
    whole = {"id": "txn_1", "type": "charge", "created": 1, "source": source}
    made = statement._line(whole, 1)
    assert made is not None
    assert (made.id, made.fee) == ("ch_1", None)  # a charge without an intent
    with pytest.raises(NoStatement):
        statement._line({**whole, "source": None, **odd} if not odd else whole | odd, 1)
    with pytest.raises(ValueError, match="fee"):  # the channel makes it one
        statement._line(whole | {"fee": 2**63, "currency": "xof"}, 1)


def test_what_is_not_about_payers_is_left_out() -> None:
    for kind in ("payout", "stripe_fee", "adjustment", None):
        assert statement._line({"id": "txn_1", "type": kind}, 1) is None
    foreign = {"id": "ch_1", "status": "succeeded", "amount": 5, "currency": "jpy"}
    assert statement._line({"id": "txn_1", "type": "charge", "created": 1, "source": foreign}, 1) is None
