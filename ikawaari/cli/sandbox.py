"""Commands about the sandbox provider."""

import json

import click

from ikawaari.cli.root import main, on_the_database
from ikawaari.providers import sandbox


@main.group("sandbox")
def sandbox_group() -> None:
    """The sandbox provider."""


@sandbox_group.command("ledger")
@on_the_database
def ledger() -> None:
    """Print what the sandbox says it took and returned, one JSON object per line."""
    for entry in sandbox.ledger.entries():
        click.echo(json.dumps(entry))
