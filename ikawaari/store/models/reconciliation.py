"""What providers' statements said: which were read, and each difference, as a case that somebody or something ends."""

from peewee import BigAutoField, BigIntegerField, CharField, Check, ForeignKeyField, IntegerField

from ikawaari.fields import InstantField, JsonField
from ikawaari.store.models.payments import PaymentAttempt, Refund
from ikawaari.store.record import Record


class Statement(Record):
    """A statement that was compared to its end, of the time from `since` to `until`."""

    id = BigAutoField()
    account = CharField(max_length=20)
    digest = CharField(max_length=64)
    since = InstantField()
    until = InstantField()
    lines = IntegerField()
    read_at = InstantField()

    class Meta:
        """Table options."""

        table_name = "statements"
        # Unique: one that is read again, or twice at the same moment, is one statement.
        indexes = ((("account", "digest"), True),)


class ReconciliationCase(Record):
    """A difference between a statement and our books. It is open while `closed_at` is null."""

    id = BigAutoField()
    account = CharField(max_length=20)
    kind = CharField(
        max_length=32,
        constraints=[
            Check("kind IN ('missing_here', 'missing_there', 'amount_differs', 'status_differs', 'listed_differently')")
        ],
    )
    object = CharField(max_length=16, constraints=[Check("object IN ('payment', 'refund')")])
    reference = CharField()  # the provider's id; of what is missing there, ours
    attempt = ForeignKeyField(PaymentAttempt, null=True)
    attempt_id: str | None
    refund = ForeignKeyField(Refund, null=True)
    refund_id: str | None
    theirs = JsonField(null=True)  # the line, as `cases.as_json` writes it; null if there is none
    amount = BigIntegerField(null=True)  # ours
    currency = CharField(null=True, max_length=3)
    status = CharField(null=True, max_length=32)
    details = CharField(null=True)
    happened_at = InstantField(null=True)  # as the statement says; of what is missing there, as we do
    created_at = InstantField()
    changed_at = InstantField()
    closed_at = InstantField(null=True)
    closed_by = CharField(null=True)
    reason = CharField(null=True, max_length=500)  # how it ended

    class Meta:
        """Table options."""

        table_name = "reconciliation_cases"
        # Unique: a statement that is read twice, also at the same moment, makes one case of each difference.
        indexes = ((("account", "object", "reference", "kind"), True),)


# Few are open, and each batch of a statement asks for them.
ReconciliationCase.add_index(
    ReconciliationCase.index(
        ReconciliationCase.account,
        ReconciliationCase.reference,
        where=ReconciliationCase.closed_at.is_null(),
        name="reconciliation_cases_open",
    )
)
