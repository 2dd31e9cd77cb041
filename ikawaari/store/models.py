"""The tables. Beside each guard stands the race that it stops; the tests run every one of them in threads."""

from collections.abc import Mapping
from typing import Any

from peewee import (
    SQL,
    BigAutoField,
    BigIntegerField,
    BooleanField,
    CharField,
    Check,
    ForeignKeyField,
    IntegerField,
    TextField,
)

from ikawaari import states
from ikawaari.fields import InstantField, JsonField, StatusField
from ikawaari.store import constraints
from ikawaari.store.commit_order import CommitOrderField
from ikawaari.store.record import Record


class Merchant(Record):
    """A shop, and how its page looks and behaves."""

    id = CharField(primary_key=True)
    name = CharField()
    country = CharField(max_length=2)
    currency = CharField(max_length=3)
    logo_url = CharField(null=True, max_length=2048)
    color = CharField(null=True, max_length=7)  # '#rrggbb'
    late_payments = CharField(max_length=8, constraints=[Check("late_payments IN ('accept', 'refund')")])
    fees = JsonField(default=dict)  # what a customer pays on top, by payment method type
    # What becomes of a subscription whose renewal nobody pays.
    unpaid_subscriptions = CharField(
        max_length=8, default="unpaid", constraints=[Check("unpaid_subscriptions IN ('unpaid', 'canceled')")]
    )
    created_at = InstantField()

    class Meta:
        """Table options."""

        table_name = "merchants"


class AppInstallation(Record):
    """An app at one merchant. Its tokens die with it."""

    id = CharField(primary_key=True)
    merchant = ForeignKeyField(Merchant)
    merchant_id: str
    name = CharField()
    created_at = InstantField()
    removed_at = InstantField(null=True)

    class Meta:
        """Table options."""

        table_name = "app_installations"


class Credential(Record):
    """An ApiKey, or an AppToken when it belongs to an installation. Only its digest is kept."""

    id = CharField(primary_key=True)
    merchant = ForeignKeyField(Merchant)
    merchant_id: str
    installation = ForeignKeyField(AppInstallation, null=True)
    installation_id: str | None
    digest = CharField(unique=True, max_length=64)  # SHA-256, hex
    hint = CharField(max_length=32)  # what the owner recognises it by: its prefix and last characters
    livemode = BooleanField()
    scopes = JsonField()
    rate_limit = IntegerField(null=True)  # requests a minute
    allowed_networks = JsonField()  # CIDR; empty: from anywhere
    created_at = InstantField()
    expires_at = InstantField(null=True)
    revoked_at = InstantField(null=True)
    return_key = CharField(null=True)  # sealed; signs customers' returns, see `credentials.return_key_of`

    class Meta:
        """Table options."""

        table_name = "credentials"


class PaymentLink(Record):
    """An address to pay at, again and again or a limited number of times: what its visitors' sessions start from."""

    id = CharField(primary_key=True, max_length=36)  # a UUID
    version = IntegerField(constraints=[Check("version IN (1, 2)")])
    slug = CharField(unique=True, max_length=64)
    merchant = ForeignKeyField(Merchant)
    merchant_id: str
    livemode = BooleanField()
    active = BooleanField()
    amount = BigIntegerField(null=True, constraints=[Check("amount > 0")])
    amount_min = BigIntegerField(null=True)
    amount_max = BigIntegerField(null=True)
    amount_presets = JsonField()
    currency = CharField(max_length=3)
    country = CharField(null=True, max_length=2)
    payment_method_types = JsonField()
    fee_mode = CharField(max_length=16, constraints=[Check("fee_mode IN ('merchant_pays', 'customer_pays')")])
    description = CharField(null=True, max_length=500)
    line_items = JsonField()
    custom_fields = JsonField()
    recurring = JsonField(null=True)
    max_uses = IntegerField(null=True, constraints=[Check("max_uses > 0")])  # 1: single use
    success_url = CharField(null=True, max_length=2048)
    thank_you = CharField(null=True, max_length=500)  # shown on the receipt
    locale = CharField(max_length=4)
    metadata = JsonField()
    # Whether a customer whose subscription of this link runs may begin another one without being asked.
    allow_repeat_subscriptions = BooleanField(default=False)
    credential = ForeignKeyField(Credential, null=True)  # that made it
    credential_id: str | None
    created_at = InstantField()
    commit_order = CommitOrderField()
    expires_at = InstantField(null=True)
    deactivated_at = InstantField(null=True)

    class Meta:
        """Table options."""

        table_name = "payment_links"
        constraints = constraints.of("payment_links")
        indexes = ((("merchant", "livemode", "created_at", "id"), False),)


