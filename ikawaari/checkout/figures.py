"""What an operator's dashboard shows of the database: what is on its way, late, held or not answered.

Each figure is read by an index that holds nothing else, or in the order of one, and at most `MOST` rows of it: a
million stored payments do not make it slower.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from peewee import SQL, Case, Select, fn

from ikawaari import compiled, store
from ikawaari.checkout import accounts, breakers
from ikawaari.events import delivery
from ikawaari.invariants import present
from ikawaari.meters import (
    BREAKERS,
    CASES,
    CLOCK_SKEW,
    DUE_LAG,
    DUE_WAITING,
    ENDPOINTS_FAILING,
    HELD,
    HELD_ATTEMPTS,
    INCIDENTS,
    REFUNDS_PENDING,
    UNSETTLED,
    WEBHOOKS_PENDING,
    Meter,
    mode,
)
from ikawaari.states import UNSETTLED as UNSETTLED_STATUSES
from ikawaari.store.models import (
    DueWork,
    Incident,
    PaymentAttempt,
    ReconciliationCase,
    Refund,
    WebhookDelivery,
    WebhookEndpoint,
)

MOST = 10_000
AGES = {
    "24h+": timedelta(hours=24),
    "1-24h": timedelta(hours=1),
    "10-60m": timedelta(minutes=10),
    "1-10m": timedelta(minutes=1),
    "0-1m": timedelta(),
}
"""How old an unsettled attempt or a pending refund is: the first of these names whose time it has reached."""

# As they are written in the indexes of such rows, to the letter; parameters would hide them, and that of held money.
_IS_UNSETTLED = f"status IN ({', '.join(repr(status.value) for status in UNSETTLED_STATUSES)})"
_IS_PENDING = "status = 'pending'"
Figure = tuple[Meter, Sequence[str], float]
"""A metric, the values of its labels, and its value."""


def read(now: datetime) -> Iterator[Figure]:
    """All figures, as they are now. Raises what the database raises."""
    yield CLOCK_SKEW, (), store.shared_clock.skew().total_seconds()
    yield from _unsettled(now)
    for account_id, currency, held, attempts in store.run(_select_held):
        labels = account_id, accounts.mode_of(account_id), currency
        yield HELD, labels, held
        yield HELD_ATTEMPTS, labels, attempts
    for kind, waiting, oldest in store.run(_select_due, now):
        yield DUE_WAITING, (kind,), waiting
        yield DUE_LAG, (kind,), (now - present(DueWork.due_at.python_value(oldest), "a time")).total_seconds()
    yield from _others()


def _unsettled(now: datetime) -> Iterator[Figure]:
    since = [PaymentAttempt.created_at.db_value(now - age) for age in AGES.values()]
    for meter, query in ((UNSETTLED, _select_unsettled), (REFUNDS_PENDING, _select_pending_refunds)):
        for account_id, number, rows in store.run(query, since):
            yield meter, (account_id, accounts.mode_of(account_id), list(AGES)[number]), rows


def _others() -> Iterator[Figure]:
    for account_id, opened in breakers.listed().items():
        for operator in opened:
            yield BREAKERS, (account_id, accounts.mode_of(account_id), operator), 1
    yield WEBHOOKS_PENDING, (), store.run(_count_pending)[0][0]
    for livemode, endpoints in store.run(_select_failing):
        yield ENDPOINTS_FAILING, (mode(bool(livemode)),), endpoints
    for account_id, kind, rows in store.run(_select_open):
        if account_id is None:
            yield INCIDENTS, (kind,), rows
        else:
            yield CASES, (account_id, accounts.mode_of(account_id), kind), rows


@compiled.once
def _select_unsettled(since: Sequence[int]) -> Any:
    unsettled = PaymentAttempt.select(PaymentAttempt.provider, PaymentAttempt.created_at)
    rows = _at_most(unsettled.where(SQL(_IS_UNSETTLED)))
    return Select([rows], [rows.c.provider, _age_of(rows, since), fn.COUNT(SQL("*"))]).group_by(
        rows.c.provider, SQL("2")
    )


@compiled.once
def _select_pending_refunds(since: Sequence[int]) -> Any:
    rows = _at_most(Refund.select(Refund.attempt, Refund.created_at).where(SQL(_IS_PENDING)))
    account = PaymentAttempt.provider
    of_them = PaymentAttempt.select(account, _age_of(rows, since), fn.COUNT(SQL("*")))
    return of_them.join(rows, on=rows.c.attempt_id == PaymentAttempt.id).group_by(account, SQL("2"))


def _age_of(rows: Any, since: Sequence[int]) -> Any:
    """The number of a row's age in `AGES`."""
    ages = [(rows.c.created_at <= instant, SQL(str(number))) for number, instant in enumerate(since)]
    return Case(None, ages, SQL(str(len(since) - 1)))  # of the future: another machine's clock


@compiled.once
def _select_held() -> Any:
    holding = PaymentAttempt.select(PaymentAttempt.provider, PaymentAttempt.received_currency, PaymentAttempt.held)
    rows = _at_most(holding.where(SQL("held > 0")))
    account_and_currency = rows.c.provider, rows.c.received_currency
    sums = fn.SUM(rows.c.held), fn.COUNT(SQL("*"))
    return Select([rows], [*account_and_currency, *sums]).group_by(*account_and_currency)


@compiled.once
def _select_due(now: datetime) -> Any:
    """Of what is due, what nobody holds; the oldest first, so that what is too late is never left out."""
    free = DueWork.leased_until.is_null() | (DueWork.leased_until <= now)
    rows = _at_most(
        DueWork.select(DueWork.kind, DueWork.due_at).where(DueWork.due_at <= now, free).order_by(DueWork.due_at)
    )
    return Select([rows], [rows.c.kind, fn.COUNT(SQL("*")), fn.MIN(rows.c.due_at)]).group_by(rows.c.kind)


@compiled.once
def _count_pending() -> Any:
    rows = _at_most(WebhookDelivery.select(SQL("1").alias("one")).where(delivery.is_pending()))
    return Select([rows], [fn.COUNT(SQL("*"))])


@compiled.once
def _select_failing() -> Any:
    failing = WebhookEndpoint.select(WebhookEndpoint.livemode, fn.COUNT(SQL("*")))
    return failing.where(WebhookEndpoint.failing_since.is_null(False)).group_by(WebhookEndpoint.livemode)


@compiled.once
def _select_open() -> Any:
    """Incidents, which have no account here, and cases: what a person has to end."""
    account_and_kind = ReconciliationCase.account, ReconciliationCase.kind
    incidents = Incident.select(SQL("NULL"), Incident.kind, fn.COUNT(SQL("*"))).group_by(Incident.kind)
    cases = ReconciliationCase.select(*account_and_kind, fn.COUNT(SQL("*"))).group_by(*account_and_kind)
    of_cases = cases.where(ReconciliationCase.closed_at.is_null())
    return incidents.where(Incident.closed_at.is_null()).union_all(of_cases)


def _at_most(rows: Any) -> Any:
    return rows.limit(SQL(str(MOST))).alias("rows")
