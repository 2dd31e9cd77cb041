"""The provider accounts that this process may use: those that are built in, and those in the database.

A process keeps what it has read for a second, so an account that another machine adds, closes or reorders is known
within a second; one that a payment or a callback names, and that is not known yet, is looked for at once.
"""

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property, lru_cache
from itertools import count

import structlog

from ikawaari import logs, meters, sealing, store
from ikawaari.checkout import health
from ikawaari.checkout.health import Health, Said
from ikawaari.config import Config
from ikawaari.providers import registry, settings
from ikawaari.providers.base import Account
from ikawaari.providers.channel import Channel
from ikawaari.shapes import JsonObject
from ikawaari.states import ProviderState
from ikawaari.store.models import PaymentAttempt, ProviderAccount, ProviderOrder, ProviderSwitch, ProviderVersion

log = structlog.get_logger()
KEPT_SECONDS = 1.0
_MOST_KEPT = 10_000  # opened texts, two for each account
Place = tuple[str | None, str]
"""A merchant's id, or None for the house, and an operator's."""

_numbers = count()
_api_url = ""


@dataclass(frozen=True)
class Accounts:
    """What is known of all accounts at one moment. It never changes: what is derived from it may be kept with it."""

    channels: Mapping[str, Channel]  # by the account's id; the preferred ones first, where nobody says otherwise
    closed: frozenset[str]  # the ids of those that accept no new charges
    orders: Mapping[Place, Sequence[str]]
    health: Health
    version: int  # in the database
    providers_version: int  # in this process
    number: int = field(default_factory=lambda: next(_numbers))  # another one for each reading

    @cached_property
    def merchants(self) -> frozenset[str]:
        """The merchants that have accounts or orders of their own. All others have what the house has."""
        owners = {one.merchant_id for one in self.channels.values()} | {merchant for merchant, _ in self.orders}
        return frozenset(owner for owner in owners if owner)

    @cached_property
    def by_owner(self) -> Mapping[str | None, Sequence[Channel]]:
        """The channels of each merchant that has anything of its own, and of the house."""
        found: dict[str | None, list[Channel]] = {owner: [] for owner in (None, *self.merchants)}
        for one in self.channels.values():
            found[one.merchant_id].append(one)
        return found

    def sharing(self, merchant_id: str | None) -> str | None:
        """The merchant if it has anything of its own; None for all the others, to whom the same accounts are open."""
        return merchant_id if merchant_id in self.merchants else None


_kept: tuple[float, Accounts] | None = None  # when it was known to be current, and what it is


def configure(config: Config) -> None:
    """Set where providers call us back. What was read from another database is forgotten."""
    global _api_url, _kept
    _api_url, _kept = config.api_url, None


def forget() -> None:
    """Read again when somebody asks: this process has changed something."""
    global _kept  # noqa: PLW0603 - what this process knows
    _kept = (-math.inf, _kept[1]) if _kept else None


def distrust() -> None:
    """Read everything again when somebody asks: the database does not agree with what this process knows."""
    global _kept  # noqa: PLW0603 - what this process knows
    _kept = (-math.inf, replace(_kept[1], version=-1)) if _kept else None


def known() -> Accounts:
    """All accounts, as they were a second ago at most.

    A charge that is on its way while somebody closes its account is no different from one that came just before.
    """
    kept = _kept
    fresh = kept is not None and time.monotonic() - kept[0] < KEPT_SECONDS
    return kept[1] if kept and fresh and kept[1].providers_version == registry.version() else _read_again()


def last_known() -> Accounts:
    """The same, however old it is, without asking the database."""
    return _kept[1] if _kept else known()


def channel(account_id: str) -> Channel | None:
    """The provider of the account, with it; None if there is no such account, or not its provider."""
    return known().channels.get(account_id) or _read_again().channels.get(account_id)


def mode_of(account_id: str) -> str:
    """Whether an account moves real money, as a label of what is measured; one that is not known here may."""
    known_one = last_known().channels.get(account_id)
    return meters.mode(livemode=known_one is None or known_one.account.livemode)


