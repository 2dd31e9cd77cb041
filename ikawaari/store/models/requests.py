"""Stored answers to requests, and request counts."""

from peewee import BigAutoField, BooleanField, CharField, ForeignKeyField, IntegerField, TextField

from ikawaari.fields import InstantField, JsonField
from ikawaari.store.models.merchants import Merchant
from ikawaari.store.record import Record


class IdempotencyKey(Record):
    """The answer to a POST, stored for repeated requests."""

    id = BigAutoField()
    merchant = ForeignKeyField(Merchant, index=False)  # other indexes begin with it
    merchant_id: str
    livemode = BooleanField()
    method = CharField(max_length=8)
    path = CharField(max_length=512)
    key = CharField()
    body_digest = CharField(max_length=64)
    subject = CharField(null=True)  # the id of what the first run created, in case it is interrupted before its answer
    status = IntegerField(null=True)  # null while the first call runs
    headers = JsonField(null=True)
    body = TextField(null=True)  # sealed, when it holds a secret
    credential_id = CharField(
        null=True
    )  # the only credential that may get an answer with a secret again; null if it has none
    locked_until = InstantField()
    created_at = InstantField(index=True)

    class Meta:
        """Table options."""

        table_name = "idempotency_keys"
        # Unique: of two equal calls at the same moment one runs, and the other must wait.
        indexes = ((("merchant", "livemode", "method", "path", "key"), True),)


class RateWindow(Record):
    """How many requests a credential or a merchant made in one minute."""

    id = CharField(primary_key=True)  # whose, and which minute
    count = IntegerField()
    ends_at = InstantField(index=True)

    class Meta:
        """Table options."""

        table_name = "rate_windows"
