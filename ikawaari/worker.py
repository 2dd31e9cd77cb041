"""The loop that does due work: in a thread of each web process on one machine, or as processes of its own."""

import threading
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

import structlog

from ikawaari import clock, store
from ikawaari.checkout import enquiry, invoices, refunds, renewals, sessions, subscriptions
from ikawaari.config import Config
from ikawaari.events import delivery, history
from ikawaari.merchants import idempotency, rates
from ikawaari.providers import registry, sandbox
from ikawaari.store import due
from ikawaari.store.models import DueWork

log = structlog.get_logger()
Handler = Callable[[str, datetime], datetime | None]
"""Does one piece of work for a subject; returns when to come again, or None when it is done."""

HOUSEKEEPING = "housekeeping"
_BATCH = 5  # claimed together and done one after the other; the lease is long enough for all of them
_LEASE = timedelta(seconds=60)
WEBHOOK_THREADS = delivery.LANES + 2  # one endpoint that hangs never has all of them
_AFTER_A_BUG = timedelta(seconds=30)


def housekeeping(_subject: str, now: datetime) -> datetime:
    """Drop what has outlived its use, once an hour."""
    idempotency.forget(now)
    rates.forget(now)
    history.forget(now)
    return now + timedelta(hours=1)


HANDLERS: Mapping[str, Handler] = {
    enquiry.ENQUIRE: enquiry.enquire,
    sessions.EXPIRE: sessions.expire_when_due,
    refunds.SEND: refunds.send,
    refunds.RETRY: refunds.retry,
    subscriptions.RENEW: renewals.renew,
    subscriptions.REMIND: renewals.remind,
    invoices.COLLECT: renewals.collect,
    HOUSEKEEPING: housekeeping,
    delivery.DELIVER: delivery.carry,
}
WEBHOOKS = frozenset({delivery.DELIVER})
MONEY = frozenset(HANDLERS) - WEBHOOKS


def start(stop: threading.Event, config: Config) -> list[threading.Thread]:
    """Do due work in threads until `stop` is set: one for the money, some that may wait for merchants' servers."""
    kinds = [MONEY, *[WEBHOOKS] * WEBHOOK_THREADS]
    threads = [threading.Thread(target=run, args=(stop, config, some), daemon=True, name="due-work") for some in kinds]
    for thread in threads:
        thread.start()
    return threads


def run(stop: threading.Event, config: Config, kinds: Collection[str]) -> None:
    """Do due work of `kinds` until `stop` is set. Whatever goes wrong in one round, the next one comes.

    A worker that dies holds what it had claimed until the lease is over; each row calls a provider at most once.
    """
    lease = delivery.LEASE if kinds == WEBHOOKS else _BATCH * timedelta(seconds=config.charge_timeout_seconds)
    prepared = False
    while not stop.is_set():
        try:
            if not prepared:
                due.schedule_once(HOUSEKEEPING, "", clock.now())
                prepared = True
            busy = run_once(clock.now(), lease, kinds)
        except Exception:
            log.exception("worker_round_failed")
            busy = False
        finally:
            store.release()
            sandbox.ledger.release()
        if not busy:
            stop.wait(config.worker_poll_seconds)


def run_once(now: datetime, lease: timedelta = _LEASE, kinds: Collection[str] = frozenset(HANDLERS)) -> bool:
    """One round: let the sandbox's world move on, and do what is due at `now`. True when there was anything to do."""
    simulator = registry.named(sandbox.Sandbox.name)
    if isinstance(simulator, sandbox.Sandbox) and enquiry.ENQUIRE in kinds:
        simulator.run(now)
    # A lane of webhooks may take most of a lease, so it is claimed alone.
    claimed = due.claim(now, kinds=kinds, most=1 if kinds == WEBHOOKS else _BATCH, lease=lease)
    for work in claimed:
        _do(work, now)
    return bool(claimed)


def _do(work: DueWork, now: datetime) -> None:
    """Do one row. A handler that raises is a bug: it is logged and the row comes again, for nothing may be lost."""
    try:
        again = HANDLERS[work.kind](work.subject, now)
    except Exception:
        log.exception("due_work_failed", kind=work.kind, subject=work.subject)
        again = now + _AFTER_A_BUG
    if again is None:
        due.finish(work, now)
    else:
        due.postpone(work, again)
