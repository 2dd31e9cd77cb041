"""How many statements a request sends to the database: exact, so that whoever needs one more has to say so here."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from flask import Flask

from ikawaari import clock, store, worker
from ikawaari.checkout import accounts
from ikawaari.events import delivery, endpoints, events
from ikawaari.shapes import JsonObject
from ikawaari.store.models import (
    CheckoutSession,
    Customer,
    DeliveryTry,
    Event,
    Invoice,
    PaymentAttempt,
    PaymentIntent,
    Refund,
    Subscription,
    WebhookDelivery,
)
from ikawaari.store.record import Record
from tests import factories, statements
from tests.events.receiver import listening
from tests.events.telling import of_one_lane
from tests.merchant_api.calls import SESSIONS, Shop

_MOST_OF_A_LIST = 4
LINKS = "/api/v1/payment_links"
# Of each list: its address; its statements for the page, and for what is shown with its rows; whether it is in the
# order of commits, for whose first page PostgreSQL is asked who still writes.
_LISTS = {
    SESSIONS: (2, True),
    "/api/v1/payment-intents": (2, True),
    "/api/v1/refunds": (1, True),
    "/api/v1/payment_links": (2, True),
    "/api/v2/payment_links": (2, True),
    "/api/v1/customers": (1, True),
    "/api/v1/billing/subscriptions": (2, True),
    "/api/v1/billing/subscriptions/{subscription}/invoices": (3, False),
    "/api/v1/events": (1, True),
    "/api/v1/webhook-endpoints": (1, False),
    "/api/v1/webhook-endpoints/{endpoint}/deliveries": (3, True),
}


class Full:
    """A shop with one of everything, and as many more as a test wants."""

    def __init__(self, app: Flask) -> None:
        self.shop = Shop(app, rate_limit=100_000)
        merchant, now = self.shop.merchant, clock.now()
        self.endpoint = endpoints.create(
            factories.owner(merchant), url="http://127.0.0.1:9/", enabled_events=["*"], now=now
        )
        self.links = [factories.link(merchant, version=version, recurring=MONTHLY) for version in (1, 2)]
        self.session = self.shop.opened(paymentLinkV2Id=self.links[1].id, customerEmail="awa@example.com")["id"]
        pay = {"payment_method": {"type": "card", "card": {"token": "tok_test_card"}}}
        assert self.shop.client.post(f"/api/checkout/{self.session}/pay", json=pay).json["payment_status"] == "paid"
        self.intent, self.subscription = PaymentIntent.get(), Subscription.get()
        self.size = 2  # the next one of anything is the second one
        assert self.shop.post("/api/v1/refunds", {"payment_intent": self.intent.id, "amount": 1}).status_code == 201

    def grow(self, count: int) -> None:
        """Let there be `count` more of each kind."""
        originals = [CheckoutSession.get_by_id(self.session), Refund.get(), Customer.get(), PaymentAttempt.get()]
        session, refund, customer, attempt = originals
        invoice, event, delivery = Invoice.get(), Event.get(), WebhookDelivery.get()
        for number in range(self.size, self.size + count):
            for link in self.links:
                _copy(link, slug=f"slug-{link.version}-{number}")
            known = _copy(customer, identity=f"customer {number}")
            opened = _copy(session, customer=known)
            intent = _copy(self.intent, session=opened)
            paid = _copy(attempt, intent=intent, provider_reference=f"reference {number}")
            _copy(refund, intent=intent, attempt=paid, automatic=False, sent_as=None)
            _copy(self.subscription, session=opened)
            _copy(invoice, session=opened, period=number)
            sent = _copy(delivery, event=Event.get(Event.id == _copy(event)).sequence)
            DeliveryTry.create(delivery=sent, at=clock.now(), duration_ms=1, body="")
        self.size += count

    def get(self, path: str) -> tuple[Any, int]:
        """The answer, and how many statements it took."""
        path = path.format(subscription=self.subscription.id, endpoint=self.endpoint.id)
        self.shop.get("/api/v1/webhook-endpoints")  # who asks is known now
        with statements.sent() as sent:
            answer = self.shop.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json, len(sent)


CARD = {"type": "card", "card": {"token": "tok_test_card"}}
MONTHLY = {"interval": "month", "interval_count": 1}


def _copy(row: Record, **changes: Any) -> str:
    """Store the row once more. Returns the new one's id."""
    values = {name: value for name, value in row.__data__.items() if name not in {"commit_order", "sequence"}}
    new_id = str(uuid.uuid4())
    type(row).insert(**{**values, "id": new_id, **changes}).execute()
    return new_id


