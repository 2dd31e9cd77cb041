"""Anything that can happen, in any order: customers, merchants, workers and providers act as chance has it.

However it goes, the provider's ledger and ours tell the same in the end.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ikawaari.checkout import attempts, enquiry, sessions, test_mode
from ikawaari.errors import IkawaariError
from ikawaari.providers import registry
from ikawaari.providers.sandbox import Sandbox, screens
from ikawaari.store.models import CheckoutSession
from tests import world as worlds
from tests.world import Killed, World, audit, fresh, intent, latest, tries

ENDINGS = ["500", "001", "003", "004", "005", "006", "007", "008", "009", "010", "011", "012"]
Step = Callable[[World, CheckoutSession], object]


def pays(ending: str) -> Step:
    """A customer tries to pay with that number."""
    return lambda world, session: world.pay(session, ending)


def dies(when: str) -> Step:
    """A customer tries to pay, and the process is killed around the charge."""

    def step(world: World, session: CheckoutSession) -> None:
        worlds.dying(world.config, when)
        try:
            world.pay(session)
        except Killed:
            pass
        finally:
            registry.configure([Sandbox(world.config)])

    return step


def waits(seconds: float) -> Step:
    """Time goes by, with a worker at work."""
    return lambda world, session: world.wait(seconds)


def decides(approved: bool) -> Step:
    """A customer approves or refuses on a wallet's page."""

    def step(world: World, session: CheckoutSession) -> None:
        action = latest(session).next_action or {} if tries(session) else {}
        if "redirect_to_url" in action:
            screens.decide(action["redirect_to_url"]["url"].rpartition("/")[2], approved, world.now)

    return step


def told(succeeded: bool) -> Step:
    """A developer decides for the payer."""
    return lambda world, session: test_mode.decide(
        intent(session).id, succeeded=succeeded, failure_reason=None, now=world.now
    )


STEPS: Mapping[str, Step] = {
    **{f"pays {ending}": pays(ending) for ending in ENDINGS},
    "pays by card": lambda world, session: world.pay_by_card(session),
    "types the code": lambda world, session: attempts.submit_otp(session.id, "123456", world.now),
    "types a wrong code": lambda world, session: attempts.submit_otp(session.id, "000000", world.now),
    "taps on check": lambda world, session: enquiry.check(session.id, world.now),
    "approves": decides(True),
    "refuses": decides(False),
    "is killed before the charge": dies("before"),
    "is killed after the charge": dies("after"),
    "the merchant expires it": lambda world, session: sessions.expire(fresh(session), world.now),
    "a developer says succeeded": told(True),
    "a developer says failed": told(False),
    "a second goes by": waits(1),
    "three seconds go by": waits(3),
    "a minute goes by": waits(60),
    "a day goes by": waits(86_400),
}


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.sampled_from(sorted(STEPS)), min_size=2, max_size=7), callbacks=st.booleans())
def test_whatever_happens_in_whichever_order_the_books_agree(world: World, names: list[str], callbacks: bool) -> None:
    world.callbacks_get_lost()
    if callbacks:
        world.callbacks_arrive()
    session = world.session()
    for name in names:
        world.later(0.001)
        with suppress(IkawaariError):
            STEPS[name](world, session)
    if tries(session) and latest(session).status not in {"succeeded", "failed"}:
        with suppress(IkawaariError):
            told(False)(world, session)
    world.wait(5, 60, 60, 3600, 90_000)
    audit()
    assert fresh(session).payment_status != "processing"
