"""A run from its beginning to its end, and whether what was promised holds."""

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import peewee

from ikawaari import clock, store
from ikawaari.pruning import PRUNE
from ikawaari.store.models import DueWork
from ikawaari.worker import HOUSEKEEPING
from tests.chaos.seeded import books, deliveries, ledgers, logs, pruned
from tests.chaos.seeded.buyers import Trade, unexpected
from tests.chaos.seeded.deliveries import Told
from tests.chaos.seeded.faults import Faults
from tests.chaos.seeded.plan import Round, plan
from tests.chaos.seeded.stage import SPEED, Stage, ground, staged

# Seconds: for rechecks, the ends of prompts and pages, retries of webhooks, and the daily enquiries after that. Stripe
# sends a refund back after three days; if nobody says so, we ask after four.
_LAST_JUMPS = (200, 3_700, 30_000, 100_000, 270_000, 100_000)
_MOST_WAITS, _WAIT = 12, 90_000
_IDLE_SECONDS, _MOST_LOOKS = 60, 20_000
_TICK_SECONDS = 0.1
_LOOK_SECONDS = 1.0
_REST_SECONDS = 2.5  # longer than a call takes
Say = Callable[[str], None]


@dataclass
class Report:
    """What a run found, and its figures."""

    violations: list[str]
    figures: dict[str, object] = field(default_factory=dict)


def carry_out(payments: int, seed: int, engine: str, say: Say) -> Report:
    """The run that the seed decides."""
    started = time.monotonic()
    rounds = plan(seed, payments, engine)
    with (
        tempfile.TemporaryDirectory(prefix="ikawaari-chaos-") as name,
        ground(engine, Path(name)) as made,
        staged(made, Path(name), seed) as stage,
    ):
        run = Run(stage, say)
        for number, one in enumerate(rounds, 1):
            say(f"round {number} of {len(rounds)}: {len(one.purchases)} purchases, then {one.jump} s pass")
            run.round(one)
        report = run.end()
        report.figures["orders to providers"] = dict(_orders(rounds))
    took = time.monotonic() - started
    pace = {"took": f"{took:.0f} s", "payments per minute": round(60 * payments / took)}
    return Report(report.violations, {**pace, **report.figures})


