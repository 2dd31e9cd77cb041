"""Tools of test mode: a developer decides for the payer, moves due dates, and takes operators down. Live objects are
never found here.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from ikawaari import errors, operators, store
from ikawaari.checkout import (
    attempts,
    breakers,
    callbacks,
    conditions,
    health,
    intents,
    invoices,
    payment_methods,
    snapshots,
    subscriptions,
)
from ikawaari.checkout.breakers import Reason
from ikawaari.checkout.payment_methods import PaymentMethod
from ikawaari.errors import Conflict, NotFound, ValidationFailed
from ikawaari.invariants import present
from ikawaari.operators import OPERATORS
from ikawaari.providers import registry
from ikawaari.providers.base import Decider, FailureCode
from ikawaari.providers.capabilities import Condition, Limits
from ikawaari.shapes import MethodType
from ikawaari.states import UNSETTLED, IntentStatus
from ikawaari.store import due
from ikawaari.store.models import (
    Breaker,
    CheckoutSession,
    DueWork,
    Invoice,
    Merchant,
    PaymentAttempt,
    PaymentIntent,
    Subscription,
)
from ikawaari.store.owner import Owner
from ikawaari.store.record import Record

CARDS = "cards"
_LONG = timedelta(days=3_650)


def decide(intent_id: str, *, succeeded: bool, failure_reason: str | None, now: datetime) -> PaymentIntent:
    """Have the provider of test mode end the intent's latest attempt and call back. Returns the intent's new state.

    If the intent has no attempt, one is started here, by mobile money without a phone number, so without a prompt.
    Raises NotFound (also for a live intent), Conflict if it is canceled or cannot be paid.
    """
    intent = PaymentIntent.get_or_none(PaymentIntent.id == intent_id, ~PaymentIntent.livemode)
    if intent is None:
        raise NotFound("payment intent")
    provider = registry.decider()
    # An attempt of a session that has expired meanwhile may still be corrected: its money is late.
    is_over = intent.cancellation_reason == "requested" or not snapshots.attempts_of(intent)
    if (intent.status == IntentStatus.CANCELED and is_over) or provider is None:
        raise Conflict(errors.STATE_FORBIDS, "The payment intent is canceled.")
    if not snapshots.attempts_of(intent):
        # If two callers race, one starts the attempt, and the other one finds it.
        with suppress(Conflict):
            attempts.start_in_test_mode(intent, _method(intent, provider), now)
    tried = snapshots.attempts_of(intent)
    if not tried:
        raise Conflict(errors.STATE_FORBIDS, "The payment intent cannot be paid any more.")
    failure = failure_reason if failure_reason in set(FailureCode) else FailureCode.UNKNOWN
    try:
        callback = provider.decide(tried[-1].id, succeeded=succeeded, failure=failure, now=now)
    except LookupError:
        raise Conflict(errors.STATE_FORBIDS, "The payment has not reached the operator.") from None
    callbacks.receive(provider.name, callback, now)
    return PaymentIntent.get_by_id(intent_id)


def _method(intent: PaymentIntent, provider: Decider) -> PaymentMethod:
    """Mobile money of the first operator in the intent's country, without a phone."""
    terms = intents.terms_of(intent)
    country = terms.country or Merchant.get_by_id(intent.merchant_id).country
    local = operators.in_country(country) or operators.in_country(payment_methods.countries_of(terms)[0])
    return PaymentMethod(
        type=MethodType.MOBILE_MONEY, provider=provider.name, operator=local[0].id, country=local[0].country
    )


def advance(subscription_id: str, owner: Owner, now: datetime) -> Subscription:
    """Bring what is due next for a subscription forward to now. A worker then does it.

    Everything that follows moves by the same time, so that retry days and periods keep their distances.
    Raises NotFound (always in live mode), Conflict if nothing is due, or a payment is under way.
    """
    if owner.livemode:
        raise NotFound("subscription")
    found = subscriptions.owned(subscription_id, owner)
    with store.atomic():
        subscription = Subscription.lock(found.id)
        work = _due_work(subscription)
        if _is_being_paid(subscription):
            raise Conflict(errors.ATTEMPT_UNSETTLED)
        if subscription.status in subscriptions.ENDED or not work:
            raise Conflict(errors.STATE_FORBIDS, "Nothing is due for this subscription any more.")
        ahead = min(row.due_at for row in work) - now
        if ahead > timedelta():
            _move(subscription, work, ahead)
    return subscription