class Customer(Record):
    """Somebody who paid a merchant, as far as a phone number or an e-mail address tells."""

    id = CharField(primary_key=True)
    merchant = ForeignKeyField(Merchant)
    merchant_id: str
    livemode = BooleanField()
    identity = CharField(max_length=330)  # the phone number, else the e-mail address
    name = CharField(null=True, max_length=500)
    email = CharField(null=True, max_length=320)
    phone = CharField(null=True, max_length=20)  # E.164
    created_at = InstantField()
    commit_order = CommitOrderField()

    class Meta:
        """Table options."""

        table_name = "customers"
        indexes = (
            # Unique: two payments of one person at the same moment know one customer.
            (("merchant", "livemode", "identity"), True),
            (("merchant", "livemode", "created_at", "id"), False),
        )


class CheckoutSession(Record):
    """One page that a customer may pay on, once."""

    MOVES = {"status": states.SESSION, "payment_status": states.PAYMENT}

    id = CharField(primary_key=True)
    merchant = ForeignKeyField(Merchant)
    merchant_id: str
    livemode = BooleanField()
    status = StatusField(states.SessionStatus)
    payment_status = StatusField(states.PaymentStatus)
    mode = CharField(max_length=16)
    recurring = JsonField(null=True)
    amount = BigIntegerField(null=True, constraints=[Check("amount > 0")])  # null: the customer chooses
    amount_min = BigIntegerField(null=True)
    amount_max = BigIntegerField(null=True)
    amount_presets = JsonField()
    currency = CharField(max_length=3)
    country = CharField(null=True, max_length=2)
    payment_method_types = JsonField()
    payment_link = ForeignKeyField(PaymentLink, null=True)
    payment_link_id: str | None
    by_visit = BooleanField(default=False)  # opened at its link's address, where visitors may find it again
    fee_mode = CharField(
        max_length=16,
        default="merchant_pays",
        constraints=[Check("fee_mode IN ('merchant_pays', 'customer_pays')")],
    )
    # What the customer agreed to pay on top of the amount; the intent's amount holds both.
    fee_amount = BigIntegerField(default=0, constraints=[Check("fee_amount >= 0")])
    thank_you = CharField(null=True, max_length=500)
    customer = ForeignKeyField(Customer, null=True)
    customer_id: str | None
    success_url = CharField(null=True, max_length=2048)
    cancel_url = CharField(null=True, max_length=2048)
    customer_email = CharField(null=True, max_length=320)
    customer_phone = CharField(null=True, max_length=20)  # E.164
    customer_details = JsonField()  # what the customer typed
    custom_fields = JsonField()  # the definitions
    custom_field_values = JsonField()
    deferred = BooleanField()  # the intent is made at payment time
    client_reference_id = CharField(null=True)
    line_items = JsonField()
    description = CharField(null=True, max_length=500)
    locale = CharField(max_length=4)
    metadata = JsonField()
    late = BooleanField(default=False)  # money came after expiry
    # That opened it, or made its link: as long as it lives, its key signs the customer's return.
    credential = ForeignKeyField(Credential, null=True)
    credential_id: str | None
    created_at = InstantField()
    commit_order = CommitOrderField()
    expires_at = InstantField()
    completed_at = InstantField(null=True)

    class Meta:
        """Table options."""

        table_name = "checkout_sessions"
        constraints = constraints.of("checkout_sessions")
        indexes = (
            (("merchant", "livemode", "created_at", "id"), False),
            (("merchant", "livemode", "client_reference_id"), False),
            (("merchant", "livemode", "customer_email"), False),
        )


