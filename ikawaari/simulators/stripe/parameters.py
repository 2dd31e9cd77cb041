"""The parameters of each request, as the card names them. Whatever is not here is refused as unknown.

Every name exists in the official client; a test compares them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ikawaari.simulators.shapes import Body
from ikawaari.simulators.stripe import kinds
from ikawaari.simulators.stripe.kinds import Kind

RENAMED_IN = "2026-09-30"  # the version whose requests say `allowed_payment_method_types`
OLD_TYPES, NEW_TYPES = "payment_method_types", "allowed_payment_method_types"


@dataclass(frozen=True)
class Parameters:
    """The names that a request knows, and those that it needs."""

    known: Mapping[str, Kind]
    required: frozenset[str] = frozenset()

    def check(self, given: Body, version: str) -> dict[str, object]:
        """The values, as version `version` of the API reads them. Raises Refused."""
        known = dict(self.known)
        if NEW_TYPES in known and version < RENAMED_IN:
            known[OLD_TYPES] = known.pop(NEW_TYPES)
        values = kinds.checked(given, known, self.required)
        if OLD_TYPES in values:
            values[NEW_TYPES] = values.pop(OLD_TYPES)
        return values


_ID = kinds.text(255)
_EXPAND: dict[str, Kind] = {"expand": kinds.list_of(kinds.text(100))}
_LISTED: dict[str, Kind] = _EXPAND | {
    "limit": kinds.integer(1, 100),
    "starting_after": _ID,
    "ending_before": _ID,
}
_CREATED: dict[str, Kind] = {"created": kinds.moment}
_CANCELED = kinds.one_of("abandoned", "duplicate", "fraudulent", "requested_by_customer")

_BILLING = kinds.Hash(
    {
        "address": kinds.Hash(
            dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"), kinds.text())
        ),
        "email": kinds.email,
        "name": kinds.text(),
        "phone": kinds.text(),
    }
)
_CARD = kinds.Hash(
    {
        "token": _ID,
        "number": kinds.text(30),
        "exp_month": kinds.integer(1, 12),
        "exp_year": kinds.integer(0, 9_999),
        "cvc": kinds.text(4),
    }
)
_METHOD_DATA: dict[str, Kind] = {"type": kinds.one_of("card"), "card": _CARD, "billing_details": _BILLING}
_CARD_OPTIONS = kinds.Hash(
    {"card": kinds.Hash({"request_three_d_secure": kinds.one_of("any", "automatic", "challenge")})}
)
_AUTOMATIC = kinds.Hash(
    {"enabled": kinds.boolean, "allow_redirects": kinds.one_of("always", "never")}, frozenset({"enabled"})
)
_USAGE = kinds.one_of("off_session", "on_session")
_TYPES: dict[str, Kind] = {NEW_TYPES: kinds.list_of(kinds.one_of("card"))}
_CONFIRMED: dict[str, Kind] = {
    "payment_method": _ID,
    "confirmation_token": _ID,
    "payment_method_options": _CARD_OPTIONS,
    "return_url": kinds.address,
    "use_stripe_sdk": kinds.boolean,
}

PAYMENT_INTENT_CREATE = Parameters(
    _EXPAND
    | _TYPES
    | _CONFIRMED
    | {
        "amount": kinds.integer(1),
        "currency": kinds.text(3),
        "automatic_payment_methods": _AUTOMATIC,
        "capture_method": kinds.one_of("automatic", "automatic_async"),
        "confirm": kinds.boolean,
        "customer": _ID,
        "description": kinds.text(1_000),
        "error_on_requires_action": kinds.boolean,
        "metadata": kinds.metadata,
        "off_session": kinds.either(kinds.boolean, "one_off", "recurring"),
        "receipt_email": kinds.email,
        "setup_future_usage": _USAGE,
        "statement_descriptor_suffix": kinds.suffix,
    },
    frozenset({"amount", "currency"}),
)
PAYMENT_INTENT_CONFIRM = Parameters(
    _EXPAND
    | _TYPES
    | _CONFIRMED
    | {
        "error_on_requires_action": kinds.boolean,
        "off_session": kinds.either(kinds.boolean, "one_off", "recurring"),
        "receipt_email": kinds.email,
        "setup_future_usage": _USAGE,
    }
)
INTENT_RETRIEVE = Parameters(_EXPAND | {"client_secret": _ID})
PAYMENT_INTENT_CANCEL = Parameters(_EXPAND | {"cancellation_reason": _CANCELED})
PAYMENT_INTENT_LIST = Parameters(_LISTED | _CREATED | {"customer": _ID})
PAYMENT_INTENT_SEARCH = Parameters(
    _EXPAND | {"query": kinds.text(1_000), "limit": kinds.integer(1, 100), "page": _ID}, frozenset({"query"})
)

SETUP_INTENT_CREATE = Parameters(
    _EXPAND
    | _TYPES
    | _CONFIRMED
    | {
        "automatic_payment_methods": _AUTOMATIC,
        "confirm": kinds.boolean,
        "customer": _ID,
        "description": kinds.text(1_000),
        "metadata": kinds.metadata,
        "usage": _USAGE,
    }
)
SETUP_INTENT_CONFIRM = Parameters(_EXPAND | _TYPES | _CONFIRMED)
SETUP_INTENT_CANCEL = Parameters(
    _EXPAND | {"cancellation_reason": kinds.one_of("abandoned", "duplicate", "requested_by_customer")}
)
SETUP_INTENT_LIST = Parameters(_LISTED | _CREATED | {"customer": _ID, "payment_method": _ID})

PAYMENT_METHOD_CREATE = Parameters(_EXPAND | _METHOD_DATA | {"metadata": kinds.metadata}, frozenset({"type"}))
PAYMENT_METHOD_ATTACH = Parameters(_EXPAND | {"customer": _ID}, frozenset({"customer"}))
PAYMENT_METHOD_DETACH = Parameters(_EXPAND)
PAYMENT_METHOD_LIST = Parameters(_LISTED | {"customer": _ID, "type": kinds.one_of("card")})
CUSTOMER_PAYMENT_METHODS = Parameters(_LISTED | {"type": kinds.one_of("card")})

CUSTOMER_CREATE = Parameters(
    _EXPAND
    | {
        "description": kinds.text(1_000),
        "email": kinds.email,
        "metadata": kinds.metadata,
        "name": kinds.text(256),
        "payment_method": _ID,
        "phone": kinds.text(20),
    }
)
CUSTOMER_LIST = Parameters(_LISTED | _CREATED | {"email": kinds.text(512)})
CUSTOMER_DELETE = Parameters({})

CONFIRMATION_TOKEN_CREATE = Parameters(
    _EXPAND
    | {
        "payment_method": _ID,
        "return_url": kinds.address,
        "setup_future_usage": _USAGE,
    },
    frozenset({"payment_method"}),
)

# What the fields of the browser script send: the one door that takes a card's number.
TYPED_TOKEN = Parameters(
    {
        "payment_method_data": kinds.Hash(
            _METHOD_DATA
            | {
                "card": kinds.Hash(
                    {
                        "number": kinds.text(30),
                        "exp_month": kinds.integer(1, 12),
                        "exp_year": kinds.integer(0, 9_999),
                        "cvc": kinds.text(4),
                    },
                    frozenset({"number", "exp_month", "exp_year", "cvc"}),
                )
            },
            frozenset({"type", "card"}),
        ),
        "return_url": kinds.address,
        "setup_future_usage": _USAGE,
    },
    frozenset({"payment_method_data"}),
)

REFUND_CREATE = Parameters(
    _EXPAND
    | {
        "amount": kinds.integer(1),
        "charge": _ID,
        "metadata": kinds.metadata,
        "payment_intent": _ID,
        "reason": kinds.one_of("duplicate", "fraudulent", "requested_by_customer"),
    }
)
REFUND_LIST = Parameters(_LISTED | _CREATED | {"charge": _ID, "payment_intent": _ID})

CHARGE_LIST = Parameters(_LISTED | _CREATED | {"customer": _ID, "payment_intent": _ID})
BALANCE_TRANSACTION_LIST = Parameters(
    _LISTED | _CREATED | {"currency": kinds.text(3), "source": _ID, "type": kinds.text(100)}
)
EVENT_LIST = Parameters(_LISTED | _CREATED | {"type": kinds.text(100), "types": kinds.list_of(kinds.text(100))})
RETRIEVE = Parameters(_EXPAND)
