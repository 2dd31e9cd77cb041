"""`make chaos` on a small scale: each kind of fault happens at least once, and nothing that was promised is broken."""

import os
import re
import subprocess
import sys

import pytest

from tests.chaos.__main__ import chosen, conclude
from tests.chaos.seeded.plan import FEWEST_PAYMENTS, KINDS, plan
from tests.chaos.seeded.run import Report
from tests.serving import ROOT

PAYMENTS = {"postgres": 20, "sqlite": 100}
PATIENCE_SECONDS = 400


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_the_same_seed_plans_the_same(engine: str) -> None:
    assert plan(7, 300, engine) == plan(7, 300, engine)
    assert plan(7, 300, engine) != plan(8, 300, engine)


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
@pytest.mark.parametrize("payments", [FEWEST_PAYMENTS, 20, 100, 10_000])
def test_a_plan_has_each_kind_of_fault_and_each_payment_once(engine: str, payments: int) -> None:
    rounds = plan(1, payments, engine)
    kinds = {fault.kind for one in rounds for fault in one.faults}
    assert kinds >= set(KINDS[engine])
    assert [purchase.number for one in rounds for purchase in one.purchases] == list(range(payments))


@pytest.mark.parametrize("payments", ["-1", "0", str(FEWEST_PAYMENTS - 1), "many"])
def test_too_few_payments_for_all_faults_are_refused(payments: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        chosen(["--payments", payments])
    assert ended.value.code == 2
    assert "--payments" in capsys.readouterr().err


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_any_seed_is_replayed_and_without_one_there_is_a_new_one(seed: int) -> None:
    assert chosen(["--seed", str(seed)]).seed == seed
    assert len({chosen([]).seed for _ in range(3)}) > 1


def test_the_last_line_and_the_exit_status_say_whether_anything_was_violated(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert conclude(Report([])) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "0 violations"
    assert conclude(Report(["event evt_1 was not delivered", "refund re_1 is pending"])) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "2 violations: event evt_1 was not delivered; refund re_1 is pending"


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_whatever_fails_the_ledgers_agree_and_everything_ends(engine: str) -> None:
    command = [sys.executable, "-m", "tests.chaos", "--payments", str(PAYMENTS[engine]), "--engine", engine]
    run = subprocess.run(
        command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    print(run.stdout)  # with its seed
    assert run.stdout.splitlines()[-1:] == ["0 violations"], run.stdout[-4_000:] + run.stderr[-4_000:]
    assert run.returncode == 0
    assert re.search("^deleted when they were old: events [1-9]", run.stdout, re.M), run.stdout[-4_000:]
