"""What only code kept is kept by the database: books, currencies, closed sets of words, bounds; missing indexes.

Rows that break a constraint are brought into it where the truth is known. The others are listed by `sql.Unfit`, and
then nothing at all is changed.
"""

from typing import Any

from ikawaari import ids
from ikawaari.store import sql
from ikawaari.store.sql import Finding

_RECEIVED = "COALESCE(amount_received, 0)"
_BOUNDS = "amount_min > 0 AND amount_max > 0 AND amount_min <= amount_max"
CHECKS: dict[str, dict[str, str]] = {
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
        "payment_attempts_books": (
            "counted >= 0 AND held >= 0 AND closed >= 0 AND returned >= 0 AND promised >= 0"
            f" AND counted + held <= {_RECEIVED} AND returned + held + closed <= {_RECEIVED}"
            f" AND returned + promised + closed <= {_RECEIVED}"
        ),
    },
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
        "checkout_sessions_locale": "locale IN ('fr', 'en', 'auto')",
    },
    "payment_links": {
        "payment_links_bounds": _BOUNDS,
        "payment_links_locale": "locale IN ('fr', 'en', 'auto')",
    },
    "subscriptions": {
        "subscriptions_interval": "\"interval\" IN ('day', 'week', 'month', 'year') AND interval_count > 0",
        "subscriptions_period": "period >= 0 AND current_period_end > current_period_start",
    },
    "invoices": {
        "invoices_period": "period > 0 AND period_end > period_start",
        "invoices_paid": "(status = 'paid') = (paid_at IS NOT NULL)",
    },
    "refunds": {},
}
KEYS = {
    "payment_attempts": (
        "CONSTRAINT payment_attempts_of_intent FOREIGN KEY (intent_id, currency)"
        " REFERENCES payment_intents (id, currency)"
    ),
    "refunds": (
        "CONSTRAINT refunds_of_attempt FOREIGN KEY (attempt_id, intent_id, currency)"
        " REFERENCES payment_attempts (id, intent_id, received_currency)"
    ),
}

MEND = """
UPDATE payment_attempts SET amount_received = amount, received_currency = currency, counted = amount
    WHERE status = 'succeeded' AND amount_received IS NULL;

UPDATE refunds SET intent_id =
    (SELECT intent_id FROM payment_attempts WHERE payment_attempts.id = refunds.attempt_id)
    WHERE intent_id <> (SELECT intent_id FROM payment_attempts WHERE payment_attempts.id = refunds.attempt_id);

UPDATE payment_attempts SET provider_reference = NULL
    WHERE status = 'failed' AND amount_received IS NULL AND id IN (
        SELECT one.id FROM payment_attempts one JOIN payment_attempts other
            ON other.provider = one.provider AND other.provider_reference = one.provider_reference
            WHERE other.id <> one.id
    );

UPDATE payment_attempts SET counted = 0, held = amount_received - returned - closed
    WHERE counted > 0 AND EXISTS (
        SELECT 1 FROM payment_attempts others
            WHERE others.intent_id = payment_attempts.intent_id AND others.counted > 0
            AND (others.settled_at < payment_attempts.settled_at
                OR others.settled_at = payment_attempts.settled_at AND others.id < payment_attempts.id)
    );

UPDATE refunds SET held = TRUE WHERE attempt_id IN
    (SELECT id FROM payment_attempts WHERE amount_received IS NOT NULL AND counted = 0);

UPDATE payment_intents SET currency =
    (SELECT currency FROM payment_attempts WHERE payment_attempts.intent_id = payment_intents.id AND counted > 0)
    WHERE status = 'succeeded'
        AND EXISTS (SELECT 1 FROM payment_attempts WHERE intent_id = payment_intents.id AND counted > 0);

UPDATE payment_intents SET amount_received =
    (SELECT counted FROM payment_attempts WHERE payment_attempts.intent_id = payment_intents.id AND counted > 0)
    WHERE status = 'succeeded' AND amount_received = 0
        AND EXISTS (SELECT 1 FROM payment_attempts WHERE intent_id = payment_intents.id AND counted > 0);

UPDATE payment_intents SET status = 'succeeded'
    WHERE status <> 'succeeded' AND amount_received > 0
        AND EXISTS (SELECT 1 FROM payment_attempts WHERE intent_id = payment_intents.id AND counted > 0);

UPDATE checkout_sessions SET payment_status = 'paid'
    WHERE status = 'complete' AND payment_status IN ('unpaid', 'processing') AND EXISTS
        (SELECT 1 FROM payment_intents WHERE session_id = checkout_sessions.id AND payment_intents.status = 'succeeded');

UPDATE invoices SET paid_at = COALESCE(
    (SELECT completed_at FROM checkout_sessions WHERE checkout_sessions.id = invoices.session_id), created_at)
    WHERE status = 'paid' AND paid_at IS NULL;

UPDATE invoices SET paid_at = NULL WHERE status <> 'paid' AND paid_at IS NOT NULL;
"""

