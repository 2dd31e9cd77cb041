"""Calls providers over HTTP, and says of every call that got no answer whether anything of it may have been sent.

A verb makes one `Call` and asks through it: all its requests share the verb's time. No redirect is followed, no proxy
of the environment is used, nothing is repeated, and no address, body or header is logged.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from importlib import metadata
from threading import local
from typing import Any

import requests
import structlog
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from ikawaari.providers.outcomes import FailureCode, Outcome, refused, unknown

log = structlog.get_logger()
CONNECT_SECONDS, READ_SECONDS = 5.0, 20.0
LARGEST_ANSWER = 1_048_576  # bytes
LONGEST_WAIT = timedelta(hours=1)  # that a provider may ask for: a slip of its pen must not end an account
USER_AGENT = f"ikawaari/{metadata.version('ikawaari')}"
_MOST_ACCOUNTS, _MOST_CONNECTIONS = 200, 16
_PIECE = 65_536
_LONGEST_SECONDS = 9  # digits
_TOO_MANY = 429
_waits: dict[str, timedelta] = {}  # what accounts were told to wait, until somebody takes it
_progress = local()  # of this thread's request: `may_send_until`, and whether anything of it `was_sent`


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    headers: Mapping[str, str] = field(repr=False)  # in any case
    body: bytes = field(repr=False)

    @property
    def word(self) -> str:
        """The status as the raw code of an outcome."""
        return f"HTTP {self.status}"

    @property
    def wait(self) -> timedelta | None:
        """How long a provider that was asked too often wants to be left alone; None if it does not say."""
        wait = _retry_after(self.headers) if self.status == _TOO_MANY else timedelta()
        return min(wait, LONGEST_WAIT) if wait > timedelta() else None

    def value(self) -> object:
        """The JSON in the body: see `decoded`."""
        return decoded(self.body)

    def read(self, *path: str | int) -> object:
        """What is in the JSON at `path`; None if there is no such place."""
        return read(self.value(), *path)

    def unknown(self) -> Outcome:
        """The outcome of an answer that says nothing usable."""
        return unknown(self.word)


@dataclass(frozen=True, kw_only=True)
class NoAnswer:
    """Nothing usable came back. Unless it `was_sent`, the provider certainly has nothing of it."""

    was_sent: bool
    word: str

    def unknown(self) -> Outcome:
        """The outcome for everything but a create: nobody knows more than before."""
        return unknown(self.word)

    def of_create(self) -> Outcome:
        """The outcome of a charge or a refund whose own request this was: refused only if nothing was sent."""
        return self.unknown() if self.was_sent else refused(FailureCode.PROVIDER_UNAVAILABLE, self.word)


def take_wait(account_id: str) -> timedelta | None:
    """What an account was told to wait since this was asked last, by whatever call; None if nothing."""
    return _waits.pop(account_id, None)


def _retry_after(headers: Mapping[str, str]) -> timedelta:
    """The header of that name: seconds, or an instant, which is measured by the clock of who wrote it."""
    given = headers.get("Retry-After", "").strip()
    if given.isascii() and given.isdigit():
        return timedelta(seconds=int(given[:_LONGEST_SECONDS]))
    try:
        return parsedate_to_datetime(given) - parsedate_to_datetime(headers.get("Date", ""))
    except (ValueError, TypeError):  # not a date; or one has a time zone, and the other one has not
        return timedelta()


def decoded(body: bytes) -> object:
    """The JSON in `body`, with Decimal for fractions; None for anything else: HTML, garbage, nothing."""
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError, ArithmeticError):
        return None


def read(value: object, *path: str | int) -> object:
    """What is at `path` in decoded JSON: names of members, positions in lists. None if there is no such place."""
    for step in path:
        if not isinstance(value, Mapping | list):
            return None
        try:
            value = value[step]  # type: ignore[index]  # a list's index may be a name: then it is not there
        except (KeyError, IndexError, TypeError):
            return None
    return value


def read_text(value: object, *path: str | int) -> str | None:
    """The same for a text: None for any other kind of value."""
    found = read(value, *path)
    return found if isinstance(found, str) else None


class Call:
    """The requests of one verb to one account: together they take at most `timeout`."""

    def __init__(self, account_id: str, base_url: str, timeout: timedelta, *, read_seconds: float = READ_SECONDS):
        self._session = _session_of(account_id)
        self._account_id, self._base_url, self._read_seconds = account_id, base_url.rstrip("/"), read_seconds
        self._ends_at = time.monotonic() + timeout.total_seconds()

    def send(
        self,
        method: str,
        path: str,
        *,
        what: str,
        headers: Mapping[str, str] | None = None,
        body: object = None,
        form: Mapping[str, str] | None = None,
        raw: bytes | None = None,
        read_seconds: float | None = None,
        largest: int = LARGEST_ANSWER,
    ) -> Answer | NoAnswer:
        """One request. At most one of `body` (sent as JSON), `form` and `raw` is given. Never raises.

        `what` is its name in the log, such as `create`. `read_seconds`: how long to wait for its answer, if longer than
        for others. `largest`: how many bytes it may have, if more than others.
        """
        started = time.monotonic()
        _progress.was_sent, _progress.may_send_until = False, self._ends_at
        data = json.dumps(body, separators=(",", ":")).encode() if body is not None else raw if form is None else form
        kind = {} if body is None else {"Content-Type": "application/json; charset=UTF-8"}
        try:
            sent = {"User-Agent": USER_AGENT, **kind, **(headers or {})}
            answer = self._sent(method, path, sent, data, read_seconds or self._read_seconds, largest=largest)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            # Its text has the address, which may name a payer; its kind is enough.
            answer = NoAnswer(was_sent=_progress.was_sent, word=type(_cause(error)).__name__)
        log.info(
            "provider_asked",
            account=self._account_id,
            what=what,
            answer=answer.word,
            was_sent=_progress.was_sent,
            milliseconds=round((time.monotonic() - started) * 1000),
        )
        return answer

    def _sent(
        self, method: str, path: str, headers: Mapping[str, str], data: Any, read_seconds: float, *, largest: int
    ) -> Answer | NoAnswer:
        left = self._ends_at - time.monotonic()
        if left <= 0:
            return NoAnswer(was_sent=False, word="OutOfTime")
        waits = (min(CONNECT_SECONDS, left), min(read_seconds, left))
        url = f"{self._base_url}{path}"
        with self._session.request(
            method, url, headers=headers, data=data, timeout=waits, allow_redirects=False, stream=True
        ) as response:
            body = _bounded(response, self._ends_at, largest)
            if body is None:
                return NoAnswer(was_sent=True, word="EndlessAnswer")
            answer = Answer(status=response.status_code, headers=response.headers, body=body)
            if answer.wait:
                _waits[self._account_id] = answer.wait
            return answer


def _bounded(response: requests.Response, ends_at: float, largest: int) -> bytes | None:
    """The body; None if it is too large or takes too long."""
    body = bytearray()
    while piece := response.raw.read1(_PIECE, decode_content=True):  # what has come: not until a piece is full
        body += piece
        if len(body) > largest or time.monotonic() > ends_at:
            return None
    return bytes(body)


def _cause(error: BaseException) -> BaseException:
    """The innermost of the errors that `requests` and `urllib3` wrapped into each other."""
    inner = [getattr(error, "reason", None), *error.args]
    found = next((one for one in inner if isinstance(one, BaseException)), None)
    return error if found is None else _cause(found)


def _no_number(_name: str) -> object:
    raise ValueError("NaN and Infinity are no JSON")


# ---------------------------------------------------------------- connections


class _TooLate(OSError):
    """The connection stood only when the call's time was over: nothing was sent, and nothing will be."""


class _Marking(HTTPConnection):
    """A connection that marks when the first byte of a request may leave: until then nothing can have been started."""

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if time.monotonic() > _progress.may_send_until:
            raise _TooLate
        _progress.was_sent = True
        super().send(data)


class _MarkingSecurely(_Marking, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Marking


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _MarkingSecurely


class _Adapter(HTTPAdapter):
    """Uses marking connections."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


@lru_cache(_MOST_ACCOUNTS)
def _session_of(account_id: str) -> requests.Session:
    """The connections of one account, which others do not use. Created after the fork, with its first call."""
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.clear()
    session.headers.update({"Accept": "application/json"})
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter(pool_connections=4, pool_maxsize=_MOST_CONNECTIONS, max_retries=0))
    return session
