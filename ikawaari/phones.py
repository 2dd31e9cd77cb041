"""Phone numbers: from what customers type to E.164, and to a masked form that may be shown."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import phonenumbers
from phonenumbers import NumberFormat, NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType, carrier

from ikawaari import operators

_MAX_TEXT = 32
# What people put between digits, including typographic dashes and invisible marks of pasted text.
_SEPARATORS = re.compile(r"[\s.()\-\u2010-\u2015\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
_DIGITS = re.compile(r"\+?[0-9]+")

# National mobile numbers without their new prefix: a known client strips the 0 of Ivory Coast, and Benin put 01 before
# its 8 digits in 2024. Any other number of these lengths is a typo, and is not completed.
_REPAIRS = {"CI": (re.compile(r"[157][0-9]{8}"), "0"), "BJ": (re.compile(r"[4569][0-9]{7}"), "01")}

# The library's network names that operators.find does not know, because nobody uses them for a wallet.
_CARRIERS = {
    ("CM", "MTN Cameroon"): "mtn_cm",
    ("NE", "Orange"): "zamani_ne",
    ("TG", "Togo Telecom"): "tmoney_tg",
}
# Ivory Coast writes its ten digits in pairs; the library writes 07 00 00 0000.
_OWN_FORMS = {225: NumberFormat(pattern=r"(\d{2})" * 5, format=r"\1 \2 \3 \4 \5")}


class InvalidPhone(ValueError):
    """The text is not a mobile number. The message never contains the number."""


@dataclass(frozen=True)
class Phone:
    """A mobile number in E.164 ("+221771234567") and its ISO 3166 alpha-2 country."""

    e164: str
    country: str


class FormerPhone(InvalidPhone):
    """The text is a mobile number from before its country changed all numbers. Only its owner can confirm the new one.

    `phone` is the number today, `since` the day of the change.
    """

    def __init__(self, phone: Phone, since: date) -> None:
        super().__init__("a number from before its country changed all numbers")
        self.phone, self.since = phone, since

    @property
    def advice(self) -> str:
        """What to tell a merchant's server; it contains the number."""
        return f"is an old number: since {self.since} it is {self.phone.e164}"


@dataclass(frozen=True)
class _Renumbering:
    """How a country changed its mobile numbers: what was put before which old beginnings."""

    since: date
    length: int  # digits of an old number
    put_before: Mapping[str, str]

    def renewed(self, local: str) -> str | None:
        """The national number today; None for what was no mobile number, or is not sure."""
        fits = (new for new, old in self.put_before.items() if local.startswith(tuple(old.split())))
        return next((new + local for new in fits if len(local) == self.length), None)


# docs/decisions/former-numbers.md has the two sources of each rule.
_RENUMBERED = {
    "CI": _Renumbering(
        since=date(2021, 1, 31),
        length=8,
        put_before={
            "01": "01 02 03 40 41 42 43 50 51 52 53 70 71 72 73",
            "05": "04 05 06 44 45 46 54 55 56 64 65 66 74 75 76 84 85 86 94 95 96",
            "07": "07 08 09 47 48 49 57 58 59 67 68 77 78 79 87 88 89 97 98",
        },
    ),
    "CM": _Renumbering(since=date(2014, 11, 21), length=8, put_before={"6": "5 7 9"}),
}


def parse(text: str, country: str | None) -> Phone:
    """Parse a number as typed. The country (alpha-2, any case) is used for local forms; a + or 00 takes precedence.

    Only the length is checked, because ranges change and customers must be able to pay. Raises InvalidPhone, and for a
    number from before its country changed them FormerPhone.
    """
    return _parsed(text, country, PhoneNumberType.MOBILE)


def parse_any(text: str, country: str | None) -> Phone:
    """The same for a number of any kind, such as a shop's landline."""
    return _parsed(text, country, PhoneNumberType.UNKNOWN)


