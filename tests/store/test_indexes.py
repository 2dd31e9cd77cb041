"""Each index earns its writes."""

from typing import Any

import pytest
from peewee import SQL, fn

from ikawaari import clock, store
from ikawaari.checkout import accounts, references, reports, untried
from ikawaari.config import Config
from ikawaari.events import delivery, pruning
from ikawaari.providers import registry
from ikawaari.store import pruned
from ikawaari.store.database import database
from ikawaari.store.models import (
    TABLES,
    CheckoutSession,
    Event,
    IdempotencyKey,
    PageDraft,
    PayKey,
    PaymentAttempt,
    RateWindow,
    WebhookDelivery,
)
from tests import factories

pytestmark = pytest.mark.usefixtures("database")


OF_OWNER = (CheckoutSession.merchant == "m") & (CheckoutSession.livemode == True)  # noqa: E712 - peewee's way


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)
def test_no_index_begins_another(model: Any) -> None:
    indexes = [one for one in database.get_indexes(model._meta.table_name) if " WHERE " not in (one.sql or "")]
    columns = {one.name: tuple(one.columns) for one in indexes}
    redundant = [
        (one.name, name)
        for one in indexes
        for name, longer in columns.items()
        if not one.unique and name != one.name and longer[: len(one.columns)] == columns[one.name]
    ]
    assert redundant == []


LOOKUPS = {
    "checkout_sessions_email": (OF_OWNER & (fn.LOWER(CheckoutSession.customer_email) == fn.LOWER("Awa@Example.com"))),
    "checkout_sessions_reference": OF_OWNER & (CheckoutSession.client_reference_id == "order 1"),
    "checkout_sessions_link": CheckoutSession.payment_link == "plink_1",
    "checkout_sessions_customer": CheckoutSession.customer == "cus_1",
    "payment_attempts_phone": (PaymentAttempt.phone == "+221770000000") & (PaymentAttempt.created_at > clock.now()),
    "payment_attempts_fingerprint": (PaymentAttempt.card_fingerprint == "f")
    & (PaymentAttempt.created_at > clock.now()),
    "payment_attempts_card": (PaymentAttempt.card_token == "tok") & (PaymentAttempt.created_at > clock.now()),
}


@pytest.mark.parametrize("name", LOOKUPS)
def test_what_most_rows_do_not_have_is_found_without_reading_all(name: str) -> None:
    model: Any = PaymentAttempt if name.startswith("payment") else CheckoutSession
    text, parameters = model.select().where(LOOKUPS[name]).sql()
    assert name in _plan(text, parameters)


@pytest.mark.parametrize("reference", ["86D9E7EA", "mp-251126-1"])
def test_a_reference_is_found_without_reading_all(config: Config, reference: str) -> None:
    registry.start(config)  # a provider's reference is looked for at its accounts
    accounts.configure(config)
    plan = _plan(*references._query(reference, factories.owner(factories.merchant())).sql())
    if store.is_postgres():  # which index it takes, it decides by what the tables hold: here nothing
        assert "Seq Scan" not in plan
        return
    assert "SCAN" not in plan
    assert "payment_attempts_provider_provider_reference" in plan
    assert ("id>?" in plan) == ("subscriptions_reference" in plan) == reference.isalnum()


@pytest.mark.parametrize("sums", [reports._payments, reports._refunds], ids=["payments", "refunds"])
def test_a_day_is_summed_up_without_reading_all(sums: Any) -> None:
    day = reports.Day(clock.now().date(), reports.zone_of("SN"))
    plan = _plan(*sums(reports._merchant() == "m", day).sql())
    if store.is_postgres():
        assert "Seq Scan" not in plan
        return
    index = "payment_attempts_received_on" if sums is reports._payments else "refunds_settled_on"
    assert f"USING INDEX {index} (settled_at>? AND settled_at<?)" in plan
    assert "SCAN" not in plan


def test_what_a_lane_has_to_deliver_is_found_among_what_is_pending_alone() -> None:
    plan = _plan(*delivery._select_due(database.obj, "we_1", 0, clock.now()))
    assert "webhook_deliveries_of_lane" in plan
    assert "webhook_deliveries_of_object" in plan


def _plan(text: str, parameters: Any) -> str:
    if store.is_postgres():
        database.execute_sql("SET enable_seqscan = off")
        database.execute_sql("SET enable_sort = off")
    explain = "EXPLAIN" if store.is_postgres() else "EXPLAIN QUERY PLAN"
    plan = str(database.execute_sql(f"{explain} {text}", parameters).fetchall())
    if store.is_postgres():
        database.execute_sql("RESET ALL")
    return plan


PRUNED: dict[str, tuple[Any, Any]] = {
    "idempotency_keys_created_at": (IdempotencyKey, IdempotencyKey.created_at),
    "pay_keys_created_at": (PayKey, PayKey.created_at),
    "page_drafts_created_at": (PageDraft, PageDraft.created_at),
    "rate_windows_ends_at": (RateWindow, RateWindow.ends_at),
}


@pytest.mark.parametrize("index", PRUNED)
def test_what_has_expired_is_found_without_reading_all(index: str) -> None:
    model, oldest = PRUNED[index]
    plan = _plan(*pruned.oldest_of(model, oldest < clock.now(), oldest).sql())
    assert index in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(
    "query",
    [
        pruning._unneeded([1, 2]),
        untried._untried(["cs_1", "cs_2"]),
        pruned.walk_of(Event, [Event.sequence], Event.sequence, "1"),
        pruned.walk_of(CheckoutSession, [CheckoutSession.id], CheckoutSession.id, "cs_1", "cs_2"),
        # What PostgreSQL and SQLite ask by themselves for each event that is deleted.
        WebhookDelivery.select(SQL("1")).where(WebhookDelivery.event == 1),
    ],
    ids=["events", "sessions", "walk of events", "walk of sessions", "deliveries of an event"],
)
def test_what_is_no_longer_kept_is_found_without_reading_all(query: Any) -> None:
    plan = _plan(*query.sql())
    for word in ("Seq Scan", "SCAN", "Sort", "TEMP B-TREE"):
        assert word not in plan
