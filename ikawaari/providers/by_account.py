"""What a process keeps of each provider account, such as its tokens: as long as the account's settings are the same."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from ikawaari.providers.values import Account
from ikawaari.shapes import JsonObject

T = TypeVar("T")


class ByAccount(Generic[T]):
    """A `T` for each account, and for each of its products where it has several; another one for other settings.

    A key that has leaked is replaced by `providers update`, on one machine. Without this, every other process would go
    on using what it got with the old one.
    """

    def __init__(self, new: Callable[[], T]) -> None:
        self._new = new
        self._kept: dict[tuple[str, str], tuple[JsonObject, T]] = {}
        self._locks: defaultdict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)

    @contextmanager
    def of(self, account: Account, product: str = "") -> Iterator[T]:
        """The account's, for one thread at a time: the others find what the first one has put there."""
        place = account.id, product
        with self._locks[place]:
            settings, kept = self._kept.get(place, (None, None))
            if kept is None or settings != account.settings:
                kept = self._new()
                self._kept[place] = account.settings, kept
            yield kept
