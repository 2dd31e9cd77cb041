"""What the answers of CinetPay's legacy API say: a number, which decides, and a word for what became of the payment.

The words are those of its documentation; the numbers that it leaves without one are read in the answer to a create.
"""

from collections.abc import Mapping

from ikawaari.providers.cinetpay.codes import NOT_FOUND, Code, Said, number
from ikawaari.providers.http import Answer
from ikawaari.providers.outcomes import FailureCode, cleaned
from ikawaari.shapes import JsonObject

SUCCES, CREATED, ORANGE, FIELDS, USED_TWICE, WAITING, WAITING_FOR_CODE = 0, 201, 606, 608, 620, 662, 663
WORDS: Mapping[int, str] = {
    SUCCES: "SUCCES",
    CREATED: "CREATED",
    NOT_FOUND: "NOT_FOUND",
    600: "PAYMENT_FAILED",
    602: "INSUFFICIENT_BALANCE",
    603: "SERVICE_UNAVAILABLE",
    604: "OTP_CODE_ERROR",
    ORANGE: "INCORRECT_SETTINGS",
    FIELDS: "MINIMUM_REQUIRED_FIELDS",
    609: "AUTH_NOT_FOUND",
    613: "ERROR_SITE_ID_NOTVALID",
    623: "WAITING_CUSTOMER_TO_VALIDATE",
    624: "UNKNOWN_ERROR",
    625: "ABONNEMENT_OR_TRANSACTIONS_EXPIRED",
    627: "TRANSACTION_CANCEL",
    635: "ERROR_PHONE_NUMBER_NOT_FOUND",
    636: "ERROR_PHONE_NUMBER_NOT_SUPPORTED",
    641: "ERROR_AMOUNT_TOO_LOW",
    642: "ERROR_AMOUNT_TOO_HIGH",
    WAITING: "WAITING_CUSTOMER_PAYMENT",
    WAITING_FOR_CODE: "WAITING_CUSTOMER_OTP_CODE",
    664: "WAITING_CUSTOMER_PAYMENT_AT_OPERATOR_SIDE",
    804: "OPERATOR_UNAVAILABLE",
    807: "DAILY_MAX_NUMBER_TRANSACTION_REACHED",
    808: "DAILY_MAX_AMOUNT_TRANSACTION_REACHED",
    809: "MONTHLY_MAX_AMOUNT_TRANSACTION_REACHED",
    810: "MONTHLY_MAX_NUMBER_TRANSACTION_REACHED",
    811: "WEEKLY_MAX_AMOUNT_TRANSACTION_REACHED",
    812: "WEEKLY_MAX_NUMBER_TRANSACTION_REACHED",
}
ON_PAGE = frozenset({CREATED, WAITING, WAITING_FOR_CODE})  # the payer has something to do there
OPEN = ON_PAGE | {623, 664}
WRONG_KEYS = frozenset({609, 613})
NO_USE = frozenset({None, 403, 429, 624, 628, 1010})  # of calls that went wrong; 624 is, among others, a wrong apikey
ENDS: Mapping[object, FailureCode] = {
    600: FailureCode.UNKNOWN,
    602: FailureCode.INSUFFICIENT_FUNDS,
    603: FailureCode.PROVIDER_UNAVAILABLE,
    604: FailureCode.OTP_INVALID,
    ORANGE: FailureCode.UNKNOWN,  # a wrong code, too little money, or the same payment again too soon
    625: FailureCode.EXPIRED,
    627: FailureCode.CANCELED,
    635: FailureCode.PAYER_NOT_FOUND,
    636: FailureCode.INVALID_PHONE,
    637: FailureCode.INVALID_PHONE,
    641: FailureCode.INVALID_AMOUNT,
    642: FailureCode.INVALID_AMOUNT,
    804: FailureCode.PROVIDER_UNAVAILABLE,
    **dict.fromkeys(range(807, 813), FailureCode.PAYER_LIMIT),
}
REFUSALS: Mapping[object, FailureCode] = {
    **dict.fromkeys((*WRONG_KEYS, 610, 612, *range(614, 620)), FailureCode.CONFIGURATION_ERROR),
    **dict.fromkeys((611, 641, 642), FailureCode.INVALID_AMOUNT),
    **dict.fromkeys((603, 621, 622, 626, 804), FailureCode.PROVIDER_UNAVAILABLE),
}
"""Codes with which a create is refused: there is no page then, so nothing can be paid."""


def read(answer: Answer) -> Said:
    """What an answer says, with what is in its `data`. HTML, garbage, half an object, 5xx and 429 say nothing."""
    value = answer.value()
    if answer.status == 429 or answer.status >= 500 or not isinstance(value, Mapping):
        return Said(answer.status, None, {}, WORDS)
    data = value.get("data")
    inner = data if isinstance(data, Mapping) else {}
    about = {name: value.get(name) for name in ("message", "description")}
    return Said(answer.status, _code(value, answer.status), {**about, **inner, "is_about_one": bool(inner)}, WORDS)


def _code(value: JsonObject, status: int) -> Code:
    given = value.get("code")
    if given is None:
        return NOT_FOUND if status == 404 else None
    found = number(given)
    return cleaned(given) if found is None else found
