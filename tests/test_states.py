"""Statuses move by the table or not at all, and each move has its event: on stored rows, in threads, nowhere else."""

import ast
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from peewee import IntegrityError

import ikawaari
from ikawaari import clock, store
from ikawaari.checkout import outbox
from ikawaari.events.types import EVENT_TYPES
from ikawaari.invariants import InvariantBroken
from ikawaari.states import UNSETTLED, Moves
from ikawaari.store.models import (
    TABLES,
    CardSetup,
    CheckoutSession,
    Event,
    Invoice,
    Merchant,
    PaymentAttempt,
    PaymentIntent,
    Refund,
    Subscription,
    WebhookDelivery,
    WebhookEndpoint,
)
from ikawaari.store.record import ForbiddenMove, Record
from tests import factories
from tests.world import names, together

COLUMNS = [(model, column, moves) for model in TABLES for column, moves in model.MOVES.items()]
PAIRS = [
    pytest.param(model, column, moves, origin, target, id=f"{model.__name__}.{column} {origin} {target}")
    for model, column, moves in COLUMNS
    for origin in moves.table
    for target in moves.table
]
SAMPLES: Mapping[type[Record], Mapping[str, Any]] = {
    CheckoutSession: {
        "mode": "payment",
        "amount_presets": [],
        "payment_method_types": [],
        "customer_details": {},
        "custom_fields": [],
        "custom_field_values": {},
        "deferred": False,
        "line_items": [],
        "locale": "fr",
        "expires_at": clock.from_unix(9),
        "payment_status": "unpaid",
    },
    PaymentIntent: {"amount": 1},
    PaymentAttempt: {
        "provider": "p",
        "type": "card",
        "return_url": "",
        "amount": 1,
        "submitted_at": clock.from_unix(1),
    },
    Refund: {"amount": 1, "automatic": True},
    WebhookDelivery: {"object_id": "cs_1", "lane": 0, "next_try_at": clock.from_unix(1)},
    Subscription: {
        "amount": 1,
        "interval": "day",
        "interval_count": 1,
        "payment_method": {},
        "anchor_at": clock.from_unix(1),
        "current_period_start": clock.from_unix(1),
        "current_period_end": clock.from_unix(2),
    },
    Invoice: {
        "period": 1,
        "amount": 1,
        "period_start": clock.from_unix(1),
        "period_end": clock.from_unix(2),
    },
    CardSetup: {
        "provider": "p",
        "card_token": "",
        "return_url": "",
        "customer_details": {},
        "custom_field_values": {},
        "amount": 1,
        "fee_amount": 0,
        "submitted_at": clock.from_unix(1),
    },
}


COMPANIONS: Mapping[tuple[type[Record], str], Mapping[str, Any]] = {
    (CheckoutSession, "complete"): {"payment_status": "paid"},
    (PaymentIntent, "succeeded"): {"amount_received": 1},
    (PaymentAttempt, "succeeded"): {"amount_received": 1, "received_currency": "XOF"},
    (Invoice, "paid"): {"paid_at": clock.from_unix(2)},
}
"""What the database wants to see beside a status."""


def stored(model: type[Record], **columns: Any) -> Any:
    """A row of `model`, with the rows that it hangs on."""
    optional = {"currency": "XOF", "livemode": False, "metadata": {}}
    fields: dict[str, Any] = {name: value for name, value in optional.items() if hasattr(model, name)}
    fields |= {
        "id": "row",
        "created_at": clock.from_unix(1),
        **SAMPLES[model],
        **_companions(model, columns.get("status")),
        **columns,
    }
    parents: Mapping[str, type[Record]] = {
        "merchant": Merchant,
        "session": CheckoutSession,
        "intent": PaymentIntent,
        "attempt": PaymentAttempt,
        "subscription": Subscription,
    }
    for name, parent in parents.items():
        if hasattr(model, name) and not (model is PaymentIntent and name == "session"):
            fields[name] = parent.get_or_none() or _parent(parent)
    if model is WebhookDelivery:
        fields |= _told(fields)
    return model.create(**fields)


def _companions(model: type[Record], status: str | None) -> Mapping[str, Any]:
    return COMPANIONS.get((model, str(status)), {})


