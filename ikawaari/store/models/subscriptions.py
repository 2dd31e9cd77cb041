"""Agreements to pay again each period."""

from peewee import SQL, BigIntegerField, BooleanField, CharField, Check, ForeignKeyField, IntegerField

from ikawaari import states
from ikawaari.fields import InstantField, JsonField, StatusField
from ikawaari.store import constraints
from ikawaari.store.commit_order import CommitOrderField
from ikawaari.store.models.merchants import Merchant
from ikawaari.store.models.sessions import CheckoutSession, Customer
from ikawaari.store.record import Record


class Subscription(Record):
    """An agreement to pay again each period."""

    MOVES = {"status": states.SUBSCRIPTION}

    id = CharField(primary_key=True)
    merchant = ForeignKeyField(Merchant, index=False)  # other indexes begin with it
    merchant_id: str
    livemode = BooleanField()
    # Unique: if a success is reported twice at once, it starts one subscription.
    session = ForeignKeyField(CheckoutSession, unique=True)
    session_id: str
    status = StatusField(states.SubscriptionStatus)
    amount = BigIntegerField(constraints=[Check("amount > 0")])
    currency = CharField(max_length=3)
    interval = CharField(max_length=8)
    interval_count = IntegerField()
    # One value: the method that paid last, and the fee agreed to with it. A renewal uses both, or neither.
    payment_method = JsonField()
    fee_amount = BigIntegerField(default=0, constraints=[Check("fee_amount >= 0")])
    anchor_at = InstantField()  # periods are counted from here
    current_period_start = InstantField()
    current_period_end = InstantField()
    trial_end = InstantField(null=True)
    reference = CharField(null=True, max_length=8)  # of a trial: see `checkout.references`
    customer = ForeignKeyField(Customer, null=True)
    customer_id: str | None
    period = IntegerField(default=1)  # which period runs, counted from the anchor; 0: the trial before it
    cancel_at_period_end = BooleanField(default=False)
    stopped_by_payer = BooleanField(default=False)  # with the former, on the page: only then it may be resumed there
    canceled_at = InstantField(null=True)
    created_at = InstantField()
    commit_order = CommitOrderField()

    class Meta:
        """Table options."""

        table_name = "subscriptions"
        constraints = constraints.of("subscriptions")
        indexes = ((("merchant", "livemode", "created_at", "id"), False),)


Subscription.add_index(
    Subscription.index(
        Subscription.reference, where=Subscription.reference.is_null(False), name="subscriptions_reference"
    )
)


class Invoice(Record):
    """One period of a subscription, to be paid once: on the page of its own checkout session."""

    MOVES = {"status": states.INVOICE}

    id = CharField(primary_key=True)
    merchant = ForeignKeyField(Merchant)
    merchant_id: str
    livemode = BooleanField()
    subscription = ForeignKeyField(Subscription, index=False)  # other indexes begin with it
    subscription_id: str
    session = ForeignKeyField(CheckoutSession, unique=True)
    session_id: str
    period = IntegerField()
    period_start = InstantField()
    period_end = InstantField()
    status = StatusField(states.InvoiceStatus)
    amount = BigIntegerField(constraints=[Check("amount > 0")])
    currency = CharField(max_length=3)
    first_tried_at = InstantField(null=True)  # what the retry days count from
    next_try_at = InstantField(null=True)  # when the saved payment method is charged next; cleared by the try itself
    created_at = InstantField()
    paid_at = InstantField(null=True)

    class Meta:
        """Table options."""

        table_name = "invoices"
        constraints = constraints.of("invoices")
        # Unique: two workers, or one that is restarted, invoice a period once.
        indexes = ((("subscription", "period"), True),)


class CardSetup(Record):
    """A card that its provider saves before a trial starts. No money moves; its id is the provider's idempotency key.

    What its payer typed waits here: the session has it once the trial has started.
    """

    MOVES = {"status": states.ATTEMPT}

    id = CharField(primary_key=True, max_length=36)
    session = ForeignKeyField(CheckoutSession)
    session_id: str
    provider = CharField(max_length=32)
    status = StatusField(states.AttemptStatus)
    card_token = CharField()
    card_fingerprint = CharField(null=True, max_length=64)  # as in payment attempts
    return_url = CharField(max_length=2048)
    customer_details = JsonField()
    custom_field_values = JsonField()
    amount = BigIntegerField(constraints=[Check("amount > 0")])  # of each period, with the fee
    fee_amount = BigIntegerField(constraints=[Check("fee_amount >= 0")])
    quantities = JsonField(null=True)
    provider_reference = CharField(null=True)
    provider_data = JsonField(null=True)
    provider_code = CharField(null=True)
    failure_code = CharField(null=True, max_length=32)
    unanswered = BooleanField(null=True)  # its provider had no usable answer to the call: breakers count it
    next_action = JsonField(null=True)
    created_at = InstantField()
    submitted_at = InstantField()
    deadline_at = InstantField(null=True)
    enquired_at = InstantField(null=True)
    settled_at = InstantField(null=True)

    class Meta:
        """Table options."""

        table_name = "card_setups"


# One card at a time: if two tabs send one at once, the second one is told that the first is being saved.
CardSetup.add_index(
    CardSetup.index(
        CardSetup.session,
        unique=True,
        where=SQL("status IN ('submitting', 'unknown', 'processing', 'requires_action')"),
        name="card_setups_one_unsettled",
    )
)
CardSetup.add_index(CardSetup.index(CardSetup.provider, CardSetup.created_at, name="card_setups_provider"))
CardSetup.add_index(
    CardSetup.index(
        CardSetup.card_fingerprint,
        CardSetup.created_at,
        where=CardSetup.card_fingerprint.is_null(False),
        name="card_setups_fingerprint",
    )
)
