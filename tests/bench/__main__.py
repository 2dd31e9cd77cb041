"""Run the bench: `make bench`, with ARGS for what else it can do; `make bench ARGS=--help` lists that."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ikawaari.config import INSTANCE
from tests import browser_support
from tests.bench import cpu, databases, page, rates, report, rows, webhooks
from tests.bench.rates import Row


def main() -> None:
    """Measure what is asked for: a table on the standard output, and its figures in a file."""
    options = _options()
    if options.cpu:
        _cpu(options.engine, options.json or INSTANCE / "bench-cpu.json")
    elif options.webhooks:
        _webhooks(options.engine, options.json or INSTANCE / "bench-webhooks.json")
    elif options.page:
        report.save(options.json or INSTANCE / "bench-page.json", "page", _page(options.rounds))
    elif options.rows:
        _rows(options, options.json or INSTANCE / "bench-rows.json")
    else:
        _rates(options, options.json or INSTANCE / "bench.json")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=main.__doc__)
    parser.add_argument("--cpu", action="store_true", help="in process: CPU time and statements of each request")
    parser.add_argument("--peer", action="store_true", help="a FastAPI peer beside us; its environment is made once")
    parser.add_argument("--webhooks", action="store_true", help="webhooks delivered a second, by two workers")
    parser.add_argument("--page", action="store_true", help="the page alone, in a browser")
    parser.add_argument("--rows", action="store_true", help="the rates with many sessions stored, beside few")
    parser.add_argument("--stored", type=int, default=rows.MANY, help="how many are many")
    parser.add_argument("--engine", choices=databases.ENGINES, action="append", help="once or twice; default: both")
    parser.add_argument("--kind", action="append", help='of requests over HTTP, such as "the page"; default: all')
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each round of each kind of request")
    parser.add_argument("--json", type=Path, help="where the figures go")
    options = parser.parse_args()
    options.engine = options.engine or list(databases.ENGINES)
    return options


def _rates(options: argparse.Namespace, path: Path) -> None:
    measured = rates.measure(
        options.engine, options.kind, rounds=options.rounds, seconds=options.seconds, with_peer=options.peer
    )
    head = ["over HTTP", "", "ratio", "per s", "p50 ms", "p99 ms", "p99 / p50", "slowest ms"]
    print(report.table(head, [_line(row) for row in measured]))
    shown = _page(options.rounds) if options.kind is None else None
    report.save(path, "rates", [_figures(row) for row in measured], page=shown)


def _line(row: Row) -> list[str]:
    rate, p50, p99 = (row.median(name) for name in ("rate", "p50", "p99"))
    times = [f"{p50:.1f}", f"{p99:.1f}", f"{p99 / p50:.1f}", f"{row.slowest():.0f}"]
    return [row.kind.name, databases.NAMES.get(row.engine, ""), f"{row.ratio():.3f}", f"{rate:,.0f}", *times]


def _figures(row: Row) -> dict[str, Any]:
    rounds = [asdict(one) for one in row.rounds]
    own = {"name": row.kind.name, "engine": row.engine, "ratio": row.ratio()}
    return {**own, "rounds": rounds, "bare": row.bare}


def _page(rounds: int) -> dict[str, dict[str, Any]] | None:
    costs = page.measure(rounds)
    if costs is None:
        print("The page was not measured:", browser_support.HOW_TO_GET_ONE)
        return None
    head = ["the page", "first, bytes", "all", "requests", "FCP s", "LCP s", "shift", "Pay ends at", "320 × 568"]
    print("\n" + report.table(head, [_cost(name, cost) for name, cost in costs.items()]))
    return {name: asdict(cost) for name, cost in costs.items()}


def _cost(name: str, cost: page.Cost) -> list[str]:
    weight = [f"{cost.first_bytes:,}", f"{cost.all_bytes:,}", f"{cost.requests}"]
    paints = [f"{cost.first_paint / 1000:.2f}", f"{cost.largest_paint / 1000:.2f}", f"{cost.shift:g}"]
    places = ["" if at is None else f"{at:.0f}" for at in (cost.pay_ends_at, cost.pay_ends_at_smallest)]
    return [name, *weight, *paints, *places]


def _rows(options: argparse.Namespace, path: Path) -> None:
    figures = {
        engine: rows.measure(engine, rounds=options.rounds, seconds=options.seconds, many=options.stored)
        for engine in options.engine
    }
    head = [f"{options.stored:,} sessions beside {rows.FEW:,}", *(databases.NAMES[engine] for engine in figures)]
    ratios = [one.ratios() for one in figures.values()]
    print(report.table(head, [[kind, *(f"{one[kind]:.2f}" for one in ratios)] for kind in ratios[0]]))
    report.save(path, "rows", {engine: asdict(one) for engine, one in figures.items()})


def _webhooks(engines: list[str], path: Path) -> None:
    delivered = {engine: webhooks.measure(engine) for engine in engines}
    rows = [
        [databases.NAMES[engine], one.count, f"{one.rate:,.0f}", f"{one.client:,.0f}"]
        for engine, one in delivered.items()
    ]
    print(report.table(["webhooks to one receiver", "sent", "per s", "the client alone"], rows))
    report.save(path, "webhooks", {engine: asdict(one) for engine, one in delivered.items()})


def _cpu(engines: list[str], path: Path) -> None:
    costs = {engine: cpu.measure(engine) for engine in engines}
    head = ["in process", "bytes"]
    for engine in engines:
        head += [f"{databases.NAMES[engine]}, µs", "statements"]
    rows = []
    for name, first in costs[engines[0]].items():
        row: list[object] = [name, first.size]
        for engine in engines:
            cost = costs[engine][name]
            ledger = f" + {cost.ledger:g}" if cost.ledger else ""
            row += [f"{cost.micros:,.0f}", f"{cost.statements:g}{ledger}"]
        rows.append(row)
    print(report.table(head, rows))
    report.save(path, "cpu", {engine: {name: asdict(cost) for name, cost in costs[engine].items()} for engine in costs})


main()
