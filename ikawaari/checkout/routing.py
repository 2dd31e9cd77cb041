"""Where a payment can be asked for: which accounts take it, in which order, and why the others do not.

An explicit order comes first. Otherwise a merchant's own accounts come before the house's, providers that are operators
themselves before aggregators, and then older accounts before newer ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from ikawaari import clock
from ikawaari.checkout import accounts, health
from ikawaari.checkout.accounts import Accounts
from ikawaari.money import MAX_AMOUNT, Money
from ikawaari.operators import OPERATORS
from ikawaari.providers.base import Account, Flow
from ikawaari.providers.capabilities import Limits
from ikawaari.providers.channel import Channel
from ikawaari.shapes import MethodType


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A payment that is to be asked for somewhere."""

    merchant_id: str | None  # None: any that has only what the house has
    livemode: bool
    method_type: str
    operator: str | None  # None: a card
    currency: str
    amount: int | None = None  # in the currency's smallest unit; None: not known yet


def candidates(wanted: Wanted) -> list[Channel]:
    """The accounts that take it now, the preferred first."""
    return [one for one in reaching(wanted) if not is_down(one.id, wanted.operator)]


def reaching(wanted: Wanted) -> list[Channel]:
    """The same, with those whose breaker is open: they would take it if the operator answered."""
    known = accounts.known()
    return [one for one in _in_order(known, wanted) if objection(known, one, wanted) is None]


def is_down(account_id: str, operator: str | None) -> bool:
    """Whether the account is not asked for new charges of the operator (None: of cards) for a while."""
    return accounts.known().health.is_down(health.key(account_id, operator), clock.now())


def is_in_doubt(account_id: str, operator: str | None) -> bool:
    """Whether its breaker is open, though it may let one charge through."""
    return health.key(account_id, operator) in accounts.known().health.opened


def explained(wanted: Wanted) -> list[tuple[Channel, str | None]]:
    """Every account of the merchant and the house, the preferred first; what stands against it, None if nothing."""
    known = accounts.known()
    return [(one, objection(known, one, wanted) or _outage(one, wanted)) for one in _in_order(known, wanted)]


def missing(wanted: Wanted) -> str:
    """What is missing when there is no candidate, in words for the merchant."""
    if takes := bounds(wanted):
        return f"No provider account takes {wanted.amount} {wanted.currency} now: {takes}."
    what = f"mobile money by {wanted.operator}" if wanted.operator else "cards"
    return f"No provider account takes {what} in {wanted.currency} now."


def bounds(wanted: Wanted) -> str | None:
    """Which amounts would have a candidate, in words for the merchant; None if none would, whatever the amount."""
    anyhow = candidates(replace(wanted, amount=None))
    words = sorted({words for one in anyhow if (words := _against_reach(one, wanted))})
    return f"{wanted.operator or 'a card'} {', or '.join(words)}" if words else None


def objection(known: Accounts, one: Channel, wanted: Wanted) -> str | None:
    """Why the account does not take the payment, in words for the operator of this server; None if it does."""
    return _against_account(known, one.account, wanted) or _against_reach(one, wanted)


def _against_account(known: Accounts, account: Account, wanted: Wanted) -> str | None:
    if account.id in known.closed:
        return "is closed"
    if account.livemode != wanted.livemode:
        return f"is a {mode(account.livemode)} account"
    if wanted.operator and account.country not in (None, OPERATORS[wanted.operator].country):
        return f"is for {account.country}"
    return None


def _against_reach(one: Channel, wanted: Wanted) -> str | None:
    reach = one.reach_now(wanted.operator)
    if reach is None or wanted.method_type not in one.capabilities.method_types:
        return f"does not take {wanted.operator or 'cards'}"
    if wanted.currency not in reach.currencies:
        return f"does not take {wanted.currency}"
    if wanted.amount is not None and not reach.takes(Money(wanted.amount, wanted.currency)):
        return _bounds(reach.limits[wanted.currency], wanted.currency)
    return None


def mode(livemode: bool) -> str:
    """The mode's name on the command line."""
    return "live" if livemode else "test"


def flows(merchant_id: str | None, *, livemode: bool, operator: str, currency: str) -> Sequence[Flow]:
    """How the operator's payers can be asked, the provider's default first; empty if no account reaches them."""
    known = accounts.known()
    return _reached(known.number, known.sharing(merchant_id), livemode, currency, down()).get(operator, ())


def down() -> frozenset[health.Key]:
    """The accounts and operators that are not asked for new charges for a while."""
    return accounts.known().health.down(clock.now())


@lru_cache(200)
def _reached(
    _number: int, merchant_id: str | None, livemode: bool, currency: str, _down: frozenset[health.Key]
) -> Mapping[str, Sequence[Flow]]:
    """The operators that some account reaches, with their flows: a page asks for all of them, again and again.

    Those of accounts that are down come last, and say how payers will be asked again.
    """
    found: dict[str, Sequence[Flow]] = {}
    for name in OPERATORS:
        wanted = Wanted(
            merchant_id=merchant_id,
            livemode=livemode,
            method_type=MethodType.MOBILE_MONEY,
            operator=name,
            currency=currency,
        )
        for reach in [one.reach_now(name) for one in (candidates(wanted) or reaching(wanted))[:1]]:
            found[name] = reach.flows if reach else ()
    return found


def _in_order(known: Accounts, wanted: Wanted) -> list[Channel]:
    """The accounts of the merchant and the house, the preferred first."""
    merchant_id = known.sharing(wanted.merchant_id)
    own = known.by_owner[merchant_id] if merchant_id else ()
    lists = [known.orders.get((owner, wanted.operator or ""), ()) for owner in (merchant_id, None)]

    def rank(one: Channel) -> tuple[int, bool, int]:
        first, second = (ids.index(one.id) if one.id in ids else len(ids) for ids in lists)
        return first, one.merchant_id is None, second

    return sorted([*own, *known.by_owner[None]], key=rank)


def _outage(one: Channel, wanted: Wanted) -> str | None:
    if accounts.known().health.is_resting(one.id, clock.now()):
        return "was asked too often: its provider wants to be left alone for a while"
    return "does not answer: its breaker is open" if is_down(one.id, wanted.operator) else None


def _bounds(limits: Limits, currency: str) -> str:
    steps = f" in steps of {limits.step}" if limits.step > 1 else ""
    span = f"at least {limits.minimum}" if limits.maximum == MAX_AMOUNT else f"{limits.minimum} to {limits.maximum}"
    return f"takes {span} {currency}{steps}, in the smallest unit"
