"""pawaPay's callbacks: whose keys are believed, and what they say."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.providers.callbacks import CallbackRefused, Hint, Report
from ikawaari.providers.outcomes import FailureCode, Result
from ikawaari.providers.pawapay import keys
from ikawaari.providers.values import Account
from ikawaari.simulators.pawapay import PawaPay
from ikawaari.simulators.web import Answer, in_json
from tests.providers.bench_pawapay import PawaPayBench, charge_of
from tests.providers.pawapay_said import CHARGE_ID, REFUND_ID, Said, data, reason
from tests.providers.pawapay_signed import AT, KEYS, P256, SIGNERS, VECTOR, changed, parsed, publish, refused, signed
from tests.simulators import vector_p1 as p1
from tests.simulators.talking import Receiver, talk

ACCOUNT = Account(
    id="acc_1", provider="pawapay", settings={"token": "made-up"}, livemode=True, callback_url="https://pay.example/x"
)


@pytest.fixture
def engine() -> str:
    """No database."""
    return "sqlite"


@pytest.fixture
def said() -> Iterator[Said]:
    """A pawaPay that publishes the vector's key."""
    with Said().listening() as said:
        said.answers["public-key"] = [KEYS]
        yield said


# ---------------------------------------------------------------- keys


def test_keys_are_fetched_once_with_the_token(said: Said) -> None:
    for _ in range(3):
        parsed(said)
    (asked,) = said.asked
    assert (asked.target, asked.header("Authorization")) == ("/v2/public-key/http", "Bearer made-up-token")


def test_strangers_make_us_ask_for_keys_once_a_minute_at_most(said: Said) -> None:
    stranger = changed(VECTOR, signature_input=f"sig-pp={p1.PARAMS}".replace("KEY:1", "KEY:9"))
    for seconds in (-29, -10, 0, 29):
        assert refused(said, stranger, AT + timedelta(seconds=seconds)) == "signed with an unknown key"
    assert len(said.asked) == 1
    assert isinstance(parsed(said), Report)


def test_an_unknown_key_is_asked_for_again_after_a_minute() -> None:
    ring, asked = keys.KeyRings(), list[int]()

    def fetch() -> keys.PublicKeys:
        asked.append(1)
        return {"K:1": P256.public_key()}

    for seconds, count in ((0, 1), (59, 1), (60, 2), (61, 2), (120, 3)):
        assert ring.find(ACCOUNT, "K:2", AT + timedelta(seconds=seconds), fetch) is None
        assert len(asked) == count
    assert ring.find(ACCOUNT, "K:1", AT, fetch)
    assert ring.find(replace(ACCOUNT, id="acc_2"), "K:1", AT, fetch)  # another account's keys are its own
    assert len(asked) == 4


def _published() -> keys.PublicKeys:
    return {"K:1": P256.public_key()}


def test_a_key_that_is_no_longer_published_counts_for_half_a_day_at_most() -> None:
    ring = keys.KeyRings()
    assert ring.find(ACCOUNT, "K:1", AT, _published)
    assert ring.find(ACCOUNT, "K:1", AT + timedelta(hours=11), dict)
    assert ring.find(ACCOUNT, "K:1", AT + timedelta(hours=12), dict) is None


def test_keys_that_cannot_be_fetched_again_count_for_a_day_and_then_no_callback_is_believed() -> None:
    ring, hour = keys.KeyRings(), timedelta(hours=1)
    assert ring.find(ACCOUNT, "K:1", AT, _published)
    for hours in (12, 18, 23):  # no answer withdraws nothing yet
        assert ring.find(ACCOUNT, "K:1", AT + hours * hour, lambda: None)
    for hours in (24, 25, 1000):
        assert ring.find(ACCOUNT, "K:1", AT + hours * hour, lambda: None) is None
    assert ring.find(ACCOUNT, "K:1", AT + 1001 * hour, _published)


def test_keys_that_were_fetched_with_other_settings_are_not_believed() -> None:
    ring, elsewhere = (
        keys.KeyRings(),
        replace(ACCOUNT, settings={**ACCOUNT.settings, "base_url": "https://real.example"}),
    )
    assert ring.find(ACCOUNT, "K:1", AT, _published)
    assert ring.find(elsewhere, "K:1", AT, dict) is None


@pytest.mark.parametrize("answer", [
    *[Answer(500), Answer(200, b"<html>"), in_json({}), in_json([]), in_json([{"id": "HTTP_EC_P256_KEY:1"}])],
    *[in_json([{"id": "HTTP_EC_P256_KEY:1", "key": text}]) for text in ("", "AAAA", "é", "-----BEGIN PUBLIC KEY-----")],
    in_json([7, None, {"id": 7, "key": 8}]),
])  # fmt: skip
def test_without_a_key_nothing_is_believed(said: Said, answer: Answer) -> None:
    said.answers["public-key"] = [answer]
    assert refused(said, VECTOR) == "signed with an unknown key"


