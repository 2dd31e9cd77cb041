"""Where a payer may be sent after a wallet or a bank: our own page, or the shop that opened the session."""

from urllib.parse import urlsplit

from ikawaari.checkout import resources
from ikawaari.errors import ValidationFailed
from ikawaari.store.models import CheckoutSession


def check(session: CheckoutSession, return_url: str | None) -> None:
    """Raise ValidationFailed unless `return_url` has the origin of the pay host, or of the session's own addresses."""
    if return_url is None:
        return
    known = (resources.page_url(session.id), session.success_url, session.cancel_url)
    if _origin(return_url) not in {_origin(url) for url in known if url}:
        raise ValidationFailed(
            {"return_url": ["must have the origin of this host, or of successUrl or cancelUrl"]}, "IKW-CHK-002"
        )


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
