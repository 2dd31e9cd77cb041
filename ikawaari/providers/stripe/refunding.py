"""Returning money: what Stripe says of refunds. Source: docs.stripe.com/api/refunds."""

from dataclasses import replace

import structlog

from ikawaari.providers.http import NoAnswer, read, read_text
from ikawaari.providers.outcomes import FailureCode, Outcome, Result, failed, refused, unknown
from ikawaari.providers.stripe.failures import failure_of, word_of
from ikawaari.providers.stripe.intents import money_of
from ikawaari.providers.stripe.wire import Api, Unanswered, error_of, is_final, is_repeated, value_of
from ikawaari.providers.values import RefundOrder

log = structlog.get_logger()
_PATH = "/v1/refunds"
_PENDING = frozenset({"pending", "requires_action"})
# What cannot be returned: all of it has been, more than is left, nothing was taken.
_NOT_LEFT = frozenset({"charge_already_refunded", "charge_not_refundable", "charge_disputed"})
_NOT_LEFT_PARAMS = frozenset({"amount", "payment_intent"})


def give_back(api: Api, order: RefundOrder) -> Outcome:
    """Ask for a refund."""
    if order.charge_reference is None:
        return refused(FailureCode.CONFIGURATION_ERROR, "a charge without a reference")
    form = {
        "payment_intent": order.charge_reference,
        "amount": str(order.money.amount),
        "reason": "requested_by_customer",
        "metadata[refund]": order.id,
        "metadata[attempt]": order.charge_id,
    }
    answer = api.post(_PATH, form, order.id, "refund")
    if isinstance(answer, NoAnswer):
        return answer.of_create()
    if is_repeated(answer):
        return find(api, order)
    if is_final(answer):
        return _refusal(error_of(answer))
    refund = value_of(answer)
    return answer.unknown() if refund is None else _of_order(order, refund)


def find(api: Api, order: RefundOrder) -> Outcome:
    """What became of a refund."""
    if order.reference is not None:
        answer = api.get(f"{_PATH}/{order.reference}", {}, "lookup_refund")
        refund = value_of(answer)
        return answer.unknown() if refund is None else _of_order(order, refund)
    try:
        every = api.listed(_PATH, {"payment_intent": order.charge_reference})
        found = next((one for one in every if read(one, "metadata", "refund") == order.id), None)
    except Unanswered as trouble:
        return trouble.outcome
    return Outcome(result=Result.NOT_FOUND) if found is None else outcome_of(found)


def _of_order(order: RefundOrder, refund: object) -> Outcome:
    """What it has come to, if it is the one that was asked for."""
    known = read_text(refund, "metadata", "refund")  # a refund that was made at Stripe's own pages has none
    is_it = known == order.id or (known is None and order.reference == read(refund, "id"))
    return outcome_of(refund) if is_it else unknown("about another refund")


def outcome_of(refund: object) -> Outcome:
    """What a refund has come to. One that succeeded may fail days later."""
    status, reference = read_text(refund, "status"), read_text(refund, "id")
    if status is None or reference is None:
        return unknown("no refund")
    return replace(_by_status(status, refund), reference=reference)


def _by_status(status: str, refund: object) -> Outcome:
    if status == "succeeded":
        money = money_of(read(refund, "amount"), read(refund, "currency"))
        return unknown("unreadable amount") if money is None else Outcome(result=Result.SUCCEEDED, money=money)
    if status == "failed":
        return failed(FailureCode.UNKNOWN, read_text(refund, "failure_reason"))
    if status == "canceled":
        return failed(FailureCode.CANCELED, status)
    if status not in _PENDING:
        log.error("stripe_status_not_known", reference=read_text(refund, "id"), status=status)
    return Outcome(result=Result.PROCESSING)


def _refusal(error: object) -> Outcome:
    is_bad = read_text(error, "type") == "invalid_request_error"
    nothing_left = read_text(error, "code") in _NOT_LEFT or (
        read_text(error, "code") is None and read_text(error, "param") in _NOT_LEFT_PARAMS
    )
    if is_bad and nothing_left:
        return failed(FailureCode.NOT_ALLOWED, word_of(error))
    return refused(failure_of(error), word_of(error))