def _told(fields: dict[str, Any]) -> dict[str, Any]:
    """An endpoint, and an event for it."""
    owned = {"merchant": Merchant.get_or_none() or factories.merchant(), "livemode": False}
    owned["created_at"] = fields["created_at"]
    endpoint = WebhookEndpoint.create(
        id="we_1", url="https://shop.test", secret="s", enabled_events=["*"], enabled=True, **owned
    )
    event = Event.create(id="evt_1", type="x", object_id="o", body="{}", **owned)
    return {"endpoint": endpoint, "event": event}


def _parent(model: type[Record]) -> Any:
    if model is Merchant:
        return factories.merchant()
    # Only an attempt that received money has refunds.
    status = "succeeded" if model is PaymentAttempt else next(iter(model.MOVES["status"].table))
    return stored(model, id="parent", status=status)


@pytest.mark.long(engine="postgres")  # the table is the same; other moves run on both engines
@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(("model", "column", "moves", "origin", "target"), PAIRS)
def test_every_pair_of_statuses_is_allowed_by_the_table_or_forbidden(
    model: type[Record], column: str, moves: Moves[Any], origin: StrEnum, target: StrEnum
) -> None:
    others = {name: next(iter(table.table)) for name, table in model.MOVES.items()}
    if model is CheckoutSession and column == "status":
        others["payment_status"] = "paid"
    row = stored(model, **(others | {column: origin}))
    if moves.allow(origin, target):
        with store.atomic():
            row.move(column, target, **_companions(model, target))
            assert row.unpublished == moves.event(origin, target)
            outbox.withhold(row)
        assert getattr(model.get_by_id(row.id), column) == target
    else:
        with pytest.raises(ForbiddenMove):
            row.move(column, target)
        assert getattr(model.get_by_id(row.id), column) == origin


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(("model", "column"), [(model, column) for model, column, _ in COLUMNS])
def test_the_schema_refuses_a_status_that_is_none(model: type[Record], column: str) -> None:
    others = {name: next(iter(table.table)) for name, table in model.MOVES.items()}
    stored(model, **others)
    from ikawaari.store.database import database

    with pytest.raises(IntegrityError), store.atomic():
        database.execute_sql(f"UPDATE {model._meta.table_name} SET {column} = 'nonsense'")


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(("model", "column"), [(model, column) for model, column, _ in COLUMNS])
def test_code_that_writes_a_status_that_is_none_is_a_bug(model: type[Record], column: str) -> None:
    others: dict[str, Any] = {name: next(iter(table.table)) for name, table in model.MOVES.items()}
    with pytest.raises(ValueError, match="nonsense"):
        stored(model, **(others | {column: "nonsense"}))


@pytest.mark.usefixtures("database")
def test_of_two_threads_that_move_the_same_row_one_wins() -> None:
    for number in range(5):
        row = stored(PaymentIntent, id=f"pi_{number}", status="requires_payment_method")
        copies = [PaymentIntent.get_by_id(row.id) for _ in range(2)]
        targets = ["processing", "canceled"]
        results = together(2, lambda turn: _try_move(copies[turn], targets[turn]))  # noqa: B023
        assert names(results) == {"True": 1, "False": 1}
        assert PaymentIntent.get_by_id(row.id).status == targets[results.index(True)]


def _try_move(row: PaymentIntent, target: str) -> bool:
    with store.atomic():
        return outbox.try_move(row, target, clock.now())


@pytest.mark.usefixtures("database")
def test_a_lost_move_leaves_the_copy_as_it_was() -> None:
    row = stored(PaymentIntent, status="requires_payment_method")
    stale = PaymentIntent.get_by_id(row.id)
    with store.atomic():
        outbox.move(row, "canceled", clock.now())
    with store.atomic():
        assert not stale.try_move("status", "processing", amount=7)
    assert (stale.status, stale.amount) == ("requires_payment_method", 1)
    assert PaymentIntent.get_by_id(row.id).amount == 1


@pytest.mark.usefixtures("database")
def test_a_guard_holds_a_move_back() -> None:
    row = stored(PaymentIntent, status="requires_payment_method")
    with store.atomic():
        assert not row.try_move("status", "processing", PaymentIntent.amount > 1)
        assert row.try_move("status", "processing", PaymentIntent.amount == 1, amount=2)
        outbox.publish_move(row, clock.now())
    assert PaymentIntent.get_by_id(row.id).amount == 2


# ---------------------------------------------------------------- each move has its event

