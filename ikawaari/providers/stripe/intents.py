"""What Stripe says of an intent, to take a payment or to save a card, as an Outcome.

Source: docs.stripe.com/payments/paymentintents/lifecycle, docs.stripe.com/currencies.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from ikawaari import clock
from ikawaari.money import Money
from ikawaari.providers.http import read, read_text
from ikawaari.providers.outcomes import (
    Action,
    ActionKind,
    FailureCode,
    Outcome,
    Result,
    SavedMethod,
    failed,
    unknown,
)
from ikawaari.providers.stripe.failures import failure_of, word_of

log = structlog.get_logger()
# Amounts are in the smallest unit of the currency. Where Stripe counts another unit than we do (MGA, UGX), it is not
# here: what is said in a currency that is not here is not read.
CURRENCIES = frozenset({"XOF", "XAF", "GNF", "CDF", "USD"})
PAYER_HAS = timedelta(minutes=30)  # for the bank's page: Stripe sets no end, so we do, and cancel then
_EXPIRED = frozenset({"automatic", "expired"})


@dataclass(frozen=True)
class Sort:
    """What differs between the two sorts of intents."""

    name: str  # in errors and events
    path: str
    error: str  # the field that says why the last try failed


PAYMENT = Sort("payment_intent", "/v1/payment_intents", "last_payment_error")
SETUP = Sort("setup_intent", "/v1/setup_intents", "last_setup_error")


def outcome_of(sort: Sort, intent: object, *, livemode: bool) -> Outcome:
    """What an intent has come to; NOT_FOUND if it was not confirmed: nothing was started."""
    status, reference = read_text(intent, "status"), read_text(intent, "id")
    if status is None or reference is None:
        return unknown("no intent")
    if read(intent, "livemode") is not livemode:
        log.error("stripe_of_the_wrong_mode", reference=reference)
        return replace(unknown("of the wrong mode"), reference=reference)
    make = _BY_STATUS.get(status)
    if make is None:
        log.error("stripe_status_not_known", reference=reference, status=status)
    return replace(make(sort, intent) if make else _processing(sort, intent), reference=reference)


def saved_of(intent: object) -> SavedMethod | None:
    """The card that an intent saved, if it did; without its brand where `payment_method` was not expanded."""
    method, customer = read(intent, "payment_method"), read_text(intent, "customer")
    found = method if isinstance(method, str) else read_text(method, "id")
    if found is None or customer is None or not saves(intent):
        return None
    month, year = read(method, "card", "exp_month"), read(method, "card", "exp_year")
    return SavedMethod(
        id=found,
        customer=customer,
        brand=read_text(method, "card", "brand"),
        last4=read_text(method, "card", "last4"),
        exp_month=month if type(month) is int else None,
        exp_year=year if type(year) is int else None,
    )


def saves(intent: object) -> bool:
    """Whether an intent saves its card."""
    return read_text(intent, "object") == SETUP.name or read_text(intent, "setup_future_usage") == "off_session"


def money_of(amount: object, currency: object) -> Money | None:
    """An amount as Stripe writes it; None if it cannot be read exactly."""
    code = currency.upper() if isinstance(currency, str) else ""
    readable = type(amount) is int and amount >= 0 and code in CURRENCIES
    return Money(amount, code) if readable else None  # type: ignore[arg-type]  # an int: `readable` says so


# ---------------------------------------------------------------- by status


def _succeeded(sort: Sort, intent: object) -> Outcome:
    # A setup takes nothing, in no currency: who asked for it says in which.
    taken, currency = (0, "USD") if sort is SETUP else (read(intent, "amount_received"), read(intent, "currency"))
    money = money_of(taken, currency)
    if money is None:
        return unknown(f"unreadable amount: {taken} {currency}")
    return Outcome(result=Result.SUCCEEDED, money=money, saved=saved_of(intent))


def _waits_for_method(sort: Sort, intent: object) -> Outcome:
    """A try that failed ends the intent: it is never confirmed again."""
    error = read(intent, sort.error)
    return failed(failure_of(error), word_of(error)) if error else Outcome(result=Result.NOT_FOUND)


def _not_confirmed(sort: Sort, intent: object) -> Outcome:
    return Outcome(result=Result.NOT_FOUND)


def _requires_action(sort: Sort, intent: object) -> Outcome:
    url = read_text(intent, "next_action", "redirect_to_url", "url")
    if url is None:  # for the browser's script alone: does not happen to who sends a return_url
        log.error("stripe_action_not_known", reference=read_text(intent, "id"))
    return Outcome(
        result=Result.REQUIRES_ACTION,
        action=Action(kind=ActionKind.REDIRECT, url=url) if url else None,
        deadline=_deadline_of(intent),
    )


def _deadline_of(intent: object) -> datetime | None:
    created = read(intent, "created")
    return clock.from_unix(created) + PAYER_HAS if type(created) is int else None


def _processing(sort: Sort, intent: object) -> Outcome:
    return Outcome(result=Result.PROCESSING)


def _requires_capture(sort: Sort, intent: object) -> Outcome:
    log.error("stripe_waits_for_capture", reference=read_text(intent, "id"))  # we never ask for a later capture
    return Outcome(result=Result.PROCESSING)


def _canceled(sort: Sort, intent: object) -> Outcome:
    reason = read_text(intent, "cancellation_reason")
    return failed(FailureCode.EXPIRED if reason in _EXPIRED else FailureCode.CANCELED, f"canceled/{reason}")


_BY_STATUS: Mapping[str, Callable[[Sort, object], Outcome]] = {
    "requires_payment_method": _waits_for_method,
    "requires_confirmation": _not_confirmed,
    "requires_action": _requires_action,
    "processing": _processing,
    "requires_capture": _requires_capture,
    "succeeded": _succeeded,
    "canceled": _canceled,
}