def _parsed(text: str, country: str | None, kind: int) -> Phone:
    region = country.upper() if country else None
    if region and region not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidPhone("unknown country")
    number = _repaired(_read(_clean(text), region))
    _refuse_former(number)
    reason = phonenumbers.is_possible_number_for_type_with_reason(number, kind)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise InvalidPhone("wrong length for such a number of its country")
    e164 = _formatted(number, PhoneNumberFormat.E164)
    # Of a doubled trunk prefix only one is removed: such a text would become another number each time it is parsed.
    if _read(e164) != number:
        raise InvalidPhone("not a phone number")
    return Phone(e164, _country(number))


def guess_operator(phone: Phone) -> str | None:
    """Return the id of the operator that the number was first assigned to, None if unknown.

    Numbers are ported, and Wave works on any of them: use it to preselect an operator, never to refuse one.
    """
    network = carrier.name_for_number(_read(phone.e164), "en")
    operator = operators.find(network, phone.country)
    return operator.id if operator else _CARRIERS.get((phone.country, network))


def is_fixed_line(phone: Phone) -> bool:
    """Whether the number is one of a landline, as far as is known: of ranges that may be mobile, too, it is not."""
    return phonenumbers.number_type(_read(phone.e164)) == PhoneNumberType.FIXED_LINE


def written(e164: str, country: str) -> str:
    """Return the number as people write it in `country` ("33 800 00 00"), with its code if it is another country's.

    Its blanks do not break a line. Raises InvalidPhone for text that is not E.164.
    """
    number = _read(e164)
    form = PhoneNumberFormat.NATIONAL if _country(number) == country else PhoneNumberFormat.INTERNATIONAL
    return _formatted(number, form).replace(" ", "\u00a0")


def mask(e164: str) -> str:
    """Return "+221 77 ••• •• 67": the country code, two digits at each end, one bullet for each other digit.

    Raises InvalidPhone for text that is not E.164.
    """
    number = _read(e164)
    code, _, local = _formatted(number, PhoneNumberFormat.INTERNATIONAL).partition(" ")
    places = [at for at, character in enumerate(local) if character.isdigit()]
    # Some islands have four digits in total: two at each end would be the whole number.
    hidden = places[2 if len(places) > 6 else 0 : -2]
    return f"{code} " + "".join("•" if at in hidden else character for at, character in enumerate(local))


def _clean(text: str) -> str:
    """Return digits with an optional +, 00 turned into it; raises InvalidPhone for anything else."""
    if len(text) > _MAX_TEXT:
        raise InvalidPhone("too long")
    digits = _SEPARATORS.sub("", text)
    if not _DIGITS.fullmatch(digits):
        raise InvalidPhone("not a phone number")
    return f"+{digits[2:]}" if digits.startswith("00") else digits


def _read(digits: str, region: str | None = None) -> PhoneNumber:
    try:
        return phonenumbers.parse(digits, region)
    except NumberParseException:
        # Without its cause, whose text may contain the number.
        raise InvalidPhone("not a phone number, or a local one without its country") from None


def _repaired(number: PhoneNumber) -> PhoneNumber:
    local = phonenumbers.national_significant_number(number)
    lost, prefix = _REPAIRS.get(_country(number), (None, ""))
    return _read(f"+{number.country_code}{prefix}{local}") if lost and lost.fullmatch(local) else number


def _refuse_former(number: PhoneNumber) -> None:
    country = _country(number)
    change = _RENUMBERED.get(country)
    renewed = change.renewed(phonenumbers.national_significant_number(number)) if change else None
    if change and renewed:
        raise FormerPhone(Phone(f"+{number.country_code}{renewed}", country), change.since)


def _country(number: PhoneNumber) -> str:
    """Return the alpha-2 country; the main one of a shared code (+1) if the range is new. Raises InvalidPhone."""
    region = phonenumbers.region_code_for_number(number)
    region = region or phonenumbers.region_code_for_country_code(number.country_code or 0)
    # Satellite and freephone codes belong to "001", the world.
    if not region.isalpha() or region == "ZZ":
        raise InvalidPhone("the number belongs to no country")
    return region


def _formatted(number: PhoneNumber, form: int) -> str:
    own = _OWN_FORMS.get(number.country_code or 0) if form != PhoneNumberFormat.E164 else None
    return phonenumbers.format_by_pattern(number, form, [own]) if own else phonenumbers.format_number(number, form)
