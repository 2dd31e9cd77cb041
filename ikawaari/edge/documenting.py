"""smorest's blueprint with our parser, and each operation in the OpenAPI document: all its answers, including errors.

The possible answers of a route are noted where they are decided: `requires`, `idempotent` and `operation` note the
error codes of a handler, a body or a query adds its own, and the document gets one response per status.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial, wraps
from http import HTTPStatus
from typing import Any, TypeVar

from apispec import APISpec
from flask import Flask, Response, jsonify
from flask_smorest import Blueprint as SmorestBlueprint

from ikawaari import errors
from ikawaari.edge.answers import Output
from ikawaari.edge.examples import Example
from ikawaari.edge.parsing import Parser
from ikawaari.errors import AnyCode
from ikawaari.shapes import JsonObject

F = TypeVar("F", bound=Callable[..., Any])
Document = dict[str, Any]
"""An OpenAPI document, or an object in one, while it is put together."""
REQUEST_ID = "req_4tQ9sWmZ1cXv7LkP0bNfYhR2dJe"
_UNTOLD = "ikawaari-untold-routes"
_ALWAYS: frozenset[AnyCode] = frozenset({errors.UNEXPECTED, errors.UNAVAILABLE})
_OF_A_BODY: frozenset[AnyCode] = frozenset(
    {
        errors.FIELD_INVALID,
        errors.BODY_MALFORMED,
        errors.CONTENT_TYPE_UNSUPPORTED,
        errors.BODY_TOO_LARGE,
        errors.REQUEST_MALFORMED,
        errors.CARD_NUMBER_SENT,
    }
)
_OF_A_QUERY: frozenset[AnyCode] = frozenset({errors.FIELD_INVALID, errors.CARD_NUMBER_SENT})
_RATE_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
_MAY_WAIT = {HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}


@dataclass(frozen=True)
class Facts:
    """What is known about a handler besides its schemas."""

    id: str = ""
    codes: frozenset[AnyCode] = frozenset()
    scopes: tuple[str, ...] = ()
    idempotent: bool = False
    takes_key: bool = False


def note(handler: Callable[..., Any], codes: Iterable[AnyCode] = (), **facts: Any) -> None:
    """Note facts about `handler`, and the error codes that it may answer with."""
    known: dict[str, Any] = getattr(handler, "_apidoc", {})
    before: Facts = known.get("facts", Facts())
    after = replace(before, codes=before.codes | frozenset(codes), **facts)
    handler.__dict__["_apidoc"] = known | {"facts": after}  # where smorest keeps its own notes


def operation(operation_id: str, *codes: AnyCode) -> Callable[[F], F]:
    """Name a handler for generated clients, and note which error codes of the domain it may answer with."""

    def decorate(handler: F) -> F:
        note(handler, codes, id=operation_id)
        return handler

    return decorate


def takes_key(handler: F) -> F:
    """Note that a handler honors `Idempotency-Key`, although it replays nothing."""
    note(handler, [errors.KEY_REUSED], takes_key=True)
    return handler


class Blueprint(SmorestBlueprint):
    """smorest's blueprint with all that."""

    ARGUMENTS_PARSER = Parser()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._prepare_doc_cbks.append(self._tell_facts)

    def register_views_in_doc(self, api: Any, app: Flask, spec: APISpec, **options: Any) -> None:
        """Postpone it until `describe`: it would be the slowest part of a start, and few processes need it."""
        tell = partial(super().register_views_in_doc, api, app, spec, **options)
        app.extensions.setdefault(_UNTOLD, []).append(tell)

    def response(self, status_code: int, schema: Output, **described: Any) -> Callable[[F], F]:
        """Answer with what a handler returns, dumped by `schema`. smorest documents it, and does nothing else."""
        document = super().response(status_code, schema, **described)

        def decorate(handler: F) -> F:
            @wraps(handler)
            def answer(*args: Any, **kwargs: Any) -> Response:
                response = jsonify(schema.dump(handler(*args, **kwargs)))
                if status_code != response.status_code:
                    response.status_code = status_code
                return response

            answer.__dict__["_apidoc"] = document(handler)._apidoc  # noqa: SLF001 - smorest's notes
            return answer  # type: ignore[return-value]

        return decorate

    @staticmethod
    def _tell_facts(doc: Document, info: dict[str, Any], *, spec: APISpec, **_others: Any) -> Document:
        facts: Facts = info.get("facts", Facts())
        codes = facts.codes | _ALWAYS
        codes |= _OF_A_BODY if "requestBody" in doc else frozenset()
        codes |= _OF_A_QUERY if doc.get("parameters") else frozenset()
        headers = ["Ikawaari-Request-Id", *(_RATE_HEADERS if facts.scopes else ())]
        for status in info["success_status_codes"]:
            replayed = ["Idempotent-Replayed"] if facts.idempotent else []
            doc["responses"][status]["headers"] = _referred(headers + replayed)
        del doc["responses"]["default"]
        for status, rows in _by_status(codes).items():
            doc["responses"][status] = {"$ref": _response(spec, status, rows, headers)}
        if facts.idempotent or facts.takes_key:
            doc["parameters"] = [*doc.get("parameters", ()), "Idempotency-Key"]
        doc["operationId"] = facts.id
        doc["security"] = [{"bearer": list(facts.scopes)}] if facts.scopes else []
        return doc


def describe(app: Flask) -> bool:
    """Have every blueprint of `app` add its routes to the OpenAPI document. False if all have done so before."""
    untold = app.extensions.pop(_UNTOLD, [])
    for tell in untold:
        tell()
    return bool(untold)


def error_example(row: AnyCode) -> Example:
    """The body of an error."""
    details = {"amount": ["Not a valid integer"]} if row == errors.FIELD_INVALID else {}
    return {
        "error": {
            "code": row.id,
            "message": row.meaning,
            "type": str(row.error_type),
            "retryable": row.retryable,
            "details": details,
            "request_id": REQUEST_ID,
        }
    }


def _by_status(codes: Iterable[AnyCode]) -> Mapping[int, list[AnyCode]]:
    rows = sorted(codes, key=lambda row: (row.status, row.id))
    return {status: [row for row in rows if row.status == status] for status in dict.fromkeys(r.status for r in rows)}


def _response(spec: APISpec, status: int, rows: list[AnyCode], headers: list[str]) -> str:
    """The reference of the shared response for these codes, which is created if there is none yet."""
    limited = ["Limited"] if "X-RateLimit-Limit" in headers and status != HTTPStatus.UNAUTHORIZED else []
    phrase = "".join(word.title() for word in HTTPStatus(status).phrase.split())
    name = ".".join([phrase, *limited, *(row.id.removeprefix("IKW-") for row in rows)])
    if name not in spec.components.responses:
        own = ["Retry-After"] if status in _MAY_WAIT else []
        own += ["WWW-Authenticate"] if status == HTTPStatus.UNAUTHORIZED else []
        content = {
            "schema": {"$ref": "#/components/schemas/Error"},
            "examples": {row.id: {"value": error_example(row)} for row in rows},
        }
        response = {
            "description": "\n".join(f"* `{row.id}`: {row.meaning}" for row in rows),
            "headers": _referred((headers if limited else headers[:1]) + own),
            "content": {"application/json": content},
        }
        spec.components.response(name, response)
    return f"#/components/responses/{name}"


def _referred(headers: Iterable[str]) -> JsonObject:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
