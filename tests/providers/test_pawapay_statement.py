"""pawaPay's statements: wallet by wallet asked for, waited for and fetched; and what their lines say together."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.providers.channel import Channel
from ikawaari.providers.pawapay import PawaPay, statement
from ikawaari.providers.provider import Verb
from ikawaari.providers.statements import Kind, Line, NoStatement, Standing
from ikawaari.providers.values import Account
from ikawaari.shapes import JsonValue
from tests.providers.scripted import Scripted, Written, scripted

DAY = datetime(2026, 11, 25, tzinfo=UTC)
NOW = DAY + timedelta(hours=28)
ID = "f4401bd2-1568-4140-bf2d-eb77d2b2b639"
ACCEPTED: Written = (200, {"statementId": ID, "status": "ACCEPTED", "created": "2026-11-26T04:00:00Z"})
PROCESSING: Written = (200, {"status": "FOUND", "data": {"statementId": ID, "status": "PROCESSING"}})
SENEGAL = {"country": "SEN", "balance": "21798.03", "currency": "XOF", "provider": ""}
HEAD = "Creation Date,MSISDN,Transaction ID,Amount,Currency,Country,MNO,Type,Balance,Reason,Metadata"
EMPTY = f"{HEAD}\n"


@pytest.fixture
def engine() -> str:
    """No database."""
    return "sqlite"


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    """A pawaPay that is asked without waiting."""
    monkeypatch.setattr(statement, "_WAITS", (0.0,) * 3)
    with scripted((500, None)) as peer:
        yield peer


def balances(*wallets: dict[str, str]) -> Written:
    """The account's wallets."""
    return 200, {"balances": list(wallets)}


def completed(peer: Scripted, path: str = "/files/statement.csv?signature=s%2B1") -> Written:
    """A statement that is ready."""
    data = {"statementId": ID, "status": "COMPLETED", "downloadUrl": f"{peer.base_url}{path}"}
    return 200, {"status": "FOUND", "data": data}


def row(
    kind: str, name: str = "D1", amount: str = "1000", at: str = "2026-11-25T10:00:00Z", currency: str = "XOF"
) -> str:
    """A line of a statement."""
    return f"{at},221773456789,{name},{amount},{currency},SEN,ORANGE_SEN,{kind},5000,,{{}}\n"


def listed(peer: Scripted, *answers: Written, now: datetime = NOW, **changes: Any) -> list[Line]:
    """The lines of 25 November."""
    peer.answers = list(answers)
    settings: dict[str, JsonValue] = {"token": "made-up", "sign_callbacks": True, "base_url": peer.base_url}
    account = Account(
        id=f"acc_{id(peer):016}", provider="pawapay", settings=settings, livemode=True,
        callback_url="https://pay.example.com/callbacks/acc_1",
    )  # fmt: skip
    channel = Channel(PawaPay(Config()), replace(account, **changes))
    return list(channel.statement(DAY, DAY + timedelta(days=1), now))


def of(peer: Scripted, text: str | bytes, **changes: Any) -> list[Line]:
    """The lines of one wallet whose statement is that."""
    body = text if isinstance(text, bytes) else text.encode()
    return listed(peer, balances(SENEGAL), ACCEPTED, completed(peer), (200, body), **changes)


