"""Commands about merchants."""

import json
from typing import Any

import click

from ikawaari import clock
from ikawaari.cli.root import main, on_the_database
from ikawaari.merchants import fees, merchants


@main.group("merchants")
def merchants_group() -> None:
    """Merchants."""


LATE, UNPAID = click.Choice(["accept", "refund"]), click.Choice(["unpaid", "canceled"])
FEE = (
    "What customers pay on top if they pay the fee: mobile_money=1.5%, card=2.9%+100XOF (a fixed fee without a "
    "currency is in the merchant's); may be repeated."
)


@merchants_group.command("create")
@click.option("--name", required=True)
@click.option("--country", default="SN", show_default=True, help="Where it sells; determines its currency.")
@click.option("--late-payments", type=LATE, default="accept", show_default=True)
@click.option("--unpaid-subscriptions", type=UNPAID, default="unpaid", show_default=True)
@click.option("--fee", "fee", multiple=True, help=FEE)
@click.option("--logo-url")
@click.option("--color", help="#rrggbb")
@on_the_database
def create_merchant(name: str, fee: tuple[str, ...], **options: Any) -> None:
    """Create a merchant and print its id."""
    click.echo(merchants.create(name, clock.now(), fees=fees.read(fee), **options).id)


@merchants_group.command("update")
@click.argument("merchant_id")
@click.option("--late-payments", type=LATE)
@click.option("--unpaid-subscriptions", type=UNPAID)
@click.option("--fee", "fee", multiple=True, help=FEE)
@on_the_database
def update_merchant(merchant_id: str, fee: tuple[str, ...], **options: Any) -> None:
    """Change the given settings, and keep the rest."""
    merchants.update(merchant_id, fees=fees.read(fee), **options)


@merchants_group.command("list")
@on_the_database
def list_merchants() -> None:
    """Print the merchants, one JSON object per line."""
    for merchant in merchants.all_merchants():
        names = ("id", "name", "country", "currency", "late_payments", "unpaid_subscriptions")
        told = {name: getattr(merchant, name) for name in names} | {"fees": fees.written(merchant.fees)}
        click.echo(json.dumps(told, ensure_ascii=False))
