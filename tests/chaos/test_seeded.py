"""Payments, refunds and renewals over all providers, as a seed decides, while workers and servers are killed."""

import json
import os
import random
import time
from pathlib import Path

import pytest

from ikawaari import clock
from ikawaari.checkout import conditions
from ikawaari.store.models import DueWork
from ikawaari.worker import HOUSEKEEPING
from tests.chaos.seeded import books
from tests.chaos.seeded.buyers import Trade
from tests.chaos.seeded.plan import plan
from tests.chaos.seeded.stage import Stage, staged

PAYMENTS = int(os.environ.get("IKAWAARI_SEEDED_PAYMENTS", "20"))
SEED = int(os.environ.get("IKAWAARI_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
# Seconds: for rechecks, the ends of prompts and pages, retries of webhooks, and the daily enquiries after that.
_LAST_JUMPS = (200, 1_900, 3_700, 30_000, 90_000, 90_000, 90_000)
_MOST_WAITS, _WAIT = 12, 90_000
_IDLE_SECONDS, _MOST_LOOKS = 60, 20_000


def test_the_same_seed_orders_the_same() -> None:
    assert plan(7, 300) == plan(7, 300)
    assert plan(7, 300) != plan(8, 300)


@pytest.mark.long(engine="sqlite")
def test_whatever_happens_the_ledgers_agree_and_everything_ends(
    database: None, database_url: str, tmp_path: Path, engine: str
) -> None:
    started = time.monotonic()
    with staged(database_url, tmp_path, SEED) as stage:
        trade = Trade(stage)
        for one in plan(SEED, PAYMENTS):
            trade.carry_out(one)
            trade.return_again()
            jump(stage, one.jump)
        closed_at = clock.now()
        stage.be_patient()
        for seconds in _LAST_JUMPS:
            trade.end_subscriptions()  # one whose first payment failed may start when that is corrected
            jump(stage, seconds)
        unsettled = books.unsettled(closed_at)  # beyond what any provider takes to settle
        waits = end(stage, trade)
        with books.at_one_moment():
            found = [
                *trade.broken,
                *unsettled,
                *books.mismatches(stage),
                *books.under_way(stage),
                *books.out_of_order(stage),
            ]
        log = stage.served.log_text()
        opened = log.count('"breaker_opened"')
        private = {secret for till in stage.tills for secret in till.secrets} | trade.phones
    took = time.monotonic() - started
    print(
        f"{engine}: seed {SEED}, {PAYMENTS} payments in {took:.0f} s, {trade.kills} killed, {waits} days waited; "
        f"{opened} breakers opened, {books.figures()}"
    )
    print(f"answers {dict(sorted(trade.answers.items()))}")  # pytest -rP shows it
    assert found == [], "\n".join(found)
    assert not [answer for answer in trade.answers if answer.startswith("5") and not answer.startswith("503")]
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:4000]
    assert not [text for text in private if text in log]
    asked = [line for line in map(json.loads, log.splitlines()) if line["event"] == "provider_asked"]
    of_accounts = [line for line in asked if line["what"] in {"identify", "keys"}]  # before an attempt, or of none
    of_accounts += [line for line in asked if line.get("work") == conditions.REFRESH]
    assert not [line for line in asked if not line.get("attempt_id") and line not in of_accounts]


def end(stage: Stage, trade: Trade) -> int:
    """Wait for what is under way: a refund that failed days later may have been asked for again, and on a busy machine
    a renewal may have begun before its subscription was ended. Then let nobody work. Returns how many days passed.
    """
    for waits in range(_MOST_WAITS):
        trade.end_subscriptions()
        stage.kill_all()
        if not books.under_way(stage):
            return waits
        jump(stage, _WAIT)
    stage.kill_all()
    return _MOST_WAITS


def jump(stage: Stage, seconds: int) -> None:
    """Let so many seconds pass while nobody works, so that no call is on its way; then work until nothing is due."""
    stage.kill_all()
    stage.pass_time(seconds)
    stage.employ()
    before: list[str] = []
    idle_since = time.monotonic()
    for _ in range(_MOST_LOOKS):  # however slow the machine is, as long as something is done
        assert books.contradictions() == []
        busy = _due()
        if not busy:
            return
        if busy != before:
            before, idle_since = busy, time.monotonic()
        assert time.monotonic() < idle_since + _IDLE_SECONDS, busy
        time.sleep(0.05)
    raise AssertionError(f"it does not end: {before}")


def _due() -> list[str]:
    """What is due now, and what a worker does."""
    rows = DueWork.select().where(DueWork.due_at <= clock.now(), DueWork.kind != HOUSEKEEPING)
    return [f"{row.kind} {row.subject}, tries {row.tries}" for row in rows.order_by(DueWork.id)]
