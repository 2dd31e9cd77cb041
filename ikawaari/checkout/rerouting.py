"""A refusal is passed on: the next account that takes the payment is asked, once. A failure never is, an unknown never.

The refused attempt keeps its place in the history; another one continues it within the same claim, so that nobody can
begin in between, and the payer sees no seam.
"""

from datetime import datetime, timedelta

from ikawaari import ids, store
from ikawaari.checkout import enquiry, routing, settlement, subscriptions
from ikawaari.checkout.payment_methods import Terms
from ikawaari.money import Money
from ikawaari.providers.base import Flow, Outcome, Result
from ikawaari.providers.channel import Channel
from ikawaari.shapes import ColumnValues, MethodType
from ikawaari.states import AttemptStatus
from ikawaari.store.models import PaymentAttempt, PaymentIntent

_KEPT = (
    *("intent", "type", "operator", "country", "phone", "flow", "return_url", "currency", "off_session"),
    *("customer_details", "custom_field_values", "amount", "fee_amount", "quantities"),
)
_AFTER = timedelta(microseconds=1)  # so that the latest attempt is the one that goes on


def next_channel(attempt: PaymentAttempt, outcome: Outcome) -> Channel | None:
    """Where the refused charge of `attempt` may be asked for once more; None if nowhere, or it was not refused.

    With the payer there, the same wallet and number, and without a code: one that was typed is another provider's.
    """
    can_move = attempt.type == MethodType.MOBILE_MONEY and not attempt.off_session and not attempt.codes
    if outcome.result is not Result.REFUSED or not can_move or attempt.routed_from:
        return None
    flow = Flow(attempt.flow) if attempt.flow else None
    money = Money(attempt.amount, attempt.currency)
    found = routing.candidates(Terms.of_intent(attempt.intent).wanting(attempt.type, attempt.operator, money))
    others = [one for one in found if one.id != attempt.provider and not routing.is_in_doubt(one.id, attempt.operator)]
    return next((one for one in others if not _needs_code(one, attempt, flow)), None)


def _needs_code(channel: Channel, attempt: PaymentAttempt, flow: Flow | None) -> bool:
    reach = channel.reach(attempt.operator)
    return reach is None or reach.asks_code_first(flow)


def pass_on(attempt: PaymentAttempt, refusal: Outcome, channel: Channel, now: datetime) -> PaymentAttempt | None:
    """End the refused attempt, and store the one that continues it at `channel`, all or nothing, before it is called.

    None if news of the refused charge has arrived meanwhile: then its provider has started something after all.
    """
    with store.atomic():
        # If an enquiry, a callback or an operator has news of the first charge, they hold this lock before us.
        PaymentIntent.lock(subscriptions.lock_for_payment(attempt.id))
        stored = PaymentAttempt.get_by_id(attempt.id)
        if stored.status != AttemptStatus.SUBMITTING or stored.submitted_at != attempt.submitted_at:
            return None
        settlement.refused(stored, refusal, now)
        again = PaymentAttempt(
            id=ids.new_attempt(),
            provider=channel.id,
            status=AttemptStatus.SUBMITTING,
            routed_from=attempt.id,
            created_at=attempt.created_at + _AFTER,
            **_columns(attempt),
        )
        store.shared_clock.insert(again, "submitted_at")
        enquiry.begin(again, now)
        return again


def _columns(attempt: PaymentAttempt) -> ColumnValues:
    return {name: getattr(attempt, name) for name in _KEPT}
