"""What the answers of CinetPay v1 say: a number and a word that belong together, which may stand inside `data`.

The number decides, or the word where there is no number, and not the HTTP status; but 5xx and 429 say nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ikawaari.providers.http import Answer
from ikawaari.providers.outcomes import FailureCode, cleaned
from ikawaari.shapes import JsonObject

OK, SUCCESS, NOT_FOUND = 200, 100, 404
INVALID_TOKEN, EXPIRED_TOKEN, INVALID_PARAMS, INVALID_CREDENTIALS, TRANSACTION_EXIST = 1002, 1003, 1004, 1005, 1200
INITIATED, PENDING, NOT_ALLOWED = 2001, 2002, 2011
WORDS: Mapping[int, str] = {
    OK: "OK",
    SUCCESS: "SUCCESS",
    NOT_FOUND: "NOT_FOUND",
    -1: "OPERATION_ERROR",
    INVALID_TOKEN: "INVALID_TOKEN",
    EXPIRED_TOKEN: "EXPIRED_TOKEN",
    INVALID_PARAMS: "INVALID_PARAMS",
    INVALID_CREDENTIALS: "INVALID_CREDENTIALS",
    TRANSACTION_EXIST: "TRANSACTION_EXIST",
    INITIATED: "INITIATED",
    PENDING: "PENDING",
    2003: "EXPIRED",
    2004: "OTP_ERROR",
    2005: "INSUFFICIENT_BALANCE",
    2006: "USER_NOT_FOUND",
    2007: "USER_IS_BLOCKED",
    2008: "OTP_EXPIRED",
    2010: "FAILED",
    NOT_ALLOWED: "NOT_ALLOWED",
}
FAILURES: Mapping[object, FailureCode] = {
    2003: FailureCode.EXPIRED,
    2004: FailureCode.OTP_INVALID,
    2005: FailureCode.INSUFFICIENT_FUNDS,
    2006: FailureCode.PAYER_NOT_FOUND,
    2007: FailureCode.PAYER_BLOCKED,
    2008: FailureCode.OTP_EXPIRED,
    2010: FailureCode.UNKNOWN,
    NOT_ALLOWED: FailureCode.NOT_ALLOWED,
}
_CODES: Mapping[str, int] = {word: code for code, word in WORDS.items()}
_NUMBER = re.compile("-?[0-9]{1,6}")
_LONGEST_WORD = 40
_HTTP: Mapping[int, int] = {401: INVALID_TOKEN, 404: NOT_FOUND, 422: INVALID_PARAMS}  # where an answer has no code

Code = int | str | None
"""The number; a word that is not in the table; None if the answer says nothing."""


@dataclass(frozen=True)
class Said:
    """What one answer says."""

    status: int
    code: Code
    fields: JsonObject = field(repr=False)
    words: Mapping[int, str] = field(default_factory=lambda: WORDS, repr=False)

    @property
    def word(self) -> str:
        """The code as an operator reads it: `2005 INSUFFICIENT_BALANCE`; without one, the HTTP status."""
        if isinstance(self.code, int):
            return f"{self.code:02} {self.words.get(self.code, '')}".rstrip()
        return f"HTTP {self.status}" if self.code is None else self.code

    def text(self, name: str) -> str | None:
        """The text of that name."""
        value = self.fields.get(name)
        return value if isinstance(value, str) and value else None

    @property
    def reference(self) -> str | None:
        """CinetPay's own id of the payment; the legacy API has the operator's, once it is paid."""
        return self.text("transaction_id") or self.text("operator_id")

    @property
    def refuses_token(self) -> bool:
        """Whether another token should be tried."""
        return self.code in {INVALID_TOKEN, EXPIRED_TOKEN} or self.status == 401

    def blames(self, *names: str) -> bool:
        """Whether its words name one of these fields."""
        told = f"{self.fields.get('description')} {self.fields.get('message')}".lower()
        return any(name in told for name in names)


def read(answer: Answer) -> Said:
    """What an answer says. HTML, garbage, half an object, 5xx and 429 say nothing."""
    value = answer.value()
    if answer.status == 429 or answer.status >= 500 or not isinstance(value, Mapping):
        return Said(answer.status, None, {})
    inner = value.get("data")
    inner = inner if isinstance(inner, Mapping) else {}
    code = _code(inner) or _code(value) or _HTTP.get(answer.status)
    return Said(answer.status, code, {**value, **inner})


def of_payment(said: Said) -> Said:
    """What the answer to a create says of the payment: where the call was fine, that is in its `details`."""
    details = said.fields.get("details")
    if said.code != OK or not isinstance(details, Mapping):
        return said
    return replace(said, code=_code(details) or OK, fields={**said.fields, **details})


def _code(said: JsonObject) -> Code:
    found, word = number(said.get("code")), said.get("status")
    if found is not None:
        return found
    return _CODES.get(word, cleaned(word, _LONGEST_WORD)) if isinstance(word, str) else None


def number(code: object) -> int | None:
    """A code that is a number, or a text of one."""
    if isinstance(code, str) and _NUMBER.fullmatch(code):
        return int(code)
    return code if type(code) is int else None
