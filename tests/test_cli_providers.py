"""Providers on the command line: listed, closed, opened; and processes that refuse to begin without one they need."""

import json

import pytest

import ikawaari
from ikawaari import clock
from ikawaari.checkout import attempts
from ikawaari.config import Config
from ikawaari.store.models import PaymentAttempt
from tests import factories, world
from tests.conftest import disconnect
from tests.test_cli import in_a_process, printed, refused


def states(url: str) -> list[dict[str, str]]:
    """What `providers list` prints."""
    return [json.loads(line) for line in printed(url, "providers", "list").splitlines()]


def test_a_provider_is_closed_and_opened_by_its_name(database_url: str) -> None:
    assert states(database_url) == [{"name": "sandbox", "state": "open"}]
    for _ in range(2):
        assert printed(database_url, "providers", "close", "sandbox") == ""
        assert states(database_url) == [{"name": "sandbox", "state": "closed"}]
    assert printed(database_url, "providers", "open", "sandbox") == ""
    assert states(database_url) == [{"name": "sandbox", "state": "open"}]


@pytest.mark.parametrize("command", ["close", "open"])
def test_a_provider_that_is_not_there_is_named(database_url: str, command: str) -> None:
    told = refused(1, database_url, "providers", command, "sandbx")
    assert "sandbx" in told
    assert "sandbox" in told


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
