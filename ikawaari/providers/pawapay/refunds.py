"""Refunds: what is asked for, and what the answers, look-ups and callbacks about one come to."""

from ikawaari.providers.http import Answer, read_text
from ikawaari.providers.outcomes import Outcome, Result
from ikawaari.providers.pawapay import codes, operations
from ikawaari.providers.values import Account, RefundOrder
from ikawaari.shapes import JsonObject

PATH, ID = "/v2/refunds", "refundId"
_WAITING = frozenset({"ACCEPTED", "ENQUEUED", "PROCESSING", "IN_RECONCILIATION"})  # enqueued: maybe for a day


def request(order: RefundOrder) -> JsonObject:
    """The body of the create."""
    return {
        ID: order.id,
        "depositId": order.charge_id,
        "amount": operations.amount_text(order.money),
        "currency": order.money.currency,
    }


def created(account: Account, order: RefundOrder, answer: Answer) -> Outcome | None:
    """The outcome of the create; None if pawaPay has this refund already, and a look-up must say what it is."""
    named = read_text(answer.value(), ID)
    if named not in ({order.id} if answer.status == 200 else {order.id, None}):
        return answer.unknown()
    if operations.is_refusal(answer):
        _alarm_of_an_empty_balance(account, operations.failure_code(answer.value()))
        return operations.refusal(account, answer, codes.REFUNDS)
    status = read_text(answer.value(), "status") if answer.status == 200 else None
    if status == "DUPLICATE_IGNORED":
        return None
    if status not in _WAITING:
        return answer.unknown()
    return Outcome(result=Result.PROCESSING, raw_code=status)


def looked_up(account: Account, order: RefundOrder, answer: Answer) -> Outcome:
    """The outcome of a look-up."""
    data = operations.found(account, answer, ID, order.id)
    return data if isinstance(data, Outcome) else ended(account, data) or _waiting(account, data)


def ended(account: Account, data: object) -> Outcome | None:
    """The outcome of a refund that has ended; None if it has not."""
    reference = read_text(data, "providerTransactionId")
    if read_text(data, "status") == "REJECTED":
        return codes.REFUNDS.of_end(operations.failure_code(data), reference)
    _alarm_of_an_empty_balance(account, operations.failure_code(data))
    return operations.end(account, data, codes.REFUNDS, reference)


def _waiting(account: Account, data: object) -> Outcome:
    status = read_text(data, "status")
    if status not in _WAITING:
        operations.alarm(account, "provider_word_unknown", status)
    return Outcome(result=Result.PROCESSING, raw_code=status)


def _alarm_of_an_empty_balance(account: Account, code: str | None) -> None:
    """The merchant must fill up the balance from which refunds are paid."""
    if code == "PAWAPAY_WALLET_OUT_OF_FUNDS":
        operations.alarm(account, "provider_balance_empty", code)
