"""The payer's way back: from a wallet or a bank to us or to the shop, and from us to the shop with a signature."""

import hashlib
import hmac
from datetime import datetime
from urllib.parse import urlsplit

from ikawaari import clock, errors, texts
from ikawaari.checkout import merchant_view
from ikawaari.errors import Details, ValidationFailed
from ikawaari.events import delivery
from ikawaari.merchants import credentials
from ikawaari.store.models import CheckoutSession

_PLACE = "{CHECKOUT_SIGNATURE}"


def success_url(session: CheckoutSession, now: datetime) -> str | None:
    """The shop's address for a paid session, with the id and the signature in place of their placeholders.

    `{CHECKOUT_SIGNATURE}` becomes `<unix>.<hex>`, hex = HMAC-SHA256(key, "<unix>.<session id>.<payment status>"), key:
    see `credentials.return_key_of`. It is empty if the merchant has no valid credential.
    """
    url: str | None = session.success_url
    if url is None:
        return None
    url = url.replace("{CHECKOUT_SESSION_ID}", session.id)
    return url.replace(_PLACE, _signature(session, now)) if _PLACE in url else url


def is_acknowledged(session_id: str) -> bool:
    """Whether the shop has acknowledged the payment's webhook, if it subscribes to it: its customer may return."""
    return delivery.is_acknowledged(session_id, "checkout.session.completed")


def _signature(session: CheckoutSession, now: datetime) -> str:
    key = credentials.return_key_of(session.credential_id, session.merchant_id, session.livemode, now)
    if key is None:
        return ""
    message = f"{clock.unix(now)}.{session.id}.{session.payment_status}"
    return f"{clock.unix(now)}.{hmac.new(key.encode(), message.encode(), hashlib.sha256).hexdigest()}"


def check_scheme(name: str, url: str | None, livemode: bool, problems: Details) -> None:
    """Live customers return over https only: otherwise add the field to `problems`."""
    if livemode and url and not url.lower().startswith("https://"):
        problems[name] = ["must be https in live mode"]


def check(session: CheckoutSession, return_url: str | None) -> None:
    """Raise ValidationFailed unless `return_url` has the origin of the pay host, or of the session's own addresses."""
    if return_url is None:
        return
    known = (merchant_view.page_url(session.id), session.success_url, session.cancel_url)
    if texts.origin(return_url) not in {texts.origin(url) for url in known if url}:
        raise ValidationFailed(
            {"return_url": ["must have the origin of this host, or of successUrl or cancelUrl"]}, errors.PAYMENT_INVALID
        )


def check_secure(return_url: str | None, *, livemode: bool) -> None:
    """Raise ValidationFailed for an address without TLS in live mode, because the payer returns over it."""
    if livemode and return_url and urlsplit(return_url).scheme != "https":
        raise ValidationFailed({"return_url": ["must be https in live mode"]}, errors.PAYMENT_INVALID)
