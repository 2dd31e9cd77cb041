"""The examples of the OpenAPI document: one order, from its opening to its payment."""

from typing import Any

_ID = "cs_8dK2mQx7RtVb4nYc1LzWp5SgHfA"
_INTENT = "pi_3vN9cTfY6wEj2kRb8XhQs1MzLdG"
_SHOP = "https://boutique.example"

NEW_SESSION: dict[str, Any] = {
    "amount": 25000,
    "currency": "XOF",
    "country": "SN",
    "description": "Commande 1042",
    "lineItems": [{"name": "Wax hollandais, 6 yards", "amount": 12500, "quantity": 2}],
    "clientReferenceId": "1042",
    "customerPhone": "77 123 45 67",
    "successUrl": f"{_SHOP}/merci?session={{CHECKOUT_SESSION_ID}}",
    "cancelUrl": f"{_SHOP}/panier",
    "customFields": [{"key": "taille", "label": "Taille", "type": "dropdown", "options": ["M", "L"]}],
    "metadata": {"order": 1042},
}
_OPTIONS = [{"label": "M", "value": "M"}, {"label": "L", "value": "L"}]
_FIELD = {"key": "taille", "label": "Taille", "type": "dropdown", "options": _OPTIONS, "required": False}

SESSION: dict[str, Any] = {
    "id": _ID,
    "object": "checkout.session",
    "url": f"https://pay.example/{_ID}",
    "status": "open",
    "payment_status": "unpaid",
    "mode": "payment",
    "recurring": None,
    "amount": 25000,
    "fee_mode": "merchant_pays",
    "fee_amount": 0,
    "amount_total": 25000,
    "amount_min": None,
    "amount_max": None,
    "amount_presets": [],
    "currency": "XOF",
    "country": "SN",
    "payment_method_types": ["mobile_money", "card"],
    "success_url": NEW_SESSION["successUrl"],
    "cancel_url": NEW_SESSION["cancelUrl"],
    "customer_email": None,
    "customer_phone": "+221771234567",
    "customer_details": None,
    "customer": None,
    "custom_fields": [_FIELD | {"value": None}],
    "payment_intent": _INTENT,
    "subscription": None,
    "payment_link": None,
    "payment_link_v2": None,
    "client_reference_id": "1042",
    "line_items": NEW_SESSION["lineItems"],
    "description": "Commande 1042",
    "locale": "auto",
    "metadata": {"order": 1042},
    "livemode": False,
    "created": 1767225600,
    "expires_at": 1767312000,
    "completed_at": None,
    "late": False,
    "last_payment_error": None,
    "attempts": [],
    "attempts_count": 0,
}
EXPIRED_SESSION: dict[str, Any] = SESSION | {"status": "expired"}
SESSIONS: dict[str, Any] = {"object": "list", "data": [SESSION], "has_more": False, "next_cursor": None}

_WALLETS = [
    {"id": "orange_sn", "name": "Orange Money", "flows": ["ussd_push", "otp", "redirect"], "available": True},
    {"id": "wave_sn", "name": "Wave", "flows": ["ussd_push", "redirect", "qr"], "available": True},
]
CHECKOUT: dict[str, Any] = {
    "id": _ID,
    "object": "checkout.session",
    "status": "open",
    "payment_status": "unpaid",
    "mode": "payment",
    "recurring": None,
    "amount": 25000,
    "amount_min": None,
    "amount_max": None,
    "amount_presets": [],
    "fee_mode": "merchant_pays",
    "fee_amount": 0,
    "fees": [
        {"type": "mobile_money", "fee_amount": 0, "amount_total": 25000},
        {"type": "card", "fee_amount": 0, "amount_total": 25000},
    ],
    "currency": "XOF",
    "country": "SN",
    "description": "Commande 1042",
    "line_items": NEW_SESSION["lineItems"],
    "custom_fields": [_FIELD],
    "answered_fields": [],
    "merchant": {"name": "Boutique Teranga", "logo_url": None, "color": "#0b6e4f", "country": "SN"},
    "payment_methods": [
        {"type": "mobile_money", "countries": [{"country": "SN", "dial_code": "221", "operators": _WALLETS}]},
        {"type": "card"},
    ],
    "customer": {"name": None, "email": None, "phone": "+221 77 ••• •• 67"},
    "next_action": None,
    "payment": None,
    "last_payment_error": None,
    "late": False,
    "subscription": None,
    "invoice": None,
    "unavailable": None,
    "thank_you": None,
    "success_url": None,
    "cancel_url": NEW_SESSION["cancelUrl"],
    "expires_at": 1767312000,
    "completed_at": None,
    "livemode": False,
    "locale": "auto",
}
PAYMENT: dict[str, Any] = {
    "payment_method": {
        "type": "mobile_money",
        "mobile_money": {"country": "SN", "operator": "orange_sn", "phone_number": "+221771234567"},
    },
    "collected": {"customerDetails": {"name": "Awa Diop"}, "customFields": {"taille": "L"}},
}
PAYING_CHECKOUT: dict[str, Any] = CHECKOUT | {
    "payment_status": "processing",
    "answered_fields": ["taille"],
    "customer": {"name": "Awa Diop", "email": None, "phone": "+221 77 ••• •• 67"},
    "next_action": {
        "type": "mobile_money_ussd",
        "mobile_money_ussd": {"message": "Approve the payment on your phone.", "dial_code": "#144#"},
    },
    "payment": {
        "status": "requires_action",
        "type": "mobile_money",
        "operator": "orange_sn",
        "phone": "+221 77 ••• •• 67",
        "amount": 25000,
        "fee_amount": 0,
        "currency": "XOF",
        "created": 1767225660,
        "deadline_at": 1767225720,
        "settled_at": None,
        "reference": "5F1C0A7E",
    },
}

