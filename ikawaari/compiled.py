"""The SQL text of a query is compiled once for each shape of query; only the values change from call to call.

peewee renders the text of every query again, which took more than half of a request. Queries stay peewee expressions:
here each is split into its shape (tables, columns, operators, number of values) and its values. The first query of a
shape is copied with numbered slots instead of values. peewee renders that copy, and each slot notes its position and
the field that converts its value: this is the plan for all queries of the shape.

A query with any other than the well-known kinds of nodes has no plan: peewee renders it each time.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from itertools import count
from typing import Any, NamedTuple

from peewee import (
    EXCLUDED,
    SQL,
    Case,
    Database,
    Delete,
    Entity,
    Expression,
    Field,
    FieldAlias,
    ForUpdate,
    Function,
    Insert,
    Join,
    Model,
    ModelAlias,
    ModelInsert,
    NamespaceAttribute,
    Negated,
    Node,
    NodeList,
    OnConflict,
    Ordering,
    Select,
    Update,
    Value,
)

_MOST_PLANS = 5_000  # far more than the code has; lists of ever new lengths must not fill the memory
_QUERIES = (Select, Insert, Update, Delete)
_KNOWN = (
    *(Expression, Ordering, Function, Case, SQL, NodeList, Negated, Entity, NamespaceAttribute, Join),
    *(*_QUERIES, ForUpdate, OnConflict),
)
_OPERANDS = ("lhs", "rhs", "nodes", "predicate", "expression_tuples", "default", "_limit", "_offset")
# What does not reach the text: how rows are read, and what peewee notes for itself.
_IGNORED = frozenset(
    {"_cursor_wrapper", "_database", "_row_type", "_constructor", "_join_ctx", "_joins", "_hash", "_return_cursor"}
)


class Compiling(Database):
    """A database that makes the text of a query once: to be mixed into the class of an engine."""

    def execute(self, query: Any, **options: Any) -> Any:
        """Run a query."""
        if options or not isinstance(query, _QUERIES):
            return super().execute(query, **options)  # type: ignore[no-untyped-call]
        return self.execute_sql(*statement(self, query))  # type: ignore[no-untyped-call]


def statement(database: Database, query: Any) -> tuple[str, list[Any]]:
    """The text and the parameters of `query`, equal to what peewee writes for `database`."""
    values = _Values()
    try:
        if isinstance(query, ModelInsert):
            query = _completed(query)
        shape = type(database), _node_shape(query, values)
        plan = _plans.get(shape) or _planned(database, query, shape)
    except _Unknown:
        text, parameters = _written(database, query)
        return text, parameters
    return plan.filled(values)


def once(build: Callable[..., Any]) -> Callable[..., tuple[str, list[Any]]]:
    """A hot query that is not even built again: `build` makes it of its values, which are texts, numbers or lists.

    It is called once for each engine and number of values, with slots instead of them; what it returns must depend on
    nothing else. The decorated function takes the database and the values, and returns the statement.
    """
    plans: dict[Any, Plan] = {}

    @wraps(build)
    def statement_of(database: Database, *arguments: str | int | list[Any]) -> tuple[str, list[Any]]:
        values: list[Any] = []
        lengths: list[int | None] = []
        for each in arguments:
            if isinstance(each, list):
                values += each
                lengths.append(len(each))
            else:
                values.append(each)
                lengths.append(None)
        shape = type(database), *lengths
        plan = plans.get(shape)
        if plan is None:
            slots = count()
            blank = build(*[_blanks(each, slots) for each in arguments])
            plan = plans[shape] = _plan_of(database, blank, slots)
        return plan.filled(values)

    return statement_of


def plan_of(database: Database, build: Callable[..., Any], values: int) -> "Plan":
    """The plan of the query that `build` makes of so many values, for who keeps it and fills it."""
    slots = count()
    return _plan_of(database, build(*[_Slot(next(slots)) for _ in range(values)]), slots)


def _blanks(argument: Any, slots: Iterator[int]) -> Any:
    return [_Slot(next(slots)) for _ in argument] if isinstance(argument, list) else _Slot(next(slots))


class _Values(list[Any]):
    """The values of a query. Beside them, the aliases that it has for tables: their shape is their number in it."""

    def __init__(self) -> None:
        super().__init__()
        self.aliases: dict[int, int] = {}


class Plan(NamedTuple):
    """`blank` is kept because its shape names columns by identities: they must not be given to others."""

    text: str
    parameters: Sequence["_Parameter"]
    constants: Sequence[Any]  # what peewee put in itself: behind the values
    blank: Any

    def filled(self, values: list[Any]) -> tuple[str, list[Any]]:
        """The statement for these values."""
        values += self.constants
        return self.text, [values[slot] if to_db is None else to_db(values[slot]) for slot, to_db in self.parameters]


class _Parameter(NamedTuple):
    """The place of a slot in the text, and how peewee converts what goes there."""

    slot: int
    to_db: Callable[[Any], Any] | None


class _Slot(Value):
    """Stands for a value in the query that peewee writes."""

    def __sql__(self, ctx: Any) -> Any:
        converter = ctx.state.converter if self.converter is None else self.converter
        return ctx.value(_Parameter(self.value, converter or None), converter=False)


class _Unknown(Exception):
    """The query holds something that only peewee can write."""


_plans: dict[Any, Plan] = {}


def _planned(database: Database, query: Any, shape: Any) -> Plan:
    slots = count()
    plan = _plan_of(database, _node_blank(query, slots), slots)
    if len(_plans) < _MOST_PLANS:
        _plans[shape] = plan
    return plan


def _plan_of(database: Database, blank: Any, slots: Iterator[int]) -> Plan:
    text, parameters = _written(database, blank)
    constants = [each for each in parameters if type(each) is not _Parameter]
    placed = [each if type(each) is _Parameter else _Parameter(next(slots), None) for each in parameters]
    return Plan(text, placed, constants, blank)


def _written(database: Any, query: Any) -> tuple[str, list[Any]]:
    text, parameters = database.get_sql_context().sql(query).query()
    return text, parameters


def _completed(query: Any) -> Any:
    """An INSERT with the defaults that are called for each row: they belong to this query, and not to its shape."""
    defaults = query.model._meta._default_callable_list  # noqa: SLF001
    rows = query._insert  # noqa: SLF001
    if not defaults or not isinstance(rows, dict | list):
        return query
    complete = query.clone()
    several = [_with_defaults(row, query, defaults) for row in (rows if isinstance(rows, list) else [rows])]
    complete._insert = several if isinstance(rows, list) else several[0]  # noqa: SLF001
    return complete


def _with_defaults(row: Any, query: Any, defaults: Any) -> Any:
    if not isinstance(row, dict):
        raise _Unknown
    fields = query.model._meta.fields  # noqa: SLF001
    missing = {fields[name]: default() for name, default in defaults if fields[name] not in row}
    return {**row, **missing} if missing else row


# ---------------------------------------------------------------- shapes, and blanks: copies with slots
# A shape appends the values that it finds to `values`; the blank of the same thing takes its slots in the same order.


def _node_shape(node: Any, values: _Values) -> Any:
    held = node.__dict__
    shape: list[Any] = [type(node)]
    for name in _reaching(held):
        shape += name, _PARTS.get(name, _WORDS).shape(held[name], values)
    return tuple(shape)


def _node_blank(node: Any, slots: Iterator[int]) -> Any:
    blank = node.clone()
    for name in _reaching(node.__dict__):
        blank.__dict__[name] = _PARTS.get(name, _WORDS).blank(node.__dict__[name], slots)
    return blank


def _reaching(held: dict[str, Any]) -> list[str]:
    """The parts of a node that reach the text. Where whole rows are selected, their table says the columns."""
    skipped = "_returning" if held.get("_is_default") else None
    return [name for name, part in held.items() if part is not None and name not in _IGNORED and name != skipped]


def _operand_shape(part: Any, values: _Values) -> Any:
    return _KIND[type(part)].shape(part, values)


def _operand_blank(part: Any, slots: Iterator[int]) -> Any:
    return _KIND[type(part)].blank(part, slots)


def _arguments_blank(arguments: Any, slots: Iterator[int]) -> Any:
    """The arguments of a function: peewee converts no value there by the column that the function is compared with."""
    return [
        _Slot(next(slots), converter=False) if _KIND[type(each)] is _VALUE else _operand_blank(each, slots)
        for each in arguments
    ]


def _words_shape(part: Any, values: _Values) -> Any:
    """What is no operand: words of the query's own, nodes, tables, or sequences of them."""
    if isinstance(part, str | bool):
        return part
    if isinstance(part, list | tuple):
        return tuple([_words_shape(each, values) for each in part])
    return _operand_shape(part, values) if isinstance(part, Node | type) else _refuse(part, values)


