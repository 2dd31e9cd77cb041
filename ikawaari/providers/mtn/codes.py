"""MTN's words: its environments, and why something failed."""

from collections.abc import Mapping
from dataclasses import dataclass

from ikawaari.providers.outcomes import FailureCode

SANDBOX = "sandbox"


@dataclass(frozen=True)
class Environment:
    """A country as MTN calls it in X-Target-Environment."""

    operator: str
    currency: str


ENVIRONMENTS: Mapping[str, Environment] = {
    "mtncameroon": Environment("mtn_cm", "XAF"),
    "mtnivorycoast": Environment("mtn_ci", "XOF"),
    "mtnbenin": Environment("mtn_bj", "XOF"),
}

# Why something failed, as a look-up says it. Any other reason, or none, is `unknown`.
FAILURES: Mapping[str, FailureCode] = {
    "APPROVAL_REJECTED": FailureCode.PAYER_DECLINED,
    "PAYMENT_NOT_APPROVED": FailureCode.PAYER_DECLINED,
    "EXPIRED": FailureCode.PAYMENT_TIMEOUT,
    "COULD_NOT_PERFORM_TRANSACTION": FailureCode.PAYMENT_TIMEOUT,  # the prompt was not answered in time
    "TIMEOUT": FailureCode.PAYMENT_TIMEOUT,  # a status, too
    "TRANSACTION_CANCELED": FailureCode.CANCELED,
    "NOT_ENOUGH_FUNDS": FailureCode.INSUFFICIENT_FUNDS,
    "LOW_BALANCE_OR_PAYEE_LIMIT_REACHED_OR_NOT_ALLOWED": FailureCode.INSUFFICIENT_FUNDS,  # what CM and BJ return
    "PAYER_NOT_FOUND": FailureCode.PAYER_NOT_FOUND,
    "PAYER_LIMIT_REACHED": FailureCode.PAYER_LIMIT,
    "SENDER_ACCOUNT_NOT_ACTIVE": FailureCode.PAYER_BLOCKED,
    "PAYEE_LIMIT_REACHED": FailureCode.CONFIGURATION_ERROR,
    "PAYEE_NOT_FOUND": FailureCode.CONFIGURATION_ERROR,
    "PAYEE_NOT_ALLOWED_TO_RECEIVE": FailureCode.CONFIGURATION_ERROR,
    "NOT_ALLOWED": FailureCode.CONFIGURATION_ERROR,
    "NOT_ALLOWED_TARGET_ENVIRONMENT": FailureCode.CONFIGURATION_ERROR,
    "INVALID_CALLBACK_URL_HOST": FailureCode.CONFIGURATION_ERROR,
    "INVALID_CURRENCY": FailureCode.CONFIGURATION_ERROR,
    "VALIDATION_ERROR": FailureCode.CONFIGURATION_ERROR,
    "TRANSACTION_NOT_FOUND": FailureCode.CONFIGURATION_ERROR,
    "SERVICE_UNAVAILABLE": FailureCode.PROVIDER_UNAVAILABLE,
}
# What a reason that says nothing often is, by MTN's own community.
OFTEN: Mapping[str, FailureCode] = {"INTERNAL_PROCESSING_ERROR": FailureCode.INSUFFICIENT_FUNDS}
# A create that is answered 500 with one of these was refused. After any other 500 it may have been taken.
REFUSALS = frozenset({"NOT_ALLOWED", "NOT_ALLOWED_TARGET_ENVIRONMENT", "INVALID_CALLBACK_URL_HOST", "INVALID_CURRENCY"})
PENDING, ENDED = frozenset({"CREATED", "PENDING"}), frozenset({"FAILED", "REJECTED", "TIMEOUT"})
"""The statuses of what goes on, and of what failed."""
