"""What docs/adding-a-provider.md promises, on every adapter of `contract.BENCHES` against its simulator."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from socket import create_server

import pytest
from structlog.testing import capture_logs

from ikawaari import ids
from ikawaari.providers import settings
from ikawaari.providers.callbacks import CallbackRefused, CallbackRequest, Hint, News, Report
from ikawaari.providers.outcomes import FailureCode, Outcome, Result
from ikawaari.providers.provider import Verb
from ikawaari.providers.settings import Setting
from ikawaari.providers.values import Account, RefundOrder
from ikawaari.shapes import JsonObject, JsonValue
from ikawaari.simulators.web import Request
from tests.providers.bench import Bench

PENDING = {Result.PROCESSING, Result.REQUIRES_ACTION}
LOST = ["timeout", "reset", "accepted_then_500", "garbage", "html"]
GARBAGE = [b"", b"{", b"[]", b"null", b"{}", b'"text"', b"\xff\xfe", b'{"id": 1, "data": []}', b"[" * 5_000, b"<html>"]


@pytest.fixture
def engine() -> str:
    """No database."""
    return "sqlite"


@pytest.fixture
def signing(bench: Bench) -> Bench:
    """Those whose callbacks are signed."""
    if not bench.signs_callbacks:
        pytest.skip("its callbacks are never signed")
    return bench


# ---------------------------------------------------------------- data


def test_its_data_are_complete(bench: Bench) -> None:
    can = bench.provider.capabilities
    assert bench.provider.name == type(bench.provider).name
    assert can.method_types
    assert all(reach.flows and reach.currencies for reach in can.operators.values())
    assert bench.provider.live_url.startswith("https://")


def test_the_settings_of_its_simulator_are_its_settings(bench: Bench) -> None:
    assert settings.problems(bench.settings, bench.account.settings) == {}
    assert bench.secrets
    assert "base_url" in {setting.name for setting in bench.settings}


# ---------------------------------------------------------------- charges


@pytest.mark.parametrize("amount", [500, 5_000, 499_995])
def test_a_success_says_what_was_taken_exactly(bench: Bench, amount: int) -> None:
    charge, outcome = bench.paid(amount=amount)
    assert outcome.money == charge.money
    assert outcome.reference
    assert bench.taken(charge.id) == charge.money.major
    assert bench.started(charge.id) == 1


def test_a_decline_has_a_code_and_takes_nothing(bench: Bench) -> None:
    bench.order_decline()
    charge = bench.charge()
    outcome = bench.provider.charge(bench.account, charge, bench.now())
    bench.settle(bench.known(charge, outcome))
    found = bench.provider.lookup(bench.account, bench.known(charge, outcome), bench.now())
    assert (found.result, found.failure) == (Result.FAILED, bench.decline)
    assert bench.taken(charge.id) == 0


def test_a_refusal_has_started_nothing(bench: Bench) -> None:
    bench.order_refusal()
    charge = bench.charge()
    assert bench.provider.charge(bench.account, charge, bench.now()).result is Result.REFUSED
    assert bench.started(charge.id) == 0


def test_a_provider_that_is_not_there_has_started_nothing(bench: Bench) -> None:
    away, charge = _away(bench), bench.charge()
    outcome = bench.provider.charge(away, charge, bench.now())
    assert (outcome.result, outcome.failure) == (Result.REFUSED, FailureCode.PROVIDER_UNAVAILABLE)
    assert bench.provider.lookup(away, charge, bench.now()).result is Result.UNKNOWN


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_answer_is_unknown_and_a_look_up_finds_out(bench: Bench, fault: str) -> None:
    charge = bench.charge()
    bench.talk.next(fault)
    assert bench.provider.charge(bench.account, charge, bench.now()).result is Result.UNKNOWN
    assert bench.started(charge.id) == 1
    found = bench.provider.lookup(bench.account, charge, bench.now())
    bench.settle(bench.known(charge, found))
    found = bench.provider.lookup(bench.account, bench.known(charge, found), bench.now())
    assert (found.result, found.money) == (Result.SUCCEEDED, charge.money)
    assert bench.taken(charge.id) == charge.money.major


@pytest.mark.parametrize("fault", ["500", "garbage", "html", "timeout", "reset"])
def test_a_call_that_was_not_carried_out_is_unknown_too(bench: Bench, fault: str) -> None:
    charge = bench.charge()
    bench.talk.next(fault, **({} if fault == "500" else {"accepted": False}))
    assert bench.provider.charge(bench.account, charge, bench.now()).result is Result.UNKNOWN
    found = bench.provider.lookup(bench.account, charge, bench.now())
    assert found.result in {Result.NOT_FOUND, Result.UNKNOWN}
    assert bench.taken(charge.id) == 0


def test_the_same_id_takes_once_however_often_it_is_sent(bench: Bench) -> None:
    charge = bench.charge()
    outcomes = [bench.provider.charge(bench.account, charge, bench.now()) for _ in range(3)]
    assert {outcome.result for outcome in outcomes} <= PENDING | {Result.SUCCEEDED}
    bench.settle(bench.known(charge, outcomes[0]))
    again = bench.provider.charge(bench.account, charge, bench.now())
    assert again.result not in {Result.FAILED, Result.REFUSED, Result.NOT_FOUND}
    assert bench.taken(charge.id) == charge.money.major


def test_after_already_exists_nothing_is_refused(bench: Bench) -> None:
    """The first call may have started it: that the look-up after the second one fails proves nothing."""
    charge = bench.charge()
    bench.provider.charge(bench.account, charge, bench.now())
    bench.talk.next("reset", on="lookup")
    again = bench.provider.charge(bench.account, charge, bench.now())
    assert again.result in PENDING | {Result.UNKNOWN, Result.SUCCEEDED}


def test_the_same_id_sent_by_many_at_once_takes_once(bench: Bench) -> None:
    charge = bench.charge()
    with ThreadPoolExecutor(6) as pool:
        calls = [pool.submit(bench.provider.charge, bench.account, charge, bench.now()) for _ in range(6)]
        outcomes = [call.result() for call in calls]
    assert {outcome.result for outcome in outcomes} <= PENDING | {Result.SUCCEEDED, Result.UNKNOWN}
    found = bench.provider.lookup(bench.account, charge, bench.now())
    bench.settle(bench.known(charge, found))
    assert bench.taken(charge.id) == charge.money.major


# ---------------------------------------------------------------- look-ups


def test_a_look_up_of_a_stranger_finds_nothing(bench: Bench) -> None:
    found = bench.provider.lookup(bench.account, bench.charge(), bench.now())
    assert found.result in {Result.NOT_FOUND, Result.UNKNOWN}


@pytest.mark.parametrize("fault", ["timeout", "reset", "500", "garbage", "html"])
def test_a_look_up_without_an_answer_is_unknown(bench: Bench, fault: str) -> None:
    charge = bench.charge()
    outcome = bench.provider.charge(bench.account, charge, bench.now())
    bench.talk.next(fault, on="lookup")
    assert bench.provider.lookup(bench.account, bench.known(charge, outcome), bench.now()).result is Result.UNKNOWN


def test_a_pending_charge_stays_pending(bench: Bench) -> None:
    charge = bench.charge()
    outcome = bench.provider.charge(bench.account, charge, bench.now())
    assert outcome.result in PENDING
    assert outcome.deadline is None or outcome.deadline > bench.now()
    found = bench.provider.lookup(bench.account, bench.known(charge, outcome), bench.now())
    assert found.result in PENDING


# ---------------------------------------------------------------- canceling


def test_a_canceled_charge_has_ended_or_says_what_it_is(bench: Bench) -> None:
    if Verb.CANCEL not in bench.provider.verbs:
        pytest.skip("it cancels nothing")
    charge = bench.charge()
    outcome = bench.provider.charge(bench.account, charge, bench.now())
    ended = bench.provider.cancel(bench.account, bench.known(charge, outcome), bench.now())
    assert ended.result is Result.FAILED
    assert ended.failure in {FailureCode.CANCELED, FailureCode.EXPIRED}
    paid, _ = bench.paid()
    too_late = bench.provider.cancel(bench.account, paid, bench.now())
    assert (too_late.result, too_late.money) == (Result.SUCCEEDED, paid.money)
    assert bench.provider.cancel(_away(bench), paid, bench.now()).result is Result.UNKNOWN


@pytest.mark.parametrize("fault", LOST)
def test_a_cancellation_whose_answer_is_lost_is_found_out(bench: Bench, fault: str) -> None:
    if Verb.CANCEL not in bench.provider.verbs:
        pytest.skip("it cancels nothing")
    charge = bench.charge()
    charge = bench.known(charge, bench.provider.charge(bench.account, charge, bench.now()))
    bench.talk.next(fault, on="cancel")
    # An adapter may look it up within the same call.
    assert bench.provider.cancel(bench.account, charge, bench.now()).result in {Result.UNKNOWN, Result.FAILED}
    assert bench.provider.lookup(bench.account, charge, bench.now()).result is Result.FAILED
    assert bench.provider.cancel(bench.account, charge, bench.now()).result is Result.FAILED


# ---------------------------------------------------------------- refunds


def test_a_refund_gives_back_exactly_once(refunding: Bench) -> None:
    charge, _ = refunding.paid()
    order = refunding.refund_of(charge)
    outcome = refunding.provider.refund(refunding.account, order, refunding.now())
    assert outcome.result in {Result.PROCESSING, Result.SUCCEEDED}
    assert _refunded(refunding, order, outcome).money == charge.money
    assert refunding.provider.refund(refunding.account, order, refunding.now()).result is not Result.REFUSED
    assert refunding.returned(order.id) == charge.money.major


@pytest.mark.parametrize("fault", LOST)
def test_a_refund_without_an_answer_is_looked_up(refunding: Bench, fault: str) -> None:
    charge, _ = refunding.paid()
    order = refunding.refund_of(charge)
    refunding.talk.next(fault, on="refund")
    outcome = refunding.provider.refund(refunding.account, order, refunding.now())
    assert outcome.result is Result.UNKNOWN
    assert _refunded(refunding, order, outcome).money == charge.money
    assert refunding.returned(order.id) == charge.money.major


def test_a_charge_that_was_not_paid_is_not_refunded(refunding: Bench) -> None:
    charge = refunding.charge()
    outcome = refunding.provider.charge(refunding.account, charge, refunding.now())
    order = refunding.refund_of(refunding.known(charge, outcome))
    answer = refunding.provider.refund(refunding.account, order, refunding.now())
    if answer.result is Result.PROCESSING:  # some take it, and say only later that it failed
        refunding.settle_refunds()
        answer = refunding.provider.lookup_refund(refunding.account, order, refunding.now())
    assert answer.result in {Result.FAILED, Result.REFUSED}
    assert refunding.returned(order.id) == 0


def test_a_refund_at_a_provider_that_is_not_there_has_started_nothing(refunding: Bench) -> None:
    charge, _ = refunding.paid()
    order, away = refunding.refund_of(charge), _away(refunding)
    assert refunding.provider.refund(away, order, refunding.now()).result is Result.REFUSED
    assert refunding.provider.lookup_refund(away, order, refunding.now()).result is Result.UNKNOWN


# ---------------------------------------------------------------- callbacks


def test_its_callbacks_are_news_of_the_charge(bench: Bench) -> None:
    charge, _ = bench.paid()
    news = _news(bench, bench.receiver.wait(1))
    reports = [one for one in news if isinstance(one, Report)]
    if bench.signs_callbacks:
        (report, *_) = [one for one in reports if one.outcome.result is Result.SUCCEEDED]
        assert (report.charge_id, report.outcome.money) == (charge.id, charge.money)
        assert report.event_id
    else:
        assert reports == []
        assert any(isinstance(one, Hint) and one.charge_id == charge.id for one in news)


def test_the_same_callback_has_the_same_event_id(signing: Bench) -> None:
    signing.talk.next("double_callback")
    signing.paid()
    first, second = signing.receiver.wait(2)[:2]
    assert [one.event_id for one in _reports(signing, first)] == [one.event_id for one in _reports(signing, second)]


@pytest.mark.parametrize("fault", ["bad_signature", "unsigned"])
def test_a_forged_callback_is_refused(signing: Bench, fault: str) -> None:
    signing.talk.next(fault)
    signing.paid()
    with pytest.raises(CallbackRefused):
        _parsed(signing, signing.callback(signing.receiver.wait(1)[0]))


def test_a_changed_or_old_callback_is_refused(signing: Bench) -> None:
    signing.paid()
    sent = signing.callback(signing.receiver.wait(1)[0])
    with pytest.raises(CallbackRefused):
        _parsed(signing, replace(sent, body=sent.body.replace(b"5000", b"9000") + b" "))
    later = signing.now() + timedelta(minutes=10)
    with pytest.raises(CallbackRefused):
        signing.provider.parse_callback(signing.account, sent, later)


@pytest.mark.parametrize("body", GARBAGE, ids=lambda body: str(body[:8]))
def test_a_garbled_callback_is_no_report(bench: Bench, body: bytes) -> None:
    bench.paid()
    sent = bench.callback(bench.receiver.wait(1)[0])
    for garbled in (replace(sent, body=body), replace(sent, body=body, headers=[]), replace(sent, body=body, tag=None)):
        assert [one for one in _tolerated(bench, garbled) if isinstance(one, Report)] == []


# ---------------------------------------------------------------- operators of this server


def test_a_checkup_says_whether_the_settings_are_good(bench: Bench) -> None:
    assert bench.provider.check(bench.account, bench.now()).is_usable
    assert not bench.provider.check(_away(bench), bench.now()).is_usable
    wrong = replace(_fresh(bench), settings=_wrong(bench.settings, bench.account.settings))
    found = bench.provider.check(wrong, bench.now())
    assert not found.is_usable
    assert found.words.endswith(".")
    assert not [secret for secret in settings.secrets(bench.settings, wrong.settings) if secret in found.words]


def test_neither_secrets_nor_numbers_reach_the_logs(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    charge = bench.charge()
    with capture_logs() as logged:
        bench.paid()
        bench.order_refusal()
        bench.provider.charge(bench.account, bench.charge(), bench.now())
        for fault in ("reset", "garbage", "500"):
            bench.talk.next(fault)
            bench.provider.charge(bench.account, bench.charge(), bench.now())
        _tolerated(bench, replace(bench.callback(bench.receiver.wait(1)[0]), body=b"{}"))
        bench.provider.check(bench.account, bench.now())
    told = f"{logged} {caplog.text}"
    private = [*bench.secrets, (charge.phone or "+none")[1:], charge.customer_email or "nobody@"]
    assert [one for one in private if one in told] == []


# ---------------------------------------------------------------- helpers


def _away(bench: Bench) -> Account:
    """The account, if nobody listened at its address."""
    with create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    return bench.account_at(url)


def _fresh(bench: Bench) -> Account:
    """The account with another id: nothing of it is kept."""
    return replace(bench.account, id=f"acc_{ids.random_text(16)}")


def _wrong(known: Sequence[Setting], given: JsonObject) -> dict[str, JsonValue]:
    """The settings with every secret changed at its end."""
    secret = {setting.name for setting in known if setting.is_secret}
    return {name: f"{value}x" if name in secret else value for name, value in given.items()}


def _refunded(bench: Bench, order: RefundOrder, outcome: Outcome) -> Outcome:
    """What a refund that was asked for comes to."""
    asked = replace(order, reference=outcome.reference, provider_data=outcome.provider_data or {})
    bench.settle_refunds()
    found = bench.provider.lookup_refund(bench.account, asked, bench.now())
    assert found.result is Result.SUCCEEDED, found
    return found


def _parsed(bench: Bench, request: CallbackRequest) -> Sequence[News]:
    return bench.provider.parse_callback(bench.account, request, bench.now())


def _tolerated(bench: Bench, request: CallbackRequest) -> Sequence[News]:
    """What an adapter makes of a callback that it may refuse, but at which it must not break."""
    try:
        return _parsed(bench, request)
    except CallbackRefused:
        return []


def _news(bench: Bench, received: Sequence[Request]) -> list[News]:
    return [one for request in received for one in _parsed(bench, bench.callback(request))]


def _reports(bench: Bench, received: Request) -> list[Report]:
    return [one for one in _news(bench, [received]) if isinstance(one, Report)]