class PaymentIntent(Record):
    """The will to collect one amount once, however many attempts that takes."""

    MOVES = {"status": states.INTENT}

    id = CharField(primary_key=True)
    merchant = ForeignKeyField(Merchant)
    merchant_id: str
    livemode = BooleanField()
    # Unique: two first payments of a deferred session cannot make two intents.
    session = ForeignKeyField(CheckoutSession, null=True, unique=True)
    session_id: str | None
    status = StatusField(states.IntentStatus)
    amount = BigIntegerField(constraints=[Check("amount > 0")])
    amount_received = BigIntegerField(default=0)
    # Refunds reserve their part here before anybody calls a provider: concurrent ones cannot exceed what was paid.
    amount_refunded = BigIntegerField(
        default=0, constraints=[Check("amount_refunded >= 0 AND amount_refunded <= amount_received")]
    )
    currency = CharField(max_length=3)
    customer_email = CharField(null=True, max_length=320)
    customer_phone = CharField(null=True, max_length=20)
    country = CharField(null=True, max_length=2)  # where the payer is, unless the payment method says
    customer = CharField(null=True)  # the merchant's word for who pays
    payment_method = JsonField(null=True)  # what to confirm with, when it was given before
    description = CharField(null=True, max_length=500)
    metadata = JsonField()
    created_at = InstantField()
    commit_order = CommitOrderField()
    canceled_at = InstantField(null=True)
    # 'requested': its merchant gave it up, so late money goes back; 'expired': it ended with its session.
    cancellation_reason = CharField(
        null=True, max_length=16, constraints=[Check("cancellation_reason IN ('requested', 'expired')")]
    )

    class Meta:
        """Table options."""

        table_name = "payment_intents"
        constraints = constraints.of("payment_intents")
        indexes = (
            (("merchant", "livemode", "created_at", "id"), False),
            (("id", "currency"), True),  # what the currency of an attempt refers to
        )


class PaymentAttempt(Record):
    """One try to move the money of an intent. Its id is the provider's idempotency key."""

    MOVES = {"status": states.ATTEMPT}

    id = CharField(primary_key=True, max_length=36)
    intent = ForeignKeyField(PaymentIntent)
    intent_id: str
    provider = CharField(max_length=32)
    status = StatusField(states.AttemptStatus)
    type = CharField(max_length=16)  # mobile_money, card
    operator = CharField(null=True, max_length=32)
    country = CharField(null=True, max_length=2)
    phone = CharField(null=True, max_length=20)  # E.164
    card_token = CharField(null=True)
    flow = CharField(null=True, max_length=16)  # the flow the payer prefers
    return_url = CharField(max_length=2048)
    off_session = BooleanField(default=False)  # a renewal: the payer is not there
    customer_details = JsonField(default=dict)  # what this payer typed; the next one may be somebody else
    custom_field_values = JsonField(default=dict)
    amount = BigIntegerField(constraints=[Check("amount > 0")])  # what the payer is charged, with the fee
    fee_amount = BigIntegerField(default=0, constraints=[Check("fee_amount >= 0")])
    quantities = JsonField(null=True)  # of the session's line items, where the payer chooses them
    # The books of one attempt. What was received is counted, or held until it goes back or is closed by hand.
    amount_received = BigIntegerField(null=True)  # all that the provider took; null until that is known
    received_currency = CharField(null=True, max_length=3)  # a provider's mistake may make it another than was asked
    counted = BigIntegerField(default=0)  # what pays the intent
    held = BigIntegerField(default=0)  # what pays nothing and has not gone back
    closed = BigIntegerField(default=0)  # what was paid back another way, as an operator says
    returned = BigIntegerField(default=0)  # the sum of its refunds that succeeded
    promised = BigIntegerField(default=0)  # the sum of its refunds that are pending
    currency = CharField(max_length=3)
    provider_reference = CharField(null=True)
    codes = IntegerField(default=0)  # how many one-time codes its payer has sent
    provider_code = CharField(null=True)  # the provider's own word for what happened; never shown
    failure_code = CharField(null=True, max_length=32)
    next_action = JsonField(null=True)
    created_at = InstantField()
    submitted_at = InstantField()  # when the last call of the provider was about to start
    deadline_at = InstantField(null=True)  # when the payer's prompt, code or page ends
    enquired_at = InstantField(null=True)
    settled_at = InstantField(null=True)
    unresolved_at = InstantField(null=True)  # when its merchant was told that nobody knows what became of it

    class Meta:
        """Table options."""

        table_name = "payment_attempts"
        constraints = constraints.of("payment_attempts")
        # What the public budgets count by: see `checkout.budgets`.
        indexes = (
            (("phone", "created_at"), False),
            (("card_token", "created_at"), False),
            (("status", "created_at"), False),
            # Unique: one charge of a provider is reported of one attempt, whatever a provider mixes up.
            (("provider", "provider_reference"), True),
            (("id", "intent", "received_currency"), True),  # what a refund refers to
        )

    @property
    def surplus(self) -> bool:
        """Whether the provider took money that pays nothing."""
        return self.amount_received is not None and self.counted == 0


