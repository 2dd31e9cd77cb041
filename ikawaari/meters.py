"""What is measured: every metric by its name, with its labels. Prometheus reads them, see `monitoring`.

A meter counts nothing, and costs nothing, until `monitoring` attaches the library's metric to it. Labels have few
values: a route's rule and never a path, a provider account, an operator, a kind of work. None is a payer or a merchant.
"""

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Any

ALL: list["Meter"] = []
_FAST = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SLOW = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40)
_LATE = (0.5, 1, 5, 15, 60, 300, 1_800, 7_200, 28_800, 86_400)


class Kind(StrEnum):
    """Where the values of a metric come from."""

    COUNTER = "counter"  # each process counts
    HISTOGRAM = "histogram"  # each process counts, by size
    GAUGE = "gauge"  # each process says; their sum is shown
    FACT = "fact"  # read from the database, when somebody asks


class Meter:
    """One metric."""

    def __init__(
        self, kind: Kind, name: str, meaning: str, labels: Sequence[str] = (), bounds: Sequence[float] = ()
    ) -> None:
        self.kind, self.name, self.meaning, self.labels, self.bounds = kind, name, meaning, tuple(labels), tuple(bounds)
        self._series: Any = None
        self._children: dict[tuple[str, ...], Any] = {}
        self._soon: deque[tuple[float, tuple[str, ...]]] = deque()
        ALL.append(self)

    def attach(self, series: Any) -> None:
        """Count from now on, in this metric of the library."""
        self._series = series

    @property
    def is_on(self) -> bool:
        """Whether it counts."""
        return self._series is not None

    def count(self, *labels: str) -> None:
        """Count one, of these values of the labels."""
        if self._series is not None:
            self._child(labels).inc()

    def observe(self, value: float, *labels: str) -> None:
        """Count one of that size."""
        if self._series is not None:
            self._child(labels).observe(value)

    def observe_soon(self, value: float, *labels: str) -> None:
        """The same, for a fifth of the time: it is counted by `settle`, a moment later. A death may come in between."""
        if self._series is not None:
            self._soon.append((value, labels))

    def settle(self) -> None:
        """Count what was to be counted soon."""
        with suppress(IndexError):  # another thread may be at it, too
            while self._soon:
                value, labels = self._soon.popleft()
                self.observe(value, *labels)

    def set(self, value: float, *labels: str) -> None:
        """Say what this process has now."""
        if self._series is not None:
            self._child(labels).set(value)

    def _child(self, labels: tuple[str, ...]) -> Any:
        """The library's own look-up takes longer than the counting."""
        child = self._children.get(labels)
        if child is None:
            child = self._children[labels] = self._series.labels(*labels) if labels else self._series
        return child


def mode(livemode: bool) -> str:
    """The value of the label `mode`."""
    return "live" if livemode else "test"


CARDS = "cards"
"""The value of the label `operator` where there is none."""

