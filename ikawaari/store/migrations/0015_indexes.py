"""Indexes that others begin with cost each INSERT a write; that of e-mail addresses fits what lists ask for."""

from typing import Any

from ikawaari.store import sql

_BY_MERCHANT = (
    *("checkout_sessions", "customers", "events", "idempotency_keys", "payment_intents", "payment_links"),
    "subscriptions",
)
_OTHERS = ("invoices_subscription_id", "pay_keys_session_id", "webhook_deliveries_endpoint_id")
EMAIL = """
DROP INDEX checkout_sessions_merchant_id_livemode_customer_email;

CREATE INDEX checkout_sessions_email ON checkout_sessions (merchant_id, livemode, LOWER(customer_email));
"""


def up(_migrator: Any, db: Any) -> None:
    """Drop and create."""
    for name in [*[f"{table}_merchant_id" for table in _BY_MERCHANT], *_OTHERS]:
        sql.run(db, f"DROP INDEX {name}")
    sql.run(db, EMAIL)
