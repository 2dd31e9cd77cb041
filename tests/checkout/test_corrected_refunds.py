"""A refund that was reported failed has been paid out after all, and one that succeeded is sent back: in any order,
once, and with the merchant's next refund of the same money under way.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from ikawaari import store
from ikawaari.checkout import audit as audits
from ikawaari.checkout import held, incidents, merchant_view, refund_books, refund_checks, refunds
from ikawaari.checkout.refunds import NewRefund
from ikawaari.money import Money
from ikawaari.providers import registry
from ikawaari.providers.base import Account, FailureCode, Outcome, RefundOrder, Result, unknown
from ikawaari.providers.capabilities import Reach, Refunds
from ikawaari.providers.sandbox import Sandbox
from ikawaari.store.models import CheckoutSession, DueWork, Event, Incident, PaymentAttempt, Refund
from tests import factories
from tests import world as worlds
from tests.checkout.test_crashes import survives
from tests.world import World, fresh, intent, latest, together

BACK = Outcome(result=Result.FAILED, failure=FailureCode.UNKNOWN, raw_code="lost_or_stolen_card")
BUSY = Outcome(result=Result.REFUSED, failure=FailureCode.PROVIDER_UNAVAILABLE)
NO_ANSWER = unknown("HTTP 500")


def given(amount: int = 5_000) -> Outcome:
    """A refund of so much has gone."""
    return Outcome(result=Result.SUCCEEDED, money=Money(amount, "XOF"))


class Truthful(Sandbox):
    """The sandbox, whose refunds end as `says`; a look-up tells the `truth` of each, if there is one."""

    says: Outcome = BACK
    kind = Refunds.PARTIAL

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.truth: dict[str, Outcome] = {}

    def refund(self, account: Account, order: RefundOrder, now: datetime) -> Outcome:
        return self.says

    def lookup_refund(self, account: Account, order: RefundOrder, now: datetime) -> Outcome:
        return self.truth.get(order.id, self.says)

    def reach(self, account: Account, operator: str | None) -> Reach | None:
        reach = super().reach(account, operator)
        return reach and replace(reach, refunds_fail_within=timedelta(days=10), refunds=self.kind)

    def tells(self, refund: Refund, outcome: Outcome) -> None:
        """From now on the truth of a refund is this."""
        self.truth[str(refund.sent_as)] = outcome


def truthful(world: World) -> Truthful:
    """It, as the only provider."""
    made = Truthful(replace(world.config, sandbox_delay_seconds=3.0))
    registry.configure([made])
    return made


def paid_by_card(world: World) -> CheckoutSession:
    """A session that is paid."""
    made = world.session()
    world.pay_by_card(made)
    return made


@pytest.fixture
def provider(world: World) -> Truthful:
    """The provider of every payment here."""
    return truthful(world)


@pytest.fixture
def session(world: World, provider: Truthful) -> CheckoutSession:
    """A session that is paid."""
    return paid_by_card(world)


def ask(world: World, session: CheckoutSession, amount: int | None = None) -> Refund:
    """Have the merchant return some of the payment, or all that is left, and a worker send it."""
    world.later(1)
    made = refunds.create(world.owner, NewRefund(payment_intent=intent(session).id, amount=amount), world.now)
    world.work()
    return made


def correct(world: World, provider: Truthful, refund: Refund, truth: Outcome) -> None:
    """The provider says something else from now on, and a report makes us ask."""
    provider.tells(refund, truth)
    world.later(1)
    refunds.apply(refund.id, truth, world.now)
    world.work()


def quantities(session: CheckoutSession) -> tuple[int, int, str]:
    """What the API says: returned of the attempt, refunded of the intent, and the session's payment status."""
    told: Any = merchant_view.attempt(latest(session))
    return told["amount_returned"], intent(session).amount_refunded, fresh(session).payment_status


def states() -> list[str]:
    """The statuses of all refunds, oldest first."""
    return [str(one.status) for one in worlds.refunds()]


