"""The loops that do due work: in threads of each web process on one machine, or in separate processes."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

import structlog

from ikawaari import clock, logs, meters, pruning, store, tracing
from ikawaari.checkout import (
    accounts,
    audit,
    conditions,
    enquiry,
    invoices,
    paces,
    reconciliation,
    refund_checks,
    refunds,
    renewals,
    sessions,
    settlement,
    subscriptions,
    trials,
)
from ikawaari.config import Config
from ikawaari.events import delivery, endpoints
from ikawaari.providers import registry
from ikawaari.store import due
from ikawaari.store.models import DueWork

log = structlog.get_logger()
Handler = Callable[[str, datetime], datetime | None]
"""Does one piece of work for a subject. Returns when to run again, or None if it is done."""

HOUSEKEEPING = "housekeeping"
_HOUR = timedelta(hours=1)
MOST_CALLS = 16  # of providers at once, in one process; each has a thread of its own
_SHARE = 4  # a lane may start another call while it has fewer than this part of the free threads
_BATCH = 5  # rows of one round without outside calls, done one after the other
_CALLS_LEASED = (
    3  # a row's lease, in calls of its provider: one for its own, and one each before and after it for the database
)
_LEASE = timedelta(seconds=60)
WEBHOOK_THREADS = delivery.LANES + 2  # an endpoint that hangs never occupies all of them
_AFTER_A_BUG = timedelta(seconds=30)
_LONGEST_GOODBYE_SECONDS = 5.0
_one_asks = threading.Lock()  # one of the loops asks whether they may begin; the others wait for it


def housekeeping(_subject: str, now: datetime) -> datetime:
    """Hourly maintenance: repair and report inconsistent data, and end what has a time of its own."""
    audit.run_hourly(last_housekeeping(), now)
    endpoints.end_overlaps(now)
    conditions.schedule_missing(now)
    reconciliation.review_all(now)
    return now + _HOUR


def last_housekeeping() -> datetime | None:
    """When housekeeping was done last: an hour before it is due. None if never."""
    rows = due.find([HOUSEKEEPING], [""])
    return rows[0].due_at - _HOUR if rows else None


HANDLERS: Mapping[str, Handler] = {
    enquiry.ENQUIRE: enquiry.enquire,
    conditions.REFRESH: conditions.refresh,
    trials.ENQUIRE: trials.enquire,
    settlement.FOLLOW: settlement.follow,
    sessions.EXPIRE: sessions.expire_when_due,
    refunds.SEND: refund_checks.send,
    refunds.RETRY: refund_checks.retry,
    refunds.RECHECK: refund_checks.recheck,
    subscriptions.RENEW: renewals.renew,
    subscriptions.REMIND: renewals.remind,
    invoices.COLLECT: renewals.collect,
    HOUSEKEEPING: housekeeping,
    pruning.PRUNE: pruning.prune,
    delivery.DELIVER: delivery.carry,
}
WEBHOOKS = frozenset({delivery.DELIVER})
CALLS = frozenset(
    {
        *(enquiry.ENQUIRE, trials.ENQUIRE, conditions.REFRESH, invoices.COLLECT),
        *(refunds.SEND, refunds.RETRY, refunds.RECHECK),
    }
)  # what may wait for a provider
LOOKUPS = CALLS - {conditions.REFRESH, invoices.COLLECT}  # what asks what became of something
BOOKKEEPING = frozenset(HANDLERS) - WEBHOOKS - CALLS  # what waits for the database only
MONEY = CALLS | BOOKKEEPING
Lane = tuple[str, str]
"""A provider account's id, and a kind of work."""


def start(stop: threading.Event, config: Config) -> list[threading.Thread]:
    """Do due work in threads until `stop` is set. docs/decisions/due-work.md says which threads, and why."""
    loops: list[Callable[[], None]] = [
        lambda: run(stop, config, BOOKKEEPING),
        lambda: Callers(config).run(stop),
        lambda: _tick(stop, config),
        *[lambda: run(stop, config, WEBHOOKS)] * WEBHOOK_THREADS,
    ]
    threads = [threading.Thread(target=loop, daemon=True, name="due-work") for loop in loops]
    for thread in threads:
        thread.start()
    return threads


def run(stop: threading.Event, config: Config, kinds: Collection[str]) -> None:
    """Do due work of `kinds`, one row after the other, until `stop` is set."""
    lease = delivery.LEASE if kinds == WEBHOOKS else _BATCH * timedelta(seconds=config.charge_timeout_seconds)
    prepared = HOUSEKEEPING not in kinds
    delivery.end_with(stop)

    def round_() -> bool:
        nonlocal prepared
        if not prepared:
            due.schedule_once(HOUSEKEEPING, "", clock.now())
            pruning.schedule(clock.now())
            prepared = True
        return run_once(clock.now(), lease, kinds)

    _repeat(stop, round_, config)


def run_once(now: datetime, lease: timedelta = _LEASE, kinds: Collection[str] = frozenset(HANDLERS)) -> bool:
    """One round: let the providers, and then ourselves, do what is due at `now`. True when there was anything to do."""
    if enquiry.ENQUIRE in kinds:
        registry.tick(now)
    # A lane of webhooks may take most of a lease, so it is claimed alone.
    claimed = due.claim(now, kinds=kinds, most=1 if kinds == WEBHOOKS else _BATCH, lease=lease)
    for work in claimed:
        _do(work, now)
    return bool(claimed)


