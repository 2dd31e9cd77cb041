"""Commands about secrets at rest."""

import click

from ikawaari.cli.root import main, on_the_database
from ikawaari.store import sealed


@main.group("secrets")
def secrets() -> None:
    """Secrets at rest."""


@secrets.command("rotate")
@on_the_database
def rotate() -> None:
    """Seal everything with the current IKAWAARI_SECRET_KEY, while servers run. Then the old one can go."""
    click.echo(f"{sealed.rotate()} texts were sealed again")
