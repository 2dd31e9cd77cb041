"""Spans: what a request, a provider's call, a webhook or due work took, as parts of one another.

They go nowhere, and cost nothing, unless `monitoring` attaches OpenTelemetry. Nothing that is in one opens anything or
names anybody: a route's rule, an account, an operator, ids of ours; of an error its kind alone.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum

Value = str | int
Open = Callable[[str, "Kind", Mapping[str, Value]], AbstractContextManager[None]]
Note = Callable[[str | None, Mapping[str, Value]], None]


class Kind(StrEnum):
    """Who waits for whom."""

    SERVER = "server"  # somebody for us
    CLIENT = "client"  # we for somebody
    CONSUMER = "consumer"  # nobody: it was due


_NOTHING = nullcontext()
_open: Open | None = None
_note: Note | None = None


def attach(opener: Open | None, noter: Note | None) -> None:
    """From now on open spans with `opener`, and add to them with `noter`; None: no more."""
    global _open, _note
    _open, _note = opener, noter


def is_on() -> bool:
    """Whether spans go anywhere."""
    return _open is not None


def span(name: str, kind: Kind, **attributes: Value) -> AbstractContextManager[None]:
    """A span for as long as the block lasts, a part of the one around it. `__` in a name stands for a dot."""
    return _NOTHING if _open is None else _open(name, kind, attributes)


def note(name: str | None = None, **attributes: Value) -> None:
    """Add to the innermost span what is known now, maybe its name."""
    if _note is not None:
        _note(name, attributes)
