"""What `make run` starts with: a demo merchant, its test key, and a curl command to paste."""

from typing import Any

from ikawaari import clock, migrate, start
from ikawaari.config import Config
from ikawaari.errors import IkawaariError
from ikawaari.hosted.demo import KEY_FILE
from ikawaari.merchants import branding, credentials, merchants
from ikawaari.merchants.credentials import Scope
from ikawaari.store import disconnect

_TEXT = """
Ikawaari Checkout serves on {url}
A demo shop is at             {url}/
The API is documented at      {url}/docs
The demo merchant's test key  {key}

Open a checkout session with it (the page to pay on is its "url"):

curl -s {url}/api/v1/checkout/sessions \\
  -H "Authorization: Bearer {key}" \\
  -H "Content-Type: application/json" \\
  -d '{{"amount": 5000, "currency": "XOF", "description": "Commande 1"}}'
"""

# Made up, as the numbers are.
_BRAND: dict[str, Any] = {
    "color": "#0b5d4b",
    "legal_name": "Boutique Teranga SARL",
    "town": "Dakar",
    "help_phone": "33 800 00 00",
    "whatsapp": "77 800 00 00",
    "terms_url": "https://teranga.example/conditions",
    "refunds_url": "https://teranga.example/remboursements",
    "privacy_url": "https://teranga.example/confidentialite",
    "payer_name": "IKAWAARI TERANGA",
}


def seed(config: Config) -> str:
    """Create the demo merchant and its key if needed. Returns what to print for the developer."""
    start(config)
    migrate()
    text = _TEXT.format(url=config.api_url, key=_key(config))
    disconnect()
    return text


def _key(config: Config) -> str:
    """The demo key: the stored one if it is still valid in this database, or else a new one."""
    now = clock.now()
    if KEY_FILE.exists():
        kept = KEY_FILE.read_text().strip()
        try:
            credentials.authenticate(kept, "127.0.0.1", now)
        except IkawaariError:
            pass
        else:
            return kept
    merchant = merchants.create("Boutique Teranga", now, **_BRAND, logo_url=_logo(config))
    fresh = credentials.create(merchant, livemode=False, scopes=list(Scope), now=now)
    KEY_FILE.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    KEY_FILE.touch(mode=0o600)
    KEY_FILE.chmod(0o600)  # also if the file existed before
    KEY_FILE.write_text(fresh + "\n")
    return fresh


def _logo(config: Config) -> str | None:
    """The shop's logo on this server; None where its address is none that a merchant may give."""
    url = f"{config.pay_url}/static/demo-logo.svg"
    return None if branding.read({"logo_url": url}, None)[1] else url
