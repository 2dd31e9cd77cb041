"""Money that moves: intents, their attempts, reports about those, and refunds."""

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
from ikawaari.store.models.merchants import Merchant
from ikawaari.store.models.sessions import CheckoutSession
from ikawaari.store.record import Record


class PaymentIntent(Record):
    """The intent to collect one amount, once, however many attempts that takes."""

    MOVES = {"status": states.INTENT}

    id = CharField(primary_key=True)
    merchant = ForeignKeyField(Merchant, index=False)  # other indexes begin with it
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
    customer = CharField(null=True)  # the merchant's own reference for the payer
    payment_method = JsonField(null=True)  # what to confirm with, if it was given before
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
    """One attempt to move the money of an intent. Its id is the provider's idempotency key."""

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
    card_fingerprint = CharField(null=True, max_length=64)  # the same for each token of one card, at one account
    flow = CharField(null=True, max_length=16)  # the flow the payer prefers
    return_url = CharField(max_length=2048)
    off_session = BooleanField(default=False)  # a renewal: the payer is not there
    customer_details = JsonField(default=dict)  # what this payer typed; the next payer may be another person
    custom_field_values = JsonField(default=dict)
    amount = BigIntegerField(constraints=[Check("amount > 0")])  # what the payer is charged, with the fee
    fee_amount = BigIntegerField(default=0, constraints=[Check("fee_amount >= 0")])
    quantities = JsonField(null=True)  # of the session's line items, where the payer chooses them
    # The books of one attempt. Money received is counted, or held until it is returned or closed by hand.
    amount_received = BigIntegerField(null=True)  # everything that the provider took; null until known
    received_currency = CharField(
        null=True, max_length=3
    )  # by a provider's mistake it may differ from the requested one
    counted = BigIntegerField(default=0)  # what pays the intent
    held = BigIntegerField(default=0)  # what pays nothing and was not returned; below 0: more of it went back
    closed = BigIntegerField(default=0)  # what was paid back another way, as an operator says
    returned = BigIntegerField(default=0)  # the sum of its refunds that succeeded
    promised = BigIntegerField(default=0)  # the sum of its refunds that are pending
    # What went back without being promised, ever: refunds that succeeded after they had failed, or that the provider
    # made by itself. Only by so much may the books exceed what was received.
    unpromised = BigIntegerField(default=0)
    currency = CharField(max_length=3)
    provider_reference = CharField(null=True)
    provider_data = JsonField(null=True)  # what the next call of the provider needs, in its own words; never shown
    saved_method = JsonField(null=True)  # the method that the provider keeps: to be charged, or saved by this charge
    routed_from = CharField(null=True, max_length=36)  # the attempt whose provider refused it, and which this continues
    codes = IntegerField(default=0)  # how many one-time codes its payer has sent
    provider_code = CharField(
        null=True
    )  # the provider's own word for what happened; `ikawaari attempts show` prints it
    failure_code = CharField(null=True, max_length=32)
    last_error = CharField(null=True, max_length=32)  # of a try there that failed and did not end it: a failure code
    cost_amount = BigIntegerField(null=True)  # what the provider keeps of it; null where it does not say so
    cost_currency = CharField(null=True, max_length=3)
    next_action = JsonField(null=True)
    created_at = InstantField()
    submitted_at = InstantField()  # when the last call of the provider was about to start
    deadline_at = InstantField(null=True)  # when the payer's prompt, code or page ends
    enquired_at = InstantField(null=True)
    settled_at = InstantField(null=True)
    unresolved_at = InstantField(null=True)  # when its merchant was notified that the end is unknown
    listed_at = InstantField(
        null=True
    )  # when a provider's statement was read that has it: see `checkout.reconciliation`

    class Meta:
        """Table options."""

        table_name = "payment_attempts"
        constraints = constraints.of("payment_attempts")
        indexes = (
            (("status", "created_at"), False),
            # Unique: a charge of a provider belongs to one attempt, even if the provider mixes them up.
            (("provider", "provider_reference"), True),
            (("id", "intent", "received_currency"), True),  # what a refund refers to
        )

    @property
    def surplus(self) -> bool:
        """Whether the provider took money that pays nothing."""
        return self.amount_received is not None and self.counted == 0

    @property
    def excess(self) -> int:
        """How much more went back than there was to return, of held money and of the payment."""
        of_payment = self.returned + self.closed + self.held - (self.amount_received or 0)
        return int(max(0, -self.held) + max(0, of_payment))


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
# A refused attempt is continued once: should two ever try to, the second one fails.
PaymentAttempt.add_index(
    PaymentAttempt.index(
        PaymentAttempt.routed_from,
        unique=True,
        where=PaymentAttempt.routed_from.is_null(False),
        name="payment_attempts_routed_from",
    )
)
# For daily reports: see `checkout.reports`.
PaymentAttempt.add_index(
    PaymentAttempt.index(
        PaymentAttempt.settled_at,
        where=PaymentAttempt.amount_received.is_null(False),
        name="payment_attempts_received_on",
    )
)
# Money that is held is seldom, and looked for every few seconds: see `checkout.figures`.
PaymentAttempt.add_index(
    PaymentAttempt.index(PaymentAttempt.provider, where=SQL("held > 0"), name="payment_attempts_held")
)
# For the public budgets: see `checkout.budgets`.
for _name, _payer in (
    ("phone", PaymentAttempt.phone),
    ("card", PaymentAttempt.card_token),
    ("fingerprint", PaymentAttempt.card_fingerprint),
):
    PaymentAttempt.add_index(
        PaymentAttempt.index(
            _payer, PaymentAttempt.created_at, where=_payer.is_null(False), name=f"payment_attempts_{_name}"
        )
    )


