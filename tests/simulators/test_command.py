"""The command `ikawaari simulate`."""

import json
import signal
import subprocess
import sys

import pytest
import requests
from click.testing import CliRunner

from ikawaari.cli import main
from ikawaari.simulators.ground import running
from ikawaari.simulators.registry import SIMULATORS

CALLBACKS = "http://127.0.0.1:9/callbacks/acc_test"


def test_the_first_line_is_the_settings_and_it_serves_until_it_is_stopped() -> None:
    command = [sys.executable, "-m", "ikawaari", "simulate", "pawapay", "--callback-url", CALLBACKS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        settings = json.loads(process.stdout.readline())
        url = settings["base_url"]
        assert requests.get(f"{url}/_sim/settings", timeout=5).json() == settings
        assert requests.get(f"{url}/_sim/set", timeout=5).json()["callback_url"] == CALLBACKS
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        with pytest.raises(requests.ConnectionError):
            requests.get(url, timeout=5)


@pytest.mark.parametrize("provider", sorted(SIMULATORS))
def test_every_simulator_names_its_settings_and_where_it_is(provider: str) -> None:
    with running(SIMULATORS[provider](callback_url=CALLBACKS)) as simulator:
        settings = requests.get(f"{simulator.base_url}/_sim/settings", timeout=5).json()
    assert settings["base_url"] == simulator.base_url
    assert len(settings) > 1


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["nobody"], "Invalid value for"),
        (["pawapay", "--bind", "nowhere"], "Error: 'nowhere' is not HOST:PORT"),
        (["pawapay", "--bind", "192.0.2.1:0"], "Error: "),
        (["pawapay", "--country", "SN"], "Error: pawapay has one account for all countries"),
    ],
    ids=["provider", "no port", "not ours", "country"],
)
def test_what_cannot_be_simulated_is_said_in_one_line(arguments: list[str], why: str) -> None:
    result = CliRunner().invoke(main, ["simulate", *arguments])
    assert result.exit_code != 0
    assert why in result.output
    assert isinstance(result.exception, SystemExit)
