"""Pages to pay on, and who pays."""

from peewee import BigAutoField, BigIntegerField, BooleanField, CharField, Check, ForeignKeyField, TextField, fn

from ikawaari import states
from ikawaari.fields import InstantField, JsonField, StatusField
from ikawaari.store import constraints
from ikawaari.store.commit_order import CommitOrderField
from ikawaari.store.models.links import PaymentLink
from ikawaari.store.models.merchants import Credential, Merchant
from ikawaari.store.models.offers import Offer
from ikawaari.store.record import Record


class Customer(Record):
    """Somebody who paid a merchant, identified by a phone number or an email address."""

    id = CharField(primary_key=True)
    merchant = ForeignKeyField(Merchant, index=False)  # other indexes begin with it
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
            # Unique: two payments of one person at the same moment belong to one customer.
            (("merchant", "livemode", "identity"), True),
            (("merchant", "livemode", "created_at", "id"), False),
        )


class CheckoutSession(Offer):
    """One page that a customer may pay on, once."""

    MOVES = {"status": states.SESSION, "payment_status": states.PAYMENT}

    id = CharField(primary_key=True)
    merchant = ForeignKeyField(Merchant, index=False)  # other indexes begin with it
    merchant_id: str
    livemode = BooleanField()
    status = StatusField(states.SessionStatus)
    payment_status = StatusField(states.PaymentStatus)
    mode = CharField(max_length=16)
    payment_link = ForeignKeyField(PaymentLink, null=True, index=False)
    payment_link_id: str | None
    opened_by = StatusField(states.OpenedBy, default=states.OpenedBy.MERCHANT)
    # The fee that the customer agreed to; the intent's amount includes it.
    fee_amount = BigIntegerField(default=0, constraints=[Check("fee_amount >= 0")])
    customer = ForeignKeyField(Customer, null=True, index=False)
    customer_id: str | None
    cancel_url = CharField(null=True, max_length=2048)
    customer_email = CharField(null=True, max_length=320)
    customer_phone = CharField(null=True, max_length=20)  # E.164
    customer_details = JsonField()  # what the customer typed
    custom_field_values = JsonField()
    deferred = BooleanField()  # the intent is created when the customer pays
    client_reference_id = CharField(null=True)
    late = BooleanField(default=False)  # the money arrived after expiry
    # The credential that opened it, or created its link. While it is valid, its key signs the customer's return.
    credential = ForeignKeyField(Credential, null=True, index=False)
    credential_id: str | None
    created_at = InstantField()
    commit_order = CommitOrderField()
    expires_at = InstantField()
    completed_at = InstantField(null=True)

    class Meta:
        """Table options."""

        table_name = "checkout_sessions"
        constraints = constraints.of("checkout_sessions")
        indexes = ((("merchant", "livemode", "created_at", "id"), False),)


_EMAIL = fn.LOWER(CheckoutSession.customer_email)  # the case of an address does not matter
_OF_OWNER = (CheckoutSession.merchant, CheckoutSession.livemode)
# What most sessions do not have.
for _name, _columns, _known in (
    ("customer", [CheckoutSession.customer], CheckoutSession.customer),
    ("link", [CheckoutSession.payment_link], CheckoutSession.payment_link),
    ("reference", [*_OF_OWNER, CheckoutSession.client_reference_id], CheckoutSession.client_reference_id),
    ("email", [*_OF_OWNER, _EMAIL], _EMAIL),
):
    CheckoutSession.add_index(
        CheckoutSession.index(*_columns, where=_known.is_null(False), name=f"checkout_sessions_{_name}")
    )


class DeviceCode(Record):
    """A short code that leads a second device to a session's page."""

    # Unique: two pages that draw the same code at once do not lead to each other's session.
    digest = CharField(primary_key=True, max_length=64)
    session = ForeignKeyField(CheckoutSession, index=False)  # other indexes begin with it
    session_id: str
    expires_at = InstantField()

    class Meta:
        """Table options."""

        table_name = "device_codes"
        indexes = ((("session", "expires_at"), False),)


class PayKey(Record):
    """A stored request to pay a session: if it is repeated, it is not stored again."""

    id = BigAutoField()
    session = ForeignKeyField(CheckoutSession, index=False)  # other indexes begin with it
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


class PageDraft(Record):
    """What was typed into a session's page by a payer whose browser keeps no cookies. The id is a token's digest."""

    id = CharField(primary_key=True, max_length=64)
    session = ForeignKeyField(CheckoutSession, index=False)
    session_id: str
    sealed = TextField()
    created_at = InstantField(index=True)

    class Meta:
        """Table options."""

        table_name = "page_drafts"
