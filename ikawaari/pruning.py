"""What is kept how long, and the due work that deletes the rest: docs/operations.md has the table.

Money is kept: attempts with their reports, refunds, invoices, subscriptions, incidents, and what they belong to.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from ikawaari import store
from ikawaari.checkout import callbacks, devices, page_drafts, untried
from ikawaari.config import Config
from ikawaari.events import pruning
from ikawaari.merchants import idempotency, rates
from ikawaari.store import due

PRUNE = "prune"
_PAUSE = timedelta(seconds=1)  # between two parts: other work comes first
_HOUR = timedelta(hours=1)
_days: dict[str, int] = {}


def configure(config: Config) -> None:
    """Set how long the things are kept whose time an operator chooses."""
    _days.update(events=config.event_days, callbacks=config.callback_days, sessions=config.unpaid_session_days)


def _when_older(name: str, forget: Callable[[datetime], bool]) -> Callable[[datetime], bool]:
    """Forget what is older than its days, or nothing if it is kept forever."""
    return lambda now: bool(_days[name]) and forget(now - timedelta(days=_days[name]))


RULES: Mapping[str, Callable[[datetime], bool]] = {
    "idempotency_keys": idempotency.forget_calls,
    "pay_keys": idempotency.forget_payments,
    "page_drafts": page_drafts.forget,
    "device_codes": devices.forget,
    "rate_windows": rates.forget,
    "events": _when_older("events", pruning.forget),
    "callbacks": _when_older("callbacks", callbacks.forget),
    "sessions": _when_older("sessions", untried.forget),
}
"""Each deletes a part of what is no longer kept, and says whether there may be more."""


def schedule(now: datetime) -> None:
    """Schedule the rules that have no row yet."""
    for name in RULES:
        due.schedule_once(PRUNE, name, now)


def prune(name: str, now: datetime) -> datetime | None:
    """Delete a part of what is no longer kept. Returns when to go on; None for a rule of another version."""
    rule = RULES.get(name)
    if rule is None:
        return None
    # If this machine's clock is wrong by months, it must not delete what is still kept: the shared one decides.
    has_more = rule(min(now, store.shared_clock.now()))
    return now + (_PAUSE if has_more else _HOUR)
