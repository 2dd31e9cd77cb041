"""Commands about providers."""

import json

import click

from ikawaari import clock
from ikawaari.checkout import provider_states
from ikawaari.cli.root import main, on_the_database
from ikawaari.states import ProviderState


@main.group("providers")
def providers() -> None:
    """Providers: who moves the money."""


@providers.command("list")
@on_the_database
def list_providers() -> None:
    """Print the providers, one JSON object a line: its name, and whether it is `open` or `closed`."""
    for provider in provider_states.listed():
        click.echo(json.dumps(provider))


@providers.command("close")
@click.argument("name")
@on_the_database
def close(name: str) -> None:
    """Take no new charges at a provider, on any machine; look-ups, callbacks and refunds go on."""
    provider_states.switch(name, ProviderState.CLOSED, clock.now())


@providers.command("open")
@click.argument("name")
@on_the_database
def open_again(name: str) -> None:
    """Take new charges at a provider again."""
    provider_states.switch(name, ProviderState.OPEN, clock.now())
