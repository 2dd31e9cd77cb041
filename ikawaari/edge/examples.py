"""What the examples of the OpenAPI document share: one order, from its opening to its payment."""

from collections.abc import Sequence

from ikawaari.shapes import JsonValue

Example = dict[str, JsonValue]
SESSION_ID = "cs_8dK2mQx7RtVb4nYc1LzWp5SgHfA"
INTENT_ID = "pi_3vN9cTfY6wEj2kRb8XhQs1MzLdG"
EVENT_ID = "evt_8dK2mQx7RtVb4nYc1LzWp5SgHfA"
SHOP = "https://boutique.example"
LINE_ITEMS: Sequence[Example] = [{"name": "Wax hollandais, 6 yards", "amount": 12500, "quantity": 2}]
CUSTOM_FIELD: Example = {
    "key": "taille",
    "label": "Taille",
    "type": "dropdown",
    "options": [{"label": "M", "value": "M"}, {"label": "L", "value": "L"}],
    "required": False,
}
NEXT_ACTION: Example = {
    "type": "mobile_money_ussd",
    "mobile_money_ussd": {"message": "Approve the payment on your phone.", "dial_code": "#144#"},
}


def page(*data: Example) -> Example:
    """A list whose last page is `data`."""
    return {"object": "list", "data": list(data), "has_more": False, "next_cursor": None}
