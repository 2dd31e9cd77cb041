"""Which providers this process has, through which accounts, and which of them accepts a given payment."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import count

from ikawaari.config import Config
from ikawaari.providers.channel import Channel
from ikawaari.providers.mtn import Mtn
from ikawaari.providers.pawapay import PawaPay
from ikawaari.providers.provider import Decider, Provider
from ikawaari.providers.sandbox import Sandbox
from ikawaari.providers.stripe import Stripe
from ikawaari.providers.values import Flow

INSTALLED: Sequence[Callable[[Config], Provider]] = (Sandbox, Mtn, PawaPay, Stripe)
"""Every provider that we have, in order of preference. To add one, add its name here, and nowhere else."""

_providers: dict[str, Provider] = {}
_channels: dict[str, Channel] = {}
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
    _reached.cache_clear()
    _providers.clear()
    _providers.update({provider.name: provider for provider in providers})
    _channels.clear()
    _channels.update({one.account.id: Channel(one, one.account) for one in _providers.values() if one.account})


def version() -> int:
    """A number that changes with the providers: for who remembers what follows from them."""
    return _version


def named(name: str) -> Provider | None:
    """The provider of that name."""
    return _providers.get(name)


def names() -> Sequence[str]:
    """The names of the providers, in order of preference."""
    return list(_providers)


def channel(account_id: str) -> Channel | None:
    """The provider of the account, with it."""
    return _channels.get(account_id)


def account_ids() -> Sequence[str]:
    """The ids of the accounts, in order of preference."""
    return list(_channels)


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


def candidates(
    *, livemode: bool, method_type: str, operator: str | None, currency: str, closed: Collection[str] = ()
) -> list[Channel]:
    """The channels, except those whose accounts are `closed`, that accept this kind of payment, the preferred first.

    Test objects and live ones never share an account.
    """
    return [
        one
        for name, one in _channels.items()
        if name not in closed and one.account.livemode == livemode and _takes(one, method_type, operator, currency)
    ]


def _takes(one: Channel, method_type: str, operator: str | None, currency: str) -> bool:
    reach = one.reach(operator)
    return reach is not None and currency in reach.currencies and method_type in one.capabilities.method_types


def flows(*, livemode: bool, operator: str, currency: str, closed: Collection[str] = ()) -> Sequence[Flow]:
    """How the operator's payers can be asked, the provider's default first; empty if no provider reaches them."""
    return _reached(livemode, currency, frozenset(closed)).get(operator, ())


@lru_cache(100)
def _reached(livemode: bool, currency: str, closed: frozenset[str]) -> Mapping[str, Sequence[Flow]]:
    """The operators that somebody reaches, with their flows: a page asks for all of them, again and again."""
    found: dict[str, Sequence[Flow]] = {}
    for one in (channel for name, channel in _channels.items() if name not in closed):
        if one.account.livemode == livemode:
            reaches = ((name, one.reach(name)) for name in one.capabilities.operators)
            reached = {name: reach.flows for name, reach in reaches if reach and currency in reach.currencies}
            found = {**reached, **found}  # the first channel of an operator is preferred
    return found
