"""Commands for money that moved otherwise than we had ordered."""

import json

import click

from ikawaari import clock
from ikawaari.checkout import incidents
from ikawaari.cli.root import TypedText, by_whom, main, on_the_database


@main.group("incidents")
def incidents_group() -> None:
    """Disputes, refunds made at a provider, and money that was returned twice."""


@incidents_group.command("list")
@click.option("--all", "everything", is_flag=True, help="Closed ones, too.")
@on_the_database
def list_incidents(everything: bool) -> None:
    """Print the open incidents, one JSON object per line, oldest first."""
    for entry in incidents.listed(everything=everything):
        click.echo(json.dumps(entry, ensure_ascii=False))


@incidents_group.command("close")
@click.argument("incident_id", metavar="INCIDENT", type=click.IntRange(1, 2**63 - 1))
@click.option("--reason", required=True, type=TypedText(500), help="How it ended; stored with it.")
@by_whom
@on_the_database
def close(incident_id: int, reason: str, made_by: str) -> None:
    """Say how an incident ended. It changes no amount."""
    incidents.close(incident_id, reason, made_by, clock.now())
    click.echo(json.dumps({"id": incident_id, "closed": True}))
