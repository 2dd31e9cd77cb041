"""The names of fields. The domain has its own, those of its values: `expires_at`, `customer.email`.

Each edge translates them once, into those of its requests.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ikawaari.errors import ValidationFailed

# The fields of a PayRequest, as its JSON has them. A client of intents may name `method` and `number` in other ways.
_PAYMENT = {
    "payment_method": "{method}",
    "type": "{method}.type",
    "country": "{method}.mobile_money.country",
    "operator": "{method}.mobile_money.operator",
    "phone_number": "{method}.mobile_money.{number}",
    "preferred_flow": "{method}.mobile_money.preferred_flow",
    "card_token": "{method}.card.token",
    "amount": "collected.amount",
    "quantities": "collected.quantities",
    "customer": "collected.customerDetails",
    "custom_fields": "collected.customFields",
}


@contextmanager
def fields_named(translate: Callable[[str], str]) -> Iterator[None]:
    """Let the errors of the domain name the fields as the request does."""
    try:
        yield
    except ValidationFailed as wrong:
        raise ValidationFailed({translate(name): texts for name, texts in wrong.details.items()}, wrong.row) from None


def payment(name: str, method: str = "payment_method", number: str = "phone_number") -> str:
    """`phone_number` as `payment_method.mobile_money.phone_number`, `quantities.0` as `collected.quantities.0`."""
    first, dot, rest = name.partition(".")
    path = _PAYMENT[first].format(method=method, number=number) if first in _PAYMENT else first
    return path + dot + rest


def camel(name: str) -> str:
    """`line_items.0.currency` as `lineItems.0.currency`."""
    first, *others = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in others)


def snake(name: str) -> str:
    """`successUrl` as `success_url`, `paymentLinkV2Id` as `payment_link_v2_id`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