def test_each_wallet_of_ours_is_asked_for_a_statement_which_is_waited_for_and_fetched(peer: Scripted) -> None:
    congo = {"country": "COD", "balance": "1.00", "currency": "USD", "provider": "AIRTEL_COD"}
    wallets = balances({**SENEGAL, "country": "ZMB", "currency": "ZMW"}, SENEGAL, congo)
    first = (200, (HEAD + "\n" + row("Deposit")).encode())
    second = (200, (HEAD + "\n" + row("Deposit", "D2", "10.50", currency="USD")).encode())
    lost: Written = (502, b"<html>")
    lines = listed(peer, wallets, ACCEPTED, PROCESSING, lost, completed(peer), first, ACCEPTED, completed(peer), second)
    assert [(line.id, line.own_id, line.money) for line in lines] == [
        ("D1", "D1", Money(1_000, "XOF")), ("D2", "D2", Money(1_050, "USD")),
    ]  # fmt: skip
    look, file = f"GET /v2/statements/{ID}", "GET /files/statement.csv"
    assert peer.calls == [
        "GET /v2/wallet-balances", "POST /v2/statements", look, look, look, file, "POST /v2/statements", look, file,
    ]  # fmt: skip
    asked = [json.loads(one.body) for one in peer.asked if one.method == "POST"]
    span = {"startDate": "2026-11-25T00:00:00", "endDate": "2026-11-26T04:00:00"}
    common = span | {"callbackUrl": "https://pay.example.com/callbacks/acc_1", "compressed": False}
    assert asked[0] == common | {"wallet": {"country": "SEN", "currency": "XOF"}}
    assert asked[1]["wallet"] == {"country": "COD", "currency": "USD", "provider": "AIRTEL_COD"}
    files = [one for one in peer.asked if one.path == "/files/statement.csv"]
    assert [(one.query, one.header("Authorization")) for one in files] == [({"signature": "s+1"}, None)] * 2
    assert Verb.STATEMENT in PawaPay(Config()).verbs


def test_fees_and_reversals_are_told_with_what_they_are_about(peer: Scripted) -> None:
    later = "2026-11-26 00:10:00"
    with capture_logs() as logs:
        payment, other, refund, failed = of(
            peer,
            EMPTY
            + row("Deposit")
            + row("pawaPay deposit fee", amount="-15")
            + row("DEPOSIT_PASS-THROUGH_FEE", amount="-5", at=later)
            + row("Deposit", "D2", at="2026-11-25 23:59:59.999")
            + row("Refund", "R1", "-400")
            + row("pawaPay refund fee", "R1", "0")
            + row("Refund", "R2", "-300", at="2026-11-25T12:00:00+01:00")
            + row("Failed refund reversal", "R2", "300", at=later)
            + row("Payout", "P1", "-700")
            + row("Withdrawal", "", "-9000")
            + row("Deposit", "D3", at="2026-11-24T23:59:59Z")
            + row("Deposit", "D4", at="2026-11-26T00:00:00Z")
            + row("Moon dust", "M1") * 2,
        )
    assert (payment.kind, payment.standing, payment.fee, payment.fee_currency) == (
        Kind.PAYMENT, Standing.SUCCEEDED, 20, "XOF",
    )  # fmt: skip
    assert (other.id, other.fee, other.at) == ("D2", None, datetime(2026, 11, 25, 23, 59, 59, 999_000, UTC))
    assert (refund.kind, refund.money, refund.fee) == (Kind.REFUND, Money(400, "XOF"), 0)
    assert (failed.id, failed.standing, failed.number) == ("R2", Standing.FAILED, 8)
    assert failed.at == datetime(2026, 11, 25, 11, tzinfo=UTC)
    assert [log["word"] for log in logs if log["event"] == "provider_word_unknown"] == ["moon dust"]


def test_an_account_of_a_country_has_the_wallets_of_that_country(peer: Scripted) -> None:
    answers = (balances(SENEGAL, {**SENEGAL, "country": "CIV"}), ACCEPTED, completed(peer), (200, EMPTY.encode()))
    assert listed(peer, *answers, country="CI") == []
    assert [json.loads(one.body)["wallet"]["country"] for one in peer.asked if one.method == "POST"] == ["CIV"]


def test_a_statement_of_more_than_an_ordinary_answer_is_read(peer: Scripted) -> None:
    lines = of(peer, EMPTY + "".join(row("Deposit", f"D{number:032}") for number in range(10_000)))
    assert len({line.id for line in lines}) == 10_000