class Run:
    """A run on its stage."""

    def __init__(self, stage: Stage, say: Say) -> None:
        self.stage, self.say = stage, say
        self.trade = Trade(stage)
        self.faults = Faults(stage, say)
        self.seen: list[str] = []  # what nobody may see even for a moment

    def round(self, one: Round) -> None:
        """Its purchases with its faults; then everybody has gone, and time passes."""
        since = clock.now()
        self.trade.open(list(one.purchases))
        begun, is_over = self.trade.begun, self.trade.is_over
        faults = threading.Thread(target=self.faults.carry_out, args=(one.faults, begun, is_over), daemon=True)
        faults.start()
        looked = time.monotonic()
        while faults.is_alive() or not is_over():
            self.stage.pass_time(SPEED * _TICK_SECONDS)
            time.sleep(_TICK_SECONDS)
            if time.monotonic() > looked + _LOOK_SECONDS:
                self._look(since)
                looked = time.monotonic()
        self.trade.tidy()
        self.jump(one.jump)
        self._look(since)

    def _look(self, since: datetime) -> None:
        self.seen += _read(lambda: books.contradictions(since)) or []

    def jump(self, seconds: int) -> None:
        """Let so many seconds pass while no call is on its way; then work until nothing is due."""
        self._rest()
        self.stage.pass_time(seconds)
        self.stage.hands.let_work_wait(waits=False)
        self.stage.employ()
        before: list[str] = []
        idle_since = time.monotonic()
        for _ in range(_MOST_LOOKS):  # however slow the machine is, as long as something is done
            busy = _read(_due)
            if busy == []:
                return
            if busy and busy != before:
                before, idle_since = busy, time.monotonic()
            if time.monotonic() > idle_since + _IDLE_SECONDS:
                break
            time.sleep(0.05)
        self.seen.append(f"what is due does not end: {before[:5]}")

    def _rest(self) -> None:
        """Have the workers finish what they do, and begin nothing. If a row is held for too long, all are killed: its
        worker hangs, or has died.
        """
        self.stage.hands.let_work_wait(waits=True)
        until = time.monotonic() + _REST_SECONDS
        while _read(_held) != []:
            if time.monotonic() > until:
                self.stage.kill_all()
                return
            time.sleep(0.05)

    def end(self) -> Report:
        """Wait until all is at rest, and look whether everything holds."""
        closed_at, gone = clock.now(), pruned.figures()
        self.say("everybody has gone; waiting until all is at rest")
        self.stage.calm()
        for seconds in _LAST_JUMPS:
            self.trade.end_subscriptions()  # one whose first payment failed may start when that is corrected
            self.jump(seconds)
        unsettled = books.unsettled(closed_at)  # beyond what any provider takes to settle
        waits = self._wait_for_the_last()
        self._wait_for_pruning()
        self.stage.kill_all()
        self.say("all is at rest; comparing")
        stored = deliveries.stored()
        listed = list(self._listed(stored))
        events = sorted([*deliveries.told(pruned.events()), *stored], key=lambda one: one.sequence)
        with books.at_one_moment():
            found = [*self.seen, *self.trade.broken, *self.faults.broken, *unsettled, *self._compared(events), *listed]
        told = {"more days waited": waits, "deleted while payments went on": gone}
        return Report(found, {**told, **self._figures(events)})

    def _wait_for_pruning(self) -> None:
        """Wait until what is old is gone; `_compared` says what is not."""
        before, since = _read(pruned.left), time.monotonic()
        while before != [] and time.monotonic() < since + _IDLE_SECONDS:  # however slow the machine is
            self.stage.pass_time(SPEED * _TICK_SECONDS)
            time.sleep(_TICK_SECONDS)
            left = _read(pruned.left)
            before, since = (left, time.monotonic()) if left != before else (before, since)

    def _wait_for_the_last(self) -> int:
        """A refund that failed days later may have been asked for again, and on a busy machine a renewal may have begun
        before its subscription was ended. Returns how many days passed.
        """
        for waits in range(_MOST_WAITS):
            self.trade.end_subscriptions()
            if not self._under_way():
                return waits
            self.jump(_WAIT)
        return _MOST_WAITS

    def _under_way(self) -> list[str]:
        pending = [
            f"{till.name}: {entry['id']} is {entry['status']}"
            for till in self.stage.tills
            for entry in [*till.talk.charges(), *till.talk.refunds()]
            if entry["state"] == "pending"
        ]
        return [*books.under_way(), *pending]

    def _compared(self, events: Sequence[Told]) -> Iterator[str]:
        arrivals = self.stage.receiver.arrivals
        yield from self._under_way()
        yield from pruned.left()
        yield from pruned.wrongly()
        yield from books.mismatches()
        yield from books.wrong_periods()
        yield from books.overused_links()
        yield from self._ledgers()
        yield from deliveries.undelivered(events, arrivals)
        yield from deliveries.altered(events, arrivals)
        yield from deliveries.out_of_order(events, arrivals)
        yield from unexpected(self.trade.answers)
        yield from self._callbacks()
        yield from self._logged()

    def _ledgers(self) -> Iterator[str]:
        attempts = ledgers.ours()
        for till in self.stage.tills:
            own = [(till.provider.sent_id(one.id), one) for one in attempts if one.provider == till.account_id]
            ledger = ledgers.theirs(till.talk.charges(), till.talk.refunds())
            yield from ledgers.differences(till.name, own, ledger)
        own = [(one.id, one) for one in attempts if one.provider == ledgers.SANDBOX]
        yield from ledgers.differences(ledgers.SANDBOX, own, ledgers.of_sandbox())

    def _listed(self, events: Sequence[Told]) -> Iterator[str]:
        shown = (one for merchant in self.stage.merchants.values() for one in self.trade.events(merchant))
        return deliveries.differs_from_list(events, {one["id"]: deliveries.listed_digest(one) for one in shown})

    def _callbacks(self) -> Iterator[str]:
        for answered, times in self._callback_answers().items():
            if answered.startswith("5") and answered != "503":
                yield f"{times} callbacks were answered {answered}"

    def _callback_answers(self) -> Counter[str]:
        return Counter(str(one["answered"]) for till in self.stage.tills for one in till.talk.deliveries())

    def _logged(self) -> Iterator[str]:
        secrets = {secret for till in self.stage.tills for secret in till.secrets}
        secrets |= {merchant.headers["Authorization"].split()[1] for merchant in self.stage.merchants.values()}
        log = self.stage.served.log
        yield from logs.leaks(log, secrets, self.trade.phones)
        yield from logs.faults(log)
        yield from logs.unattributed(log)

    def _figures(self, events: Sequence[Told]) -> dict[str, object]:
        logged = logs.events(self.stage.served.log)
        return {
            "faults": dict(self.faults.counts),
            "impatience": dict(self.trade.pressed),
            "books": books.figures(events),
            "deleted when they were old": pruned.figures(),
            "webhooks": {mood.value: times for mood, times in self.stage.receiver.moods.items()},
            "callbacks": dict(self._callback_answers()),
            "answers": dict(sorted(self.trade.answers.items())),
            "breakers opened": logged["breaker_opened"],
        }


def _read(question: Callable[[], list[str]]) -> list[str] | None:
    """What the database answers; None if it is away, or was since it was asked last."""
    try:
        return question()
    except peewee.PeeweeException:
        store.release()
        return None


def _due() -> list[str]:
    """What is due now, and what a worker does."""
    rows = DueWork.select().where(DueWork.due_at <= clock.now(), DueWork.kind.not_in([HOUSEKEEPING, PRUNE]))
    return [
        f"{row.kind} {row.subject} of {row.lane}, tries {row.tries}, held until {row.leased_until}"
        for row in rows.order_by(DueWork.id)
    ]


def _held() -> list[str]:
    """What a worker holds, or held when it died."""
    return [row.subject for row in DueWork.select().where(DueWork.leased_until.is_null(False))]


def _orders(rounds: Sequence[Round]) -> Counter[str]:
    orders = (order for one in rounds for purchase in one.purchases for order in purchase.orders)
    return Counter(str(order.order["kind"]) for order in orders)