NAMES: Mapping[type[Record], str] = {
    CheckoutSession: "checkout.session",
    PaymentIntent: "payment_intent",
    Refund: "refund",
    Subscription: "subscription",
    Invoice: "invoice",
}
EVENTFUL = [
    pytest.param(model, origin, target, event, id=f"{model.__name__} {origin} {target}")
    for model, column, moves in COLUMNS
    for origin, targets in moves.table.items()
    for target, event in targets.items()
    if event is not None
]
BY_HAND = {
    *(f"{name}.created" for name in (*NAMES.values(), "payment_link", "customer")),
    *("customer.updated", "payment_link.deactivated"),
    *("checkout.session.late_payment", "payment_intent.unresolved"),
    *("subscription.trial_will_end", "invoice.payment_failed"),
}
"""The events of what no status tells."""


def test_every_event_is_that_of_a_move_or_published_by_hand() -> None:
    moved = {event for _, _, moves in COLUMNS for targets in moves.table.values() for event in targets.values()}
    assert not (moved - {None}) & BY_HAND
    assert (moved - {None}) | BY_HAND == EVENT_TYPES


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(("model", "origin", "target", "event"), EVENTFUL)
def test_a_move_publishes_its_event_about_its_object(
    model: type[Record], origin: StrEnum, target: StrEnum, event: str
) -> None:
    row = _standing(model, origin)
    with store.atomic():
        outbox.move(row, target, clock.now(), **_companions(model, target))
    (told,) = Event.select()
    assert (told.type, told.object_id) == (event, row.id)
    assert json.loads(told.body)["data"]["status"] == target
    assert event.rpartition(".")[0] == NAMES[model]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(("model", "origin", "target", "event"), EVENTFUL)
def test_a_move_whose_event_is_forgotten_is_no_move(
    model: type[Record], origin: StrEnum, target: StrEnum, event: str
) -> None:
    row = _standing(model, origin)
    with pytest.raises(InvariantBroken, match=event), store.atomic():
        row.move("status", target, **_companions(model, target))
    assert getattr(model.get_by_id(row.id), "status") == origin  # noqa: B009 - not every record has one


def _standing(model: type[Record], origin: StrEnum) -> Any:
    others = {name: next(iter(table.table)) for name, table in model.MOVES.items()}
    if model is CheckoutSession:
        others["payment_status"] = "paid"
    return stored(model, **(others | {"status": origin}))


@pytest.mark.usefixtures("database")
def test_a_move_outside_a_transaction_is_a_bug_when_it_has_an_event() -> None:
    row = stored(PaymentIntent, status="requires_payment_method")
    with pytest.raises(InvariantBroken):
        row.move("status", "canceled")
    assert PaymentIntent.get_by_id(row.id).status == "requires_payment_method"


@pytest.mark.usefixtures("database")
def test_an_event_is_published_before_the_row_moves_on() -> None:
    row = stored(PaymentIntent, status="requires_payment_method")
    with store.atomic():
        row.move("status", "processing")
        with pytest.raises(InvariantBroken):
            row.move("status", "failed")
        outbox.publish_move(row, clock.now())
    assert PaymentIntent.get_by_id(row.id).status == "processing"
    assert [event.type for event in Event.select()] == ["payment_intent.processing"]


@pytest.mark.usefixtures("database")
def test_a_move_that_a_savepoint_undoes_owes_nothing() -> None:
    row = stored(PaymentIntent, status="requires_payment_method")
    with store.atomic():
        with suppress(ZeroDivisionError), store.savepoint():
            PaymentIntent.get_by_id(row.id).move("status", "canceled")
            raise ZeroDivisionError
        row.change(amount=2)
    assert (PaymentIntent.get_by_id(row.id).status, PaymentIntent.get_by_id(row.id).amount) == (row.status, 2)


@pytest.mark.usefixtures("database")
def test_an_event_that_a_savepoint_undoes_is_still_owed() -> None:
    row = stored(PaymentIntent, status="requires_payment_method")
    with store.atomic():
        row.move("status", "canceled")
        with suppress(ZeroDivisionError), store.savepoint():
            outbox.publish_move(row, clock.now())
            raise ZeroDivisionError
        assert row.unpublished == "payment_intent.canceled"
        outbox.publish_move(row, clock.now())
    assert [event.type for event in Event.select()] == ["payment_intent.canceled"]


