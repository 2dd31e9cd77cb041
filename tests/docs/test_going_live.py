"""What the paper on running a server says of taking a provider live is done here, step by step, at its simulator."""

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ikawaari.config import Config
from ikawaari.providers import registry, settings
from ikawaari.simulators.ground import running
from ikawaari.simulators.registry import SIMULATORS
from tests.docs import papers
from tests.test_cli import here

LIVE = papers.section("docs/operations.md", "Taking a provider live")
LEGACY = "-legacy"  # the guide to the other API of a provider
GUIDES = {
    f"{found[1]}{LEGACY if 'legacy' in part.partition(chr(10))[0] else ''}": part
    for part in LIVE.split("\n### ")
    if (found := re.search(r"`ikawaari providers add (\w+)", part))
}
COUNTRIES = {
    "cinetpay": "SN",
    "cinetpay-legacy": "SN",
    "wave": "SN",
}  # of a simulator's account; MTN's own default is the paper's
TEST_KEYS = {"cinetpay", "stripe"}  # their simulators print those


@pytest.fixture(params=sorted(GUIDES))
def name(request: pytest.FixtureRequest) -> str:
    """Each provider that has a guide."""
    return str(request.param)


def written(name: str) -> dict[str, Any]:
    """The settings that the guide gives as an example."""
    ((_, block),) = papers.blocks(GUIDES[name])
    given: dict[str, Any] = json.loads(block)
    return given


def commands(name: str) -> list[list[str]]:
    """What the guide gives to be typed."""
    return [shlex.split(one)[1:] for one in re.findall(r"`(ikawaari providers [^`]+ --settings [^`]+)`", GUIDES[name])]


def filled(example: Mapping[str, Any], real: Mapping[str, Any]) -> dict[str, Any]:
    """The example with the real values in place of the made-up ones."""
    return {
        name: filled(value, real[name]) if isinstance(value, dict) else real.get(name, value)
        for name, value in example.items()
    }


def test_every_provider_has_a_guide(config: Config) -> None:
    registry.configure(provider(config) for provider in registry.INSTALLED)
    assert {name.removesuffix(LEGACY) for name in GUIDES} == set(registry.names()) - {"sandbox"}
    assert set(GUIDES) == set(SIMULATORS)


def test_the_settings_of_the_guide_are_whole_and_made_up(name: str, config: Config) -> None:
    registry.configure(provider(config) for provider in registry.INSTALLED)
    provider = registry.named(name.removesuffix(LEGACY))
    assert provider is not None
    example = written(name)
    known = provider.settings_of(example)
    assert settings.problems(known, example) == {}
    needed = {one.name for one in known if not one.is_optional}
    assert needed <= set(example)
    assert all(re.search(r"made.up|not.yet", secret) for secret in settings.secrets(known, example))


def test_whoever_follows_the_guide_has_an_account_that_is_good(
    name: str, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    add, *updates = commands(name)
    with running(SIMULATORS[name](callback_url=None, country=COUNTRIES.get(name))) as simulator:
        real = json.loads(json.dumps(simulator.settings()))
        file = Path(add[add.index("--settings") + 1])
        file.write_text(json.dumps(filled(written(name), real) | {"base_url": real["base_url"]}))
        added = here(database_url, *add, *(["--mode", "test"] if name in TEST_KEYS else []))
        assert (added.code, added.stderr) == (0, "")
        account_id, callback_url = added.stdout.split()
        assert callback_url.endswith(f"/callbacks/{account_id}")
        for update in updates:
            typed = [account_id if word == "ACCOUNT" else word for word in update]
            assert here(database_url, *typed).code == 0
        for command in ("check", "close", "open", "check"):
            done = here(database_url, "providers", command, account_id)
            assert done.code == 0, done.stdout + done.stderr


def test_a_secret_that_is_there_late_can_be_written_later() -> None:
    """Wave and Stripe give it for an address that is known only after the account was added."""
    late = [name for name in GUIDES if "not" in str(written(name).get("webhook_secret"))]
    assert sorted(late) == ["stripe", "wave"]
    assert all([words[1] for words in commands(name)] == ["add", "update"] for name in late)
