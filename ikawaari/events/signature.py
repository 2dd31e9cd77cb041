"""The signature that merchants verify on each webhook."""

import hashlib
import hmac

HEADER = "Ikawaari-Signature"


def of_webhook(secret: str, timestamp: int, body: bytes) -> str:
    """`Ikawaari-Signature`: `t=<unix>,v1=<hex>`, v1 = HMAC-SHA256(key = the whole secret, "<t>.<raw body>")."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"
