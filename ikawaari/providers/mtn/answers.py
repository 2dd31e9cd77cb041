"""MTN's answers as outcomes, and as words for an operator of this server."""

from collections.abc import Mapping
from dataclasses import replace

import structlog

from ikawaari.providers import outcomes
from ikawaari.providers.http import Answer, NoAnswer, read, read_text
from ikawaari.providers.mtn.client import Got, NoToken, Product
from ikawaari.providers.mtn.codes import ENDED, FAILURES, OFTEN, PENDING, REFUSALS
from ikawaari.providers.outcomes import FailureCode, Outcome, Result

log = structlog.get_logger()


# ---------------------------------------------------------------- creates


def has_status(answer: Got, status: int) -> bool:
    """Whether MTN answered, and with that status."""
    return isinstance(answer, Answer) and answer.status == status


def not_created(answer: Got) -> Outcome:
    """A create that was not accepted: refused only where certainly nothing was started."""
    if isinstance(answer, NoToken):
        why = _why_refused(answer.answer) if isinstance(answer.answer, Answer) else None
        return outcomes.refused(why or FailureCode.PROVIDER_UNAVAILABLE, answer.word)
    if isinstance(answer, NoAnswer):
        return answer.of_create()
    why, code = _why_refused(answer), read_text(answer.value(), "code") or answer.word
    return outcomes.refused(why, code) if why else outcomes.unknown(code)


def _why_refused(answer: Answer) -> FailureCode | None:
    """Why a request was refused; None if nobody knows what became of it."""
    value = answer.value()
    code = read_text(value, "code")
    if answer.status == 400 and (isinstance(value, Mapping) or not answer.body):  # an HTML page is not MTN's answer
        return FailureCode.CONFIGURATION_ERROR if code in REFUSALS else _wrong_field(read_text(value, "message"))
    if answer.status in {401, 403}:  # the second 401, after a new log-in; 403 may be a page of the firewall
        return FailureCode.CONFIGURATION_ERROR
    return FailureCode.CONFIGURATION_ERROR if answer.status == 500 and code in REFUSALS else None


def _wrong_field(message: str | None) -> FailureCode:
    """Which of what the payer entered is wrong, if the message names it."""
    message = (message or "").lower()
    if any(word in message for word in ("partyid", "msisdn", "phone")):
        return FailureCode.INVALID_PHONE
    return FailureCode.INVALID_AMOUNT if "amount" in message else FailureCode.CONFIGURATION_ERROR


# ---------------------------------------------------------------- look-ups


def found(answer: Got, own_id: str, pending: Outcome) -> Outcome:
    """What a look-up of the transaction with our id says; `pending` while it has not ended."""
    if not isinstance(answer, Answer):
        return outcomes.unknown(answer.word)
    value = answer.value()
    if is_missing(answer):
        return Outcome(result=Result.NOT_FOUND, raw_code=read_text(value, "code"))
    status = read_text(value, "status")
    if answer.status != 200 or status is None:
        return answer.unknown()
    if read(value, "externalId") not in (None, own_id):
        log.error("provider_answered_about_another", provider="mtn", asked=own_id)
        return outcomes.unknown("about another transaction")
    return _of_status(status, value, pending)


def is_missing(answer: Answer) -> bool:
    """Whether MTN knows no such transaction. The 404 of a wrong address says less."""
    return answer.status == 404 and answer.read("code") == "RESOURCE_NOT_FOUND"


def not_missing(outcome: Outcome) -> Outcome:
    """After "already exists", a look-up that finds nothing is only too early: MTN may need two seconds."""
    return outcomes.unknown(outcome.raw_code) if outcome.result is Result.NOT_FOUND else outcome


def _of_status(status: str, value: object, pending: Outcome) -> Outcome:
    if status == "SUCCESSFUL":
        reference = read(value, "financialTransactionId")
        named = None if reference is None else str(reference)
        return outcomes.succeeded(read(value, "amount"), read(value, "currency"), reference=named, raw_code=status)
    if status in ENDED:
        reason = read_text(value, "reason", "code") or read_text(value, "reason") or status
        return outcomes.failed(outcomes.by_code(FAILURES, reason), reason, or_else=OFTEN.get(reason))
    if status in PENDING:
        return replace(pending, raw_code=status)
    log.error("provider_status_unknown", provider="mtn", status=outcomes.cleaned(status))
    return Outcome(result=Result.PROCESSING, raw_code=status)


# ---------------------------------------------------------------- words


def trouble(answer: Got, product: Product) -> str | None:
    """What is wrong, given the answer to a look-up that must find nothing, as a sentence; None if nothing is."""
    where, got = f"MTN's product {product.name}", answer.answer if isinstance(answer, NoToken) else answer
    if isinstance(got, NoAnswer):
        return f"{where} does not answer ({got.word}): compare base_url, and try again later."
    if is_missing(got) and not isinstance(answer, NoToken):
        return None
    code = got.read("code")
    if got.status == 401:
        of_key = "subscription" in str(got.read("message")).lower()
        return f"{where} does not accept {'the subscription_key' if of_key else 'api_user with api_key'}."
    if got.status == 403:
        return f"{where} refuses this server: ask MTN to allow its IP address, and compare platform (old or new)."
    if code == "NOT_ALLOWED_TARGET_ENVIRONMENT":
        return f"{where} does not let this api_user into the target_environment."
    return f"{where} answers {got.word}{f' {code}' if code else ''}: compare base_url, and try again later."