def _words_blank(part: Any, slots: Iterator[int]) -> Any:
    if isinstance(part, str | bool):
        return part
    if isinstance(part, list | tuple):
        return type(part)([_words_blank(each, slots) for each in part])
    return _operand_blank(part, slots)


def _rows_shape(rows: Any, values: _Values) -> Any:
    """What is written: a row, or several. Its columns, and how the database reckons what is no value."""
    if isinstance(rows, list):
        return ("rows", *[_rows_shape(row, values) for row in rows])
    if isinstance(rows, Node):
        return _operand_shape(rows, values)
    if not isinstance(rows, dict):
        raise _Unknown
    shape: list[Any] = []
    for column, cell in rows.items():
        if not isinstance(column, Field):
            raise _Unknown
        shape.append(id(column))
        if _is_value(cell):  # a list, or None, is one value here
            values.append(cell)
        else:
            shape.append(_operand_shape(cell, values))
    return tuple(shape)


def _rows_blank(rows: Any, slots: Iterator[int]) -> Any:
    if isinstance(rows, list):
        return [_rows_blank(row, slots) for row in rows]
    if isinstance(rows, Node):
        return _operand_blank(rows, slots)
    return {column: _cell_blank(column, cell, slots) for column, cell in rows.items()}


def _cell_blank(column: Any, cell: Any, slots: Iterator[int]) -> Any:
    return _Slot(next(slots), column.db_value) if _is_value(cell) else _operand_blank(cell, slots)


