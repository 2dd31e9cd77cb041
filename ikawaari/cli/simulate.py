"""The command `ikawaari simulate`: a payment provider, simulated."""

import json
import signal
import threading
from types import FrameType

import click

from ikawaari.cli.root import main
from ikawaari.simulators.registry import SIMULATORS


@main.command()
@click.argument("provider", type=click.Choice(sorted(SIMULATORS)))
@click.option(
    "--bind", default="127.0.0.1:0", show_default=True, help="HOST:PORT to listen on; port 0 is any free one."
)
@click.option("--callback-url", help="Where callbacks go, if the provider's portal would hold the address.")
@click.option("--country", help="The account's country (SN, CI, …), where the provider has an account for each.")
def simulate(provider: str, bind: str, callback_url: str | None, country: str | None) -> None:
    """Simulate a provider until stopped; print the settings to use against it, as one JSON object. For tests."""
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    try:
        simulator = SIMULATORS[provider](callback_url=callback_url, country=country).start(bind)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(json.dumps(simulator.settings()))
    stop.wait()
    simulator.stop()
