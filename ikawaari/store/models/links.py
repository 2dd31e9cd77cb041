"""Addresses to pay at again and again."""

from peewee import BigIntegerField, BooleanField, CharField, Check, ForeignKeyField, IntegerField

from ikawaari.fields import InstantField, JsonField
from ikawaari.store import constraints
from ikawaari.store.commit_order import CommitOrderField
from ikawaari.store.models.merchants import Credential, Merchant
from ikawaari.store.record import Record


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