@pytest.mark.usefixtures("database")
def test_a_stale_copy_moves_only_where_the_event_is_the_same() -> None:
    row = stored(PaymentIntent, status="requires_payment_method")
    stale = PaymentIntent.get_by_id(row.id)
    with store.atomic():
        outbox.move(row, "processing", clock.now())
        outbox.move(row, "requires_action", clock.now())
        assert not stale.try_move("status", "processing")  # nothing is told of this one, and its copy does not know
        assert row.try_move("status", "processing")


@pytest.mark.parametrize(("model", "origin", "target", "event"), EVENTFUL)
def test_an_arrival_has_one_event_wherever_it_came_from(
    model: type[Record], origin: StrEnum, target: StrEnum, event: str
) -> None:
    assert model.MOVES["status"].arrival(target) == event


# ---------------------------------------------------------------- the rest of a record


@pytest.mark.usefixtures("database")
def test_change_writes_no_status() -> None:
    row = stored(PaymentIntent, status="requires_payment_method")
    with pytest.raises(AssertionError):
        row.change(status="canceled")


@pytest.mark.usefixtures("database")
def test_a_lock_needs_a_transaction() -> None:
    stored(PaymentIntent, status="requires_payment_method")
    with pytest.raises(AssertionError):
        PaymentIntent.lock("row")


def test_every_table_speaks_of_every_status() -> None:
    for _, _, moves in COLUMNS:
        (enum,) = {type(status) for status in moves.table}
        assert set(moves.table) == set(enum.__members__.values())
        assert all(status not in targets for status, targets in moves.table.items()), "staying put is no move"


def test_paid_never_becomes_failed() -> None:
    assert not PaymentAttempt.MOVES["status"].table["succeeded"]
    assert not PaymentIntent.MOVES["status"].table["succeeded"]


def test_the_index_of_unsettled_attempts_names_the_unsettled() -> None:
    from ikawaari.store.models import PaymentAttempt as Model

    where = next(index._where.sql for index in Model._meta.indexes if getattr(index, "_where", None) is not None)
    assert where == f"status IN ({', '.join(repr(str(status)) for status in UNSETTLED)})"


# ---------------------------------------------------------------- nobody else assigns a status

WORDS = {"status", "payment_status"}
HOME = Path(ikawaari.__file__).parent
OUTSIDE = (HOME / "providers", HOME / "simulators")  # they keep rows, or books, of their own


def _modules() -> list[Path]:
    return [
        path
        for path in sorted(HOME.rglob("*.py"))
        if not any(map(path.is_relative_to, OUTSIDE)) and path.name != "record.py"
    ]


def _assigned(tree: ast.AST) -> Iterator[int]:
    """The lines that assign a status, by attribute, by setattr, or in an UPDATE."""
    for node in ast.walk(tree):
        targets = getattr(node, "targets", [getattr(node, "target", None)]) if _is_assignment(node) else []
        yield from (one.lineno for one in targets if isinstance(one, ast.Attribute) and one.attr in WORDS)
        if isinstance(node, ast.Call):
            yield from _updated(node)
        if isinstance(node, ast.Dict):
            yield from (key.lineno for key in node.keys if isinstance(key, ast.Attribute) and key.attr in WORDS)


def _is_assignment(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign)


def _updated(call: ast.Call) -> Iterator[int]:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if name in {"update", "change"}:
        dicts = [argument for argument in call.args if isinstance(argument, ast.Dict)]
        keys = [keyword.arg for keyword in call.keywords]
        keys += [getattr(key, "value", None) for each in dicts for key in each.keys]
        yield from [call.lineno] if WORDS & set(map(str, keys)) else []
    if name == "setattr" and len(call.args) > 1 and getattr(call.args[1], "value", None) in WORDS:
        yield call.lineno


def test_the_scan_sees_every_way_to_assign() -> None:
    source = (
        "a.status = 1\na.payment_status: str = 2\nModel.update(status=1)\nModel.update({Model.status: 1})\n"
        'setattr(a, "status", 1)\nModel.update({"status": 1})\nrow.change(status=1)'
    )
    assert sorted(_assigned(ast.parse(source))) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(HOME)))
def test_no_code_assigns_a_status(path: Path) -> None:
    source = path.read_text()
    # An idempotency key's status is that of an HTTP answer, and no status of ours.
    kept = [number for number, line in enumerate(source.splitlines(), 1) if "IdempotencyKey.status:" in line]
    assert list(_assigned(ast.parse(source))) == kept
