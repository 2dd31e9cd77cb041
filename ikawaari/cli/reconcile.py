"""The command that compares a provider's statement with our books."""

import json
import sys
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import click

from ikawaari import clock
from ikawaari.checkout import cases, reconciliation, reports, statement_columns, statement_files
from ikawaari.checkout.reconciliation import Coverage, Summary
from ikawaari.checkout.reports import zone_named, zone_of
from ikawaari.checkout.statement_columns import Columns
from ikawaari.cli.root import Day, main, on_the_database
from ikawaari.errors import ValidationFailed
from ikawaari.providers.statements import Line, NoStatement
from ikawaari.shapes import JsonObject

UNREADABLE, DIFFERS = 2, 3
"""The exit status if nothing was compared, because the statement or its columns cannot be read; and if a person has
something to do.
"""
_UTC = "UTC"
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@main.command("reconcile")
@click.option("--account", required=True, help="The provider account whose statement it is.")
@click.option("--statement", type=_FILE, help="The provider's CSV; without it, the provider is asked over its API.")
@click.option("--columns", "columns_file", type=_FILE, help="What its columns mean: a JSON file.")
@click.option(
    "--day",
    type=Day(),
    help="The day that it covers; of a file, without it, from its first line to its last one.",
)
@click.option(
    "--timezone", "zone_name", help="Of the day; without it, that of the columns, or of the account's country, or UTC."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, an object per line.")
@on_the_database
def reconcile(account: str, as_json: bool, **options: Any) -> None:
    """Compare a provider's statement with our books, ask the provider about what differs, and print what remains.

    Exits with 0 if no case is open for the account in that time, with 3 if there is one, and with 2 if the statement
    cannot be read as a whole: then nothing was done.
    """
    reconciliation.require_account(account)
    lines, covers = (_from_file if options["statement"] else _from_api)(account, **options)
    summary = Summary()
    try:
        for case in reconciliation.reconcile(account, lines, covers, summary, clock.now()):
            click.echo(json.dumps(cases.described(case), ensure_ascii=False) if as_json else cases.in_words(case))
    except statement_files.Unreadable as wrong:
        _refuse(wrong.problems)
    except NoStatement as wrong:
        _refuse([str(wrong)])
    click.echo(json.dumps(_as_json(account, summary)) if as_json else _summed_up(summary))
    sys.exit(0 if summary.is_clean else DIFFERS)


def _from_file(
    account: str, statement: Path, columns_file: Path | None, day: date | None, zone_name: str | None
) -> tuple[Iterable[Line], Coverage]:
    """The lines of a file, and what they cover."""
    if columns_file is None:
        raise click.UsageError("A statement needs its --columns.")
    columns = _columns(columns_file)
    span = _span(day, _zone(account, zone_name, columns.zone)) if day else None
    covers = Coverage(kinds=columns.lists, currency=columns.constants.get("currency"), span=span)
    return statement_files.lines(statement, columns, clock.now()), covers


def _from_api(
    account: str, statement: None, columns_file: Path | None, day: date | None, zone_name: str | None
) -> tuple[Iterable[Line], Coverage]:
    """The same of what the provider lists over its API."""
    if columns_file is not None or day is None:
        raise click.UsageError("Say either --statement and --columns, or --day alone.")
    span = _span(day, _zone(account, zone_name))
    return reconciliation.listed(account, span, clock.now()), Coverage(span=span)


def _zone(account: str, name: str | None, of_columns: ZoneInfo | None = None) -> ZoneInfo:
    """The time zone whose midnights are the day's."""
    if name:
        return zone_named(name)
    country = reconciliation.country_of(account)
    return of_columns or (zone_of(country) if country else zone_named(_UTC))


def _span(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    whole = reports.day_of(day, zone, clock.now())
    return whole.since, whole.until


def _columns(file: Path) -> Columns:
    try:
        return statement_columns.read(file.read_text(encoding="utf-8-sig"))
    except ValidationFailed as wrong:
        _refuse([f"{file.name}: {one}" for one in statement_columns.told(wrong.details)])
    except UnicodeError:
        _refuse([f"{file.name} is not UTF-8"])
    except OSError as error:
        _refuse([f"{file.name} cannot be read: {error.strerror}"])


def _refuse(problems: Iterable[str]) -> NoReturn:
    for problem in problems:
        click.echo(f"Error: {problem}", err=True)
    sys.exit(UNREADABLE)


def _summed_up(summary: Summary) -> str:
    return (
        f"{summary.lines} lines: {summary.matched} tell the same, {summary.differences} differ; "
        f"{summary.open_cases} cases are open"
    )


def _as_json(account: str, summary: Summary) -> JsonObject:
    since, until = summary.span or (None, None)
    return {
        "summary": True,
        "account": account,
        "lines": summary.lines,
        "matched": summary.matched,
        "differences": summary.differences,
        "open_cases": summary.open_cases,
        "since": clock.unix(since) if since else None,
        "until": clock.unix(until) if until else None,
    }
