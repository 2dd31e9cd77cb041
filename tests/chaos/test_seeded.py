"""Payments, refunds and renewals over all providers, as a seed decides, while workers and servers are killed."""

import os
import random
import time
from pathlib import Path

import pytest

from ikawaari import clock
from ikawaari.store.models import DueWork
from ikawaari.worker import HOUSEKEEPING
from tests.chaos.seeded import books
from tests.chaos.seeded.buyers import Trade
from tests.chaos.seeded.plan import plan
from tests.chaos.seeded.stage import Stage, staged

PAYMENTS = int(os.environ.get("IKAWAARI_SEEDED_PAYMENTS", "40"))
SEED = int(os.environ.get("IKAWAARI_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
# Seconds: for rechecks, the ends of prompts and pages, retries of webhooks, and the daily enquiries after that.
_LAST_JUMPS = (200, 1_900, 3_700, 30_000, 90_000, 90_000, 90_000)
_MOST_WAITS, _WAIT = 12, 90_000
_IDLE_SECONDS = 60


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
        for seconds in _LAST_JUMPS:
            trade.end_subscriptions()  # one whose first payment failed may start when that is corrected
            jump(stage, seconds)
        trade.end_subscriptions()
        unsettled = books.unsettled()  # beyond what any provider takes to settle
        for _ in range(_MOST_WAITS):  # a refund that failed days later may have been asked for again
            if books.under_way(stage):
                jump(stage, _WAIT)
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
        f"{engine}: seed {SEED}, {PAYMENTS} payments in {took:.0f} s, {trade.kills} killed; "
        f"{opened} breakers opened, {books.figures()}"
    )
    print(f"answers {dict(sorted(trade.answers.items()))}")  # pytest -rP shows it
    assert found == [], "\n".join(found)
    assert not [answer for answer in trade.answers if answer.startswith("5") and not answer.startswith("503")]
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:4000]
    assert not [text for text in private if text in log]


def jump(stage: Stage, seconds: int) -> None:
    """Let so many seconds pass while nobody works, so that no call is on its way; then work until nothing is due."""
    stage.kill_all()
    stage.pass_time(seconds)
    stage.employ()
    deadline = time.monotonic() + _IDLE_SECONDS
    while busy := _due():
        assert time.monotonic() < deadline, busy
        time.sleep(0.05)


def _due() -> list[str]:
    """What is due now, and what a worker does."""
    rows = DueWork.select().where(DueWork.due_at <= clock.now(), DueWork.kind != HOUSEKEEPING)
    return [f"{row.kind} {row.subject}, tries {row.tries}" for row in rows]
