"""Reading a provider's CSV: a line at a time, exactly, or with the lines and fields that cannot be read."""

import codecs
import csv
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO, TypeVar

from ikawaari import clock, texts
from ikawaari.checkout.statement_columns import MINOR, POSITIVE, UNIX, Columns
from ikawaari.money import MAX_AMOUNT, Money, from_decimal_string, is_currency
from ikawaari.providers.outcomes import LONGEST_WORD
from ikawaari.providers.statements import Kind, Line, NoStatement, Standing

W = TypeVar("W")
_MOST_PROBLEMS = 20  # that are named
_MOST_BEFORE_HEADINGS = 50  # lines with the account's name, the period, …
_DELIMITERS = (",", ";", "\t", "|")
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_CHUNK = 1 << 16
_LONGEST_LINE = 1 << 20  # characters: what has no line ends is no CSV, and may be larger than the memory
_LONGEST_SHOWN = 60  # characters of a field in a problem
_FIRST_TIME, _AHEAD = datetime(2000, 1, 1, tzinfo=UTC), timedelta(days=1)
"""One wrong time in a file without `--day` would make the time that it covers years long, and so would `9999-12-31`."""
_BLANKS = "[ \\u00a0\\u202f\\u2009']"
_SIGNS = str.maketrans({"\u2212": "-"})


class Unreadable(NoStatement):
    """What in the file is not as its columns say: nothing of it was used."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def lines(path: Path, columns: Columns, now: datetime) -> Iterator[Line]:
    """Every line of the file. Raises Unreadable at its end, with what is wrong in its first bad lines.

    The lines that come before are not to be used until all have been read.
    """
    problems: list[str] = []
    try:
        with path.open(encoding=columns.encoding or _encoding_of(path), newline="") as file:
            yield from _lines(file, columns, problems, now + _AHEAD)
    except UnicodeError:
        raise Unreadable([*problems, "the file is not in the encoding that its columns name"]) from None
    except csv.Error as error:
        raise Unreadable([*problems, f"a line that is no CSV: {error}"]) from None
    except OSError as error:
        raise Unreadable([*problems, f"the file cannot be read: {error.strerror}"]) from None
    if problems:
        raise Unreadable(problems)


def _lines(file: TextIO, columns: Columns, problems: list[str], latest: datetime) -> Iterator[Line]:
    headings, rows = _after_headings(file, columns)
    places = {name: headings.index(column) for name, column in columns.names.items()}
    ignored = {headings.index(column): values for column, values in columns.ignore.items()}
    for number, row in rows:
        if not any(cell.strip() for cell in row) or _is_ignored(row, ignored):
            continue
        fields = {name: row[place].strip() if place < len(row) else "" for name, place in places.items()}
        line = None
        if any(cell.strip() for cell in row[len(headings) :]):  # nothing is where it should be
            problems.append(f"line {number}: has more cells than there are headings, as by a delimiter in an amount")
        else:
            line = _Reader(columns, {**columns.constants, **fields}, number, problems, latest).line()
        if line is not None:
            yield line
        elif len(problems) >= _MOST_PROBLEMS:
            problems.append("… and perhaps more")
            return


def _is_ignored(row: Sequence[str], ignored: Mapping[int, frozenset[str]]) -> bool:
    return any(place < len(row) and row[place].strip().lower() in values for place, values in ignored.items())


def _after_headings(file: TextIO, columns: Columns) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The line of headings, which has every column that is named, and the numbered rows after it."""
    all_lines = _text_lines(file)
    first = list(itertools.islice(all_lines, _MOST_BEFORE_HEADINGS))
    for delimiter in [columns.delimiter] if columns.delimiter else _DELIMITERS:
        for place, text in enumerate(first):
            headings = [cell.strip() for cell in next(csv.reader([text], delimiter=delimiter), [])]
            if columns.headings <= set(headings):
                _refuse_doubled(headings, columns.headings)
                rest = csv.reader(itertools.chain(first[place + 1 :], all_lines), delimiter=delimiter, strict=True)
                return headings, ((rest.line_num + place + 1, row) for row in rest)
    names = ", ".join(sorted(columns.headings))
    raise Unreadable([f"the first {_MOST_BEFORE_HEADINGS} lines have no headings with all of: {names}"])


