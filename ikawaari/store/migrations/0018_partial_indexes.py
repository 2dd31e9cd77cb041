"""What most rows do not have is left out of its index: each entry costs the INSERT a write. Nobody asks by credential.

An older version works with them: none of these guards anything.
"""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
DROP INDEX checkout_sessions_credential_id;

DROP INDEX checkout_sessions_customer_id;

DROP INDEX checkout_sessions_payment_link_id;

DROP INDEX checkout_sessions_merchant_id_livemode_client_reference_id;

DROP INDEX checkout_sessions_email;

DROP INDEX payment_attempts_phone_created_at;

DROP INDEX payment_attempts_card_token_created_at;

CREATE INDEX checkout_sessions_customer ON checkout_sessions (customer_id) WHERE customer_id IS NOT NULL;

CREATE INDEX checkout_sessions_link ON checkout_sessions (payment_link_id) WHERE payment_link_id IS NOT NULL;

CREATE INDEX checkout_sessions_reference ON checkout_sessions (merchant_id, livemode, client_reference_id)
    WHERE client_reference_id IS NOT NULL;

CREATE INDEX checkout_sessions_email ON checkout_sessions (merchant_id, livemode, LOWER(customer_email))
    WHERE LOWER(customer_email) IS NOT NULL;

CREATE INDEX payment_attempts_phone ON payment_attempts (phone, created_at) WHERE phone IS NOT NULL;

CREATE INDEX payment_attempts_card ON payment_attempts (card_token, created_at) WHERE card_token IS NOT NULL;
"""


def up(_migrator: Any, db: Any) -> None:
    """Drop and create."""
    sql.run(db, SCHEMA)