def count_move(attempt: PaymentAttempt) -> None:
    """An attempt has come to another status."""
    operator, failure = attempt.operator or meters.CARDS, attempt.failure_code or ""
    meters.ATTEMPTS.count(attempt.provider, mode_of(attempt.provider), operator, attempt.status, failure)


def changed() -> None:
    """Note a change of accounts, orders or switches, first thing in its transaction: changes then happen one by one."""
    insertion = ProviderVersion.insert(id=1, version=1)
    counted = {ProviderVersion.version: ProviderVersion.version + 1}
    insertion.on_conflict(conflict_target=[ProviderVersion.id], update=counted).execute()


def leave_alone(account_id: str, wait: timedelta) -> None:
    """Let all machines know that a provider was asked too often, and for how long it wants no calls. Raises nothing."""
    try:
        with store.atomic():
            if not health.rest(account_id, store.shared_clock.now() + wait):
                return
            changed()
        forget()
        log.warning("provider_account_rests", account=account_id, seconds=wait.total_seconds())
    except Exception:
        log.exception("provider_wait_not_kept", account=account_id)


def _read_again() -> Accounts:
    """What the database says now. While its version is the known one, nothing else is read."""
    global _kept  # noqa: PLW0603 - what this process knows
    kept, now = _kept, time.monotonic()
    # The version is read first: if something changes in between, it is old, and everything is read once more.
    row = ProviderVersion.get_or_none()
    version, providers_version = row.version if row else 0, registry.version()
    same = kept is not None and (kept[1].version, kept[1].providers_version) == (version, providers_version)
    found = kept[1] if kept and same else _read(version, providers_version)
    _kept = (now, found)
    return found


def _read(version: int, providers_version: int) -> Accounts:
    switches = ProviderSwitch.select(ProviderSwitch.name).where(ProviderSwitch.state == ProviderState.CLOSED)
    said = health.conditions()
    built_in = [replace(one, said=said.get(one.id, {})) for one in registry.built_in()]
    channels = sorted([*built_in, *_stored(said)], key=_preference)
    logs.hide(text for one in channels for text in settings.secrets(one.settings, one.account.settings))
    return Accounts(
        channels={one.id: one for one in channels},
        closed=frozenset(row.name for row in switches),
        orders={(row.merchant_id, row.operator): row.accounts for row in ProviderOrder.select()},
        health=health.read(),
        version=version,
        providers_version=providers_version,
    )


def _preference(one: Channel) -> tuple[bool, int]:
    """Direct ones before aggregators, then as in the registry. Equal ones stay in the order in which they were made."""
    return one.provider.is_aggregator, registry.names().index(one.provider.name)


def _stored(said: Mapping[str, Said]) -> list[Channel]:
    rows = ProviderAccount.select().order_by(ProviderAccount.created_at, ProviderAccount.id)
    return [made for row in rows if (made := _channel(row, said.get(row.id, {})))]


def _channel(row: ProviderAccount, said: Said) -> Channel | None:
    """None for what this process cannot use: of its provider it knows nothing, or it has not the secret."""
    provider = registry.named(row.provider)
    if provider is None:
        log.error("provider_of_account_unknown", account=row.id, provider=row.provider)
        return None
    try:
        return Channel(provider, opened(row), row.merchant_id, said, leave_alone)
    except sealing.SealBroken:
        log.exception("provider_account_not_opened", account=row.id)
        return None


def opened(row: ProviderAccount) -> Account:
    """A stored account as the value that adapters get. Raises SealBroken."""
    return Account(
        id=row.id,
        provider=row.provider,
        settings=json.loads(_clear(row.settings)),
        country=row.country,
        livemode=row.livemode,
        callback_url=f"{_api_url}/callbacks/{row.id}",
        callback_key=bytes.fromhex(_clear(row.callback_key)),
    )


@lru_cache(_MOST_KEPT)
def _clear(sealed: str) -> str:
    """The text of `sealed`, opened once: all accounts are read again when one of them, or an outage, changes."""
    return sealing.open_sealed(sealed)


def seal(settings: JsonObject) -> str:
    """Settings as they are stored."""
    return sealing.seal(json.dumps(settings))
