"""The errors that clients see: a wrong request or a conflict. A decline is a value, a bug is an assertion.

IkawaariError
├── RequestRefused        400, 405, 408, 412 to 415, 431: the request cannot be read, or its form is not accepted
├── ValidationFailed      400  the request is wrong; `details` names every wrong field
├── AuthenticationFailed  401  no credential, or an invalid one
├── Declined              402  the provider refused immediately
├── NotAllowed            403  the credential may not do this
├── NotFound              404  no such object, or another merchant's
├── Conflict              409  the object's state, or an idempotency key, forbids it
├── Gone                  410  the object has ended
├── TooManyRequests       429
├── Failed                500  a bug
└── Unavailable           503  try again later

The table is below the classes: one name for each code, with the class that carries it. The type checker refuses
a class with another class's code, such as `Conflict(errors.SESSION_EXPIRED)`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Generic, Self, TypeVar

Details = dict[str, list[str]]
# Contravariant: a code of Conflict may be carried by a subclass of it, not by IkawaariError at large.
E_contra = TypeVar("E_contra", bound="IkawaariError", contravariant=True)


class ErrorType(StrEnum):
    """The coarse class of an error, for clients that branch on it."""

    VALIDATION = "validation_error"
    AUTHENTICATION = "authentication_error"
    AUTHORIZATION = "authorization_error"
    DOMAIN = "domain_error"
    API = "api_error"


@dataclass(frozen=True)
class Code(Generic[E_contra]):
    """One row of the error table: `IKW-<module>-<number>`, the class that carries it, whether a retry may help."""

    carrier: type[E_contra]
    id: str
    meaning: str
    retryable: bool = False
    own_status: int | None = None  # if it is not the class's

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return self.own_status or self.carrier.status

    @property
    def error_type(self) -> ErrorType:
        """The coarse class of the error."""
        return self.carrier.error_type


AnyCode = Code[Any]


class IkawaariError(Exception):
    """An error with a row of the table, a message for the developer, and the wrong fields."""

    status: ClassVar[int]
    error_type: ClassVar[ErrorType]

    def __init__(
        self,
        row: Code[Self],
        message: str | None = None,
        *,
        details: Details | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        self.row: AnyCode = row
        self.message = message or row.meaning
        self.details: Details = details or {}
        self.retry_after_seconds = retry_after_seconds
        super().__init__(f"{row.id}: {self.message}")

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


class RequestRefused(IkawaariError):
    """The request cannot be read, or its form is not accepted."""

    status = 400
    error_type = ErrorType.VALIDATION


class ValidationFailed(IkawaariError):
    """The request is wrong; `details` maps each wrong field's path to its problems."""

    status = 400
    error_type = ErrorType.VALIDATION

    def __init__(
        self, details: Details, row: "Code[ValidationFailed] | None" = None, message: str | None = None
    ) -> None:
        super().__init__(row or FIELD_INVALID, message or _summary(details), details=details)


class CodeNeeded(ValidationFailed):
    """The operator wants a code with the charge. The payer gets it by dialing `dial`; nothing was started."""

    def __init__(self, dial: str) -> None:
        super().__init__({"otp": [f"is required: the payer dials {dial} and gets a code"]}, PAYMENT_INVALID)
        self.dial = dial


class AuthenticationFailed(IkawaariError):
    """No credential, or an invalid one."""

    status = 401
    error_type = ErrorType.AUTHENTICATION


class Declined(IkawaariError):
    """The provider refused immediately; `failure_code` is one of the closed set."""

    status = 402
    error_type = ErrorType.DOMAIN

    def __init__(self, failure_code: str) -> None:
        row = OPERATOR_UNAVAILABLE if failure_code == "provider_unavailable" else DECLINED
        super().__init__(row, details={"failure_code": [failure_code]})


class NotAllowed(IkawaariError):
    """The credential may not do this."""

    status = 403
    error_type = ErrorType.AUTHORIZATION


class NotFound(IkawaariError):
    """No such object, or one of another merchant or of the other mode."""

    status = 404
    error_type = ErrorType.DOMAIN

    def __init__(self, what: str, row: "Code[NotFound] | None" = None, message: str | None = None) -> None:
        super().__init__(row or OBJECT_UNKNOWN, message or f"There is no such {what}.")


class Conflict(IkawaariError):
    """The object's state, or an idempotency key, forbids it."""

    status = 409
    error_type = ErrorType.DOMAIN


class AskedFirst(Conflict):
    """The page must ask its payer about `earlier`, a payment or a subscription, before it starts another one."""

    def __init__(self, earlier: str) -> None:
        super().__init__(STATE_FORBIDS)
        self.earlier = earlier


class Gone(IkawaariError):
    """The object has ended."""

    status = 410
    error_type = ErrorType.DOMAIN


class TooManyRequests(IkawaariError):
    """A rate limit was reached."""

    status = 429
    error_type = ErrorType.API


class Failed(IkawaariError):
    """A bug, which was logged."""

    status = 500
    error_type = ErrorType.API


class Unavailable(IkawaariError):
    """Something we need does not answer."""

    status = 503
    error_type = ErrorType.API


