"""Commands about the sandbox provider."""

import json

import click

from ikawaari import clock
from ikawaari.checkout import test_mode
from ikawaari.cli.root import main, on_the_database
from ikawaari.money import MAX_AMOUNT
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


@sandbox_group.command("down")
@click.argument("operators", nargs=-1, required=True, metavar="OPERATOR…")
@on_the_database
def down(operators: tuple[str, ...]) -> None:
    """Have operators of the sandbox, or `cards`, not answer: the page says so, and nobody is charged there."""
    test_mode.take_down(operators)


@sandbox_group.command("limit")
@click.argument("operator")
@click.option("--minimum", type=click.IntRange(1, MAX_AMOUNT), default=1, show_default=True)
@click.option("--maximum", type=click.IntRange(1, MAX_AMOUNT), default=MAX_AMOUNT)
@on_the_database
def limit(operator: str, minimum: int, maximum: int) -> None:
    """Have an operator of the sandbox take amounts between those alone, in its currency's smallest unit."""
    test_mode.limit(operator, minimum, maximum, clock.now())


@sandbox_group.command("up")
@click.argument("operators", nargs=-1, metavar="[OPERATOR]…")
@on_the_database
def up(operators: tuple[str, ...]) -> None:
    """End what `down` and `limit` have done to operators, or `cards`; without one, to all."""
    test_mode.bring_up(operators, clock.now())
