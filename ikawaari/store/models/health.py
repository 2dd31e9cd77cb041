"""Whether charges go to a provider account now, and what its provider says of its operators."""

from peewee import CharField, CompositeKey

from ikawaari.fields import InstantField, JsonField
from ikawaari.store.record import Record


class Breaker(Record):
    """Whether charges of one operator go to a provider account now. Where there is no row, they do.

    It is open while `opened_at` is not null.
    """

    account = CharField(max_length=64)  # opaque here
    operator = CharField(max_length=32)  # empty for cards
    opened_at = InstantField(null=True)
    next_trial_at = InstantField(null=True)  # while it is open: from then on one charge may be let through
    closed_at = InstantField(null=True)  # what happened before does not open it again
    reason = CharField(null=True, max_length=32)  # why it was opened

    class Meta:
        """Table options."""

        table_name = "breakers"
        primary_key = CompositeKey("account", "operator")


class ProviderConditions(Record):
    """What a provider said last of the operators of an account. It counts before the constants of its adapter."""

    account = CharField(primary_key=True, max_length=64)
    said = JsonField()  # one object for each operator and currency: see `checkout.health`
    refreshed_at = InstantField(null=True)  # when it said so; null: never
    failed_since = InstantField(null=True)  # since when it does not say anything
    rests_until = InstantField(null=True)  # it was asked too often, and wants no calls until then

    class Meta:
        """Table options."""

        table_name = "provider_conditions"
