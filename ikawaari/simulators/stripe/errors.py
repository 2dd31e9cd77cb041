"""The errors of the API: one exception that holds the HTTP status and the body's `error` object."""

from typing import Any

from ikawaari.simulators.shapes import JsonObject

INVALID, CARD, IDEMPOTENCY, API = "invalid_request_error", "card_error", "idempotency_error", "api_error"


class Refused(Exception):
    """An answer that is an error. Keyword arguments without a value are left out of the body."""

    def __init__(self, status: int, message: str, *, kind: str = INVALID, **fields: Any) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"type": kind, "message": message} | {key: value for key, value in fields.items() if value}

    @property
    def body(self) -> JsonObject:
        """The JSON body."""
        return {"error": self.error}


def invalid(message: str, param: str | None = None, code: str | None = None, **fields: Any) -> Refused:
    """A 400: the request cannot be carried out as it is."""
    return Refused(400, message, param=param, code=code, **fields)


def missing(kind: str, identifier: str, param: str = "id", status: int = 404) -> Refused:
    """No object of this kind has this id; `status` is 400 where a parameter named it, not the address."""
    return Refused(status, f"No such {kind}: '{identifier}'", param=param, code="resource_missing")