def _refuse_doubled(headings: Sequence[str], needed: frozenset[str]) -> None:
    """Nobody could say which of two columns is meant."""
    if doubled := sorted(name for name in needed if headings.count(name) > 1):
        raise Unreadable([f"several columns have the same heading: {', '.join(doubled)}"])


def _text_lines(file: TextIO) -> Iterator[str]:
    while text := file.readline(_LONGEST_LINE):
        if len(text) == _LONGEST_LINE:
            raise Unreadable(["a line is too long: this is no CSV"])
        yield text


def _encoding_of(path: Path) -> str:
    """What the file's first bytes say, or UTF-8 if all of it is; else the one of Windows in western Europe."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        start = file.read(_CHUNK)
        for mark, name in _BOMS.items():
            if start.startswith(mark):
                return name
        try:
            for chunk in itertools.chain([start], iter(lambda: file.read(_CHUNK), b"")):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


class _Wrong(ValueError):
    """A field that cannot be read."""


class _Reader:
    """One row."""

    def __init__(
        self, columns: Columns, fields: Mapping[str, str], number: int, problems: list[str], latest: datetime
    ) -> None:
        self._columns, self._fields, self._number, self._problems = columns, fields, number, problems
        self._latest = latest

    def line(self) -> Line | None:
        """The line; None if a field cannot be read, which is noted."""
        read: dict[str, object] = {}
        is_whole = True
        for name, reader in _READERS.items():
            try:
                read[name] = reader(self)
            except _Wrong as wrong:
                self._problems.append(f"line {self._number}, {name}: {wrong}")
                is_whole = False
        return self._made(**read) if is_whole else None  # type: ignore[arg-type]

    def _made(
        self,
        *,
        id: str,  # noqa: A002 - by the names of the fields
        own_id: str,
        charge_id: str,
        kind: Kind,
        amount: Money,
        time: datetime,
        status: Standing,
        fee: tuple[int, str] | None,
    ) -> Line:
        kept, kept_in = fee or (None, None)
        return Line(
            kind=kind,
            id=id,
            own_id=own_id or None,
            charge_id=charge_id or None,
            money=amount,
            standing=status,
            at=time,
            fee=kept,
            fee_currency=kept_in,
            number=self._number,
        )

    def name(self, field: str) -> str:
        """An id; empty if there is none."""
        text = self._fields.get(field, "")
        if len(text) > LONGEST_WORD or not texts.is_storable(text):
            raise _Wrong(f"must have {LONGEST_WORD} characters at most, and no control characters")
        return text

    def id(self) -> str:
        """The provider's id."""
        text = self.name("id")
        if not text:
            raise _Wrong("is empty")
        return text

    def amount(self) -> Money:
        """How much it is, without the sign that a refund may have."""
        is_negative, money = self._money("amount", self._currency("currency"))
        if is_negative and self._known_kind() is Kind.PAYMENT:
            raise _Wrong("is negative, of a payment")
        if money.amount == 0:
            raise _Wrong("is zero")
        return money

    def fee(self) -> tuple[int, str] | None:
        """What the provider keeps, below 0 what it returns; None if it does not say."""
        if not self._fields.get("fee"):
            return None
        has_own, kept = "fee_currency" in self._fields, self._columns.kept_fees
        is_negative, money = self._money("fee", self._currency("fee_currency" if has_own else "currency"))
        if kept is None and money.amount and self._known_kind() is Kind.REFUND:
            raise _Wrong("may be kept or returned, of a refund: say `kept_fees`, the sign of those that are kept")
        is_returned = kept is not None and is_negative is (kept == POSITIVE)
        return -money.amount if is_returned else money.amount, money.currency

    def time(self) -> datetime:
        """When it was, by the clock of the zone that the time or the format names."""
        text, form = self._fields["time"], self._columns.time_format
        try:
            at = self._instant(text, form)
        except (ValueError, OverflowError, OSError):  # the last two: a year that no calendar or system has
            raise _Wrong(f"{_shown(text)} is not written as {form or 'ISO 8601 says'}") from None
        if at is None:
            raise _Wrong("has no time zone, and the columns name none (`timezone`)")
        if not _FIRST_TIME <= at <= self._latest:
            raise _Wrong(f"{_shown(text)} is before 2000, or more than a day ahead of now")
        return at

    def _instant(self, text: str, form: str | None) -> datetime | None:
        """None if it is in no time zone. Raises ValueError, OverflowError, OSError."""
        if form == UNIX:
            return clock.from_unix(int(text))
        at = datetime.strptime(text, form) if form else datetime.fromisoformat(text)  # noqa: DTZ007 - see below
        zone = at.tzinfo or self._columns.zone
        return at.replace(tzinfo=zone).astimezone(UTC) if zone else None

    def status(self) -> Standing:
        """What became of it."""
        word = self._fields.get("status", Standing.SUCCEEDED.value)
        return self._known(word, self._columns.statuses or {one.value: one for one in Standing})

    def kind(self) -> Kind:
        """Whether it is a payment or a refund."""
        if self._columns.refunds_are_negative:
            return Kind.REFUND if self._fields["amount"].translate(_SIGNS).startswith("-") else Kind.PAYMENT
        word = self._fields.get("kind", Kind.PAYMENT.value)
        return self._known(word, self._columns.kinds or {one.value: one for one in Kind})

    def _known_kind(self) -> Kind | None:
        """The same; None for a word that is not known, which is a problem of that field alone."""
        try:
            return self.kind()
        except _Wrong:
            return None

    @staticmethod
    def _known(word: str, words: Mapping[str, W]) -> W:
        found = words.get(word.lower())
        if found is None:
            raise _Wrong(f"{_shown(word)} is not in the columns' words")
        return found

    def _currency(self, name: str) -> str:
        code = self._fields[name].upper()
        if not is_currency(code):
            raise _Wrong(f"{_shown(code)} is no currency that we know")
        return code

    def _money(self, name: str, currency: str) -> tuple[bool, Money]:
        """Whether an amount is below zero, and how much it is without its sign."""
        text = self._fields[name].translate(_SIGNS)
        is_negative, bare = text.startswith("-"), text.lstrip("+-").strip()
        try:
            if self._columns.amounts == MINOR:
                return is_negative, _minor(bare, currency)
            return is_negative, from_decimal_string(_plain(bare, self._columns.decimal), currency)
        except ValueError:
            raise _Wrong(f"{_shown(text)} is no amount of {currency} that can be read exactly") from None


_READERS: Mapping[str, Callable[[_Reader], object]] = {
    "id": _Reader.id,
    "own_id": lambda reader: reader.name("own_id"),
    "charge_id": lambda reader: reader.name("charge_id"),
    "kind": _Reader.kind,
    "amount": _Reader.amount,
    "time": _Reader.time,
    "status": _Reader.status,
    "fee": _Reader.fee,
}


def _shown(text: str) -> str:
    return repr(text) if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]!r}…"


def _minor(text: str, currency: str) -> Money:
    if not re.fullmatch("[0-9]{1,19}", text) or int(text) > MAX_AMOUNT:
        raise ValueError("no whole number")
    return Money(int(text), currency)


def _plain(text: str, decimal: str) -> str:
    """The amount without what groups its thousands: blanks, apostrophes, or the other one of point and comma."""
    other = "," if decimal == "." else "."
    for group in (_BLANKS, re.escape(other)):
        if re.fullmatch(rf"[0-9]{{1,3}}({group}[0-9]{{3}})+({re.escape(decimal)}[0-9]+)?", text):
            return re.sub(group, "", text).replace(decimal, ".")
    if other in text:
        raise ValueError("thousands that are no thousands")
    return text.replace(decimal, ".")
