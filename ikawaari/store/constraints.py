"""The named constraints of the tables: what must hold within a row, and between a row and the one that it belongs to.

`checkout.audit` looks for violations that no constraint can detect because they span rows.
"""

from collections.abc import Mapping

from peewee import SQL

_BOUNDS = "amount_min > 0 AND amount_max > 0 AND amount_min <= amount_max"
_LOCALE = "locale IN ('fr', 'en', 'auto')"
_RECEIVED = "COALESCE(amount_received, 0)"
_CHECKS: Mapping[str, Mapping[str, str]] = {
    "payment_links": {"payment_links_bounds": _BOUNDS, "payment_links_locale": _LOCALE},
    "checkout_sessions": {
        "checkout_sessions_complete": (
            "status <> 'complete'"
            " OR payment_status IN ('paid', 'refunded', 'partially_refunded', 'no_payment_required')"
        ),
        "checkout_sessions_mode": (
            "mode IN ('payment', 'subscription') AND (mode = 'subscription') = (recurring IS NOT NULL)"
            " AND (mode = 'payment' OR amount IS NOT NULL)"
        ),
        "checkout_sessions_bounds": _BOUNDS,
        "checkout_sessions_locale": _LOCALE,
    },
    "payment_intents": {
        "payment_intents_paid": "amount_received >= 0 AND (status = 'succeeded') = (amount_received > 0)",
    },
    "payment_attempts": {
        "payment_attempts_type": "type IN ('mobile_money', 'card')",
        "payment_attempts_fee": "fee_amount < amount",
        "payment_attempts_received": (
            "(amount_received IS NULL) = (received_currency IS NULL)"
            " AND (status IN ('succeeded', 'failed') OR amount_received IS NULL)"
            f" AND (status <> 'succeeded' OR {_RECEIVED} > 0)"
        ),
        "payment_attempts_counted": "counted = 0 OR status = 'succeeded' AND received_currency = currency",
        # If two refunds are created at once, each reserves its part (`promised`) by one UPDATE of this row: whichever
        # comes second reserves from what the first one left, or is refused.
        "payment_attempts_books": (
            "counted >= 0 AND closed >= 0 AND returned >= 0 AND promised >= 0 AND unpromised >= 0"
            f" AND held >= -unpromised AND counted + held <= {_RECEIVED}"
            f" AND returned + held + closed <= {_RECEIVED} + unpromised"
            f" AND returned + promised + closed <= {_RECEIVED} + unpromised"
        ),
    },
    "refunds": {},
    "subscriptions": {
        "subscriptions_interval": "\"interval\" IN ('day', 'week', 'month', 'year') AND interval_count > 0",
        "subscriptions_period": "period >= 0 AND current_period_end > current_period_start",
    },
    "invoices": {
        "invoices_period": "period > 0 AND period_end > period_start",
        "invoices_paid": "(status = 'paid') = (paid_at IS NOT NULL)",
    },
}
_KEYS: Mapping[str, str] = {
    # If a merchant changes an intent's currency while it is being confirmed, one of the two fails.
    "payment_attempts": (
        "CONSTRAINT payment_attempts_of_intent FOREIGN KEY (intent_id, currency)"
        " REFERENCES payment_intents (id, currency)"
    ),
    "refunds": (
        "CONSTRAINT refunds_of_attempt FOREIGN KEY (attempt_id, intent_id, currency)"
        " REFERENCES payment_attempts (id, intent_id, received_currency)"
    ),
}


def of(table: str) -> list[SQL]:
    """The constraints of a table, for its model."""
    checks = [SQL(f"CONSTRAINT {name} CHECK ({text})") for name, text in _CHECKS[table].items()]
    return [*checks, SQL(_KEYS[table])] if table in _KEYS else checks
