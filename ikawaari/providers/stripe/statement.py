"""What moved in Stripe's balance: the statement of an account. Source: docs.stripe.com/api/balance_transactions/list.

A transaction's own amount is in the currency of the account's balance; what the payer paid is in the charge or refund
that it is about, which is shown with it.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from ikawaari import clock
from ikawaari.providers.http import read, read_text
from ikawaari.providers.statements import Kind, Line, NoStatement, Standing
from ikawaari.providers.stripe import wire
from ikawaari.providers.stripe.intents import money_of
from ikawaari.providers.stripe.wire import Api

_PATH = "/v1/balance_transactions"
_PAGE = 50  # with all that is shown with each
_MOST_PAGES = 20_000
_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("charge", "payment"), Kind.PAYMENT),
    # A refund that failed after it had succeeded has two transactions; both show the refund as it is now.
    **dict.fromkeys(("refund", "payment_refund", "refund_failure", "payment_failure_refund"), Kind.REFUND),
}
_STANDINGS: Mapping[str, Standing] = {
    "succeeded": Standing.SUCCEEDED,
    **dict.fromkeys(("failed", "canceled"), Standing.FAILED),
    **dict.fromkeys(("pending", "requires_action"), Standing.PENDING),
}
_FAILURES = ("refund_failure", "payment_failure_refund")


def lines(api: Callable[[], Api], since: datetime, until: datetime) -> Iterator[Line]:
    """The lines from `since` to before `until`, newest first. Raises NoStatement."""
    # Created in whole seconds.
    span = {"created[gte]": str(clock.unix(since)), "created[lt]": str(clock.unix(until))}
    for number, transaction in enumerate(_transactions(api, span), 1):
        if line := _line(transaction, number):
            yield line


def _transactions(api: Callable[[], Api], span: Mapping[str, str]) -> Iterator[object]:
    """Every transaction, page after page, each with the time of a call of its own."""
    last: str | None = None
    for _ in range(_MOST_PAGES):
        query = {**span, "limit": str(_PAGE), "starting_after": last, "expand[]": "data.source"}
        answer = api().get(_PATH, query, "statement")
        page = wire.value_of(answer)
        data = read(page, "data")
        if not isinstance(data, list):
            raise NoStatement(f"Stripe did not list its balance transactions ({answer.word}).")
        yield from data
        if read(page, "has_more") is False:
            return
        last = read_text(data, len(data) - 1, "id")
    raise NoStatement("Stripe's balance transactions do not end.")


def _line(transaction: object, number: int) -> Line | None:
    """The line of a transaction; None for what is no payment or refund, such as payouts, fees and disputes."""
    kind = _KINDS.get(read_text(transaction, "type") or "")
    if kind is None:
        return None
    source, created = read(transaction, "source"), read(transaction, "created")
    name, standing = read_text(source, "id"), _STANDINGS.get(read_text(source, "status") or "")
    if name is None or standing is None or type(created) is not int:
        raise NoStatement(f"Stripe's balance transaction {read_text(transaction, 'id')} cannot be read.")
    money = money_of(read(source, "amount"), read(source, "currency"))
    if money is None:  # in a currency in which we charge nobody: another program's
        return None
    intent = read_text(source, "payment_intent")
    fee, fee_currency = read(transaction, "fee"), read_text(transaction, "currency")
    has_fee = type(fee) is int and fee_currency is not None and read_text(transaction, "type") not in _FAILURES
    is_payment = kind is Kind.PAYMENT
    return Line(
        kind=kind,
        id=(intent or name) if is_payment else name,
        own_id=read_text(source, "metadata", "attempt" if is_payment else "refund"),
        charge_id=None if is_payment else intent,
        money=money,
        standing=standing,
        at=clock.from_unix(created),
        fee=fee if has_fee and isinstance(fee, int) else None,
        fee_currency=fee_currency.upper() if has_fee and fee_currency else None,
        number=number,
    )
