"""Who sells, as the page's templates show it: what a merchant has not given is None, and the page leaves it out."""

from dataclasses import dataclass

from ikawaari import phones, texts
from ikawaari.checkout.public_view import PublicCheckout, PublicMerchant
from ikawaari.hosted import csp


@dataclass(frozen=True)
class Contact:
    """A phone number of the shop, and the address that calls it or writes to it."""

    e164: str
    text: str  # as people write it in the shop's country, without line breaks
    url: str


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A merchant on its customers' pages."""

    name: str
    logo_url: str | None  # None, too, for an address that the page's policy cannot allow
    color: str | None
    legal_name: str  # the name, if there is no other
    town: str | None
    help_phone: Contact | None
    whatsapp: Contact | None
    terms_url: str | None
    refunds_url: str | None
    privacy_url: str | None

    @property
    def signed(self) -> str:
        """Who sells and where, as the end of a sentence that brings its own point: "Boutique Teranga SARL, Dakar"."""
        return (f"{self.legal_name}, {self.town}" if self.town else self.legal_name).rstrip(".")

    @property
    def help(self) -> Contact | None:
        """Where one link for help leads: to WhatsApp, or else to the telephone."""
        return self.whatsapp or self.help_phone


def of(merchant: PublicMerchant) -> Shop:
    """The merchant as the templates show it."""
    return Shop(
        name=merchant["name"],
        logo_url=merchant["logo_url"] if csp.origin(merchant["logo_url"]) else None,
        color=merchant["color"],
        legal_name=merchant["legal_name"] or merchant["name"],
        town=merchant["town"],
        help_phone=_contact(merchant["help_phone"], merchant["country"], "tel:+"),
        whatsapp=_contact(merchant["whatsapp"], merchant["country"], "https://wa.me/"),
        terms_url=merchant["terms_url"],
        refunds_url=merchant["refunds_url"],
        privacy_url=merchant["privacy_url"],
    )


def payer_name(view: PublicCheckout) -> str | None:
    """Whom the prompt names as being paid: what the provider says, or else the merchant; None if neither does."""
    action = view["next_action"]
    prompt = action.get("mobile_money_ussd") if action else None
    name = (prompt and prompt.get("payee_name")) or view["merchant"]["payer_name"]
    return texts.isolated(name) if name else None


def _contact(e164: str | None, country: str, before: str) -> Contact | None:
    return Contact(e164, phones.written(e164, country), before + e164.removeprefix("+")) if e164 else None
