"""Secrets at rest: nothing lies in clear, and the runbook of a rotation of SECRET_KEY is followed step by step."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

import ikawaari
from ikawaari import sealing
from ikawaari.checkout import accounts
from ikawaari.cli import main
from ikawaari.config import Config, UnsafeConfiguration
from ikawaari.events import endpoints
from ikawaari.merchants import credentials
from ikawaari.store import sealed
from ikawaari.store.database import database
from ikawaari.store.models import Credential, Seal, WebhookEndpoint
from tests import accounts as providers
from tests import factories, world
from tests.world import START

OLD, NEW, FOREIGN = ("old" * 12, "new" * 12, "foreign" * 6)


@pytest.fixture
def before(config: Config) -> Iterator[Config]:
    """A server that runs on the old secret, with a credential, an endpoint and a provider account."""
    old = replace(config, secret_key=OLD)
    ikawaari.start(old)
    sealed.prepare()
    merchant = factories.merchant()
    factories.credential(merchant)
    made = endpoints.create(factories.owner(merchant), url="https://93.184.216.34/", enabled_events=["*"], now=START)
    endpoints.rotate_secret(made, START, overlap_seconds=3_600)
    providers.install(old)
    providers.add(old)
    yield old
    world.close()


def texts() -> list[str]:
    """Every sealed text as it stands in the database."""
    return [row[0] for model, name in sealed._COLUMNS for row in _column(model, name)]


def _column(model: Any, name: str) -> Any:
    table = model._meta.table_name
    return database.execute_sql(f"SELECT {name} FROM {table} WHERE {name} IS NOT NULL").fetchall()


def opened() -> list[str]:
    """Every secret in clear, as this process can read it."""
    return sorted(sealing.open_sealed(text) for text in texts())


def command(config: Config, *arguments: str) -> Any:
    """Run the command line on that configuration."""
    environment = {
        "IKAWAARI_DATABASE_URL": config.database_url,
        "IKAWAARI_SECRET_KEY": config.secret_key,
        "IKAWAARI_OLD_SECRET_KEYS": config.old_secret_keys,
    }
    return CliRunner().invoke(main, list(arguments), env=environment)


def test_no_secret_lies_in_clear(before: Config) -> None:
    assert len(texts()) == 6
    everything = str([[tuple(row) for row in _column(model, name)] for model, name in sealed._COLUMNS])
    assert "whsec_" not in everything
    assert providers.TOKEN not in everything
    assert sum(text.startswith("whsec_") for text in opened()) == 2


def test_the_same_text_is_sealed_in_another_way_each_time(before: Config) -> None:
    assert sealing.seal("a") != sealing.seal("a")
    assert sealing.open_sealed(sealing.seal("é🌞")) == "é🌞"


def test_the_runbook_of_a_rotation(before: Config) -> None:
    secrets = opened()
    # 1. Every server learns to open what the new secret seals, before any of them seals with it.
    ikawaari.start(replace(before, old_secret_keys=NEW))
    # 2. The new secret seals and signs; the old one still opens and verifies.
    both = replace(before, secret_key=NEW, old_secret_keys=OLD)
    ikawaari.start(both)
    assert opened() == secrets
    # 3. Everything is sealed anew, beside a server that is still at step 1.
    assert command(both, "secrets", "rotate").output == "6 texts were sealed again\n"
    ikawaari.start(replace(before, old_secret_keys=NEW))
    assert opened() == secrets
    assert command(both, "secrets", "rotate").output == "0 texts were sealed again\n"
    # 4. The old secret goes.
    ikawaari.start(replace(before, secret_key=NEW))
    assert opened() == secrets


def test_a_rotation_that_was_stopped_goes_on_where_it_was(before: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    both = replace(before, secret_key=NEW, old_secret_keys=OLD)
    ikawaari.start(both)
    monkeypatch.setattr(sealed, "_COLUMNS", sealed._COLUMNS[:1])
    assert sealed.rotate() == 1
    monkeypatch.undo()
    assert sealed.rotate() == 5
    ikawaari.start(replace(both, old_secret_keys=""))
    assert len(opened()) == 6


def test_many_rows_are_sealed_in_batches(before: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    merchant = factories.merchant()
    for _ in range(7):
        factories.credential(merchant)
    monkeypatch.setattr(sealed, "_BATCH", 3)
    ikawaari.start(replace(before, secret_key=NEW, old_secret_keys=OLD))
    assert sealed.rotate() == 13
    assert all(sealing.is_current(text) for text in texts())


def test_a_secret_that_is_written_during_the_rotation_stays(before: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """The race of a rotation with a server: the row changes after it was read and before it is written."""
    ikawaari.start(replace(before, secret_key=NEW, old_secret_keys=OLD))
    fresh, plain_seal = sealing.seal("written meanwhile"), sealing.seal

    def meanwhile(text: str) -> str:
        WebhookEndpoint.update(secret=fresh).execute()
        return plain_seal(text)

    monkeypatch.setattr(sealing, "seal", meanwhile)
    sealed.rotate()
    assert WebhookEndpoint.get().secret == fresh


def test_an_account_is_usable_after_a_rotation_with_the_address_that_its_provider_knows(before: Config) -> None:
    (was,) = [one.account for one in accounts.known().channels.values() if one.id != "sandbox"]
    assert command(replace(before, secret_key=NEW, old_secret_keys=OLD), "secrets", "rotate").exit_code == 0
    after = replace(before, secret_key=NEW)
    ikawaari.start(after)
    providers.install(after)
    found = accounts.channel(was.id)
    assert found is not None
    assert found.account == was
    assert found.account.tag("charge") == was.tag("charge")


@pytest.mark.parametrize("arguments", [["migrate"], ["worker"], ["keys", "list", "--merchant", "mer_1"]])
def test_a_process_without_a_fitting_secret_refuses_and_names_the_variable(
    before: Config, arguments: list[str]
) -> None:
    refused = command(replace(before, secret_key=FOREIGN), *arguments)
    assert refused.exit_code == 1
    assert "IKAWAARI_SECRET_KEY" in refused.output
    assert "IKAWAARI_OLD_SECRET_KEYS" in refused.output
    assert FOREIGN not in refused.output


def test_any_server_refuses_too(before: Config) -> None:
    with pytest.raises(UnsafeConfiguration):
        ikawaari.create_app(replace(before, secret_key=FOREIGN))


def test_a_database_that_is_new_or_away_is_somebody_else_s_word(config: Config) -> None:
    ikawaari.start(replace(config, secret_key=FOREIGN))
    assert not Seal.select().exists()
    ikawaari.start(replace(config, database_url="postgresql://nobody@127.0.0.1:1/none"))
    ikawaari.start(config)
    world.close()


def test_old_secrets_open_and_seal_nothing(before: Config) -> None:
    ikawaari.start(replace(before, secret_key=NEW, old_secret_keys=f"{OLD}, {FOREIGN}"))
    assert sealing.is_current(sealing.seal("a"))
    assert not any(sealing.is_current(text) for text in texts())


def test_a_key_that_was_revoked_opens_nothing_any_more(before: Config) -> None:
    row = Credential.get()
    credentials.revoke(row.id, START)
    assert credentials.return_key_of(row.id, row.merchant_id, row.livemode, START) is None


def test_callbacks_signed_with_an_old_secret_are_verified_until_it_goes(before: Config) -> None:
    from ikawaari.providers import base, sandbox

    body = b"{}"
    signed = sandbox.Sandbox(before).sign(body, START)
    request = world.message_of(body, [("Sandbox-Signature", signed)])

    def verify(config: Config) -> None:
        sandbox.Sandbox(config)._verify(request, START)

    verify(replace(before, secret_key=NEW, old_secret_keys=OLD))
    with pytest.raises(base.CallbackRefused):
        verify(replace(before, secret_key=NEW))
    assert sandbox.Sandbox(replace(before, secret_key=NEW, old_secret_keys=OLD)).sign(body, START) != signed
