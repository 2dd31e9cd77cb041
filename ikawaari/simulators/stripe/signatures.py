"""`Stripe-Signature`: t=…,v1=…, an HMAC of time and body. The prefix of the secret belongs to the key."""

import hashlib
import hmac


def v1(secret: str, at: int, body: bytes) -> str:
    """The signature of `body` at `at` (Unix seconds), in hex."""
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def header(secret: str, at: int, body: bytes) -> str:
    """The header's value. `v0` is a signature that test accounts send along, and that nobody may trust."""
    return f"t={at},v1={v1(secret, at, body)},v0={v1('of no meaning', at, body)}"