REQUESTS = Meter(
    Kind.HISTOGRAM,
    "ikawaari_http_request_duration_seconds",
    "Requests, by the rule of their route; `unmatched` has none, and `static` are files",
    ("method", "route", "status"),
    _FAST,
)
PROVIDER_CALLS = Meter(
    Kind.COUNTER,
    "ikawaari_provider_calls_total",
    "Calls of providers, with what they came to: `unknown` is no usable answer",
    ("account", "mode", "verb", "operator", "result"),
)
PROVIDER_SECONDS = Meter(
    Kind.HISTOGRAM,
    "ikawaari_provider_call_duration_seconds",
    "How long calls of providers took",
    ("account", "mode", "verb"),
    _SLOW,
)
ATTEMPTS = Meter(
    Kind.COUNTER,
    "ikawaari_attempts_total",
    "Payment attempts that came to a status; `failure` says why they failed",
    ("account", "mode", "operator", "status", "failure"),
)
WEBHOOK_TRIES = Meter(
    Kind.COUNTER,
    "ikawaari_webhook_tries_total",
    "Webhooks sent: `accepted`, `refused` (any status but 2xx), `unanswered`",
    ("mode", "result"),
)
WEBHOOK_LAG = Meter(
    Kind.HISTOGRAM,
    "ikawaari_webhook_lag_seconds",
    "From an event to the moment when an endpoint accepted it",
    ("mode",),
    _LATE,
)
DUE_WORK = Meter(
    Kind.HISTOGRAM,
    "ikawaari_due_work_duration_seconds",
    "Due work: `done`, `again` (due again later), `failed` (a bug, see the log)",
    ("kind", "result"),
    _SLOW,
)
AUDIT_FINDINGS = Meter(
    Kind.COUNTER,
    "ikawaari_audit_findings_total",
    "What the hourly audit found: books that do not balance, and missing due rows, which it has `mended`",
    ("finding", "mended"),
)
POOL_EXHAUSTED = Meter(
    Kind.COUNTER,
    "ikawaari_database_pool_exhausted_total",
    "How often a thread found all of its process's connections taken, and waited",
)
CONNECTIONS = Meter(
    Kind.GAUGE,
    "ikawaari_database_connections",
    "Connections to PostgreSQL: `taken` by a thread, or `idle`; seen every few seconds",
    ("state",),
)
CONNECTIONS_LIMIT = Meter(
    Kind.GAUGE, "ikawaari_database_connections_limit", "How many connections the processes may have together"
)
PROCESSES = Meter(Kind.GAUGE, "ikawaari_processes", "Processes that count here")
LINES_DROPPED = Meter(Kind.GAUGE, "ikawaari_log_lines_dropped", "Log lines that could not be written")

DATABASE_UP = Meter(Kind.FACT, "ikawaari_database_up", "Whether the facts below could be read from the database")
CLOCK_SKEW = Meter(Kind.FACT, "ikawaari_clock_skew_seconds", "How far this machine's clock is ahead of the database's")
UNSETTLED = Meter(
    Kind.FACT,
    "ikawaari_attempts_unsettled",
    "Payment attempts whose end is not known, by their age",
    ("account", "mode", "age"),
)
REFUNDS_PENDING = Meter(
    Kind.FACT, "ikawaari_refunds_pending", "Refunds whose end is not known, by their age", ("account", "mode", "age")
)
HELD = Meter(
    Kind.FACT,
    "ikawaari_money_held",
    "Money that pays nothing and was not returned, in the currency's smallest unit",
    ("account", "mode", "currency"),
)
HELD_ATTEMPTS = Meter(
    Kind.FACT, "ikawaari_money_held_attempts", "Payment attempts that hold such money", ("account", "mode", "currency")
)
BREAKERS = Meter(
    Kind.FACT,
    "ikawaari_breaker_open",
    "Operators that an account is not asked for, because it does not answer",
    ("account", "mode", "operator"),
)
DUE_WAITING = Meter(Kind.FACT, "ikawaari_due_work_waiting", "Due work that nobody does yet, by its kind", ("kind",))
DUE_LAG = Meter(
    Kind.FACT, "ikawaari_due_work_lag_seconds", "How long the oldest of it has been due, by its kind", ("kind",)
)
WEBHOOKS_PENDING = Meter(Kind.FACT, "ikawaari_webhook_deliveries_pending", "Webhooks that are still to be delivered")
ENDPOINTS_FAILING = Meter(
    Kind.FACT,
    "ikawaari_webhook_endpoints_failing",
    "Webhook endpoints that accept nothing any more, and are not tried",
    ("mode",),
)
INCIDENTS = Meter(Kind.FACT, "ikawaari_incidents_open", "Incidents that a person has to end", ("kind",))
CASES = Meter(
    Kind.FACT,
    "ikawaari_reconciliation_cases_open",
    "Differences between a provider's statement and the books that a person has to end",
    ("account", "mode", "kind"),
)
