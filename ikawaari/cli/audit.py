"""The command that looks for what is not as it should be."""

import json
import sys
from dataclasses import asdict

import click

from ikawaari import clock, worker
from ikawaari.checkout import audit
from ikawaari.cli.root import main, on_the_database


@main.command("audit")
@click.option("--all", "everything", is_flag=True, help="Read every row, not only what is open or changed lately.")
@click.option("--mend", is_flag=True, help="Re-create due rows that are missing. Nothing that touches money.")
@on_the_database
def run(everything: bool, mend: bool) -> None:
    """Print what is wrong in the store, one JSON object a finding; exit with 1 when there is any."""
    now = clock.now()
    found = audit.findings(None if everything else worker.last_housekeeping())
    for one in found:
        mended = {"mended": audit.mend(one, now)} if mend else {"mendable": one.is_mendable}
        click.echo(json.dumps(asdict(one) | mended, ensure_ascii=False))
    sys.exit(1 if found else 0)
