"""What the payer of an attempt has to do, as the API and the page tell it."""

from ikawaari.providers.base import Action, ActionKind
from ikawaari.shapes import NextAction, Prompt
from ikawaari.store.models import PaymentAttempt


def of(attempt: PaymentAttempt, action: Action | None) -> NextAction | None:
    """What a provider's report says that the payer has to do. A look-up rarely repeats the code to dial."""
    if action is None:
        return None
    if action.kind is ActionKind.REDIRECT:
        return {"type": action.kind, "redirect_to_url": {"url": action.url, "return_url": attempt.return_url}}
    if action.kind is ActionKind.QR:
        return {"type": action.kind, "display_qr_code": {"data": action.data}}
    dialed = action.dial_code or dial_code(attempt, action.kind)
    if action.kind is ActionKind.OTP:
        code: Prompt = {"message": "Type the code that your operator gave you.", "dial_code": dialed}
        return {"type": action.kind, "mobile_money_otp": code}
    approval: Prompt = {"message": "Approve the payment on your phone.", "dial_code": dialed}
    return {"type": action.kind, "mobile_money_ussd": approval}


def dial_code(attempt: PaymentAttempt, kind: ActionKind) -> str | None:
    """The code that its payer has been told to dial, if that was for this kind of action."""
    told: NextAction | None = attempt.next_action
    if told is None or told["type"] != kind:
        return None
    prompt = told.get("mobile_money_otp") or told.get("mobile_money_ussd")
    return prompt["dial_code"] if prompt else None