CALLBACK: dict[str, Any] = {"payment_intent_id": _INTENT, "status": "failed", "failure_reason": "insufficient_funds"}
CALLBACK_RESULT: dict[str, Any] = {"received": True, "payment_intent_id": _INTENT, "status": "failed"}

NEW_INTENT: dict[str, Any] = {
    "amount": 25000,
    "currency": "xof",
    "transaction_country": "SN",
    "description": "Commande 1042",
    "metadata": {"order": 1042},
}
INTENT: dict[str, Any] = {
    "id": _INTENT,
    "object": "payment_intent",
    "status": "requires_payment_method",
    "amount": 25000,
    "amount_received": 0,
    "amount_refunded": 0,
    "currency": "xof",
    "customer_email": None,
    "customer_phone": None,
    "customer": None,
    "country": "SN",
    "description": "Commande 1042",
    "metadata": {"order": 1042},
    "checkout_session": None,
    "livemode": False,
    "created": 1767225600,
    "canceled_at": None,
    "next_action": None,
    "last_payment_error": None,
    "attempts": [],
    "attempts_count": 0,
}
INTENTS: dict[str, Any] = {"object": "list", "data": [INTENT], "has_more": False, "next_cursor": None}
INTENT_CHANGES: dict[str, Any] = {"description": "Commande 1042, 1043", "metadata": {"orders": [1042, 1043]}}
CONFIRMATION: dict[str, Any] = {
    "payment_method_data": {
        "type": "mobile_money",
        "mobile_money": {"country": "SN", "operator": "orange_sn", "msisdn": "+221771234567"},
    },
    "return_url": f"{_SHOP}/retour",
}
ATTEMPT: dict[str, Any] = {
    "id": "0198c5a4-6e0f-7c52-9d53-3f4d8a4f2b10",
    "provider": "sandbox",
    "type": "mobile_money",
    "operator": "orange_sn",
    "country": "SN",
    "phone": "+221 77 ••• •• 67",
    "amount": 25000,
    "fee_amount": 0,
    "amount_received": None,
    "amount_returned": 0,
    "amount_held": 0,
    "currency": "xof",
    "status": "requires_action",
    "failure_code": None,
    "surplus": False,
    "created": 1767225660,
    "settled_at": None,
}
CONFIRMED_INTENT: dict[str, Any] = INTENT | {
    "status": "requires_action",
    "next_action": PAYING_CHECKOUT["next_action"],
    "attempts": [ATTEMPT],
    "attempts_count": 1,
}
CANCELED_INTENT: dict[str, Any] = INTENT | {"status": "canceled", "canceled_at": 1767225700}

