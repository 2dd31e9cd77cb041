"""What every provider adapter must do, whichever it is. See `benches.py` for how an adapter joins."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from ikawaari import ids
from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.providers import registry
from ikawaari.providers.base import CallbackRefused, FailureCode, RefundRequest, Result
from tests.providers.benches import BENCHES, Bench
from tests.world import together

NOW = datetime(2025, 6, 2, 10, 0, tzinfo=UTC)
GARBAGE = [b"", b"{", b"[]", b"null", b"{}", b'"text"', b"\xff\xfe", b'{"event_id": 1}', b"[" * 100]


@pytest.fixture(params=list(BENCHES))
def bench(request: pytest.FixtureRequest, config: Config) -> Bench:
    """Each adapter in turn, with its outside world."""
    request.getfixturevalue("sandbox")
    return BENCHES[request.param](config)


def _refund(charge_id: str, amount: int, refund_id: str | None = None) -> RefundRequest:
    return RefundRequest(
        id=refund_id or ids.new("re"), charge_id=charge_id, charge_reference=None, money=Money(amount, "XOF")
    )


def test_its_data_are_complete(bench: Bench) -> None:
    can = bench.provider.capabilities
    assert bench.provider.name
    assert can.method_types <= {"mobile_money", "card"}
    assert all(flows for flows in can.operators.values())
    assert timedelta(0) < can.call_timeout < can.forgets_after <= can.settles_within


def test_a_success_says_what_was_taken(bench: Bench) -> None:
    request = bench.request("succeeds")
    outcome = bench.provider.charge(request, NOW)
    assert outcome.result is Result.SUCCEEDED
    assert outcome.money == request.money
    assert outcome.reference
    assert bench.taken(request.id) == 5_000


def test_a_decline_has_a_code_of_the_closed_set_and_takes_nothing(bench: Bench) -> None:
    request = bench.request("declines")
    outcome = bench.provider.charge(request, NOW)
    assert outcome.result is Result.FAILED
    assert outcome.failure in set(FailureCode)
    assert bench.taken(request.id) == 0


@pytest.mark.parametrize("wish", ["no_answer", "error"])
def test_no_answer_and_5xx_are_unknown_and_an_enquiry_finds_out(bench: Bench, wish: str) -> None:
    request = bench.request(wish)
    assert bench.provider.charge(request, NOW).result is Result.UNKNOWN
    assert bench.taken(request.id) == 5_000
    found = bench.provider.lookup(request.id, None, NOW)
    assert (found.result, found.money) == (Result.SUCCEEDED, request.money)


def test_a_pending_charge_has_an_end(bench: Bench) -> None:
    outcome = bench.provider.charge(bench.request("pends"), NOW)
    assert outcome.result in {Result.PROCESSING, Result.REQUIRES_ACTION}
    assert outcome.deadline
    assert outcome.deadline > NOW


def test_an_enquiry_about_a_stranger_is_not_found(bench: Bench) -> None:
    assert bench.provider.lookup(ids.new_attempt(), None, NOW).result is Result.NOT_FOUND


@pytest.mark.parametrize("amount", [1, 100, 99_999_999, 2**53 + 1, 2**63 - 1])
def test_the_amount_is_exact(bench: Bench, amount: int) -> None:
    request = bench.request("succeeds", amount=amount)
    bench.provider.charge(request, NOW)
    assert bench.taken(request.id) == amount


@pytest.mark.parametrize("wish", ["succeeds", "no_answer", "error"])
def test_the_same_id_charged_again_takes_once(bench: Bench, wish: str) -> None:
    request = bench.request(wish)
    for _ in range(3):
        bench.provider.charge(request, NOW)
    assert bench.taken(request.id) == 5_000


def test_the_same_id_charged_by_many_at_once_takes_once(bench: Bench) -> None:
    request = bench.request("succeeds")
    outcomes = together(8, lambda _: bench.provider.charge(request, NOW))
    assert all(not isinstance(outcome, Exception) for outcome in outcomes), outcomes
    assert bench.taken(request.id) == 5_000


def test_a_refund_gives_back_once_however_often_it_is_asked(bench: Bench) -> None:
    request = bench.request("succeeds")
    bench.provider.charge(request, NOW)
    refund = _refund(request.id, 2_000)
    assert [bench.provider.refund(refund, NOW).result for _ in range(3)] == [Result.SUCCEEDED] * 3
    assert bench.refunded(request.id) == 2_000


def test_a_refund_asked_by_many_at_once_gives_back_once(bench: Bench) -> None:
    request = bench.request("succeeds")
    bench.provider.charge(request, NOW)
    refund = _refund(request.id, 2_000)
    outcomes = together(8, lambda _: bench.provider.refund(refund, NOW))
    assert all(not isinstance(outcome, Exception) for outcome in outcomes), outcomes
    assert bench.refunded(request.id) == 2_000


def test_refunds_never_give_back_more_than_was_taken(bench: Bench) -> None:
    request = bench.request("succeeds")
    bench.provider.charge(request, NOW)
    results = [bench.provider.refund(_refund(request.id, 3_000), NOW).result for _ in range(2)]
    assert results == [Result.SUCCEEDED, Result.FAILED]
    assert bench.refunded(request.id) == 3_000


def test_refunds_at_once_never_give_back_more_than_was_taken(bench: Bench) -> None:
    request = bench.request("succeeds")
    bench.provider.charge(request, NOW)
    together(8, lambda _: bench.provider.refund(_refund(request.id, 2_000), NOW))
    assert bench.refunded(request.id) == 4_000


def test_a_failed_charge_and_a_stranger_cannot_be_refunded(bench: Bench) -> None:
    request = bench.request("declines")
    bench.provider.charge(request, NOW)
    for charge_id in (request.id, ids.new_attempt()):
        assert bench.provider.refund(_refund(charge_id, 1), NOW).result is Result.FAILED


def test_a_signed_callback_reports_the_charge(bench: Bench) -> None:
    request = bench.request("succeeds")
    bench.provider.charge(request, NOW)
    (report,) = bench.provider.parse_callback(bench.callback(request.id, NOW), NOW)
    assert report.charge_id == request.id
    assert report.event_id
    assert report.outcome.money == request.money


@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_garbled_callback_is_refused_even_when_it_is_signed(bench: Bench, garbage: bytes) -> None:
    with pytest.raises(CallbackRefused):
        bench.provider.parse_callback(bench.callback("", NOW, body=garbage), NOW)


def test_a_changed_body_is_refused(bench: Bench) -> None:
    request = bench.request("declines")
    bench.provider.charge(request, NOW)
    sent = bench.callback(request.id, NOW)
    forged = replace(sent, body=sent.body.replace(b"failed", b"succeeded"))
    with pytest.raises(CallbackRefused):
        bench.provider.parse_callback(forged, NOW)


def test_a_callback_without_a_signature_is_refused(bench: Bench) -> None:
    request = bench.request("succeeds")
    bench.provider.charge(request, NOW)
    with pytest.raises(CallbackRefused):
        bench.provider.parse_callback(replace(bench.callback(request.id, NOW), headers={}), NOW)


@pytest.mark.parametrize("value", ["", "t=", "t=1,v1=", "t=1,v1=00", "v1=00", "t=" + "9" * 5_000, "t=١,v1=é"])
def test_a_garbled_signature_is_refused(bench: Bench, value: str) -> None:
    request = bench.request("succeeds")
    bench.provider.charge(request, NOW)
    sent = bench.callback(request.id, NOW)
    headers = dict.fromkeys(sent.headers, value)
    with pytest.raises(CallbackRefused):
        bench.provider.parse_callback(replace(sent, headers=headers), NOW)


@pytest.mark.parametrize("minutes", [-6, 6, 60])
def test_a_stale_signature_is_refused(bench: Bench, minutes: int) -> None:
    request = bench.request("succeeds")
    bench.provider.charge(request, NOW)
    with pytest.raises(CallbackRefused):
        bench.provider.parse_callback(bench.callback(request.id, NOW), NOW + timedelta(minutes=minutes))


def test_headers_may_come_in_any_case(bench: Bench) -> None:
    request = bench.request("succeeds")
    bench.provider.charge(request, NOW)
    sent = bench.callback(request.id, NOW)
    headers = {name.upper(): value for name, value in sent.headers.items()}
    assert bench.provider.parse_callback(replace(sent, headers=headers), NOW)


def test_neither_secrets_nor_numbers_reach_the_logs(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with capture_logs() as logged:
        for wish in ("succeeds", "declines", "no_answer", "error"):
            request = bench.request(wish)
            bench.provider.charge(request, NOW)
            bench.provider.lookup(request.id, None, NOW)
        sent = replace(bench.callback(request.id, NOW), headers={})
        with pytest.raises(CallbackRefused) as refused:
            bench.provider.parse_callback(sent, NOW)
    told = f"{logged} {caplog.text} {refused.value}"
    assert not [secret for secret in [*bench.secrets, str(request.phone)[1:]] if secret in told]


def test_test_objects_and_live_ones_never_share_a_provider(bench: Bench) -> None:
    registry.configure([bench.provider])
    livemode = bench.provider.capabilities.livemode
    wanted = {"method_type": "mobile_money", "operator": "orange_sn", "currency": "XOF"}
    assert registry.route(livemode=livemode, **wanted) is bench.provider
    assert registry.route(livemode=not livemode, **wanted) is None
