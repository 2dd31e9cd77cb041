"""Events, and their delivery to merchants."""

from peewee import SQL, BigAutoField, BooleanField, CharField, ForeignKeyField, IntegerField, TextField

from ikawaari import states
from ikawaari.fields import InstantField, JsonField, StatusField
from ikawaari.store.commit_order import CommitOrderField
from ikawaari.store.models.merchants import Merchant
from ikawaari.store.record import Record


class Event(Record):
    """Something that happened to one object: the outbox. It is written with the change itself, or not at all."""

    sequence = BigAutoField()
    id = CharField(unique=True)
    merchant = ForeignKeyField(Merchant, index=False)  # other indexes begin with it
    merchant_id: str
    livemode = BooleanField()
    type = CharField(max_length=64)
    object_id = CharField(index=True)
    body = TextField()  # the exact bytes that are signed and sent
    created_at = InstantField()
    commit_order = CommitOrderField()

    class Meta:
        """Table options."""

        table_name = "events"


class WebhookEndpoint(Record):
    """Where a merchant receives events, and which ones."""

    id = CharField(primary_key=True)
    merchant = ForeignKeyField(Merchant)
    merchant_id: str
    livemode = BooleanField()
    url = CharField(max_length=2048)
    secret = CharField()  # sealed
    next_secret = CharField(null=True)  # sealed; signs from `secret_changes_at` on
    secret_changes_at = InstantField(null=True)
    enabled_events = JsonField()  # types, or "*"
    enabled = BooleanField()
    failing_since = InstantField(null=True)  # all retries of an event failed; nothing is sent until it is enabled again
    rests_until = InstantField(null=True)  # it timed out: no further request before this time
    created_at = InstantField()

    class Meta:
        """Table options."""

        table_name = "webhook_endpoints"


WebhookEndpoint.add_index(
    WebhookEndpoint.index(
        WebhookEndpoint.livemode, where=WebhookEndpoint.failing_since.is_null(False), name="webhook_endpoints_failing"
    )
)


class WebhookDelivery(Record):
    """One event on its way to one endpoint."""

    MOVES = {"status": states.DELIVERY}

    id = CharField(primary_key=True)
    endpoint = ForeignKeyField(WebhookEndpoint, on_delete="CASCADE", index=False)  # other indexes begin with it
    endpoint_id: str
    event = ForeignKeyField(Event, index=False)  # the unique index begins with it
    event_id: int
    object_id = CharField()  # the event's: what must stay in order
    lane = IntegerField()  # which of the endpoint's lanes carries it: all of one object go in one
    status = StatusField(states.DeliveryStatus)
    tries = IntegerField(default=0)
    set_aside = BooleanField(default=False)  # all its retries have failed once: it delays no other, and comes last
    next_try_at = InstantField()
    created_at = InstantField()
    commit_order = CommitOrderField()

    class Meta:
        """Table options."""

        table_name = "webhook_deliveries"
        # Unique: an event that is sent to an endpoint again is the same delivery, tried again.
        indexes = ((("event", "endpoint"), True),)


# What a lane has to deliver, and what an object waits for: these hold nothing of what was delivered.
for _name, _columns in (
    ("lane", (WebhookDelivery.endpoint, WebhookDelivery.lane)),
    ("object", (WebhookDelivery.object_id, WebhookDelivery.endpoint)),
):
    WebhookDelivery.add_index(
        WebhookDelivery.index(
            *(*_columns, WebhookDelivery.set_aside, WebhookDelivery.event),
            where=SQL("status = 'pending'"),
            name=f"webhook_deliveries_of_{_name}",
        )
    )


class DeliveryTry(Record):
    """One try of a delivery, and the endpoint's answer."""

    id = BigAutoField()
    delivery = ForeignKeyField(WebhookDelivery, on_delete="CASCADE")
    delivery_id: str
    at = InstantField()
    duration_ms = IntegerField()
    http_status = IntegerField(null=True)  # null: no answer
    body = TextField()  # the beginning of the answer, or why there was none

    class Meta:
        """Table options."""

        table_name = "webhook_delivery_tries"
