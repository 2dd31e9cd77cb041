"""A query whose text is kept says and brings what peewee's own text would."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from peewee import EXCLUDED, JOIN, SQL, Case, DoesNotExist, IntegrityError, fn

from ikawaari import clock, compiled, store
from ikawaari.invariants import present
from ikawaari.states import PaymentStatus, SessionStatus
from ikawaari.store.database import database
from ikawaari.store.models import (
    AppInstallation,
    CheckoutSession,
    Credential,
    DueWork,
    Event,
    IdempotencyKey,
    Merchant,
    PaymentIntent,
    WebhookDelivery,
)
from tests import factories
from tests.world import Trouble, halfway

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.on_both]
NOW = clock.now()
OPEN, COMPLETE = SessionStatus.OPEN, SessionStatus.COMPLETE
Make = Callable[..., Any]


def _due(kind: str, **more: Any) -> Any:
    return DueWork.insert(kind=kind, subject="s", due_at=NOW, **more)


def _aliases(value: str, name: str | None = None) -> Any:
    earlier, later = DueWork.alias(name), DueWork.alias()
    before = earlier.select(earlier.id).where(earlier.kind == DueWork.kind, earlier.id < DueWork.id)
    after = later.select(later.id).where(later.lane == value, later.due_at > NOW)
    return DueWork.select().where(~fn.EXISTS(before), fn.EXISTS(after), DueWork.kind == value)


# Each is made twice, of different values: the second time nothing is written anew.
QUERIES: dict[str, tuple[Make, Any, Any]] = {
    "whole rows": (lambda v: CheckoutSession.select().where(CheckoutSession.id == v), "a", "b"),
    "a status": (lambda v: CheckoutSession.select().where(CheckoutSession.status == v), OPEN, COMPLETE),
    "no value": (lambda v: PaymentIntent.select().where(PaymentIntent.session == v), None, None),
    "a row": (lambda v: CheckoutSession.select().where(CheckoutSession.merchant == v), Merchant(id="a"), Merchant()),
    "an instant": (lambda v: CheckoutSession.select().where(CheckoutSession.expires_at <= v), NOW, clock.now()),
    "true and false": (lambda v: CheckoutSession.select().where(CheckoutSession.livemode == v), True, False),
    "either": (
        lambda v: CheckoutSession.select().where((CheckoutSession.id == v) | (CheckoutSession.amount > 3)),
        "a",
        "",
    ),
    "not": (lambda v: CheckoutSession.select().where(~(CheckoutSession.id == v)), "a", "b"),
    "in": (lambda v: CheckoutSession.select().where(CheckoutSession.status.in_(v)), [OPEN, COMPLETE], (COMPLETE, OPEN)),
    "in nothing": (lambda v: CheckoutSession.select().where(CheckoutSession.id.in_(v)), [], ()),
    "in a query": (
        lambda v: CheckoutSession.select().where(
            CheckoutSession.id.in_(PaymentIntent.select(PaymentIntent.session).where(PaymentIntent.id == v))
        ),
        "a",
        "b",
    ),
    "between": (lambda v: CheckoutSession.select().where(CheckoutSession.amount.between(v, v + 1)), 1, 7),
    "a function": (
        lambda v: CheckoutSession.select().where(fn.LOWER(CheckoutSession.customer_email) == fn.LOWER(v)),
        "A",
        "B",
    ),
    "a function of an instant's column": (lambda v: DueWork.select().where(DueWork.due_at == fn.MAX(v, 2)), 1, 3),
    "a join": (
        lambda v: (
            Credential.select(Credential, Merchant, AppInstallation)
            .join(Merchant)
            .switch(Credential)
            .join(AppInstallation, JOIN.LEFT_OUTER)
            .where(Credential.digest == v)
        ),
        "a",
        "b",
    ),
    "aliases": (_aliases, "a", "b"),
    "a named alias": (lambda v: _aliases(v, "other"), "a", "b"),
    "order, limit and offset": (
        lambda v: CheckoutSession.select().order_by(CheckoutSession.created_at.desc()).limit(v).offset(v + 1),
        1,
        2,
    ),
    "groups": (
        lambda v: DueWork.select(DueWork.lane, fn.COUNT(DueWork.id)).where(DueWork.kind == v).group_by(DueWork.lane),
        "a",
        "b",
    ),
    "an insert": (lambda v: _due("k", lane=v), "a", "b"),
    "an insert that gives way": (lambda v: _due("k", lane=v).on_conflict_ignore(), "a", "b"),
    "an insert or else an update": (
        lambda v: _due("k", lane=v).on_conflict(
            conflict_target=[DueWork.kind, DueWork.subject],
            update={
                DueWork.due_at: EXCLUDED.due_at,
                DueWork.leased_until: None,
                DueWork.tries: DueWork.tries + 1,
                DueWork.lane: Case(None, [(EXCLUDED.lane == "", DueWork.lane)], EXCLUDED.lane),
            },
        ),
        "a",
        "b",
    ),
    "an insert numbered by the database": (
        lambda v: Event.insert(
            id=v, merchant="m", livemode=False, type="t", object_id="o", body="", created_at=NOW, commit_order=SQL("7")
        ),
        "a",
        "b",
    ),
    "an insert of several rows": (
        lambda v: DueWork.insert_many([{DueWork.kind: v, DueWork.subject: name, DueWork.due_at: NOW} for name in "xy"]),
        "a",
        "b",
    ),
    "an insert of JSON": (
        lambda v: Merchant.insert(
            id="m", name="n", country="SN", currency="XOF", late_payments="accept", created_at=NOW, fees=v
        ),
        {"card": {"fixed": 1}},
        {},
    ),
    "an update": (
        lambda v: CheckoutSession.update({CheckoutSession.status: v, CheckoutSession.metadata: [v]}).where(
            CheckoutSession.id == v, CheckoutSession.payment_status.in_([PaymentStatus.UNPAID])
        ),
        OPEN,
        COMPLETE,
    ),
    "an update to nothing": (lambda v: DueWork.update(leased_until=v).where(DueWork.id == 1), None, NOW),
    "an update that counts": (lambda v: DueWork.update(touched=DueWork.touched + v).where(DueWork.id == v), 1, 2),
    "an update that brings its rows": (
        lambda v: DueWork.update(lane=v).where(DueWork.id == 1).returning(DueWork),
        "a",
        "b",
    ),
    "a deletion": (lambda v: DueWork.delete().where(DueWork.kind == v), "a", "b"),
}


@pytest.mark.parametrize("name", QUERIES)
def test_the_text_and_its_parameters_are_peewees_own(name: str) -> None:
    make, first, second = QUERIES[name]
    compiled.statement(database.obj, make(first))
    known = len(compiled._plans)
    for value in (first, second):
        text, parameters = compiled.statement(database.obj, make(value))
        written, expected = database.obj.get_sql_context().sql(make(value)).query()
        assert (text, parameters) == (written, expected)
        assert [type(each) for each in parameters] == [type(each) for each in expected]
    assert len(compiled._plans) == known


def test_nothing_and_a_value_are_not_asked_for_alike() -> None:
    asked = [PaymentIntent.select().where(PaymentIntent.session == value) for value in ("a", None)]
    texts = [compiled.statement(database.obj, query)[0] for query in asked]
    assert texts[0] != texts[1]
    assert "IS" in texts[1]


def test_aliases_are_told_apart() -> None:
    def twice(first: Any, second: Any) -> str:
        both = first.select(first.id).join(second, on=(first.kind == second.kind)).where(first.id < second.id)
        return compiled.statement(database.obj, both.where(second.subject == "a"))[0]

    one, two = DueWork.alias(), DueWork.alias()
    assert twice(one, two) == twice(two, one)
    swapped = one.select(one.id).join(two, on=(one.kind == two.kind)).where(two.id < one.id, two.subject == "a")
    assert compiled.statement(database.obj, swapped)[0] != twice(one, two)


def test_lists_of_other_lengths_are_other_texts() -> None:
    asked = [DueWork.select().where(DueWork.kind.in_("ab"[:count].split() + ["c"] * count)) for count in (1, 2)]
    assert len({compiled.statement(database.obj, query)[0] for query in asked}) == 2


def test_an_update_writes_nothing_and_a_value_by_one_text() -> None:
    asked = [DueWork.update(leased_until=value).where(DueWork.id == 1) for value in (NOW, None)]
    assert len({compiled.statement(database.obj, query)[0] for query in asked}) == 1


def test_what_is_defaulted_for_each_row_is_asked_for_at_each_row(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = iter(range(1, 9))
    monkeypatch.setattr(Event._meta, "_default_callable_list", [("commit_order", lambda: next(numbers))])
    row = {"merchant": "m", "livemode": False, "type": "t", "object_id": "o", "body": "", "created_at": NOW}
    told = [compiled.statement(database.obj, Event.insert(id="e", **row))[1][-1] for _ in range(2)]
    assert told == [1, 2]


@pytest.mark.parametrize(
    "query",
    [
        lambda: DueWork.insert_many([("k", "s", NOW)], fields=[DueWork.kind, DueWork.subject, DueWork.due_at]),
        lambda: DueWork.insert_many([{"kind": "k", "subject": "s", "due_at": NOW}]),
        lambda: DueWork.select(fn.ROW_NUMBER().over(order_by=[DueWork.due_at])),
    ],
    ids=["tuples", "columns by name", "a window"],
)
def test_what_is_not_known_is_left_to_peewee(query: Make) -> None:
    known = len(compiled._plans)
    assert compiled.statement(database.obj, query()) == database.obj.get_sql_context().sql(query()).query()
    assert len(compiled._plans) == known


def test_texts_are_not_collected_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_MOST_PLANS", len(compiled._plans))
    before = len(compiled._plans)
    for count in range(30, 33):
        query = DueWork.select().where(DueWork.kind.in_(["k"] * count))
        assert compiled.statement(database.obj, query)[1] == ["k"] * count
    assert len(compiled._plans) == before


def test_a_query_that_is_built_once_is_written_as_if_it_were_built_each_time() -> None:
    built: list[Any] = []

    @compiled.once
    def of_kinds(subject: str, kinds: list[str], most: int) -> Any:
        built.append(kinds)
        due_now = (DueWork.kind.in_(kinds)) & (DueWork.due_at <= NOW)
        return DueWork.select().where(due_now, fn.LOWER(DueWork.subject) == subject).limit(most)

    for values in (("a", ["k"], 1), ("b", ["l"], 2), ("c", ["k", "l"], 3)):
        query = of_kinds.__wrapped__(*values)  # type: ignore[attr-defined]
        assert of_kinds(database.obj, *values) == compiled.statement(database.obj, query)
    assert [len(kinds) for kinds in built] == [1, 1, 1, 2, 2]  # of each length once, and thrice by the test


# ---------------------------------------------------------------- what they bring


def test_a_record_is_read_as_it_was_written() -> None:
    session = factories.session(metadata={"a": [1, None, "é"]}, custom_fields=[], description=None)
    found = CheckoutSession.get_by_id(session.id)
    given = {name: value for name, value in session.__data__.items() if name != "commit_order"}
    assert {name: found.__data__[name] for name in given} == given
    assert (type(found.status), type(found.livemode)) == (SessionStatus, bool)
    assert found.expires_at - found.created_at == timedelta(days=1)
    assert found.dirty_fields == []
    assert found.merchant.id == found.merchant_id == session.merchant_id
    assert found == session


def test_a_record_that_is_not_there_is_missed_by_name() -> None:
    with pytest.raises(DoesNotExist, match="CheckoutSession"):
        CheckoutSession.get_by_id("cs_none")
    assert CheckoutSession.get_or_none(CheckoutSession.id == "cs_none") is None
    with store.atomic(), pytest.raises(DoesNotExist):
        CheckoutSession.lock("cs_none")


def test_joined_rows_bring_their_records() -> None:
    session = factories.session()
    found = PaymentIntent.select().join(CheckoutSession).where(CheckoutSession.id == session.id).get()
    assert found.session_id == session.id
    both = PaymentIntent.select(PaymentIntent, CheckoutSession).join(CheckoutSession).get()
    assert present(both.session, "joined").metadata == session.metadata


def test_a_broken_guard_is_told_as_before_and_undone() -> None:
    due = _due("k").execute()
    assert DueWork.get_by_id(due).subject == "s"
    for _ in range(2):
        with pytest.raises(IntegrityError):
            _due("k").execute()
    with pytest.raises(Trouble):
        halfway(lambda: _due("other").execute())
    assert [work.kind for work in DueWork.select()] == ["k"]


def test_rows_that_were_made_are_counted_or_named() -> None:
    first, second = _due("a").execute(), _due("b").execute()
    assert [work.id for work in DueWork.select().order_by(DueWork.id)] == [first, second]
    assert _due("a").on_conflict_ignore().as_rowcount().execute() == 0
    assert _due("c").on_conflict_ignore().as_rowcount().execute() == 1
    assert DueWork.update(lane="x").where(DueWork.kind.in_(["a", "b"])).execute() == 2
    assert DueWork.delete().where(DueWork.kind == "a").execute() == 1
    assert not WebhookDelivery.select().exists()
    assert not IdempotencyKey.select().where(IdempotencyKey.status.is_null()).exists()


def test_whoever_stands_before_the_database_sees_every_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    run = database.obj.execute_sql

    def execute(sql: str, params: Any = None, **options: Any) -> Any:
        seen.append(sql)
        return run(sql, params, **options)

    monkeypatch.setattr(database.obj, "execute_sql", execute)
    factories.session()
    CheckoutSession.get_or_none(CheckoutSession.id == "cs_none")
    tables = [
        table for table in ("checkout_sessions", "payment_intents", "events") if any(table in sql for sql in seen)
    ]
    assert len(tables) == 3
    assert seen[-1].startswith("SELECT")