@pytest.fixture
def full(app: Flask) -> Iterator[Full]:
    """A shop with one of everything. The clock stands still: what a process keeps for a second is known throughout."""
    with time_machine.travel(clock.now(), tick=False):
        yield Full(app)


def test_a_list_takes_as_many_statements_for_a_hundred_rows_as_for_one(full: Full, engine: str) -> None:
    for more, least in ((0, 1), (9, 10), (90, 100)):
        full.grow(more)
        for path, (budget, is_numbered) in _LISTS.items():
            page, taken = full.get(f"{path}?limit=100")
            assert taken == budget + (is_numbered and engine == "postgres") <= _MOST_OF_A_LIST, path
            assert len(page if isinstance(page, list) else page["data"]) >= (1 if "webhook" in path else least), path


def test_a_walk_by_cursor_looks_up_where_it_is_and_takes_no_more_than_a_first_page(full: Full) -> None:
    full.grow(9)
    page, _ = full.get(f"{SESSIONS}?limit=5")
    for query in (f"cursor={page['next_cursor']}", f"ending_before={page['next_cursor']}", "page=2"):
        page, taken = full.get(f"{SESSIONS}?limit=5&{query}")
        assert (len(page["data"]) >= 4, taken) == (True, 2 if query == "page=2" else 3)


def test_a_day_is_summed_up_by_two_statements_however_much_there_is(full: Full) -> None:
    today = clock.now().date()
    for more in (0, 90):
        full.grow(more)
        report, taken = full.get(f"/api/v1/reports/daily?date={today}")
        assert (sum(row["count"] for row in report["rows"]), taken) == (1 + more, 2)


def test_a_session_with_all_that_it_shows_is_read_at_once(full: Full) -> None:
    shown, taken = full.get(f"{SESSIONS}/{full.session}")
    assert (shown["subscription"], shown["payment_link_v2"]) == (full.subscription.id, full.links[1].id)
    assert (shown["attempts_count"], taken) == (1, 1)


def test_the_public_view_is_read_at_once(full: Full) -> None:
    open_one = full.shop.opened()["id"]
    accounts.known()  # known for a second
    for session_id in (open_one, full.session):
        view, taken = full.get(f"/api/checkout/{session_id}")
        assert (view["id"], taken) == (session_id, 1)


def test_the_page_takes_no_more_than_the_public_view(full: Full) -> None:
    session_id = full.shop.opened()["id"]
    accounts.known()
    with statements.sent() as sent:
        page = full.shop.client.get(f"/{session_id}")
    assert (page.status_code, len(sent)) == (200, 1)
    accounts._kept = (-1_000.0, accounts.known())  # a second later
    with statements.sent() as sent:
        full.shop.client.get(f"/{session_id}")
    assert len(sent) == 2


def test_a_session_is_opened_by_six_statements(app: Flask) -> None:
    shop = Shop(app, rate_limit=10_000)
    for number in (1, 2):
        url = f"http://127.0.0.1:9/{number}"
        endpoints.create(factories.owner(shop.merchant), url=url, enabled_events=["*"], now=clock.now())
    for key in ("warm", "counted"):
        with statements.sent() as sent:
            answer = shop.post(SESSIONS, {"amount": 5000}, Idempotency_Key=key)
        assert answer.status_code == 201
    written = ["idempotency_keys", "checkout_sessions", "payment_intents", "events", "webhook_deliveries", "due_work"]
    assert [_in_short(text) for text in sent] == [f"INSERT {table}" for table in written]
    assert WebhookDelivery.select().count() == 2 * 2 * 2


def test_a_call_under_a_known_key_is_answered_by_one_statement(app: Flask) -> None:
    shop = Shop(app, rate_limit=10_000)
    first = shop.post(LINKS, {"amount": 5000}, Idempotency_Key="key")
    with statements.sent() as sent:
        again = shop.post(LINKS, {"amount": 5000}, Idempotency_Key="key")
    assert (again.data, len(sent)) == (first.data, 1)


