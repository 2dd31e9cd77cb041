"""What is wrong with a field of the form, and how to correct it: one sentence for each rule.

The domain says which field it refuses. What its payer typed, and what was asked for, says why.
"""

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from babel.lists import format_list
from flask_babel import LazyString, gettext, ngettext
from flask_babel import lazy_gettext as _l

from ikawaari import countries, money, numbers, phones, texts
from ikawaari.checkout.public_view import PublicCheckout
from ikawaari.hosted import amounts, drafts, guesses, prefixes
from ikawaari.hosted.drafts import Draft
from ikawaari.money import Money
from ikawaari.shapes import MethodType

Text: TypeAlias = LazyString | str
_FEW_BEGINNINGS = 6  # more would be a list that nobody reads
_ANSWER = _l("Check this answer.")
_REASONS: Mapping[str, LazyString] = {
    "card": _l("This looks like a card number. Never type one here."),
    "former": _l("You typed an old number. This is the new one: check it, then pay."),
    "long": _l("This is too long: 500 characters at most."),
    "few": _l("Digits are missing."),
    "wrong": _l("Check this number: one digit is wrong."),
    "test": _l("In test mode use a test card."),
    "past": _l("This card has expired."),
}
"""The reasons of `Draft.reasons`; those of a card are said by who reads it, for its digits are kept nowhere."""
_FIELDS: Mapping[str, LazyString] = {
    "operator": _l("Choose your operator."),
    "method": _l("Choose how to pay."),
    "number": _l("Check this card number."),
    "expiry": _l("Month / year, like 08 / 28."),
    "cvc": _l("3 digits (4 for Amex)."),
    "quantities": _l("Choose at least one item."),
    "total": _l("The total has changed."),
    "form": _l("Something in this form is not right. Check it and try again."),
}
_OF_QUESTIONS: Mapping[str, LazyString] = {"number": _l("Type a number."), "date": _l("Choose a date.")}


def text(name: str, draft: Draft, view: PublicCheckout, locale: str) -> Text:
    """The sentence for the field `name` of the form, which is at fault."""
    if reason := _REASONS.get(draft.reasons.get(name, "")):
        return reason
    if name.startswith(drafts.FIELD):
        return _question(name, draft, view)
    said = _SAID.get(name)
    return said(draft, view, locale) if said else _FIELDS.get(name, _ANSWER)


def _phone(draft: Draft, view: PublicCheckout, locale: str) -> Text:
    typed = draft.get("phone")
    country = drafts.country_of(draft, view)
    if not typed:
        return _l("Type your phone number.")
    if elsewhere := _country_not_taken(typed, view):
        where = countries.out_of(elsewhere, locale)
        said = gettext("%(merchant)s does not take numbers %(from_country)s.", merchant=_shop(view), from_country=where)
        by_card = gettext("Pay by card.")
        return f"{said} {by_card}" if _takes_cards(view) else said
    if draft.reasons.get("phone") == guesses.LANDLINE:
        return _not_mobile(drafts.country_of(draft, view) or "", locale)
    if country is None or country not in prefixes.PATTERNS:
        return _l("Check this number.")
    national = re.sub("[^0-9]", "", typed).removeprefix(
        countries.COUNTRIES[country].dial_code if typed[0] == "+" else ""
    )
    right = prefixes.PATTERNS[country].count("#")
    return _length(len(national), right, countries.within(country, locale)) if national else _l("Check this number.")


def _takes_cards(view: PublicCheckout) -> bool:
    return any(method["type"] == MethodType.CARD for method in view["payment_methods"])


def _not_mobile(country: str, locale: str) -> Text:
    begun = prefixes.beginnings(country)
    if not 1 < len(begun) <= _FEW_BEGINNINGS:
        return _l("This is not a mobile number.")
    listed = format_list(begun, style="or", locale=locale)
    return _l("This is not a mobile number: those start with %(begun)s.", begun=listed)


def _length(digits: int, right: int, there: str) -> Text:
    more = {"right": right, "there": there}
    if digits < right:
        missing = right - digits
        return ngettext(
            "%(num)d digit missing (%(right)d %(there)s).",
            "%(num)d digits missing (%(right)d %(there)s).",
            missing,
            **more,
        )
    if digits > right:
        spare = digits - right
        return ngettext(
            "%(num)d digit too many (%(right)d %(there)s).",
            "%(num)d digits too many (%(right)d %(there)s).",
            spare,
            **more,
        )
    return _l("Check this number: it must be a mobile number.")


def _country_not_taken(typed: str, view: PublicCheckout) -> str | None:
    """The country of a number that no offered operator serves; None if it may be paid from, or is not known."""
    try:
        found = phones.parse(typed, None).country
    except phones.InvalidPhone:
        return None
    return None if found in [offer["country"] for offer in drafts.offers(view)] else found


def _amount(draft: Draft, view: PublicCheckout, locale: str) -> Text:
    typed, preset = draft.get("amount"), draft.get("preset")
    currency = view["currency"]

    def shown(amount: int) -> str:
        return Money(amount, currency).format(locale)

    if not typed:
        return _l("Type an amount.")
    try:
        amount = amounts.read(typed, currency)
    except ValueError:
        return _cents(typed, currency, shown) or _l(
            "Type a number, like %(example)s.", example=shown(_example(currency))
        )
    if amounts.is_preset(preset, view) and int(preset) != amount:
        return _l("You chose %(one)s and typed %(other)s: which one?", one=shown(int(preset)), other=shown(amount))
    least, most = view["amount_min"], view["amount_max"]
    if least is not None and amount < least:
        return _l("At least %(min)s.", min=shown(least))
    if most is not None and amount > most:
        return _l("At most %(max)s.", max=shown(most))
    return _l("Check this amount.")


def _cents(typed: str, currency: str, shown: Callable[[int], str]) -> Text | None:
    """What to say of decimals in a currency that has none."""
    try:
        whole = numbers.read(typed, 2).partition(".")[0]
    except ValueError:
        return None
    if money.EXPONENTS[currency] or not whole.isdigit():
        return None
    return _l("No decimals: %(amount)s.", amount=shown(int(whole)))


def _example(currency: str) -> int:
    return 5_000 * int(10 ** money.EXPONENTS[currency])


def _email(draft: Draft, _view: PublicCheckout, _locale: str) -> Text:
    typed = draft.get("email")
    if not typed:
        return _l("Type your email address.")
    return _l("Check this email address.") if "@" in typed else _l("The address lacks an @.")


def _code(_draft: Draft, _view: PublicCheckout, _locale: str) -> Text:
    return _l("Type the code that you received: only its digits.")


def _question(name: str, draft: Draft, view: PublicCheckout) -> Text:
    key = name[len(drafts.FIELD) :]
    asked = next((field for field in view["custom_fields"] if field["key"] == key), None)
    if asked is None:
        return _ANSWER
    label = texts.unturned(asked["label"])
    if asked["type"] == "dropdown":
        return gettext("Choose an answer: %(label)s.", label=label)
    if not draft.get(name):
        return gettext("Please answer: %(label)s.", label=label)
    return _OF_QUESTIONS.get(asked["type"], _ANSWER)


def _shop(view: PublicCheckout) -> str:
    return texts.unturned(view["merchant"]["name"])


_SAID: Mapping[str, Callable[[Draft, PublicCheckout, str], Text]] = {
    "phone": _phone,
    "amount": _amount,
    "email": _email,
    "otp": _code,
}
