"""Which providers this process has. Their accounts are the domain's: see `checkout.accounts`."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import count

from ikawaari.config import Config
from ikawaari.providers.channel import Channel
from ikawaari.providers.cinetpay import CinetPay
from ikawaari.providers.mtn import Mtn
from ikawaari.providers.pawapay import PawaPay
from ikawaari.providers.provider import Decider, Provider
from ikawaari.providers.sandbox import Sandbox
from ikawaari.providers.stripe import Stripe
from ikawaari.providers.wave import Wave

INSTALLED: Sequence[Callable[[Config], Provider]] = (Sandbox, CinetPay, Mtn, PawaPay, Stripe, Wave)
"""Every provider that we have, in order of preference. To add one, add its name here, and nowhere else."""

_providers: dict[str, Provider] = {}
_changes = count()
_version = next(_changes)


def start(config: Config) -> None:
    """Set up every provider for this process."""
    configure(provider(config) for provider in INSTALLED)
    for provider in _providers.values():
        provider.connect()


def configure(providers: Iterable[Provider]) -> None:
    """Set the providers, in order of preference."""
    global _version  # noqa: PLW0603 - set with the providers, at start-up
    _version = next(_changes)
    _providers.clear()
    _providers.update({provider.name: provider for provider in providers})


def version() -> int:
    """A number that changes with the providers: for who remembers what follows from them."""
    return _version


def named(name: str) -> Provider | None:
    """The provider of that name."""
    return _providers.get(name)


def names() -> Sequence[str]:
    """The names of the providers, in order of preference."""
    return list(_providers)


def built_in() -> Sequence[Channel]:
    """The providers that bring an account of their own, with it."""
    return [Channel(one, one.account) for one in _providers.values() if one.account]


def prepare() -> None:
    """Let every provider create or upgrade what it stores."""
    for provider in _providers.values():
        provider.prepare()


def release() -> None:
    """Let every provider release what this thread holds."""
    for provider in _providers.values():
        provider.release()


def tick(now: datetime) -> None:
    """Let every provider do what is due at `now`."""
    for provider in _providers.values():
        provider.tick(now)


def decider() -> Decider | None:
    """The provider of test mode at which a developer decides in the payer's place."""
    return next((one for one in _providers.values() if isinstance(one, Decider)), None)
