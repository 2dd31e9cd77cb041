"""Wave's webhooks in both forms, and requests that must be signed."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.providers.callbacks import CallbackRefused, CallbackRequest, Hint, News, Report
from ikawaari.providers.outcomes import FailureCode, Result
from ikawaari.providers.wave import Wave
from ikawaari.simulators import wave as simulated
from ikawaari.simulators.wave import rules
from tests.providers.bench_wave import WaveBench
from tests.providers.scripted import scripted
from tests.providers.wave_account import AKS, EXPIRED, ID, KEY, OPEN, PAID, SESSION, WHS, account
from tests.simulators.talking import Receiver, talk
from tests.simulators.wave_wallet import hexdigest


@pytest.fixture
def engine() -> str:
    """No database."""
    return "sqlite"


@pytest.fixture
def provider(config: Config) -> Wave:
    return Wave(config)


@pytest.fixture
def bench(config: Config) -> Iterator[WaveBench]:
    """The adapter at the simulator."""
    with Receiver().listening() as receiver, talk(simulated.Wave(receiver.url, "SN")) as sim:
        yield WaveBench(config, sim, receiver)


# ---------------------------------------------------------------- webhooks

W1 = (
    b'{"id":"EV_test000001","type":"checkout.session.completed","data":{"id":"cos-1test0000001","amount":"1000",'
    b'"currency":"XOF","checkout_status":"complete","payment_status":"succeeded","client_reference":"pa_0001",'
    b'"transaction_id":"TTEST00001"}}'
)
STAMP = 1_790_000_000
SIGNED_AT = datetime.fromtimestamp(STAMP, UTC)
RIGHT = "43f68f20146a92ad42ad8c09720691a49d7a2eaa25c75d3f6ed1b8d844b2587e"
WITH_A_DOT = "ecd4f92387fb6b8af6c6b484ac91d229d2b6b5566f510835fc699a2e8fb781e3"
WITH_A_COMMA = "b545a39af0942f3255f7710daa90aec2c5d28737e23b3bd9fcde2f6888372535"
BODY_ONLY = "85ca3658ac98dc93f34db2d0c4922d6e22a83fe6b381ca996b7698dfcc303570"


def told(
    provider: Wave,
    body: bytes,
    headers: list[tuple[str, str]],
    now: datetime = SIGNED_AT,
    **settings: Any,
) -> list[News]:
    request = CallbackRequest(
        method="POST",
        path="/callbacks/acc_0000000000000001",
        authority="pay.example.com",
        headers=headers,
        body=body,
    )
    return list(provider.parse_callback(account(**settings), request, now))


def signed(event: object) -> tuple[bytes, list[tuple[str, str]]]:
    """An event as Wave would send it at `SIGNED_AT`; made without the adapter's own."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    return body, [("wave-signature", f"t={STAMP},v1={hexdigest(WHS, str(STAMP).encode() + body)}")]


def test_w1_is_accepted(provider: Wave) -> None:
    [news] = told(provider, W1, [("Wave-Signature", f"t={STAMP},v1={RIGHT}")])
    assert isinstance(news, Report)
    assert (news.event_id, news.charge_id) == ("EV_test000001", "pa_0001")
    outcome = news.outcome
    assert (outcome.result, outcome.money, outcome.reference) == (Result.SUCCEEDED, Money(1_000, "XOF"), SESSION)


@pytest.mark.parametrize("given", [WITH_A_DOT, WITH_A_COMMA, BODY_ONLY, RIGHT.upper(), RIGHT[:-1], RIGHT + "0", ""])
def test_w1_is_refused_with_each_usual_mistake(provider: Wave, given: str) -> None:
    with pytest.raises(CallbackRefused, match="wrong signature"):
        told(provider, W1 + b"\n", [("Wave-Signature", f"t={STAMP},v1={RIGHT}")])
    with pytest.raises(CallbackRefused, match="wrong signature"):
        told(provider, W1, [("Wave-Signature", f"t={STAMP},v1={given}")])