class Callers:
    """Calls providers: each row that may wait for a provider is done in a thread of its own.

    The rows of one provider and kind are a lane. However many rows of a lane are due, and however long its provider
    hangs, a lane only gets a part of the threads. Other lanes, such as refunds of the same provider, get theirs.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._running: Counter[Lane] = Counter()
        self._last_started: dict[Lane, float] = {}
        self._changed = threading.Condition()  # a call has finished, so there is room

    def run(self, stop: threading.Event) -> None:
        """Start what is due until `stop` is set; then give running calls a moment to finish."""
        _repeat(stop, self.start_due, self._config, self._await_room)
        with self._changed:
            self._changed.wait_for(lambda: not self._running.total(), _LONGEST_GOODBYE_SECONDS)

    def start_due(self) -> bool:
        """Start one due row of each lane that has room. False if there was none."""
        lanes = [lane for lane in due.waiting(clock.now(), CALLS) if self._has_room(lane)]
        started = [self._start_one(lane) for lane in sorted(lanes, key=self._turn)]
        return any(started)

    def _turn(self, lane: Lane) -> float:
        """The lane that was served longest ago comes first."""
        return self._last_started.get(lane, 0.0)

    def _has_room(self, lane: Lane) -> bool:
        with self._changed:
            free = MOST_CALLS - self._running.total()
            return free > 0 and self._running[lane] < max(1, free // _SHARE)

    def _start_one(self, lane: Lane) -> bool:
        if not self._has_room(lane):
            return False
        account_id, kind = lane
        if not (paces.may_look_up(account_id) if kind in LOOKUPS else paces.may_call(account_id)):
            return False
        claimed = due.claim(clock.now(), kinds={kind}, lane=account_id, most=1, lease=self._lease_of(account_id))
        for work in claimed:
            self._last_started[lane] = time.monotonic()
            self._count(lane, 1)
            try:
                threading.Thread(target=self._call, args=(lane, work), daemon=True, name="provider-call").start()
            except RuntimeError:  # the system has no thread left; the row is claimed again when its lease ends
                self._count(lane, -1)
                raise
        return bool(claimed)

    def _lease_of(self, account_id: str) -> timedelta:
        """A provider that may take long must not keep the work of others, should this process die."""
        channel, usual = accounts.channel(account_id), timedelta(seconds=self._config.charge_timeout_seconds)
        return _CALLS_LEASED * (max(channel.times.call_timeout, usual) if channel else usual)

    def _count(self, lane: Lane, change: int) -> None:
        with self._changed:
            self._running[lane] += change
            self._changed.notify_all()

    def _call(self, lane: Lane, work: DueWork) -> None:
        try:
            _do(work, clock.now())
        except Exception:  # the database is unreachable: the row is claimed again when its lease ends
            log.exception("due_work_not_concluded", kind=work.kind, subject=work.subject)
        finally:
            _release()
            self._count(lane, -1)

    def _await_room(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait(seconds)


def _tick(stop: threading.Event, config: Config) -> None:
    """Let the providers do what is due, independently of all other work."""

    def round_() -> bool:
        registry.tick(clock.now())
        return False

    _repeat(stop, round_, config)


def _repeat(
    stop: threading.Event,
    round_: Callable[[], bool],
    config: Config,
    rest: Callable[[float], object] | None = None,
) -> None:
    """Repeat rounds until `stop` is set, with a pause after each idle round. An error does not end the loop.

    A worker that dies holds its claimed rows until their leases end; each row calls a provider at most once.
    """
    _await_tables(stop, config)
    while not stop.is_set():
        try:
            busy = round_()
        except Exception:
            log.exception("worker_round_failed")
            busy = False
        finally:
            _release()
        if not busy:
            (rest or stop.wait)(config.worker_poll_seconds)


def _await_tables(stop: threading.Event, config: Config) -> None:
    """Wait until the database has what this version needs. On an older schema each piece of work would fail."""
    told = None
    with _one_asks:
        while not stop.is_set() and (reason := store.why_not_ready()):
            if reason != told:
                log.warning("worker_waits", reason=reason)
                told = reason
            store.release()
            stop.wait(config.worker_poll_seconds)


def _release() -> None:
    store.release()
    registry.release()


def _do(work: DueWork, claimed_at: datetime) -> None:
    """Do one row. A handler that raises is a bug: it is logged, and the row is retried, because nothing may be lost."""
    logs.begin(work=work.kind)
    with tracing.span(f"due {work.kind}", tracing.Kind.CONSUMER):
        _do_and_conclude(work, claimed_at)


def _do_and_conclude(work: DueWork, claimed_at: datetime) -> None:
    # Each row has its own `now`: it may have waited for other rows, for as long as a provider's call.
    now, began = max(claimed_at, clock.now()), time.monotonic()
    try:
        again = HANDLERS[work.kind](work.subject, now)
        result = "done" if again is None else "again"
    except Exception:
        log.exception("due_work_failed", kind=work.kind, subject=work.subject)
        again, result = now + _AFTER_A_BUG, "failed"
    meters.DUE_WORK.observe(time.monotonic() - began, work.kind, result)
    tracing.note(result=result)
    if again is None:
        due.finish(work, now)
    else:
        due.postpone(work, again)
