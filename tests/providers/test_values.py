"""The values that adapters are given, and those that they return."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from ikawaari.invariants import InvariantBroken
from ikawaari.money import Money
from ikawaari.providers import settings
from ikawaari.providers.callbacks import CallbackRequest, Hint, Report
from ikawaari.providers.capabilities import Limits, Reach, Times
from ikawaari.providers.outcomes import (
    Action,
    ActionKind,
    FailureCode,
    Outcome,
    Result,
    failed,
    refused,
    succeeded,
    unknown,
)
from ikawaari.providers.settings import BASE_URL, Setting
from ikawaari.providers.tokens import Token, Tokens
from ikawaari.providers.values import Account, Charge, Flow, long_id, plain_text, short_id
from ikawaari.shapes import JsonObject

NOW = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
ID, SHORT = "8f3c1d20-5b1e-4c7a-9d55-0a4f6f7b2c11", "r46b2ic3dzghvhkvbjhw66zmce"
ACCOUNT = Account(
    id="acc_0000000000000001",
    provider="cinetpay",
    settings={"api_key": "sk_test_made_up", "sign_callbacks": True},
    livemode=False,
    callback_url="https://pay.example.com/callbacks/acc_0000000000000001",
    callback_key=b"made_up_secret",
)


@pytest.fixture
def engine() -> str:
    """No database."""
    return "sqlite"


def test_an_account_shows_neither_settings_nor_key() -> None:
    assert "made_up" not in repr(ACCOUNT)
    assert ACCOUNT.text("api_key") == "sk_test_made_up"
    assert ACCOUNT.text("nothing", "else") == "else"
    assert ACCOUNT.is_set("sign_callbacks")


def test_a_callback_address_proves_that_we_gave_it_out() -> None:
    tag = "fd11f8b9882f91ba14eb3e188968d2b0"
    assert ACCOUNT.tag(SHORT) == tag
    assert ACCOUNT.tagged_url(SHORT) == f"{ACCOUNT.callback_url}/{SHORT}/{tag}"
    assert ACCOUNT.tagged_url(SHORT, names_it=False) == f"{ACCOUNT.callback_url}/{tag}"
    assert ACCOUNT.has_tag(tag, SHORT)
    for wrong in (None, "", tag[:-1], tag + "0", tag.upper(), "é" * 32):
        assert not ACCOUNT.has_tag(wrong, SHORT)
    assert not ACCOUNT.has_tag(tag, ID)


def test_a_short_id_is_the_same_id() -> None:
    assert short_id(ID) == SHORT
    assert long_id(SHORT) == ID


@pytest.mark.parametrize(
    "text", [None, 7, "", SHORT[:-1], SHORT + "a", SHORT.upper(), "é" * 26, "1" * 26, SHORT[:-1] + "f"]
)
def test_nothing_else_is_a_short_id(text: object) -> None:
    assert long_id(text) is None


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Boutique Awa", "Boutique Awa"),
        ("Café « Chez l'Élève »!", "Cafe Chez l Eleve"),
        ("متجر", ""),
        ("a" * 30, "a" * 22),
    ],
)
def test_a_statement_in_plain_letters(text: str, plain: str) -> None:
    assert plain_text(text, 22) == plain


def test_a_charge_of_nothing_is_a_setup() -> None:
    charge = Charge(id=ID, intent_id="pi_1", money=Money(0, "XOF"), method_type="card")
    assert charge.is_setup


# ---------------------------------------------------------------- outcomes


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("1000", "XOF", 1000),
        ("1000.00", "XOF", 1000),
        ("1000.0000", "XOF", 1000),
        (1000, "XOF", 1000),
        (Decimal("1000.00"), "XOF", 1000),
        (Decimal("10.5"), "USD", 1050),
        ("10.5", "USD", 1050),
    ],
)
def test_a_success_is_exact(amount: object, currency: str, minor: int) -> None:
    outcome = succeeded(amount, currency, reference="r1")
    assert (outcome.result, outcome.money, outcome.reference) == (Result.SUCCEEDED, Money(minor, currency), "r1")


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("1000.5", "XOF"),
        (1000.0, "XOF"),
        (Decimal("1000.5"), "XOF"),
        (Decimal("1E+999999999"), "XOF"),
        (Decimal("-1"), "XOF"),
        (True, "XOF"),
        (None, "XOF"),
        ("-1", "XOF"),
        ("1e3", "XOF"),
        ("1000", "ZZZ"),
        ("1", None),
    ],
)
def test_an_amount_that_cannot_be_read_is_no_success(amount: object, currency: object) -> None:
    with capture_logs() as logged:
        outcome = succeeded(amount, currency, reference="r1")
    assert (outcome.result, outcome.money, outcome.reference) == (Result.UNKNOWN, None, "r1")
    assert [(line["event"], line["log_level"]) for line in logged] == [("provider_amount_unreadable", "error")]


@pytest.mark.parametrize(
    ("url", "is_kept"),
    [
        ("https://pay.example.com/1?a=1#b", True),
        ("http://127.0.0.1:9400/1", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//pay.example.com/1", False),
        ("/1", False),
        ("https://pay.example.com/\n1", False),
        ("https://pay.example.com/" + "1" * 5_000, False),
        ("", False),
    ],
)
def test_a_payer_is_led_to_an_address_of_the_web_or_nowhere(url: str, is_kept: bool) -> None:
    action = Action(kind=ActionKind.REDIRECT, url=url)
    assert (action.url, action.is_complete) == ((url, True) if is_kept else (None, False))
    assert Outcome(result=Result.REQUIRES_ACTION, action=action).action == (action if is_kept else None)


def test_failures_and_refusals_have_a_code_and_nothing_else_has() -> None:
    assert refused(FailureCode.NOT_ALLOWED, "x").result is Result.REFUSED
    assert failed(FailureCode.NOT_ALLOWED).result is Result.FAILED
    for result in (Result.FAILED, Result.REFUSED):
        with pytest.raises(InvariantBroken):
            Outcome(result=result)
    with pytest.raises(InvariantBroken):
        Outcome(result=Result.UNKNOWN, failure=FailureCode.UNKNOWN)


def test_words_of_a_provider_are_cleaned() -> None:
    outcome = unknown("a\nb\x00" + "c" * 300)
    assert outcome.raw_code is not None
    assert outcome.raw_code.startswith("a b\ufffdc")
    assert len(outcome.raw_code) == 255


# ---------------------------------------------------------------- callbacks


def test_a_header_is_found_in_any_case_and_several_are_joined() -> None:
    headers = [("X-One", " a "), ("x-two", "b"), ("X-ONE", "c")]
    request = CallbackRequest(method="POST", path="/", authority="pay.example.com", headers=headers, body=b"")
    assert request.header("x-one") == "a, c"
    assert request.header("X-Two") == "b"
    assert request.header("x-three") is None


def test_news_is_about_something() -> None:
    outcome = unknown("x")
    assert Report(event_id="e", refund_id=ID, outcome=outcome).charge_id is None
    with pytest.raises(InvariantBroken):
        Report(event_id="e", outcome=outcome)
    with pytest.raises(InvariantBroken):
        Report(event_id="e", charge_id=ID, refund_id=ID, outcome=outcome)
    with pytest.raises(InvariantBroken):
        Hint()
    assert Hint(reference="cos-1\n").reference == "cos-1 "


def test_long_ids_of_news_stay_different() -> None:
    one, other = (Report(event_id="e" * 300 + end, charge_id=ID, outcome=unknown("x")) for end in "ab")
    assert one.event_id != other.event_id
    assert len(one.event_id) < 255


# ---------------------------------------------------------------- capabilities


def test_limits_know_the_smallest_step() -> None:
    limits = Limits(minimum=100, maximum=1_000, step=5)
    taken = [amount for amount in (99, 100, 101, 105, 1_000, 1_005) if limits.take(Money(amount, "XOF"))]
    assert taken == [100, 105, 1_000]


def test_a_reach_has_currencies_of_its_own() -> None:
    reach = Reach(currencies=frozenset({"CDF", "USD"}), flows=(Flow.USSD_PUSH,), limits={"CDF": Limits(step=100)})
    assert reach.takes(Money(101, "USD"))
    assert not reach.takes(Money(101, "CDF"))
    assert not reach.takes(Money(100, "XOF"))


@pytest.mark.parametrize(
    ("flows", "flow", "asked"),
    [
        ((Flow.OTP,), None, True),
        ((Flow.REDIRECT, Flow.OTP), None, False),
        ((Flow.REDIRECT, Flow.OTP), Flow.OTP, True),
        ((Flow.OTP,), Flow.QR, True),
    ],
)
def test_a_code_is_asked_first_with_the_flow_that_needs_it(
    flows: tuple[Flow, ...], flow: Flow | None, asked: bool
) -> None:
    reach = Reach(currencies=frozenset({"XOF"}), flows=flows, code_from="*144*4*6*{amount}#")
    assert reach.asks_code_first(flow) is asked
    assert not Reach(currencies=frozenset({"XOF"}), flows=flows).asks_code_first(flow)


@pytest.mark.parametrize(("call", "forgets", "settles"), [(0, 2, 3), (2, 2, 3), (1, 3, 2)])
def test_times_are_in_order(call: int, forgets: int, settles: int) -> None:
    minute = timedelta(minutes=1)
    with pytest.raises(InvariantBroken):
        Times(call_timeout=call * minute, forgets_after=forgets * minute, settles_within=settles * minute)


# ---------------------------------------------------------------- settings and tokens

KNOWN = (
    BASE_URL,
    Setting(name="token", is_secret=True),
    Setting(name="sign_callbacks", is_flag=True, is_optional=True),
    Setting(
        name="disbursement", is_optional=True, parts=(Setting(name="api_key", is_secret=True), Setting(name="api_user"))
    ),
    Setting(name="platform", is_optional=True, choices=("old", "new")),
)


def test_good_settings_have_no_problems() -> None:
    assert settings.problems(KNOWN, {"token": "t"}) == {}
    whole = {
        "token": "t",
        "sign_callbacks": False,
        "disbursement": {"api_key": "k", "api_user": "u"},
        "base_url": "http://127.0.0.1:1",
        "platform": "new",
    }
    assert settings.problems(KNOWN, whole) == {}


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({}, ["token"]),
        ({"token": ""}, ["token"]),
        ({"token": "a b\n"}, ["token"]),
        ({"token": 7}, ["token"]),
        ({"token": "t", "Token": "t"}, ["Token"]),
        ({"token": "t", "sign_callbacks": "yes"}, ["sign_callbacks"]),
        ({"token": "t", "disbursement": {"api_key": "k", "x": 1}}, ["disbursement.x", "disbursement.api_user"]),
        ({"token": "t", "disbursement": "k"}, ["disbursement"]),
        ({"token": "t", "platform": "newest"}, ["platform"]),
        ({"token": "t", "platform": ["new"]}, ["platform"]),
        ([], ["settings"]),
    ],
)
def test_every_wrong_setting_is_named_and_none_is_shown(given: object, wrong: list[str]) -> None:
    found = settings.problems(KNOWN, given)
    assert list(found) == wrong


def test_secrets_are_masked_and_found() -> None:
    given: JsonObject = {
        "token": "t1",
        "base_url": "http://x",
        "disbursement": {"api_key": "k1", "api_user": "u1"},
        "stray": "s1",
    }
    assert settings.masked(KNOWN, given) == {
        "token": "…",
        "base_url": "http://x",
        "disbursement": {"api_key": "…", "api_user": "u1"},
        "stray": "…",
    }
    assert settings.secrets(KNOWN, given) == ["t1", "k1"]


def test_many_who_need_a_token_log_in_once() -> None:
    tokens, logins = Tokens(), []

    def log_in() -> Token | str:
        logins.append(1)
        return Token(f"t{len(logins)}", NOW + timedelta(minutes=1))

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: tokens.of(ACCOUNT, NOW, log_in), range(8)))
    assert got == [Token("t1", NOW + timedelta(minutes=1))] * 8
    again = tokens.of(ACCOUNT, NOW, log_in, instead_of=got[0] if isinstance(got[0], Token) else None)
    assert (again, len(logins)) == (Token("t2", NOW + timedelta(minutes=1)), 2)
    assert tokens.of(ACCOUNT, NOW + timedelta(minutes=1), log_in) != again
    assert "t2" not in repr(again)


def test_a_login_that_fails_is_not_kept() -> None:
    tokens = Tokens()
    assert tokens.of(ACCOUNT, NOW, lambda: "wrong key") == "wrong key"
    token = Token("t", NOW + timedelta(minutes=1))
    assert tokens.of(ACCOUNT, NOW, lambda: token) == token