@pytest.mark.parametrize(
    "header",
    [
        f"t={STAMP},v1={BODY_ONLY},v1={RIGHT}",
        f"t={STAMP},v1={RIGHT},v1={BODY_ONLY}",
        f"v1={RIGHT}, t={STAMP}",
        f"t={STAMP},v2=x,v1={RIGHT}",
    ],
)
def test_any_of_several_signatures_may_be_the_right_one(provider: Wave, header: str) -> None:
    assert len(told(provider, W1, [("Wave-Signature", header)])) == 1


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        RIGHT,
        f"v1={RIGHT}",
        f"t={STAMP}",
        f"t={STAMP},v0={RIGHT}",
        f"t=,v1={RIGHT}",
        f"t=-{STAMP},v1={RIGHT}",
        f"t={STAMP}.0,v1={RIGHT}",
        f"t={STAMP:013},v1={RIGHT}",
        f"t={STAMP},t={STAMP},v1={RIGHT}",
        f"t={'1' * 5_000},v1={RIGHT}",
        "t=١٧٩٠٠٠٠٠٠٠,v1=" + RIGHT,
    ],
)
def test_a_header_that_is_no_signature_is_refused(provider: Wave, header: str | None) -> None:
    with pytest.raises(CallbackRefused):
        told(provider, W1, [("Wave-Signature", header)] if header is not None else [])


@pytest.mark.parametrize(("age", "fresh"), [(300, True), (301, False), (-30, True), (-31, False), (0, True)])
def test_a_signature_is_fresh_for_five_minutes(provider: Wave, age: int, *, fresh: bool) -> None:
    headers = [("Wave-Signature", f"t={STAMP},v1={RIGHT}")]
    now = SIGNED_AT + timedelta(seconds=age)
    if fresh:
        assert len(told(provider, W1, headers, now)) == 1
    else:
        with pytest.raises(CallbackRefused, match="fresh"):
            told(provider, W1, headers, now)


def test_a_shared_secret_counts_only_where_the_account_says_so(provider: Wave) -> None:
    shared, sealed = [("Authorization", f"Bearer {WHS}")], [("Wave-Signature", f"t={STAMP},v1={RIGHT}")]
    assert len(told(provider, W1, shared, webhook_shared_secret=True)) == 1
    assert len(told(provider, W1, sealed, webhook_shared_secret=False)) == 1
    refusals: list[tuple[list[tuple[str, str]], bool]] = [
        (shared, False),
        (sealed, True),
        ([("Authorization", WHS)], True),
        ([("Authorization", f"Bearer {WHS}x")], True),
        ([("Authorization", f"Bearer {KEY}")], True),
        ([("Authorization", "Bearer ")], True),
        ([], True),
    ]
    for headers, is_shared in refusals:
        with pytest.raises(CallbackRefused):
            told(provider, W1, headers, webhook_shared_secret=is_shared)


@pytest.mark.parametrize("is_shared", [False, True])
def test_without_a_secret_nothing_is_believed(provider: Wave, *, is_shared: bool) -> None:
    empty = hexdigest("", str(STAMP).encode() + W1)
    headers = [("Wave-Signature", f"t={STAMP},v1={empty}"), ("Authorization", "Bearer ")]
    with pytest.raises(CallbackRefused):
        told(provider, W1, headers, webhook_secret="", webhook_shared_secret=is_shared)


@pytest.mark.parametrize(
    "kind", ["test.test_event", "merchant.payment_received", "b2b.payment_received", "b2b.payment_failed", "new.one"]
)
def test_events_that_are_not_about_a_session_of_ours_are_no_news(provider: Wave, kind: str) -> None:
    assert told(provider, *signed({"id": "EV_1", "type": kind, "data": PAID})) == []


@pytest.mark.parametrize("payment_status", ["failed", "processing", None])
def test_a_try_that_failed_is_a_hint(provider: Wave, payment_status: str | None) -> None:
    data = {"id": SESSION, "last_payment_error": {"code": "insufficient-funds"}, "payment_status": payment_status}
    event = {"id": "EV_2", "type": "checkout.session.payment_failed", "data": data}
    assert told(provider, *signed(event)) == [Hint(reference=SESSION)]
    named = {**event, "data": {**data, "client_reference": ID}}
    assert told(provider, *signed(named)) == [Hint(charge_id=ID, reference=SESSION)]
    assert told(provider, *signed({**event, "data": PAID})) == [Hint(charge_id=ID, reference=SESSION)]


