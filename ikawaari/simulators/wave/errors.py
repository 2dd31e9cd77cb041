"""Wave's error codes, each with its HTTP status, and the two forms in which they come."""

from collections.abc import Mapping, Sequence

from ikawaari.simulators.web import Answer, in_json

INVALID, NOT_FOUND, REFUND_FAILED = "request-validation-error", "checkout-session-not-found", "checkout-refund-failed"
INTERNAL = "internal-server-error"
NOT_OPEN = "checkout-session-not-open"  # this name is ours: Wave's is not documented, nor is that of 429
NO_MERCHANT = "aggregated-merchant-not-found"  # ours, too
TOO_MANY = "too-many-requests"
HTTP: Mapping[str, int] = {
    **dict.fromkeys(
        (
            "missing-auth-header",
            "invalid-auth",
            "api-key-not-provided",
            "no-matching-api-key",
            "api-key-revoked",
            "missing-signature",
            "invalid-signature",
            "invalid-signature-format",
            "invalid-signature-timestamp",
            "expired-signature-timestamp",
        ),
        401,
    ),
    **dict.fromkeys(("invalid-wallet", "disabled-wallet", "unauthorized-wallet", "ip-not-allowed"), 403),
    INVALID: 422,
    NOT_FOUND: 404,
    NO_MERCHANT: 404,
    REFUND_FAILED: 400,
    NOT_OPEN: 409,
    TOO_MANY: 429,
    INTERNAL: 500,
    "service-unavailable": 503,
}


def answer(
    code: str, *, is_nested: bool = False, http: int | None = None, details: Sequence[Mapping[str, object]] = ()
) -> Answer:
    """An error, flat with `details`, or nested in `error` without them."""
    status = http or HTTP.get(code, 400)
    message = code.replace("-", " ").capitalize()
    if is_nested:
        return in_json({"error": {"code": code, "message": message, "httpcode": status}}, status)
    shown: dict[str, object] = {"code": code, "message": message}
    return in_json(shown | ({"details": list(details)} if details else {}), status)
