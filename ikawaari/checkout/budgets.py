"""Public budgets: how often strangers may try without paying, on any machine.

They are counted from the attempts themselves, so no counter can be wrong: a payment that succeeds, even late or by a
correction, resets its budgets immediately. Only attempts without money, or still waiting for it, count. A refused try
stores nothing and reaches no provider. Renewals do not count: they come from us, and have a schedule of their own.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from math import ceil
from operator import attrgetter
from typing import Any

from ikawaari import errors, store
from ikawaari.checkout.payment_methods import PaymentMethod
from ikawaari.checkout.snapshots import IntentSnapshot
from ikawaari.config import Config
from ikawaari.errors import TooManyRequests
from ikawaari.merchants import rates
from ikawaari.providers.base import FailureCode
from ikawaari.states import AttemptStatus
from ikawaari.store.models import CardSetup, PaymentAttempt, PaymentIntent

_SHORTEST_REST, _LONGEST_REST = timedelta(minutes=1), timedelta(hours=1)
_LONGEST_DOUBLING = 6  # 2**6 minutes are more than the longest rest
_PROMPTS_A_DAY = 4  # times the prompts of ten minutes
_WINDOW_OF_PROMPTS, _DAY, _HOUR = timedelta(minutes=10), timedelta(days=1), timedelta(hours=1)
_CODE_REST = timedelta(minutes=1)
_LATEST = 100  # rows to check: more than any budget, and few enough for a number that pays all day
# The payer was not prompted: these do not count.
_NOT_ASKED = frozenset({FailureCode.PROVIDER_UNAVAILABLE, FailureCode.CONFIGURATION_ERROR})
_COUNTED = (
    PaymentAttempt.status,
    PaymentAttempt.failure_code,
    PaymentAttempt.card_token,
    PaymentAttempt.card_fingerprint,
    PaymentAttempt.created_at,
    PaymentAttempt.settled_at,
)
_Tried = PaymentAttempt | CardSetup
_PRESSES = 10  # how many times more sessions the button of a link's page opens than the bare address


@dataclass(frozen=True)
class _Limits:
    """The size of each budget; 0 means no limit."""

    tries_per_session: int
    prompts_per_phone: int
    declines_per_card: int
    codes_per_attempt: int
    link_sessions_per_minute: int

    @classmethod
    def of(cls, config: Config) -> "_Limits":
        return cls(**{name: getattr(config, name) for name in cls.__dataclass_fields__})


_limits = _Limits.of(Config())


def configure(config: Config) -> None:
    """Set the limits of this process."""
    global _limits  # noqa: PLW0603 - set once, at start-up
    _limits = _Limits.of(config)


def require_try(shown: IntentSnapshot, method: PaymentMethod, now: datetime) -> None:
    """Raise TooManyRequests unless the locked intent may be tried once more, by this payment method.

    In the transaction that stores the attempt, so that the count cannot change before the attempt counts, too.
    """
    intent, tried = shown.intent, shown.attempts[::-1][:_LATEST]
    _require_rest(tried, now)
    if method.phone and _limits.prompts_per_phone:
        _require_prompt(intent, method.phone, now)
    if method.card_token and _limits.declines_per_card:
        _require_card(intent, method, tried, now)


def require_setup(tried: Sequence[CardSetup], method: PaymentMethod, now: datetime) -> None:
    """Raise TooManyRequests unless the card may be saved for a session. `tried`: those before, newest first."""
    _require_rest(tried[:_LATEST], now)
    if method.card_fingerprint and _limits.declines_per_card:
        _require_identified(method, now)


def require_code(attempt: PaymentAttempt) -> None:
    """Raise TooManyRequests unless the attempt, whose intent is locked, may take one more code."""
    if _limits.codes_per_attempt and attempt.codes >= _limits.codes_per_attempt:
        raise _refusal(_CODE_REST)


def visitor(address: str, user_agent: str) -> str:
    """An approximate identity of a payment link's visitor: an IPv4 /24 or an IPv6 /64, and the browser."""
    return f"{network(address)}:{hashlib.sha256(user_agent.encode('utf-8', 'replace')).hexdigest()[:16]}"


def require_opening(link_id: str, who: str, now: datetime, *, pressed: bool = False) -> None:
    """Count one visit that needs a new session of a payment link. Raises TooManyRequests if it may not have one.

    `pressed`: the visitor pressed the button of the link's page, which has a ten times larger budget.
    """
    limit = _limits.link_sessions_per_minute * (_PRESSES if pressed else 1)
    if limit and rates.count([(f"visit:{int(pressed)}:{link_id}:{who}", limit)], now).is_over:
        raise _refusal(_SHORTEST_REST)


