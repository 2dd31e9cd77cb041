"""Tools of test mode: a developer decides for the payer. Live objects are never found here."""

from datetime import datetime

from ikawaari.checkout import callbacks, resources
from ikawaari.errors import Conflict, NotFound
from ikawaari.providers import registry
from ikawaari.providers.base import FailureCode
from ikawaari.providers.sandbox import Sandbox
from ikawaari.store.models import PaymentIntent


def decide(intent_id: str, *, succeeded: bool, failure_reason: str | None, now: datetime) -> PaymentIntent:
    """Have the sandbox end the intent's latest attempt and call back. Returns the intent as it is then.

    Raises NotFound (also for a live intent), Conflict when nothing was tried yet.
    """
    intent = PaymentIntent.get_or_none(PaymentIntent.id == intent_id, ~PaymentIntent.livemode)
    if intent is None:
        raise NotFound("payment intent")
    attempts = resources.attempts_of(intent)
    sandbox = registry.named(Sandbox.name)
    if not attempts or not isinstance(sandbox, Sandbox):
        raise Conflict("IKW-RES-002", "No payment was attempted yet.")
    failure = failure_reason if failure_reason in set(FailureCode) else FailureCode.UNKNOWN
    try:
        callback = sandbox.tell(attempts[-1].id, succeeded=succeeded, failure=failure, now=now)
    except LookupError:
        raise Conflict("IKW-RES-002", "The payment has not reached the operator.") from None
    callbacks.receive(Sandbox.name, callback, now)
    return PaymentIntent.get_by_id(intent_id)
