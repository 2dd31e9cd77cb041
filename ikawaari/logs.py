"""Logs: one JSON object per line on standard error, with what it belongs to: a request, due work, an attempt.

No bodies, no phone or card numbers; what libraries write goes through the same masks.

A line that cannot be written (a full disk, a closed or blocked pipe) is dropped and counted: logging must not fail a
request.
"""

import logging
import os
import re
import select
import stat
import sys
import threading
from collections.abc import Iterable, MutableMapping, Sequence
from contextvars import ContextVar
from typing import Any, TextIO

import structlog

from ikawaari.config import Config

_PIECE = 4_096  # bytes that a pipe accepts as a whole, or not at all
_PATIENCE_MS = 50  # how long a pipe may be full before the line is dropped


def _numbers(least: int) -> re.Pattern[str]:
    """Numbers of so many digits or more, as people write them; and, as a group, ids and dates, which are to stay."""
    kept = r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b20[0-9]{2}-[01][0-9]-[0-3][0-9](?![0-9])"
    return re.compile(rf"({kept})|(?<![A-Za-z0-9_])[+]?[0-9](?:[ .-]?[0-9]){{{least - 1},18}}(?![A-Za-z0-9_])")


def _unless_kept(found: re.Match[str]) -> str:
    return found[1] or "…"


# Secrets, and what identifies people; also in the texts of exceptions, which contain whatever a library was given.
_SECRETS = (
    (re.compile(r"\b(cs_|whsec_|tok_|ctoken_|ik_(?:app_)?(?:test|live)_)[A-Za-z0-9]{4,}"), r"\1…"),
    (re.compile(r"\b([rs]k_(?:test|live)_|(?:pi|seti)_[A-Za-z0-9]+_secret_)[A-Za-z0-9]{4,}"), r"\1…"),
    (re.compile(r"(/sandbox/)[^/?\s\"\\]+"), r"\1…"),
    (re.compile(r"(/r/)[A-Za-z0-9_-]{40,}"), r"\1…"),  # who knows the address of a receipt reads it
    (_numbers(10), _unless_kept),
    (re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}\.[A-Za-z]{2,}"), "…"),
    (re.compile(r"(://[^:/@\s]{1,64}:)[^@/\s]{1,256}@"), r"\1…@"),
)
_NATIONAL = _numbers(8)  # a phone number without its country's code may be as short: in other lines it is an amount
_OF_OTHERS = frozenset({"code", "error", "status", "word"})  # fields with words of a provider or of the database
_hidden: Sequence[str] = ()
REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that this thread answers."""
ATTEMPT_ID: ContextVar[str | None] = ContextVar("attempt_id", default=None)
"""The id of the payment attempt that this request or work is about, once it is known."""
_WORK: ContextVar[str | None] = ContextVar("work", default=None)
_CONTEXT = (REQUEST_ID, _WORK, ATTEMPT_ID)


def begin(*, request_id: str | None = None, work: str | None = None) -> None:
    """From now on this thread answers that request, or does that kind of due work: its lines say so."""
    REQUEST_ID.set(request_id)
    _WORK.set(work)
    ATTEMPT_ID.set(None)


def configure(config: Config) -> None:
    """Configure the process's logging."""
    root = logging.getLogger()
    if not any(isinstance(handler, Foreign) for handler in root.handlers):
        root.addHandler(Foreign(logging.WARNING))
    structlog.configure(
        processors=[
            _name_context,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            _mask,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[config.log_level.upper()]),
        logger_factory=lambda *_: WRITER,
        cache_logger_on_first_use=False,
    )


def take_over() -> None:
    """For a program of our own: also what would be printed of warnings, and of threads that fail, is logged."""
    log = structlog.get_logger()
    logging.captureWarnings(True)
    sys.excepthook = lambda *raised: log.error("process_failed", exc_info=raised)
    threading.excepthook = lambda raised: log.error("thread_failed", exc_info=raised[:3])


class Foreign(logging.Handler):
    """Logs what libraries say by Python's `logging`."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line of it."""
        try:
            text = record.getMessage()
        except (TypeError, ValueError):  # its arguments do not fit
            text = str(record.msg)
        structlog.get_logger().log(record.levelno, text, logger=record.name, exc_info=record.exc_info)


def context() -> dict[str, str]:
    """The request or work, and the attempt, that this thread is busy with, as far as known."""
    return {one.name: value for one in _CONTEXT if (value := one.get())}


def _name_context(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {**context(), **line}


def hide(secrets: Iterable[str]) -> None:
    """Keep these texts, which no pattern knows, out of what is logged of exceptions from now on."""
    global _hidden  # noqa: PLW0603 - what this process knows
    _hidden = sorted({secret for secret in secrets if secret}, key=len, reverse=True)


def masked(text: str) -> str:
    """`text` without session ids, credentials, tokens, e-mails, and anything that looks like a phone or card number."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def _mask(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    is_foreign = "exception" in line or "logger" in line
    for name, value in line.items():
        if isinstance(value, str):
            line[name] = masked(_without_foreign(value) if is_foreign or name in _OF_OTHERS else value)
    return line


def _without_foreign(text: str) -> str:
    """A library's words have whatever it was given; other lines have only what is written in this program."""
    for secret in _hidden:
        text = text.replace(secret, "…")
    return _NATIONAL.sub(_unless_kept, text)


class LogWriter:
    """Writes the lines; `dropped` counts those of this process that could not be written."""

    def __init__(self) -> None:
        self.dropped = 0
        self._lock = threading.Lock()

    def msg(self, line: str) -> None:
        """Write one line. It never raises, and never waits for long."""
        if not self._lock.acquire(timeout=_PATIENCE_MS / 1000):
            self.dropped += 1
            return
        try:
            _write(sys.stderr, line + "\n")
        except (OSError, ValueError, AttributeError):  # full, blocked, closed, or missing
            self.dropped += 1
        finally:
            self._lock.release()

    log = debug = info = warning = error = critical = exception = fatal = msg


WRITER = LogWriter()


def _write(stream: TextIO, text: str) -> None:
    """Bypass the stream's buffer: a line that could not be written would stay there, and fail again."""
    try:
        file = stream.fileno()
    except OSError:  # of a test
        stream.write(text)
        return
    left = text.encode(errors="backslashreplace")
    # A file takes a line as a whole, however many processes write to it; of pieces, others' lines come in between.
    piece = len(left) if stat.S_ISREG(os.fstat(file).st_mode) else _PIECE
    ready = select.poll()
    ready.register(file, select.POLLOUT)
    while left:
        if not ready.poll(_PATIENCE_MS):
            raise BlockingIOError
        left = left[os.write(file, left[:piece]) :]
