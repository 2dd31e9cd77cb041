"""Fixtures for tests of simulators."""

from collections.abc import Iterator

import pytest

from ikawaari.simulators.cinetpay import CinetPay, LegacyCinetPay
from ikawaari.simulators.mtn import Mtn
from ikawaari.simulators.pawapay import PawaPay
from ikawaari.simulators.wave import Wave
from tests.simulators import mtn_account, pawapay_account, stripe_account
from tests.simulators.cinetpay_account import Account
from tests.simulators.cinetpay_legacy_service import Service
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
def legacy(receiver: Receiver) -> Iterator[Service]:
    """Senegal's service at the simulated legacy API of CinetPay."""
    with talk(LegacyCinetPay()) as sim:
        yield Service(sim, notify_url=receiver.url)


@pytest.fixture
def mtn(receiver: Receiver) -> Iterator[mtn_account.Caller]:
    """Who calls a simulated MTN MoMo."""
    with talk(Mtn(callback_url=receiver.url)) as sim:
        yield mtn_account.Caller(sim, callback_url=receiver.url)


@pytest.fixture
def mtn_sandbox(receiver: Receiver) -> Iterator[mtn_account.Caller]:
    """Who calls MTN's sandbox, simulated."""
    with talk(Mtn(callback_url=receiver.url, country="sandbox")) as sim:
        yield mtn_account.Caller(sim, callback_url=receiver.url)


@pytest.fixture
def pawapay(receiver: Receiver) -> Iterator[pawapay_account.Caller]:
    """Who calls a simulated pawaPay."""
    with talk(PawaPay(callback_url=receiver.url)) as sim:
        yield pawapay_account.Caller(sim)


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
