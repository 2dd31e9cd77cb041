"""Who is paid, and the credentials for their requests."""

from peewee import BooleanField, CharField, Check, ForeignKeyField, IntegerField

from ikawaari.fields import InstantField, JsonField
from ikawaari.store.record import Record


class Merchant(Record):
    """A shop, and how its page looks and behaves."""

    id = CharField(primary_key=True)
    name = CharField()
    country = CharField(max_length=2)
    currency = CharField(max_length=3)
    logo_url = CharField(null=True, max_length=2048)
    color = CharField(null=True, max_length=7)  # '#rrggbb'
    legal_name = CharField(null=True, max_length=255)
    town = CharField(null=True, max_length=100)
    help_phone = CharField(null=True, max_length=20)  # E.164, as the next one
    whatsapp = CharField(null=True, max_length=20)
    terms_url = CharField(null=True, max_length=2048)
    refunds_url = CharField(null=True, max_length=2048)
    privacy_url = CharField(null=True, max_length=2048)
    payer_name = CharField(null=True, max_length=100)  # whom the operators' prompts name, unless an account says it
    late_payments = CharField(max_length=8, constraints=[Check("late_payments IN ('accept', 'refund')")])
    fees = JsonField(default=dict)  # what a customer pays on top, by payment method type
    # The final status of a subscription whose renewal is not paid.
    unpaid_subscriptions = CharField(
        max_length=8, default="unpaid", constraints=[Check("unpaid_subscriptions IN ('unpaid', 'canceled')")]
    )
    created_at = InstantField()

    class Meta:
        """Table options."""

        table_name = "merchants"


class AppInstallation(Record):
    """An app at one merchant. Its tokens end with it."""

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
    """An ApiKey, or an AppToken when it belongs to an installation. Only its digest is stored."""

    id = CharField(primary_key=True)
    merchant = ForeignKeyField(Merchant)
    merchant_id: str
    installation = ForeignKeyField(AppInstallation, null=True)
    installation_id: str | None
    digest = CharField(unique=True, max_length=64)  # SHA-256, hex
    hint = CharField(max_length=32)  # what the owner recognizes it by: its prefix and last characters
    livemode = BooleanField()
    scopes = JsonField()
    rate_limit = IntegerField(null=True)  # requests per minute
    allowed_networks = JsonField()  # CIDR; empty: from anywhere
    created_at = InstantField()
    expires_at = InstantField(null=True)
    revoked_at = InstantField(null=True)
    return_key = CharField(null=True)  # sealed; signs customers' returns, see `credentials.return_key_of`

    class Meta:
        """Table options."""

        table_name = "credentials"
