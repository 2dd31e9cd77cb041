"""Wave's answers that are no session: done, or an error, as what a create and a refund come to, and in words."""

import json
from collections.abc import Mapping

from ikawaari.providers.http import Answer, read, read_text
from ikawaari.providers.outcomes import FailureCode, Outcome, cleaned, failed, refused, unknown

NO_SESSION, INVALID = "checkout-session-not-found", "request-validation-error"
_NOT_RETURNED = "checkout-refund-failed"
# Why Wave carries out none of an account's calls, in words for `ikawaari providers check`.
_WRONG_KEY = "Wave does not know the key: copy api_key from Wave's business portal again."
_WRONG_SIGNATURE = "Wave does not accept the signatures: signing_secret is not that of api_key."
_WRONG_CLOCK = "Wave does not accept the times in the signatures: set the clock of this server."
_WRONG_WALLET = "Wave does not let this wallet take payments: ask Wave to enable Checkout for it."
_ACCOUNT_ERRORS: Mapping[str, str] = {
    "missing-auth-header": _WRONG_KEY,
    "invalid-auth": _WRONG_KEY,
    "api-key-not-provided": _WRONG_KEY,
    "no-matching-api-key": _WRONG_KEY,
    "api-key-revoked": "The key was revoked: create a new one in Wave's business portal.",
    "missing-signature": "Wave wants signed requests from this key: add its signing_secret.",
    "invalid-signature": _WRONG_SIGNATURE,
    "invalid-signature-format": _WRONG_SIGNATURE,
    "invalid-signature-timestamp": _WRONG_CLOCK,
    "expired-signature-timestamp": _WRONG_CLOCK,
    "invalid-wallet": _WRONG_WALLET,
    "disabled-wallet": _WRONG_WALLET,
    "unauthorized-wallet": _WRONG_WALLET,
    "ip-not-allowed": "Wave does not take calls from this server's address: allow it for the key in Wave's portal.",
}
_FIELD_ERRORS: Mapping[str, FailureCode] = {
    "amount": FailureCode.INVALID_AMOUNT,
    "restrict_payer_mobile": FailureCode.INVALID_PHONE,
}


def is_done(answer: Answer) -> bool:
    """Whether Wave says, by an empty answer or an object, that it did what it was asked to: a proxy's page does not."""
    return answer.status == 200 and (not answer.body.strip() or isinstance(answer.value(), Mapping))


def _error(answer: Answer) -> object:
    """An error in either of its forms: `{"code", …}`, or the same inside `error`."""
    value = answer.value()
    return read(value, "error") or value


def code_of(answer: Answer) -> str | None:
    """Wave's word for an error; None if it has none that can be read."""
    return cleaned(read_text(_error(answer), "code"))


def _word_of(answer: Answer) -> str:
    code = code_of(answer)
    return f"{answer.word} {code}" if code else answer.word


def in_words(answer: Answer) -> str:
    """The answer to a check that failed, in one sentence for an operator."""
    words = _ACCOUNT_ERRORS.get(code_of(answer) or "", "Wave did not say what is in the wallet.")
    return f"{words.removesuffix('.')} ({_word_of(answer)})."


def no_news(answer: Answer) -> Outcome:
    """The outcome of an error that says nothing of the charge."""
    return unknown(_word_of(answer))


def of_create(answer: Answer) -> Outcome:
    """What the error that answers a create says: refused only by a word that we know."""
    code = code_of(answer)
    if answer.status in {401, 403} and code in _ACCOUNT_ERRORS:
        return refused(FailureCode.CONFIGURATION_ERROR, code)
    if answer.status in {400, 422} and code == INVALID:
        return refused(_field_failure(_error(answer)), code)
    return no_news(answer)


def _field_failure(error: object) -> FailureCode:
    """Which of the payer's words is wrong; if none, the request is."""
    details = read(error, "details")
    named = json.dumps([read(one, "loc") for one in details], default=str) if isinstance(details, list) else ""
    found = next((failure for name, failure in _FIELD_ERRORS.items() if f'"{name}"' in named), None)
    return found or FailureCode.CONFIGURATION_ERROR


def of_refund(answer: Answer) -> Outcome:
    """What the error that answers a refund says."""
    code = code_of(answer)
    if answer.status in {400, 409} and code == _NOT_RETURNED:
        return failed(FailureCode.NOT_ALLOWED, code)
    if (answer.status, code) in {(404, NO_SESSION), (400, INVALID), (422, INVALID)}:
        return failed(FailureCode.CONFIGURATION_ERROR, code)
    return of_create(answer)
