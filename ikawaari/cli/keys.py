"""Commands about merchants' credentials."""

import json
from typing import Any

import click

from ikawaari import clock, store
from ikawaari.cli.root import main, on_the_database
from ikawaari.merchants import credentials, merchants
from ikawaari.merchants.credentials import Scope


@main.group("keys")
def keys() -> None:
    """Credentials of merchants."""


@keys.command("create")
@click.option("--merchant", "merchant_id", required=True)
@click.option("--mode", type=click.Choice(["test", "live"]), required=True)
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice([scope.value for scope in Scope]))
@click.option("--app", "is_app", is_flag=True, help="An AppToken, with an installation of its own.")
@click.option("--rate-limit", type=click.IntRange(1), help="Requests per minute.")
@click.option("--allow-ip", "networks", multiple=True, help="CIDR; may be repeated.")
@click.option("--expires-in-days", type=click.IntRange(1))
@on_the_database
def create_key(merchant_id: str, mode: str, scopes: tuple[str, ...], is_app: bool, **options: Any) -> None:
    """Print a new credential, once, alone on standard output."""
    now = clock.now()
    merchant = merchants.get(merchant_id)
    with store.atomic():
        text = credentials.create(
            merchant,
            livemode=mode == "live",
            scopes=scopes,
            now=now,
            installation=credentials.install_app(merchant, "app", now) if is_app else None,
            rate_limit=options["rate_limit"],
            allowed_networks=options["networks"],
            expires_at=credentials.days_ahead(options["expires_in_days"], now),
        )
    click.echo(text)


@keys.command("list")
@click.option("--merchant", "merchant_id", required=True)
@on_the_database
def list_keys(merchant_id: str) -> None:
    """Print a merchant's credentials, one JSON object per line, without their texts."""
    for key in credentials.of_merchant(merchants.get(merchant_id)):
        click.echo(json.dumps(credentials.described(key)))


@keys.command("revoke")
@click.argument("credential_or_installation_id")
@on_the_database
def revoke_key(credential_or_installation_id: str) -> None:
    """Revoke a credential (key_…), or an app's installation (app_…) with all its tokens."""
    is_app = credential_or_installation_id.startswith("app_")
    end = credentials.uninstall_app if is_app else credentials.revoke
    end(credential_or_installation_id, clock.now())