NEW_REFUND: dict[str, Any] = {"payment_intent": _INTENT, "amount": 12500, "reason": "Un article manque"}
REFUND: dict[str, Any] = {
    "id": "re_5hT8pWzC2mKx7VbQ4nYd1LsRfJg",
    "object": "refund",
    "payment_intent": _INTENT,
    "attempt": ATTEMPT["id"],
    "amount": 12500,
    "currency": "xof",
    "status": "pending",
    "reason": "Un article manque",
    "automatic": False,
    "failure_code": None,
    "metadata": {},
    "created": 1767225900,
    "settled_at": None,
}
REFUNDS: dict[str, Any] = {"object": "list", "data": [REFUND], "has_more": False, "next_cursor": None}
_SUBSCRIPTION_ID = "sub_8dK2mQx7RtVb4nYc1LzWp5SgHfA"
INVOICE: dict[str, Any] = {
    "id": "in_3vN9cTfY6wEj2kRb8XhQs1MzLdG",
    "object": "invoice",
    "subscription": _SUBSCRIPTION_ID,
    "customer": None,
    "checkout_session": _ID,
    "payment_intent": _INTENT,
    "status": "open",
    "period": 2,
    "period_start": 1767225600,
    "period_end": 1769904000,
    "amount": 5000,
    "fee_amount": 0,
    "currency": "xof",
    "hosted_invoice_url": f"https://pay.example/{_ID}",
    "attempt_count": 1,
    "next_payment_attempt": 1767484801,
    "last_payment_error": {
        "code": "payment_timeout",
        "message": "The last payment attempt failed: payment timeout.",
    },
    "livemode": False,
    "created": 1767225600,
    "paid_at": None,
}
INVOICES: dict[str, Any] = {"object": "list", "data": [INVOICE], "has_more": False, "next_cursor": None}
SUBSCRIPTION: dict[str, Any] = {
    "id": _SUBSCRIPTION_ID,
    "object": "subscription",
    "checkout_session": "cs_5hT8pWzC2mKx7VbQ4nYd1LsRfJg",
    "customer": None,
    "client_reference_id": "abonnement-77",
    "status": "past_due",
    "amount": 5000,
    "currency": "xof",
    "interval": "month",
    "interval_count": 1,
    "current_period_start": 1767225600,
    "current_period_end": 1769904000,
    "trial_end": None,
    "cancel_at_period_end": False,
    "canceled_at": None,
    "latest_invoice": INVOICE["id"],
    "metadata": {"plan": "mensuel"},
    "livemode": False,
    "created": 1764547200,
}
SUBSCRIPTIONS: dict[str, Any] = {"object": "list", "data": [SUBSCRIPTION], "has_more": False, "next_cursor": None}
CANCELLATION: dict[str, Any] = {"at_period_end": False}
CANCELED_SUBSCRIPTION: dict[str, Any] = SUBSCRIPTION | {"status": "canceled", "canceled_at": 1767312000}
EVENT_ID = "evt_8dK2mQx7RtVb4nYc1LzWp5SgHfA"
NEW_ENDPOINT: dict[str, Any] = {
    "url": "https://boutique.example/webhooks",
    "enabled_events": ["checkout.session.completed", "checkout.session.late_payment"],
}
ENDPOINT: dict[str, Any] = {
    "id": "we_8dK2mQx7RtVb4nYc1LzWp5SgHfA",
    "object": "webhook_endpoint",
    **NEW_ENDPOINT,
    "enabled": True,
    "status": "enabled",
    "failing_since": None,
    "secret_changes_at": None,
    "livemode": False,
    "created": 1767225600,
}
ENDPOINT_WITH_SECRET: dict[str, Any] = ENDPOINT | {"secret": "whsec_Zr6wY1bTq9LmX3vKc8NdPf2HsGj5RtVb4nYc1LzW"}
DELETED_ENDPOINT: dict[str, Any] = {"id": ENDPOINT["id"], "object": "webhook_endpoint", "deleted": True}
DELIVERY: dict[str, Any] = {
    "id": "wd_8dK2mQx7RtVb4nYc1LzWp5SgHfA",
    "object": "webhook_delivery",
    "event": EVENT_ID,
    "event_type": "checkout.session.completed",
    "status": "succeeded",
    "created": 1767225960,
    "next_try_at": None,
    "tries": [{"at": 1767225961, "duration_ms": 84, "http_status": 200, "body": "ok"}],
}
DELIVERIES: dict[str, Any] = {"object": "list", "data": [DELIVERY], "has_more": False, "next_cursor": None}
RANGE: dict[str, Any] = {"created_gte": 1767225600, "created_lte": 1767229200}
REDELIVERED: dict[str, Any] = {
    "object": "redelivery",
    "events": 12,
    "deliveries": 24,
    "has_more": False,
    "next_cursor": None,
}
