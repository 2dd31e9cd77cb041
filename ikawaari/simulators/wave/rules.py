"""What Wave accepts: keys, signed requests, and the body of a new checkout session, field by field."""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from ikawaari.simulators.addresses import is_acceptable
from ikawaari.simulators.shapes import Body
from ikawaari.simulators.web import Request

CURRENCIES: Mapping[str, str] = {
    "sn": "XOF",
    "ci": "XOF",
    "ml": "XOF",
    "bf": "XOF",
    "bj": "XOF",
    "gm": "GMD",
    "ug": "UGX",
    "cm": "XAF",
}
OLDEST_SECONDS = 300  # of a signature
AHEAD_SECONDS = 30
LONGEST_REFERENCE = 255
_WHOLE = re.compile(r"[1-9]\d{0,17}")
_CENTS = re.compile(r"(?!0(\.0+)?$)(0|[1-9]\d{0,17})(\.\d{1,2})?")
_MOBILE = re.compile(r"\+\d{8,15}")
_HEADER = re.compile(r"t=([^,=]+)((?:,v1=[0-9a-f]{64})+)")
MISSING, EXTRA = "field required", "extra fields not permitted"


# ---------------------------------------------------------------- keys and signatures


def api_key(wallet: str) -> str:
    """A wallet's key that signs nothing."""
    return f"wave_{wallet}_prod_made_up"


def signing_key(wallet: str) -> str:
    """A wallet's key whose requests must be signed with its `signing_secret`."""
    return f"wave_{wallet}_prod_made_up_signing"


def signing_secret(wallet: str) -> str:
    """Signs requests; not the secret of webhooks."""
    return f"wave_{wallet}_AKS_made_up_secret"


def webhook_secret(wallet: str) -> str:
    """Signs webhooks, or is sent with them."""
    return f"wave_{wallet}_WHS_made_up_secret"


def operator(wallet: str) -> str:
    """The name of a country's wallets in the ledger."""
    return f"wave_{wallet}"


def authenticate(request: Request, now: int) -> tuple[str, str | None]:
    """The wallet of the key that came with a request, and Wave's code for what is wrong. `now` in Unix seconds."""
    header = request.header("Authorization")
    scheme, _, key = (header or "").partition(" ")
    wallet = _WALLETS.get(key, "")
    if not header:
        return wallet, "missing-auth-header"
    if scheme != "Bearer":
        return wallet, "invalid-auth"
    if not wallet:
        return wallet, "no-matching-api-key" if key.strip() else "api-key-not-provided"
    if key == signing_key(wallet):
        given = request.header("Wave-Signature")
        return wallet, signature_problem(given, signing_secret(wallet), request.body, now)
    return wallet, None


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """Hex HMAC-SHA256 over the Unix seconds and the raw body, with nothing between them: requests and webhooks."""
    return hmac.new(secret.encode(), str(timestamp).encode() + body, hashlib.sha256).hexdigest()


def signature_problem(header: str | None, secret: str, body: bytes, now: int) -> str | None:
    """Wave's code for what is wrong with the signature of a request; None for a good one. `now` in Unix seconds."""
    if not header:
        return "missing-signature"
    parsed = _HEADER.fullmatch(header)
    if not parsed:
        return "invalid-signature-format"
    if not parsed[1].isascii() or not parsed[1].isdigit() or int(parsed[1]) > now + AHEAD_SECONDS:
        return "invalid-signature-timestamp"
    if int(parsed[1]) < now - OLDEST_SECONDS:
        return "expired-signature-timestamp"
    right = signature(secret, int(parsed[1]), body)
    given = [part.partition("=")[2] for part in parsed[2].split(",") if part]
    return None if any(hmac.compare_digest(right, one) for one in given) else "invalid-signature"


_WALLETS: Mapping[str, str] = {key(wallet): wallet for wallet in CURRENCIES for key in (api_key, signing_key)}

# ---------------------------------------------------------------- the body of a new session


def problems(body: Body, currency: str) -> dict[str, str]:
    """What is wrong with each field of a new session of a wallet in `currency`; empty for one to accept."""
    found = {name: EXTRA for name in body if name not in _FIELDS}
    for name, rule in _FIELDS.items():
        words = rule(body.get(name), currency)
        if words:
            found[name] = words
    return found


def _amount(value: object, currency: str) -> str | None:
    if value is None:
        return MISSING
    form = _CENTS if currency == "GMD" else _WHOLE
    return None if isinstance(value, str) and form.fullmatch(value) else "not a valid amount"


def _currency(value: object, currency: str) -> str | None:
    return None if value == currency else f"the wallet is in {currency}"


def _url(value: object, _currency: str) -> str | None:
    if value is None:
        return MISSING
    return None if isinstance(value, str) and is_acceptable(urlsplit(value)) else "URL scheme not permitted"


def _reference(value: object, _currency: str) -> str | None:
    fits = value is None or (isinstance(value, str) and len(value) <= LONGEST_REFERENCE)
    return None if fits else f"ensure this value has at most {LONGEST_REFERENCE} characters"


def _mobile(value: object, _currency: str) -> str | None:
    fits = value is None or (isinstance(value, str) and _MOBILE.fullmatch(value))
    return None if fits else "not a valid mobile number"


def _text(value: object, _currency: str) -> str | None:
    return None if value is None or isinstance(value, str) else "str type expected"


_FIELDS: Mapping[str, Callable[[object, str], str | None]] = {
    "amount": _amount,
    "currency": _currency,
    "success_url": _url,
    "error_url": _url,
    "client_reference": _reference,
    "restrict_payer_mobile": _mobile,
    "enforce_payer_mobile": _mobile,  # its older name
    "aggregated_merchant_id": _text,
}
