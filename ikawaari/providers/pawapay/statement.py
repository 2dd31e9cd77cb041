"""What moved in pawaPay's wallets: their statements.

Sources: docs.pawapay.io/v2/api-reference/finances (how a statement is made and fetched), and
docs.pawapay.io/dashboard/finances/statements (its columns and types). A fee is a line of its own, with the id of what
it is for. A refund is listed when its money is reserved; if it fails, a line with the same id reverses that.
"""

import csv
import io
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from ikawaari import texts
from ikawaari.money import Money, from_decimal_string, is_currency
from ikawaari.operators import OPERATORS
from ikawaari.providers.http import Answer, Call, NoAnswer, read, read_text
from ikawaari.providers.pawapay import operations
from ikawaari.providers.pawapay.wallets import WALLETS
from ikawaari.providers.statements import Kind, Line, NoStatement, Standing
from ikawaari.providers.values import Account
from ikawaari.shapes import JsonObject

PATH, ID = "/v2/statements", "statementId"
_BALANCES = "/v2/wallet-balances"
_OK = 200
_BEHIND = timedelta(hours=1)  # what is newer may be missing: by up to 20 minutes, earlier documents say 60
_AFTERMATH = timedelta(days=1)  # read, too, for the fees and reversals of what came before
_WAITS = (1.0, 2.0, 3.0, 5.0, *(10.0,) * 58)  # seconds before each look whether it is ready: ten minutes
_DOWNLOAD, _SILENCE_SECONDS = timedelta(minutes=5), 60.0
_LARGEST = 64 << 20  # bytes: a hundred thousand deposits with their fees
_COLUMNS = ("creation date", "transaction id", "amount", "currency", "type")
_MOVES: Mapping[str, Kind] = {"deposit": Kind.PAYMENT, "refund": Kind.REFUND}
_FEES: Mapping[str, Kind] = {
    **dict.fromkeys(("pawapay deposit fee", "deposit pass-through fee"), Kind.PAYMENT),
    **dict.fromkeys(("pawapay refund fee", "refund pass-through fee"), Kind.REFUND),
}
_REVERSAL = "failed refund reversal"
_NOT_OURS = frozenset(
    {"payout", "failed payout refund", "payout pass-through fee", "pawapay payout fee", "top up", "withdrawal"}
    | {"adjustment", "compensation"}
)
# pawaPay's name of each country in which we ask it for deposits.
_COUNTRIES: Mapping[str, str] = {OPERATORS[code].country: wallet.name[-3:] for code, wallet in WALLETS.items()}

Ask = Callable[[str, str, object], Answer | NoAnswer]
"""A request with the time of a call of its own: the method, the path, and the body as JSON."""


def lines(account: Account, ask: Ask, since: datetime, until: datetime, now: datetime) -> Iterator[Line]:
    """The deposits and refunds from `since` to before `until`, wallet by wallet. Raises NoStatement."""
    if now < until + _BEHIND:
        raise NoStatement("pawaPay's statements lag behind: ask when the day has been over for an hour.")
    span = {"startDate": _stamp(since), "endDate": _stamp(min(until + _AFTERMATH, now))}
    for wallet in _wallets(account, ask):
        url = _ready(ask, _requested(account, ask, wallet, span), wallet)
        found = _Found(account)
        for number, row in _rows(_fetched(account, url)):
            found.add(number, row)
        yield from (line for line in found.lines() if line.at is not None and since <= line.at < until)


# ---------------------------------------------------------------- how a statement is got


def _wallets(account: Account, ask: Ask) -> Sequence[Mapping[str, str]]:
    """The wallets that may have anything of ours."""
    answer = ask("GET", _BALANCES, None)
    balances = None if isinstance(answer, NoAnswer) or answer.status != _OK else answer.read("balances")
    if not isinstance(balances, list):
        raise NoStatement(f"pawaPay did not list its wallets ({answer.word}).")
    countries = {_COUNTRIES.get(account.country)} if account.country else set(_COUNTRIES.values())
    names = ("country", "currency", "provider")
    wallets = [{name: text for name in names if (text := read_text(one, name))} for one in balances]
    ours = [one for one in wallets if one.get("country") in countries and is_currency(one.get("currency", ""))]
    if not ours:
        raise NoStatement("pawaPay lists no wallet for which this account takes payments.")
    return ours


def _requested(account: Account, ask: Ask, wallet: Mapping[str, str], span: Mapping[str, str]) -> str:
    """The id of a statement that is being made."""
    body: JsonObject = {"wallet": dict(wallet), "callbackUrl": account.callback_url, **span, "compressed": False}
    answer = ask("POST", PATH, body)
    made = None if isinstance(answer, NoAnswer) or answer.status != _OK else answer.value()
    name = read_text(made, ID) if read(made, "status") == "ACCEPTED" else None
    if name is None:
        code = None if isinstance(answer, NoAnswer) else operations.failure_code(answer.value())
        raise _none(wallet, code or answer.word)
    return name


