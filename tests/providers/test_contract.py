"""What the sandbox does as a provider. Adapters with a simulator have `test_promises.py`."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from ikawaari import ids
from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.providers.base import CallbackRefused, CallbackRequest, FailureCode, RefundOrder, Report, Result
from tests.providers.benches import BENCHES, Bench
from tests.world import together

NOW = datetime(2025, 6, 2, 10, 0, tzinfo=UTC)
GARBAGE = [b"", b"{", b"[]", b"null", b"{}", b'"text"', b"\xff\xfe", b'{"event_id": 1}', b"[" * 100]


@pytest.fixture(params=list(BENCHES))
def bench(request: pytest.FixtureRequest, config: Config) -> Bench:
    """Each adapter in turn, with its outside world."""
    request.getfixturevalue("sandbox")
    return BENCHES[request.param](config)


def _refund(charge_id: str, amount: int, refund_id: str | None = None) -> RefundOrder:
    return RefundOrder(
        id=refund_id or ids.new("re"), charge_id=charge_id, charge_reference=None, money=Money(amount, "XOF")
    )


def _parsed(bench: Bench, request: CallbackRequest, now: datetime) -> list[Report]:
    news = bench.provider.parse_callback(bench.channel.account, request, now)
    return [one for one in news if isinstance(one, Report)]


def test_its_data_are_complete(bench: Bench) -> None:
    can = bench.provider.capabilities
    assert bench.provider.name
    assert can.method_types <= {"mobile_money", "card"}
    assert all(reach.flows for reach in can.operators.values())


def test_a_success_says_what_was_taken(bench: Bench) -> None:
    request = bench.request("succeeds")
    outcome = bench.channel.charge(request, NOW)
    assert outcome.result is Result.SUCCEEDED
    assert outcome.money == request.money
    assert outcome.reference
    assert bench.taken(request.id) == 5_000


def test_a_decline_has_a_code_of_the_closed_set_and_takes_nothing(bench: Bench) -> None:
    request = bench.request("declines")
    outcome = bench.channel.charge(request, NOW)
    assert outcome.result is Result.FAILED
    assert outcome.failure in set(FailureCode)
    assert bench.taken(request.id) == 0


@pytest.mark.parametrize("wish", ["no_answer", "error"])
def test_no_answer_and_5xx_are_unknown_and_an_enquiry_finds_out(bench: Bench, wish: str) -> None:
    request = bench.request(wish)
    assert bench.channel.charge(request, NOW).result is Result.UNKNOWN
    assert bench.taken(request.id) == 5_000
    found = bench.channel.lookup(request, NOW)
    assert (found.result, found.money) == (Result.SUCCEEDED, request.money)


def test_a_pending_charge_has_an_end(bench: Bench) -> None:
    outcome = bench.channel.charge(bench.request("pends"), NOW)
    assert outcome.result in {Result.PROCESSING, Result.REQUIRES_ACTION}
    assert outcome.deadline
    assert outcome.deadline > NOW


def test_an_enquiry_about_a_stranger_is_not_found(bench: Bench) -> None:
    assert bench.channel.lookup(bench.request("succeeds"), NOW).result is Result.NOT_FOUND


@pytest.mark.parametrize("amount", [1, 100, 99_999_999, 2**53 + 1, 2**63 - 1])
def test_the_amount_is_exact(bench: Bench, amount: int) -> None:
    request = bench.request("succeeds", amount=amount)
    bench.channel.charge(request, NOW)
    assert bench.taken(request.id) == amount


@pytest.mark.parametrize("wish", ["succeeds", "no_answer", "error"])
def test_the_same_id_charged_again_takes_once(bench: Bench, wish: str) -> None:
    request = bench.request(wish)
    for _ in range(3):
        bench.channel.charge(request, NOW)
    assert bench.taken(request.id) == 5_000


def test_the_same_id_charged_by_many_at_once_takes_once(bench: Bench) -> None:
    request = bench.request("succeeds")
    outcomes = together(8, lambda _: bench.channel.charge(request, NOW))
    assert all(not isinstance(outcome, Exception) for outcome in outcomes), outcomes
    assert bench.taken(request.id) == 5_000


def test_a_refund_gives_back_once_however_often_it_is_asked(bench: Bench) -> None:
    request = bench.request("succeeds")
    bench.channel.charge(request, NOW)
    refund = _refund(request.id, 2_000)
    assert [bench.channel.refund(refund, NOW).result for _ in range(3)] == [Result.SUCCEEDED] * 3
    assert bench.refunded(request.id) == 2_000


def test_a_refund_asked_by_many_at_once_gives_back_once(bench: Bench) -> None:
    request = bench.request("succeeds")
    bench.channel.charge(request, NOW)
    refund = _refund(request.id, 2_000)
    outcomes = together(8, lambda _: bench.channel.refund(refund, NOW))
    assert all(not isinstance(outcome, Exception) for outcome in outcomes), outcomes
    assert bench.refunded(request.id) == 2_000


def test_refunds_never_give_back_more_than_was_taken(bench: Bench) -> None:
    request = bench.request("succeeds")
    bench.channel.charge(request, NOW)
    results = [bench.channel.refund(_refund(request.id, 3_000), NOW).result for _ in range(2)]
    assert results == [Result.SUCCEEDED, Result.FAILED]
    assert bench.refunded(request.id) == 3_000


def test_refunds_at_once_never_give_back_more_than_was_taken(bench: Bench) -> None:
    request = bench.request("succeeds")
    bench.channel.charge(request, NOW)
    together(8, lambda _: bench.channel.refund(_refund(request.id, 2_000), NOW))
    assert bench.refunded(request.id) == 4_000


def test_a_failed_charge_and_a_stranger_cannot_be_refunded(bench: Bench) -> None:
    request = bench.request("declines")
    bench.channel.charge(request, NOW)
    for charge_id in (request.id, ids.new_attempt()):
        assert bench.channel.refund(_refund(charge_id, 1), NOW).result is Result.FAILED


def test_a_signed_callback_reports_the_charge(bench: Bench) -> None:
    request = bench.request("succeeds")
    bench.channel.charge(request, NOW)
    (report,) = _parsed(bench, bench.callback(request.id, NOW), NOW)
    assert report.charge_id == request.id
    assert report.event_id
    assert report.outcome.money == request.money


@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_garbled_callback_is_refused_even_when_it_is_signed(bench: Bench, garbage: bytes) -> None:
    with pytest.raises(CallbackRefused):
        _parsed(bench, bench.callback("", NOW, body=garbage), NOW)


def test_a_changed_body_is_refused(bench: Bench) -> None:
    request = bench.request("declines")
    bench.channel.charge(request, NOW)
    sent = bench.callback(request.id, NOW)
    forged = replace(sent, body=sent.body.replace(b"failed", b"succeeded"))
    with pytest.raises(CallbackRefused):
        _parsed(bench, forged, NOW)


def test_a_callback_without_a_signature_is_refused(bench: Bench) -> None:
    request = bench.request("succeeds")
    bench.channel.charge(request, NOW)
    with pytest.raises(CallbackRefused):
        _parsed(bench, replace(bench.callback(request.id, NOW), headers=[]), NOW)


@pytest.mark.parametrize("value", ["", "t=", "t=1,v1=", "t=1,v1=00", "v1=00", "t=" + "9" * 5_000, "t=١,v1=é"])
def test_a_garbled_signature_is_refused(bench: Bench, value: str) -> None:
    request = bench.request("succeeds")
    bench.channel.charge(request, NOW)
    sent = bench.callback(request.id, NOW)
    headers = [(name, value) for name, _ in sent.headers]
    with pytest.raises(CallbackRefused):
        _parsed(bench, replace(sent, headers=headers), NOW)


@pytest.mark.parametrize("minutes", [-6, 6, 60])
def test_a_stale_signature_is_refused(bench: Bench, minutes: int) -> None:
    request = bench.request("succeeds")
    bench.channel.charge(request, NOW)
    with pytest.raises(CallbackRefused):
        _parsed(bench, bench.callback(request.id, NOW), NOW + timedelta(minutes=minutes))


def test_headers_may_come_in_any_case(bench: Bench) -> None:
    request = bench.request("succeeds")
    bench.channel.charge(request, NOW)
    sent = bench.callback(request.id, NOW)
    headers = [(name.upper(), value) for name, value in sent.headers]
    assert _parsed(bench, replace(sent, headers=headers), NOW)


def test_neither_secrets_nor_numbers_reach_the_logs(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with capture_logs() as logged:
        for wish in ("succeeds", "declines", "no_answer", "error"):
            request = bench.request(wish)
            bench.channel.charge(request, NOW)
            bench.channel.lookup(request, NOW)
        sent = replace(bench.callback(request.id, NOW), headers=[])
        with pytest.raises(CallbackRefused) as refused:
            _parsed(bench, sent, NOW)
    told = f"{logged} {caplog.text} {refused.value}"
    assert not [secret for secret in [*bench.secrets, str(request.phone)[1:]] if secret in told]
