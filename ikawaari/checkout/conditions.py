"""What providers say of the operators of an account: asked hourly, as due work, and kept until they say otherwise.

Limits, names and instructions are read with the accounts. That an operator is delayed or closed opens its breaker.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from ikawaari import store
from ikawaari.checkout import accounts, breakers, health
from ikawaari.checkout.breakers import Reason
from ikawaari.providers.base import Verb
from ikawaari.providers.capabilities import Condition, Health
from ikawaari.providers.channel import Channel
from ikawaari.store import due
from ikawaari.store.models import Breaker, ProviderConditions

log = structlog.get_logger()
REFRESH = health.REFRESH
USUALLY = timedelta(hours=1)
WHILE_NOT_OPEN = timedelta(minutes=5)  # a provider says sooner than payers that an operator works again
_SOONEST, _LATEST = timedelta(minutes=1), timedelta(hours=1)  # after a question without an answer
_BY_PROVIDER = (Reason.DELAYED, Reason.CLOSED)


def refresh(account_id: str, now: datetime) -> datetime | None:
    """Ask the provider, and keep what it says. Returns when to ask again, or None if this one says nothing, ever.

    Without an answer what it said before is kept.
    """
    channel = accounts.channel(account_id)
    if channel is None:  # another process may have its provider
        return now + USUALLY
    if not _says_something(channel):
        return None
    store.leave()
    said = channel.conditions(now)
    if not said:
        return _try_again(account_id, now)
    keep(account_id, said, now)
    if channel.account.livemode:  # test mode has no breakers
        _judge(account_id, said)
    return now + (USUALLY if all(one.health in (Health.OPEN, Health.ABSENT) for one in said) else WHILE_NOT_OPEN)


def schedule_missing(now: datetime) -> None:
    """Ask of each account whose provider says something, also of one that was added by a version that did not ask."""
    for one in accounts.known().channels.values():
        if _says_something(one):
            due.schedule_once(REFRESH, one.id, now, lane=one.id)


def _says_something(channel: Channel) -> bool:
    return Verb.CONDITIONS in channel.provider.verbs


def _try_again(account_id: str, now: datetime) -> datetime:
    """Soon at first, then after as long as there has been no answer."""
    ProviderConditions.insert_once(account=account_id, said=[], failed_since=now)
    unset = (ProviderConditions.account == account_id) & ProviderConditions.failed_since.is_null()
    ProviderConditions.update(failed_since=now).where(unset).execute()
    row = ProviderConditions.get(ProviderConditions.account == account_id)
    return now + min(max(now - (row.failed_since or now), _SOONEST), _LATEST)


def keep(account_id: str, said: Sequence[Condition], now: datetime) -> None:
    """Let all machines know what is said of an account, in place of what was said before."""
    columns = {
        ProviderConditions.said: health.stored(said),
        ProviderConditions.refreshed_at: now,
        ProviderConditions.failed_since: None,
    }
    with store.atomic():
        accounts.changed()
        insertion = ProviderConditions.insert({ProviderConditions.account: account_id, **columns})
        insertion.on_conflict(conflict_target=[ProviderConditions.account], update=columns).execute()
    accounts.forget()


def _judge(account_id: str, said: Sequence[Condition]) -> None:
    """Open the breakers of operators of which no currency is open, and close those that were opened so."""
    words: defaultdict[str, set[Health]] = defaultdict(set)
    for one in said:
        words[one.operator].add(one.health)
    for operator, healths in words.items():
        breaker = health.key(account_id, operator)
        if Health.OPEN in healths:
            breakers.close_now(breaker, Breaker.reason.in_([reason.value for reason in _BY_PROVIDER]))
        elif healths != {Health.ABSENT}:
            breakers.open_now(breaker, Reason.DELAYED if Health.DELAYED in healths else Reason.CLOSED)