# One unsettled attempt per intent, whatever the code above does: a double click, two tabs, two machines.
PaymentAttempt.add_index(
    PaymentAttempt.index(
        PaymentAttempt.intent,
        unique=True,
        where=SQL("status IN ('submitting', 'unknown', 'processing', 'requires_action')"),
        name="payment_attempts_one_unsettled",
    )
)
# One payment per intent: two attempts that are reported to have succeeded at the same moment cannot both count.
PaymentAttempt.add_index(
    PaymentAttempt.index(
        PaymentAttempt.intent, unique=True, where=SQL("counted > 0"), name="payment_attempts_one_counted"
    )
)


class AttemptReport(Record):
    """One thing that was reported of an attempt, and what it made of it: the attempt's history, and who settled it."""

    id = BigAutoField()
    attempt = ForeignKeyField(PaymentAttempt)
    attempt_id: str
    source = CharField(max_length=16)  # which door it came through: see `settlement.Source`
    result = CharField(max_length=32)
    amount = BigIntegerField(null=True)
    currency = CharField(null=True, max_length=3)
    failure_code = CharField(null=True, max_length=32)
    reference = CharField(null=True)
    provider_code = CharField(null=True)
    status = CharField(max_length=32)  # the attempt's, after it
    made_by = CharField(null=True)  # the operator's name, as all that follows
    reason = CharField(null=True, max_length=500)
    forced = BooleanField(default=False)
    created_at = InstantField()

    class Meta:
        """Table options."""

        table_name = "attempt_reports"


class Refund(Record):
    """Money on its way back from one attempt."""

    MOVES = {"status": states.REFUND}

    id = CharField(primary_key=True)
    intent = ForeignKeyField(PaymentIntent)
    intent_id: str
    attempt = ForeignKeyField(PaymentAttempt)
    attempt_id: str
    status = StatusField(states.RefundStatus)
    amount = BigIntegerField(constraints=[Check("amount > 0")])
    currency = CharField(max_length=3)
    reason = CharField(null=True)
    automatic = BooleanField()  # the house's own: duplicate, late or wrong money
    held = BooleanField(default=False)  # of money that is held; else of what counts as the intent's payment
    metadata = JsonField()
    provider_reference = CharField(null=True)
    failure_code = CharField(null=True, max_length=32)
    created_at = InstantField()
    commit_order = CommitOrderField()
    sent_at = InstantField(null=True)  # when the provider was asked first: until then it can be withdrawn
    settled_at = InstantField(null=True)

    class Meta:
        """Table options."""

        table_name = "refunds"
        constraints = constraints.of("refunds")


# One automatic refund under way per attempt: two that begin at once, by two reports or two workers, give the money back
# once. One that failed leaves room for the next try, which has an id of its own.
Refund.add_index(
    Refund.index(
        Refund.attempt,
        unique=True,
        where=SQL("automatic AND status = 'pending'"),
        name="refunds_one_automatic_pending",
    )
)


class Subscription(Record):
    """An agreement to pay again each period."""

    MOVES = {"status": states.SUBSCRIPTION}

    id = CharField(primary_key=True)
    merchant = ForeignKeyField(Merchant)
    merchant_id: str
    livemode = BooleanField()
    # Unique: two truths about one success, told at once, start one subscription.
    session = ForeignKeyField(CheckoutSession, unique=True)
    session_id: str
    status = StatusField(states.SubscriptionStatus)
    amount = BigIntegerField(constraints=[Check("amount > 0")])
    currency = CharField(max_length=3)
    interval = CharField(max_length=8)
    interval_count = IntegerField()
    # One value: what paid last, and the fee that was agreed to with it. A renewal takes both, or neither.
    payment_method = JsonField()
    fee_amount = BigIntegerField(default=0, constraints=[Check("fee_amount >= 0")])
    anchor_at = InstantField()  # periods are counted from here
    current_period_start = InstantField()
    current_period_end = InstantField()
    trial_end = InstantField(null=True)
    customer = ForeignKeyField(Customer, null=True)
    customer_id: str | None
    period = IntegerField(default=1)  # which period runs, counted from the anchor; 0: the trial before it
    cancel_at_period_end = BooleanField(default=False)
    canceled_at = InstantField(null=True)
    created_at = InstantField()
    commit_order = CommitOrderField()

    class Meta:
        """Table options."""

        table_name = "subscriptions"
        constraints = constraints.of("subscriptions")
        indexes = ((("merchant", "livemode", "created_at", "id"), False),)


