"""Commands about merchants."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import click

from ikawaari import clock
from ikawaari.cli.root import main, on_the_database
from ikawaari.merchants import branding, fees, merchants

F = TypeVar("F", bound=Callable[..., Any])


@main.group("merchants")
def merchants_group() -> None:
    """Merchants."""


LATE, UNPAID = click.Choice(["accept", "refund"]), click.Choice(["unpaid", "canceled"])
FEE = (
    "What customers pay on top if they pay the fee: mobile_money=1.5%, card=2.9%+100XOF (a fixed fee without a "
    "currency is in the merchant's); may be repeated."
)

_BRANDING = {
    "logo_url": "https URL of an image; shown in a square.",
    "color": "#rrggbb",
    "legal_name": "Whose shop it is by law; at the foot of the page, instead of the name.",
    "town": "At the foot of the page.",
    "help_phone": "A number that customers can call.",
    "whatsapp": "A number that customers can write to.",
    "terms_url": "https URL.",
    "refunds_url": "https URL of what the shop says about refunds.",
    "privacy_url": "https URL.",
    "payer_name": "Whom the operators' prompts name; a provider that names somebody else counts first.",
}


def branding_options(command: F) -> F:
    """Add an option for each thing that customers see of a merchant."""
    for name, meaning in reversed(_BRANDING.items()):
        command = click.option(f"--{name.replace('_', '-')}", help=meaning)(command)
    return command


@merchants_group.command("create")
@click.option("--name", required=True)
@click.option("--country", default="SN", show_default=True, help="Where it sells; determines its currency.")
@click.option("--late-payments", type=LATE, default="accept", show_default=True)
@click.option("--unpaid-subscriptions", type=UNPAID, default="unpaid", show_default=True)
@click.option("--fee", "fee", multiple=True, help=FEE)
@branding_options
@on_the_database
def create_merchant(name: str, fee: tuple[str, ...], **options: Any) -> None:
    """Create a merchant and print its id."""
    click.echo(merchants.create(name, clock.now(), fees=fees.read(fee), **options).id)


@merchants_group.command("update")
@click.argument("merchant_id")
@click.option("--name")
@click.option("--late-payments", type=LATE)
@click.option("--unpaid-subscriptions", type=UNPAID)
@click.option("--fee", "fee", multiple=True, help=FEE)
@branding_options
@on_the_database
def update_merchant(merchant_id: str, fee: tuple[str, ...], **options: Any) -> None:
    """Change the given settings, and keep the rest. An empty value removes what customers see of it."""
    merchants.update(merchant_id, fees=fees.read(fee), **options)


@merchants_group.command("list")
@on_the_database
def list_merchants() -> None:
    """Print the merchants, one JSON object per line."""
    for merchant in merchants.all_merchants():
        names = ("id", "name", "country", "currency", "late_payments", "unpaid_subscriptions")
        told = {name: getattr(merchant, name) for name in (*names, *branding.READERS)}
        told |= {"fees": fees.written(merchant.fees)}
        click.echo(json.dumps(told, ensure_ascii=False))