def _is_value(part: Any) -> bool:
    return not isinstance(part, Node) or isinstance(part, Model)


def _value_shape(value: Any, values: _Values) -> Any:
    values.append(value)
    return "?"


def _value_blank(_value: Any, slots: Iterator[int]) -> Any:
    return _Slot(next(slots))


def _record_shape(record: Any, values: _Values) -> Any:
    """A row that is compared with a foreign key stands for its own key."""
    values.append(record._pk)  # noqa: SLF001
    return "?"


def _several_shape(items: Any, values: _Values) -> Any:
    return tuple([_operand_shape(item, values) for item in items])


def _several_blank(items: Any, slots: Iterator[int]) -> Any:
    return tuple([_operand_blank(item, slots) for item in items])


def _same_shape(thing: Any, _values: _Values) -> Any:
    """A column, a table, nothing: there is one of it."""
    return id(thing)


def _alias_shape(alias: Any, values: _Values) -> Any:
    """A second name for a table: created again for each query, so its identity does not distinguish queries."""
    return id(alias.model), alias.alias, values.aliases.setdefault(id(alias), len(values.aliases))


def _alias_field_shape(field: Any, values: _Values) -> Any:
    return _alias_shape(field.source, values), id(field.field)


def _namespace_shape(namespace: Any, _values: _Values) -> Any:
    return namespace._name  # noqa: SLF001


def _same_blank(thing: Any, _slots: Iterator[int]) -> Any:
    return thing


def _refuse(_thing: Any, _either: Any) -> Any:
    raise _Unknown


class _Kind(NamedTuple):
    """How things of one kind are taken apart."""

    shape: Callable[[Any, _Values], Any]
    blank: Callable[[Any, Iterator[int]], Any]


_VALUE = _Kind(_value_shape, _value_blank)
_WORDS = _Kind(_words_shape, _words_blank)
_PARTS = {
    **dict.fromkeys(_OPERANDS, _Kind(_operand_shape, _operand_blank)),
    "arguments": _Kind(_operand_shape, _arguments_blank),
    **dict.fromkeys(("_insert", "_update"), _Kind(_rows_shape, _rows_blank)),
}
# The first of these that a type belongs to is its kind.
_KINDS: tuple[tuple[Any, _Kind], ...] = (
    (ModelAlias, _Kind(_alias_shape, _same_blank)),
    (FieldAlias, _Kind(_alias_field_shape, _same_blank)),
    ((Field, type, type(None)), _Kind(_same_shape, _same_blank)),
    (Model, _Kind(_record_shape, _value_blank)),
    (type(EXCLUDED), _Kind(_namespace_shape, _same_blank)),
    (_KNOWN, _Kind(_node_shape, _node_blank)),
    (Node, _Kind(_refuse, _refuse)),
    ((list, tuple, set, frozenset), _Kind(_several_shape, _several_blank)),
    (object, _VALUE),
)


class _KindOfType(dict[Any, _Kind]):
    """The kind of each type, found once."""

    def __missing__(self, of: Any) -> _Kind:
        found = self[of] = next(kind for types, kind in _KINDS if issubclass(of, types))
        return found


_KIND = _KindOfType()
