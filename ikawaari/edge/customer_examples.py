"""The examples of customers in the OpenAPI document."""

from typing import Any

CUSTOMER: dict[str, Any] = {
    "id": "cus_2kRb8XhQs1MzLdG3vN9cTfY6wEj",
    "object": "customer",
    "name": "Awa Diop",
    "email": None,
    "phone": "+221771234567",
    "livemode": False,
    "created": 1767225720,
}
CUSTOMERS: dict[str, Any] = {"object": "list", "data": [CUSTOMER], "has_more": False, "next_cursor": None}
