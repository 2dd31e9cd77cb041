"""pawaPay's failure codes. A code that is not here is `unknown`."""

from collections.abc import Mapping

from ikawaari.providers.outcomes import FailureCode, Outcome, by_code, failed, refused

_SETTINGS_REFUSED = ("NO_AUTHENTICATION", "AUTHENTICATION_ERROR", "AUTHORISATION_ERROR", "HTTP_SIGNATURE_ERROR")
_NOT_STARTED = {
    "PROVIDER_TEMPORARILY_UNAVAILABLE": FailureCode.PROVIDER_UNAVAILABLE,
    **dict.fromkeys(("AMOUNT_OUT_OF_BOUNDS", "INVALID_AMOUNT"), FailureCode.INVALID_AMOUNT),
    **dict.fromkeys(("INVALID_CURRENCY", "INVALID_PROVIDER"), FailureCode.CONFIGURATION_ERROR),
    **dict.fromkeys(("INVALID_INPUT", "MISSING_PARAMETER"), FailureCode.CONFIGURATION_ERROR),
    **dict.fromkeys(("UNSUPPORTED_PARAMETER", "INVALID_PARAMETER"), FailureCode.CONFIGURATION_ERROR),
    "DUPLICATE_METADATA_FIELD": FailureCode.CONFIGURATION_ERROR,
    **dict.fromkeys(_SETTINGS_REFUSED, FailureCode.CONFIGURATION_ERROR),
    "DEPOSITS_NOT_ALLOWED": FailureCode.NOT_ALLOWED,
    "REFUNDS_NOT_ALLOWED": FailureCode.NOT_ALLOWED,
}
_DEPOSIT_FAILED = {
    "INVALID_PHONE_NUMBER": FailureCode.INVALID_PHONE,
    "PAYMENT_NOT_APPROVED": FailureCode.PAYER_DECLINED,
    "INSUFFICIENT_BALANCE": FailureCode.INSUFFICIENT_FUNDS,
    "PAYER_NOT_FOUND": FailureCode.PAYER_NOT_FOUND,
    "PAYER_LIMIT_REACHED": FailureCode.PAYER_LIMIT,
    "WALLET_LIMIT_REACHED": FailureCode.WALLET_LIMIT,
    "PAYMENT_IN_PROGRESS": FailureCode.DUPLICATE_IN_PROGRESS,  # it may take ten minutes to clear
    "TRANSACTION_ALREADY_IN_PROCESS": FailureCode.DUPLICATE_IN_PROGRESS,
    "UNSPECIFIED_FAILURE": FailureCode.UNKNOWN,
    "UNKNOWN_ERROR": FailureCode.UNKNOWN,
}
_OR_ELSE = {"PAYMENT_NOT_APPROVED": FailureCode.PAYMENT_TIMEOUT}  # pawaPay says the same of a prompt nobody answered
_REFUND_NOT_STARTED = {
    **dict.fromkeys(("NOT_FOUND", "INVALID_STATE", "AMOUNT_TOO_LARGE"), FailureCode.NOT_ALLOWED),
    "DEPOSIT_ALREADY_REFUNDED": FailureCode.NOT_ALLOWED,
    "REFUND_IN_PROGRESS": FailureCode.DUPLICATE_IN_PROGRESS,
    "PAWAPAY_WALLET_OUT_OF_FUNDS": FailureCode.INSUFFICIENT_FUNDS,  # of the merchant's own balance
}
_REFUND_FAILED = {
    "RECIPIENT_NOT_FOUND": FailureCode.PAYER_NOT_FOUND,
    "RECIPIENT_LIMIT_REACHED": FailureCode.PAYER_LIMIT,
    "WALLET_LIMIT_REACHED": FailureCode.WALLET_LIMIT,
    "MANUALLY_CANCELLED": FailureCode.CANCELED,
    "UNSPECIFIED_FAILURE": FailureCode.UNKNOWN,
    "UNKNOWN_ERROR": FailureCode.UNKNOWN,
}


class Codes:
    """The codes of deposits, or of refunds."""

    def __init__(self, not_started: Mapping[str, FailureCode], failures: Mapping[str, FailureCode]) -> None:
        """`not_started`: in the answer to a create, they say that nothing was started."""
        self._not_started, self._all = not_started, {**not_started, **failures}

    def of_create(self, code: str | None) -> Outcome:
        """The outcome of a create that was answered with this code."""
        failure = self._not_started.get(code or "")
        return self.of_end(code) if failure is None else refused(failure, code)

    def of_end(self, code: str | None, reference: str | None = None) -> Outcome:
        """The outcome of what was accepted, and has failed with this code."""
        return failed(by_code(self._all, code), code, reference=reference, or_else=_OR_ELSE.get(code or ""))

    def have(self, code: str | None) -> bool:
        """Whether it is one of them."""
        return code in self._all


DEPOSITS = Codes(_NOT_STARTED, _DEPOSIT_FAILED)
REFUNDS = Codes({**_NOT_STARTED, **_REFUND_NOT_STARTED}, _REFUND_FAILED)
