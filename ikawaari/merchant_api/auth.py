"""Authentication: the credential in `Authorization: Bearer …`, its scopes, and its rate limits."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar

from flask import current_app, g, request

from ikawaari import clock, errors
from ikawaari.config import Config
from ikawaari.edge import documenting, requests
from ikawaari.errors import AuthenticationFailed, NotAllowed, TooManyRequests
from ikawaari.merchants import credentials, rates
from ikawaari.merchants.credentials import Caller, Scope

F = TypeVar("F", bound=Callable[..., Any])
_CODES = (
    *(errors.CREDENTIAL_MISSING, errors.CREDENTIAL_UNKNOWN, errors.CREDENTIAL_REVOKED, errors.CREDENTIAL_EXPIRED),
    *(errors.SCOPE_MISSING, errors.ADDRESS_NOT_ALLOWED, errors.LIVE_KEY_REFUSED, errors.RATE_LIMITED),
)


def requires(scope: Scope) -> Callable[[F], F]:
    """Let a handler run for callers with `scope` only; `caller()` returns who it is. Documents itself in OpenAPI."""

    def decorate(handler: F) -> F:
        @wraps(handler)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            now = clock.now()
            g.caller = who = _authenticate(now)
            _count(who, now)
            who.require(scope)
            return handler(*args, **kwargs)

        documenting.note(guarded, _CODES, scopes=(scope.value,))
        return guarded  # type: ignore[return-value]

    return decorate


def caller() -> Caller:
    """Who makes this request."""
    found: Caller = g.caller
    return found


def _authenticate(now: datetime) -> Caller:
    who = credentials.authenticate(_credential(), request.remote_addr or "", now)
    if who.owner.livemode and not _config().takes_live_keys:
        raise NotAllowed(errors.LIVE_KEY_REFUSED)
    return who


def _credential() -> str:
    kind, _, text = str(request.environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
    if not text.strip():
        raise AuthenticationFailed(errors.CREDENTIAL_MISSING)
    if kind.lower() != "bearer":
        raise AuthenticationFailed(
            errors.CREDENTIAL_UNKNOWN, "The credential is sent as `Authorization: Bearer <credential>`."
        )
    return text.strip()


def _count(who: Caller, now: datetime) -> None:
    """Count the request, and tell the caller in the headers of its response where it stands."""
    config = _config()
    standing = rates.count(
        (
            (f"key:{who.credential_id}", who.rate_limit or config.key_rate_limit),
            (f"merchant:{who.owner.merchant_id}", config.merchant_rate_limit),
        ),
        now,
    )
    requests.add_headers(
        (
            ("X-RateLimit-Limit", str(standing.limit)),
            ("X-RateLimit-Remaining", str(max(0, standing.remaining))),
            ("X-RateLimit-Reset", str(standing.resets_at)),
        )
    )
    if standing.is_over:
        raise TooManyRequests(errors.RATE_LIMITED, retry_after_seconds=max(1, standing.resets_at - clock.unix(now)))


def _config() -> Config:
    config: Config = current_app.config["IKAWAARI"]
    return config