@pytest.mark.parametrize(
    "data",
    [
        {**PAID, "client_reference": None},
        {**PAID, "payment_status": "processing"},
        {**OPEN},
        {**EXPIRED},
        {**PAID, "amount": "1e3"},
        {"id": SESSION},
    ],
    ids=str,
)
def test_a_completed_session_that_is_not_ours_or_not_paid_only_makes_us_ask(
    provider: Wave, data: Mapping[str, Any]
) -> None:
    [news] = told(provider, *signed({"id": "EV_3", "type": "checkout.session.completed", "data": data}))
    assert isinstance(news, Hint)
    assert news.reference == SESSION


@pytest.mark.parametrize(
    "event",
    [
        b"",
        b"<html>",
        b"[]",
        {},
        {"id": "EV_1"},
        {"id": 1, "type": "checkout.session.completed", "data": PAID},
        {"id": "EV_1", "type": ["checkout.session.completed"], "data": PAID},
        {"id": "EV_1", "type": "checkout.session.completed"},
        {"id": "EV_1", "type": "checkout.session.completed", "data": []},
        {"id": "EV_1", "type": "checkout.session.payment_failed", "data": {"id": 1}},
    ],
    ids=str,
)
def test_a_signed_body_of_another_shape_is_refused(provider: Wave, event: object) -> None:
    with pytest.raises(CallbackRefused):
        told(provider, *signed(event))


# ---------------------------------------------------------------- signed requests

W2 = {
    "amount": "1000",
    "currency": "XOF",
    "success_url": "https://pay.example.com/r/ok",
    "error_url": "https://pay.example.com/r/ko",
    "client_reference": "pa_0001",
}
W2_POST = "469c696a6588d8a0816b718b0295249567e1928d7ced5c22dfa7e14887d954cd"
W2_GET = "dfce390895857b80ca641fa94b1fb02993518976f82ffe37243579679eacc5dd"


def test_w2_is_how_requests_are_signed(provider: Wave) -> None:
    with scripted((200, OPEN)) as peer:
        wallet = provider._wallet(account(peer.base_url, signing_secret=AKS), SIGNED_AT)
        wallet.send("POST", "/v1/checkout/sessions", what="create", fields=W2)
        wallet.get(SESSION)
        wallet.send("POST", "/v1/checkout/sessions/x/refund", what="refund")
    assert peer.asked[0].body == json.dumps(W2, separators=(",", ":")).encode()
    given = [request.header("Wave-Signature") for request in peer.asked]
    assert given == [f"t={STAMP},v1={W2_POST}", f"t={STAMP},v1={W2_GET}", f"t={STAMP},v1={W2_GET}"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"signing_secret": ""}, "missing-signature"),
        ({"signing_secret": rules.webhook_secret("sn")}, "invalid-signature"),
        ({"api_key": f"{KEY}x"}, "no-matching-api-key"),
    ],
)
def test_wave_refuses_what_is_not_signed_rightly(bench: WaveBench, change: dict[str, str], code: str) -> None:
    wrong = replace(bench.account, settings={**bench.account.settings, **change})
    outcome = bench.provider.charge(wrong, bench.charge(), bench.now())
    assert (outcome.result, outcome.failure) == (Result.REFUSED, FailureCode.CONFIGURATION_ERROR)
    assert outcome.raw_code == code


@pytest.mark.parametrize(
    ("seconds", "code"), [(-310, "expired-signature-timestamp"), (40, "invalid-signature-timestamp")]
)
def test_wave_refuses_signatures_of_another_time(bench: WaveBench, seconds: int, code: str) -> None:
    outcome = bench.provider.charge(bench.account, bench.charge(), bench.now() + timedelta(seconds=seconds))
    assert (outcome.result, outcome.raw_code) == (Result.REFUSED, code)


def test_a_key_without_a_signing_secret_signs_nothing(bench: WaveBench) -> None:
    settings = {**bench.account.settings, "api_key": rules.api_key("sn"), "signing_secret": None}
    plain = replace(bench.account, settings=settings)
    assert bench.provider.charge(plain, bench.charge(), bench.now()).result is Result.REQUIRES_ACTION