CREDENTIAL_MISSING = Code(AuthenticationFailed, "IKW-AUTH-001", "No credential was sent.")
CREDENTIAL_UNKNOWN = Code(AuthenticationFailed, "IKW-AUTH-002", "The credential is unknown or malformed.")
CREDENTIAL_REVOKED = Code(
    AuthenticationFailed, "IKW-AUTH-003", "The credential was revoked, or its app was uninstalled."
)
CREDENTIAL_EXPIRED = Code(AuthenticationFailed, "IKW-AUTH-004", "The credential has expired.")

SCOPE_MISSING = Code(NotAllowed, "IKW-AUTHZ-001", "The credential lacks a scope.")
ADDRESS_NOT_ALLOWED = Code(NotAllowed, "IKW-AUTHZ-002", "The credential may not be used from this address.")
FOREIGN_SITE = Code(NotAllowed, "IKW-AUTHZ-003", "The request came from a foreign site.")
LIVE_KEY_REFUSED = Code(NotAllowed, "IKW-AUTHZ-004", "Live keys are refused on a server that runs with --insecure.")

FIELD_INVALID = Code(ValidationFailed, "IKW-REQ-001", "A field is wrong; details lists every one.")
BODY_MALFORMED = Code(RequestRefused, "IKW-REQ-002", "The body is not the JSON it should be.")
CONTENT_TYPE_UNSUPPORTED = Code(
    RequestRefused, "IKW-REQ-003", "The body's content type is not application/json.", own_status=415
)
BODY_TOO_LARGE = Code(RequestRefused, "IKW-REQ-004", "The body is too large.", own_status=413)
METHOD_NOT_ALLOWED = Code(RequestRefused, "IKW-REQ-005", "The method is not allowed here.", own_status=405)
PRECONDITION_FAILED = Code(
    RequestRefused, "IKW-REQ-006", "A precondition of the request does not hold.", own_status=412
)
KEY_REUSED = Code(Conflict, "IKW-REQ-007", "The idempotency key was used with another body.")
KEY_IN_USE = Code(Conflict, "IKW-REQ-008", "The first call with this idempotency key still runs.", retryable=True)
REQUEST_MALFORMED = Code(RequestRefused, "IKW-REQ-009", "The request is malformed.")
ADDRESS_TOO_LONG = Code(RequestRefused, "IKW-REQ-010", "The address is too long.", own_status=414)
HEADERS_TOO_LARGE = Code(RequestRefused, "IKW-REQ-011", "The request's headers are too large.", own_status=431)
REQUEST_TIMEOUT = Code(
    RequestRefused, "IKW-REQ-012", "The request took too long to arrive.", own_status=408, retryable=True
)

OBJECT_UNKNOWN = Code(NotFound, "IKW-RES-001", "There is no such object.")
STATE_FORBIDS = Code(Conflict, "IKW-RES-002", "The object's state does not allow this.")
ATTEMPT_UNSETTLED = Code(Conflict, "IKW-RES-003", "Another payment attempt is not settled yet.")
ALREADY_PAID = Code(Conflict, "IKW-RES-004", "It is already paid.")
REFUND_UNSUPPORTED = Code(Conflict, "IKW-RES-005", "The provider of this payment cannot refund it.")
NOT_OFFERED = Code(NotFound, "IKW-RES-006", "This server does not offer that part of the API.")

RATE_LIMITED = Code(TooManyRequests, "IKW-RATE-001", "Too many requests.", retryable=True)
TOO_MANY_TRIES = Code(
    TooManyRequests, "IKW-RATE-002", "Too many tries without a payment; wait before the next one.", retryable=True
)

UNEXPECTED = Code(Failed, "IKW-SYS-001", "An unexpected error; it was recorded.", retryable=True)
UNAVAILABLE = Code(Unavailable, "IKW-SYS-002", "The service is not available now.", retryable=True)
NO_PROVIDER = Code(Unavailable, "IKW-SYS-003", "No provider takes this payment now; details says what is missing.")

SESSION_UNKNOWN = Code(NotFound, "IKW-CHK-001", "There is no such checkout session.")
PAYMENT_INVALID = Code(ValidationFailed, "IKW-CHK-002", "The payment request is wrong; details lists every bad field.")
SESSION_EXPIRED = Code(Gone, "IKW-CHK-003", "The checkout session has expired.")
CARD_NUMBER_SENT = Code(ValidationFailed, "IKW-CHK-004", "A raw card number was sent; only tokens are taken.")
LINK_ENDED = Code(Gone, "IKW-CHK-005", "The payment link takes no more payments.")

DECLINED = Code(Declined, "IKW-TRANSFER-001", "The payment was declined.")
OPERATOR_UNAVAILABLE = Code(Declined, "IKW-TRANSFER-002", "The operator cannot take payments now.", retryable=True)

CODES: Mapping[str, AnyCode] = {row.id: row for row in list(vars().values()) if isinstance(row, Code)}


def _summary(details: Details) -> str:
    return "; ".join(f"{field}: {' '.join(texts)}" for field, texts in sorted(details.items()))
