"""`kill -9` around every call of a real provider: its simulator's ledger and our books agree, and money moves once."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import time_machine

import ikawaari
from ikawaari import clock
from ikawaari.checkout import accounts, charges, refunds
from ikawaari.checkout.refunds import NewRefund
from ikawaari.config import Config
from ikawaari.providers import registry
from ikawaari.providers.base import Provider
from ikawaari.pruning import PRUNE
from ikawaari.states import UNSETTLED, RefundStatus
from ikawaari.store.models import CheckoutSession, DueWork, PaymentAttempt, Refund
from ikawaari.worker import HOUSEKEEPING
from tests import factories, world
from tests.chaos import shop as shops
from tests.chaos.killing import DIE_AT, DIED_FILE
from tests.chaos.seeded import moved
from tests.live import Door, Live
from tests.providers.bench import Bench
from tests.providers.contract import BENCHES
from tests.serving import Served, serve
from tests.simulators.talking import talk
from tests.world import fresh, intent, tries

pytestmark = pytest.mark.long(engine="sqlite")  # there a process dies anywhere: tests/checkout/test_live_crashes.py
KILLING = "tests.chaos.live_killing"
BY_NAME = {bench.label(): bench for bench in BENCHES}
REFUNDING = [name for name, bench in BY_NAME.items() if bench.adapter.refund is not Provider.refund]
# Seconds: for the next enquiry, a dead one's lease, and the time after which a provider has forgotten.
JUMPS = (6, 40, 200, 1_000, 2_000, 4_000)


@dataclass
class House:
    """A server that dies once, with its worker, a provider, and a clock for all of them."""

    served: Served
    live: Live
    hands: moved.Hands

    def paying(self) -> CheckoutSession:
        """A session; its payer presses the button, whatever comes of it."""
        charge = self.live.bench.charge()
        money = charge.money
        session = factories.session(
            self.live.merchant, livemode=self.live.bench.livemode, amount=money.amount, currency=money.currency
        )
        self.press(session)
        return session

    def press(self, session: CheckoutSession) -> None:
        """Press the button."""
        charge = self.live.bench.charge()
        given: dict[str, Any] = {"type": "card", "card": {"token": charge.card_token}}
        if charge.operator:
            wallet = {"operator": charge.operator, "phone_number": charge.phone, "preferred_flow": charge.flow}
            given = {"type": "mobile_money", "mobile_money": {name: one for name, one in wallet.items() if one}}
        url = f"{self.served.url}/api/checkout/{session.id}/pay"
        with suppress(requests.ConnectionError):
            answer = requests.post(url, json={"payment_method": given}, timeout=60)
            assert answer.ok, answer.text

    def later(self, seconds: float) -> None:
        """Move all clocks on."""
        self.live.later(seconds)
        self.hands.move(seconds)
        self.live.talk.advance(0)

    def dies(self) -> None:
        """Wait until the server has died of its trap, and start it again."""
        assert self.served.wait_for_death() == -9
        self.served.start()

    def approve(self) -> None:
        """Whoever is asked approves."""
        for attempt in PaymentAttempt.select().where(PaymentAttempt.status.in_(UNSETTLED)):
            if self.live.bench.started(attempt.id) and (attempt.provider_reference or not attempt.card_token):
                self.live.settle_charge(charges.of(charges.find(attempt.id)))

    def finish(self, session: CheckoutSession) -> None:
        """Until it is paid, and nothing is on its way: time goes by, payers approve, or try again."""
        for seconds in (*JUMPS, *JUMPS):
            self.later(seconds)
            self._rest()
            self.approve()
            self._rest()
            if fresh(session).payment_status == "unpaid":
                self.press(session)
            elif fresh(session).payment_status != "processing" and not self._under_way():
                break
        assert fresh(session).payment_status in {"paid", "refunded"}, world.statuses(session)
        assert [one.status for one in tries(session)].count("succeeded") == 1
        self.live.audit()
        assert "Traceback" not in self.served.log_text(), self.served.log_text()[-4_000:]

    @staticmethod
    def _under_way() -> bool:
        return Refund.select().where(Refund.status == RefundStatus.PENDING).exists()

    @staticmethod
    def _rest() -> None:
        """Wait until nothing is due that nobody has taken."""
        deadline = time.monotonic() + shops.PATIENCE_SECONDS
        free = DueWork.leased_until.is_null() | (DueWork.leased_until <= clock.now())  # not a dead worker's
        ours = DueWork.kind.not_in([HOUSEKEEPING, PRUNE])
        while DueWork.select().where(DueWork.due_at <= clock.now(), ours, free).exists():
            if time.monotonic() > deadline:
                return
            time.sleep(0.05)


@contextmanager
def house(name: str, step: str, database_url: str, folder: Path) -> Iterator[House]:
    """Such a house, with the trap at `step`."""
    made: type[Bench] = BY_NAME[name]
    hands, door = moved.Hands(folder / "clock"), Door()
    environment = shops.environment(database_url, enquiry_seconds="5")
    environment |= {moved.CLOCK: str(hands.path), DIE_AT: step, DIED_FILE: str(folder / "died")}
    simulator = made.simulator(door.url, made.country)
    with time_machine.travel(datetime.now(UTC), tick=True) as traveller, door.listening(), talk(simulator) as sim:
        with serve(environment, 1, 4, module=KILLING) as served:
            config = Config.from_environment(served.environment)
            ikawaari.start(config)
            bench = made(config, sim, door)
            registry.configure([bench.provider])
            live = Live(config, traveller, bench, simulator, door)
            sim.set(callback_url=live.account.callback_url)
            time.sleep(accounts.KEPT_SECONDS)  # until the server knows the account
            yield House(served, live, hands)
        world.close()


def _each(names: Iterable[str], quick: Mapping[str, set[str]]) -> pytest.MarkDecorator:
    """Each trap for each of these providers: of a trap the `quick` ones, and the others with --long."""
    return pytest.mark.parametrize(
        ("step", "name"),
        [
            pytest.param(step, name, marks=[] if name in chosen else [pytest.mark.long()])
            for step, chosen in quick.items()
            for name in names
        ],
    )


@_each(
    BY_NAME,
    {
        "before a charge is sent": {"pawapay"},
        "a charge is sent": {"cinetpay"},
        "a charge is answered": {"mtn", "stripe"},  # a hint from a wallet, a signed event from a card
    },
)
def test_a_server_killed_around_a_charge(
    step: str, name: str, database: None, database_url: str, tmp_path: Path
) -> None:
    with house(name, step, database_url, tmp_path) as home:
        session = home.paying()
        home.dies()
        home.finish(session)
        assert sum(home.live.bench.started(one.id) > 1 for one in tries(session)) == 0


@_each(BY_NAME, {"a callback is verified": {"wave"}, "a callback is applied": {"mtn"}})
def test_a_server_killed_in_the_middle_of_a_callback(
    step: str, name: str, database: None, database_url: str, tmp_path: Path
) -> None:
    with house(name, step, database_url, tmp_path) as home:
        session = home.paying()
        home.approve()
        home.dies()
        home.finish(session)
        assert len(tries(session)) == 1


@_each(BY_NAME, {"a look-up is sent": {"stripe"}, "a look-up is answered": {"pawapay"}})
def test_a_worker_killed_in_the_middle_of_a_look_up(
    step: str, name: str, database: None, database_url: str, tmp_path: Path
) -> None:
    with house(name, step, database_url, tmp_path) as home:
        home.live.talk.next("drop_callback", on="any", times=20)  # else it may come first, and nobody need look up
        session = home.paying()
        home.later(JUMPS[0])
        home.dies()
        home.finish(session)
        assert len(tries(session)) == 1


@_each(
    REFUNDING,
    {"before a refund is sent": {"mtn"}, "a refund is sent": {"wave"}, "a refund is answered": {"mtn", "stripe"}},
)
def test_a_worker_killed_around_a_refund(
    step: str, name: str, database: None, database_url: str, tmp_path: Path
) -> None:
    with house(name, step, database_url, tmp_path) as home:
        session = home.paying()
        home.finish(session)
        refunds.create(home.live.owner, NewRefund(payment_intent=intent(session).id), home.live.now)
        home.dies()
        home.finish(session)
        assert fresh(session).payment_status == "refunded"
        assert [one.status for one in world.refunds()] == ["succeeded"]
