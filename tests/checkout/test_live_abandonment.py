"""At each provider's simulator: a payer leaves a payment, and whatever goes wrong, nobody pays twice."""

from collections.abc import Iterator

import pytest

from ikawaari.checkout import abandonment, attempts
from ikawaari.config import Config
from ikawaari.errors import Conflict
from ikawaari.providers.base import Provider
from ikawaari.store.models import CheckoutSession
from tests import live as lives
from tests.checkout.test_live_crashes import repeated
from tests.live import Live
from tests.providers.bench import Bench
from tests.providers.contract import BENCHES, in_the_house
from tests.providers.test_promises import LOST
from tests.world import FAILED, PAID, WAITING, latest, statuses, together, tries

pytestmark = pytest.mark.long(engine="postgres")  # the sandbox's are on both: test_abandonment.py
CANCELING = [one for one in BENCHES if one.adapter.cancel is not Provider.cancel]
OTHERS = [one for one in BENCHES if one not in CANCELING]


@pytest.fixture
def live(request: pytest.FixtureRequest, config: Config) -> Iterator[Live]:
    """One provider, alone; its callbacks wait at the door."""
    made: type[Bench] = request.param
    with lives.opened(config, made) as opened:
        opened.door.is_open = False
        yield opened


canceling = pytest.mark.parametrize("live", in_the_house(CANCELING), indirect=True)


def leave(live: Live, session: CheckoutSession) -> bool:
    """Its payer wants to leave the payment that the page shows."""
    return abandonment.abandon(session.id, abandonment.name_of(latest(session)), live.now)


def waiting(live: Live) -> CheckoutSession:
    """A session whose payer was sent away, to a wallet or a bank."""
    session = live.paying()
    assert statuses(session) == WAITING
    assert abandonment.is_possible(latest(session))
    return session


def pay_again(live: Live, session: CheckoutSession) -> None:
    """Another payment pays it, and the first one took nothing."""
    live.later(4)
    _, request = live.begin()
    attempts.pay(session.id, request, live.now)
    live.end(session)
    assert statuses(session) == PAID
    assert [live.bench.taken(one.id) > 0 for one in tries(session)] == [False, True]
    live.audit()


@canceling
def test_who_leaves_pays_in_another_way_and_once(live: Live) -> None:
    session = waiting(live)
    assert leave(live, session)
    assert (statuses(session), latest(session).failure_code) == (FAILED, "canceled")
    assert "pending" not in [charge["state"] for charge in live.talk.charges()]
    live.deliver()
    assert statuses(session) == FAILED
    pay_again(live, session)


@canceling
def test_who_had_paid_before_is_told_so(live: Live) -> None:
    session = waiting(live)
    live.settle(session)
    assert leave(live, session)
    assert statuses(session) == PAID
    live.deliver()
    live.audit()


@canceling
@pytest.mark.parametrize("fault", LOST)
def test_without_an_answer_nobody_pays_a_second_time_until_there_is_one(live: Live, fault: str) -> None:
    session = waiting(live)
    live.talk.next(fault, on="cancel")
    if not leave(live, session):
        assert statuses(session) == WAITING
        with pytest.raises(Conflict):
            attempts.pay(session.id, live.begin()[1], live.now)
        live.later(4)
        assert leave(live, session)
    assert statuses(session) == FAILED
    pay_again(live, session)


@canceling
def test_a_look_up_without_an_answer_confirms_nothing(live: Live) -> None:
    session = waiting(live)
    live.talk.next("reset", on="lookup", times=2)
    assert not leave(live, session)
    live.wait(5)
    assert statuses(session) in (WAITING, FAILED)
    live.later(4)
    leave(live, session)
    assert statuses(session) == FAILED
    pay_again(live, session)


@canceling
def test_who_leaves_in_eight_tabs_leaves_once(live: Live) -> None:
    session = waiting(live)
    together(8, lambda _: leave(live, session))
    assert statuses(session) == FAILED
    assert live.told().count("payment_intent.payment_failed") == 1
    pay_again(live, session)


@canceling
def test_a_process_may_die_anywhere_on_the_way(live: Live) -> None:
    session = waiting(live)
    assert repeated(live, lambda: leave(live, session)) > 5
    assert statuses(session) == FAILED
    pay_again(live, session)


@pytest.mark.parametrize("live", in_the_house(OTHERS), indirect=True)
def test_where_nothing_can_be_called_off_nobody_leaves(live: Live) -> None:
    session = live.paying()
    assert not abandonment.is_possible(latest(session))
    assert not leave(live, session)
    live.end(session)
    assert statuses(session) == PAID
    live.audit()
