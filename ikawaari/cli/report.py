"""The command that prints daily reports."""

import csv
import json
import sys
from collections.abc import Iterable
from datetime import date

import click

from ikawaari import clock
from ikawaari.checkout import reports
from ikawaari.checkout.reports import Report, ReportRow
from ikawaari.cli.root import Day, main, on_the_database
from ikawaari.merchants import merchants

_HEAD = ("merchant", "date", "timezone", "livemode")
_SUMS = tuple(ReportRow.__annotations__)


@main.command("report")
@click.option("--day", type=Day(), required=True, help="Today at the latest.")
@click.option("--merchant", "merchant_id", help="Whose report it is; without it, every merchant's who has money in it.")
@click.option("--timezone", "zone_name", help="Such as Africa/Dakar; without it, each merchant's country's own.")
@click.option("--mode", type=click.Choice(["live", "test"]), default="live", show_default=True)
@click.option("--json", "form", flag_value="json", default=True, help="A JSON object per line; the default.")
@click.option("--csv", "form", flag_value="csv", help="CSV, where an amount that is not known is empty.")
@on_the_database
def report(day: date, merchant_id: str | None, zone_name: str | None, mode: str, form: str) -> None:
    """Print what was taken, what went back and what providers keep, by currency and operator, of one day.

    A day is from midnight to midnight in the merchant's country. Amounts are in the currency's smallest unit.
    """
    found = reports.all_daily(
        day,
        clock.now(),
        livemode=mode == "live",
        merchant=merchants.get(merchant_id) if merchant_id else None,
        zone=reports.zone_named(zone_name) if zone_name else None,
    )
    if form == "csv":
        _write_csv(found)
    else:
        for owner_id, one in found:
            click.echo(json.dumps({"merchant": owner_id, **one}))


def _write_csv(found: Iterable[tuple[str, Report]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([*_HEAD, *_SUMS])
    for owner_id, one in found:
        head = [owner_id, one["date"], one["timezone"], str(one["livemode"]).lower()]
        for row in one["rows"]:
            writer.writerow([*head, *row.values()])
