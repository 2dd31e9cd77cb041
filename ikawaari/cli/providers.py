"""Commands about provider accounts."""

import json
import sys
from typing import Any, TextIO

import click

from ikawaari import clock
from ikawaari.checkout import account_setup, provider_states
from ikawaari.checkout.account_setup import NewAccount
from ikawaari.cli.root import main, on_the_database
from ikawaari.config import Config
from ikawaari.money import MAX_AMOUNT
from ikawaari.states import ProviderState

_SETTINGS = click.option(
    "--settings",
    "file",
    type=click.File(encoding="utf-8"),
    required=True,
    help="A file with one JSON object; `-` reads standard input, so that no secret is in a list of processes.",
)
_MODE = click.option("--mode", type=click.Choice(["live", "test"]), default="live", show_default=True)


@main.group("providers")
def providers() -> None:
    """Accounts at payment providers."""


@providers.command("add")
@click.argument("provider")
@click.option("--merchant", "merchant_id", help="Whose account it is; without it all merchants use it.")
@click.option("--country", help="For which country it is, where the provider has an account for each.")
@_MODE
@_SETTINGS
@on_the_database
def add(provider: str, mode: str, file: TextIO, **options: str | None) -> None:
    """Add an account. Print its id, and the callback address to enter at the provider."""
    new = NewAccount(provider=provider, livemode=mode == "live", settings=_read(file), **options)
    account = account_setup.add(new, Config.from_environment(), clock.now())
    click.echo(account.id)
    click.echo(account.callback_url)


@providers.command("update")
@click.argument("account_id", metavar="ACCOUNT")
@_SETTINGS
@on_the_database
def update(account_id: str, file: TextIO) -> None:
    """Replace all settings of an account; its callback address stays."""
    account_setup.update(account_id, _read(file), Config.from_environment(), clock.now())


@providers.command("list")
@on_the_database
def list_accounts() -> None:
    """Print the accounts, one JSON object per line, without their secrets."""
    for account in account_setup.listed():
        click.echo(json.dumps(account))


@providers.command("check")
@click.argument("account_id", metavar="ACCOUNT")
@on_the_database
def check(account_id: str) -> None:
    """Ask the provider something harmless, and say in words what it answered; exit with 1 if the account is no use."""
    found = account_setup.check(account_id, clock.now())
    click.echo(found.words)
    sys.exit(0 if found.is_usable else 1)


@providers.command("route")
@click.option("--country", help="The payer's; for mobile money.")
@click.option("--operator", help="An id such as orange_sn, or a brand; without it, a card.")
@click.option("--currency", required=True)
@click.option("--amount", type=click.IntRange(1, MAX_AMOUNT), required=True, help="In the currency's smallest unit.")
@click.option("--merchant", "merchant_id", help="Whose payment it is; without it, anybody's.")
@_MODE
@on_the_database
def route(country: str | None, operator: str | None, currency: str, amount: int, **options: str | None) -> None:
    """Print the accounts that take a payment, in order; then the others, each with what stands against it."""
    livemode = options["mode"] == "live"
    found = account_setup.route(
        options["merchant_id"], livemode=livemode, country=country, operator=operator, currency=currency, amount=amount
    )
    for place, (account_id, provider, objection) in enumerate(found, 1):
        mark, reason = (f"{place}.", "") if objection is None else ("–", f" {objection}")
        click.echo(f"{mark} {account_id} {provider}{reason}")


@providers.command("order")
@click.option("--merchant", "merchant_id", help="Whose list it is; without it, the house's.")
@click.option("--country", required=True)
@click.option("--operator", required=True)
@click.argument("account_ids", nargs=-1, metavar="[ACCOUNT]…")
@on_the_database
def order(merchant_id: str | None, country: str, operator: str, account_ids: tuple[str, ...]) -> None:
    """Set which accounts are asked first for an operator's payers. Without an account: none in particular."""
    account_setup.order(merchant_id, country, operator, account_ids)


@providers.command("close")
@click.argument("account_id", metavar="ACCOUNT")
@on_the_database
def close(account_id: str) -> None:
    """Accept no new charges at an account, on any machine; enquiries, callbacks and refunds continue."""
    provider_states.switch(account_id, ProviderState.CLOSED, clock.now())


@providers.command("open")
@click.argument("account_id", metavar="ACCOUNT")
@on_the_database
def open_again(account_id: str) -> None:
    """Accept new charges at an account again."""
    provider_states.switch(account_id, ProviderState.OPEN, clock.now())


def _read(file: TextIO) -> Any:
    """The JSON in a file. Nothing of it is shown if it cannot be read: it may hold secrets."""
    try:
        return json.load(file)
    except ValueError:
        raise click.ClickException("--settings is not JSON") from None
