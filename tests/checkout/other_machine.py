"""Another machine of the same house: a process with connections and a memory of its own, which does as it is told."""

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any

import ikawaari
from ikawaari.checkout import attempts, breakers, routing
from ikawaari.config import Config
from ikawaari.errors import IkawaariError
from ikawaari.providers import registry
from ikawaari.providers.base import Account, Outcome, unknown
from ikawaari.providers.outcomes import succeeded
from ikawaari.store.models import Merchant
from tests import factories, warm, world
from tests.accounts import Direct

ORANGE = "orange_sn"
_numbers = itertools.count(10_000)


class Operator(Direct):
    """It takes the money, or says nothing, and takes its time."""

    works = True
    seconds = 0.0
    asked = 0

    def charge(self, account: Account, request: Any, now: datetime) -> Outcome:
        """As told."""
        type(self).asked += 1
        time.sleep(self.seconds)
        if not self.works:
            return unknown("HTTP 500")
        return succeeded(str(request.money.amount), request.money.currency, reference=request.id)


def begin(config: Config, rest_seconds: float) -> None:
    """This process serves the house."""
    ikawaari.start(config)
    registry.configure([Operator(config)])
    breakers.REST = type(breakers.REST)(seconds=rest_seconds)
    Operator.works, Operator.seconds, Operator.asked = True, 0.0, 0


def set_up(works: bool, seconds: float) -> None:
    """From now on the operator works, or does not, as this process sees it."""
    Operator.works, Operator.seconds = works, seconds


def is_down(account_id: str) -> bool:
    """Whether this process asks the account for nothing now."""
    try:
        return routing.is_down(account_id, ORANGE)
    finally:
        world.release()


def asked() -> int:
    """How many charges this process has asked for."""
    return Operator.asked


def pay(count: int) -> list[str]:
    """So many payers at once. What each met: nothing, or the error's code."""

    def one(_number: int) -> None:
        session = factories.session(Merchant.get(), livemode=True)
        number = f"+22177{os.getpid() % 1_000:03}{next(_numbers) % 10_000:04}"
        gate.wait()
        attempts.pay(session.id, factories.pay_request(number), session.created_at)

    gate = threading.Barrier(count)
    results = world.together(count, one)
    return [result.code if isinstance(result, IkawaariError) else str(result) for result in results]


ORDERS: Mapping[str, Callable[..., Any]] = {"set_up": set_up, "is_down": is_down, "asked": asked, "pay": pay}


def serve(config: Config, rest_seconds: float, pipe: Connection) -> None:
    """Carry out orders until the other side is gone."""
    begin(config, rest_seconds)
    while True:
        try:
            order, *arguments = pipe.recv()
        except EOFError:
            return
        pipe.send(ORDERS[order](*arguments))


class Other:
    """The other machine, as this one sees it."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def start(self, order: str, *arguments: Any) -> None:
        """Give an order; `result` waits for its end."""
        self._pipe.send((order, *arguments))

    def result(self) -> Any:
        """What came of the order."""
        assert self._pipe.poll(60), "the other machine does not answer"
        return self._pipe.recv()

    def do(self, order: str, *arguments: Any) -> Any:
        """Both."""
        self.start(order, *arguments)
        return self.result()


@contextmanager
def running(config: Config, rest_seconds: float) -> Iterator[Other]:
    """Another machine, for as long as the block lasts."""
    ours, theirs = warm.PARENT.Pipe()
    process = warm.PARENT.Process(target=serve, args=(config, rest_seconds, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Other(ours)
    finally:
        ours.close()
        process.join(20)
        if process.is_alive():
            process.kill()
            process.join()