def told_of(refund: Refund) -> list[str]:
    """The events about a refund, in their order."""
    of_it = Event.select().where(Event.object_id == refund.id).order_by(Event.sequence)
    return [event.type.partition(".")[2] for event in of_it]


def open_incidents() -> list[tuple[str, int]]:
    """Kind and amount of what the operator must see."""
    return [(str(row.kind), row.amount) for row in Incident.select().where(Incident.closed_at.is_null())]


def adds_up() -> None:
    """Nothing that the audit looks at contradicts anything."""
    assert audits.findings() == []


# ---------------------------------------------------------------- it went after all


def test_a_refund_that_went_after_all_is_found_though_no_news_of_it_arrived(
    world: World, provider: Truthful, session: CheckoutSession
) -> None:
    refund = ask(world, session)
    assert (states(), quantities(session)) == (["failed"], (0, 0, "paid"))
    provider.tells(refund, given())
    world.wait(60)
    assert (states(), quantities(session)) == (["succeeded"], (5_000, 5_000, "refunded"))
    assert Refund.get_by_id(refund.id).failure_code is None
    assert told_of(refund) == ["created", "failed", "succeeded"]
    assert open_incidents() == []
    adds_up()


def test_one_that_stays_failed_is_asked_about_like_a_payment(
    world: World, provider: Truthful, session: CheckoutSession
) -> None:
    refund = ask(world, session)
    ended, waits = world.now, []
    while work := DueWork.get_or_none(DueWork.kind == refunds.RECHECK):
        waits.append(work.due_at - ended)
        world.wait((work.due_at - world.now).total_seconds())
    assert waits == list(refunds.RECHECKS_OF_FAILED)
    assert told_of(refund) == ["created", "failed"]


@pytest.mark.parametrize("answer", [NO_ANSWER, Outcome(result=Result.PROCESSING)], ids=["no answer", "under way"])
def test_while_nobody_knows_it_is_asked_again_every_hour(
    world: World, provider: Truthful, session: CheckoutSession, answer: Outcome
) -> None:
    refund = ask(world, session)
    provider.tells(refund, answer)
    world.wait(60, 3_600, 90_000)
    assert DueWork.get(DueWork.kind == refunds.RECHECK).due_at == world.now + timedelta(hours=1)
    provider.tells(refund, given())
    world.wait(3_600)
    assert states() == ["succeeded"]


def test_an_automatic_one_is_not_tried_again(world: World, provider: Truthful) -> None:
    session = world.session()
    world.pay(session, "012")
    world.wait(5)
    (refund,) = worlds.refunds()
    assert DueWork.select().where(DueWork.kind == refunds.RETRY).count() == 1
    correct(world, provider, refund, given(2_500))
    assert (states(), latest(session).held) == (["succeeded"], 0)
    assert list(held.listed()) == []
    assert not DueWork.select().where(DueWork.kind == refunds.RETRY).exists()
    adds_up()


def test_a_merchants_own_refund_that_went_after_all_counts_before_an_automatic_one_is_tried(
    world: World, provider: Truthful
) -> None:
    session = world.session()
    world.pay(session, "012")
    world.wait(5, 60)
    own = refunds.create(world.owner, NewRefund(attempt=latest(session).id), world.now)
    world.work()
    provider.tells(own, given(2_500))
    DueWork.delete().where(DueWork.kind == refunds.RECHECK).execute()
    assert refund_checks.retry(latest(session).id, world.now) is None
    assert (states(), latest(session).held) == (["failed", "succeeded"], 0)


# ---------------------------------------------------------------- what is newer, only the provider knows


@pytest.mark.parametrize("truth", [given(), BACK], ids=["it went", "it did not"])
@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 1, 0), (1, 0, 1), (0, 0, 1, 1)])
def test_reports_in_any_order_end_in_what_the_provider_says_now(
    world: World, provider: Truthful, session: CheckoutSession, truth: Outcome, order: Sequence[int]
) -> None:
    refund = ask(world, session)
    provider.tells(refund, truth)
    for number in order:
        world.later(1)
        refunds.apply(refund.id, (given(), BACK)[number], world.now)
    world.work()
    expected = (5_000, 5_000, "refunded") if truth.money else (0, 0, "paid")
    assert quantities(session) == expected
    adds_up()


