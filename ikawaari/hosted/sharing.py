"""What a customer sends on of a receipt: by WhatsApp, without JavaScript, or as an address to copy."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from flask_babel import gettext

from ikawaari import texts
from ikawaari.checkout import merchant_view
from ikawaari.checkout.public_view import PublicCheckout
from ikawaari.hosted import page_state, receipts
from ikawaari.invariants import present
from ikawaari.money import Money
from ikawaari.shapes import MethodType

RECEIPTS = frozenset({"paid", "trial", "refunded", "late"})  # states of the page
_WHATSAPP = "https://wa.me/?text="
_SMS = "sms:?&body="  # with the sign that iPhones want and the one of all others


@dataclass(frozen=True)
class Sharing:
    """The receipt's text with its address, as WhatsApp takes it; and that address."""

    whatsapp_url: str
    link: str


@dataclass(frozen=True)
class Sending:
    """The address of a page that is to be paid at, as WhatsApp and SMS take it, for another phone."""

    whatsapp_url: str
    sms_url: str


def page(view: PublicCheckout) -> Sending:
    """For the page of a view, in the language of the current request."""
    shop, link = texts.unturned(view["merchant"]["name"]), merchant_view.page_url(view["id"])
    text = quote(gettext("To pay %(shop)s: %(link)s", shop=shop, link=link), safe="")
    return Sending(_WHATSAPP + text, _SMS + text)


def of(view: PublicCheckout, operator: str | None, day: Callable[[int], object], locale: str) -> Sharing:
    """For the receipt of a view, in the language of the current request. `day` writes a date."""
    link = receipts.address(view["id"])
    return Sharing(_WHATSAPP + quote(_text(view, operator, day, locale, link), safe=""), link)


def _text(view: PublicCheckout, operator: str | None, day: Callable[[int], object], locale: str, link: str) -> str:
    shop, payment = texts.unturned(view["merchant"]["name"]), view["payment"]
    if payment is None:  # a trial
        trial: str = gettext(
            "My trial at %(shop)s began on %(date)s (ref. %(reference)s). Details: %(link)s",
            shop=shop,
            date=day(present(view["completed_at"], "a trial begins when its session is complete")),
            reference=view["reference"],
            link=link,
        )
        return trial
    paid: str = gettext(
        "I paid %(amount)s to %(shop)s on %(date)s (%(method)s, ref. %(reference)s). Receipt: %(link)s",
        amount=Money(payment["amount"], view["currency"]).format(locale),
        shop=shop,
        date=day(page_state.settled(payment)),
        method=gettext("Card") if payment["type"] == MethodType.CARD else operator,
        reference=payment["reference"],
        link=link,
    )
    return paid
