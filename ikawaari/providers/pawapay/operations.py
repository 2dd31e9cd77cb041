"""What deposits and refunds share: the form of requests, and how answers are read."""

from collections.abc import Mapping

import structlog

from ikawaari.money import Money
from ikawaari.providers.http import Answer, read, read_text
from ikawaari.providers.outcomes import FailureCode, Outcome, Result, cleaned, refused, succeeded, unknown
from ikawaari.providers.pawapay.codes import Codes
from ikawaari.providers.values import Account
from ikawaari.shapes import JsonObject

log = structlog.get_logger()
_REFUSING = (400, 401, 403)
_WORD = 64  # characters of a word that is logged


def amount_text(money: Money) -> str:
    """The amount as pawaPay wants it: major units, without zeros at the end of a fraction."""
    text = f"{money.major:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def alarm(account: Account, trouble: str, word: object = None) -> None:
    """Log what a person must look at. `word` is a word of pawaPay's protocol, never a sentence: it may name a payer."""
    log.error(trouble, account=account.id, word=cleaned(word, _WORD))


def failure_code(said: object) -> str | None:
    """The code of a failure; refunds have had it in the words of version 1."""
    return read_text(said, "failureReason", "failureCode") or read_text(said, "rejectionReason", "rejectionCode")


def failure_message(said: object) -> str:
    """Its sentence, which is not to be logged."""
    return read_text(said, "failureReason", "failureMessage") or ""


def is_refusal(answer: Answer) -> bool:
    """Whether a create was refused: nothing was started."""
    if answer.status == 200:
        return answer.read("status") == "REJECTED"
    return answer.status in _REFUSING and isinstance(answer.value(), Mapping)


def refusal(account: Account, answer: Answer, codes: Codes) -> Outcome:
    """The outcome of a create that was refused."""
    code = failure_code(answer.value())
    if not codes.have(code):
        alarm(account, "provider_code_unknown", code)
        if answer.status != 200:
            return refused(FailureCode.CONFIGURATION_ERROR, code or answer.word)
    return codes.of_create(code)


def end(account: Account, data: object, codes: Codes, reference: str | None) -> Outcome | None:
    """The outcome of an operation that has ended; None if it has not."""
    status = read(data, "status")
    if status == "COMPLETED":
        return succeeded(read(data, "amount"), read(data, "currency"), reference=reference)
    if status == "FAILED":
        code = failure_code(data)
        if not codes.have(code):
            alarm(account, "provider_code_unknown", code)
        return codes.of_end(code, reference)
    return None


def found(account: Account, answer: Answer, id_name: str, operation_id: str) -> JsonObject | Outcome:
    """The data of an operation that was looked up, or the outcome where there are none."""
    if answer.status in (401, 403):
        alarm(account, "provider_settings_refused", failure_code(answer.value()))
    status = answer.read("status") if answer.status == 200 else None
    if status == "NOT_FOUND":
        return Outcome(result=Result.NOT_FOUND)
    data = answer.read("data")
    if status != "FOUND" or not isinstance(data, Mapping):
        return answer.unknown()
    if read(data, id_name) != operation_id:
        alarm(account, "provider_answered_about_another", id_name)
        return unknown("an answer about another one")
    return data
