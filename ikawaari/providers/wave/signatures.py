"""Signatures: of Wave's webhooks, and of requests to Wave."""

import hashlib
import hmac
import re
from datetime import datetime, timedelta

from ikawaari.providers.callbacks import CallbackRefused, CallbackRequest
from ikawaari.providers.values import Account

HEADER = "Wave-Signature"
OLDEST, AHEAD = timedelta(seconds=300), timedelta(seconds=30)
_STAMP = re.compile("[0-9]{1,12}")


def hexdigest(secret: str, stamp: str, body: bytes) -> str:
    """Hex HMAC-SHA256 over the Unix seconds and the raw body, with nothing between them: of requests and webhooks."""
    return hmac.new(secret.encode(), stamp.encode() + body, hashlib.sha256).hexdigest()


def verify(account: Account, request: CallbackRequest, now: datetime) -> None:
    """Raise CallbackRefused unless the webhook comes from Wave, in the one way that the account's portal is set to."""
    secret = account.text("webhook_secret")
    if not secret:
        raise CallbackRefused("the account has no webhook secret")
    if account.is_set("webhook_shared_secret"):
        given = request.header("Authorization") or ""
        if not hmac.compare_digest(given.encode(), f"Bearer {secret}".encode()):
            raise CallbackRefused("not the shared secret")
        return
    parts = [part.strip().partition("=") for part in (request.header(HEADER) or "").split(",")]
    stamps = [value for name, _, value in parts if name == "t"]
    if len(stamps) != 1 or not _STAMP.fullmatch(stamps[0]):
        raise CallbackRefused("no signature")
    if not -AHEAD.total_seconds() <= now.timestamp() - int(stamps[0]) <= OLDEST.total_seconds():
        raise CallbackRefused("no fresh signature")
    # While the secret is replaced there are several: of the old one, and of the new one.
    right = hexdigest(secret, stamps[0], request.body).encode()
    if not any(hmac.compare_digest(value.encode(), right) for name, _, value in parts if name == "v1"):
        raise CallbackRefused("wrong signature")