class Invoice(Record):
    """One period of a subscription, to be paid once: on the page of its own checkout session."""

    MOVES = {"status": states.INVOICE}

    id = CharField(primary_key=True)
    merchant = ForeignKeyField(Merchant)
    merchant_id: str
    livemode = BooleanField()
    subscription = ForeignKeyField(Subscription)
    subscription_id: str
    session = ForeignKeyField(CheckoutSession, unique=True)
    session_id: str
    period = IntegerField()
    period_start = InstantField()
    period_end = InstantField()
    status = StatusField(states.InvoiceStatus)
    amount = BigIntegerField(constraints=[Check("amount > 0")])
    currency = CharField(max_length=3)
    first_tried_at = InstantField(null=True)  # what the days of dunning count from
    next_try_at = InstantField(null=True)  # when the saved payment method is charged next; taken by the try itself
    created_at = InstantField()
    paid_at = InstantField(null=True)

    class Meta:
        """Table options."""

        table_name = "invoices"
        constraints = constraints.of("invoices")
        # Unique: two workers, or one that was killed and came again, invoice a period once.
        indexes = ((("subscription", "period"), True),)


class Event(Record):
    """One thing that happened to one object: the outbox. Written with the change itself, or not at all."""

    sequence = BigAutoField()
    id = CharField(unique=True)
    merchant = ForeignKeyField(Merchant)
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
        indexes = ((("merchant", "livemode", "sequence"), False),)


class WebhookEndpoint(Record):
    """Where a merchant wants to be told, and of what."""

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
    failing_since = InstantField(
        null=True
    )  # every retry of some event was in vain; nothing is sent until enabled again
    rests_until = InstantField(null=True)  # it let us wait in vain: nobody waits for it again before
    created_at = InstantField()

    class Meta:
        """Table options."""

        table_name = "webhook_endpoints"


class WebhookDelivery(Record):
    """One event on its way to one endpoint."""

    MOVES = {"status": states.DELIVERY}

    id = CharField(primary_key=True)
    endpoint = ForeignKeyField(WebhookEndpoint, on_delete="CASCADE")
    endpoint_id: str
    event = ForeignKeyField(Event)
    event_id: int
    object_id = CharField()  # the event's: what must stay in order
    lane = IntegerField()  # which of the endpoint's lanes carries it: all of one object go in one
    status = StatusField(states.DeliveryStatus)
    tries = IntegerField(default=0)
    set_aside = BooleanField(default=False)  # it has failed for good once: it holds nothing up, and comes last
    next_try_at = InstantField()
    created_at = InstantField()
    commit_order = CommitOrderField()

    class Meta:
        """Table options."""

        table_name = "webhook_deliveries"
        # Unique: an event that is told to an endpoint twice is the same delivery, tried again.
        indexes = (
            (("endpoint", "event"), True),
            (("endpoint", "lane", "status", "event"), False),
            (("endpoint", "object_id", "status", "event"), False),
        )


class DeliveryTry(Record):
    """One try of a delivery, and what the endpoint said."""

    id = BigAutoField()
    delivery = ForeignKeyField(WebhookDelivery, on_delete="CASCADE")
    at = InstantField()
    duration_ms = IntegerField()
    http_status = IntegerField(null=True)  # null: no answer
    body = TextField()  # the beginning of the answer, or why there was none

    class Meta:
        """Table options."""

        table_name = "webhook_delivery_tries"


class Callback(Record):
    """A provider's callback that was taken in."""

    id = BigAutoField()
    provider = CharField(max_length=32)
    event_id = CharField()
    attempt_id = CharField(null=True)
    body = TextField()
    received_at = InstantField()

    class Meta:
        """Table options."""

        table_name = "callbacks"
        # Unique: the same callback sent again, also at the same moment to two machines, is known.
        indexes = ((("provider", "event_id"), True),)


