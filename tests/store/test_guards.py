"""The guards that stand in the database itself: CHECKs, unique indexes and foreign keys, each run in threads."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from peewee import IntegrityError

from ikawaari import clock, ids, store
from ikawaari.states import PaymentStatus
from ikawaari.store.database import database
from ikawaari.store.models import (
    Callback,
    CheckoutSession,
    IdempotencyKey,
    Invoice,
    Merchant,
    PaymentAttempt,
    PaymentIntent,
    Refund,
    Subscription,
)
from tests import factories, statements
from tests.test_states import stored
from tests.world import names, together

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.on_both]


def refused(write: Callable[[], Any]) -> bool:
    """Whether the database refuses to hold that."""
    try:
        with store.atomic():
            write()
    except IntegrityError:
        return True
    return False


@pytest.mark.parametrize("amount", [0, -1])
@pytest.mark.parametrize("model", [CheckoutSession, PaymentIntent, PaymentAttempt, Refund, Subscription, Invoice])
def test_an_amount_is_more_than_nothing(model: type[Any], amount: int) -> None:
    first = next(iter(model.MOVES["status"].table))
    assert refused(lambda: stored(model, status=first, amount=amount))
    assert not refused(lambda: stored(model, status=first, amount=1))


@pytest.mark.parametrize(("received", "given_back"), [(100, 101), (0, 1), (100, -1)])
def test_no_more_goes_back_than_came(received: int, given_back: int) -> None:
    stored(PaymentIntent, status="succeeded")
    assert refused(lambda: PaymentIntent.update(amount_received=received, amount_refunded=given_back).execute())


def test_refunds_reserved_at_once_stay_within_what_came() -> None:
    stored(PaymentIntent, status="succeeded", amount_received=100)

    def reserve(_: int) -> None:
        PaymentIntent.update(amount_refunded=PaymentIntent.amount_refunded + 30).execute()

    assert names(together(8, reserve)) == {"None": 3, "IntegrityError": 5}
    assert PaymentIntent.get().amount_refunded == 90


def test_an_amount_may_be_as_large_as_a_bigint() -> None:
    stored(PaymentIntent, status="succeeded", amount=2**63 - 1)
    assert PaymentIntent.get().amount == 2**63 - 1


def test_late_payments_are_accepted_or_refunded() -> None:
    assert refused(lambda: factories.merchant(late_payments="perhaps"))


def test_a_row_cannot_hang_on_a_stranger() -> None:
    stored(PaymentIntent, status="failed")
    assert refused(lambda: PaymentIntent.update(merchant="mer_nobody").execute())


# ---------------------------------------------------------------- one of each, in threads


def test_a_session_has_one_intent() -> None:
    session = stored(CheckoutSession, status="open")
    merchant = Merchant.get()

    def make(number: int) -> None:
        columns = {"merchant": merchant, "livemode": False, "status": "failed", "currency": "XOF", "metadata": {}}
        created_at = clock.from_unix(1)
        PaymentIntent.create(id=str(number), session=session.id, amount=1, created_at=created_at, **columns)

    assert names(together(6, make)) == {"None": 1, "IntegrityError": 5}


@pytest.mark.parametrize("status", ["submitting", "unknown", "processing", "requires_action"])
def test_an_intent_has_one_unsettled_attempt(status: str) -> None:
    stored(PaymentIntent, status="processing")
    stored(PaymentAttempt, id="settled", status="failed")
    results = together(6, lambda number: stored(PaymentAttempt, id=str(number), status=status))
    assert len([result for result in results if isinstance(result, IntegrityError)]) == 5
    assert PaymentAttempt.select().count() == 2


def test_an_intent_has_any_number_of_settled_attempts() -> None:
    for number, status in enumerate(["failed", "succeeded", "failed", "succeeded"]):
        stored(PaymentAttempt, id=str(number), status=status)


def test_an_attempt_has_one_automatic_refund() -> None:
    stored(PaymentAttempt, status="succeeded")
    results = together(6, lambda number: stored(Refund, id=str(number), status="pending"))
    assert len([result for result in results if isinstance(result, IntegrityError)]) == 5
    for number in (7, 8):
        stored(Refund, id=str(number), status="pending", automatic=False)


def test_an_idempotency_key_is_claimed_once() -> None:
    merchant = factories.merchant()

    def claim(_: int, **changes: Any) -> None:
        row = {"method": "POST", "path": "/p", "key": "k", "livemode": False} | changes
        times = {"locked_until": clock.from_unix(1), "created_at": clock.from_unix(1)}
        IdempotencyKey.create(merchant=merchant, body_digest="", **times, **row)

    assert names(together(6, claim)) == {"None": 1, "IntegrityError": 5}
    for other in ({"method": "PUT"}, {"path": "/q"}, {"key": "l"}, {"livemode": True}):
        claim(0, **other)


def test_a_providers_news_are_remembered_once() -> None:
    def remember(_: int, provider: str = "p") -> None:
        Callback.create(provider=provider, event_id="e", body="", received_at=clock.from_unix(1))

    assert names(together(6, remember)) == {"None": 1, "IntegrityError": 5}
    remember(0, "q")


def test_a_session_starts_one_subscription() -> None:
    stored(CheckoutSession, status="open")
    results = together(6, lambda number: stored(Subscription, id=str(number), status="active"))
    assert len([result for result in results if isinstance(result, IntegrityError)]) == 5


def test_a_lock_makes_the_second_one_wait_and_read_what_the_first_one_wrote() -> None:
    stored(PaymentIntent, status="failed")

    def add(_: int) -> None:
        with store.atomic():
            intent = PaymentIntent.lock("row")
            intent.change(amount=intent.amount + 1)

    assert together(8, add) == [None] * 8
    assert PaymentIntent.get().amount == 9


# ---------------------------------------------------------------- columns


def test_an_instant_comes_back_to_the_microsecond(now: datetime) -> None:
    for microseconds in (0, 1, 999_999):
        instant = now + timedelta(microseconds=microseconds)
        merchant = factories.merchant(now=instant)
        assert Merchant.get_by_id(merchant.id).created_at == instant
        assert Merchant.get(Merchant.created_at == instant).id == merchant.id


@pytest.mark.parametrize("year", [1900, 1969, 1970, 2038, 2500])
def test_an_instant_may_be_of_any_year(now: datetime, year: int) -> None:
    merchant = factories.merchant(now=now.replace(year=year))
    assert Merchant.get_by_id(merchant.id).created_at.year == year


def test_a_naive_datetime_is_a_bug(now: datetime) -> None:
    with pytest.raises(TypeError):
        factories.merchant(now=now.replace(tzinfo=None))


@pytest.mark.parametrize(
    "value",
    [
        {"z": 1, "a": {"y": [1, 2.5, None, True], "b": "é😀"}, "": ""},
        [],
        {},
        {"n": 10**30},
        {"quote": "'\"\\", "lines": "a\nb\u2028"},
    ],
)
def test_json_comes_back_as_it_was_in_the_same_order(value: Any) -> None:
    stored(PaymentIntent, status="failed", metadata=value)
    (text,) = database.execute_sql("SELECT metadata FROM payment_intents").fetchone()
    again = PaymentIntent.get().metadata
    assert again == value
    assert list(again) == list(value)
    assert isinstance(text, str)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_json_does_not_have_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        stored(PaymentIntent, status="failed", metadata={"n": number})


def test_every_id_of_ours_fits_its_column() -> None:
    stored(PaymentAttempt, id=ids.new_attempt(), status="succeeded")
    stored(Refund, id=ids.new("re"), status="pending")


# ---------------------------------------------------------------- the books, and what belongs together


def test_of_two_successes_at_once_one_counts() -> None:
    stored(PaymentIntent, status="succeeded")
    columns = {"status": "succeeded", "counted": 1}
    results = together(6, lambda number: stored(PaymentAttempt, id=str(number), **columns))
    assert len([result for result in results if isinstance(result, IntegrityError)]) == 5
    for number in (7, 8):
        stored(PaymentAttempt, id=str(number), status="succeeded")


@pytest.mark.parametrize(
    "books",
    [
        {"counted": 6},
        {"held": 6},
        {"counted": 3, "held": 3},
        {"returned": 4, "promised": 2},
        {"returned": 3, "closed": 3},
        {"returned": 3, "held": 3},
        {"promised": 3, "closed": 3},
        {"held": -1},
        {"returned": -1},
        {"promised": -1},
        {"closed": -1},
        {"counted": -1},
        {"amount_received": None},
        {"amount_received": 0},
        {"received_currency": None},
    ],
    ids=str,
)
def test_no_attempt_has_books_that_cannot_be(books: dict[str, Any]) -> None:
    stored(PaymentAttempt, status="succeeded", amount=5, amount_received=5)
    assert refused(lambda: PaymentAttempt.update(**books).execute())
    for fine in ({"counted": 5}, {"returned": 3, "promised": 2}, {"counted": 0, "held": 5, "returned": 0}):
        assert not refused(lambda: PaymentAttempt.update(**fine).execute())  # noqa: B023


def test_refunds_reserved_at_once_stay_within_what_the_attempt_received() -> None:
    stored(PaymentAttempt, status="succeeded", amount=100, amount_received=100)

    def reserve(_: int) -> None:
        PaymentAttempt.update(promised=PaymentAttempt.promised + 30).execute()

    assert names(together(8, reserve)) == {"None": 3, "IntegrityError": 5}
    assert PaymentAttempt.get().promised == 90


@pytest.mark.parametrize("status", ["submitting", "unknown", "processing", "requires_action"])
def test_an_unsettled_attempt_has_received_nothing(status: str) -> None:
    assert refused(lambda: stored(PaymentAttempt, status=status, amount_received=1, received_currency="XOF"))


def test_a_failed_attempt_counts_for_nothing() -> None:
    received = {"amount_received": 1, "received_currency": "XOF"}
    assert refused(lambda: stored(PaymentAttempt, status="failed", counted=1, **received))
    assert not refused(lambda: stored(PaymentAttempt, status="failed", held=1, **received))


def test_an_intent_has_succeeded_exactly_when_it_received_money() -> None:
    assert refused(lambda: stored(PaymentIntent, status="succeeded", amount_received=0))
    assert refused(lambda: stored(PaymentIntent, status="failed", amount_received=1))


def test_a_fee_is_less_than_the_amount() -> None:
    assert refused(lambda: stored(PaymentAttempt, status="failed", amount=5, fee_amount=5))
    assert not refused(lambda: stored(PaymentAttempt, status="failed", amount=5, fee_amount=4))


def test_an_attempt_is_of_its_intents_currency() -> None:
    stored(PaymentIntent, status="failed", currency="XOF")
    assert refused(lambda: stored(PaymentAttempt, status="failed", currency="XAF"))
    stored(PaymentAttempt, status="failed", currency="XOF")
    assert refused(lambda: PaymentIntent.update(currency="XAF").execute())


def test_a_refund_is_of_its_attempts_intent_and_currency() -> None:
    stored(PaymentAttempt, status="succeeded")
    stored(PaymentIntent, id="another", status="failed")
    refund = stored(Refund, status="pending")
    assert refused(lambda: Refund.update(currency="XAF").execute())
    assert refused(lambda: Refund.update(intent="another").where(Refund.id == refund.id).execute())


def test_a_reference_of_a_provider_is_of_one_attempt() -> None:
    stored(PaymentIntent, status="failed")

    def make(number: int) -> Any:
        return stored(PaymentAttempt, id=str(number), status="failed", provider_reference="r")

    results = together(6, make)
    assert len([result for result in results if isinstance(result, IntegrityError)]) == 5
    stored(PaymentAttempt, id="7", status="failed", provider="q", provider_reference="r")
    for number in (8, 9):
        stored(PaymentAttempt, id=str(number), status="failed", provider_reference=None)


@pytest.mark.parametrize("payment_status", ["unpaid", "processing"])
def test_a_complete_session_is_paid_or_nothing_is_due(payment_status: str) -> None:
    assert refused(lambda: stored(CheckoutSession, status="complete", payment_status=payment_status))
    assert not refused(lambda: stored(CheckoutSession, status="complete", payment_status="no_payment_required"))


@pytest.mark.parametrize(
    ("model", "columns"),
    [
        (CheckoutSession, {"mode": "gift"}),
        (CheckoutSession, {"mode": "subscription"}),
        (CheckoutSession, {"recurring": {"interval": "day"}}),
        (CheckoutSession, {"mode": "subscription", "recurring": {}, "amount": None}),
        (CheckoutSession, {"locale": "de"}),
        (CheckoutSession, {"amount_min": 0}),
        (CheckoutSession, {"amount_max": -1}),
        (CheckoutSession, {"amount_min": 3, "amount_max": 2}),
        (PaymentAttempt, {"type": "cash"}),
        (Subscription, {"interval": "hour"}),
        (Subscription, {"interval_count": 0}),
        (Subscription, {"period": -1}),
        (Subscription, {"current_period_end": clock.from_unix(1)}),
        (Invoice, {"period": 0}),
        (Invoice, {"period_end": clock.from_unix(1)}),
        (Invoice, {"status": "paid", "paid_at": None}),
        (Invoice, {"status": "open", "paid_at": clock.from_unix(2)}),
    ],
    ids=str,
)
def test_words_and_bounds_are_closed(model: type[Any], columns: dict[str, Any]) -> None:
    first = {"status": next(iter(model.MOVES["status"].table))}
    assert refused(lambda: stored(model, **(first | columns)))
    assert not refused(lambda: stored(model, **first))


def test_the_text_of_a_guard_is_made_once_and_means_the_same_as_its_expression() -> None:
    now, made = clock.now(), []

    def is_open(status: Any, until: Any) -> Any:
        made.append(status)
        return (CheckoutSession.status == status) & (CheckoutSession.expires_at > until)

    def moved(guard: Any) -> tuple[bool, str]:
        soon = now + timedelta(hours=1)
        session = stored(CheckoutSession, id=ids.new("cs"), status="open", payment_status="unpaid", expires_at=soon)
        with store.atomic(), statements.sent() as sent:
            has_moved = session.try_move("payment_status", PaymentStatus.PROCESSING, guard)
        return has_moved, " ".join(sent)

    for until, expected in ((now, True), (now + timedelta(hours=1), False), (now - timedelta(days=1), True)):
        by_guard, by_expression = moved(store.Guard(is_open, ("open", until))), moved(is_open("open", until))
        assert (by_guard[0], by_expression[0]) == (expected, expected)
        assert "expires_at" in by_guard[1]
    assert len([status for status in made if status != "open"]) == 1
