"""Every provider, as its operator meets it: what its simulator prints is added, checked, closed and replaced."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ikawaari.providers import registry, settings
from ikawaari.simulators.ground import running
from ikawaari.simulators.registry import SIMULATORS
from tests.test_cli import here, printed

COUNTRIES = {"cinetpay": "SN", "cinetpay-legacy": "SN", "mtn": "CM", "wave": "SN"}
SIMULATED_COUNTRIES = {"cinetpay": "SN", "cinetpay-legacy": "SN", "wave": "SN"}
TEST_MODE = {"cinetpay", "stripe"}  # their simulators have test keys
SECRET_OF_CALLS = {
    "cinetpay": "api_password",
    "cinetpay-legacy": "apikey",
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


def _provider(simulator: str) -> str:
    return simulator.removesuffix("-legacy")


@pytest.fixture(params=sorted(SIMULATORS))
def added(request: pytest.FixtureRequest, database_url: str) -> Iterator[Added]:
    """An account at each simulator in turn."""
    name = str(request.param)
    with running(SIMULATORS[name](callback_url=None, country=SIMULATED_COUNTRIES.get(name))) as simulator:
        given = json.loads(json.dumps(simulator.settings()))
        options = ["--country", COUNTRIES[name]] if name in COUNTRIES else []
        options += ["--mode", "test" if name in TEST_MODE else "live", "--settings", "-"]
        told = here(database_url, "providers", "add", _provider(name), *options, given=json.dumps(given))
        assert (told.code, told.stderr) == (0, "")
        yield name, told.stdout.split()[0], given


def test_its_settings_are_taken_shown_masked_and_good(database_url: str, added: Added) -> None:
    name, account_id, given = added
    done = here(database_url, "providers", "check", account_id)
    assert done.code == 0, done.stdout + done.stderr
    (account,) = [each for each in shown(database_url) if each["id"] == account_id]
    assert account["settings"]["base_url"] == given["base_url"]
    assert account["operators"] or account["cards"]
    provider = registry.named(_provider(name))
    assert provider is not None
    secrets = settings.secrets(provider.settings_of(given), given)
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


def test_an_account_stays_at_the_api_that_it_was_added_for(database_url: str) -> None:
    """What is under way is known there alone: elsewhere a look-up would find nothing."""
    v1 = {"api_key": "sk_live_made_up", "api_password": "made-up"}
    legacy = {"apikey": "made-up-key", "site_id": "123456", "secret_key": "made-up-secret"}
    for settings_of, others in ((v1, legacy), (legacy, v1)):
        add = ("providers", "add", "cinetpay", "--country", "SN", "--settings", "-")
        mixed = here(database_url, *add, given=json.dumps({**settings_of, **dict([next(iter(others.items()))])}))
        assert mixed.code == 1
        assert "is not a setting of such an account, which has api_key, api_password, base_url" in mixed.stderr
        added = here(database_url, *add, given=json.dumps(settings_of))
        assert (added.code, added.stderr) == (0, "")
        update = ("providers", "update", added.stdout.split()[0], "--settings", "-")
        refused = here(database_url, *update, given=json.dumps(others))
        assert refused.code == 1
        assert all(f"{name}: is required" in refused.stderr for name in settings_of)
        assert all(f"{name}: is not a setting of such an account" in refused.stderr for name in others)
        assert not [value for value in others.values() if value in refused.stderr + mixed.stderr]
        assert here(database_url, *update, given=json.dumps(settings_of)).code == 0


@pytest.mark.parametrize("name", sorted({_provider(name) for name in COUNTRIES}))
def test_a_provider_with_an_account_for_each_country_wants_to_know_it(database_url: str, name: str) -> None:
    done = here(database_url, "providers", "add", name, "--settings", "-", given="{}")
    assert done.code == 1
    assert "country: is required" in done.stderr
