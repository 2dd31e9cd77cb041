"""Authentication: the credential in `Authorization: Bearer …`, its scopes, and its rate limits."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, Response, current_app, g, request

from ikawaari import clock, errors
from ikawaari.edge import documenting
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
            g.caller = _authenticate()
            _count(g.caller)
            g.caller.require(scope)
            return handler(*args, **kwargs)

        documenting.note(guarded, _CODES, scopes=(scope.value,))
        return guarded  # type: ignore[return-value]

    return decorate


def caller() -> Caller:
    """Who makes this request."""
    found: Caller = g.caller
    return found


def register(app: Flask) -> None:
    """Add rate-limit headers to the responses of authenticated callers."""

    def add_rate_headers(response: Response) -> Response:
        standing: rates.RateLimitStatus | None = g.get("standing")
        if standing:
            response.headers["X-RateLimit-Limit"] = str(standing.limit)
            response.headers["X-RateLimit-Remaining"] = str(max(0, standing.remaining))
            response.headers["X-RateLimit-Reset"] = str(standing.resets_at)
        return response

    app.after_request(add_rate_headers)


def _authenticate() -> Caller:
    who = credentials.authenticate(_credential(), request.remote_addr or "", clock.now())
    if who.owner.livemode and not current_app.config["IKAWAARI"].takes_live_keys:
        raise NotAllowed(errors.LIVE_KEY_REFUSED)
    return who


def _credential() -> str:
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    if not text.strip():
        raise AuthenticationFailed(errors.CREDENTIAL_MISSING)
    if kind.lower() != "bearer":
        raise AuthenticationFailed(
            errors.CREDENTIAL_UNKNOWN, "The credential is sent as `Authorization: Bearer <credential>`."
        )
    return text.strip()


def _count(who: Caller) -> None:
    config = current_app.config["IKAWAARI"]
    limits = [
        (f"key:{who.credential_id}", who.rate_limit or config.key_rate_limit),
        (f"merchant:{who.owner.merchant.id}", config.merchant_rate_limit),
    ]
    now = clock.now()
    g.standing = rates.count(limits, now)
    if g.standing.is_over:
        raise TooManyRequests(errors.RATE_LIMITED, retry_after_seconds=max(1, g.standing.resets_at - clock.unix(now)))
