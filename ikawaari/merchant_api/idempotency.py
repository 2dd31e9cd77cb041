"""`Idempotency-Key` on POST: the first answer is returned again, byte for byte, each time the request is repeated."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Response, g, request

from ikawaari import clock, errors, store
from ikawaari.edge import documenting, idempotency_key
from ikawaari.edge import errors as error_answers
from ikawaari.errors import IkawaariError
from ikawaari.merchant_api import auth
from ikawaari.merchants import idempotency
from ikawaari.merchants.idempotency import Answer, Claim

F = TypeVar("F", bound=Callable[..., Any])
_CODES = (errors.FIELD_INVALID, errors.CARD_NUMBER_SENT, errors.KEY_REUSED, errors.KEY_IN_USE)
# Like a success, these are final decisions. Any other refusal had no effect, and may end differently next time.
_FINAL = {HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.GONE}


def idempotent(handler: F, *, holds_secret: bool = False) -> F:
    """Run `handler` once per key. It may only use the database, because it shares a transaction with its answer.

    `holds_secret`: the stored answer is sealed, and returned again only to the same credential.
    """
    return _once(handler, store.atomic, holds_secret)


def idempotent_call(handler: F, *, holds_secret: bool = False) -> F:
    """Run `handler` once per key, although it calls an outside system and so shares no transaction with its answer.

    If a run is killed halfway, the next run with the same key continues where it stopped: see `recovery`.
    """
    return _once(handler, nullcontext, holds_secret)


def _once(handler: F, together: Callable[[], AbstractContextManager[None]], holds_secret: bool) -> F:
    @wraps(handler)
    def once(*args: Any, **kwargs: Any) -> Any:
        key = idempotency_key.read()
        if key is None:
            return handler(*args, **kwargs)
        claimed = idempotency.claim(
            auth.caller(),
            method=request.method,
            path=request.path,
            key=key,
            body_digest=idempotency_key.body_digest(),
            now=clock.now(),
        )
        if isinstance(claimed, Answer):
            return _replayed(claimed)
        g.claim = claimed
        return _run(claimed, lambda: handler(*args, **kwargs), together, holds_secret)

    documenting.note(once, _CODES, idempotent=True)
    return once  # type: ignore[return-value]


def _run(
    mine: Claim,
    call: Callable[[], Response],
    together: Callable[[], AbstractContextManager[None]],
    holds_secret: bool,
) -> Response:
    try:
        with together():
            response = call()
            credential_id = auth.caller().credential_id if holds_secret else None
            idempotency.keep(mine, replace(_answer(response), credential_id=credential_id))
            return response
    except IkawaariError as error:
        return _refuse(mine, error)
    except BaseException:
        idempotency.release(mine)
        raise


def _refuse(mine: Claim, error: IkawaariError) -> Response:
    if error.http_status not in _FINAL or error.retryable:
        idempotency.release(mine)
        raise error
    response = error_answers.render(error)
    idempotency.keep(mine, _answer(response))
    return response


def _answer(response: Response) -> Answer:
    headers = {name: response.headers[name] for name in ("Content-Type", "Location") if name in response.headers}
    return Answer(response.status_code, headers, response.get_data(as_text=True))


def _replayed(answer: Answer) -> Response:
    response = Response(answer.body, status=answer.status, headers=dict(answer.headers))
    response.headers["Idempotent-Replayed"] = "true"
    return response
