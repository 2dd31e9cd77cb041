"""`ikawaari` by a clock that a test moves, except that once, at a step around a provider's call, it dies by SIGKILL.

Like `killing`, for any adapter: the steps are those of its requests.
"""

import os
from collections.abc import Callable, Mapping
from functools import partial, wraps
from threading import local
from typing import Any

from urllib3.connection import HTTPConnection

from ikawaari.checkout import callbacks
from ikawaari.providers import registry
from ikawaari.providers.http import Call
from tests.chaos.killing import DIE_AT, after, before
from tests.chaos.seeded import moved

_LOGINS, _CHECK = ("/token/", "/login"), "/check"  # CinetPay's legacy API looks up by POST
_thread = local()  # `is_asking`: inside the request that the trap is for; `is_looking_up`: inside that verb


def main() -> None:
    """Put the trap, then be `ikawaari` by the moved clock."""
    TRAPS[os.environ[DIE_AT]]()
    moved.main()


def _creates(_call: Call, method: str, path: str, *_: Any) -> bool:
    return method == "POST" and "refund" not in path and not path.endswith((*_LOGINS, _CHECK))


def _refunds(_call: Call, method: str, path: str, *_: Any) -> bool:
    return method == "POST" and "refund" in path


def _looks_up(_call: Call, method: str, path: str, *_: Any) -> bool:
    return (method == "GET" or path.endswith(_CHECK)) and getattr(_thread, "is_looking_up", False)


def _sent(condition: Callable[..., bool]) -> None:
    """Die when all of a request has left, and its answer has not been read."""
    send = Call.send

    @wraps(send)
    def marked(*given: Any, **named: Any) -> Any:
        _thread.is_asking = condition(*given)
        try:
            return send(*given, **named)
        finally:
            _thread.is_asking = False

    Call.send = marked  # type: ignore[method-assign]
    before(HTTPConnection, "getresponse", lambda *_: getattr(_thread, "is_asking", False))


def _looking_up(put_trap: Callable[[], None]) -> None:
    """Put the trap into look-ups: some adapters ask with the same request before they charge."""
    for adapter in registry.INSTALLED:
        _mark(adapter)
    put_trap()


def _mark(adapter: Any) -> None:
    lookup = adapter.lookup

    @wraps(lookup)
    def marked(*given: Any) -> Any:
        _thread.is_looking_up = True
        try:
            return lookup(*given)
        finally:
            _thread.is_looking_up = False

    adapter.lookup = marked


def _verified() -> None:
    for adapter in registry.INSTALLED:
        after(adapter, "parse_callback")


TRAPS: Mapping[str, Callable[[], None]] = {
    "before a charge is sent": partial(before, Call, "send", _creates),
    "a charge is sent": partial(_sent, _creates),
    "a charge is answered": partial(after, Call, "send", _creates),
    "a callback is verified": _verified,
    "a callback is applied": partial(after, callbacks, "receive"),  # and not acknowledged
    "a look-up is sent": partial(_looking_up, partial(_sent, _looks_up)),
    "a look-up is answered": partial(_looking_up, partial(after, Call, "send", _looks_up)),
    "before a refund is sent": partial(before, Call, "send", _refunds),
    "a refund is sent": partial(_sent, _refunds),
    "a refund is answered": partial(after, Call, "send", _refunds),
}

if __name__ == "__main__":
    main()
