"""What the sandbox provider knows: its charges, refunds and callbacks, in tables and connections of its own.

It plays the outside world, so nothing here shares a transaction with our records.
"""

from collections.abc import Iterator
from typing import Any, TypedDict

from peewee import (
    BigAutoField,
    BigIntegerField,
    BooleanField,
    CharField,
    DatabaseProxy,
    Model,
    SqliteDatabase,
    TextField,
)
from playhouse.migrate import SchemaMigrator, migrate

from ikawaari import compiled, databases
from ikawaari.fields import InstantField

database: Any = DatabaseProxy()
_LOCK = 0x5A9DB0  # PostgreSQL's advisory locks are numbers; this one is the ledger's


class _Row(Model):
    class Meta:
        database = database
        legacy_table_names = False


class Charge(_Row):
    """One charge as the operator sees it. `taken` is what left the payer's wallet."""

    id = CharField(primary_key=True)  # the id that our side chose: charged once, however often it is sent
    reference = CharField(unique=True)  # the operator's own id, also the address of its screen
    intent_id = CharField()
    amount = BigIntegerField()
    currency = CharField()
    taken = BigIntegerField(default=0)
    refunded = BigIntegerField(default=0)  # returned, or on its way
    status = CharField()  # pending, succeeded, failed
    failure = CharField(null=True)
    ending = CharField()
    flow = CharField()
    kind = CharField()  # wallet, bank: what its screen looks like
    takes_half = BooleanField(default=False)
    noisy = BooleanField(default=False)
    calls_back = BooleanField(default=True)
    return_url = TextField()
    merchant = CharField()
    refunds = CharField(null=True)  # what becomes of them: at_once (also null), slow, fail
    created_at = InstantField()
    acts_at = InstantField(null=True)  # when the payer, or the operator, acts next
    deadline_at = InstantField()

    class Meta:
        """Table options."""

        table_name = "sandbox_charges"


class Refund(_Row):
    """One refund: done once, however often its id is sent."""

    id = CharField(primary_key=True)
    charge_id = CharField()
    amount = BigIntegerField()
    given_at = InstantField(null=True)  # when the payer has it; null if immediately

    class Meta:
        """Table options."""

        table_name = "sandbox_refunds"


class OutgoingCallback(_Row):
    """A callback that the operator still has to deliver."""

    id = BigAutoField()
    body = TextField()
    due_at = InstantField(index=True)
    tries = BigIntegerField(default=0)

    class Meta:
        """Table options."""

        table_name = "sandbox_callbacks"


def connect(url: str, pool: int) -> None:
    """Open the ledger in the database of `url`, over connections of its own."""
    database.initialize(databases.open_database(url, pool))


def prepare() -> None:
    """Create the tables and columns that are missing. Any number of machines may start at once."""
    with databases.transaction(database.obj):
        if not isinstance(database.obj, SqliteDatabase):
            # IF NOT EXISTS is not a lock: if two processes create the same table at once, one of them fails.
            database.execute_sql("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        database.create_tables([Charge, Refund, OutgoingCallback], safe=True)
        _add_column("sandbox_charges", Charge.refunds)
        _add_column("sandbox_refunds", Refund.given_at)
        _widen("sandbox_charges", Charge.return_url)


def _add_column(table: str, column: Any) -> None:
    """Add a nullable column to a table of an older version."""
    if column.name not in {known.name for known in database.get_columns(table)}:
        migrate(SchemaMigrator.from_database(database.obj).add_column(table, column.name, column))


def _widen(table: str, column: Any) -> None:
    """Remove the length limit from a text column of an older version; SQLite never had one."""
    known = next(known for known in database.get_columns(table) if known.name == column.name)
    if known.data_type == "character varying":
        migrate(SchemaMigrator.from_database(database.obj).alter_column_type(table, column.name, column))


def insert(charge: Charge) -> bool:
    """Store a charge, unless there is one of its id."""
    values = [field.db_value(charge.__data__.get(field.name)) for field in _COLUMNS]
    return bool(database.obj.execute_sql(*_insertion(database.obj, *values)).rowcount)


_COLUMNS = Charge._meta.sorted_fields  # noqa: SLF001


@compiled.once
def _insertion(*values: Any) -> Any:
    row = dict(zip(_COLUMNS, values, strict=True))
    return Charge.insert(row).on_conflict_ignore().as_rowcount()


def release() -> None:
    """The end of a request, or of a round of work: see `databases.release`."""
    databases.release(database.obj)


def disconnect() -> None:
    """Close this thread's connection and those that idle in the pool."""
    databases.disconnect(database.obj)


class Booked(TypedDict):
    """What the operator took of one charge, and returned; amounts in the currency's smallest unit."""

    payment_intent: str
    attempt: str
    amount: int
    refunded: int
    currency: str
    status: str


def entries() -> Iterator[Booked]:
    """Every charge as the operator reports it, oldest first."""
    for charge in Charge.select().order_by(Charge.created_at, Charge.id):
        yield {
            "payment_intent": charge.intent_id,
            "attempt": charge.id,
            "amount": charge.taken,
            "refunded": charge.refunded,
            "currency": charge.currency,
            "status": charge.status,
        }
