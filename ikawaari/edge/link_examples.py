"""The examples of payment links in the OpenAPI document: a club's subscription and a concert's tickets."""

from typing import Any

_QUESTION: dict[str, Any] = {"key": "place", "label": "Place", "type": "dropdown", "options": ["Balcon", "Parterre"]}
_OPTIONS = [{"label": name, "value": name} for name in _QUESTION["options"]]
_FIELD = _QUESTION | {"options": _OPTIONS, "required": False}

NEW_LINK: dict[str, Any] = {
    "amount": 10000,
    "currency": "XOF",
    "country": "SN",
    "description": "Cotisation de mars",
    "feeMode": "merchant_pays",
    "expiresAt": "2099-12-31T23:59:59Z",
    "isSingleUse": False,
}
LINK: dict[str, Any] = {
    "id": "6f1c2f0a-3b5d-4c2e-9a71-0d4f8e6b2c15",
    "object": "payment_link",
    "version": 1,
    "url": "https://pay.example/pay/q7RtVb4nYc1LzWp5",
    "slug": "q7RtVb4nYc1LzWp5",
    "active": True,
    "status": "active",
    "uses": 0,
    "is_single_use": False,
    "amount": 10000,
    "currency": "XOF",
    "country": "SN",
    "fee_mode": "merchant_pays",
    "description": "Cotisation de mars",
    "payment_method_types": ["mobile_money", "card"],
    "livemode": False,
    "created": 1767225600,
    "expires_at": "2099-12-31T23:59:59Z",
}
INACTIVE_LINK: dict[str, Any] = LINK | {"active": False, "status": "inactive"}
LINKS: dict[str, Any] = {"object": "list", "data": [LINK], "has_more": False, "next_cursor": None}
_TICKET = {"name": "Concert du samedi", "amount": 5000, "quantity": 1}
NEW_LINK_V2: dict[str, Any] = {
    "description": "Billets",
    "feeMode": "customer_pays",
    "lineItems": [_TICKET | {"adjustableQuantity": {"minimum": 1, "maximum": 6}}],
    "customFields": [_QUESTION],
    "maxUses": 200,
    "thankYou": "Merci, à samedi !",
    "metadata": {"event": "concert-7"},
}
LINK_V2: dict[str, Any] = LINK | {
    "version": 2,
    "amount": 5000,
    "fee_mode": "customer_pays",
    "description": "Billets",
    "expires_at": None,
    "amount_min": None,
    "amount_max": None,
    "amount_presets": [],
    "line_items": [_TICKET | {"adjustable_quantity": {"minimum": 1, "maximum": 6}}],
    "custom_fields": [_FIELD],
    "recurring": None,
    "allow_repeat_subscriptions": False,
    "max_uses": 200,
    "success_url": None,
    "thank_you": "Merci, à samedi !",
    "locale": "auto",
    "metadata": {"event": "concert-7"},
}
INACTIVE_LINK_V2: dict[str, Any] = LINK_V2 | {"active": False, "status": "inactive"}
LINKS_V2: dict[str, Any] = {"object": "list", "data": [LINK_V2], "has_more": False, "next_cursor": None}
