"""Deposits: what is asked for, and what the answers, look-ups and callbacks about one come to."""

from datetime import datetime

from ikawaari.providers.http import Answer, read_text
from ikawaari.providers.outcomes import Action, ActionKind, FailureCode, Outcome, Result, failed
from ikawaari.providers.pawapay import codes, operations
from ikawaari.providers.pawapay.wallets import PROMPT, Wallet
from ikawaari.providers.values import Account, Charge, Flow, plain_text
from ikawaari.shapes import JsonObject

PATH, ID = "/v2/deposits", "depositId"
_SHORTEST_MESSAGE, _LONGEST_MESSAGE = 4, 22
_WAITING = frozenset({"ACCEPTED", "PROCESSING", "IN_RECONCILIATION"})
_NEXT_STEPS = frozenset({None, "FINAL_STATUS", "GET_AUTH_URL", "REDIRECT_TO_AUTH_URL"})
_ABOUT_A_CODE = frozenset({"INVALID_PARAMETER", "MISSING_PARAMETER"})


def request(charge: Charge, wallet: Wallet) -> JsonObject:
    """The body of the create."""
    account = {"phoneNumber": (charge.phone or "").removeprefix("+"), "provider": wallet.name}
    message = plain_text(charge.statement, _LONGEST_MESSAGE)
    return {
        ID: charge.id,
        "amount": operations.amount_text(charge.money),
        "currency": charge.money.currency,
        "payer": {"type": "MMO", "accountDetails": account},
        "clientReferenceId": charge.intent_id,
        **({"customerMessage": message} if len(message) >= _SHORTEST_MESSAGE else {}),
        **({"preAuthorisationCode": charge.otp or ""} if wallet.flow is Flow.OTP else {}),
        **(dict.fromkeys(("successfulUrl", "failedUrl"), charge.return_url) if wallet.flow is Flow.REDIRECT else {}),
    }


def created(account: Account, charge: Charge, wallet: Wallet, answer: Answer, now: datetime) -> Outcome | None:
    """The outcome of the create; None if pawaPay has this deposit already, and a look-up must say what it is."""
    named = read_text(answer.value(), ID)
    if named not in ({charge.id} if answer.status == 200 else {charge.id, None}):
        return answer.unknown()  # half an answer, or one about another deposit
    if operations.is_refusal(answer):
        return _refused(account, answer)
    status = answer.read("status") if answer.status == 200 else None
    if status == "DUPLICATE_IGNORED":
        return None
    if status != "ACCEPTED":
        return answer.unknown()
    return _waiting(account, charge, wallet, answer.value(), now)


def looked_up(account: Account, charge: Charge, wallet: Wallet, answer: Answer, now: datetime) -> Outcome:
    """The outcome of a look-up."""
    data = operations.found(account, answer, ID, charge.id)
    if isinstance(data, Outcome):
        return data
    return ended(account, data) or _waiting(account, charge, wallet, data, now)


def ended(account: Account, data: object) -> Outcome | None:
    """The outcome of a deposit that has ended; None if it has not."""
    return operations.end(account, data, codes.DEPOSITS, read_text(data, "providerTransactionId"))


def _refused(account: Account, answer: Answer) -> Outcome:
    """A wrong code is the payer's, and the end of this try."""
    said = answer.value()
    code = operations.failure_code(said)
    if code in _ABOUT_A_CODE and "preauthorisationcode" in operations.failure_message(said).lower():
        return failed(FailureCode.OTP_INVALID, code)
    return operations.refusal(account, answer, codes.DEPOSITS)


def _waiting(account: Account, charge: Charge, wallet: Wallet, data: object, now: datetime) -> Outcome:
    """A deposit that has not ended: what its payer has to do."""
    status, next_step = read_text(data, "status"), read_text(data, "nextStep")
    if status not in _WAITING or next_step not in _NEXT_STEPS:
        operations.alarm(account, "provider_word_unknown", next_step if status in _WAITING else status)
        return Outcome(result=Result.PROCESSING, raw_code=status)
    if status == "IN_RECONCILIATION":  # for hours, and its payer has done what was to be done
        return Outcome(result=Result.PROCESSING, raw_code=status)
    if wallet.flow is Flow.REDIRECT:
        return _at_a_page(charge, data, next_step)
    ends_at = (charge.submitted_at or now) + PROMPT
    if wallet.flow is Flow.OTP or now >= ends_at:
        return Outcome(result=Result.PROCESSING, raw_code=status)
    return Outcome(result=Result.REQUIRES_ACTION, action=Action(kind=ActionKind.USSD), deadline=ends_at)


def _at_a_page(charge: Charge, data: object, next_step: str | None) -> Outcome:
    """The wallet's page, once its address is known: to go to, or to be scanned."""
    url = read_text(data, "authorizationUrl") if next_step == "REDIRECT_TO_AUTH_URL" else None
    is_scanned = charge.flow is Flow.QR
    action = Action(kind=ActionKind.QR, data=url) if is_scanned else Action(kind=ActionKind.REDIRECT, url=url)
    if not action.is_complete:
        return Outcome(result=Result.PROCESSING, raw_code=next_step)
    return Outcome(result=Result.REQUIRES_ACTION, action=action)
