"""Due work, and what the processes share."""

from peewee import BigAutoField, CharField, IntegerField

from ikawaari.fields import InstantField
from ikawaari.store.record import Record


class DueWork(Record):
    """Work with its own due time, written in the transaction of what it belongs to."""

    id = BigAutoField()
    kind = CharField(max_length=32)
    subject = CharField()
    lane = CharField(max_length=64, default="")  # the provider account whose calls it waits for; empty if none
    due_at = InstantField(index=True)
    leased_until = InstantField(null=True)
    tries = IntegerField(default=0)  # fences: only the holder of the last lease may finish the row
    touched = IntegerField(default=0)  # counts changes for the holder: it may not finish before it has run again

    class Meta:
        """Table options."""

        table_name = "due_work"
        indexes = ((("kind", "subject"), True), (("kind", "lane", "due_at"), False))


class Seal(Record):
    """One text that every process of this database must be able to open: see `sealed.fits`."""

    id = CharField(primary_key=True)
    sealed = CharField()

    class Meta:
        """Table options."""

        table_name = "seals"


class PruningPlace(Record):
    """How far a walk has come that deletes what is no longer kept: see `store.pruned`."""

    id = CharField(primary_key=True, max_length=32)
    after = CharField()

    class Meta:
        """Table options."""

        table_name = "pruning_places"