LEDGER = """
UPDATE payment_attempts SET
    amount_received = (SELECT taken FROM sandbox_charges WHERE sandbox_charges.id = payment_attempts.id),
    received_currency = currency,
    held = (SELECT taken FROM sandbox_charges WHERE sandbox_charges.id = payment_attempts.id) - returned - closed
    WHERE provider = 'sandbox' AND status = 'failed' AND id IN (SELECT attempt_id FROM refunds) AND EXISTS (
        SELECT 1 FROM sandbox_charges WHERE sandbox_charges.id = payment_attempts.id
            AND taken > COALESCE(payment_attempts.amount_received, 0)
            AND taken >= payment_attempts.returned + payment_attempts.closed
    )
"""
PARTED = """
INSERT INTO payment_intents ({columns}) SELECT {values} FROM payment_intents WHERE id = '{intent}';

UPDATE refunds SET intent_id = '{made}' WHERE attempt_id IN
    (SELECT id FROM payment_attempts WHERE intent_id = '{intent}' AND currency = '{currency}');

UPDATE payment_attempts SET intent_id = '{made}' WHERE intent_id = '{intent}' AND currency = '{currency}'
"""

INDEXES = """
CREATE UNIQUE INDEX payment_attempts_one_counted ON payment_attempts (intent_id) WHERE counted > 0;

DROP INDEX payment_attempts_provider_reference;

CREATE UNIQUE INDEX payment_attempts_provider_provider_reference ON payment_attempts (provider, provider_reference);

CREATE INDEX payment_attempts_status_created_at ON payment_attempts (status, created_at);

CREATE INDEX events_merchant_id_livemode_sequence ON events (merchant_id, livemode, sequence);

CREATE INDEX checkout_sessions_merchant_id_livemode_client_reference_id
    ON checkout_sessions (merchant_id, livemode, client_reference_id);

CREATE INDEX checkout_sessions_merchant_id_livemode_customer_email
    ON checkout_sessions (merchant_id, livemode, customer_email)
"""
PARENTS = """
CREATE UNIQUE INDEX payment_intents_id_currency ON payment_intents (id, currency);

CREATE UNIQUE INDEX payment_attempts_id_intent_id_received_currency
    ON payment_attempts (id, intent_id, received_currency)
"""

_TWICE = """
SELECT id FROM payment_attempts WHERE provider_reference IS NOT NULL AND EXISTS (
    SELECT 1 FROM payment_attempts others WHERE others.id <> payment_attempts.id
        AND others.provider = payment_attempts.provider
        AND others.provider_reference = payment_attempts.provider_reference)
"""
_OTHER_MONEY = """
SELECT refunds.id FROM refunds JOIN payment_attempts ON payment_attempts.id = refunds.attempt_id
    WHERE received_currency IS NULL OR refunds.currency <> received_currency
"""
_STRAYS = """
SELECT DISTINCT intent_id, payment_attempts.currency FROM payment_attempts
    JOIN payment_intents ON payment_intents.id = intent_id
    WHERE payment_attempts.currency <> payment_intents.currency
"""


def up(_migrator: Any, db: Any) -> None:
    """Mend, look for what cannot be mended, constrain. Raises Unfit."""
    _take_from_the_ledger(db)
    sql.run(db, MEND)
    _part_currencies(db)
    findings = _unfit(db)
    if findings:
        raise sql.Unfit(findings)
    sql.run(db, PARENTS)
    for table, checks in CHECKS.items():
        keys = [KEYS[table]] if table in KEYS else []
        sql.constrain(db, table, [*(f"CONSTRAINT {name} CHECK ({text})" for name, text in checks.items()), *keys])
    sql.run(db, INDEXES)


def _take_from_the_ledger(db: Any) -> None:
    """What the sandbox's operator took is known where its ledger is: in the same database."""
    if "sandbox_charges" in db.get_tables():
        sql.run(db, LEDGER)


def _part_currencies(db: Any) -> None:
    """An intent's currency could be changed after a payment in another one had failed.

    Those attempts move to a canceled intent of their own, in their currency: should one be corrected to succeeded, it
    is late money, as it should be.
    """
    columns = [one.name for one in db.get_columns("payment_intents")]
    for intent_id, currency in db.execute_sql(_STRAYS).fetchall():
        own = {
            "id": "'{made}'",
            "session_id": "NULL",
            "status": "'canceled'",
            "amount_received": "0",
            "amount_refunded": "0",
            "currency": "'{currency}'",
            "canceled_at": "created_at",
            "cancellation_reason": "'requested'",
        }
        text = PARTED.replace("{columns}", ", ".join(columns))
        text = text.replace("{values}", ", ".join(own.get(name, name) for name in columns))
        text = text.replace("{made}", ids.new("pi")).replace("{intent}", intent_id).replace("{currency}", currency)
        sql.run(db, text)


def _unfit(db: Any) -> list[Finding]:
    found = [one for table, checks in CHECKS.items() for one in sql.rows_that_break(db, table, checks)]
    for name, table, query in (
        ("payment_attempts_provider_provider_reference", "payment_attempts", _TWICE),
        ("refunds_of_attempt", "refunds", _OTHER_MONEY),
    ):
        found += [Finding(name, table, str(row[0])) for row in db.execute_sql(query).fetchall()]
    return found
