"""What CinetPay v1 says of a payment, as outcomes; where it says the same, the legacy API's."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from ikawaari import clock
from ikawaari.money import Money
from ikawaari.providers.cinetpay import codes, sending
from ikawaari.providers.cinetpay.codes import Said
from ikawaari.providers.outcomes import (
    Action,
    ActionKind,
    FailureCode,
    Outcome,
    Result,
    failed,
    refused,
    succeeded,
    unknown,
)
from ikawaari.providers.values import Charge, short_id
from ikawaari.shapes import JsonObject

log = structlog.get_logger()

_PROMPT_LASTS, _PAGE_LASTS = timedelta(minutes=15), timedelta(minutes=30)  # CinetPay says neither
_REFUSALS: Mapping[object, FailureCode] = {
    codes.INVALID_CREDENTIALS: FailureCode.CONFIGURATION_ERROR,
    codes.NOT_ALLOWED: FailureCode.NOT_ALLOWED,
}
_OPEN = (codes.OK, codes.INITIATED, codes.PENDING)


def created(charge: Charge, said: Said, now: datetime) -> Outcome:
    """The outcome of a create that did not find its id taken."""
    if said.fields.get("merchant_transaction_id") not in (None, short_id(charge.id)):
        return unknown(said.word)
    if said.code == codes.INVALID_PARAMS:
        return refused(wrong_field(said), said.word)
    if said.code in _REFUSALS:
        return refused(_REFUSALS[said.code], said.word)
    if said.code in codes.FAILURES:
        return _failed(said)
    if said.code in _OPEN and _is_about(charge, said):
        return _asks(charge, said, now)
    return status(charge, said, now)


def status(charge: Charge, said: Said, now: datetime) -> Outcome:
    """The outcome of an answer about the status of a payment."""
    if said.code is None or not _is_about(charge, said):
        return unknown(said.word)
    if said.code == codes.SUCCESS:
        return succeeds(charge, said)
    if said.code in codes.FAILURES:
        return _failed(said)
    if said.code in {codes.INITIATED, codes.PENDING}:
        return waits(charge, said, now, acts="url" not in charge.provider_data or said.code == codes.INITIATED)
    if said.code in codes.WORDS:  # of calls, not of payments
        return unknown(said.word)
    return strange(charge, said)


def strange(charge: Charge, said: Said) -> Outcome:
    """A status that is not in the card ends nothing."""
    log.error("cinetpay_status_unknown", attempt=charge.id, code=said.word)
    return processing(said)


def _is_about(charge: Charge, said: Said) -> bool:
    return said.fields.get("merchant_transaction_id") == short_id(charge.id)


def wrong_field(said: Said) -> FailureCode:
    """Why a request was refused, by the field that the refusal names."""
    if said.blames("phone"):
        return FailureCode.INVALID_PHONE
    return FailureCode.INVALID_AMOUNT if said.blames("amount") else FailureCode.CONFIGURATION_ERROR


def _failed(said: Said) -> Outcome:
    return failed(codes.FAILURES[said.code], said.word, reference=said.reference)


def succeeds(charge: Charge, said: Said) -> Outcome:
    """What was taken is what was asked for, unless the answer has an amount or a currency of its own."""
    amount, currency = said.fields.get("amount"), said.fields.get("currency")
    if amount is None and currency in (None, charge.money.currency):
        log.info("cinetpay_amount_not_reported", attempt=charge.id)
        return _outcome(Result.SUCCEEDED, said, money=charge.money)
    found = succeeded(amount, currency or charge.money.currency, reference=said.reference, raw_code=said.word)
    if found.money != charge.money:
        log.error("cinetpay_took_another_amount", attempt=charge.id)
    return found


def _asks(charge: Charge, said: Said, now: datetime) -> Outcome:
    """What the payer has to do, after the create."""
    to_page = said.fields.get("must_be_redirected") is True or not sending.is_direct(charge)
    url = said.text("payment_url") if to_page else None
    if (to_page and url is None) or (charge.otp and not to_page):  # nowhere to go, or nothing left to do
        return processing(said)
    return asks(said, url, now)


def asks(said: Said, url: str | None, now: datetime) -> Outcome:
    """The payer has to go to the page at `url`, or to confirm a prompt. It is kept: no other answer says it again."""
    until = clock.unix(now + (_PAGE_LASTS if url else _PROMPT_LASTS))
    kept: JsonObject = {"until": until, **({"url": url} if url else {})}
    return replace(_acts(said, url, until), provider_data=kept)


def waits(charge: Charge, said: Said, now: datetime, *, acts: bool) -> Outcome:
    """The page is to be paid until its payer has been there, which says `acts`; the prompt until its time is over."""
    until, url = charge.provider_data.get("until"), charge.provider_data.get("url")
    if acts and isinstance(until, int) and until > clock.unix(now):
        return _acts(said, str(url) if url else None, until)
    return processing(said)


def processing(said: Said) -> Outcome:
    """The payer has nothing to do."""
    return _outcome(Result.PROCESSING, said)


def _acts(said: Said, url: str | None, until: int) -> Outcome:
    action = Action(kind=ActionKind.REDIRECT, url=url) if url else Action(kind=ActionKind.USSD)
    return _outcome(Result.REQUIRES_ACTION, said, action=action, deadline=clock.from_unix(until))


def _outcome(
    result: Result,
    said: Said,
    *,
    money: Money | None = None,
    action: Action | None = None,
    deadline: datetime | None = None,
) -> Outcome:
    return Outcome(
        result=result,
        money=money,
        action=action,
        deadline=deadline,
        reference=said.reference,
        raw_code=said.word,
    )
