"""Commands about providers."""

import json

import click

from ikawaari import clock
from ikawaari.checkout import provider_states
from ikawaari.cli.root import main, on_the_database
from ikawaari.states import ProviderState


@main.group("providers")
def providers() -> None:
    """Payment providers."""


@providers.command("list")
@on_the_database
def list_providers() -> None:
    """Print the providers, one JSON object per line: the name, and whether it is `open` or `closed`."""
    for provider in provider_states.listed():
        click.echo(json.dumps(provider))


@providers.command("close")
@click.argument("name")
@on_the_database
def close(name: str) -> None:
    """Accept no new charges at a provider, on any machine; enquiries, callbacks and refunds continue."""
    provider_states.switch(name, ProviderState.CLOSED, clock.now())


@providers.command("open")
@click.argument("name")
@on_the_database
def open_again(name: str) -> None:
    """Accept new charges at a provider again."""
    provider_states.switch(name, ProviderState.OPEN, clock.now())
