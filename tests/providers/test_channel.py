"""A channel says what an adapter did: to the domain as an outcome, to operators in the log."""

from collections.abc import Callable
from datetime import datetime

import pytest
from structlog.testing import capture_logs

from ikawaari import clock
from ikawaari.config import Config
from ikawaari.invariants import present
from ikawaari.money import Money
from ikawaari.providers.channel import Channel
from ikawaari.providers.outcomes import FailureCode, Outcome, Result, failed, refused
from ikawaari.providers.sandbox import Sandbox
from ikawaari.providers.values import Account, Charge

CHARGE = Charge(
    id="1f0c3f0e-8f0a-4a53-9d0c-54d8f3a9a111", intent_id="pi_1", money=Money(500, "XOF"), method_type="card"
)


class Answering(Sandbox):
    """A provider whose adapter does the same at every call."""

    def __init__(self, config: Config, answer: Callable[[], Outcome]) -> None:
        super().__init__(config)
        self.answer = answer

    def charge(self, account: Account, charge: Charge, now: datetime) -> Outcome:
        return self.answer()

    def lookup(self, account: Account, charge: Charge, now: datetime) -> Outcome:
        return self.answer()


def channel_of(config: Config, answer: Callable[[], Outcome]) -> Channel:
    provider = Answering(config, answer)
    return Channel(provider, present(provider.account, "the sandbox has one"))


def breaks() -> Outcome:
    raise RuntimeError("broken")


def test_an_adapter_that_breaks_knows_nothing(config: Config) -> None:
    channel = channel_of(config, breaks)
    with capture_logs() as logged:
        assert channel.charge(CHARGE, clock.now()).result is Result.UNKNOWN
    assert [(line["event"], line["account"]) for line in logged] == [("provider_adapter_failed", "sandbox")]


def test_a_look_up_refuses_nothing(config: Config) -> None:
    channel = channel_of(config, lambda: refused(FailureCode.PROVIDER_UNAVAILABLE, "busy"))
    assert channel.charge(CHARGE, clock.now()).result is Result.REFUSED
    assert channel.lookup(CHARGE, clock.now()).result is Result.UNKNOWN


@pytest.mark.parametrize("answer", [refused, failed])
def test_settings_that_a_provider_refuses_are_an_error_in_the_log(
    config: Config, answer: Callable[[FailureCode, str], Outcome]
) -> None:
    """The payer may see nothing of it: another account was asked."""
    channel = channel_of(config, lambda: answer(FailureCode.CONFIGURATION_ERROR, "INVALID_CURRENCY"))
    with capture_logs() as logged:
        channel.charge(CHARGE, clock.now())
    assert logged == [
        {
            "event": "provider_settings_refused",
            "log_level": "error",
            "account": "sandbox",
            "code": "INVALID_CURRENCY",
        }
    ]


def test_a_declined_payer_is_no_error(config: Config) -> None:
    channel = channel_of(config, lambda: failed(FailureCode.INSUFFICIENT_FUNDS, "LOW"))
    with capture_logs() as logged:
        channel.charge(CHARGE, clock.now())
    assert logged == []
