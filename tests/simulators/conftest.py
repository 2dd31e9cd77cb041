"""Fixtures for tests of simulators."""

from collections.abc import Iterator

import pytest

from ikawaari.simulators.cinetpay import CinetPay
from ikawaari.simulators.wave import Wave
from tests.simulators import stripe_account
from tests.simulators.cinetpay_account import Account
from tests.simulators.talking import Receiver, talk
from tests.simulators.wave_wallet import Wallet


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody who receives callbacks."""
    with Receiver().listening() as receiver:
        yield receiver


@pytest.fixture
def cinetpay(receiver: Receiver) -> Iterator[Account]:
    """Senegal's account at a simulated CinetPay."""
    with talk(CinetPay()) as sim:
        yield Account(sim, notify_url=receiver.url)


@pytest.fixture
def shop(receiver: Receiver) -> Iterator[stripe_account.Account]:
    """A shop's account at a simulated Stripe, whose events `receiver` gets."""
    with stripe_account.opened(receiver.url) as account:
        yield account


@pytest.fixture
def wave(receiver: Receiver) -> Iterator[Wallet]:
    """Senegal's wallet at a simulated Wave, by its plain key."""
    with talk(Wave(callback_url=receiver.url)) as sim:
        yield Wallet(sim)
