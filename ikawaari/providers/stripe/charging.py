"""Taking money, and saving cards, in two steps: an intent is created, which moves no money, and then confirmed.

Whatever happens to the answer of the first step is harmless: it is repeated under its key, or the intent is never
confirmed. A lost answer of the second step is `unknown`, with the intent's id, by which it is looked up.
Off session it is the same: so the id is known before money can move.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ikawaari import clock
from ikawaari.providers.capabilities import Times
from ikawaari.providers.http import Answer, NoAnswer, read, read_text
from ikawaari.providers.outcomes import FailureCode, Outcome, Result, SavedMethod, failed, refused, unknown
from ikawaari.providers.stripe import wire
from ikawaari.providers.stripe.failures import failure_of, word_of
from ikawaari.providers.stripe.intents import PAYMENT, SETUP, Sort, outcome_of
from ikawaari.providers.stripe.wire import Api, Form, Unanswered, error_of, is_final, is_repeated, value_of
from ikawaari.providers.values import Charge

EXPANDED: Form = {"expand[]": "payment_method"}  # a saved card's brand and last four digits
_SKEW = timedelta(seconds=60)  # how far Stripe's clock may be from ours
_LONGEST_DESCRIPTION, _LONGEST_NAME = 1_000, 256


@dataclass(frozen=True)
class Asking:
    """One charge at Stripe, in a verb."""

    api: Api
    charge: Charge
    livemode: bool
    times: Times
    now: datetime

    @property
    def sort(self) -> Sort:
        """Which sort of intent it is."""
        return SETUP if self.charge.is_setup else PAYMENT

    @property
    def saves(self) -> bool:
        """Whether its card, just typed, is to be charged again."""
        return (self.charge.is_setup or self.charge.saves_method) and not self.charge.saved

    @property
    def is_forgotten(self) -> bool:
        """Whether no call of it can be on its way any more."""
        sent_at = self.charge.submitted_at
        return sent_at is not None and self.now - sent_at >= self.times.forgets_after

    def is_about(self, made: object) -> bool:
        """Whether what an answer shows was made for this charge: it has our id, which nobody changes, and its own."""
        own = self.charge.reference is None or read_text(made, "id") == self.charge.reference
        return own and read(made, "metadata", "attempt") == self.charge.id

    def outcome(self, intent: object) -> Outcome:
        """What its intent has come to, in the charge's money where nothing was to be taken."""
        if not self.is_about(intent):
            return unknown("about another charge")
        found = outcome_of(self.sort, intent, livemode=self.livemode)
        if self.charge.is_setup and found.result is Result.SUCCEEDED:
            return replace(found, money=self.charge.money)
        if found.result is Result.FAILED:
            return replace(found, saved=self.spent(read(intent, self.sort.error)))
        return found

    def spent(self, error: object) -> SavedMethod | None:
        """The saved card, if its bank says with an error that it will never pay again."""
        is_spent = read_text(error, "advice_code") == "do_not_try_again"
        return replace(self.charge.saved, is_spent=True) if self.charge.saved and is_spent else None


# ---------------------------------------------------------------- asking for money


def take(asking: Asking) -> Outcome:
    """Create the intent and confirm it."""
    charge = asking.charge
    if not charge.saved and charge.off_session:  # what was typed can be used once: the payer must come
        return refused(FailureCode.AUTHENTICATION_REQUIRED, "no saved card")
    if not charge.saved and not charge.card_token:
        return refused(FailureCode.CONFIGURATION_ERROR, "no card")
    customer = charge.saved.customer if charge.saved else None
    if asking.saves:
        made = _created(asking, "/v1/customers", _customer_form(charge), f"{charge.id}:customer", "customer")
        if not isinstance(made, str):
            return made
        customer = made
    intent_id = _created(asking, asking.sort.path, _intent_form(asking, customer), charge.id, "create")
    return _confirmed(asking, intent_id) if isinstance(intent_id, str) else intent_id


def _created(asking: Asking, path: str, form: Form, key: str, what: str) -> str | Outcome:
    """The id of what the first step creates, or why there is none."""
    answer = asking.api.post(path, form, key, what)
    was_sent = _is_lost(answer)
    if was_sent:
        answer = asking.api.post(path, form, key, what)
    if isinstance(answer, NoAnswer):
        return answer.unknown() if was_sent else answer.of_create()
    if is_repeated(answer) and answer.status != wire.OK:
        return _seen(asking)
    if is_final(answer):
        error = error_of(answer)
        return refused(failure_of(error), word_of(error))
    made = value_of(answer)
    made_id = read_text(made, "id")
    if made_id is None or not asking.is_about(made):
        return answer.unknown()
    if read(made, "livemode") is not asking.livemode:
        return refused(FailureCode.CONFIGURATION_ERROR, "the key is of the other mode")
    return made_id


def _is_lost(answer: Answer | NoAnswer) -> bool:
    """Whether the answer is missing or unusable, so that asking again under the same key may bring it."""
    if isinstance(answer, NoAnswer):
        return answer.was_sent
    return answer.status not in (wire.CONFLICT, wire.TOO_MANY) and value_of(answer) is None and not is_final(answer)


