"""Prometheus's library: it keeps what this process counts, and writes everything in Prometheus's text format."""

import os
import threading
import time
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    values,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

from ikawaari import clock, logs, meters, store
from ikawaari.checkout import figures
from ikawaari.invariants import ensure
from ikawaari.meters import Kind, Meter
from ikawaari.monitoring import folders

log = structlog.get_logger()
CONTENT_TYPE: str = CONTENT_TYPE_LATEST
KEPT_SECONDS = 5.0  # how long figures of the database are shown again
SETTLED_SECONDS = 0.5  # how often requests are counted: the most that is lost of a process that is killed
SAMPLED_EACH = 10  # of those times a process says what it has
_REGISTRY = CollectorRegistry(auto_describe=False)
_reading = threading.Lock()
_kept: tuple[float, bytes] = (0.0, b"")


@cache
def switch_on() -> None:
    """Count in this process from now on, after it was forked. If there is no room for its files, it does not count."""
    folder = folders.shared()
    is_shared = values.ValueClass._multiprocess  # noqa: SLF001 - decided when the library is imported
    ensure(is_shared == bool(folder), f"{folders.VARIABLE} is set before that")
    try:
        if folder:
            folders.reserve(folder, os.getpid())
    except OSError:
        log.exception("metrics_have_no_room", folder=str(folder))
        return
    disable_created_metrics()  # processes that count together have none either
    for meter in meters.ALL:
        if meter.kind is not Kind.FACT:
            meter.attach(_series(meter))
    threading.Thread(target=_sample_for_ever, daemon=True, name="metrics").start()


def _series(meter: Meter) -> Any:
    given: dict[str, Any] = {"labelnames": meter.labels, "registry": _REGISTRY}
    if meter.kind is Kind.HISTOGRAM:
        return Histogram(meter.name, meter.meaning, buckets=meter.bounds, **given)
    if meter.kind is Kind.GAUGE:
        return Gauge(meter.name, meter.meaning, multiprocess_mode="livesum", **given)
    return Counter(meter.name, meter.meaning, **given)


def text() -> bytes:
    """What all processes of this server have counted, and the figures of the database."""
    meters.REQUESTS.settle()
    folder = folders.shared()
    return (_counted(folder) if folder else generate_latest(_REGISTRY)) + _figures()


def _counted(folder: Path) -> bytes:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))
    with folders.reading(folder):
        return bytes(generate_latest(registry))


def _figures() -> bytes:
    """Several readers, and one that is impatient, cost the database no more than one."""
    global _kept  # noqa: PLW0603 - this process's
    with _reading:
        read_at, kept = _kept
        if not kept or time.monotonic() - read_at >= KEPT_SECONDS:
            kept = _read()
            _kept = time.monotonic(), kept
        return kept


def _read() -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Facts(_found()))
    return bytes(generate_latest(registry))


def _found() -> list[figures.Figure]:
    """The figures; if the database does not give them, that is the only one."""
    try:
        return [(meters.DATABASE_UP, (), 1), *figures.read(clock.now())]
    except Exception:
        log.exception("figures_not_read")
        return [(meters.DATABASE_UP, (), 0)]
    finally:
        store.release()


class _Facts:
    """What the library asks for values."""

    def __init__(self, found: Iterable[figures.Figure]) -> None:
        self._families: dict[str, Any] = {}
        for meter, labels, value in found:
            if meter.name not in self._families:
                self._families[meter.name] = GaugeMetricFamily(meter.name, meter.meaning, labels=meter.labels)
            self._families[meter.name].add_metric(labels, value)

    def collect(self) -> Iterator[Any]:
        """One family for each metric."""
        yield from self._families.values()


def _sample_for_ever() -> None:
    for number in count():
        if number % SAMPLED_EACH == 0:
            sample()
        meters.REQUESTS.settle()
        time.sleep(SETTLED_SECONDS)


def sample() -> None:
    """Say what this process has."""
    meters.PROCESSES.set(1)
    meters.LINES_DROPPED.set(logs.WRITER.dropped)
    if pool := store.connections():
        meters.CONNECTIONS.set(pool.taken, "taken")
        meters.CONNECTIONS.set(pool.idle, "idle")
        meters.CONNECTIONS_LIMIT.set(pool.most)
