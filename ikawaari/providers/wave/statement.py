"""What moved in a wallet: its transactions, day by day. Source: docs.wave.com/balance-api.

A transaction's `amount` is the change of the wallet's balance, so without the `fee`; the payer has paid both together,
and a refund returns both.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

from ikawaari.money import Money, from_decimal_string
from ikawaari.providers.http import NoAnswer, read, read_text
from ikawaari.providers.statements import Kind, Line, NoStatement
from ikawaari.providers.wave.wallet import Wallet

_PATH = "/v1/transactions"
_OK = 200
_MOST_PAGES = 20_000
_ONE_DAY = timedelta(days=1)


def lines(wallet: Wallet, since: datetime, until: datetime) -> Iterator[Line]:
    """The lines of the checkout from `since` to before `until`. Raises NoStatement."""
    number = 0
    # Wave does not say in which time zone its days are: those before and after are read, too.
    day, last = since.astimezone(UTC).date() - _ONE_DAY, until.astimezone(UTC).date() + _ONE_DAY
    while day <= last:
        for item in _of_day(wallet, day):
            number += 1
            line = _line(item, number)
            if line is not None and line.at is not None and since <= line.at < until:
                yield line
        day += _ONE_DAY


def _of_day(wallet: Wallet, day: date) -> Iterator[object]:
    """Every transaction of a day, page after page."""
    after: str | None = None
    for _ in range(_MOST_PAGES):
        query = {"date": day.isoformat(), **({"after": after} if after else {})}
        answer = wallet.again().send("GET", f"{_PATH}?{urlencode(query)}", what="statement")
        page = None if isinstance(answer, NoAnswer) or answer.status != _OK else answer.value()
        items, has_more = read(page, "items"), read(page, "page_info", "has_next_page")
        if not isinstance(items, list) or not isinstance(has_more, bool):
            raise NoStatement(f"Wave did not list its transactions ({answer.word}).")
        yield from items
        if not has_more:
            return
        after = read_text(page, "page_info", "end_cursor")
    raise NoStatement("Wave's transactions do not end.")


def _line(item: object, number: int) -> Line | None:
    """The line of a transaction; None for what is not of the checkout, such as payouts and sales at a counter."""
    session_id = read_text(item, "checkout_api_session_id")
    if session_id is None:
        return None
    name, currency = read_text(item, "transaction_id"), read_text(item, "currency")
    at = _instant(read_text(item, "timestamp"))
    try:
        amount = _signed(read(item, "amount"), currency or "")
        fee = _signed(read(item, "fee"), currency or "")
    except ValueError:
        amount, fee = 0, 0
    if name is None or currency is None or at is None or not amount:
        raise NoStatement(f"Wave's transaction {name} cannot be read.")
    is_refund = amount < 0 or read(item, "is_reversal") is True
    whole, kept = Money(abs(amount) + abs(fee), currency), abs(fee)
    if is_refund:
        return Line(
            kind=Kind.REFUND, id=name, charge_id=session_id, money=whole, at=at, fee=-kept, fee_currency=currency,
            number=number,
        )  # fmt: skip
    own_id = read_text(item, "client_reference")
    return Line(
        kind=Kind.PAYMENT, id=session_id, own_id=own_id, money=whole, at=at, fee=kept, fee_currency=currency,
        number=number,
    )  # fmt: skip


def _signed(text: object, currency: str) -> int:
    """An amount with its sign, in the smallest unit. Raises ValueError."""
    if not isinstance(text, str):
        raise ValueError("no amount")
    amount = from_decimal_string(text.removeprefix("-"), currency).amount
    return -amount if text.startswith("-") else amount


def _instant(text: str | None) -> datetime | None:
    """A time as Wave writes it, in UTC; None for anything else."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else None
