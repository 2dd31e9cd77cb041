"""Where a provider's CSV has what we need: the file of columns that belongs to each format.

It is one JSON object. `columns` names, for each of our fields, the column that holds it, or a value that all lines
have. docs/operations.md describes it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ikawaari.errors import Details, ValidationFailed
from ikawaari.providers.statements import Kind, Standing
from ikawaari.shapes import JsonValue

W = TypeVar("W", bound=StrEnum)
REQUIRED = ("id", "amount", "currency", "time")
FIELDS = (*REQUIRED, "own_id", "status", "fee", "fee_currency", "kind", "charge_id")
MAJOR, MINOR = "major", "minor"
POSITIVE, NEGATIVE = "positive", "negative"
UNIX = "unix"
_DELIMITER = r'[^"\r\n\x00]'
_ANY = datetime(2026, 11, 25, 10, 30, 15, tzinfo=UTC)
_TEXTS = {"decimal": (".", ","), "amounts": (MAJOR, MINOR), "kept_fees": (POSITIVE, NEGATIVE)}
_MEMBERS = frozenset(
    {"source", "columns", "statuses", "kinds", "ignore", "encoding", "delimiter", "decimal", "amounts"}
    | {"time_format", "timezone", "refunds_are_negative", "kept_fees"}
)


@dataclass(frozen=True, kw_only=True)
class Columns:
    """A format, as its file says it."""

    names: Mapping[str, str]  # of columns, by our field
    constants: Mapping[str, str]  # by our field
    statuses: Mapping[str, Standing]  # by the provider's word in lower case; empty: every line has succeeded
    kinds: Mapping[str, Kind]  # likewise; empty: every line is a payment, or its sign says what it is
    ignore: Mapping[str, frozenset[str]] = field(default_factory=dict)  # lines that have one of those in that column
    encoding: str | None = None
    delimiter: str | None = None
    decimal: str = "."
    amounts: str = MAJOR
    time_format: str | None = None  # as strptime reads it, or `unix`; None: ISO 8601
    zone: ZoneInfo | None = None  # of times that do not say theirs
    refunds_are_negative: bool = False
    kept_fees: str | None = None  # the sign of those that the provider keeps; it returns the others. None: not said

    @property
    def headings(self) -> frozenset[str]:
        """Every column that a file must have."""
        return frozenset(self.names.values()) | self.ignore.keys()

    @property
    def lists(self) -> frozenset[Kind]:
        """What a statement of this format has, so that it can be missed there."""
        if self.refunds_are_negative:
            return frozenset(Kind)
        return frozenset(self.kinds.values()) or frozenset({Kind(self.constants.get("kind", Kind.PAYMENT))})


def read(text: str) -> Columns:
    """The format of a file's text. Raises ValidationFailed naming what is wrong in it."""
    try:
        given = json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        raise ValidationFailed({"columns": ["is not JSON"]}) from None
    if not isinstance(given, dict):
        raise ValidationFailed({"columns": ["is not a JSON object"]})
    problems: Details = {name: ["is not known"] for name in sorted(given.keys() - _MEMBERS)}
    names, constants = _columns(given.get("columns"), problems)
    columns = Columns(
        names=names,
        constants=constants,
        statuses=_words(given, "statuses", Standing, problems),
        kinds=_words(given, "kinds", Kind, problems),
        ignore=_ignored(given.get("ignore", {}), problems),
        encoding=_encoding(given, problems),
        delimiter=_text(given, "delimiter", problems),
        decimal=_text(given, "decimal", problems) or ".",
        amounts=_text(given, "amounts", problems) or MAJOR,
        time_format=_time_format(given, problems),
        zone=_zone(given, problems),
        refunds_are_negative=_flag(given, "refunds_are_negative", problems),
        kept_fees=_text(given, "kept_fees", problems),
    )
    _require_words(columns, problems)
    if problems:
        raise ValidationFailed(problems)
    return columns


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    """An object. Of a name that is given twice nobody could say which one counts."""
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValidationFailed({name: ["is given twice"] for name in members if names.count(name) > 1})
    return members


