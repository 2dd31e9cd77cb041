"""The commands about the books: daily reports, statements, cases."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

import ikawaari
from ikawaari import clock
from ikawaari.checkout import account_setup, attempts
from ikawaari.checkout.account_setup import NewAccount
from ikawaari.config import Config
from ikawaari.store.models import Merchant, PaymentAttempt
from tests import factories
from tests.test_cli import SECRET, here, printed, refused

HEADINGS = "Id;Our id;Amount;Time"
COLUMNS: dict[str, Any] = {
    "columns": {"id": "Id", "own_id": "Our id", "amount": "Amount", "currency": {"value": "XOF"}, "time": "Time"}
}


@pytest.fixture
def url(database: None, database_url: str) -> str:
    """A fresh database, to which this process is connected like a server."""
    ikawaari.start(Config(database_url=database_url, secret_key=SECRET, sandbox_delay_seconds=0))
    return database_url


@pytest.fixture
def engine() -> str:
    """The commands are the same on both."""
    return "sqlite"


def test_a_report_is_printed_as_json_and_as_csv(url: str) -> None:
    today = clock.now().date().isoformat()
    shop = factories.merchant()
    attempts.pay(factories.session(shop).id, factories.card_request(), clock.now())
    asked = ("report", "--day", today, "--mode", "test")
    told = json.loads(printed(url, *asked))
    assert (told["merchant"], told["timezone"], told["rows"][0]["gross"]) == (shop.id, "Africa/Dakar", 5_000)
    assert printed(url, *asked, "--merchant", str(shop.id), "--csv", "--timezone", "UTC").splitlines() == [
        "merchant,date,timezone,livemode,currency,operator,count,gross,customer_fees,provider_fees,refunds,net",
        f"{shop.id},{today},UTC,false,xof,card,1,5000,0,,0,",
    ]
    assert printed(url, "report", "--day", today) == ""  # live
    assert "timezone" in refused(1, url, *asked, "--timezone", "Africa")
    assert "future" in refused(1, url, "report", "--day", "2999-01-01")
    refused(1, url, *asked, "--merchant", "mer_unknown")
    for day in ("yesterday", "2026-2-8", "20260208", "2026-02-30", "2026-W06-7", "2026-02-08T00:00"):
        assert "YYYY-MM-DD" in refused(2, url, "report", "--day", day)


def test_each_merchants_day_is_its_countrys_in_one_report(url: str) -> None:
    def pay(*shops: Merchant) -> None:
        for shop in shops:
            attempts.pay(factories.session(shop).id, factories.card_request(), clock.now())

    with time_machine.travel("2026-11-25T10:00:00Z", tick=False) as clocks:
        dakar, kinshasa = factories.merchant(), factories.merchant(country="CD")
        clocks.move_to("2026-11-25T23:30:00Z")  # in Kinshasa it is the 26th already
        pay(dakar, kinshasa)
        clocks.move_to("2026-11-26T00:30:00Z")
        pay(dakar, dakar, kinshasa)

    def rows(day: int, *zone: str) -> set[str]:
        told = printed(url, "report", "--day", f"2026-11-{day}", "--mode", "test", "--csv", *zone).splitlines()
        assert told[0].startswith("merchant,date,timezone,livemode,currency,operator,count,gross,")
        return {row.removesuffix(",0,,0,") for row in told[1:]}

    def row(shop: Merchant, day: int, zone: str, currency: str, count: int) -> str:
        return f"{shop.id},2026-11-{day},{zone},false,{currency},card,{count},{count * 5_000}"

    of_both = {row(dakar, 26, "Africa/Dakar", "xof", 2), row(kinshasa, 26, "Africa/Kinshasa", "cdf", 2)}
    assert (rows(25), rows(26)) == ({row(dakar, 25, "Africa/Dakar", "xof", 1)}, of_both)
    assert rows(25, "--timezone", "UTC") == {row(dakar, 25, "UTC", "xof", 1), row(kinshasa, 25, "UTC", "cdf", 1)}


@pytest.fixture
def paid(url: str) -> PaymentAttempt:
    """A payment of 5,000 XOF."""
    session = factories.session()
    attempts.pay(session.id, factories.card_request(), clock.now())
    return PaymentAttempt.get()


def reconcile(tmp_path: Path, *rows: str, columns: Any = COLUMNS, account: str = "sandbox") -> tuple[str, ...]:
    """The command that compares a file of these rows."""
    (tmp_path / "statement.csv").write_text("\n".join([HEADINGS, *rows, ""]))
    (tmp_path / "columns.json").write_text(json.dumps(columns))
    files = ("--statement", str(tmp_path / "statement.csv"), "--columns", str(tmp_path / "columns.json"))
    return ("reconcile", "--account", account, *files)


def test_a_statement_is_compared_and_its_case_listed_and_closed(url: str, paid: PaymentAttempt, tmp_path: Path) -> None:
    now, day = clock.iso(paid.settled_at), ("--day", paid.settled_at.date().isoformat())
    good, strange = f"{paid.provider_reference};{paid.id};5 000;{now}", f"TX-1;;700;{now}"
    assert printed(url, *reconcile(tmp_path, good), *day) == "1 lines: 1 tell the same, 0 differ; 0 cases are open"
    done = here(url, *reconcile(tmp_path, good, strange), *day, "--json")
    case, summary = (json.loads(line) for line in done.stdout.splitlines())
    assert (done.code, done.stderr.count("reconciliation_case_opened")) == (3, 1)
    assert (case["kind"], case["reference"], case["theirs"]["amount"], case["theirs"]["line"]) == (
        "missing_here", "TX-1", 700, 3,
    )  # fmt: skip
    assert (summary["summary"], summary["lines"], summary["matched"], summary["open_cases"]) == (True, 2, 1, 1)
    listed = json.loads(printed(url, "cases", "list", "--json"))
    assert (listed["id"], listed["ours"]["attempt"], listed["account"]) == (case["id"], None, "sandbox")
    told = f"case {case['id']}, sandbox: missing_here payment TX-1: there 700 XOF succeeded, not here; open"
    assert printed(url, "cases", "list", "--open") == told
    assert printed(url, "cases", "list", "--account", "acc_other") == ""
    refused(2, url, "cases", "close", str(case["id"]))
    refused(1, url, "cases", "close", "99", "--reason", "Perdu")
    closed = printed(url, "cases", "close", str(case["id"]), "--reason", "Vendu au guichet", "--by", "awa")
    assert json.loads(closed) == {"id": case["id"], "closed": True}
    refused(1, url, "cases", "close", str(case["id"]), "--reason", "again")
    assert (printed(url, "cases", "list"), here(url, *reconcile(tmp_path, good, strange), *day).code) == ("", 0)
    assert "closed by awa: Vendu au guichet" in printed(url, "cases", "list", "--all")


def test_a_statement_that_cannot_be_read_is_refused_line_by_line(url: str, tmp_path: Path) -> None:
    done = here(url, *reconcile(tmp_path, "T1;;x;2026-01-01T00:00:00Z", "T2;;5;never"))
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "Error: line 2, amount: 'x' is no amount of XOF that can be read exactly",
        "Error: line 3, time: 'never' is not written as ISO 8601 says",
    ]
    done = here(url, *reconcile(tmp_path, columns={"columns": {}, "typo": 1}))
    assert (done.code, done.stderr.splitlines()[0]) == (2, "Error: columns.json: typo is not known")
    done = here(url, *reconcile(tmp_path, "T1;;5;9999-12-31T23:59:59Z"))
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: line 2, time: '9999-12-31T23:59:59Z' is before 2000, or more than a day")
    for day in ("0001-01-01", "9999-12-31", "2999-01-01"):
        assert "date" in refused(1, url, *reconcile(tmp_path), "--day", day)
    command = list(reconcile(tmp_path))
    assert "provider account" in refused(1, url, *command[:2], "acc_nobody", *command[3:])
    refused(2, url, *command[:-1], str(tmp_path / "nothing.json"))


def test_the_day_of_a_file_is_that_of_the_columns_or_of_the_accounts_country(
    url: str, paid: PaymentAttempt, tmp_path: Path
) -> None:
    settings = {"token": "secret", "sign_callbacks": True}
    new = NewAccount(provider="pawapay", merchant_id=None, country="CM", livemode=True, settings=settings)
    account = account_setup.add(new, Config(database_url=url, secret_key=SECRET), clock.now()).id
    taken_at = datetime(2025, 6, 1, 23, 30, tzinfo=UTC)  # in Douala it is the second already
    books = {"created_at": taken_at - timedelta(minutes=1), "settled_at": taken_at, "provider": account}
    PaymentAttempt.update(**books).execute()

    def codes(*zone: str, **named: str) -> list[int]:
        command = reconcile(tmp_path, columns=COLUMNS | named, account=account)
        return [here(url, *command, *zone, "--day", f"2025-06-0{day}").code for day in (1, 2)]

    assert codes(timezone="UTC") == [3, 0]
    assert codes("--timezone", "Africa/Douala", timezone="UTC") == [0, 3]
    assert codes() == [0, 3]


def test_without_a_file_the_provider_is_asked_or_says_that_it_cannot_be(url: str, tmp_path: Path) -> None:
    command = list(reconcile(tmp_path))
    for wrong in (command[:3], [*command[:3], *command[5:], "--day", "2026-01-01"], command[:5]):
        refused(2, url, *wrong)
    done = here(url, *command[:3], "--day", "2026-01-01", "--timezone", "Africa/Dakar")
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr == "Error: This provider gives no statements over its API: use a file.\n"
