"""`Idempotency-Key` on POST: the first answer is returned again, byte for byte, each time the request is repeated."""

from collections.abc import Callable
from datetime import datetime
from functools import partial, wraps
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Response, g, request

from ikawaari import clock, errors, store
from ikawaari.edge import documenting, idempotency_key
from ikawaari.edge import errors as error_answers
from ikawaari.errors import IkawaariError
from ikawaari.merchant_api import auth
from ikawaari.merchants import idempotency
from ikawaari.merchants.idempotency import Answer, Call

F = TypeVar("F", bound=Callable[..., Any])
_CODES = (errors.FIELD_INVALID, errors.CARD_NUMBER_SENT, errors.KEY_REUSED, errors.KEY_IN_USE)
# Like a success, these are final decisions. Any other refusal had no effect, and may end differently next time.
_FINAL = {HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.GONE}


def idempotent(handler: F, *, holds_secret: bool = False) -> F:
    """Run `handler` once per key. It may only use the database, because it shares a transaction with its answer.

    `holds_secret`: the stored answer is sealed, and returned again only to the same credential.
    """
    return _once(handler, partial(_run_alone, holds_secret=holds_secret))


def idempotent_insert(handler: F) -> F:
    """The same for a handler that does nothing but insert: it runs before anybody knows whether the key is new.

    Nearly all keys are, so nobody looks them up. If it is not, what the handler did is undone.
    """
    return _once(handler, _run_first)


def idempotent_call(handler: F, *, holds_secret: bool = False) -> F:
    """Run `handler` once per key, although it calls an outside system and so shares no transaction with its answer.

    If a run is killed halfway, the next run with the same key continues where it stopped: see `recovery`.
    """
    return _once(handler, partial(_run_claimed, holds_secret=holds_secret))


def _once(handler: F, run: Callable[[Call, Callable[[], Response]], Response]) -> F:
    @wraps(handler)
    def once(*args: Any, **kwargs: Any) -> Any:
        key = idempotency_key.read()
        if key is None:
            return handler(*args, **kwargs)
        call = Call(auth.caller(), request.method, request.path, key, idempotency_key.body_digest())
        return run(call, lambda: handler(*args, **kwargs))

    documenting.note(once, _CODES, idempotent=True)
    return once  # type: ignore[return-value]


def _run_alone(call: Call, handler: Callable[[], Response], *, holds_secret: bool = False) -> Response:
    now = clock.now()
    try:
        with idempotency.alone(call, now) as known:
            if isinstance(known, Answer):
                return _replayed(known)
            response = handler()
            idempotency.keep(call, known, _answer(response, call, holds_secret=holds_secret), now)
            return response
    except store.IntegrityError:
        faster = idempotency.answer_of(call, now)  # of an equal call: what this one did is undone
        if faster is None:
            raise
        return _replayed(faster)
    except IkawaariError as error:
        if not _is_final(error):
            raise
        return _keep_refusal(call, error, now)


def _run_first(call: Call, handler: Callable[[], Response]) -> Response:
    now = clock.now()
    try:
        with store.atomic():
            response = handler()
            idempotency.keep(call, None, _answer(response, call), now)
            return response
    except (store.IntegrityError, IkawaariError):  # the key is known, or the call refused: the key decides
        return _run_alone(call, handler)


def _keep_refusal(call: Call, error: IkawaariError, now: datetime) -> Response:
    response = error_answers.render(error)
    with idempotency.alone(call, now) as known:
        if isinstance(known, Answer):
            return _replayed(known)
        idempotency.keep(call, known, _answer(response, call), now)
    return response


def _run_claimed(call: Call, handler: Callable[[], Response], *, holds_secret: bool) -> Response:
    mine = idempotency.claim(call, clock.now())
    if isinstance(mine, Answer):
        return _replayed(mine)
    g.claim = mine
    try:
        response = handler()
        idempotency.finish(mine, _answer(response, call, holds_secret=holds_secret))
    except IkawaariError as error:
        if not _is_final(error):
            idempotency.release(mine)
            raise
        response = error_answers.render(error)
        idempotency.finish(mine, _answer(response, call))
    except BaseException:
        idempotency.release(mine)
        raise
    return response


def _is_final(error: IkawaariError) -> bool:
    return error.http_status in _FINAL and not error.retryable


def _answer(response: Response, call: Call, *, holds_secret: bool = False) -> Answer:
    headers = {name: response.headers[name] for name in ("Content-Type", "Location") if name in response.headers}
    credential_id = call.caller.credential_id if holds_secret else None
    return Answer(response.status_code, headers, response.get_data(as_text=True), credential_id)


def _replayed(answer: Answer) -> Response:
    response = Response(answer.body, status=answer.status, headers=dict(answer.headers))
    response.headers["Idempotent-Replayed"] = "true"
    return response
