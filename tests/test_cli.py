"""The command `ikawaari`: run by this process, since a new one costs more, and now and then in one of its own."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner

import ikawaari
from ikawaari import clock, store
from ikawaari.checkout import attempts, incidents, settlement, snapshots
from ikawaari.cli import main
from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.providers.base import Outcome, Result
from ikawaari.store.models import DueWork, PaymentAttempt
from tests import factories, postgres, warm
from tests.conftest import disconnect
from tests.factories import BRAND
from tests.serving import ROOT

SECRET = "test-secret-key-0123456789abcdef"
SCOPES = ["--scope", "payments:read", "--scope", "payments:write"]


@pytest.fixture
def url(new_sqlite: Callable[[Path], str], tmp_path: Path) -> str:
    """A fresh, migrated database."""
    return new_sqlite(tmp_path)


@pytest.fixture
def merchant(url: str) -> str:
    """The id of a merchant there."""
    return printed(url, "merchants", "create", "--name", "Boutique Teranga")


@pytest.fixture
def empty_url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database without any table, on each engine."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite3'}"
        return
    server: postgres.Server = request.getfixturevalue("postgres_server")
    made = server.create_database()
    yield made
    server.drop_database(made)


# ---------------------------------------------------------------- the database


def test_migrate_names_what_it_applied_and_the_second_time_nothing(empty_url: str) -> None:
    first, second = printed(empty_url, "migrate"), printed(empty_url, "migrate")
    assert first.splitlines() == migrations()
    assert second == ""


def test_machines_that_migrate_at_the_same_moment_do_it_once(empty_url: str) -> None:
    with ThreadPoolExecutor(3) as machines:
        applied = list(machines.map(lambda _: printed(empty_url, "migrate", run=in_a_process), range(3)))
    assert [line for text in applied for line in text.splitlines()] == migrations()


def test_a_database_that_is_not_migrated_is_told_in_one_line(empty_url: str) -> None:
    assert "migrate" in refused(1, empty_url, "merchants", "list", run=in_a_process)


def test_a_database_that_does_not_answer_is_told_in_one_line() -> None:
    assert "database" in refused(1, "postgresql://nobody:nothing@127.0.0.1:9/nowhere", "merchants", "list")


# ---------------------------------------------------------------- merchants and their keys


def test_merchants_are_created_by_name_and_listed_one_object_a_line(url: str) -> None:
    first = printed(url, "merchants", "create", "--name", "Boutique Teranga")
    second = printed(
        url, "merchants", "create", "--name", "Épicerie Ébène", "--country", "CM", "--late-payments", "refund"
    )
    unsaid = {"fees": [], "unpaid_subscriptions": "unpaid"} | dict.fromkeys(BRAND)
    assert [json.loads(line) for line in printed(url, "merchants", "list").splitlines()] == [
        {"id": first, "name": "Boutique Teranga", "country": "SN", "currency": "XOF", "late_payments": "accept"}
        | unsaid,
        {"id": second, "name": "Épicerie Ébène", "country": "CM", "currency": "XAF", "late_payments": "refund"}
        | unsaid,
    ]


@pytest.mark.parametrize(
    ("options", "prefix"),
    [
        (["--mode", "test"], "ik_test_"),
        (["--mode", "live"], "ik_live_"),
        (["--mode", "test", "--app"], "ik_app_test_"),
        (["--mode", "live", "--app"], "ik_app_live_"),
    ],
)
def test_keys_create_prints_the_credential_alone(url: str, merchant: str, options: list[str], prefix: str) -> None:
    key = printed(url, "keys", "create", "--merchant", merchant, *options, *SCOPES)
    assert key.startswith(prefix)
    assert key.removeprefix(prefix).isalnum()


def test_keys_list_tells_everything_of_a_key_but_its_text(url: str, merchant: str) -> None:
    limits = ["--rate-limit", "7", "--allow-ip", "10.0.0.0/8", "--allow-ip", "2001:db8::/32", "--expires-in-days", "2"]
    key = printed(url, "keys", "create", "--merchant", merchant, "--mode", "test", "--app", *SCOPES, *limits)
    told = keys(url, merchant)[0]
    assert told["hint"] == f"ik_app_test_…{key[-4:]}"
    assert told["installation"].startswith("app_")
    assert told["scopes"] == ["payments:read", "payments:write"]
    assert told["rate_limit"] == 7
    assert told["allowed_networks"] == ["10.0.0.0/8", "2001:db8::/32"]
    assert told["expires_at"] - told["created"] == 2 * 24 * 3600
    assert told["revoked_at"] is None
    assert key not in json.dumps(told)


def test_a_key_is_revoked_once_by_its_id(url: str, merchant: str) -> None:
    printed(url, "keys", "create", "--merchant", merchant, "--mode", "test", *SCOPES)
    key = keys(url, merchant)[0]["id"]
    assert printed(url, "keys", "revoke", key) == ""
    assert abs(keys(url, merchant)[0]["revoked_at"] - clock.unix(clock.now())) < 60
    refused(1, url, "keys", "revoke", key)


def test_an_app_is_uninstalled_once_by_its_id(url: str, merchant: str) -> None:
    printed(url, "keys", "create", "--merchant", merchant, "--mode", "test", "--app", *SCOPES)
    installation = keys(url, merchant)[0]["installation"]
    assert printed(url, "keys", "revoke", installation) == ""
    refused(1, url, "keys", "revoke", installation)


def test_a_merchant_is_changed_in_what_is_given_and_in_nothing_else(url: str) -> None:
    terms = ["--fee", "mobile_money=1.5%", "--fee", "card=2.9%+100", "--late-payments", "refund"]
    merchant = printed(url, "merchants", "create", "--name", "Shop", *terms)
    before = json.loads(printed(url, "merchants", "list"))
    assert before["fees"] == ["mobile_money=1.50%+0", "card=2.90%+100"]
    chosen = ["--fee", "card=3%", "--unpaid-subscriptions", "canceled"]
    assert printed(url, "merchants", "update", merchant, *chosen) == ""
    changed = {"fees": ["mobile_money=1.50%+0", "card=3.00%+0"], "unpaid_subscriptions": "canceled"}
    assert json.loads(printed(url, "merchants", "list")) == before | changed


def branded(values: Mapping[str, str]) -> list[str]:
    """The options that give a merchant these values."""
    return [word for name, value in values.items() for word in (f"--{name.replace('_', '-')}", value)]


def test_what_customers_see_of_a_merchant_is_given_changed_and_removed(url: str) -> None:
    merchant = printed(url, "merchants", "create", "--name", "Shop", *branded(BRAND | {"help_phone": "33 800 00 00"}))
    before = json.loads(printed(url, "merchants", "list"))
    assert before == before | BRAND | {"name": "Shop"}
    changed = {
        "name": "Téranga",
        "town": "Thiès",
        "whatsapp": "+2250700000000",
        "logo_url": "http://127.0.0.1:8000/l.png",
    }
    assert printed(url, "merchants", "update", merchant, *branded(changed)) == ""
    assert json.loads(printed(url, "merchants", "list")) == before | changed
    assert printed(url, "merchants", "update", merchant, *branded(dict.fromkeys(BRAND, ""))) == ""
    assert json.loads(printed(url, "merchants", "list")) == before | {"name": "Téranga"} | dict.fromkeys(BRAND)
    refused(1, url, "merchants", "update", merchant, "--name", "")
    assert json.loads(printed(url, "merchants", "list"))["name"] == "Téranga"


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (1, ["merchants", "create", "--name", "Shop", "--country", "XX"]),
        (1, ["keys", "list", "--merchant", "mer_unknown"]),
        (1, ["keys", "create", "--merchant", "mer_unknown", "--mode", "test", *SCOPES]),
        (2, ["keys", "create", "--merchant", "mer_1", "--mode", "test"]),
        (2, ["keys", "create", "--merchant", "mer_1", "--mode", "test", "--scope", "everything"]),
        (2, ["keys", "create", "--merchant", "mer_1", "--mode", "test", *SCOPES, "--rate-limit", "0"]),
        (2, ["merchants", "create"]),
        (1, ["merchants", "create", "--name", "Shop", "--fee", "card=lots"]),
        (1, ["merchants", "create", "--name", "Shop", "--fee", "\udc80"]),
        (1, ["merchants", "create", "--name", "Shop", "--logo-url", "http://["]),
        (1, ["merchants", "create", "--name", "Shop", "--color", "red"]),
        (1, ["merchants", "create", "--name", "\udc80"]),
        (1, ["merchants", "create", "--name", "4242 4242 4242 4242"]),
        (1, ["merchants", "update", "\udc80"]),
        (1, ["merchants", "update", "mer_unknown", "--fee", "card=1%"]),
        (2, ["merchants", "update", "mer_1", "--late-payments", "keep"]),
        (2, ["pay"]),
    ],
)
def test_a_wrong_command_is_refused_with_a_reason_and_no_stack_trace(url: str, code: int, arguments: list[str]) -> None:
    assert refused(code, url, *arguments)


def test_an_address_that_is_no_network_is_refused(url: str, merchant: str) -> None:
    arguments = ["--merchant", merchant, "--mode", "test", *SCOPES, "--allow-ip", "10.0.0.1/8"]
    assert "10.0.0.1/8" in refused(1, url, "keys", "create", *arguments)
    assert keys(url, merchant) == []


# ---------------------------------------------------------------- what it prints for others to read


def test_the_sandbox_ledger_is_printed_one_object_a_line(database: None, database_url: str) -> None:
    from ikawaari.providers.sandbox.ledger import Charge

    assert printed(database_url, "sandbox", "ledger") == ""
    now = clock.now()
    Charge.create(
        **dict.fromkeys(("reference", "ending", "flow", "kind", "return_url", "merchant"), "x"),
        id="attempt-1",
        intent_id="pi_1",
        amount=5000,
        currency="XOF",
        taken=5000,
        refunded=1500,
        status="succeeded",
        created_at=now,
        deadline_at=now,
    )
    assert [json.loads(line) for line in printed(database_url, "sandbox", "ledger").splitlines()] == [
        {
            "payment_intent": "pi_1",
            "attempt": "attempt-1",
            "amount": 5000,
            "refunded": 1500,
            "currency": "XOF",
            "status": "succeeded",
        }
    ]


def test_openapi_prints_the_document_as_json(url: str) -> None:
    document = json.loads(printed(url, "openapi"))
    assert document["openapi"].startswith("3.")
    assert "/api/checkout/{session_id}/pay" in document["paths"]


def test_help_lists_the_commands(url: str) -> None:
    text = printed(url, "--help", run=in_a_process)
    for command in ("serve", "worker", "migrate", "openapi", "merchants", "keys", "sandbox", "held", "audit"):
        assert f"\n  {command} " in text


# ---------------------------------------------------------------- what must not run


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://localhost/checkout"),
        ("API_URL", "http://pay.example.com"),
        ("API_URL", "pay.example.com"),
        ("PAY_URL", "http://pay.example.com"),
        ("SECRET_KEY", "short"),
        ("CHARGE_TIMEOUT_SECONDS", "soon"),
        ("CHARGE_TIMEOUT_SECONDS", "0"),
        ("DATABASE_POOL", "-1"),
        ("DEMO", "perhaps"),
    ],
)
def test_an_unsafe_configuration_is_refused_by_the_name_of_the_variable(url: str, name: str, value: str) -> None:
    assert f"IKAWAARI_{name}" in refused(1, url, "merchants", "list", chosen={f"IKAWAARI_{name}": value})


def test_a_server_does_not_start_on_an_unsafe_configuration(url: str) -> None:
    command = ("serve", "--bind", "127.0.0.1:1")
    said = refused(1, url, *command, run=in_a_process, chosen={"IKAWAARI_PAY_URL": "http://pay.example.com"})
    assert "IKAWAARI_PAY_URL" in said


def test_a_server_that_others_reach_needs_a_secret_of_its_own(url: str) -> None:
    chosen = {"IKAWAARI_API_URL": "https://api.example.com", "IKAWAARI_SECRET_KEY": ""}
    assert "IKAWAARI_SECRET_KEY" in refused(1, url, "worker", run=in_a_process, chosen=chosen)


# ---------------------------------------------------------------- money held, the audit


@pytest.fixture
def held(database: None, database_url: str) -> tuple[str, str]:
    """The database, and an attempt there that holds 2,500 XOF."""
    ikawaari.start(Config(database_url=database_url, secret_key=SECRET))
    session = factories.session()
    attempts.pay(session.id, factories.pay_request("+221701234012", "expresso_sn"), clock.now())
    attempt = snapshots.attempts_of(snapshots.intent_of(session))[0]
    half = Outcome(result=Result.SUCCEEDED, money=Money(2_500, "XOF"))
    settlement.apply(attempt.id, half, clock.now())
    return database_url, str(attempt.id)


def test_money_held_is_listed_and_closed_in_words_of_json(held: tuple[str, str]) -> None:
    url, attempt_id = held
    entry = json.loads(printed(url, "held", "list"))
    assert (entry["attempt"], entry["amount_held"]) == (attempt_id, 2_500)
    refused(2, url, "held", "close", attempt_id)
    refused(2, url, "held", "close", attempt_id, "--reason", " ")
    refused(2, url, "held", "close", attempt_id, "--reason", "x" * 501)
    refused(1, url, "held", "close", "unknown", "--reason", "Virement")
    told = json.loads(printed(url, "held", "close", attempt_id, "--reason", "Virement"))
    assert told == {"attempt": attempt_id, "amount_closed": 2_500}
    refused(1, url, "held", "close", attempt_id, "--reason", "Virement")
    assert printed(url, "held", "list") == ""


def test_incidents_are_listed_and_closed_in_words_of_json(held: tuple[str, str]) -> None:
    url, attempt_id = held
    with store.atomic():
        incidents.record(
            incidents.Kind.DISPUTE,
            PaymentAttempt.get_by_id(attempt_id),
            Money(2_500, "XOF"),
            clock.now(),
            reference="dp_1",
        )
    entry = json.loads(printed(url, "incidents", "list"))
    assert (entry["kind"], entry["attempt"], entry["amount"], entry["closed_at"]) == (
        "dispute",
        attempt_id,
        2_500,
        None,
    )
    refused(2, url, "incidents", "close", str(entry["id"]))
    refused(2, url, "incidents", "close", "first", "--reason", "Perdu")
    refused(1, url, "incidents", "close", "99", "--reason", "Perdu")
    told = json.loads(printed(url, "incidents", "close", str(entry["id"]), "--reason", "Perdu", "--by", "awa"))
    assert told == {"id": entry["id"], "closed": True}
    refused(1, url, "incidents", "close", str(entry["id"]), "--reason", "Perdu")
    assert printed(url, "incidents", "list") == ""
    assert json.loads(printed(url, "incidents", "list", "--all"))["closed_by"] == "awa"


def test_the_audit_prints_findings_mends_on_request_and_exits_with_one(held: tuple[str, str]) -> None:
    url, _ = held
    session = factories.session()
    DueWork.delete().where(DueWork.subject == session.id).execute()
    expected = {"finding": "session_without_expiry", "object": session.id, "details": "unpaid"}
    for option, more in (("--all", {"mendable": True}), ("--mend", {"mended": True})):
        done = here(url, "audit", option)
        assert (done.code, json.loads(done.stdout)) == (1, expected | more)
    assert printed(url, "audit") == ""


def test_a_sound_store_passes_the_check_before_a_migration(empty_url: str) -> None:
    assert printed(empty_url, "migrate", "--check") == ""
    assert printed(empty_url, "migrate").splitlines() == migrations()


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it wrote."""

    code: int
    stdout: str
    stderr: str


