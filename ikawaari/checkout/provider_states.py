"""Which providers accept new charges: open or closed, stored in the database, so that all machines agree.

Closed means no new charges; enquiries, callbacks and refunds continue. A provider may be removed from the configuration
only if nothing of it is unsettled: see `refuse_unknown`.
"""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime

from peewee import EXCLUDED

from ikawaari import store
from ikawaari.config import UnsafeConfiguration
from ikawaari.errors import NotFound
from ikawaari.providers import registry
from ikawaari.shapes import JsonObject
from ikawaari.states import UNSETTLED, ProviderState, RefundStatus
from ikawaari.store.models import PaymentAttempt, ProviderSwitch, Refund

KEPT_SECONDS = 1.0
_MOST_NAMED = 10
_kept: tuple[float, frozenset[str]] | None = None  # when it was read, and what was closed then


def forget() -> None:
    """Read the closed providers again: this process has changed them, or has another database."""
    global _kept  # noqa: PLW0603 - what this process knows
    _kept = None


def closed() -> frozenset[str]:
    """The names of the providers that accept no new charges, at most a second old.

    A charge that is on its way while somebody closes its provider is no different from one that came just before.
    """
    global _kept  # noqa: PLW0603 - what this process knows
    known, now = _kept, time.monotonic()
    if known is None or now - known[0] >= KEPT_SECONDS:
        _kept = known = (now, _closed())
    return known[1]


def _closed() -> frozenset[str]:
    rows = ProviderSwitch.select(ProviderSwitch.name).where(ProviderSwitch.state == ProviderState.CLOSED)
    return frozenset(row.name for row in rows)


def takes_charges(name: str) -> bool:
    """Whether this process has the provider of that name, and it is open."""
    return registry.channel(name) is not None and name not in closed()


def listed() -> Sequence[JsonObject]:
    """The providers of this process in order of preference, each with its state."""
    shut = _closed()
    return [
        {"name": name, "state": ProviderState.CLOSED if name in shut else ProviderState.OPEN}
        for name in registry.account_ids()
    ]


def switch(name: str, state: ProviderState, now: datetime) -> None:
    """Open or close a provider, on all machines. Raises NotFound if this process does not have it."""
    if registry.channel(name) is None:
        raise NotFound(f"provider as {name}; there are {', '.join(registry.account_ids())}")
    ProviderSwitch.insert(name=name, state=state, changed_at=now).on_conflict(
        conflict_target=[ProviderSwitch.name],
        update={ProviderSwitch.state: EXCLUDED.state, ProviderSwitch.changed_at: EXCLUDED.changed_at},
    ).execute()
    forget()


def refuse_unknown() -> None:
    """Raise UnsafeConfiguration if money may still move at a provider that this process does not have.

    Nobody would enquire about it. A database that is unreachable, or not migrated yet, does not prevent the start.
    """
    if not store.is_ready():
        return
    unknown = PaymentAttempt.provider.not_in(registry.account_ids())
    attempts = PaymentAttempt.select().where(PaymentAttempt.status.in_(UNSETTLED), unknown)
    refunds = Refund.select(Refund, PaymentAttempt).join(PaymentAttempt)
    pending = refunds.where(Refund.status == RefundStatus.PENDING, unknown).order_by(Refund.created_at)
    stranded = [(row.provider, f"attempt {row.id}") for row in attempts.order_by(PaymentAttempt.created_at)]
    stranded += [(row.attempt.provider, f"refund {row.id}") for row in pending]
    if stranded:
        raise UnsafeConfiguration(_words(stranded))


def _words(stranded: Sequence[tuple[str, str]]) -> str:
    names = dict.fromkeys(name for name, _ in stranded)
    return "; ".join(
        f"this process does not have the provider {name!r}, where money may still move: "
        + _some([what for of, what in stranded if of == name])
        for name in names
    )


def _some(texts: Iterable[str]) -> str:
    every = list(texts)
    more = len(every) - _MOST_NAMED
    return ", ".join(every[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