class DueWork(Record):
    """Work with its own due time, written in the transaction of what it belongs to."""

    id = BigAutoField()
    kind = CharField(max_length=32)
    subject = CharField()
    lane = CharField(max_length=64, default="")  # whose calls it waits for: a provider, opaque here; empty: nobody's
    due_at = InstantField(index=True)
    leased_until = InstantField(null=True)
    tries = IntegerField(default=0)  # fences: only the holder of the last lease may finish the row
    touched = IntegerField(default=0)  # counts news for the holder: it may not finish before it has looked again

    class Meta:
        """Table options."""

        table_name = "due_work"
        indexes = ((("kind", "subject"), True), (("kind", "lane", "due_at"), False))


class ProviderSwitch(Record):
    """Whether a provider takes new charges, on all machines at once. One without a row does."""

    name = CharField(primary_key=True, max_length=64)  # opaque here
    state = StatusField(states.ProviderState)
    changed_at = InstantField()

    class Meta:
        """Table options."""

        table_name = "provider_switches"


class IdempotencyKey(Record):
    """The answer to a POST, kept for its repetition."""

    id = BigAutoField()
    merchant = ForeignKeyField(Merchant)
    merchant_id: str
    livemode = BooleanField()
    method = CharField(max_length=8)
    path = CharField(max_length=512)
    key = CharField()
    body_digest = CharField(max_length=64)
    subject = CharField(null=True)  # the id of what the first run made, should it be cut off before its answer
    status = IntegerField(null=True)  # null while the first call runs
    headers = JsonField(null=True)
    body = TextField(null=True)  # sealed, when it holds a secret
    credential_id = CharField(null=True)  # whom alone an answer that holds a secret is told again; null: it holds none
    locked_until = InstantField()
    created_at = InstantField(index=True)

    class Meta:
        """Table options."""

        table_name = "idempotency_keys"
        # Unique: of two equal calls at the same moment one runs, the other is told to wait.
        indexes = ((("merchant", "livemode", "method", "path", "key"), True),)


class PayKey(Record):
    """One request to pay a session that was stored: sent again, it is not stored again."""

    id = BigAutoField()
    session = ForeignKeyField(CheckoutSession)
    session_id: str
    key = CharField()
    body_digest = CharField(max_length=64)
    subject = CharField()  # the id of what was stored with it: an attempt, or the session of a trial
    created_at = InstantField(index=True)

    class Meta:
        """Table options."""

        table_name = "pay_keys"
        # Unique: equal requests to pay, at once or one after the other, store one attempt.
        indexes = ((("session", "key"), True),)


class Seal(Record):
    """One text that every process of this database must be able to open: see `sealed.fits`."""

    id = CharField(primary_key=True)
    sealed = CharField()

    class Meta:
        """Table options."""

        table_name = "seals"


class RateWindow(Record):
    """How many requests a credential or a merchant made in one minute."""

    id = CharField(primary_key=True)  # whose, and which minute
    count = IntegerField()
    ends_at = InstantField(index=True)

    class Meta:
        """Table options."""

        table_name = "rate_windows"


# The lists of the API, newest first: see `commit_order`.
_BY_OWNER: Mapping[str, Any] = {
    "payment_links_list": PaymentLink,
    "customers_list": Customer,
    "checkout_sessions_list": CheckoutSession,
    "payment_intents_list": PaymentIntent,
    "subscriptions_list": Subscription,
}
for _name, _model in _BY_OWNER.items():
    _columns = (_model.merchant, _model.livemode, _model.commit_order, _model.created_at, _model.id)
    _model.add_index(_model.index(*_columns, name=_name))
Event.add_index(Event.index(Event.merchant, Event.livemode, Event.commit_order, Event.sequence, name="events_list"))
WebhookDelivery.add_index(
    WebhookDelivery.index(
        WebhookDelivery.endpoint,
        WebhookDelivery.commit_order,
        WebhookDelivery.event,
        name="webhook_deliveries_list",
    )
)

TABLES = (
    Merchant,
    PaymentLink,
    Customer,
    AppInstallation,
    Credential,
    CheckoutSession,
    PaymentIntent,
    PaymentAttempt,
    AttemptReport,
    Refund,
    Subscription,
    Invoice,
    Event,
    WebhookEndpoint,
    WebhookDelivery,
    DeliveryTry,
    Callback,
    DueWork,
    ProviderSwitch,
    IdempotencyKey,
    PayKey,
    RateWindow,
    Seal,
)
