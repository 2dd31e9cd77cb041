"""New rows: inserted at once, or before the next statement of their transaction."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from peewee import IntegrityError

import ikawaari
from ikawaari import clock, store
from ikawaari.config import Config
from ikawaari.invariants import InvariantBroken
from ikawaari.store.models import Customer, Merchant
from tests import factories, statements, world


@pytest.fixture
def columns(merchant: Merchant) -> dict[str, Any]:
    """Those of a customer."""
    now = clock.now()
    owned = {"id": "cus_1", "merchant": merchant, "livemode": False, "identity": "a"}
    return {**owned, "created_at": now, "updated_at": now}


@pytest.fixture
def merchant(config: Config) -> Iterator[Merchant]:
    """A merchant in a new database."""
    ikawaari.start(config)
    yield factories.merchant()
    world.close()


def test_a_row_that_waits_is_written_before_anything_else_is_asked(columns: dict[str, Any]) -> None:
    with store.atomic():
        with statements.sent() as sent:
            made = Customer.create_soon(**columns)
        assert sent == []
        assert Customer.get_by_id(made.id) == made


def test_it_is_written_at_the_latest_when_the_transaction_ends(columns: dict[str, Any]) -> None:
    with store.atomic():
        Customer.create_soon(**columns)
    assert Customer.get_by_id("cus_1").identity == "a"


def test_rows_that_wait_are_written_in_their_order(columns: dict[str, Any]) -> None:
    with store.atomic(), statements.sent() as sent:
        for number in "123":
            Customer.create_soon(**{**columns, "id": f"cus_{number}", "identity": number})
        store.flush()
    assert len(sent) == 3
    in_order = Customer.select().order_by(Customer.commit_order, Customer.id)
    assert [row.identity for row in in_order] == ["1", "2", "3"]


def test_what_fails_before_it_is_written_leaves_nothing(columns: dict[str, Any]) -> None:
    with suppress(ZeroDivisionError), store.atomic():
        Customer.create_soon(**columns)
        raise ZeroDivisionError
    assert Customer.select().count() == 0


@pytest.mark.parametrize("verb", ["create", "create_soon"])
def test_a_row_that_is_refused_undoes_its_transaction(columns: dict[str, Any], verb: str) -> None:
    Customer.create(**columns)
    with pytest.raises(IntegrityError), store.atomic():
        getattr(Customer, verb)(**{**columns, "id": "cus_2"})
    with store.atomic():
        getattr(Customer, verb)(**{**columns, "id": "cus_3", "identity": "b"})
    assert {row.id for row in Customer.select()} == {"cus_1", "cus_3"}


def test_outside_a_transaction_nothing_may_wait(columns: dict[str, Any]) -> None:
    with pytest.raises(InvariantBroken):
        Customer.create_soon(**columns)