def take_down(names: Sequence[str]) -> None:
    """Have operators, or `cards`, of the provider of test mode not answer, until `bring_up`: nobody is charged there.

    Raises ValidationFailed for one that there is not.
    """
    for operator in _switched(names):
        breakers.open_now(health.key(_sandbox(), operator), Reason.CLOSED, rest=_LONG)


def limit(name: str, minimum: int, maximum: int, now: datetime) -> None:
    """Have an operator of the provider of test mode take amounts of its own currency between those alone.

    They are in its smallest unit. Raises ValidationFailed.
    """
    (operator,) = _switched([name])
    if operator is None or not 0 < minimum <= maximum:
        problem = "must be at least the minimum, which is at least 1" if operator else "have no limits here"
        raise ValidationFailed({"maximum" if operator else "cards": [problem]})
    currency = OPERATORS[operator].currencies[0]
    limited = Condition(operator=operator, currency=currency, limits=Limits(minimum=minimum, maximum=maximum))
    _say({**_said(), (operator, currency): limited}, now)


def bring_up(names: Sequence[str], now: datetime) -> None:
    """End what the two before have done to operators, or `cards`; without a name, to all. Raises ValidationFailed."""
    every = _switched(names) or [None, *OPERATORS]
    for operator in every:
        breakers.close_now(health.key(_sandbox(), operator), Breaker.reason.is_null(False))
    _say({place: one for place, one in _said().items() if place[0] not in every}, now)


def _switched(names: Sequence[str]) -> list[str | None]:
    """The ids of operators by any of their names; None for `cards`."""
    found = {name: operators.find(name, None) for name in names if name != CARDS}
    wrong = [name for name, operator in found.items() if operator is None]
    if wrong:
        raise ValidationFailed({name: ["is no operator: an id such as orange_sn, or cards"] for name in wrong})
    return [None if name == CARDS else present(found[name], "it was found").id for name in names]


def _sandbox() -> str:
    return present(registry.decider(), "this process has a provider of test mode").name


def _said() -> health.Said:
    return health.conditions().get(_sandbox(), {})


def _say(said: health.Said, now: datetime) -> None:
    conditions.keep(_sandbox(), list(said.values()), now)


def _due_work(subscription: Subscription) -> Sequence[DueWork]:
    own = due.find((subscriptions.RENEW, subscriptions.REMIND), [subscription.id])
    return [*own, *due.find((invoices.COLLECT,), [invoice.id for invoice in invoices.open_of(subscription)])]


def _is_being_paid(subscription: Subscription) -> bool:
    running = PaymentAttempt.select().where(PaymentAttempt.status.in_(UNSETTLED))
    its_own = running.join(PaymentIntent).join(Invoice, on=(Invoice.session == PaymentIntent.session))
    return bool(its_own.where(Invoice.subscription == subscription.id).exists())


def _move(subscription: Subscription, work: Sequence[DueWork], ahead: timedelta) -> None:
    """Move everything forward by `ahead`."""
    _earlier(subscription, ("anchor_at", "current_period_start", "current_period_end", "trial_end"), ahead)
    for invoice in Invoice.select().where(Invoice.subscription == subscription.id):
        _earlier(invoice, ("period_start", "period_end", "first_tried_at", "next_try_at"), ahead)
    for invoice in invoices.open_of(subscription):
        _earlier(CheckoutSession.get_by_id(invoice.session_id), ("expires_at",), ahead)
    for row in work:
        due.schedule(row.kind, row.subject, row.due_at - ahead)


def _earlier(row: Record, names: Sequence[str], ahead: timedelta) -> None:
    row.change(**{name: getattr(row, name) - ahead for name in names if getattr(row, name)})
