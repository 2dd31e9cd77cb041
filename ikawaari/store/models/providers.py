"""Provider accounts, the order in which they are asked, and whether they accept new charges."""

from peewee import BigAutoField, BooleanField, CharField, Check, ForeignKeyField, IntegerField, TextField

from ikawaari import states
from ikawaari.fields import InstantField, JsonField, StatusField
from ikawaari.store.models.merchants import Merchant
from ikawaari.store.record import Record


class ProviderAccount(Record):
    """One set of credentials at a provider: of one merchant, or of the house, which all merchants may use.

    It is never deleted: payments and refunds of years ago belong to it. Whether it is open, `ProviderSwitch` says.
    """

    id = CharField(primary_key=True, max_length=20)  # acc_ and 16 letters and digits
    provider = CharField(max_length=32)  # a name of `providers.registry`
    merchant = ForeignKeyField(Merchant, null=True, index=False)
    merchant_id: str | None
    country = CharField(null=True, max_length=2, constraints=[Check("length(country) = 2")])  # null: all
    livemode = BooleanField()
    settings = TextField()  # a JSON object, sealed
    callback_key = CharField()  # 32 bytes in hex, sealed: registered callback addresses depend on it
    created_at = InstantField()

    class Meta:
        """Table options."""

        table_name = "provider_accounts"


class ProviderOrder(Record):
    """Which accounts are asked first for an operator's payers. The house's list has no merchant."""

    id = BigAutoField()
    merchant = ForeignKeyField(Merchant, null=True, index=False)
    merchant_id: str | None
    operator = CharField(max_length=32)  # its id, which names its country
    accounts = JsonField()  # their ids, the first one first

    class Meta:
        """Table options."""

        table_name = "provider_orders"


_of_house = ProviderOrder.merchant.is_null(True)
ProviderOrder.add_index(
    ProviderOrder.index(ProviderOrder.operator, unique=True, where=_of_house, name="provider_orders_of_house")
)
ProviderOrder.add_index(
    ProviderOrder.index(
        *(ProviderOrder.merchant, ProviderOrder.operator),
        unique=True,
        where=~_of_house,
        name="provider_orders_of_merchant",
    )
)


class ProviderSwitch(Record):
    """Whether an account accepts new charges, on all machines. An account without a row does."""

    name = CharField(primary_key=True, max_length=64)  # its id, also of one that is built in
    state = StatusField(states.ProviderState)
    changed_at = InstantField()

    class Meta:
        """Table options."""

        table_name = "provider_switches"


class ProviderVersion(Record):
    """One row: how often accounts, orders or switches have changed. Each change increments it in its transaction.

    A process reads this row once a second, and the three tables only when it has changed.
    """

    id = IntegerField(primary_key=True, constraints=[Check("id = 1")])
    version = IntegerField()

    class Meta:
        """Table options."""

        table_name = "provider_versions"
