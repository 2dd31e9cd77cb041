"""Each index earns its writes."""

from typing import Any

import pytest
from peewee import fn

from ikawaari import store
from ikawaari.store.database import database
from ikawaari.store.models import TABLES, CheckoutSession

pytestmark = pytest.mark.usefixtures("database")


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


def test_sessions_are_found_by_an_address_in_any_case_without_reading_all() -> None:
    found = CheckoutSession.select().where(
        CheckoutSession.merchant == "m",
        CheckoutSession.livemode == True,  # noqa: E712 - peewee's way to compare
        fn.LOWER(CheckoutSession.customer_email) == fn.LOWER("Awa@Example.com"),
    )
    text, parameters = found.sql()
    if store.is_postgres():
        database.execute_sql("SET enable_seqscan = off")
        database.execute_sql("SET enable_sort = off")
    explain = "EXPLAIN" if store.is_postgres() else "EXPLAIN QUERY PLAN"
    plan = str(database.execute_sql(f"{explain} {text}", parameters).fetchall())
    if store.is_postgres():
        database.execute_sql("RESET ALL")
    assert "checkout_sessions_email" in plan
