"""The errors that leave the house: a broken request or a conflict. A decline is a value, a bug is an assertion.

IkawaariError
├── ValidationFailed      400  the request is wrong; `details` names every bad field
├── AuthenticationFailed  401  no credential, or none that counts
├── Declined              402  the provider refused at once
├── NotAllowed            403  the credential may not do this
├── NotFound              404  no such object, or another merchant's
├── Conflict              409  the object's state, or an idempotency key, forbids it
├── Gone                  410  the object's life has ended
├── TooManyRequests       429
└── Unavailable           503  try again later
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Details = dict[str, list[str]]


class ErrorType(StrEnum):
    """The coarse class of an error, for clients that branch on it."""

    VALIDATION = "validation_error"
    AUTHENTICATION = "authentication_error"
    AUTHORIZATION = "authorization_error"
    DOMAIN = "domain_error"
    API = "api_error"


@dataclass(frozen=True, slots=True)
class Code:
    """One row of the error table: `IKW-<module>-<number>`, its HTTP status and whether a retry may help."""

    id: str
    status: int
    type: ErrorType
    meaning: str
    retryable: bool = False


_T = ErrorType
_ROWS = (
    Code("IKW-AUTH-001", 401, _T.AUTHENTICATION, "No credential was sent."),
    Code("IKW-AUTH-002", 401, _T.AUTHENTICATION, "The credential is unknown or malformed."),
    Code("IKW-AUTH-003", 401, _T.AUTHENTICATION, "The credential was revoked, or its app was uninstalled."),
    Code("IKW-AUTH-004", 401, _T.AUTHENTICATION, "The credential has expired."),
    Code("IKW-AUTHZ-001", 403, _T.AUTHORIZATION, "The credential lacks a scope."),
    Code("IKW-AUTHZ-002", 403, _T.AUTHORIZATION, "The credential may not be used from this address."),
    Code("IKW-AUTHZ-003", 403, _T.AUTHORIZATION, "The request came from a foreign site."),
    Code("IKW-AUTHZ-004", 403, _T.AUTHORIZATION, "Live keys are refused on a server that runs with --insecure."),
    Code("IKW-REQ-001", 400, _T.VALIDATION, "A field is wrong; details lists every one."),
    Code("IKW-REQ-002", 400, _T.VALIDATION, "The body is not the JSON it should be."),
    Code("IKW-REQ-003", 415, _T.VALIDATION, "The body's content type is not application/json."),
    Code("IKW-REQ-004", 413, _T.VALIDATION, "The body is too large."),
    Code("IKW-REQ-005", 405, _T.VALIDATION, "The method is not allowed here."),
    Code("IKW-REQ-006", 412, _T.VALIDATION, "A precondition of the request does not hold."),
    Code("IKW-REQ-007", 409, _T.DOMAIN, "The idempotency key was used with another body."),
    Code("IKW-REQ-008", 409, _T.DOMAIN, "The first call with this idempotency key still runs.", retryable=True),
    Code("IKW-REQ-009", 400, _T.VALIDATION, "The request is malformed."),
    Code("IKW-REQ-010", 414, _T.VALIDATION, "The address is too long."),
    Code("IKW-REQ-011", 431, _T.VALIDATION, "The request's headers are too large."),
    Code("IKW-REQ-012", 408, _T.VALIDATION, "The request took too long to arrive.", retryable=True),
    Code("IKW-RES-001", 404, _T.DOMAIN, "There is no such object."),
    Code("IKW-RES-002", 409, _T.DOMAIN, "The object's state does not allow this."),
    Code("IKW-RES-003", 409, _T.DOMAIN, "Another payment attempt is not settled yet."),
    Code("IKW-RES-004", 409, _T.DOMAIN, "It is already paid."),
    Code("IKW-RES-005", 409, _T.DOMAIN, "The provider of this payment cannot refund it."),
    Code("IKW-RES-006", 404, _T.DOMAIN, "This server does not offer that part of the API."),
    Code("IKW-RATE-001", 429, _T.API, "Too many requests.", retryable=True),
    Code("IKW-RATE-002", 429, _T.API, "Too many tries without a payment; wait before the next one.", retryable=True),
    Code("IKW-SYS-001", 500, _T.API, "An unexpected error; it was recorded.", retryable=True),
    Code("IKW-SYS-002", 503, _T.API, "The service is not available now.", retryable=True),
    Code("IKW-SYS-003", 503, _T.API, "No provider takes this payment now; details says what is missing."),
    Code("IKW-CHK-001", 404, _T.DOMAIN, "There is no such checkout session."),
    Code("IKW-CHK-002", 400, _T.VALIDATION, "The payment request is wrong; details lists every bad field."),
    Code("IKW-CHK-003", 410, _T.DOMAIN, "The checkout session has expired."),
    Code("IKW-CHK-004", 400, _T.VALIDATION, "A raw card number was sent; only tokens are taken."),
    Code("IKW-CHK-005", 410, _T.DOMAIN, "The payment link takes no more payments."),
    Code("IKW-TRANSFER-001", 402, _T.DOMAIN, "The payment was declined."),
    Code("IKW-TRANSFER-002", 402, _T.DOMAIN, "The operator cannot take payments now.", retryable=True),
)
CODES: Mapping[str, Code] = {row.id: row for row in _ROWS}


class IkawaariError(Exception):
    """An error with a row of the table, a message for the developer, and the fields at fault."""

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        details: Details | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        self.row = CODES[code]
        self.message = message or self.row.meaning
        self.details: Details = details or {}
        self.retry_after_seconds = retry_after_seconds
        super().__init__(f"{code}: {self.message}")

    @property
    def code(self) -> str:
        """`IKW-<MODULE>-<3 digits>`."""
        return self.row.id

    @property
    def http_status(self) -> int:
        """The HTTP status of the answer."""
        return self.row.status

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.row.retryable


class ValidationFailed(IkawaariError):
    """The request is wrong; `details` maps each bad field's path to what is wrong with it."""

    def __init__(self, details: Details, code: str = "IKW-REQ-001", message: str | None = None) -> None:
        super().__init__(code, message or _summary(details), details=details)


class AuthenticationFailed(IkawaariError):
    """No credential, or none that counts."""


class Declined(IkawaariError):
    """The provider refused at once; `failure_code` is one of the closed set."""

    def __init__(self, failure_code: str) -> None:
        code = "IKW-TRANSFER-002" if failure_code == "provider_unavailable" else "IKW-TRANSFER-001"
        super().__init__(code, details={"failure_code": [failure_code]})


class NotAllowed(IkawaariError):
    """The credential may not do this."""


class NotFound(IkawaariError):
    """No such object, or another merchant's, or one of the other mode."""

    def __init__(self, what: str, code: str = "IKW-RES-001") -> None:
        super().__init__(code, f"There is no such {what}.")


class Conflict(IkawaariError):
    """The object's state, or an idempotency key, forbids it."""


class AskedFirst(Conflict):
    """The page has to ask its payer about `earlier`, a payment or a subscription, before it begins another one."""

    def __init__(self, earlier: str) -> None:
        super().__init__("IKW-RES-002")
        self.earlier = earlier


class Gone(IkawaariError):
    """The object's life has ended."""


class TooManyRequests(IkawaariError):
    """A rate limit was met."""


class Unavailable(IkawaariError):
    """Something we need does not answer."""


def _summary(details: Details) -> str:
    return "; ".join(f"{field}: {' '.join(texts)}" for field, texts in sorted(details.items()))
