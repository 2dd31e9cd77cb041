"""Money that moved otherwise than we had ordered: what a person must look at."""

from peewee import BigAutoField, BigIntegerField, BooleanField, CharField, Check, ForeignKeyField

from ikawaari.fields import InstantField
from ikawaari.store.models.payments import PaymentAttempt
from ikawaari.store.record import Record


class Incident(Record):
    """Something about the money of one attempt that is no order of ours. It is open while `closed_at` is null."""

    id = BigAutoField()
    kind = CharField(max_length=32, constraints=[Check("kind IN ('dispute', 'refund_elsewhere', 'returned_too_much')")])
    attempt = ForeignKeyField(PaymentAttempt, index=False)  # the unique index begins with it
    attempt_id: str
    reference = CharField()  # the provider's id of it; empty if it has none
    amount = BigIntegerField(constraints=[Check("amount >= 0")])
    currency = CharField(max_length=3)
    details = CharField(null=True)
    is_final = BooleanField()  # the provider has said its last word: an older report changes nothing
    created_at = InstantField()
    changed_at = InstantField()
    closed_at = InstantField(null=True)
    closed_by = CharField(null=True)
    reason = CharField(null=True, max_length=500)  # how it ended

    class Meta:
        """Table options."""

        table_name = "incidents"
        # Unique: a report that two machines receive at the same moment makes one incident.
        indexes = ((("attempt", "kind", "reference"), True),)


Incident.add_index(Incident.index(Incident.kind, where=Incident.closed_at.is_null(), name="incidents_open"))