Run = Callable[..., Done]
NOTHING: Mapping[str, str] = {}


def here(database_url: str, *arguments: str, chosen: Mapping[str, str] = NOTHING, given: str | None = None) -> Done:
    """The command, run to its end on that database by this process. `given`: its standard input."""
    inherited = dict.fromkeys(name for name in os.environ if name.startswith("IKAWAARI_"))
    logging = structlog.get_config()
    try:
        done = CliRunner().invoke(main, arguments, env=inherited | environment(database_url, chosen), input=given)
    finally:
        structlog.configure(**logging)
        disconnect()
    assert isinstance(done.exception, SystemExit | None), done.exception
    return Done(done.exit_code, done.stdout, done.stderr)


def in_a_process(database_url: str, *arguments: str, chosen: Mapping[str, str] = NOTHING) -> Done:
    """The command, run in a process of its own."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("IKAWAARI_")}
    done = warm.run("ikawaari", [*arguments], inherited | environment(database_url, chosen))
    return Done(done.returncode, done.stdout, done.stderr)


def environment(database_url: str, chosen: Mapping[str, str]) -> dict[str, str]:
    """The settings that the command finds."""
    return {"IKAWAARI_DATABASE_URL": database_url, "IKAWAARI_SECRET_KEY": SECRET} | dict(chosen)


def printed(database_url: str, *arguments: str, run: Run = here) -> str:
    """What a command that goes well prints; it has nothing to say on standard error."""
    done = run(database_url, *arguments)
    assert (done.code, done.stderr) == (0, "")
    return done.stdout.removesuffix("\n")


def refused(code: int, database_url: str, *arguments: str, run: Run = here, chosen: Mapping[str, str] = NOTHING) -> str:
    """What a command that is refused says on standard error: one line, or with code 2 the usage too."""
    done = run(database_url, *arguments, chosen=chosen)
    assert (done.code, done.stdout) == (code, ""), done.stderr
    assert done.stderr.startswith("Usage: " if code == 2 else "Error: ")
    assert code == 2 or done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def keys(url: str, merchant: str) -> list[dict[str, Any]]:
    """The merchant's keys as `keys list` tells them."""
    return [json.loads(line) for line in printed(url, "keys", "list", "--merchant", merchant).splitlines()]


def migrations() -> list[str]:
    """The names of all migrations."""
    return sorted(path.stem for path in (ROOT / "ikawaari/store/migrations").glob("[0-9]*.py"))
