"""Provider accounts on the command line; and processes that refuse to begin without an account that they need."""

import json
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import ikawaari
from ikawaari import clock
from ikawaari.checkout import accounts, attempts
from ikawaari.config import Config
from ikawaari.providers import registry
from ikawaari.providers.sandbox import Sandbox
from ikawaari.store.models import PaymentAttempt
from tests import factories, warm, world
from tests.accounts import KINDS, TOKEN
from tests.conftest import disconnect
from tests.test_cli import environment, here, in_a_process, printed, refused

PUBLIC = {"IKAWAARI_API_URL": "https://pay.example.org", "IKAWAARI_PAY_URL": "https://pay.example.org"}


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The providers of the command line, when it is run by this process."""
    monkeypatch.setattr(registry, "INSTALLED", (Sandbox, *KINDS))


@pytest.fixture
def settings(tmp_path: Path) -> Callable[[Any], str]:
    """Writes settings into a file. Returns its path."""

    def write(given: Any) -> str:
        path = tmp_path / "settings.json"
        path.write_text(given if isinstance(given, str) else json.dumps(given))
        return str(path)

    return write


def shown(url: str) -> list[dict[str, Any]]:
    """What `providers list` prints."""
    return [json.loads(line) for line in printed(url, "providers", "list").splitlines()]


def states(url: str) -> dict[str, str]:
    """The states of the accounts, by their ids."""
    return {account["id"]: account["state"] for account in shown(url)}


# ---------------------------------------------------------------- add, update


def test_an_account_is_added_from_a_file_and_listed_without_its_secret(
    database_url: str, settings: Callable[[Any], str]
) -> None:
    merchant = printed(database_url, "merchants", "create", "--name", "Boutique")
    path = settings({"token": TOKEN, "site": "12"})
    told = printed(
        *(database_url, "providers", "add", "per_country", "--merchant", merchant),
        *("--country", "sn", "--settings", path),
    )
    account_id, callback_url = told.splitlines()
    assert callback_url == f"http://127.0.0.1:8000/callbacks/{account_id}"
    text = printed(database_url, "providers", "list")
    assert TOKEN not in text
    assert json.loads(text.splitlines()[1]) == {
        "id": account_id,
        "provider": "per_country",
        "merchant": merchant,
        "country": "SN",
        "mode": "live",
        "state": "open",
        "operators": ["orange_sn", "wave_sn", "free_sn", "expresso_sn"],
        "cards": False,
        "breakers": {},
        "rests_until": None,
        "last_success": None,
        "callback_url": callback_url,
        "settings": {"token": "…", "site": "12"},
    }


def test_settings_may_come_from_standard_input(database_url: str) -> None:
    done = here(database_url, "providers", "add", "direct", "--settings", "-", given=json.dumps({"token": TOKEN}))
    assert (done.code, done.stderr) == (0, "")
    account_id = done.stdout.split()[0]
    done = here(database_url, "providers", "update", account_id, "--settings", "-", given='{"token": "new"}')
    assert (done.code, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, ["token: is required"]),
        ({"token": TOKEN, "tokn": TOKEN}, ["tokn: is not a setting of such an account, which has token"]),
        ({"tokn": TOKEN, "token": 3}, ["token: must be a text", "tokn: is not a setting"]),
        ([TOKEN], ["settings: must be an object"]),
        ('{"token": "' + TOKEN, ["is not JSON"]),
        ({"token": TOKEN, "base_url": "ftp://a.example"}, ["base_url: must be an absolute"]),
    ],
    ids=["missing", "unknown", "both", "list", "cut", "url"],
)
def test_what_is_wrong_with_settings_is_named_without_a_value(
    database_url: str, settings: Callable[[Any], str], given: Any, said: list[str]
) -> None:
    told = refused(1, database_url, "providers", "add", "direct", "--settings", settings(given))
    assert all(each in told for each in said), told
    assert TOKEN not in told
    assert list(states(database_url)) == ["sandbox"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["per_country"], "country: is required: one of BF, BJ"),
        (["per_country", "--country", "FR"], "country: must be one of BF, BJ"),
        (["cards", "--country", "XQ"], "country: must be an ISO 3166"),
        (["cards", "--mode", "test"], "mode: cards has no test accounts"),
        (["sandbox"], "provider: must be one of aggregator, direct, per_country, cards"),
        (["direct", "--merchant", "mer_gone"], "There is no such merchant"),
    ],
    ids=["no country", "other country", "no such country", "mode", "built in", "merchant"],
)
def test_an_account_that_cannot_be_is_refused(
    database_url: str, settings: Callable[[Any], str], arguments: list[str], said: str
) -> None:
    told = refused(1, database_url, "providers", "add", *arguments, "--settings", settings({"token": TOKEN}))
    assert said in told
    assert list(states(database_url)) == ["sandbox"]


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:9", "https://localhost", "http://sim.example.org"])
def test_a_simulator_is_for_a_server_of_this_machine_alone(
    database_url: str, settings: Callable[[Any], str], base_url: str
) -> None:
    path = settings({"token": TOKEN, "base_url": base_url})
    added = ("providers", "add", "direct", "--settings", path)
    told = refused(1, database_url, *added, chosen=PUBLIC)
    assert "base_url: must be https" in told
    assert printed(database_url, *added).startswith("acc_")
    path = settings({"token": TOKEN, "base_url": "https://sim.example.org"})
    assert here(database_url, *added, chosen=PUBLIC).code == 0


def test_a_callback_address_that_is_too_long_for_its_provider_is_refused(
    database_url: str, settings: Callable[[Any], str]
) -> None:
    added = ("providers", "add", "per_country", "--country", "SN", "--settings", settings({"token": TOKEN}))
    longest = "https://" + "a" * 40 + ".example.org"
    assert len(f"{longest}/callbacks/acc_{'0' * 16}/{'0' * 32}") == 124
    fits, too_long = longest.replace("aaaa", "", 1), longest.replace("aaa", "", 1)
    for url, code in ((fits, 0), (too_long, 1)):
        done = here(database_url, *added, chosen={"IKAWAARI_API_URL": url, "IKAWAARI_PAY_URL": url})
        assert done.code == code, done.stderr
    assert "of 120 characters, this one has 121" in done.stderr


# ---------------------------------------------------------------- close, open


def test_an_account_is_closed_and_opened_by_its_id(database_url: str) -> None:
    assert states(database_url) == {"sandbox": "open"}
    for _ in range(2):
        assert printed(database_url, "providers", "close", "sandbox") == ""
        assert states(database_url) == {"sandbox": "closed"}
    assert printed(database_url, "providers", "open", "sandbox") == ""
    assert states(database_url) == {"sandbox": "open"}


@pytest.mark.parametrize("command", ["close", "open"])
def test_an_account_that_is_not_there_is_named(database_url: str, command: str) -> None:
    told = refused(1, database_url, "providers", command, "sandbx")
    assert "sandbx" in told
    assert "providers list" in told


# ---------------------------------------------------------------- check, route, order


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ({"token": TOKEN}, 0, "All is well."),
        ({"token": "wrong"}, 1, "The token is refused."),
        ({"token": TOKEN, "site": "broken"}, 1, "The adapter failed; the log says where."),
    ],
    ids=["good", "refused", "broken"],
)
def test_an_account_is_checked_in_words(
    database_url: str, settings: Callable[[Any], str], given: Any, code: int, words: str
) -> None:
    account_id = printed(database_url, "providers", "add", "direct", "--settings", settings(given)).split()[0]
    done = here(database_url, "providers", "check", account_id)
    assert (done.code, done.stdout.splitlines()[-1]) == (code, words)
    assert TOKEN not in done.stdout + done.stderr
    assert refused(1, database_url, "providers", "check", "acc_gone").count("acc_gone") == 1


def test_a_route_names_who_takes_a_payment_in_order_and_why_the_others_do_not(
    database_url: str, settings: Callable[[Any], str]
) -> None:
    def add(provider: str, *options: str) -> str:
        added = ("providers", "add", provider, *options, "--settings", settings({"token": TOKEN}))
        return printed(database_url, *added).split()[0]

    merchant = printed(database_url, "merchants", "create", "--name", "Boutique")
    passed_on, direct, abroad = add("aggregator"), add("direct"), add("per_country", "--country", "CI")
    own = add("aggregator", "--merchant", merchant)
    paid = ["--currency", "xof", "--amount", "5000", "--country", "sn", "--operator", "orange"]
    others = f"– sandbox sandbox is a test account\n– {abroad} per_country is for CI"
    routed = printed(database_url, "providers", "route", *paid)
    assert routed == f"1. {direct} direct\n2. {passed_on} aggregator\n{others}"
    assert printed(database_url, "providers", "order", *paid[4:], passed_on) == ""
    printed(database_url, "providers", "close", direct)
    routed = printed(database_url, "providers", "route", *paid, "--merchant", merchant)
    assert routed == (
        f"1. {own} aggregator\n2. {passed_on} aggregator\n– sandbox sandbox is a test account\n"
        f"– {direct} direct is closed\n– {abroad} per_country is for CI"
    )
    card = printed(database_url, "providers", "route", "--currency", "XOF", "--amount", "1", "--mode", "test")
    assert card.splitlines()[0] == "1. sandbox sandbox"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--currency", "XXX", "--amount", "1"], "currency: is not one that we know"),
        (["--currency", "XOF", "--amount", "1", "--operator", "orange"], "operator: must be one of none"),
        (["--currency", "XOF", "--amount", "1", "--merchant", "mer_gone"], "no such merchant"),
    ],
    ids=["currency", "no country", "merchant"],
)
def test_a_route_of_what_there_is_not_is_refused(database_url: str, given: list[str], said: str) -> None:
    assert said in refused(1, database_url, "providers", "route", *given)


# ---------------------------------------------------------------- other processes


@pytest.fixture
def machine(config: Config) -> Iterator[Config]:
    """This process is one machine."""
    ikawaari.start(config)
    yield config
    disconnect()


def another_machine(url: str, *arguments: str, given: str = "") -> str:
    """What a command prints that another process runs, which has the same providers."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("IKAWAARI_")}
    done = warm.run("tests.accounts", [*arguments], inherited | environment(url, {}), given=given)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_another_process_does_is_known_here_within_a_second(machine: Config) -> None:
    accounts.known()
    added = another_machine(
        machine.database_url, "providers", "add", "direct", "--settings", "-", given=json.dumps({"token": TOKEN})
    )
    account_id = added.split()[0]
    one = accounts.channel(account_id)  # at once
    assert one is not None
    assert one.account.text("token") == TOKEN
    for command, is_closed in (("close", True), ("open", False)):
        another_machine(machine.database_url, "providers", command, account_id)
        assert seen_within_a_second(partial(_is_closed, account_id, is_closed))


def _is_closed(account_id: str, is_closed: bool) -> bool:
    return (account_id in accounts.known().closed) == is_closed


def seen_within_a_second(condition: Callable[[], bool]) -> bool:
    """Whether it holds now, or soon: a process keeps what it has read for a second, and reading takes a moment."""
    until = time.monotonic() + accounts.KEPT_SECONDS + 0.25
    while time.monotonic() < until and not condition():
        time.sleep(0.02)
    return condition()


@pytest.mark.parametrize("command", [["worker"], ["serve", "--bind", "127.0.0.1:7999"]], ids=["worker", "serve"])
def test_a_process_that_lacks_a_provider_with_unsettled_money_does_not_begin(
    config: Config, command: list[str]
) -> None:
    ikawaari.start(config)
    session = factories.session()
    attempts.pay(session.id, factories.pay_request(factories.phone("011")), clock.now())
    attempt = PaymentAttempt.get()
    PaymentAttempt.update(provider="oldpay").execute()
    disconnect()
    told = refused(1, config.database_url, *command, run=in_a_process)
    assert "oldpay" in told
    assert attempt.id in told
    world.close()