def _ready(ask: Ask, name: str, wallet: Mapping[str, str]) -> str:
    """Where it is to be fetched, once it is ready. A look-up without an answer is repeated."""
    for wait in _WAITS:
        time.sleep(wait)
        answer = ask("GET", f"{PATH}/{name}", None)
        data = None if isinstance(answer, NoAnswer) or answer.status != _OK else answer.read("data")
        status, url = read(data, "status"), read_text(data, "downloadUrl")
        if status == "FAILED":
            raise _none(wallet, operations.failure_code(data) or "FAILED")
        if status == "COMPLETED" and url:
            return url
    raise _none(wallet, "it was not ready in time")


def _fetched(account: Account, url: str) -> str:
    """The text at an address, which may be another host's: it gets no token. Only a simulator's is not encrypted."""
    parts = urlsplit(url) if texts.is_web_url(url) else None
    if parts is None or (parts.scheme != "https" and not account.text("base_url").startswith("http://")):
        raise NoStatement("pawaPay's statement has no address that is encrypted.")
    call = Call(account.id, f"{parts.scheme}://{parts.netloc}", _DOWNLOAD, read_seconds=_SILENCE_SECONDS)
    place = f"{parts.path}?{parts.query}" if parts.query else parts.path
    answer = call.send("GET", place, what="statement", headers={"Accept": "text/csv"}, largest=_LARGEST)
    if isinstance(answer, NoAnswer) or answer.status != _OK:
        raise NoStatement(f"pawaPay's statement could not be fetched ({answer.word}).")
    try:
        return answer.body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NoStatement("pawaPay's statement is not UTF-8.") from None


def _none(wallet: Mapping[str, str], why: str) -> NoStatement:
    return NoStatement(f"pawaPay made no statement of its wallet {' '.join(wallet.values())} ({why}).")


def _stamp(instant: datetime) -> str:
    """In UTC, without saying so, as in its documents."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


# ---------------------------------------------------------------- what it says


def _rows(text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    """The numbered lines, by the documented columns in lower case."""
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        headings = [cell.strip().lower() for cell in next(rows, [])]
        if missing := [name for name in _COLUMNS if headings.count(name) != 1]:
            raise NoStatement(f"pawaPay's statement has not exactly one column of each: {', '.join(missing)}.")
        places = {name: headings.index(name) for name in _COLUMNS}
        for row in rows:
            if row and len(row) != len(headings):  # as by a comma in an amount: nothing is where it should be
                raise NoStatement(f"Line {rows.line_num} of pawaPay's statement has not as many cells as headings.")
            if row:
                yield rows.line_num, {name: row[place] for name, place in places.items()}
    except csv.Error as error:
        raise NoStatement(f"pawaPay's statement is no CSV: {error}.") from None


@dataclass
class _Found:
    """What the lines of one statement say together."""

    account: Account
    moves: list[Line] = field(default_factory=list)
    fees: Counter[tuple[Kind, str]] = field(default_factory=Counter)
    reversed: set[str] = field(default_factory=set)
    strange: set[str] = field(default_factory=set)  # types that are not documented

    def add(self, number: int, row: Mapping[str, str]) -> None:
        """Take a line in. Raises NoStatement for one about a payment or refund that cannot be read."""
        word, name = " ".join(row["type"].replace("_", " ").lower().split()), row["transaction id"].strip()
        if word == _REVERSAL:
            self.reversed.add(name)
        elif word in _FEES:
            self.fees[_FEES[word], name] += _money(number, row).amount
        elif word in _MOVES:
            at, money = _instant(number, row), _money(number, row)
            if not name or not money.amount:
                raise NoStatement(f"Line {number} of pawaPay's statement has no id, or no amount.")
            line = Line(kind=_MOVES[word], id=name, own_id=name, money=money, at=at, number=number)
            self.moves.append(line)
        elif word not in _NOT_OURS and word not in self.strange:
            self.strange.add(word)
            operations.alarm(self.account, "provider_word_unknown", word)

    def lines(self) -> Iterator[Line]:
        """The payments and refunds, each with its fee if there is a line of it."""
        for line in self.moves:
            is_reversed = line.kind is Kind.REFUND and line.id in self.reversed
            fee = self.fees.get((line.kind, line.id))
            yield Line(
                kind=line.kind,
                id=line.id,
                own_id=line.own_id,
                money=line.money,
                standing=Standing.FAILED if is_reversed else Standing.SUCCEEDED,
                at=line.at,
                fee=fee,
                fee_currency=None if fee is None else line.money.currency,
                number=line.number,
            )


def _money(number: int, row: Mapping[str, str]) -> Money:
    """How much it is, without its sign: the type says where it went."""
    try:
        return from_decimal_string(row["amount"].strip().lstrip("+-"), row["currency"].strip())
    except ValueError:
        raise NoStatement(f"Line {number} of pawaPay's statement has an amount that cannot be read.") from None


def _instant(number: int, row: Mapping[str, str]) -> datetime:
    """When it was recorded: in UTC, whether it says so or not."""
    try:
        found = datetime.fromisoformat(row["creation date"].strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise NoStatement(f"Line {number} of pawaPay's statement has a time that cannot be read.") from None
