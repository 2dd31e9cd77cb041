"""`make chaos`: payments over all providers, as a seed decides, while everything that may fail fails.

The same seed gives the same purchases, orders to providers and faults, in the same order. Which request meets which
fault is up to the processes and the machine, so two runs of a seed are alike, not the same.
"""

import argparse
import random
import sys
import time
import traceback

from tests.chaos.seeded.run import Report, carry_out

_MOST_SHOWN = 100


def main() -> int:
    """Run, and say what was found: the last line counts the violations, and the exit status says whether there are."""
    options = _options()
    seed = options.seed or random.SystemRandom().randrange(1, 10**6)
    started = time.monotonic()

    def say(text: str) -> None:
        minutes, seconds = divmod(time.monotonic() - started, 60)
        print(f"+{minutes:02.0f}:{seconds:04.1f} {text}", flush=True)

    say(f"seed {seed}, {options.payments} payments on {options.engine}; {_again(options, seed)}")
    try:
        report = carry_out(options.payments, seed, options.engine, say)
    except Exception:
        report = Report([f"the run itself broke: {traceback.format_exc()}"])
    return conclude(report)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--payments", type=int, default=1_000)
    parser.add_argument("--seed", type=int, help="default: a new one, which is printed")
    parser.add_argument("--engine", choices=["postgres", "sqlite"], default="postgres")
    return parser.parse_args()


def _again(options: argparse.Namespace, seed: int) -> str:
    return f"again by ARGS='--payments {options.payments} --seed {seed} --engine {options.engine}'"


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
