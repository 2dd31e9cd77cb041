"""The command `ikawaari`: serve, work, migrate, and keep merchants and their credentials."""

import json
import signal
import sys
import threading
from collections.abc import Callable
from functools import wraps
from types import FrameType
from typing import Any, TypeVar

import click
from peewee import PeeweeException

import ikawaari
from ikawaari import clock, demo_data, serving, store, worker
from ikawaari.config import Config, UnsafeConfiguration
from ikawaari.errors import IkawaariError
from ikawaari.merchants import credentials, fees, merchants
from ikawaari.merchants.credentials import Scope
from ikawaari.providers import sandbox

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def main() -> None:
    """Ikawaari Checkout."""


def in_one_line(command: F) -> F:
    """Run `command`; what is wrong with its arguments, the configuration or the database is said in one line."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except (IkawaariError, UnsafeConfiguration) as error:
            raise click.ClickException(getattr(error, "message", str(error))) from None
        except PeeweeException as error:
            reason = str(error).partition("\n")[0]
            raise click.ClickException(f"the database is away, or lacks `ikawaari migrate`: {reason}") from None

    return run  # type: ignore[return-value]


def on_the_database(command: F) -> F:
    """Start the process on its configuration before `command`."""

    @in_one_line
    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        ikawaari.start(Config.from_environment())
        return command(*args, **kwargs)

    return run  # type: ignore[return-value]


@main.command()
@click.option("--bind", default="127.0.0.1:8000", show_default=True, help="HOST:PORT to listen on.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1), help="Processes.")
@click.option("--threads", default=4, show_default=True, type=click.IntRange(1), help="Threads of each process.")
@click.option("--no-worker", is_flag=True, help="Leave due work to `ikawaari worker`.")
@click.option("--demo", is_flag=True, help="Seed a demo merchant and serve a demo shop at /.")
@in_one_line
def serve(bind: str, workers: int, threads: int, no_worker: bool, demo: bool) -> None:
    """Serve the API and the page, and do due work."""
    config = serving.configure(bind, demo=demo)
    if demo:
        click.echo(demo_data.seed(config))
    serving.run(bind, workers=workers, threads=threads, with_worker=not no_worker)


@main.command("worker")
@on_the_database
def work() -> None:
    """Do due work until told to stop."""
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    for thread in worker.start(stop, Config.from_environment()):
        thread.join()


@main.command()
@on_the_database
def migrate() -> None:
    """Bring the database's schema up to date."""
    for name in ikawaari.migrate():
        click.echo(name)


@main.command()
@on_the_database
def openapi() -> None:
    """Print the OpenAPI document."""
    app = ikawaari.create_app()
    click.echo(app.test_client().get("/openapi.json").get_data(as_text=True))


@main.group("merchants")
def merchants_group() -> None:
    """Merchants."""


LATE, UNPAID = click.Choice(["accept", "refund"]), click.Choice(["unpaid", "canceled"])
FEE = "What its customers pay where they pay the fee: mobile_money=1.5%, card=2.9%+100; may be repeated."


@merchants_group.command("create")
@click.option("--name", required=True)
@click.option("--country", default="SN", show_default=True, help="Where it sells; gives its currency.")
@click.option("--late-payments", type=LATE, default="accept", show_default=True)
@click.option("--unpaid-subscriptions", type=UNPAID, default="unpaid", show_default=True)
@click.option("--fee", "fee", multiple=True, help=FEE)
@click.option("--logo-url")
@click.option("--color", help="#rrggbb")
@on_the_database
def create_merchant(name: str, fee: tuple[str, ...], **options: Any) -> None:
    """Enter a merchant and print its id."""
    click.echo(merchants.create(name, clock.now(), fees=fees.read(fee), **options).id)


@merchants_group.command("update")
@click.argument("merchant_id")
@click.option("--late-payments", type=LATE)
@click.option("--unpaid-subscriptions", type=UNPAID)
@click.option("--fee", "fee", multiple=True, help=FEE)
@on_the_database
def update_merchant(merchant_id: str, fee: tuple[str, ...], **options: Any) -> None:
    """Change what is given; the rest stays."""
    merchants.update(merchant_id, fees=fees.read(fee), **options)


@merchants_group.command("list")
@on_the_database
def list_merchants() -> None:
    """Print the merchants, one JSON object a line."""
    for merchant in merchants.all_merchants():
        names = ("id", "name", "country", "currency", "late_payments", "unpaid_subscriptions")
        told = {name: getattr(merchant, name) for name in names} | {"fees": fees.written(merchant.fees)}
        click.echo(json.dumps(told, ensure_ascii=False))


@main.group("keys")
def keys() -> None:
    """Credentials of merchants."""


@keys.command("create")
@click.option("--merchant", "merchant_id", required=True)
@click.option("--mode", type=click.Choice(["test", "live"]), required=True)
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice([scope.value for scope in Scope]))
@click.option("--app", "is_app", is_flag=True, help="An AppToken, with an installation of its own.")
@click.option("--rate-limit", type=click.IntRange(1), help="Requests a minute.")
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
    """Print a merchant's credentials, one JSON object a line, without their texts."""
    for key in credentials.of_merchant(merchants.get(merchant_id)):
        click.echo(json.dumps(credentials.described(key)))


@keys.command("revoke")
@click.argument("credential_or_installation_id")
@on_the_database
def revoke_key(credential_or_installation_id: str) -> None:
    """End a credential (key_…), or an app's installation (app_…) with all its tokens."""
    is_app = credential_or_installation_id.startswith("app_")
    end = credentials.uninstall_app if is_app else credentials.revoke
    end(credential_or_installation_id, clock.now())


@main.group("sandbox")
def sandbox_group() -> None:
    """The sandbox provider."""


@sandbox_group.command("ledger")
@on_the_database
def ledger() -> None:
    """Print what the sandbox says it took and gave back, one JSON object a line."""
    for entry in sandbox.ledger.entries():
        click.echo(json.dumps(entry))


if __name__ == "__main__":
    sys.exit(main())
