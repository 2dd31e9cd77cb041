"""Commands about payment attempts: unsettled ones, their history, and an operator's decision."""

import getpass
import json
import socket
from datetime import timedelta
from typing import Any

import click

from ikawaari import clock, texts
from ikawaari.checkout import manual
from ikawaari.checkout.manual import Word
from ikawaari.cli.root import main, on_the_database
from ikawaari.money import MAX_AMOUNT
from ikawaari.providers.base import LONGEST_WORD, FailureCode

_CODES = click.Choice([code.value for code in FailureCode])


@main.group("attempts")
def attempts_group() -> None:
    """Payment attempts."""


@attempts_group.command("list")
@click.option("--unsettled", is_flag=True, help="Only attempts that are not settled.")
@click.option("--older-than", default=0, type=click.IntRange(0, 10_000_000), metavar="MINUTES")
@on_the_database
def list_attempts(unsettled: bool, older_than: int) -> None:
    """Print payment attempts, oldest first, one JSON object per line."""
    for row in manual.listed(clock.now(), unsettled=unsettled, older_than=timedelta(minutes=older_than)):
        click.echo(json.dumps(row, ensure_ascii=False))


@attempts_group.command("show")
@click.argument("attempt_id")
@on_the_database
def show_attempt(attempt_id: str) -> None:
    """Print everything that is known of an attempt, as JSON: its reports, callbacks, refunds, incidents and cases."""
    click.echo(json.dumps(manual.history(attempt_id), ensure_ascii=False, indent=2))


@attempts_group.command("settle")
@click.argument("attempt_id")
@click.option("--succeeded", is_flag=True, help="The money was taken.")
@click.option("--failed", is_flag=True, help="No money was taken. The provider is asked first.")
@click.option(
    "--amount",
    type=click.IntRange(1, MAX_AMOUNT),
    help="What was taken, in the smallest unit; default: the amount requested.",
)
@click.option("--reference", help="The provider's id of the charge.")
@click.option("--code", type=_CODES, help="Why it failed; default: unknown.")
@click.option("--reason", required=True, help="How you know. It is stored.")
@click.option("--by", "made_by", help="Who you are; default: the system's user and host.")
@click.option("--force", "forced", is_flag=True, help="Fail it although the provider says otherwise. It is stored.")
@on_the_database
def settle_attempt(attempt_id: str, succeeded: bool, failed: bool, **options: Any) -> None:
    """Say how an attempt ended, if its provider does not. Later reports of the provider still correct it."""
    if succeeded == failed:
        raise click.UsageError("Say either --succeeded or --failed.")
    wrong = [f"--{name}" for name in (("amount", "reference") if failed else ("code",)) if options[name]]
    if wrong:
        raise click.UsageError(f"{' and '.join(wrong)} cannot be said with --{'failed' if failed else 'succeeded'}.")
    word = Word(
        failure=FailureCode(options["code"] or FailureCode.UNKNOWN) if failed else None,
        amount=options["amount"],
        reference=_text("--reference", options["reference"], LONGEST_WORD) if options["reference"] else None,
        reason=_text("--reason", options["reason"], 500),
        made_by=_text("--by", options["made_by"] or f"{getpass.getuser()}@{socket.gethostname()}", LONGEST_WORD),
        forced=options["forced"],
    )
    attempt = manual.settle(attempt_id, word, clock.now())
    click.echo(json.dumps({"id": attempt.id, "status": attempt.status, "amount_received": attempt.amount_received}))


def _text(option: str, text: str, longest: int) -> str:
    """A text that a person typed, in a form that can be stored."""
    wrong = "is required" if not text.strip() else texts.problem(text, longest)
    if wrong:
        raise click.UsageError(f"{option} {wrong}.")
    return text.strip()