def _require_rest(tried: Sequence[_Tried], now: datetime) -> None:
    """After many tries a session must wait: one minute, then two, four, … up to an hour."""
    in_vain = _in_vain(tried)
    over = len(in_vain) - _limits.tries_per_session
    if not _limits.tries_per_session or over < 0:
        return
    rest = min(_SHORTEST_REST * 2 ** min(over, _LONGEST_DOUBLING), _LONGEST_REST)
    _require([in_vain[0].settled_at or in_vain[0].created_at], 1, rest, now)


def _require_prompt(intent: PaymentIntent, phone: str, now: datetime) -> None:
    # If two sessions prompt one number at once, they pass here one by one, and the second counts the first.
    store.take_turns(f"phone {phone}")
    asked = _latest(PaymentAttempt.phone == phone, _scope(intent), PaymentAttempt.created_at >= now - _DAY)
    instants = [row.created_at for row in _in_vain(asked, but=_NOT_ASKED)]
    _require(instants, _limits.prompts_per_phone, _WINDOW_OF_PROMPTS, now)
    _require(instants, _limits.prompts_per_phone * _PROMPTS_A_DAY, _DAY, now)


def _require_card(intent: PaymentIntent, method: PaymentMethod, tried: Sequence[PaymentAttempt], now: datetime) -> None:
    """A card has another token each time that it is typed, so it is counted by what its account knows it by, if that
    is known. Test cards are shared by everybody: in test mode each session counts them for itself.
    """
    if method.card_fingerprint:
        _require_identified(method, now)
        return
    token = method.card_token
    if intent.livemode:
        # The same for one card in two sessions.
        store.take_turns(f"card {token}")
        tried = _latest(PaymentAttempt.card_token == token, _scope(intent), PaymentAttempt.created_at >= now - _HOUR)
    own = [row for row in tried if row.card_token == token and row.created_at >= now - _HOUR]
    _require_few_declines(own, now)


def _require_identified(method: PaymentMethod, now: datetime) -> None:
    """The same for a card that is known whatever its token: what it pays, and where it is saved, count together."""
    store.take_turns(f"card {method.provider} {method.card_fingerprint}")
    of_it = [
        table.select()
        .where(table.card_fingerprint == method.card_fingerprint, table.provider == method.provider)
        .where(table.created_at >= now - _HOUR)
        .order_by(table.created_at.desc())
        .limit(_LATEST)
        for table in (PaymentAttempt, CardSetup)
    ]
    tried: list[PaymentAttempt | CardSetup] = sorted(
        (row for rows in of_it for row in rows), key=attrgetter("created_at"), reverse=True
    )
    _require_few_declines(tried, now)


def _require_few_declines(tried: Sequence[PaymentAttempt | CardSetup], now: datetime) -> None:
    _require([row.created_at for row in _in_vain(tried, but=_NOT_ASKED)], _limits.declines_per_card, _HOUR, now)


def _scope(intent: PaymentIntent) -> Any:
    """Live payers are protected across all merchants; test numbers are counted for each merchant."""
    if intent.livemode:
        return PaymentIntent.livemode == True  # noqa: E712 - SQL
    return (PaymentIntent.livemode == False) & (PaymentIntent.merchant == intent.merchant_id)  # noqa: E712 - SQL


def _latest(*which: Any) -> list[PaymentAttempt]:
    """The attempts that are `which`, newest first, as far as it matters here."""
    query = PaymentAttempt.select(*_COUNTED).join(PaymentIntent).where(*which)
    return list(query.order_by(PaymentAttempt.created_at.desc()).limit(_LATEST))


def _in_vain(tried: Sequence[_Tried], but: frozenset[FailureCode] = frozenset()) -> Sequence[_Tried]:
    """Those of them that took no money since the latest success; those that still wait are among them."""
    paid_at = max((row.settled_at for row in tried if row.status == AttemptStatus.SUCCEEDED), default=None)
    return [row for row in tried if _counts(row, paid_at, but)]


def _counts(row: PaymentAttempt | CardSetup, paid_at: datetime | None, but: frozenset[FailureCode]) -> bool:
    unpaid = row.status != AttemptStatus.SUCCEEDED and row.failure_code not in but
    return unpaid and (paid_at is None or row.created_at > paid_at)


def _require(instants: Sequence[datetime], most: int, window: timedelta, now: datetime) -> None:
    """Raise TooManyRequests when `most` of `instants`, newest first, lie within the window that ends now."""
    if len(instants) >= most and instants[most - 1] + window > now:
        raise _refusal(instants[most - 1] + window - now)


def _refusal(wait: timedelta) -> TooManyRequests:
    return TooManyRequests(errors.TOO_MANY_TRIES, retry_after_seconds=max(1, ceil(wait.total_seconds())))


def network(address: str) -> str:
    """The network of a client: an IPv4 /24 or an IPv6 /64; empty for what is no address."""
    try:
        ip = ip_address(address)
    except ValueError:
        return ""
    plain = getattr(ip, "ipv4_mapped", None) or ip
    return str(ip_network((plain, 24 if plain.version == 4 else 64), strict=False))
