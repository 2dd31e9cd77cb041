"""Addresses to pay at repeatedly."""

from peewee import BooleanField, CharField, Check, ForeignKeyField, IntegerField

from ikawaari.fields import InstantField
from ikawaari.store import constraints
from ikawaari.store.commit_order import CommitOrderField
from ikawaari.store.models.merchants import Credential, Merchant
from ikawaari.store.models.offers import Offer


class PaymentLink(Offer):
    """An address to pay at, repeatedly or a limited number of times. It determines its visitors' sessions."""

    id = CharField(primary_key=True, max_length=36)  # a UUID
    version = IntegerField(constraints=[Check("version IN (1, 2)")])
    slug = CharField(unique=True, max_length=64)
    merchant = ForeignKeyField(Merchant, index=False)  # other indexes begin with it
    merchant_id: str
    livemode = BooleanField()
    active = BooleanField()
    max_uses = IntegerField(null=True, constraints=[Check("max_uses > 0")])  # 1: single use
    # Whether a customer with a running subscription of this link may start another one without being asked.
    allow_repeat_subscriptions = BooleanField(default=False)
    credential = ForeignKeyField(Credential, null=True)  # that created it
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