def _columns(given: JsonValue, problems: Details) -> tuple[dict[str, str], dict[str, str]]:
    """The columns and the constants of `columns`: `"amount": "Amount (FCFA)"`, `"currency": {"value": "XOF"}`."""
    names: dict[str, str] = {}
    constants: dict[str, str] = {}
    if not isinstance(given, dict):
        problems["columns"] = ["is required, an object"]
        return names, constants
    for name, where in given.items():
        value = where.get("value") if isinstance(where, dict) and where.keys() == {"value"} else None
        if name not in FIELDS:
            problems[f"columns.{name}"] = [f"must be one of {', '.join(FIELDS)}"]
        elif isinstance(where, str) and where.strip():
            names[name] = where.strip()
        elif isinstance(value, str) and value.strip():
            constants[name] = value.strip()
        else:
            problems[f"columns.{name}"] = ['must be the name of a column, or {"value": "…"}']
    for name in REQUIRED:
        if name not in given:
            problems[f"columns.{name}"] = ["is required"]
    return names, constants


def _words(given: Mapping[str, JsonValue], name: str, words: type[W], problems: Details) -> dict[str, W]:
    """The provider's words of `statuses` or `kinds`, each with ours."""
    found: dict[str, W] = {}
    told = given.get(name, {})
    for ours, theirs in told.items() if isinstance(told, dict) else [("", told)]:
        if ours not in set(words) or not _are_texts(theirs):
            problems[name] = [f"must have lists of texts for {', '.join(words)}"]
            continue
        own = {str(one).strip().lower(): words(ours) for one in theirs}  # type: ignore[union-attr]
        if both := sorted(found.keys() & own.keys()):
            problems[name] = [f"must not have {', '.join(both)} in two lists"]
        found |= own
    return found


def _ignored(given: JsonValue, problems: Details) -> dict[str, frozenset[str]]:
    if not isinstance(given, dict) or not all(_are_texts(values) for values in given.values()):
        problems["ignore"] = ["must have a list of texts for each column"]
        return {}
    return {name: frozenset(str(one).strip().lower() for one in values) for name, values in given.items()}


def _are_texts(values: JsonValue) -> bool:
    return isinstance(values, list) and all(isinstance(one, str) for one in values)


def _text(given: Mapping[str, JsonValue], name: str, problems: Details) -> str | None:
    value, choices = given.get(name), _TEXTS.get(name, ())
    is_bad = not isinstance(value, str) or not value or (choices and value not in choices)
    if value is not None and (is_bad or (name == "delimiter" and not re.fullmatch(_DELIMITER, str(value)))):
        problems[name] = [f"must be one of {' '.join(choices)}" if choices else "must be a text; a delimiter, one sign"]
        return None
    return value if isinstance(value, str) else None


def _flag(given: Mapping[str, JsonValue], name: str, problems: Details) -> bool:
    value = given.get(name, False)
    if not isinstance(value, bool):
        problems[name] = ["must be true or false, without quotes"]
    return value is True


def _encoding(given: Mapping[str, JsonValue], problems: Details) -> str | None:
    name = _text(given, "encoding", problems)
    try:
        "-".encode(name or "utf-8")
    except (LookupError, ValueError):  # `undefined` is an encoding that fails
        problems["encoding"] = ["is not known, such as utf-8, cp1252"]
    return name


def _time_format(given: Mapping[str, JsonValue], problems: Details) -> str | None:
    """As given. A format that Python cannot read, or that leaves the day out, would be found in no line."""
    form = _text(given, "time_format", problems)
    try:
        if form and form != UNIX:
            read_again = datetime.strptime(_ANY.strftime(form), form)  # noqa: DTZ007 - its day alone
            if read_again.date() != _ANY.date():
                raise ValueError("no day")
    except (ValueError, re.error):  # the latter: something stands twice
        problems["time_format"] = ["must be as `strptime` reads it, with a day, such as %d/%m/%Y %H:%M:%S, or unix"]
    return form


def _zone(given: Mapping[str, JsonValue], problems: Details) -> ZoneInfo | None:
    name = _text(given, "timezone", problems)
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        problems["timezone"] = ["must be a time zone's name, such as Africa/Dakar"]
        return None


def _require_words(columns: Columns, problems: Details) -> None:
    """A column of words is understood by the words alone."""
    for name, words, known in (("status", columns.statuses, Standing), ("kind", columns.kinds, Kind)):
        plural = "statuses" if name == "status" else "kinds"
        if name in columns.names and not words:
            problems.setdefault(plural, ["is required, because there is a column for it"])
        if columns.constants.get(name, next(iter(known))) not in {one.value for one in known}:
            problems[f"columns.{name}"] = [f"must be one of {', '.join(known)}"]
    if columns.refunds_are_negative and columns.kinds:
        problems["refunds_are_negative"] = ["cannot be said beside `kinds`"]


def told(wrong: Details) -> Sequence[str]:
    """What is wrong, one line for each."""
    return [f"{name} {problem}" for name, problems in wrong.items() for problem in problems]
