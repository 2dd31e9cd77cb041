"""Commands for differences between providers' statements and our books."""

import json

import click

from ikawaari import clock
from ikawaari.checkout import cases
from ikawaari.cli.root import TypedText, by_whom, main, on_the_database


@main.group("cases")
def cases_group() -> None:
    """Differences between providers' statements and our books: see `ikawaari reconcile`."""


@cases_group.command("list")
@click.option("--open", "which", flag_value="open", default=True, help="Only those that are open; the default.")
@click.option("--all", "which", flag_value="all", help="Closed ones, too.")
@click.option("--account", help="Only those of this provider account.")
@click.option("--json", "as_json", is_flag=True, help="JSON, an object per line, instead of words.")
@on_the_database
def list_cases(which: str, account: str | None, as_json: bool) -> None:
    """Print the open cases, oldest first."""
    for row in cases.listed(everything=which == "all", account=account):
        click.echo(json.dumps(cases.described(row), ensure_ascii=False) if as_json else cases.in_words(row))


@cases_group.command("close")
@click.argument("case_id", metavar="CASE", type=click.IntRange(1, 2**63 - 1))
@click.option("--reason", required=True, type=TypedText(500), help="How it ended; stored with it.")
@by_whom
@on_the_database
def close(case_id: int, reason: str, made_by: str) -> None:
    """Say how a case ended. It changes no amount."""
    cases.close(case_id, reason, made_by, clock.now())
    click.echo(json.dumps({"id": case_id, "closed": True}))
