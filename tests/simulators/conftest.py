"""Fixtures for tests of simulators."""

from collections.abc import Iterator

import pytest

from ikawaari.simulators.cinetpay import CinetPay
from tests.simulators import stripe_account
from tests.simulators.cinetpay_account import Account
from tests.simulators.talking import Receiver, talk


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
