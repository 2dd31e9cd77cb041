"""What the page tells beside the public view: words of a provider that have no place in the public JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from ikawaari.checkout import accounts, health, payment_methods, quotes, routing
from ikawaari.checkout.payment_methods import Terms
from ikawaari.checkout.snapshots import Snapshot
from ikawaari.errors import ValidationFailed
from ikawaari.money import Money
from ikawaari.providers.base import FailureCode
from ikawaari.providers.capabilities import Limits
from ikawaari.shapes import MethodType
from ikawaari.states import UNSETTLED, AttemptStatus
from ikawaari.store.models import CheckoutSession, PaymentAttempt


class Reason(StrEnum):
    """Why an operator cannot be paid by."""

    DOWN = "down"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    STEP = "step"


@dataclass(frozen=True)
class Hindrance:
    """Why, and the smallest or largest amount, or the step, in the currency's smallest unit."""

    reason: Reason
    amount: int = 0


Hindrances = Mapping[str, Hindrance]
"""What stands in the way of a payment, by operator."""


@dataclass(frozen=True, kw_only=True)
class Notes:
    """The notes of one page."""

    hindrances: Sequence[tuple[str, Hindrance]] = ()  # of the open form
    cards_are_down: bool = False
    last_error: FailureCode | None = None  # of a try at the provider that did not end the payment under way
    or_else: FailureCode | None = None  # what the failure that the page tells may as well be
    is_canceled: bool = False  # the shop has canceled the payment; else a session that has ended just ran out


NONE = Notes()


def of(shown: Snapshot, chosen: int | None = None) -> Notes:
    """The notes of a session's page. `chosen`: the amount that its payer has typed, in the smallest unit."""
    if _running(shown) is not None:
        return Notes(last_error=last_error(shown))
    terms = Terms.of_session(shown.session)
    found = hindrances(shown.session, terms, chosen)
    return Notes(
        hindrances=tuple(found.items()),
        cards_are_down=_cards_are_down(terms),
        or_else=_or_else(shown),
        is_canceled=shown.intent is not None and shown.intent.cancellation_reason == "requested",
    )


def last_error(shown: Snapshot) -> FailureCode | None:
    """Why a try failed at the provider that did not end the payment under way."""
    running = _running(shown)
    return FailureCode(running.last_error) if running and running.last_error else None


def _or_else(shown: Snapshot) -> FailureCode | None:
    latest = shown.attempts[-1] if shown.attempts else None
    failed = latest is not None and latest.status == AttemptStatus.FAILED and latest.last_error
    return FailureCode(failed) if failed else None


def _running(shown: Snapshot) -> PaymentAttempt | None:
    return next((attempt for attempt in shown.attempts if attempt.status in UNSETTLED), None)


def hindrances(session: CheckoutSession, terms: Terms, chosen: int | None = None) -> Hindrances:
    """What stands in the way of paying the session by each operator; while its payer has `chosen` no amount, of paying
    at all.
    """
    known = accounts.known()
    whose = known.sharing(terms.merchant_id)
    found = _limited(whose, terms.livemode, terms.currency, known.number, routing.down())
    if not found or MethodType.MOBILE_MONEY not in terms.method_types:
        return {}
    fixed = _fixed_amount(session)
    amount = chosen if fixed is None else fixed
    if amount is None:
        return {operator: Hindrance(Reason.DOWN) for operator, limits in found if not limits}
    money = Money(amount, terms.currency)
    return {operator: one for operator, limits in found if (one := _hindrance(limits, money))}


def _fixed_amount(session: CheckoutSession) -> int | None:
    """What a wallet is charged for the session, with the fee; None while its payer chooses something of it."""
    if quotes.is_adjustable(session):
        return None
    try:
        return quotes.of(session, MethodType.MOBILE_MONEY, None, None).total
    except ValidationFailed:
        return None


@lru_cache(200)
def _limited(
    merchant_id: str | None, livemode: bool, currency: str, _number: int, _down: frozenset[health.Key]
) -> Sequence[tuple[str, Sequence[Limits]]]:
    """The operators that are offered and not taken by somebody whatever the amount, with the limits of who takes them.

    Remembered, because each page asks for it.
    """
    offered = (MethodType.MOBILE_MONEY,)
    terms = Terms(
        merchant_id=merchant_id, livemode=livemode, currency=currency, method_types=offered, country=None, phone=None
    )
    every = [one for code in payment_methods.countries_of(terms) for one in payment_methods.operators_of(terms, code)]
    found = [(operator.id, _limits(terms, operator.id)) for operator in every]
    return [(operator, limits) for operator, limits in found if Limits() not in limits]


def _limits(terms: Terms, operator: str) -> Sequence[Limits]:
    """The limits of each account that the operator can be asked for at now; none if it is down."""
    taking = routing.candidates(terms.wanting(MethodType.MOBILE_MONEY, operator))
    reaches = [reach for one in taking if (reach := one.reach_now(operator))]
    return [reach.limits.get(terms.currency, Limits()) for reach in reaches]


def _hindrance(every: Sequence[Limits], money: Money) -> Hindrance | None:
    if not every:
        return Hindrance(Reason.DOWN)
    if any(limits.take(money) for limits in every):
        return None
    wide_enough = [limits for limits in every if limits.minimum <= money.amount <= limits.maximum]
    if wide_enough:
        return Hindrance(Reason.STEP, min(limits.step for limits in wide_enough))
    larger = [limits.minimum for limits in every if limits.minimum > money.amount]
    if larger:
        return Hindrance(Reason.MINIMUM, min(larger))
    return Hindrance(Reason.MAXIMUM, max(limits.maximum for limits in every))


def _cards_are_down(terms: Terms) -> bool:
    if MethodType.CARD not in terms.method_types or not routing.down():
        return False
    wanted = terms.wanting(MethodType.CARD, None)
    return bool(routing.reaching(wanted)) and not routing.candidates(wanted)
