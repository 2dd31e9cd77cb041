"""Providers are registered whole: the process calls their hooks, and asks them what they can do."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

import ikawaari
from ikawaari import clock, worker
from ikawaari.config import Config
from ikawaari.invariants import present
from ikawaari.providers import registry
from ikawaari.providers.channel import Channel
from ikawaari.providers.provider import Hooks
from ikawaari.providers.sandbox import Sandbox


class Noting(Sandbox):
    """A provider that notes when which hook is called."""

    name = "noting"
    called: list[str]

    def connect(self) -> None:
        self.called = ["connect"]

    def prepare(self) -> None:
        self.called.append("prepare")

    def release(self) -> None:
        self.called.append("release")

    def tick(self, now: datetime) -> None:
        self.called.append("tick")


@pytest.fixture
def noting(config: Config, monkeypatch: pytest.MonkeyPatch) -> Noting:
    """The process's only provider."""
    monkeypatch.setattr(registry, "INSTALLED", (Noting,))
    ikawaari.start(config)
    provider = registry.named("noting")
    assert isinstance(provider, Noting)
    return provider


def test_a_process_calls_every_hook_in_its_time(noting: Noting, config: Config) -> None:
    assert noting.called == ["connect"]
    ikawaari.migrate()
    assert noting.called == ["connect", "prepare"]
    worker.run_once(clock.now())
    assert noting.called == ["connect", "prepare", "tick"]


def test_a_request_ends_with_a_release_and_serves_no_other_provider_s_screens(noting: Noting, config: Config) -> None:
    client = ikawaari.create_app(config).test_client()
    provider: Any = registry.named("noting")
    provider.called.clear()

    assert client.get("/sandbox/sbx_nothing").status_code == 404
    assert provider.called == ["release"]
    assert not any("sandbox" in name for name in client.application.blueprints)


def test_who_can_decide_is_found_by_what_it_can_do(noting: Noting, monkeypatch: pytest.MonkeyPatch) -> None:
    assert registry.decider() is noting
    registry.configure([])
    assert registry.decider() is None


def test_a_provider_without_hooks_needs_none(database: None) -> None:
    hooks = Hooks()
    assert [hooks.connect(), hooks.prepare(), hooks.release(), hooks.tick(clock.now())] == [None] * 4  # type: ignore[func-returns-value]


def test_an_account_of_a_country_reaches_that_country_alone(config: Config) -> None:
    sandbox = Sandbox(config)
    channel = Channel(sandbox, replace(present(sandbox.account, "the sandbox has one"), country="CI"))
    assert channel.reach("orange_ci")
    assert channel.reach("orange_sn") is None
    assert channel.reach(None)
