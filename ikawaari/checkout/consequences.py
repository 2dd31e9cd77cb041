"""What follows a booked report: events, the session's completion, subscriptions, and money that is returned.

All of it reads what is stored, and may have to be done again by a worker: see `settlement`, which alone calls it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ikawaari.checkout import customers, invoices, links, outbox, quotes, refunds, sessions, snapshots, subscriptions
from ikawaari.checkout.snapshots import IntentSnapshot, Snapshot
from ikawaari.checkout.subscriptions import Agreement
from ikawaari.money import Money
from ikawaari.providers.base import FailureCode
from ikawaari.shapes import ColumnValues
from ikawaari.states import INTENT, SESSION, AttemptStatus, IntentStatus, PaymentStatus, SessionStatus
from ikawaari.store.models import AttemptReport, CheckoutSession, PaymentAttempt, PaymentIntent

_BEGUN = (AttemptStatus.PROCESSING, AttemptStatus.REQUIRES_ACTION)


@dataclass
class Case:
    """An attempt and everything that depends on it, read under the intent's lock, and changed as its rows are."""

    attempt: PaymentAttempt
    intent: PaymentIntent
    attempts: Sequence[PaymentAttempt]  # of the intent, this one among them
    page: Snapshot | None  # the session, and what is shown with it
    now: datetime
    has_moved: bool = True  # whether the attempt's status is new, and must be published
    goes_on: bool = False  # another attempt continues at once what this one's provider refused
    step_by_step: bool = True  # whether a step that fails is undone separately
    learned: ColumnValues = field(default_factory=dict)  # columns of the attempt for its next UPDATE

    @property
    def session(self) -> CheckoutSession | None:
        """The session, if the intent has one."""
        return self.page.session if self.page else None

    @property
    def page_now(self) -> Snapshot | None:
        """The session as the report has left it, if it is known without another look.

        It is not if a step was undone, or if the payment may have started a subscription, or paid an invoice.
        """
        is_known = self.page and not self.step_by_step and not invoices.may_be_of(self.page.session)
        return self.page if is_known else None


def _never_began(attempt: PaymentAttempt) -> bool:
    """Whether an outage refused a renewal's attempt before its provider had it: nothing of it was published."""
    if not attempt.off_session or attempt.failure_code != FailureCode.PROVIDER_UNAVAILABLE:
        return False
    begun = AttemptReport.select().where(AttemptReport.attempt == attempt.id, AttemptReport.status.in_(_BEGUN))
    return not begun.exists()


def follow(case: Case) -> None:
    """What the stored statuses require: events, the session's completion, subscriptions, the return of held money."""
    attempt, intent = case.attempt, case.intent
    paid = attempt.status == AttemptStatus.SUCCEEDED and not attempt.surplus
    if case.has_moved and paid:
        _follow_success(case, Money(attempt.amount, attempt.currency))
    elif case.has_moved and attempt.status == intent.status == IntentStatus.FAILED:
        _follow_failure(case)
    elif case.has_moved and attempt.status == intent.status == IntentStatus.REQUIRES_ACTION:
        _publish(case)
    if attempt.held > 0:
        duplicate = attempt.status == AttemptStatus.SUCCEEDED and attempt.surplus
        held = Money(attempt.held, str(attempt.received_currency))
        refunds.give_back(attempt, held, "duplicate" if duplicate else "wrong_amount", case.now)


def _publish(case: Case) -> None:
    """The event of the intent's status, from what is stored: a worker may have to do it again."""
    shown = IntentSnapshot(case.intent, case.session, case.attempts)
    outbox.publish_intent(INTENT.arrival(case.intent.status), shown, case.now)


def _follow_success(case: Case, money: Money) -> None:
    _publish(case)
    # One that only expired, with its session, leaves it to the merchant's policy whether late money goes back.
    given_up = case.intent.cancellation_reason == "requested"
    if case.page is not None:
        _close(case, case.page, money, given_up=given_up)
    elif given_up:
        refunds.give_back(case.attempt, money, "late", case.now)


def _close(case: Case, page: Snapshot, money: Money, *, given_up: bool) -> None:
    """The session is paid: in time, or late and then by the merchant's policy, or beyond the uses of its link."""
    session = page.session
    exceeded = links.is_exceeded(session)
    if exceeded:
        sessions.try_expire(session, case.now)
    # An earlier attempt that is corrected to succeeded may be of another payer, and over another quantity, than the
    # latest one: what was bought, and who bought it, is what this attempt says.
    bought = _bought(case.attempt, session)
    in_time = sessions.try_complete(session, PaymentStatus.PAID, case.now, **bought)
    if not in_time:
        session.move("payment_status", PaymentStatus.PAID, completed_at=case.now, late=True, **bought)
    customers.recognize(session, case.attempt.phone, case.now)
    goes_back = not in_time and (exceeded or given_up or _is_unwanted(page))
    if not goes_back:
        _serve(case, session)
    told = SESSION.arrival(SessionStatus.COMPLETE) if in_time else outbox.LATE_PAYMENT
    outbox.publish_session(told, case.page_now or snapshots.of(session), case.now)
    if goes_back:
        refunds.give_back(case.attempt, money, "link_used" if exceeded else "late", case.now)


def _bought(attempt: PaymentAttempt, session: CheckoutSession) -> ColumnValues:
    """The columns of the session that its payer decided."""
    typed = {"customer_details": attempt.customer_details, "custom_field_values": attempt.custom_field_values}
    return typed | quotes.columns(session, quotes.agreed(attempt))


def _serve(case: Case, session: CheckoutSession) -> None:
    """The merchant has the money, in time or late: what was bought starts, or continues."""
    agreement = Agreement.of(case.attempt)
    subscriptions.activate(session, agreement, case.now)
    subscriptions.paid(session, agreement, case.now)


def _is_unwanted(page: Snapshot) -> bool:
    """Whether late money is returned: by the merchant's policy, or because what it pays for was canceled."""
    return page.merchant.late_payments == "refund" or subscriptions.has_been_canceled(page.session)


def _follow_failure(case: Case) -> None:
    if _never_began(case.attempt):
        outbox.withhold(case.intent)
    else:
        _publish(case)
    if case.session is not None:
        links.forget_visitor(case.session)
        subscriptions.failed(case.session, case.attempt, case.now)
