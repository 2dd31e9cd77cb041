"""Statements for PostgreSQL that are sent together: as few packets as there are results to wait for."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from peewee import DataError

from ikawaari import clock, store
from ikawaari.events import endpoints
from ikawaari.store.database import database
from ikawaari.store.models import Merchant
from tests import factories
from tests.merchant_api.calls import SESSIONS, Shop

pytestmark = [
    pytest.mark.parametrize("engine", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True),
    pytest.mark.usefixtures("database"),
]
_DATA_SEGMENTS_OUT = 156  # its place in Linux's `struct tcp_info`


@contextmanager
def packets() -> Iterator[list[int]]:
    """How many packets this thread sends to PostgreSQL in the block: the one number of the list, afterwards."""
    line = socket.socket(fileno=database.obj.connection().pgconn.socket)
    try:
        before, counted = _sent(line), list[int]()
        yield counted
        counted.append(_sent(line) - before)
    finally:
        line.detach()


def _sent(line: socket.socket) -> int:
    told = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _DATA_SEGMENTS_OUT + 4)
    return int.from_bytes(told[_DATA_SEGMENTS_OUT:], "little")


def test_a_batch_is_one_packet_and_one_more_for_each_result_that_is_wanted_before() -> None:
    with packets() as sent, database.obj.batch():
        cursors = [database.execute_sql("SELECT %s::int", (number,)) for number in range(10)]
    assert ([cursor.fetchone() for cursor in cursors], sent) == ([(number,) for number in range(10)], [1])
    with packets() as sent, database.obj.batch():
        early = [database.execute_sql("SELECT %s::int", (number,)).fetchone() for number in range(2)]
        database.execute_sql("SELECT 3")
    assert (early, sent) == ([(0,), (1,)], [3])


def test_a_session_is_opened_by_two_packets(app: Flask) -> None:
    shop = Shop(app, rate_limit=10_000)
    owner = factories.owner(shop.merchant)
    endpoints.create(owner, url="http://127.0.0.1:9/", enabled_events=["*"], now=clock.now())
    shop.post(SESSIONS, {"amount": 5000}, Idempotency_Key="warm")
    with packets() as sent:
        answer = shop.post(SESSIONS, {"amount": 5000}, Idempotency_Key="counted")
    assert (answer.status_code, sent) == (201, [2])


def test_an_error_of_a_batch_is_told_at_its_end_and_undoes_all_of_the_transaction() -> None:
    known, steps = factories.merchant(), list[str]()

    def write_twice() -> None:
        with store.atomic():
            factories.merchant("undone")
            with database.obj.batch():
                Merchant.add(**known.__data__)
                steps.append("not told yet")
                database.execute_sql("SELECT 1")
            steps.append("told")

    with pytest.raises(store.IntegrityError, match="merchants_pkey"):
        write_twice()
    assert (steps, [row.name for row in Merchant.select()]) == (["not told yet"], [known.name])


def test_who_leaves_a_batch_by_an_error_of_its_own_hears_that_one() -> None:
    known = factories.merchant()

    def trip() -> None:
        with store.atomic(), database.obj.batch():
            Merchant.add(**known.__data__)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        trip()
    assert Merchant.select().count() == 1


@pytest.mark.parametrize("uses_before", range(9))
@pytest.mark.parametrize("is_read", [True, False])
def test_what_an_undone_batch_would_have_prepared_is_prepared_anew(uses_before: int, *, is_read: bool) -> None:
    """psycopg prepares a statement at its sixth use. In a batch that fails before it, PostgreSQL skips that."""
    known = factories.merchant()

    def write(name: str) -> None:
        with store.atomic(), database.obj.batch():
            Merchant.add(**{**known.__data__, "id": name})
            database.execute_sql("SELECT %s::text", (name,), is_read=is_read)

    with pytest.raises(store.IntegrityError), store.atomic():  # nothing is prepared yet: psycopg has nothing to forget
        Merchant.add(**known.__data__)
    for number in range(uses_before):
        write(f"mer_before_{number}")
    with pytest.raises(store.IntegrityError):
        write(known.id)
    for number in range(9):
        write(f"mer_after_{number}")
    assert Merchant.select().count() == uses_before + 10


def test_a_batch_of_reads_that_fails_leaves_a_connection_that_works() -> None:
    def read(divisor: int) -> list[int]:
        with database.obj.batch():
            cursors = [database.execute_sql("SELECT %s::int / %s::int", (6, divisor)), database.execute_sql("SELECT 7")]
        return [cursor.fetchone()[0] for cursor in cursors]

    for _ in range(5):
        assert read(2) == [3, 7]
    with pytest.raises(DataError, match="division by zero"):
        read(0)
    assert [read(2) for _ in range(9)] == [[3, 7]] * 9


@pytest.mark.parametrize("parts", [1, 16])
def test_neither_side_waits_for_the_other_when_they_send_more_than_the_network_holds(parts: int) -> None:
    """PostgreSQL answers while it still receives, and waits for the rest of what it has received a part of."""
    text = "x" * (16_000_000 // parts)
    with database.obj.batch():
        cursors: list[Any] = [database.execute_sql("SELECT %s::text", (text,)) for _ in range(parts)]
    assert {cursor.fetchone() for cursor in cursors} == {(text,)}
