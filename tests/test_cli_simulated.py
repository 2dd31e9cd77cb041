"""Every provider, as its operator meets it: what its simulator prints is added, checked, closed and replaced."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ikawaari.providers import registry, settings
from ikawaari.simulators.ground import running
from ikawaari.simulators.registry import SIMULATORS
from tests.test_cli import here, printed

COUNTRIES = {"cinetpay": "SN", "mtn": "CM", "wave": "SN"}
SIMULATED_COUNTRIES = {"cinetpay": "SN", "wave": "SN"}
TEST_MODE = {"cinetpay", "stripe"}  # their simulators have test keys
SECRET_OF_CALLS = {
    "cinetpay": "api_password",
    "mtn": "api_key",
    "pawapay": "token",
    "stripe": "secret_key",
    "wave": "api_key",
}
Added = tuple[str, str, dict[str, Any]]
"""The provider's name, the account's id, and its settings."""


def shown(database_url: str) -> list[dict[str, Any]]:
    """What `providers list` prints."""
    return [json.loads(line) for line in printed(database_url, "providers", "list").splitlines()]


@pytest.fixture(params=sorted(SIMULATORS))
def added(request: pytest.FixtureRequest, database_url: str) -> Iterator[Added]:
    """An account at each simulator in turn."""
    name = str(request.param)
    with running(SIMULATORS[name](callback_url=None, country=SIMULATED_COUNTRIES.get(name))) as simulator:
        given = json.loads(json.dumps(simulator.settings()))
        options = ["--country", COUNTRIES[name]] if name in COUNTRIES else []
        options += ["--mode", "test" if name in TEST_MODE else "live", "--settings", "-"]
        told = here(database_url, "providers", "add", name, *options, given=json.dumps(given))
        assert (told.code, told.stderr) == (0, "")
        yield name, told.stdout.split()[0], given


def test_its_settings_are_taken_shown_masked_and_good(database_url: str, added: Added) -> None:
    name, account_id, given = added
    done = here(database_url, "providers", "check", account_id)
    assert done.code == 0, done.stdout + done.stderr
    (account,) = [each for each in shown(database_url) if each["id"] == account_id]
    assert account["settings"]["base_url"] == given["base_url"]
    assert account["operators"] or account["cards"]
    provider = registry.named(name)
    assert provider is not None
    secrets = settings.secrets(provider.settings, given)
    assert given[SECRET_OF_CALLS[name]] in secrets
    everything = done.stdout + done.stderr + printed(database_url, "providers", "list")
    assert not [secret for secret in secrets if secret in everything]


def test_a_wrong_secret_is_said_in_words_and_is_replaced(database_url: str, added: Added) -> None:
    name, account_id, given = added
    secret = SECRET_OF_CALLS[name]
    wrong = {**given, secret: f"{given[secret][:-6]}wrong1"}
    assert here(database_url, "providers", "update", account_id, "--settings", "-", given=json.dumps(wrong)).code == 0
    done = here(database_url, "providers", "check", account_id)
    assert done.code == 1
    assert done.stdout.splitlines()[-1].endswith(".")
    assert wrong[secret] not in done.stdout + done.stderr
    assert here(database_url, "providers", "update", account_id, "--settings", "-", given=json.dumps(given)).code == 0
    assert here(database_url, "providers", "check", account_id).code == 0


@pytest.mark.parametrize("name", sorted(COUNTRIES))
def test_a_provider_with_an_account_for_each_country_wants_to_know_it(database_url: str, name: str) -> None:
    done = here(database_url, "providers", "add", name, "--settings", "-", given="{}")
    assert done.code == 1
    assert "country: is required" in done.stderr
