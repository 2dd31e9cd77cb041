"""Two processes on one database, in real time: their breakers open and close together, and let exactly one through."""

import time
from collections.abc import Callable, Iterator

import pytest

from ikawaari.checkout import breakers
from ikawaari.config import Config
from tests import accounts as providers
from tests import factories, world
from tests.checkout import other_machine
from tests.checkout.other_machine import Other

pytestmark = [pytest.mark.on_postgres, pytest.mark.long(engine="sqlite")]

REST_SECONDS = 2.0
_WITHIN_SECONDS = 1.5  # the second, and the time of the questions on a busy machine


@pytest.fixture
def account(config: Config) -> Iterator[str]:
    """This machine, with a live account of the house. Its id."""
    rest = breakers.REST
    other_machine.begin(config, REST_SECONDS)
    factories.merchant()
    yield providers.add(config).id
    breakers.REST = rest
    world.close()


@pytest.fixture
def other(config: Config, account: str) -> Iterator[Other]:
    """The other machine, which has read that the account is well."""
    with other_machine.running(config, REST_SECONDS) as machine:
        assert machine.do("is_down", account) is False
        yield machine


def until(condition: Callable[[], bool]) -> float:
    """How many seconds it took until so."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < 20
        time.sleep(0.02)
    return time.monotonic() - started


def test_it_opens_and_closes_on_both_within_a_second(account: str, other: Other) -> None:
    other_machine.set_up(works=False, seconds=0)
    other_machine.pay(1)
    for _ in range(breakers.IN_A_ROW - 1):
        other_machine.pay(1)
    assert other_machine.is_down(account)
    assert until(lambda: other.do("is_down", account)) < _WITHIN_SECONDS
    assert other.do("pay", 1) == ["IKW-SYS-003"]
    time.sleep(REST_SECONDS)
    assert other.do("pay", 1) == ["None"]
    assert other.do("is_down", account) is False
    other_machine.set_up(works=True, seconds=0)
    assert until(lambda: other_machine.pay(1) == ["None"]) < _WITHIN_SECONDS
    assert (other.do("asked"), breakers.listed()) == (1, {})


def test_both_let_exactly_one_through(account: str, other: Other) -> None:
    other_machine.set_up(works=False, seconds=0)
    for _ in range(breakers.IN_A_ROW):
        other_machine.pay(1)
    for works in (False, True):
        until(lambda: not other_machine.is_down(account) and not other.do("is_down", account))
        before = other_machine.asked() + other.do("asked")
        other_machine.set_up(works=works, seconds=1)
        other.do("set_up", works, 1)
        other.start("pay", 6)
        results = other_machine.pay(6) + other.result()
        assert other_machine.asked() + other.do("asked") - before == 1
        assert results.count("None") == 1, results
        assert set(results) <= {"None", "IKW-SYS-002", "IKW-SYS-003"}
        if not works:
            assert until(lambda: other.do("is_down", account)) < _WITHIN_SECONDS
    assert until(lambda: other.do("pay", 1) == ["None"]) < _WITHIN_SECONDS