class AttemptReport(Record):
    """One report about an attempt, and its effect: the attempt's history, and who settled it."""

    id = BigAutoField()
    attempt = ForeignKeyField(PaymentAttempt)
    attempt_id: str
    source = CharField(max_length=16)  # where it came from: see `settlement.Source`
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
    automatic = BooleanField()  # ours, for duplicate, late or wrong money
    held = BooleanField(default=False)  # of money that is held; else of what counts as the intent's payment
    metadata = JsonField()
    sent_as = CharField(null=True, max_length=36)  # its id at the provider, a version 4 UUID; null: its own id
    provider_reference = CharField(null=True)
    provider_data = JsonField(null=True)  # as that of an attempt
    failure_code = CharField(null=True, max_length=32)
    cost_amount = BigIntegerField(
        null=True
    )  # what the provider keeps for it, as that of an attempt; or returns, if < 0
    cost_currency = CharField(null=True, max_length=3)
    created_at = InstantField()
    commit_order = CommitOrderField()
    sent_at = InstantField(null=True)  # when the provider was asked first: until then it can be withdrawn
    settled_at = InstantField(null=True)
    listed_at = InstantField(null=True)  # as that of an attempt

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

Refund.add_index(
    Refund.index(Refund.settled_at, where=Refund.settled_at.is_null(False), name="refunds_settled_on")  # as above
)
Refund.add_index(Refund.index(Refund.created_at, where=SQL("status = 'pending'"), name="refunds_pending"))
Refund.add_index(Refund.index(Refund.sent_as, unique=True, where=Refund.sent_as.is_null(False), name="refunds_sent_as"))


class Callback(Record):
    """A provider's callback that was received."""

    id = BigAutoField()
    provider = CharField(max_length=32)
    event_id = CharField()
    attempt_id = CharField(null=True)
    body = TextField()
    received_at = InstantField()

    class Meta:
        """Table options."""

        table_name = "callbacks"
        # Unique: a repeated callback is recognized, even if it reaches two machines at the same moment.
        indexes = ((("provider", "event_id"), True),)
