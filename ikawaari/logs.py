"""Logs: one JSON object a line on standard error, with the request's id. No body, no number of a phone or a card.

A line that cannot be written (a full disk, a closed or stuck pipe) is dropped and counted: it must not cost an answer.
"""

import logging
import os
import re
import select
import sys
import threading
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from ikawaari.config import Config

_PIECE = 4_096  # bytes: what a pipe takes whole, or not at all
_PATIENCE_MS = 50  # how long a pipe may be full before the line is dropped
# What opens something, or names somebody: also in the texts of exceptions, which hold whatever a library was given.
_SECRETS = (
    (re.compile(r"\b(cs_|whsec_|tok_|ik_(?:app_)?(?:test|live)_)[A-Za-z0-9]{4,}"), r"\1…"),
    (re.compile(r"(/sandbox/)[^/?\s\"\\]+"), r"\1…"),
    (re.compile(r"(?<![A-Za-z0-9_])[+]?[0-9](?:[ .-]?[0-9]){9,18}(?![A-Za-z0-9_])"), "…"),
    (re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}\.[A-Za-z]{2,}"), "…"),
    (re.compile(r"(://[^:/@\s]{1,64}:)[^@/\s]{1,256}@"), r"\1…@"),
)


def configure(config: Config) -> None:
    """Set the process's logging."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
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


def masked(text: str) -> str:
    """`text` without session ids, credentials, tokens, e-mails, and what looks like a number of a phone or a card."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def _mask(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in line.items():
        if isinstance(value, str):
            line[name] = masked(value)
    return line


class LogWriter:
    """Where the lines go; `dropped` counts, in this process, those that could not be written."""

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
        except (OSError, ValueError, AttributeError):  # full, stuck, closed, or none at all
            self.dropped += 1
        finally:
            self._lock.release()

    log = debug = info = warning = error = critical = exception = fatal = msg


WRITER = LogWriter()


def _write(stream: TextIO, text: str) -> None:
    """Around the stream's buffer: what could not be written would stay there, and fail again with the next line."""
    try:
        file = stream.fileno()
    except OSError:  # a test's
        stream.write(text)
        return
    left = text.encode(errors="backslashreplace")
    ready = select.poll()
    ready.register(file, select.POLLOUT)
    while left:
        if not ready.poll(_PATIENCE_MS):
            raise BlockingIOError
        left = left[os.write(file, left[:_PIECE]) :]
