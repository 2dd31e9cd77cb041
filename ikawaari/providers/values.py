"""What a provider is given, as values: the account, the charge, the refund. An adapter knows nothing else of us."""

import base64
import binascii
import hashlib
import hmac
import re
import unicodedata
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ikawaari.money import Money
from ikawaari.providers.outcomes import SavedMethod
from ikawaari.shapes import JsonObject

TAG_LENGTH = 32  # hex digits of an address that only we can have made
_SHORT_ID_LENGTH = 26


class Flow(StrEnum):
    """How a mobile money payer is asked."""

    USSD_PUSH = "ussd_push"
    OTP = "otp"
    REDIRECT = "redirect"
    QR = "qr"


@dataclass(frozen=True, kw_only=True)
class Account:
    """One set of credentials at a provider. Its settings and its key are in no log: they are not in its `repr`."""

    id: str  # acc_…
    provider: str
    settings: JsonObject = field(default_factory=dict, repr=False)
    country: str | None = None  # ISO 3166 alpha-2, where the provider has an account for each
    livemode: bool
    callback_url: str  # our address for its callbacks, without a charge
    callback_key: bytes = field(default=b"", repr=False)

    def text(self, name: str, otherwise: str = "") -> str:
        """The setting of that name; `otherwise` if it was not given."""
        value = self.settings.get(name)
        return value if isinstance(value, str) and value else otherwise

    def is_set(self, name: str) -> bool:
        """Whether the setting of that name is a yes."""
        return self.settings.get(name) is True

    def tag(self, sent_id: str) -> str:
        """What proves that a callback address is one that we gave out for the charge of that id, as it was sent."""
        signed = hmac.new(self.callback_key, f"{self.provider}:{sent_id}".encode(), hashlib.sha256)
        return signed.hexdigest()[:TAG_LENGTH]

    def has_tag(self, tag: str | None, sent_id: str) -> bool:
        """Whether `tag` is that of `sent_id`, in constant time."""
        return hmac.compare_digest((tag or "").encode(), self.tag(sent_id).encode())

    def tagged_url(self, sent_id: str, *, names_it: bool = True) -> str:
        """The callback address of one charge. Not `names_it`: without its id, where addresses must be short."""
        named = f"/{sent_id}" if names_it else ""
        return f"{self.callback_url}{named}/{self.tag(sent_id)}"


@dataclass(frozen=True, kw_only=True)
class Charge:
    """One charge, whole. `id` was stored before the call and is the idempotency key: it never takes money twice.

    A charge of 0 is a setup: it saves a payment method and takes nothing. A trace may have a `repr` of it, which
    therefore names no payer.
    """

    id: str  # a UUID v4
    intent_id: str
    money: Money
    method_type: str  # mobile_money, card
    operator: str | None = None
    country: str | None = None
    phone: str | None = field(default=None, repr=False)  # E.164
    flow: Flow | None = None  # what the payer prefers; a provider without it uses its own
    otp: str | None = field(default=None, repr=False)  # a code, with the charge or with a second call under the same id
    # What the page's card fields gave: Stripe's confirmation token, the sandbox's token.
    card_token: str | None = field(default=None, repr=False)
    saved: SavedMethod | None = field(default=None, repr=False)  # to be charged instead
    saves_method: bool = False  # the payer agreed to be charged again
    off_session: bool = False  # the payer is not there: nobody types a code or opens a bank's page
    customer_name: str | None = field(default=None, repr=False)
    customer_email: str | None = field(default=None, repr=False)
    language: str = "fr"  # fr, en
    return_url: str = field(default="", repr=False)  # where the payer's browser goes afterwards: anywhere, maybe long
    page_url: str = field(default="", repr=False)  # our own page of this payment: short, as some providers want it
    statement: str = ""  # what the payer sees of whom he pays: the merchant's name, in any script
    description: str = field(default="", repr=False)
    submitted_at: datetime | None = None  # when this call, or the one that is asked about, was about to start
    reference: str | None = None  # the provider's own id, once it is known
    provider_data: JsonObject = field(default_factory=dict, repr=False)  # what the last outcome wanted to be kept

    @property
    def is_setup(self) -> bool:
        """Whether nothing is to be taken."""
        return self.money.amount == 0


@dataclass(frozen=True, kw_only=True)
class RefundOrder:
    """One refund of a charge. `id` is its idempotency key, stored before the call; a new try has a new one."""

    id: str  # a UUID v4
    charge_id: str
    charge_reference: str | None
    charge_data: JsonObject = field(default_factory=dict, repr=False)  # the charge's provider_data
    charge_money: Money | None = None  # what was taken: a provider that returns whole charges only compares
    money: Money
    operator: str | None = None
    reason: str | None = None
    submitted_at: datetime | None = None
    reference: str | None = None  # the refund's own, once it is known
    provider_data: JsonObject = field(default_factory=dict, repr=False)  # the refund's own


def short_id(charge_id: str) -> str:
    """The UUID in 26 lower-case letters and digits, for providers whose ids have at most 30 characters."""
    return base64.b32encode(uuid.UUID(charge_id).bytes).decode().rstrip("=").lower()


def long_id(short: object) -> str | None:
    """The UUID of which `short` is the short form; None if it is not one."""
    if not isinstance(short, str) or len(short) != _SHORT_ID_LENGTH or not short.isascii():
        return None
    try:
        found = str(uuid.UUID(bytes=base64.b32decode(f"{short.upper()}======")))
    except (binascii.Error, ValueError):
        return None
    return found if short_id(found) == short else None


def plain_text(text: str, longest: int) -> str:
    """`text` in unaccented letters, digits and single spaces, cut after `longest` characters; empty if none remain."""
    bare = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return " ".join(re.sub(r"[^A-Za-z0-9]+", " ", bare).split())[:longest].rstrip()
