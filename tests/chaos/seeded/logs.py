"""What the servers and workers wrote: nothing private, and no exception but those of a database that went away."""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Set
from pathlib import Path

from ikawaari.checkout import conditions

# What a database that is gone, full, or frozen makes a driver raise.
_OF_THE_DATABASE = ("OperationalError", "InterfaceError", "PoolTimeout", "DiskFull", "Unavailable")


_TOKENS = re.compile(r"(?:ctoken_|tok_|whsec_|[rs]k_(?:test|live)_|ik_(?:app_)?(?:test|live)_)[A-Za-z0-9_]{4,}")
_OF_ACCOUNTS = {"identify", "keys"}  # what is asked before an attempt, or of none
_NAMES = re.compile(r"^([A-Za-z_][\w.]*(?:Error|Exception|Timeout|Broken|Full|Unavailable))\b", re.M)
_DIGITS = re.compile(r"[0-9]{8,}")


def leaks(log: Path, secrets: Collection[str], phones: Set[str]) -> Iterator[str]:
    """Lines with a secret, a token, or one of the phone numbers, which are given as digits."""
    lengths = {len(phone) for phone in phones}
    for number, line in _lines(log):
        found = [secret for secret in secrets if secret in line] + _TOKENS.findall(line)
        found += [run for run in _DIGITS.findall(line) if not phones.isdisjoint(_parts(run, lengths))]
        yield from (f"line {number} of the log has a private text: {_around(line, text)}" for text in found)


def _parts(digits: str, lengths: Collection[int]) -> Iterator[str]:
    for length in lengths:
        yield from (digits[start : start + length] for start in range(len(digits) - length + 1))


def faults(log: Path) -> Iterator[str]:
    """Exceptions that no outage explains."""
    for number, line in _lines(log):
        told = _exception(line)
        if told and not _raised(told).endswith(_OF_THE_DATABASE):
            yield f"line {number} of the log: {told[-1500:]}"


def unattributed(log: Path) -> Iterator[str]:
    """Calls of providers that name no attempt, and are not of an account."""
    for number, line in _lines(log):
        told = _read(line) if '"provider_asked"' in line else {}
        is_of_account = told.get("what") in _OF_ACCOUNTS or told.get("work") == conditions.REFRESH
        if told and not told.get("attempt_id") and not is_of_account:
            yield f"line {number} of the log says of no attempt what a provider was asked: {line}"


def events(log: Path) -> Counter[str]:
    """How often each thing was logged."""
    return Counter(str(_read(line).get("event", "")) for _, line in _lines(log))


def _lines(log: Path) -> Iterator[tuple[int, str]]:
    with log.open(errors="replace") as lines:
        yield from enumerate(lines, 1)


def _raised(told: str) -> str:
    """The name of the exception that nobody caught; its message may have lines of its own."""
    return next(iter(reversed(_NAMES.findall(told))), "")


def _exception(line: str) -> str:
    if "Traceback" not in line:
        return ""
    return str(_read(line).get("exception") or line)


def _read(line: str) -> dict[str, object]:
    try:
        read = json.loads(line)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _around(line: str, text: str) -> str:
    place = line.index(text)
    return f"{line[max(0, place - 200) : place]}[…]"
