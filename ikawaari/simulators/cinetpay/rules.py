"""What CinetPay v1 accepts in `POST /v1/payment`, field by field.

A rule gets the body and the account's country, and returns what is wrong in words that begin with the field's name,
or None. The first rule that objects decides.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ikawaari.simulators.addresses import is_acceptable
from ikawaari.simulators.shapes import Body

LONGEST_ID = 30
LONGEST_URL = 120
LEAST, MOST = 100, 2_500_000
CHANNELS = ("PUSH", "OTP", "QRCODE")
LANGUAGES = ("fr", "en")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_PHONE = re.compile(r"\+\d{8,15}")
_OTP = re.compile(r"\d{4,6}")


@dataclass(frozen=True)
class Country:
    """What one account stands for: one country, one currency, and the wallets that it reaches there.

    Amounts are in major units; `step` is what every amount must be a multiple of.
    """

    code: str
    currency: str
    calling_code: str
    wallets: tuple[str, ...]
    step: int = 5
    least: int = LEAST
    most: int = MOST
    methods: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "methods", frozenset(f"{wallet}_{self.code}" for wallet in self.wallets))


COUNTRIES: Mapping[str, Country] = {
    country.code: country
    for country in (
        Country("CI", "XOF", "225", ("OM", "MTN", "MOOV", "WAVE")),
        Country("SN", "XOF", "221", ("OM", "FREE", "EXPRESSO", "WAVE")),
        Country("ML", "XOF", "223", ("OM", "MOOV")),
        Country("BF", "XOF", "226", ("OM", "MOOV", "WAVE")),
        Country("TG", "XOF", "228", ("TMONEY", "MOOV")),
        Country("BJ", "XOF", "229", ("MTN", "MOOV")),
        Country("NE", "XOF", "227", ("AIRTEL", "MOOV", "ZAMANI")),
        Country("CM", "XAF", "237", ("OM", "MTN"), least=500, most=500_000),
        Country("GN", "GNF", "224", ("OM", "MTN"), step=1_000),
        Country("CD", "CDF", "243", ("OM", "AIRTEL", "MPESA", "AFRICELL"), step=1),
    )
}


def problem(body: Body, country: Country) -> str | None:
    """The first thing wrong with a payment, beginning with the field's name; None for one to accept."""
    return next((words for rule in _RULES if (words := rule(body, country))), None)


def is_direct(body: Body) -> bool:
    """Whether the wallet is to be asked directly, without the hosted page."""
    return body.get("direct_pay") is True


def _transaction_id(body: Body, _country: Country) -> str | None:
    value = body.get("merchant_transaction_id")
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST_ID:
        return f"merchant_transaction_id must have 1 to {LONGEST_ID} characters"
    return None


def _currency(body: Body, country: Country) -> str | None:
    return None if body.get("currency") == country.currency else f"currency must be {country.currency}"


def _amount(body: Body, country: Country) -> str | None:
    value = body.get("amount")
    if not isinstance(value, int) or isinstance(value, bool):
        return "amount must be an integer"
    if not country.least <= value <= country.most:
        return f"amount must be between {country.least} and {country.most}"
    if value % country.step:
        return f"amount must be a multiple of {country.step}"
    return None


def _text(name: str, shortest: int) -> Callable[[Body, Country], str | None]:
    def rule(body: Body, _country: Country) -> str | None:
        value = body.get(name)
        fits = isinstance(value, str) and shortest <= len(value) <= 255
        return None if fits else f"{name} must have {shortest} to 255 characters"

    return rule


def _email(body: Body, _country: Country) -> str | None:
    value = body.get("client_email")
    fits = isinstance(value, str) and _EMAIL.fullmatch(value)
    return None if fits else "client_email must be an e-mail address"


def _url(name: str) -> Callable[[Body, Country], str | None]:
    def rule(body: Body, _country: Country) -> str | None:
        value = body.get(name)
        if not isinstance(value, str) or len(value) > LONGEST_URL:
            return f"{name} must have at most {LONGEST_URL} characters"
        return None if is_acceptable(urlsplit(value)) else f"{name} must be an https URL"

    return rule


def _one_of(name: str, choices: tuple[str, ...]) -> Callable[[Body, Country], str | None]:
    def rule(body: Body, _country: Country) -> str | None:
        fits = name not in body or body[name] in choices
        return None if fits else f"{name} must be one of {', '.join(choices)}"

    return rule


def _direct_pay(body: Body, _country: Country) -> str | None:
    return None if isinstance(body.get("direct_pay"), bool | None) else "direct_pay must be true or false"


def _method(body: Body, country: Country) -> str | None:
    value = body.get("payment_method")
    if value is None:
        return "payment_method is required with direct_pay" if is_direct(body) else None
    return None if value in country.methods else f"payment_method is not one of {country.code}"


def _phone(body: Body, country: Country) -> str | None:
    value = body.get("client_phone_number")
    if value is None:
        return "client_phone_number is required with direct_pay" if is_direct(body) else None
    if not isinstance(value, str) or not _PHONE.fullmatch(value):
        return "client_phone_number must have the form +XXXXXXXXXXXX"
    if not value.startswith(f"+{country.calling_code}"):
        return f"client_phone_number must begin with +{country.calling_code}"
    return None


def _otp(body: Body, _country: Country) -> str | None:
    value = body.get("otp_code")
    fits = value is None or (isinstance(value, str) and _OTP.fullmatch(value))
    return None if fits else "otp_code must have 4 to 6 digits"


_RULES: tuple[Callable[[Body, Country], str | None], ...] = (
    _transaction_id,
    _currency,
    _amount,
    _one_of("lang", LANGUAGES),
    _text("designation", 1),
    _email,
    _text("client_first_name", 2),
    _text("client_last_name", 2),
    _url("success_url"),
    _url("failed_url"),
    _url("notify_url"),
    _one_of("channel", CHANNELS),
    _direct_pay,
    _method,
    _phone,
    _otp,
)
