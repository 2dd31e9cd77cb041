"""Counts what is sent to the house's database: every statement that reaches the driver, BEGIN and COMMIT apart."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from unittest import mock

import psycopg

from ikawaari import store
from ikawaari.store.database import database

_FREE = ("BEGIN", "COMMIT", "--")  # "--": what a trigger of SQLite does


@contextmanager
def sent() -> Iterator[list[str]]:
    """The statements that this thread sends in the block, to its connection of the house's database."""
    seen: list[str] = []

    def note(text: object) -> None:
        if not str(text).lstrip().upper().startswith(_FREE):
            seen.append(str(text))

    connection = database.obj.connection()
    if not store.is_postgres():
        both = connection, database.obj.writer().connection
        for one in both:
            one.set_trace_callback(note)
        yield seen
        for one in both:
            with suppress(sqlite3.ProgrammingError):  # the request has closed it
                one.set_trace_callback(None)
        return
    execute = psycopg.Cursor._execute_gen  # which all go through

    def watched(cursor: Any, query: Any, *args: Any, **options: Any) -> Any:
        if cursor.connection is connection:
            note(query)
        return execute(cursor, query, *args, **options)

    with mock.patch.object(psycopg.Cursor, "_execute_gen", watched):
        yield seen
