"""The command that looks for inconsistent data."""

import json
import sys
from dataclasses import asdict

import click

from ikawaari import clock, worker
from ikawaari.checkout import audit
from ikawaari.cli.root import main, on_the_database


@main.command("audit")
@click.option(
    "--all", "everything", is_flag=True, help="Check every row, not only those that are open or changed recently."
)
@click.option("--mend", is_flag=True, help="Recreate missing due rows. Never changes money.")
@on_the_database
def run(everything: bool, mend: bool) -> None:
    """Print what is wrong in the database, one JSON object per finding; exit with 1 if there is any."""
    now = clock.now()
    found = audit.findings(None if everything else worker.last_housekeeping())
    for one in found:
        mended = {"mended": audit.mend(one, now)} if mend else {"mendable": one.is_mendable}
        click.echo(json.dumps(asdict(one) | mended, ensure_ascii=False))
    sys.exit(1 if found else 0)