def _confirmed(asking: Asking, intent_id: str) -> Outcome:
    """The second step. Unless Stripe says how it ended, nobody knows; the look-up does."""
    charge, path = asking.charge, f"{asking.sort.path}/{intent_id}/confirm"
    answer = asking.api.post(path, _confirm_form(charge), f"{charge.id}:confirm", "confirm")
    if isinstance(answer, NoAnswer):
        return replace(answer.unknown(), reference=intent_id)
    error = error_of(answer)
    if is_repeated(answer) or read_text(error, "code") == f"{asking.sort.name}_unexpected_state":
        return _seen(replace(asking, charge=replace(charge, reference=intent_id)))
    if is_final(answer):
        return _ended_by(asking, error, intent_id)
    found = asking.outcome(value_of(answer))
    is_usable = found.reference == intent_id and found.result is not Result.NOT_FOUND
    return found if is_usable else replace(answer.unknown(), reference=intent_id)


def _ended_by(asking: Asking, error: object, intent_id: str) -> Outcome:
    """A decline is the bank's answer; any other error means that the intent was not confirmed."""
    is_decline = read_text(error, "type") == "card_error"
    return Outcome(
        result=Result.FAILED if is_decline else Result.REFUSED,
        failure=failure_of(error),
        raw_code=word_of(error),
        reference=intent_id,
        saved=asking.spent(error),
    )


def _seen(asking: Asking) -> Outcome:
    """What became of a charge that an earlier call had asked for already: it was seen, whatever the look-up says."""
    found = look_up(asking)
    return replace(unknown("seen before"), reference=found.reference) if found.result is Result.NOT_FOUND else found


def _customer_form(charge: Charge) -> Form:
    return {"metadata[attempt]": charge.id, "name": (charge.customer_name or "")[:_LONGEST_NAME]}


def _intent_form(asking: Asking, customer: str | None) -> Form:
    charge = asking.charge
    common: Form = {
        "allowed_payment_method_types[]": "card",
        "customer": customer,
        "description": charge.statement[:_LONGEST_DESCRIPTION],
        "metadata[attempt]": charge.id,
        "metadata[intent]": charge.intent_id,
    }
    if charge.is_setup:
        return {**common, "usage": "off_session"}
    return {
        **common,
        "amount": str(charge.money.amount),
        "currency": charge.money.currency.lower(),
        "setup_future_usage": "off_session" if asking.saves else None,
    }


def _confirm_form(charge: Charge) -> Form:
    if charge.off_session:
        payer: Form = {"off_session": "true", "error_on_requires_action": "true"}
    else:
        payer = {"return_url": charge.return_url or charge.page_url}
    card = {"payment_method": charge.saved.id} if charge.saved else {"confirmation_token": charge.card_token}
    return {**EXPANDED, **payer, **card}


# ---------------------------------------------------------------- asking what became of it


def look_up(asking: Asking) -> Outcome:
    """What became of a charge. One that was never confirmed, and no longer can be, is canceled, so that it ends."""
    try:
        intent = _found(asking)
    except Unanswered as trouble:
        return trouble.outcome
    outcome = Outcome(result=Result.NOT_FOUND) if intent is None else asking.outcome(intent)
    if outcome.result is not Result.NOT_FOUND or outcome.reference is None or not asking.is_forgotten:
        return outcome
    ended = _ended(asking, outcome.reference)
    if ended.failure is FailureCode.CANCELED:
        return failed(FailureCode.PROVIDER_UNAVAILABLE, "never confirmed", reference=ended.reference)
    return ended


def cancel(asking: Asking) -> Outcome:
    """End the intent, and see what it has come to."""
    try:
        intent = _found(asking)
    except Unanswered as trouble:
        return trouble.outcome
    reference = read_text(intent, "id")
    return _ended(asking, reference) if reference else Outcome(result=Result.NOT_FOUND)


def _ended(asking: Asking, reference: str) -> Outcome:
    # A key of its own: Stripe would replay the answer of an earlier cancellation, even a 500.
    key = f"{asking.charge.id}:cancel:{clock.unix(asking.now)}"
    asking.api.post(f"{asking.sort.path}/{reference}/cancel", {"cancellation_reason": "abandoned"}, key, "cancel")
    answer = asking.api.get(f"{asking.sort.path}/{reference}", EXPANDED, "lookup")
    intent = value_of(answer)
    return answer.unknown() if intent is None else asking.outcome(intent)


def _found(asking: Asking) -> object:
    """The intent of a charge; None if there is none. Raises Unanswered."""
    charge = asking.charge
    if charge.reference is None:
        query = {**_window(asking), "expand[]": "data.payment_method"}
        every = asking.api.listed(asking.sort.path, query)
        return next((one for one in every if read(one, "metadata", "attempt") == charge.id), None)
    answer = asking.api.get(f"{asking.sort.path}/{charge.reference}", EXPANDED, "lookup")
    intent = value_of(answer)
    if intent is None:
        raise Unanswered(unknown(answer.word))
    return intent


def _window(asking: Asking) -> Form:
    """When the intent was created, if it was: lists are complete at once, unlike searches."""
    sent_at = asking.charge.submitted_at
    if sent_at is None:
        return {}
    until = sent_at + asking.times.call_timeout + _SKEW
    return {"created[gte]": str(clock.unix(sent_at - _SKEW)), "created[lte]": str(clock.unix(until))}