# ---------------------------------------------------------------- what a callback says


def _body(**more: object) -> bytes:
    return json.dumps(data("COMPLETED") | more).encode()


def test_that_a_statement_is_ready_is_no_news_of_a_payment(said: Said) -> None:
    body = json.dumps({"statementId": CHARGE_ID, "status": "COMPLETED", "downloadUrl": "https://files.example/x"})
    publish(said, P256)
    made = signed(SIGNERS["p256 der"], body.encode())
    assert said.provider.parse_callback(said.account, made, AT) == []
    forged = replace(made, body=made.body.replace(b"files", b"other"))
    assert refused(said, forged)


def _said_in(said: Said, body: bytes) -> Report | Hint:
    publish(said, P256)
    return parsed(said, signed(SIGNERS["p256 der"], body))


def test_a_failure_is_a_report_with_its_code(said: Said) -> None:
    report = _said_in(said, _body(status="FAILED", **reason("INSUFFICIENT_BALANCE")))
    assert isinstance(report, Report)
    assert report.outcome.failure is FailureCode.INSUFFICIENT_FUNDS
    assert report.outcome.raw_code == "INSUFFICIENT_BALANCE"


@pytest.mark.parametrize("more", [
    {"status": "PROCESSING", "nextStep": "REDIRECT_TO_AUTH_URL", "authorizationUrl": "https://pay.wave.com/c/1"},
    {"status": "IN_RECONCILIATION"},
    {"status": "NEWLY_INVENTED"},
    {"status": None},
    {"amount": "1000.5"},
    {"amount": 1000.5},
])  # fmt: skip
def test_what_has_not_ended_or_cannot_be_read_only_makes_us_ask(said: Said, more: dict[str, object]) -> None:
    assert _said_in(said, _body(**more)) == Hint(charge_id=CHARGE_ID)


@pytest.mark.parametrize(("more", "result"), [
    ({"status": "COMPLETED", "amount": "400.0000"}, Result.SUCCEEDED),
    ({"status": "FAILED", **reason("RECIPIENT_NOT_FOUND")}, Result.FAILED),
])  # fmt: skip
def test_a_refunds_callback_is_about_the_refund(said: Said, more: dict[str, object], result: Result) -> None:
    report = _said_in(said, _body(refundId=REFUND_ID, **more))
    assert isinstance(report, Report)
    assert (report.refund_id, report.charge_id, report.outcome.result) == (REFUND_ID, None, result)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"null", b'{"payoutId": "x"}', b'{"depositId": 7}', b"\xff", b"[" * 9999]
)
def test_what_is_about_neither_is_refused(said: Said, body: bytes) -> None:
    publish(said, P256)
    assert refused(said, signed(SIGNERS["p256 der"], body)) == "about neither a deposit nor a refund"


def test_where_an_account_does_not_sign_a_callback_is_a_hint_even_if_it_tells_of_success(said: Said) -> None:
    said.account = replace(said.account, settings={**said.account.settings, "sign_callbacks": False})
    assert parsed(said, replace(VECTOR, headers=[])) == Hint(charge_id=CHARGE_ID)
    assert parsed(said) == Hint(charge_id=CHARGE_ID)
    assert said.asked == []
    refund = replace(VECTOR, body=_body(refundId=REFUND_ID), headers=[])
    assert parsed(said, refund) == Hint(refund_id=REFUND_ID)
    assert refused(said, replace(VECTOR, body=b"{}", headers=[]))


# ---------------------------------------------------------------- at the simulator


def test_a_new_key_of_pawapay_is_learned(config: Config) -> None:
    with Receiver().listening() as receiver, talk(PawaPay(receiver.url)) as sim:
        bench = PawaPayBench(config, sim, receiver)
        bench.paid()
        began = bench.now() - timedelta(seconds=25)
        assert bench.provider.parse_callback(bench.account, bench.callback(receiver.wait(1)[0]), began)
        sim.set(key_number=2)
        bench.paid()
        second = bench.callback(receiver.wait(2)[1])
        with pytest.raises(CallbackRefused, match="unknown key"):
            bench.provider.parse_callback(bench.account, second, began + timedelta(seconds=59))
        (report,) = bench.provider.parse_callback(bench.account, second, began + timedelta(seconds=61))
        assert isinstance(report, Report)


def test_a_page_that_is_ready_is_told_by_a_callback(config: Config) -> None:
    with Receiver().listening() as receiver, talk(PawaPay(receiver.url)) as sim:
        bench = PawaPayBench(config, sim, receiver)
        charge = charge_of("wave_ci", "WAVE_CIV", Money(5_000, "XOF"))
        bench.provider.charge(bench.account, charge, bench.now())
        sim.advance(10)
        (news,) = bench.provider.parse_callback(bench.account, bench.callback(receiver.wait(1)[0]), bench.now())
        assert news == Hint(charge_id=charge.id)
