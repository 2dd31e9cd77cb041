"""Group commit: transactions that are ready to be written at the same moment are written as one.

Such a transaction has not sent a statement: it has its rows, events and due work ready, and only has to write them.
One of the threads, the leader, writes what all of them have, each behind a savepoint of its own, and commits once. The
others wait; none returns before its rows are on the disk. Locking, committing and syncing are what a short
transaction costs most, and many pages that it changes are those of the one before.
"""

import threading
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from ikawaari.transactions import Transaction

_MOST = 16  # transactions of a group: more would make its first member wait


class GroupCommit:
    """The groups of one database, one after the other."""

    def __init__(self, database: Any) -> None:
        self._database = database
        self._guard = threading.Lock()
        self._waiting: list[_Member] = []
        self._is_led = False

    def write(self, transaction: Transaction) -> None:
        """Write what `transaction` has ready. Returns when it is on the disk, and raises what went wrong with it."""
        mine = _Member(transaction)
        with self._guard:
            self._waiting.append(mine)
            leads, self._is_led = not self._is_led, True
        if not leads:
            mine.woken.wait()
        if not mine.is_done:
            self._lead()
        if mine.error is not None:
            raise mine.error

    def _lead(self) -> None:
        members: list[_Member] = []
        try:
            self._write(members)
        except BaseException as error:  # the turn did not come, or nothing of the group could be committed
            members = members or self._take()
            _fail(members, error)
        finally:
            self._hand_over()
        try:
            self._database.make_durable()
        except BaseException as error:
            _fail(members, error)
        for member in members:
            member.is_done = True
            member.woken.set()

    def _write(self, members: "list[_Member]") -> None:
        with Transaction(self._database) as group:
            group.is_durable = False  # the leader waits for the disk when the next group may begin
            group.before_statement()  # who comes while we wait for the turn is a member, too
            members += self._take()
            for member in members:
                self._write_one(member, group, is_alone=len(members) == 1)

    def _write_one(self, member: "_Member", group: Transaction, *, is_alone: bool) -> None:
        try:
            with nullcontext() if is_alone else self._database.savepoint():
                member.transaction.write_into(group)
        except Exception as error:
            group.soon = []
            member.error = error
            if is_alone or not self._database.connection().in_transaction:  # SQLite undoes all, when the disk is full
                raise

    def _take(self) -> "list[_Member]":
        with self._guard:
            taken, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        return taken

    def _hand_over(self) -> None:
        """Let the first of those who came meanwhile lead the next group, while we wait for the disk."""
        with self._guard:
            self._is_led = bool(self._waiting)
            successor = self._waiting[0] if self._waiting else None
        if successor is not None:
            successor.woken.set()


class _Member:
    """A transaction that waits, or is written."""

    def __init__(self, transaction: Transaction) -> None:
        self.transaction = transaction
        self.woken = threading.Event()  # it is written, or its thread has to lead
        self.is_done = False
        self.error: BaseException | None = None


def _fail(members: Sequence[_Member], error: BaseException) -> None:
    for member in members:
        member.error = member.error or error
