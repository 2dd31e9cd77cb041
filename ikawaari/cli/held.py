"""Commands for money that is held."""

import json

import click

from ikawaari import clock
from ikawaari.checkout import held
from ikawaari.cli.root import TypedText, by_whom, main, on_the_database


@main.group("held")
def held_group() -> None:
    """Money that was taken, but pays nothing and was not returned."""


@held_group.command("list")
@on_the_database
def list_held() -> None:
    """Print the attempts that hold money, one JSON object per line, oldest first."""
    for entry in held.listed():
        click.echo(json.dumps(entry, ensure_ascii=False))


@held_group.command("close")
@click.argument("attempt_id", metavar="ATTEMPT")
@click.option("--reason", required=True, type=TypedText(500), help="How it was paid back; stored in the history.")
@by_whom
@on_the_database
def close(attempt_id: str, reason: str, made_by: str) -> None:
    """Say that an attempt's held money was paid back another way. Automatic refunds stop."""
    amount = held.close(attempt_id, reason, made_by, clock.now())
    click.echo(json.dumps({"attempt": attempt_id, "amount_closed": amount}))
