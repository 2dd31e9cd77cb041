"""A store that older code wrote is brought to the newest schema, whole or not at all.

`old_store.json` was written by the code of 0d1ff4d (migrations 0001 to 0003): sessions, links, intents, attempts with
every ending of the sandbox, refunds, money of wrong amounts and currencies, subscriptions, webhooks, due work.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from playhouse import schema_diff
from playhouse.migrations import Runner

import ikawaari
from ikawaari import clock, store, worker
from ikawaari.checkout import references
from ikawaari.config import Config
from ikawaari.providers.sandbox import ledger
from ikawaari.states import UNSETTLED
from ikawaari.store.database import database, is_postgres
from ikawaari.store.models import TABLES, CheckoutSession, PaymentAttempt, PaymentIntent, Refund, Subscription
from tests import world
from tests.store.test_migrate import empty, empty_url  # noqa: F401 - fixtures

OLD = json.loads((Path(__file__).parent / "old_store.json").read_text())
MIGRATIONS = Path(ikawaari.__file__).parent / "store" / "migrations"
_LEDGER = {"sandbox_charges", "sandbox_refunds", "sandbox_callbacks"}
_TOLD = {  # parents before their children
    **dict.fromkeys(("merchants", "payment_links", "customers", "app_installations", "credentials")),
    **dict.fromkeys(("checkout_sessions", "payment_intents", "payment_attempts", "refunds", "subscriptions")),
    **dict.fromkeys(("invoices", "events", "webhook_endpoints", "webhook_deliveries", "webhook_delivery_tries")),
    **dict.fromkeys(OLD),
}


@pytest.fixture
def old(empty: str) -> str:  # noqa: F811
    """The old store, as it stood."""
    Runner(database.obj, directory=str(MIGRATIONS)).up("0003_links_and_subscriptions")
    ledger.prepare()
    for table in _TOLD:
        columns, rows = OLD[table]["columns"], OLD[table]["rows"]
        mark = "%s" if is_postgres() else "?"
        names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join([mark] * len(columns))
        for row in rows:
            database.execute_sql(f"INSERT INTO {table} ({names}) VALUES ({marks})", row)
        if is_postgres() and columns[0] in {"id", "sequence"} and rows and isinstance(rows[0][0], int):
            counter = f"pg_get_serial_sequence('{table}', '{columns[0]}')"
            database.execute_sql(f"SELECT setval({counter}, {max(row[0] for row in rows)})")
    return empty


def rows(table: str) -> list[dict[str, Any]]:
    """All of a table, by its first column."""
    cursor = database.execute_sql(f"SELECT * FROM {table} ORDER BY 1")
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def before(table: str) -> list[dict[str, Any]]:
    """The same of the old store."""
    told = [dict(zip(OLD[table]["columns"], row, strict=True)) for row in OLD[table]["rows"]]
    return sorted(told, key=lambda row: row[OLD[table]["columns"][0]])


def put(table: str, row_id: str, **changes: Any) -> None:
    """Change a row of the old store by hand."""
    mark = "%s" if is_postgres() else "?"
    names = ", ".join(f"{name} = {mark}" for name in changes)
    database.execute_sql(f"UPDATE {table} SET {names} WHERE id = {mark}", (*changes.values(), row_id))


def one(table: str, **which: Any) -> str:
    """The id of a row of the old store with those columns."""
    return str(next(row["id"] for row in before(table) if all(row[name] == which[name] for name in which)))


def schema() -> list[Any]:
    """The tables, columns and indexes as they stand."""
    return [
        (table, [column.name for column in database.get_columns(table)], sorted(database.get_indexes(table)))
        for table in sorted(database.get_tables())
    ]


@pytest.mark.usefixtures("old")
def test_every_row_of_an_old_store_is_there_as_it_was() -> None:
    ikawaari.migrate()
    by_rule = {
        "payment_attempts": {"intent_id"},  # of another currency
        "payment_intents": {"status", "canceled_at"},  # of sessions that have expired
        "webhook_endpoints": {"secret"},  # sealed, as all that follow
        "checkout_sessions": {"return_key"},
        "payment_links": {"return_key"},
        "idempotency_keys": {"headers", "body"},
    }
    parted = {row["id"] for row in rows("payment_intents")} - {row["id"] for row in before("payment_intents")}
    for table in OLD:
        if table in _LEDGER:
            continue
        now = [row for row in rows(table) if row.get("id") not in parted]
        for was, is_ in zip(before(table), now, strict=True):
            changed = {name for name in was.keys() & is_.keys() if is_[name] != was[name]}
            assert changed <= by_rule.get(table, set()), (table, changed)


@pytest.mark.usefixtures("old")
def test_the_books_of_an_old_store_are_those_of_the_provider() -> None:
    ikawaari.migrate()
    for attempt in PaymentAttempt.select():
        world._audit_books(attempt)
        assert attempt.returned == sum(
            row.amount for row in Refund.select().where(Refund.attempt == attempt.id, Refund.status == "succeeded")
        )
    held = {row.id: row.held for row in PaymentAttempt.select().where(PaymentAttempt.held > 0)}
    theirs = {row["id"]: row["taken"] - row["refunded"] for row in before("sandbox_charges")}
    surplus = {row["id"] for row in before("payment_attempts") if row["surplus"] and row["amount_received"]}
    by_ledger = {name: theirs[name] for name in surplus if theirs.get(name)}
    assert by_ledger
    assert by_ledger.items() <= held.items()
    for intent in PaymentIntent.select():
        counted = sum(row.counted for row in PaymentAttempt.select().where(PaymentAttempt.intent == intent.id))
        assert intent.amount_received == counted


@pytest.mark.usefixtures("old")
def test_attempts_of_another_currency_move_to_an_intent_of_their_own() -> None:
    ikawaari.migrate()
    was = {row["id"]: row["currency"] for row in before("payment_intents")}
    strays = [row for row in before("payment_attempts") if row["currency"] != was[row["intent_id"]]]
    assert strays
    for stray in strays:
        intent = PaymentIntent.get_by_id(PaymentAttempt.get_by_id(stray["id"]).intent_id)
        assert (intent.status, intent.currency) == ("canceled", stray["currency"])
        assert PaymentIntent.get_by_id(stray["intent_id"]).currency == was[stray["intent_id"]]


@pytest.mark.usefixtures("old")
def test_what_is_known_is_mended() -> None:
    paid = one("payment_attempts", status="succeeded", surplus=False)
    put("payment_attempts", paid, amount_received=None)
    done = one("checkout_sessions", status="complete", payment_status="paid")
    put("checkout_sessions", done, payment_status="processing")
    failed = [row["id"] for row in before("payment_attempts") if row["status"] == "failed"][:2]
    for attempt_id in failed:
        put("payment_attempts", attempt_id, provider_reference="same")
    ikawaari.migrate()
    attempt = PaymentAttempt.get_by_id(paid)
    assert attempt.amount_received == attempt.counted == attempt.amount
    assert CheckoutSession.get_by_id(done).payment_status == "paid"
    assert [PaymentAttempt.get_by_id(name).provider_reference for name in failed] == [None, None]


def wreck() -> set[tuple[str, str]]:
    """Break in the old store what no migration can mend. Which constraints, of which rows."""
    fee, word = one("payment_attempts", status="failed"), one("checkout_sessions", status="open")
    period, kept = one("subscriptions", status="active"), one("refunds", status="succeeded", automatic=False)
    put("payment_attempts", fee, fee_amount=10**6)
    put("checkout_sessions", word, locale="de", amount_min=9, amount_max=3)
    put("subscriptions", period, interval_count=0)
    put("refunds", kept, amount=10**9)
    attempt = next(row["attempt_id"] for row in before("refunds") if row["id"] == kept)
    return {
        ("payment_attempts_fee", fee),
        ("checkout_sessions_locale", word),
        ("checkout_sessions_bounds", word),
        ("subscriptions_interval", period),
        ("payment_attempts_books", attempt),
    }


@pytest.mark.usefixtures("old")
def test_what_is_not_known_is_listed_and_nothing_at_all_is_changed() -> None:
    broken = wreck()
    was, tables = schema(), {table: rows(table) for table in OLD}
    found = {(finding.constraint, finding.id) for finding in store.check_migration()}
    assert found == broken
    with pytest.raises(store.Unfit) as unfit:
        ikawaari.migrate()
    assert {(finding.constraint, finding.id) for finding in unfit.value.findings} == broken
    assert schema() == was
    assert {table: rows(table) for table in OLD} == tables


@pytest.mark.usefixtures("old")
def test_a_check_of_a_sound_store_finds_nothing_and_changes_nothing() -> None:
    was = schema()
    assert store.check_migration() == []
    assert schema() == was
    assert ikawaari.migrate()


@pytest.mark.usefixtures("old")
def test_an_old_store_ends_with_the_models_schema() -> None:
    ikawaari.migrate()
    difference = schema_diff.diff_models(database.obj, list(TABLES))
    assert not difference, str(difference)
    assert ikawaari.migrate() == []


def test_work_goes_on_after_an_upgrade(old: str) -> None:
    ikawaari.start(Config(database_url=old, secret_key="0" * 32, api_url="http://127.0.0.1:1"))
    ikawaari.migrate()
    last = max(row["created_at"] for row in before("events"))
    with time_machine.travel(datetime.fromtimestamp(last / 1e6, UTC), tick=False) as traveller:
        for hours in (1, 1, 24):
            traveller.shift(timedelta(hours=hours))
            while worker.run_once(clock.now(), kinds=worker.MONEY):
                pass
    assert not Refund.select().where(Refund.status == "pending")
    open_ones = PaymentAttempt.select().where(PaymentAttempt.status.in_(UNSETTLED))
    assert {(attempt.phone or "")[-3:] for attempt in open_ones} == {"011"}
    for attempt in PaymentAttempt.select():
        world._audit_books(attempt)


@pytest.mark.usefixtures("old")
def test_intents_of_sessions_that_expired_unpaid_are_canceled() -> None:
    ended = {row["id"] for row in before("checkout_sessions") if row["status"] == "expired"}
    waited = [row for row in before("payment_intents") if row["session_id"] in ended and row["status"] == "failed"]
    asked = one("payment_intents", status="canceled")
    ikawaari.migrate()
    assert waited
    for row in waited:
        intent = PaymentIntent.get_by_id(row["id"])
        expired_at = CheckoutSession.get_by_id(row["session_id"]).expires_at
        assert (intent.status, intent.cancellation_reason, intent.canceled_at) == ("canceled", "expired", expired_at)
    assert PaymentIntent.get_by_id(asked).cancellation_reason == "requested"


@pytest.mark.usefixtures("old")
def test_a_subscription_keeps_the_fee_of_what_paid_last_else_of_its_beginning() -> None:
    active, trial = (one("subscriptions", status=status) for status in ("active", "trialing"))
    invoice = next(row for row in before("invoices") if row["subscription_id"] == active and row["status"] == "paid")
    intent = one("payment_intents", session_id=invoice["session_id"])
    put("payment_attempts", one("payment_attempts", intent_id=intent, status="succeeded"), fee_amount=50)
    for subscription in (active, trial):
        first = next(row["session_id"] for row in before("subscriptions") if row["id"] == subscription)
        put("checkout_sessions", first, fee_amount=245)
    ikawaari.migrate()
    assert Subscription.get_by_id(active).fee_amount == 50
    assert Subscription.get_by_id(trial).fee_amount == 245


@pytest.mark.usefixtures("old")
def test_what_was_typed_stands_with_attempts_that_may_still_be_corrected() -> None:
    failed = one("payment_attempts", status="failed")
    intent = next(row["intent_id"] for row in before("payment_attempts") if row["id"] == failed)
    session = next(row["session_id"] for row in before("payment_intents") if row["id"] == intent)
    put("checkout_sessions", session, customer_details='{"name": "Awa"}', custom_field_values='{"size": "M"}')
    ikawaari.migrate()
    attempt = PaymentAttempt.get_by_id(failed)
    assert (attempt.customer_details, attempt.custom_field_values) == ({"name": "Awa"}, {"size": "M"})


@pytest.mark.usefixtures("old")
def test_who_opened_a_session_is_known_of_old_ones_too() -> None:
    firsts = {row["session_id"] for row in before("subscriptions")}
    renewals = {row["session_id"] for row in before("invoices")} - firsts
    visited = next(row["id"] for row in before("checkout_sessions") if row["id"] not in firsts | renewals)
    put("checkout_sessions", visited, by_visit=True)
    assert renewals
    ikawaari.migrate()
    expected = dict.fromkeys(renewals, "renewal") | {visited: "visit"}
    found = {row["id"]: row["opened_by"] for row in rows("checkout_sessions")}
    assert found == {session: expected.get(session, "merchant") for session in found}


@pytest.mark.usefixtures("old")
def test_trials_of_an_old_store_are_found_by_their_receipts() -> None:
    ikawaari.migrate()
    trials = {row["session_id"] for row in before("subscriptions") if row["trial_end"]}
    found = {row["session_id"]: row["reference"] for row in rows("subscriptions") if row["reference"]}
    assert found == {session_id: references.of_trial(session_id) for session_id in trials} != {}