def test_both_corrections_compose(world: World, provider: Truthful, session: CheckoutSession) -> None:
    refund = ask(world, session, 2_000)
    for truth in (given(2_000), BACK, given(2_000), BACK):
        correct(world, provider, refund, truth)
        gone = 2_000 if truth.money else 0
        assert quantities(session) == (gone, gone, "partially_refunded" if gone else "paid")
        adds_up()
    assert told_of(refund) == ["created", "failed", "succeeded", "failed", "succeeded", "failed"]
    assert ask(world, session).amount == 5_000


def test_an_answer_that_was_overtaken_changes_nothing(
    world: World, provider: Truthful, session: CheckoutSession
) -> None:
    seen = Refund.get_by_id(ask(world, session).id)
    for truth in (given(), BACK):
        correct(world, provider, seen, truth)
    refunds.correct(seen, given(), world.now)  # asked before both
    assert (states(), quantities(session)) == (["failed"], (0, 0, "paid"))


@pytest.mark.on_postgres
def test_many_who_ask_at_once_correct_it_once(world: World, provider: Truthful, session: CheckoutSession) -> None:
    refund = ask(world, session)
    provider.tells(refund, given())
    results = together(8, lambda _: refund_checks.recheck(refund.id, world.now))
    assert results == [None] * 8 or not [one for one in results if isinstance(one, Exception)], results
    assert told_of(refund) == ["created", "failed", "succeeded"]
    assert quantities(session) == (5_000, 5_000, "refunded")
    adds_up()


def test_a_worker_that_dies_at_any_statement_of_a_correction_is_replaced(world: World, provider: Truthful) -> None:
    for statement in count(1):
        session = world.session()
        world.pay_by_card(session)
        refund = ask(world, session)
        provider.tells(refund, given())
        world.later(61)
        done = survives(statement, world.work)
        store.release()
        world.wait(600, 3_600, 3_600)
        assert quantities(session) == (5_000, 5_000, "refunded")
        assert told_of(refund) == ["created", "failed", "succeeded"]
        if done:
            break
    assert statement > 8
    adds_up()


# ---------------------------------------------------------------- the merchant has returned it again meanwhile


def test_a_refund_that_nobody_was_asked_for_yet_is_canceled(
    world: World, provider: Truthful, session: CheckoutSession
) -> None:
    first = ask(world, session)
    provider.says = BUSY
    second = ask(world, session)
    assert states() == ["failed", "pending"]
    correct(world, provider, first, given())
    world.wait(*[3_600] * 3)
    assert (states(), quantities(session)) == (["succeeded", "failed"], (5_000, 5_000, "refunded"))
    assert Refund.get_by_id(second.id).failure_code == "canceled"
    assert open_incidents() == []
    adds_up()


@pytest.mark.on_postgres
def test_one_that_is_refused_for_a_while_after_that_is_canceled(
    world: World, provider: Truthful, session: CheckoutSession
) -> None:
    first = ask(world, session)
    provider.says = NO_ANSWER
    second = ask(world, session)
    correct(world, provider, first, given())
    assert states() == ["succeeded", "pending"]
    Refund.update(sent_at=None).where(Refund.id == second.id).execute()  # as the answer to its call says
    provider.says = given()
    world.wait(3_600)
    assert (states(), quantities(session)) == (["succeeded", "failed"], (5_000, 5_000, "refunded"))


def test_what_was_returned_twice_is_an_incident_with_an_end(
    world: World, provider: Truthful, session: CheckoutSession
) -> None:
    first = ask(world, session)
    provider.says = given()
    ask(world, session, 3_000)
    correct(world, provider, first, given())
    assert (states(), quantities(session)) == (["succeeded", "succeeded"], (8_000, 5_000, "refunded"))
    assert open_incidents() == [("returned_too_much", 3_000)]
    adds_up()
    incidents.close(Incident.get().id, "Le client a rendu 3 000 F.", "awa@office", world.now)
    assert open_incidents() == []
    (entry,) = incidents.listed(everything=True)
    assert (entry["closed_by"], entry["reason"]) == ("awa@office", "Le client a rendu 3 000 F.")


