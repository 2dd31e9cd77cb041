"""`make chaos`: payments over all providers, as a seed decides, while everything that may fail fails.

The same seed gives the same purchases, orders to providers and faults, in the same order. Which request meets which
fault is up to the processes and the machine, so two runs of a seed are alike, not the same.
"""

import argparse
import random
import sys
import time
import traceback
from collections.abc import Sequence

from tests.chaos.seeded.plan import FEWEST_PAYMENTS
from tests.chaos.seeded.run import Report, carry_out
from tests.commit import commit

_MOST_SHOWN = 100


def main() -> int:
    """Run, and say what was found: the last line counts the violations, and the exit status says whether there are."""
    options = chosen()
    started = time.monotonic()

    def say(text: str) -> None:
        minutes, seconds = divmod(time.monotonic() - started, 60)
        print(f"+{minutes:02.0f}:{seconds:04.1f} {text}", flush=True)

    say(f"seed {options.seed}, {options.payments} payments on {options.engine}, at {commit()}; {_again(options)}")
    try:
        report = carry_out(options.payments, options.seed, options.engine, say)
    except Exception:
        report = Report([f"the run itself broke: {traceback.format_exc()}"])
    return conclude(report)


def chosen(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--payments", type=_enough, default=1_000)
    new = random.SystemRandom().randrange(1, 10**6)
    parser.add_argument("--seed", type=int, default=new, help="default: a new one, which is printed")
    parser.add_argument("--engine", choices=["postgres", "sqlite"], default="postgres")
    return parser.parse_args(arguments)


def _enough(text: str) -> int:
    if int(text) < FEWEST_PAYMENTS:
        raise argparse.ArgumentTypeError(f"at least {FEWEST_PAYMENTS}: each kind of fault happens between two of them")
    return int(text)


def _again(options: argparse.Namespace) -> str:
    return f"again by ARGS='--payments {options.payments} --seed {options.seed} --engine {options.engine}'"


def _told(value: object) -> str:
    return ", ".join(f"{name} {times}" for name, times in value.items()) if isinstance(value, dict) else str(value)


def conclude(report: Report) -> int:
    """Print the figures and what was violated; the exit status."""
    for name, value in report.figures.items():
        print(f"{name}: {_told(value)}")
    for violation in report.violations[:_MOST_SHOWN]:
        print(f"VIOLATION {violation}")
    count = len(report.violations)
    print("0 violations" if not count else f"{count} violations: {'; '.join(report.violations)[:2_000]}")
    return int(bool(count))


if __name__ == "__main__":
    sys.exit(main())
