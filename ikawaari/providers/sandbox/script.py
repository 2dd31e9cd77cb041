"""What the simulated operator does, by the last three digits of the payer's number or by the card's token."""

from dataclasses import dataclass, replace
from enum import StrEnum

from ikawaari.providers.outcomes import FailureCode
from ikawaari.providers.values import Charge, Flow


class Answer(StrEnum):
    """How the charge call itself ends."""

    NORMAL = "normal"
    NONE = "none"  # the connection dies after the money was taken
    ERROR = "error"  # a 500 after the money was taken


class Ending(StrEnum):
    """How the charge ends."""

    SUCCEEDS = "succeeds"
    FAILS = "fails"
    CORRECTS = "corrects"  # fails, and later succeeds after all
    NEVER = "never"  # until a test decides
    WAITS = "waits"  # for the payer, on the screen or with a code


class Refunds(StrEnum):
    """How refunds of the charge end."""

    AT_ONCE = "at_once"
    SLOW = "slow"  # done after the payer's short delay
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True)
class Script:
    """One scripted behavior. `at_once`: it ends within the charge call itself."""

    ending: Ending = Ending.SUCCEEDS
    failure: FailureCode | None = None
    answer: Answer = Answer.NORMAL
    flow: Flow = Flow.USSD_PUSH
    at_once: bool = False
    after_prompt: bool = False  # it ends when the prompt expires, not after the payer's short delay
    takes_half: bool = False
    callbacks: bool = True
    noisy: bool = False  # the success is reported three times, followed by outdated reports
    refunds: Refunds = Refunds.AT_ONCE


RIGHT_OTP = "123456"
_FAILS = Ending.FAILS
_BY_ENDING = {
    "001": Script(ending=_FAILS, failure=FailureCode.INSUFFICIENT_FUNDS),
    "002": Script(ending=_FAILS, failure=FailureCode.PAYER_DECLINED),
    "003": Script(ending=_FAILS, failure=FailureCode.PAYMENT_TIMEOUT, after_prompt=True),
    "004": Script(answer=Answer.NONE, at_once=True, callbacks=False),
    "005": Script(answer=Answer.ERROR, at_once=True),
    "006": Script(noisy=True),
    "007": Script(ending=Ending.CORRECTS, failure=FailureCode.UNKNOWN),
    "008": Script(ending=_FAILS, failure=FailureCode.PROVIDER_UNAVAILABLE, at_once=True, callbacks=False),
    "009": Script(ending=Ending.WAITS, flow=Flow.OTP),
    "010": Script(ending=Ending.WAITS, flow=Flow.REDIRECT),
    "011": Script(ending=Ending.NEVER),
    "012": Script(takes_half=True),
    "013": Script(refunds=Refunds.SLOW),
    "014": Script(refunds=Refunds.FAIL),
    "015": Script(),
}
_CARD = Script(at_once=True, callbacks=False)
_BY_TOKEN = {
    "tok_test_card": _CARD,
    "tok_test_renewal_declined": _CARD,
    "tok_test_3ds": Script(ending=Ending.WAITS, flow=Flow.REDIRECT),
    "tok_test_declined": replace(_CARD, ending=_FAILS, failure=FailureCode.CARD_DECLINED),
    "tok_test_insufficient_funds": replace(_CARD, ending=_FAILS, failure=FailureCode.INSUFFICIENT_FUNDS),
    "tok_test_expired": replace(_CARD, ending=_FAILS, failure=FailureCode.CARD_EXPIRED),
}
# Renewals: the payer is absent, so a bank that wants to authenticate them can only refuse.
_OFF_SESSION = {
    "015": Script(ending=_FAILS, failure=FailureCode.PAYMENT_TIMEOUT, after_prompt=True),
    "tok_test_3ds": replace(_CARD, ending=_FAILS, failure=FailureCode.AUTHENTICATION_REQUIRED),
    "tok_test_renewal_declined": replace(_CARD, ending=_FAILS, failure=FailureCode.CARD_DECLINED),
}
_UNKNOWN_TOKEN = replace(_CARD, ending=_FAILS, failure=FailureCode.CARD_DECLINED)
_WAITING_FLOWS = {Flow.OTP, Flow.REDIRECT, Flow.QR}


def script_of(request: Charge) -> Script:
    """The script for a charge. A plain number follows the flow that the payer prefers; a scripted one has its own."""
    told = request.card_token or "" if request.method_type == "card" else (request.phone or "")[-3:]
    if request.off_session and told in _OFF_SESSION:
        return _OFF_SESSION[told]
    if request.method_type == "card":
        return _BY_TOKEN.get(told, _UNKNOWN_TOKEN)
    if not told:  # a payer without a phone: nobody approves until a test decides
        return _BY_ENDING["011"]
    scripted = _BY_ENDING.get(told)
    if scripted:
        return scripted
    if request.flow in _WAITING_FLOWS:
        return Script(ending=Ending.WAITS, flow=request.flow)
    return Script()
