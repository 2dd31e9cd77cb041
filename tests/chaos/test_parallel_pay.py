"""A hundred requests at the same moment, against the real server: the money moves once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from ikawaari.providers.sandbox import ledger
from ikawaari.store.models import CheckoutSession
from tests import postgres
from tests.chaos import shop as shops
from tests.chaos.shop import AMOUNT, Shop, at_once, card, kinds, mismatches, pay, wallet
from tests.conftest import migrate
from tests.serving import Served, serve

CROWD = 100
DECLINED = 4  # of the crowd: a card that is declined more often is refused for a while
LOST = {"409 IKW-RES-003", "409 IKW-RES-004"}  # not settled yet; already paid
PAYING_ENDINGS = ["100", "004", "005", "006"]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A fresh, migrated database for all tests in here."""
    if request.param == "sqlite":
        yield request.getfixturevalue("new_sqlite")(tmp_path_factory.mktemp("parallel"))
        return
    server: postgres.Server = request.getfixturevalue("postgres_server")
    url = server.create_database(server.migrated(migrate))
    yield url
    server.drop_database(url)


@pytest.fixture(scope="module")
def server(database_url: str) -> Iterator[Served]:
    """The server as it is run: two processes of four threads, and the worker in each."""
    with serve(shops.environment(database_url), 2, 4) as running:
        yield running


@pytest.fixture
def served(server: Served) -> Iterator[Served]:
    """That server; no test leaves a stack trace in its log."""
    yield server
    assert "Traceback" not in server.log_text(), server.log_text()[-4000:]


@pytest.mark.parametrize(
    ("fields", "method"),
    [
        pytest.param({}, wallet(), id="a wallet"),
        pytest.param({}, card(), id="a card", marks=pytest.mark.long),
        pytest.param({"deferPaymentIntentCreation": True}, wallet(), id="a deferred intent"),
        pytest.param({}, wallet("004"), id="a charge without an answer"),
        pytest.param({}, wallet("005"), id="a charge answered with 500", marks=pytest.mark.long),
        pytest.param({}, wallet("006"), id="a provider that tells everything three times", marks=pytest.mark.long),
    ],
)
def test_of_a_hundred_presses_at_once_exactly_one_takes_money(
    fields: dict[str, Any], method: dict[str, Any], shop: Shop, served: Served
) -> None:
    session = shop.opened(served, **fields)
    answers = at_once([partial(pay, served, session, method)] * CROWD)
    assert_one_won(answers)
    assert_paid_once(shop, served, session)


def test_of_a_hundred_amounts_chosen_at_once_exactly_one_is_taken(shop: Shop, served: Served) -> None:
    session = shop.opened(served, amount=None, amountMin=500)
    answers = at_once([partial(pay, served, session, wallet(), 500 + index) for index in range(CROWD)])
    assert_one_won(answers)
    won = next(answer.json()["amount"] for answer in answers if answer.ok)
    assert_paid_once(shop, served, session, won)


def test_of_a_hundred_different_methods_at_once_exactly_one_takes_money(shop: Shop, served: Served) -> None:
    session = shop.opened(served)
    calls = [partial(pay, served, session, paying_method(index)) for index in range(CROWD)]
    assert_one_won(at_once(calls))
    assert_paid_once(shop, served, session)


def test_declined_cards_in_the_crowd_neither_pay_nor_keep_a_good_one_from_paying_once(
    shop: Shop, served: Served
) -> None:
    session = shop.opened(served)
    methods = [card("tok_test_declined")] * DECLINED + [card()] * (CROWD - DECLINED)
    seen = kinds(at_once([partial(pay, served, session, method) for method in methods]))
    if not seen["200"]:  # chance let the declined ones alone through
        assert pay(served, session, card()).status_code == 200
    assert seen["200"] <= 1
    assert set(seen) <= {"200", "402 IKW-TRANSFER-001"} | LOST
    found = shop.settled(served, session)
    assert found["payment_status"] == "paid"
    assert sum(entry["amount"] for entry in charges(found)) == AMOUNT


def test_fifty_sessions_paid_by_eight_customers_at_a_time_are_all_paid(shop: Shop, served: Served) -> None:
    with ThreadPoolExecutor(8) as customers:
        sessions = list(customers.map(lambda index: shop.opened(served, amount=1000 + index), range(50)))
        answers = list(customers.map(lambda index: pay(served, sessions[index], paying_method(index)), range(50)))
    assert kinds(answers) == {"200": 50}
    found = [shop.settled(served, session) for session in sessions]
    assert {session["payment_status"] for session in found} == {"paid"}
    entries = charges(*found)
    assert len(entries) == 50
    assert sum(entry["amount"] for entry in entries) == sum(range(1000, 1050))


def test_a_hundred_equal_calls_with_one_idempotency_key_open_one_session(shop: Shop, served: Served) -> None:
    before = CheckoutSession.select().count()
    answers = at_once([partial(shop.open, served, "order-1")] * CROWD)
    assert set(kinds(answers)) <= {"201", "409 IKW-REQ-008"}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert shop.open(served, "order-1").headers["Idempotent-Replayed"] == "true"
    assert CheckoutSession.select().count() == before + 1


def paying_method(index: int) -> dict[str, Any]:
    """A card, or the phone of the customer with that number."""
    return card() if index % 5 == 0 else wallet(PAYING_ENDINGS[index % 5 - 1], line=index)


def assert_one_won(answers: list[Any]) -> None:
    """One was let through, and everybody else was told that somebody was."""
    seen = kinds(answers)
    assert seen["200"] == 1, seen
    assert set(seen) - {"200"} <= LOST, seen


def assert_paid_once(shop: Shop, served: Served, session_id: str, amount: int = AMOUNT) -> None:
    """The merchant sees it paid, by one success; the provider took the money once, and our books say the same."""
    session = shop.settled(served, session_id)
    assert [session["status"], session["payment_status"], session["amount"]] == ["complete", "paid", amount]
    assert [attempt["status"] for attempt in session["attempts"]] == ["succeeded"]
    assert [entry["amount"] for entry in charges(session)] == [amount]


def charges(*sessions: dict[str, Any]) -> list[ledger.Booked]:
    """The provider's charges for these sessions; its whole ledger agrees with ours."""
    entries = list(ledger.entries())
    assert mismatches(entries) == []
    intents = {session["payment_intent"] for session in sessions}
    return [entry for entry in entries if entry["payment_intent"] in intents]
