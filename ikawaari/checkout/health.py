"""What the database says of the health of provider accounts, as values: open breakers, and what providers said last.

It is read with the accounts, and kept with them: see `accounts`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from peewee import EXCLUDED

from ikawaari import clock
from ikawaari.invariants import InvariantBroken
from ikawaari.providers.capabilities import Condition, Limits
from ikawaari.providers.capabilities import Health as Word
from ikawaari.shapes import JsonObject
from ikawaari.store.models import Breaker, ProviderConditions

log = structlog.get_logger()
REFRESH = "account.conditions"  # the kind of due work that asks a provider what it says of an account
Said = Mapping[tuple[str, str], Condition]
"""What a provider says of an account, by operator and currency."""

Key = tuple[str, str]
"""An account's id, and an operator's; the latter is empty for cards."""

EVERY = "*"  # in place of an operator: all of an account's, and its cards


def key(account_id: str, operator: str | None) -> Key:
    """The key of an account's breaker for an operator; None: for cards."""
    return account_id, operator or ""


@dataclass(frozen=True)
class Opened:
    """An open breaker: since when, why, and from when on a charge may be let through."""

    since: datetime
    reason: str | None
    trial_at: datetime

    @property
    def described(self) -> JsonObject:
        """It, for the operators of this server."""
        return {"reason": self.reason, "since": clock.iso(self.since), "next_trial": clock.iso(self.trial_at)}


@dataclass(frozen=True)
class Health:
    """What is known at one moment."""

    opened: Mapping[Key, Opened] = field(default_factory=dict)
    resting: Mapping[str, datetime] = field(default_factory=dict)  # accounts whose providers want no calls until then

    def is_down(self, breaker: Key, now: datetime) -> bool:
        """Whether the breaker is open and lets no charge through, or its account rests."""
        found = self.opened.get(breaker)
        return (found is not None and found.trial_at > now) or self.is_resting(breaker[0], now)

    def is_resting(self, account_id: str, now: datetime) -> bool:
        """Whether an account is not to be asked anything: its provider was asked too often, and said so."""
        until = self.resting.get(account_id)
        return until is not None and until > now

    def down(self, now: datetime) -> frozenset[Key]:
        """The breakers that let no charge through, and `EVERY` of each account that rests."""
        resting = [(account_id, EVERY) for account_id in self.resting if self.is_resting(account_id, now)]
        return frozenset([*resting, *(breaker for breaker in self.opened if self.is_down(breaker, now))])

    def of_account(self, account_id: str) -> JsonObject:
        """The open breakers of an account, by operator, for the operators of this server."""
        own = {operator: opened for (account, operator), opened in self.opened.items() if account == account_id}
        return {operator or "cards": own[operator].described for operator in sorted(own)}


def read() -> Health:
    """What the database says now."""
    rows = Breaker.select().where(Breaker.opened_at.is_null(False))
    rests = ProviderConditions.select().where(ProviderConditions.rests_until.is_null(False))
    return Health(
        {(row.account, row.operator): Opened(row.opened_at, row.reason, row.next_trial_at) for row in rows},
        {row.account: row.rests_until for row in rests},
    )


def rest(account_id: str, until: datetime) -> bool:
    """Note that an account is not to be asked until then. False if that is known, to the second."""
    row = {ProviderConditions.account: account_id, ProviderConditions.said: [], ProviderConditions.rests_until: until}
    known = ProviderConditions.rests_until
    shorter = known.is_null() | (known <= until - timedelta(seconds=1))
    noted = ProviderConditions.insert(row).on_conflict(
        conflict_target=[ProviderConditions.account],
        update={ProviderConditions.rests_until: EXCLUDED.rests_until},
        where=shorter,
    )
    return bool(noted.as_rowcount().execute())


def conditions() -> Mapping[str, Said]:
    """What providers said last, by account."""
    return {row.account: _said(row) for row in ProviderConditions.select()}


def stored(said: Sequence[Condition]) -> list[JsonObject]:
    """Conditions as they are stored."""
    return [asdict(one) for one in said]


def _said(row: ProviderConditions) -> Said:
    """What another version of the program has stored, and this one cannot read, is as if it had not been said."""
    try:
        return {(one["operator"], one["currency"]): _condition(one) for one in row.said}
    except (TypeError, KeyError, ValueError, InvariantBroken):
        log.exception("conditions_unreadable", account=row.account)
        return {}


def _condition(stored_one: Any) -> Condition:
    limits = Limits(**stored_one["limits"]) if stored_one["limits"] else None
    return Condition(**{**stored_one, "limits": limits, "health": Word(stored_one["health"])})
