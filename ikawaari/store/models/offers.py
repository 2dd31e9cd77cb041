"""What is sold, and on which terms: the columns that sessions and payment links have in common."""

from peewee import BigIntegerField, CharField, Check

from ikawaari.fields import JsonField
from ikawaari.shapes import FeeMode
from ikawaari.store.record import Record


class Offer(Record):
    """No table of its own. Each column is a field of `checkout.offers.Offer`, under the same name."""

    amount = BigIntegerField(null=True, constraints=[Check("amount > 0")])  # null: the customer chooses
    amount_min = BigIntegerField(null=True)
    amount_max = BigIntegerField(null=True)
    amount_presets = JsonField()
    currency = CharField(max_length=3)
    country = CharField(null=True, max_length=2)
    payment_method_types = JsonField()
    fee_mode = CharField(
        max_length=16,
        default=FeeMode.MERCHANT_PAYS.value,
        constraints=[Check("fee_mode IN ('merchant_pays', 'customer_pays')")],
    )
    description = CharField(null=True, max_length=500)
    line_items = JsonField()
    custom_fields = JsonField()  # the definitions
    recurring = JsonField(null=True)
    success_url = CharField(null=True, max_length=2048)
    thank_you = CharField(null=True, max_length=500)  # shown on the receipt
    custom_text = CharField(null=True, max_length=500)  # shown above the pay button
    locale = CharField(max_length=4)
    metadata = JsonField()
