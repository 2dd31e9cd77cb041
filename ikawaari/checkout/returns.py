"""The payer's way back: from a wallet or a bank to us or to the shop, and from us to the shop with a signature."""

import hashlib
import hmac
from datetime import datetime
from urllib.parse import urlsplit

from ikawaari import clock, texts
from ikawaari.checkout import resources
from ikawaari.errors import Details, ValidationFailed
from ikawaari.events import delivery
from ikawaari.store.models import CheckoutSession

_PURPOSE = b"ikawaari return"


def key(credential: str) -> str:
    """What signs the returns of the sessions of this credential, in hex: HMAC-SHA256(credential, "ikawaari return").

    The merchant computes it from the credential that it has; we keep it with the session, where it gives nobody the
    credential back.
    """
    return hmac.new(credential.encode(), _PURPOSE, hashlib.sha256).hexdigest()


def success_url(session: CheckoutSession, now: datetime) -> str | None:
    """The shop's address for a paid session, with the id and the signature where it asks for them.

    `{CHECKOUT_SIGNATURE}` becomes `<unix>.<hex>`, hex = HMAC-SHA256(key, "<unix>.<session id>.<payment status>").
    """
    url: str | None = session.success_url
    if url is None:
        return None
    return url.replace("{CHECKOUT_SESSION_ID}", session.id).replace("{CHECKOUT_SIGNATURE}", _signature(session, now))


def is_told(session_id: str) -> bool:
    """Whether the shop knows of the payment by webhook, as far as it wants to: its customer may come back."""
    return delivery.is_acknowledged(session_id, "checkout.session.completed")


def _signature(session: CheckoutSession, now: datetime) -> str:
    if session.return_key is None:
        return ""
    message = f"{clock.unix(now)}.{session.id}.{session.payment_status}"
    return f"{clock.unix(now)}.{hmac.new(session.return_key.encode(), message.encode(), hashlib.sha256).hexdigest()}"


def check_scheme(name: str, url: str | None, livemode: bool, problems: Details) -> None:
    """Live customers are sent back over https alone: else `problems` names the field."""
    if livemode and url and not url.lower().startswith("https://"):
        problems[name] = ["must be https in live mode"]


def check(session: CheckoutSession, return_url: str | None) -> None:
    """Raise ValidationFailed unless `return_url` has the origin of the pay host, or of the session's own addresses."""
    if return_url is None:
        return
    known = (resources.page_url(session.id), session.success_url, session.cancel_url)
    if texts.origin(return_url) not in {texts.origin(url) for url in known if url}:
        raise ValidationFailed(
            {"return_url": ["must have the origin of this host, or of successUrl or cancelUrl"]}, "IKW-CHK-002"
        )


def check_secure(return_url: str | None, *, livemode: bool) -> None:
    """Raise ValidationFailed for an address without TLS in live mode: the payer comes back over it."""
    if livemode and return_url and urlsplit(return_url).scheme != "https":
        raise ValidationFailed({"return_url": ["must be https in live mode"]}, "IKW-CHK-002")
