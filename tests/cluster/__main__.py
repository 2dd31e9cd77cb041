"""Run the cluster: `make cluster`; `make cluster ARGS=--help` lists what can be chosen."""

import argparse
import random
import statistics
import sys
import tempfile
from pathlib import Path

from tests.cluster import claims
from tests.cluster.machines import cluster
from tests.cluster.run import Outcome, run
from tests.cluster.trade import Trade
from tests.commit import commit
from tests.simulators.talking import Receiver

_SHOWN = 20  # violations


def main() -> None:
    """Several machines on this one, of which some die while customers pay. The last line says what was violated."""
    options = _options()
    with (
        tempfile.TemporaryDirectory(prefix="ikawaari-cluster-") as folder,
        Receiver().listening() as receiver,
        cluster(options.servers, options.workers, Path(folder)) as machines,
    ):
        outcome, trade = run(machines, receiver, buyers=options.buyers, pause=options.pause, seed=options.seed)
    print(f"at {commit()}: {options.servers} servers, {options.workers} workers, one PostgreSQL")
    print(f"{options.buyers} customers at a time, {options.pause:.1f} s between two things that happen")
    for line in report(outcome, trade):
        print(line)
    for violation in outcome.violations[:_SHOWN]:
        print(f"- {violation}")
    print(f"seed {options.seed}: {len(outcome.violations)} violations")
    sys.exit(1 if outcome.violations else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make cluster", description=main.__doc__)
    parser.add_argument("--servers", type=int, default=3)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--buyers", type=int, default=12, help="how many customers pay at a time")
    parser.add_argument("--pause", type=float, default=5.0, help="seconds between two things that happen to machines")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 10**6))
    return parser.parse_args()


def report(outcome: Outcome, trade: Trade) -> list[str]:
    """The figures, a line each."""
    begun = outcome.steps[0][0]
    took = [seconds for _, seconds in trade.paid]
    median, slowest = (statistics.median(took), max(took)) if took else (0, 0)
    recovered = outcome.recoveries
    return [
        *(f"{at - begun:7.1f} s  {name}: last error after {recovered[name]:.1f} s" for at, name in outcome.steps),
        f"{len(took)} payments and {trade.declined} declines in {outcome.seconds:.0f} s",
        f"{trade.pressed_again} paid again, because the server had died before it called the provider",
        f"from the session to the truth: median {median:.1f} s, slowest {slowest:.1f} s",
        claims.slowest(outcome.claims, outcome.outages),
        f"errors that clients saw: {dict(trade.errors_by_kind())}",
        f"{outcome.events} events, {outcome.deliveries} deliveries; all was at rest after {outcome.rest_seconds:.1f} s",
        f"{outcome.admitted} requests of a limited key let through, {outcome.refused} refused",
    ]


if __name__ == "__main__":
    main()