@pytest.mark.parametrize("comes_back", [0, 1])
def test_an_incident_ends_by_itself_when_one_of_the_two_comes_back(
    world: World, provider: Truthful, session: CheckoutSession, comes_back: int
) -> None:
    provider.says = BACK
    pair = [ask(world, session)]
    provider.says = given()
    pair.append(ask(world, session, 3_000))
    correct(world, provider, pair[0], given())
    correct(world, provider, pair[comes_back], BACK)
    stays = 5_000 - 2_000 * (1 - comes_back)
    assert quantities(session)[:2] == (stays, stays)
    assert (open_incidents(), Incident.get().closed_by) == ([], incidents.BY_ITSELF)
    assert refund_books.left_of(latest(session), intent(session), held=False) == 5_000 - stays
    correct(world, provider, pair[comes_back], given())
    assert open_incidents() == [("returned_too_much", 3_000)]
    adds_up()


def test_while_the_second_one_is_on_its_way_nothing_more_can_be_returned(
    world: World, provider: Truthful, session: CheckoutSession
) -> None:
    first = ask(world, session)
    provider.says = NO_ANSWER
    second = ask(world, session, 3_000)
    correct(world, provider, first, given())
    assert refund_books.left_of(latest(session), intent(session), held=False) == 0
    assert open_incidents() == []
    correct(world, provider, second, BACK)
    assert (states(), quantities(session)) == (["succeeded", "failed"], (5_000, 5_000, "refunded"))
    adds_up()


def test_held_money_that_was_closed_by_hand_and_went_after_all_is_an_incident(world: World, provider: Truthful) -> None:
    session = world.session()
    world.pay(session, "012")
    world.wait(5)
    (refund,) = worlds.refunds()
    held.close(latest(session).id, "Virement du 3 juin", "awa@office", world.now)
    correct(world, provider, refund, given(2_500))
    told: Any = merchant_view.attempt(latest(session))
    assert (told["amount_returned"], told["amount_held"]) == (2_500, 0)
    assert open_incidents() == [("returned_too_much", 2_500)]
    adds_up()
    correct(world, provider, refund, BACK)
    assert (latest(session).held, open_incidents()) == (0, [])
    adds_up()


@pytest.mark.on_postgres
def test_where_only_whole_payments_go_back_a_success_is_that_of_the_latest_try(
    world: World, provider: Truthful, session: CheckoutSession
) -> None:
    provider.kind = Refunds.WHOLE
    first = ask(world, session)
    provider.says = given()
    ask(world, session)
    correct(world, provider, first, given())  # what the provider says of the payment, whichever try it is asked about
    assert (states(), quantities(session)) == (["failed", "succeeded"], (5_000, 5_000, "refunded"))
    assert open_incidents() == []


@pytest.mark.on_postgres
def test_books_cannot_exceed_what_was_received_by_more_than_went_unpromised(
    world: World, provider: Truthful, session: CheckoutSession
) -> None:
    first = ask(world, session)
    provider.says = given()
    ask(world, session)
    correct(world, provider, first, given())
    attempt = PaymentAttempt.get_by_id(latest(session).id)
    assert (attempt.returned, attempt.unpromised, attempt.excess) == (10_000, 5_000, 5_000)
    with pytest.raises(Exception, match="payment_attempts_books"), store.atomic():
        attempt.change(returned=10_001)


# ---------------------------------------------------------------- late money


def test_late_money_that_went_back_after_all_is_refunded_once(world: World, provider: Truthful) -> None:
    session = factories.session(factories.merchant(late_payments="refund"))
    world.later(86_399)
    world.pay(session, "007")
    world.wait(5, 60)
    (refund,) = worlds.refunds()
    provider.tells(refund, given())
    world.wait(60, 3_600, 86_400)
    assert (states(), quantities(session)) == (["succeeded"], (5_000, 5_000, "refunded"))
    adds_up()