def test_a_session_under_a_known_key_is_looked_up_when_the_key_was_refused(app: Flask, engine: str) -> None:
    """Nobody looks for the key before, because nearly all are new. PostgreSQL gets all at once, and skips the rest."""
    shop = Shop(app, rate_limit=10_000)
    first = shop.post(SESSIONS, {"amount": 5000}, Idempotency_Key="key")
    with statements.sent() as sent:
        again = shop.post(SESSIONS, {"amount": 5000}, Idempotency_Key="key")
    *refused, undone, looked_up = [_in_short(text) for text in sent]
    skipped = ["INSERT checkout_sessions", "INSERT payment_intents", "INSERT events", "INSERT webhook_deliveries"]
    assert refused == ["INSERT idempotency_keys", *(skipped if engine == "postgres" else [])]
    assert (undone, looked_up) == ("ROLLBACK", "SELECT idempotency_keys")
    assert (again.data, CheckoutSession.select().count()) == (first.data, 1)


@pytest.mark.parametrize("objects", [1, 4])
def test_a_webhook_is_delivered_by_two_statements_and_three_on_sqlite(app: Flask, engine: str, objects: int) -> None:
    merchant = factories.merchant()
    names = of_one_lane(4)
    taken: dict[int, int] = {}
    with listening() as receiver:
        endpoints.create(factories.owner(merchant), url=receiver.url, enabled_events=["*"], now=clock.now())
        for count in (1, 4):
            with store.atomic():
                for number in range(count):
                    data: JsonObject = {"id": names[number % objects], "n": number}
                    events.append("refund.created", data, factories.owner(merchant), clock.now())
            with statements.sent() as sent:
                assert worker.run_once(clock.now(), delivery.LEASE, worker.WEBHOOKS)
            taken[count] = len(sent)
        assert len(receiver.heard) == 5
    of_the_lane = 7  # claimed by two, read by one, found empty by three, finished by one
    of_each = 2 if engine == "postgres" else 3  # the endpoint, and the result; SQLite writes one table at a time
    read_again = 0 if objects > 1 else 3  # the next event of an object is read when the one before was accepted
    assert taken == {1: of_the_lane + of_each, 4: of_the_lane + 4 * of_each + read_again}


_CLAIM = (
    "SELECT checkout_sessions",  # with all that is shown with it
    "UPDATE payment_intents",
    "UPDATE checkout_sessions",
    "INSERT payment_attempts",
    "INSERT due_work",  # the enquiry, should this process die now
)
_SHARED_CLOCK = "SELECT clock_timestamp()"  # PostgreSQL's: whether it is still early enough for the call
_SETTLEMENT = (
    "SELECT payment_intents",  # locked
    "SELECT checkout_sessions",  # read under the lock
    "UPDATE payment_attempts",
    "UPDATE payment_intents",
    "INSERT attempt_reports",
    "UPDATE checkout_sessions",
    "INSERT events",
    "INSERT webhook_deliveries",
    "INSERT due_work",
)


def test_a_payment_that_succeeds_at_once_takes_14_statements(app: Flask, engine: str) -> None:
    """And on PostgreSQL a look at the clock of all machines. The sandbox's ledger is another database."""
    shop = Shop(app, rate_limit=10_000)
    for number in (1, 2):
        url = f"http://127.0.0.1:9/{number}"
        endpoints.create(factories.owner(shop.merchant), url=url, enabled_events=["*"], now=clock.now())
    store.shared_clock.use(None)
    for _ in ("warm", "counted"):
        session_id = shop.opened()["id"]
        accounts.known()
        with statements.sent() as sent:
            answer = shop.client.post(f"/api/checkout/{session_id}/pay", json={"payment_method": CARD})
        assert (answer.status_code, answer.json["payment_status"]) == (200, "paid")
    store.shared_clock.use(clock.now)
    expected = [*_CLAIM, *([_SHARED_CLOCK] if engine == "postgres" else []), *_SETTLEMENT]
    assert [_in_short(text) for text in sent] == expected
    assert len(sent) == (15 if engine == "postgres" else 14)


def _in_short(text: str) -> str:
    """What a statement does to its first table."""
    verb = text.split(maxsplit=1)[0]
    table = re.search(r'(?:FROM|INTO|UPDATE|JOIN) "(\w+)"', text)
    return f"{verb} {table[1]}" if table else text