def test_a_day_that_pawapay_may_not_have_listed_whole_is_refused(peer: Scripted) -> None:
    for now in (DAY + timedelta(hours=12), DAY + timedelta(hours=24, minutes=59)):
        with pytest.raises(NoStatement, match="lag behind"):
            of(peer, EMPTY, now=now)
    assert peer.asked == []
    assert of(peer, EMPTY, now=DAY + timedelta(hours=25)) == []


@pytest.mark.parametrize("wallets", [(200, {}), (401, {}), (500, b"<html>"), balances(), (200, b"[]")])
def test_without_wallets_there_is_no_statement(peer: Scripted, wallets: Written) -> None:
    with pytest.raises(NoStatement, match="wallet"):
        listed(peer, wallets)


REJECTED = {"status": "REJECTED", "failureReason": {"failureCode": "AUTHORISATION_ERROR", "failureMessage": "Why."}}
FAILED = {"status": "FOUND", "data": {"status": "FAILED", "failureReason": {"failureCode": "UNKNOWN_ERROR"}}}


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([(200, REJECTED)], "SEN XOF .AUTHORISATION_ERROR."),
        ([(403, REJECTED)], "AUTHORISATION_ERROR"),
        ([(500, None)], "HTTP 500"),
        ([(200, {"status": "ACCEPTED"})], "HTTP 200"),
        ([ACCEPTED, (200, FAILED)], "UNKNOWN_ERROR"),
        ([ACCEPTED, PROCESSING], "not ready in time"),
        ([ACCEPTED, (200, {"status": "NOT_FOUND"})], "not ready in time"),
    ],
)
def test_a_statement_that_is_not_made_says_why(peer: Scripted, answers: list[Written], why: str) -> None:
    with pytest.raises(NoStatement, match=why):
        listed(peer, balances(SENEGAL), *answers)
    assert len(peer.asked) <= 5


@pytest.mark.parametrize("file", [(403, b"<Error/>"), (302, b""), (200, b"\x1f\x8b\x08"), (200, b""), (200, b"<html>")])
def test_a_file_that_is_none_is_no_statement(peer: Scripted, file: Written) -> None:
    with pytest.raises(NoStatement):
        listed(peer, balances(SENEGAL), ACCEPTED, completed(peer), file)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "ftp://files.example/x", "/x", "https://user@host/x", ""])
def test_nothing_is_fetched_from_an_address_that_is_not_encrypted(peer: Scripted, url: str) -> None:
    settings: dict[str, JsonValue] = {"token": "made-up", "sign_callbacks": True, "base_url": "https://api.example"}
    account = Account(
        id="acc_1", provider="pawapay", settings=settings, livemode=True, callback_url="https://x.example"
    )
    with pytest.raises(NoStatement, match="encrypted"):
        statement._fetched(account, url)
    assert peer.asked == []


@pytest.mark.parametrize(
    "text",
    [
        HEAD.replace("Type", "Kind") + "\n",
        HEAD.replace("Metadata", "Amount") + "\n",
        EMPTY + row("Deposit", amount="1,000.00"),
        EMPTY + row("Deposit", amount='"1,000.00"'),
        EMPTY + row("Deposit", amount=""),
        EMPTY + row("Deposit", amount="0"),
        EMPTY + row("Deposit", amount="10.5"),
        EMPTY + row("Deposit", currency="???"),
        EMPTY + row("Deposit", name=""),
        EMPTY + row("Deposit", at="25.11.2026 10:00"),
        EMPTY + row("Deposit", at="0001-01-01T00:00:00+14:00"),
        EMPTY + row("pawaPay deposit fee", amount="few"),
        EMPTY + row("Deposit") + '"T1',
        EMPTY + "2026-11-25T10:00:00Z,,D1,,XOF,SEN,,Deposit",
    ],
)
def test_a_line_about_ours_that_cannot_be_read_is_no_statement(peer: Scripted, text: str) -> None:
    with pytest.raises(NoStatement, match="pawaPay's statement"):
        of(peer, text)
