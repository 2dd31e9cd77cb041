"""Requests to MTN: their headers and fields, checked as documented. Everything here raises Refused."""

import re
from urllib.parse import urlsplit

from ikawaari.simulators.shapes import Body
from ikawaari.simulators.web import Answer, Refused, Request, in_json

# The environment of each country, and its currency.
ENVIRONMENTS = {"CM": "mtncameroon", "CI": "mtnivorycoast", "BJ": "mtnbenin", "sandbox": "sandbox"}
CURRENCIES = {"mtncameroon": "XAF", "mtnivorycoast": "XOF", "mtnbenin": "XOF", "sandbox": "EUR"}
UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
_MESSAGE = re.compile(r"[\x20-\x26\x28-\x7e]{1,160}")  # ASCII without the apostrophe
_AMOUNTS = {"EUR": re.compile(r"(0|[1-9][0-9]*)(\.[0-9]{1,2})?"), None: re.compile(r"[1-9][0-9]*")}


def error(status: int, code: str, message: str = "") -> Answer:
    """An error with its code, as the API answers it."""
    return in_json({"code": code, "message": message or code.replace("_", " ").capitalize()}, status)


def bad(message: str) -> Refused:
    """400: the message names the field."""
    return Refused(error(400, "BAD_REQUEST", message))


def reference(request: Request) -> str:
    """X-Reference-Id."""
    value = request.header("X-Reference-Id")
    if value is None or not UUID4.fullmatch(value):
        raise bad("X-Reference-Id must be a UUID of version 4")
    return value


def environment(request: Request, wanted: str) -> None:
    """X-Target-Environment."""
    if request.header("X-Target-Environment") != wanted:
        raise Refused(error(500, "NOT_ALLOWED_TARGET_ENVIRONMENT", "Access to target environment is forbidden."))


def callback(request: Request, host: str, *, is_sandbox: bool) -> str | None:
    """X-Callback-Url, whose host must be the registered one; callbacks of the sandbox are not encrypted."""
    url = request.header("X-Callback-Url")
    if url is None:
        return None
    if not url:
        raise bad("X-Callback-Url must not be empty")
    parts = urlsplit(url)
    if not host or parts.hostname != host or parts.scheme not in ({"http"} if is_sandbox else {"http", "https"}):
        raise Refused(error(500, "INVALID_CALLBACK_URL_HOST", "Callback URL with wrong host."))
    return url


def body(request: Request) -> Body:
    """A JSON object."""
    try:
        given = request.json()
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise bad("the body must be a JSON object")
    return given


def amount(given: Body, currency: str) -> str:
    """A string, without decimals unless the currency is the sandbox's."""
    value = given.get("amount")
    if not isinstance(value, str) or not _AMOUNTS.get(currency, _AMOUNTS[None]).fullmatch(value) or not float(value):
        raise bad("amount is not valid")
    return value


def currency(given: Body, wanted: str, status: int) -> str:
    """The environment's only currency."""
    if given.get("currency") != wanted:
        raise Refused(error(status, "INVALID_CURRENCY", "Currency not supported."))
    return wanted


def payer(given: Body) -> dict[str, str]:
    """A number: digits with the country code."""
    party = given.get("payer")
    if not isinstance(party, dict) or party.get("partyIdType") != "MSISDN":
        raise bad("payer must have the partyIdType MSISDN")
    number = party.get("partyId")
    if not isinstance(number, str) or not re.fullmatch(r"[0-9]{5,15}", number):
        raise bad("partyId is not a valid msisdn")
    return {"partyIdType": "MSISDN", "partyId": number}


def texts(given: Body) -> dict[str, str]:
    """The texts of a request: the caller's reference, and the two messages."""
    found = {}
    for name in ("externalId", "payerMessage", "payeeNote"):
        if name in given:
            value = given[name]
            if not isinstance(value, str) or (name != "externalId" and not _MESSAGE.fullmatch(value)):
                raise bad(f"{name} must be 1 to 160 characters of ASCII, without apostrophes")
            found[name] = value
    return found
