"""What Stripe posts: vector S1 with its refusals, and what each event makes us do."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.providers.base import Account, CallbackRefused, CallbackRequest, FailureCode, Hint, Report, Result
from ikawaari.providers.callbacks import Dispute, News, RefundElsewhere
from ikawaari.providers.stripe import Stripe
from tests.providers.bench_stripe import ASKS, VISA, StripeBench

# Vector S1.
SECRET = "whsec_made_up_secret"
AT = 1_790_000_000
BODY = (
    b'{"id":"evt_test_0001","object":"event","type":"payment_intent.succeeded","data":{"object":{"id":"pi_test_0001",'
    b'"object":"payment_intent","status":"succeeded","amount":1000,"amount_received":1000,"currency":"xof"}}}'
)
SIGNATURE = "e2277b2b4e0a0565be248a6314ac794a7cb1ec670425e5aba0ddf45027be4da2"
ATTEMPT = "8f3c1d20-5b1e-4c7a-9d55-0a4f6f7b2c11"


@pytest.fixture
def provider(config: Config) -> Stripe:
    """The adapter alone."""
    return Stripe(config)


def account(*, livemode: bool = True) -> Account:
    return Account(
        id="acc_1",
        provider="stripe",
        settings={"webhook_secret": SECRET},
        livemode=livemode,
        callback_url="https://pay.example.com/callbacks/acc_1",
    )


def request(body: bytes, header: str | None = None) -> CallbackRequest:
    headers = [("Stripe-Signature", f"t={AT},v1={signed(body)}" if header is None else header)]
    return CallbackRequest(
        method="POST", path="/callbacks/acc_1", authority="pay.example.com", headers=headers, body=body
    )


def signed(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), f"{AT}.".encode() + body, hashlib.sha256).hexdigest()


def parsed(provider: Stripe, sent: CallbackRequest, *, seconds: float = 0) -> Sequence[News]:
    now = datetime.fromtimestamp(AT, UTC) + timedelta(seconds=seconds)
    return provider.parse_callback(account(), sent, now)


def event(kind: str, about: Mapping[str, Any], **more: Any) -> CallbackRequest:
    usual = {"id": "evt_1", "object": "event", "livemode": True, "api_version": "2026-10-28.endive"}
    return request(json.dumps({**usual, "type": kind, "data": {"object": about}, **more}).encode())


def payment(status: str, **more: Any) -> dict[str, Any]:
    usual = {"id": "pi_1", "object": "payment_intent", "livemode": True, "metadata": {"attempt": ATTEMPT}}
    money = {"amount": 1_000, "amount_received": 1_000, "currency": "xof", "created": AT}
    return {**usual, **money, "status": status, **more}


# ---------------------------------------------------------------- signatures


def test_vector_s1_is_accepted(provider: Stripe) -> None:
    assert signed(BODY) == SIGNATURE
    with pytest.raises(CallbackRefused, match="other mode"):  # it says no mode; its signature is right
        parsed(provider, request(BODY))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=",
        f"v1={SIGNATURE}",
        f"t={AT}",
        f"t={AT},v1=",
        f"t={AT},v0={SIGNATURE}",
        f"t={AT + 1},v1={SIGNATURE}",
        f"t={AT},v1={SIGNATURE[:-1]}3",
        f"t={AT},v1={signed(BODY, 'made_up_secret')}",  # without its prefix
        f"t={AT},v1={hmac.new(SECRET.encode(), f'{AT}'.encode() + BODY, hashlib.sha256).hexdigest()}",  # no dot
        "t=" + "9" * 5_000,
        f"t=١,v1={SIGNATURE}",
        f"t={AT},v1=é",
    ],
    ids=str,
)
def test_another_signature_is_refused(provider: Stripe, header: str) -> None:
    with pytest.raises(CallbackRefused, match="signature"):
        parsed(provider, request(BODY, header))


@pytest.mark.parametrize("seconds", [-301, 301, 86_400])
def test_a_stale_signature_is_refused(provider: Stripe, seconds: int) -> None:
    with pytest.raises(CallbackRefused, match="stale"):
        parsed(provider, request(BODY), seconds=seconds)


@pytest.mark.parametrize("seconds", [-300, 300])
def test_five_minutes_are_allowed(provider: Stripe, seconds: int) -> None:
    assert parsed(provider, event("payment_intent.succeeded", payment("succeeded")), seconds=seconds)


def test_one_of_two_signatures_is_enough(provider: Stripe) -> None:
    """While its secret is being replaced, Stripe signs with both."""
    sent = event("payment_intent.succeeded", payment("succeeded"))
    header = f"t={AT},v1={signed(sent.body, 'whsec_old')},v1={signed(sent.body)},v0=x"
    assert parsed(provider, replace(sent, headers=[("stripe-signature", header)]))


def test_a_changed_body_is_refused(provider: Stripe) -> None:
    sent = event("payment_intent.succeeded", payment("succeeded"))
    with pytest.raises(CallbackRefused):
        parsed(provider, replace(sent, body=sent.body.replace(b"1000", b"9000")))


@pytest.mark.parametrize("livemode", [False, None, "true", 1])
def test_an_event_of_the_other_mode_is_refused(provider: Stripe, livemode: object) -> None:
    with pytest.raises(CallbackRefused, match="other mode"):
        parsed(provider, event("payment_intent.succeeded", payment("succeeded"), livemode=livemode))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"{}", b'"x"', b"\xff", b"[" * 5_000, b'{"id":1}'])
def test_what_is_no_event_is_refused_even_when_it_is_signed(provider: Stripe, body: bytes) -> None:
    with pytest.raises(CallbackRefused):
        parsed(provider, request(body))


# ---------------------------------------------------------------- payments


def test_a_success_is_reported(provider: Stripe) -> None:
    (report,) = parsed(provider, event("payment_intent.succeeded", payment("succeeded")))
    assert isinstance(report, Report)
    assert (report.event_id, report.charge_id, report.outcome.reference) == ("evt_1", ATTEMPT, "pi_1")
    assert report.outcome.money == Money(1_000, "XOF")


@pytest.mark.parametrize(
    ("kind", "about", "failure"),
    [
        (
            "payment_intent.payment_failed",
            payment("requires_payment_method", last_payment_error={"type": "card_error", "code": "expired_card"}),
            FailureCode.CARD_EXPIRED,
        ),
        ("payment_intent.canceled", payment("canceled", cancellation_reason="automatic"), FailureCode.EXPIRED),
        (
            "setup_intent.setup_failed",
            payment(
                "requires_payment_method",
                object="setup_intent",
                last_setup_error={"type": "card_error", "code": "setup_intent_authentication_failure"},
            ),
            FailureCode.AUTHENTICATION_FAILED,
        ),
    ],
)
def test_a_failure_is_reported(provider: Stripe, kind: str, about: dict[str, Any], failure: FailureCode) -> None:
    (report,) = parsed(provider, event(kind, about))
    assert isinstance(report, Report)
    assert (report.outcome.result, report.outcome.failure) == (Result.FAILED, failure)


@pytest.mark.parametrize(
    ("kind", "about"),
    [
        # They come in any order: what is not an end is asked about.
        ("payment_intent.processing", payment("processing")),
        ("payment_intent.requires_action", payment("requires_action")),
        ("payment_intent.created", payment("requires_payment_method")),
        ("payment_intent.succeeded", payment("succeeded", amount_received="1000")),
        ("payment_intent.succeeded", payment("succeeded", livemode=False)),
        ("payment_intent.succeeded", payment("succeeded", setup_future_usage="off_session", customer="cus_1")),
        ("setup_intent.succeeded", payment("succeeded", object="setup_intent")),
        ("charge.refunded", {"id": "ch_1", "object": "charge", "metadata": {"attempt": ATTEMPT}}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_everything_else_about_a_payment_makes_us_ask(provider: Stripe, kind: str, about: dict[str, Any]) -> None:
    assert parsed(provider, event(kind, about)) == [Hint(charge_id=ATTEMPT)]


def test_an_event_of_another_version_of_the_api_makes_us_ask(provider: Stripe) -> None:
    sent = event("payment_intent.succeeded", payment("succeeded"), api_version="2024-06-20")
    assert parsed(provider, sent) == [Hint(charge_id=ATTEMPT)]


@pytest.mark.parametrize(
    ("kind", "about"),
    [
        ("payment_intent.succeeded", payment("succeeded", metadata={})),
        ("payment_intent.succeeded", payment("succeeded", metadata=None)),
        ("charge.refunded", {"id": "ch_1", "object": "charge", "metadata": {}}),
        ("mandate.updated", {"id": "mandate_1", "object": "mandate"}),
        ("customer.created", {"id": "cus_1", "object": "customer", "metadata": {"attempt": ATTEMPT}}),
    ],
)
def test_what_is_not_about_us_is_no_news(provider: Stripe, kind: str, about: dict[str, Any]) -> None:
    assert parsed(provider, event(kind, about)) == []


# ---------------------------------------------------------------- refunds and disputes


def refund(status: str, **more: Any) -> dict[str, Any]:
    usual = {"id": "re_1", "object": "refund", "metadata": {"refund": ATTEMPT, "attempt": "other"}, "amount": 400}
    return {**usual, "currency": "xof", "payment_intent": "pi_1", "status": status, **more}


@pytest.mark.parametrize("kind", ["refund.created", "refund.updated", "refund.failed"])
@pytest.mark.parametrize(
    ("status", "result"), [("succeeded", Result.SUCCEEDED), ("failed", Result.FAILED), ("canceled", Result.FAILED)]
)
def test_the_end_of_a_refund_is_reported(provider: Stripe, kind: str, status: str, result: Result) -> None:
    (report,) = parsed(provider, event(kind, refund(status)))
    assert isinstance(report, Report)
    assert (report.refund_id, report.charge_id, report.outcome.result) == (ATTEMPT, None, result)


@pytest.mark.parametrize("status", ["pending", "requires_action"])
def test_a_refund_that_goes_on_makes_us_ask(provider: Stripe, status: str) -> None:
    assert parsed(provider, event("refund.updated", refund(status))) == [Hint(refund_id=ATTEMPT)]


def test_a_refund_that_was_made_at_stripe_is_told_by_the_payment(provider: Stripe) -> None:
    (news,) = parsed(provider, event("refund.created", refund("succeeded", metadata={})))
    assert isinstance(news, RefundElsewhere)
    assert (news.reference, news.outcome.reference, news.outcome.money) == ("pi_1", "re_1", Money(400, "XOF"))
    assert parsed(provider, event("refund.created", refund("succeeded", metadata={}, payment_intent=None))) == []


DISPUTE = {"id": "dp_1", "object": "dispute", "payment_intent": "pi_1", "amount": 1_000, "currency": "xof"}


@pytest.mark.parametrize(
    ("status", "is_final", "is_lost"),
    [
        ("needs_response", False, True),
        ("warning_under_review", False, True),
        ("lost", True, True),
        ("won", True, False),
        ("warning_closed", True, False),
    ],
)
def test_a_dispute_is_told_by_the_payment(provider: Stripe, status: str, is_final: bool, is_lost: bool) -> None:
    about = {**DISPUTE, "status": status, "reason": "fraudulent"}
    (news,) = parsed(provider, event("charge.dispute.closed", about))
    assert isinstance(news, Dispute)
    assert (news.reference, news.id, news.money) == ("pi_1", "dp_1", Money(1_000, "XOF"))
    assert (news.status, news.is_final, news.is_lost) == (f"{status}, fraudulent", is_final, is_lost)


@pytest.mark.parametrize("wrong", [{"amount": "1000"}, {"currency": None}, {"id": None}, {"payment_intent": None}])
def test_a_dispute_that_cannot_be_read_is_an_error_in_the_log(provider: Stripe, wrong: dict[str, Any]) -> None:
    about = {**DISPUTE, "status": "lost", **wrong}
    with capture_logs() as logged:
        assert parsed(provider, event("charge.dispute.created", about)) == []
    assert [line["event"] for line in logged] == ["stripe_dispute_unreadable"]


# ---------------------------------------------------------------- as the simulator sends them


def news(bench: StripeBench, count: int) -> list[News]:
    return [
        one
        for sent in bench.receiver.wait(count)
        for one in bench.provider.parse_callback(bench.account, bench.callback(sent), bench.now())
    ]


def test_events_may_come_out_of_order_and_doubled(bench: StripeBench) -> None:
    bench.talk.next("reorder")
    bench.talk.next("double_callback", times=5)
    charge = bench.charge(card=ASKS)
    known = bench.known(charge, bench.provider.charge(bench.account, charge, bench.now()))
    bench.decide(known, "complete")
    told = news(bench, 3)
    reports = [one for one in told if isinstance(one, Report)]
    assert {one.outcome.money for one in reports} == {charge.money}
    assert len({one.event_id for one in reports}) == 1
    assert all(one.charge_id == charge.id for one in told if isinstance(one, Report | Hint))


def test_an_account_that_has_another_version_only_makes_us_ask(bench: StripeBench) -> None:
    bench.talk.set(api_version="2025-01-27.acacia")
    charge = bench.charge(card=VISA)
    assert bench.provider.charge(bench.account, charge, bench.now()).result is Result.SUCCEEDED
    assert news(bench, 1) == [Hint(charge_id=charge.id)]


def test_a_stale_event_of_the_simulator_is_refused(bench: StripeBench) -> None:
    bench.talk.set(signature_age=301)
    bench.provider.charge(bench.account, bench.charge(card=VISA), bench.now())
    with pytest.raises(CallbackRefused, match="stale"):
        news(bench, 1)


def test_events_of_test_mode_are_none_of_a_live_account(bench: StripeBench) -> None:
    bench.provider.charge(bench.account, bench.charge(card=VISA), bench.now())
    (sent,) = bench.receiver.wait(1)
    live = replace(bench.account, livemode=True)
    with pytest.raises(CallbackRefused, match="other mode"):
        bench.provider.parse_callback(live, bench.callback(sent), bench.now())
