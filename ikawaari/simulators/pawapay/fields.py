"""The fields of requests to pawaPay: each is checked as documented. Everything here raises Rejected."""

import re
from collections.abc import Collection
from decimal import Decimal
from urllib.parse import urlsplit

from ikawaari.simulators.addresses import is_acceptable
from ikawaari.simulators.pawapay.failures import Rejected
from ikawaari.simulators.pawapay.wallets import CURRENCIES, WALLETS, Wallet
from ikawaari.simulators.shapes import Body

_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,17})([.][0-9]{0,3}[1-9])?")
_MESSAGE = re.compile(r"[A-Za-z0-9 ]{4,22}")
_MOST_METADATA = 10
_LONGEST_CODE = 36
_ORANGE_CODE = re.compile(r"[0-9]{6}")


def invalid(name: str, why: str) -> Rejected:
    """A parameter has a value that it must not have."""
    return Rejected("INVALID_PARAMETER", f"The request contains an invalid parameter: {name} {why}.")


def only(given: Body, known: Collection[str]) -> None:
    """Refuse fields that do not exist."""
    for name in given:
        if name not in known:
            raise Rejected("UNSUPPORTED_PARAMETER", f"The request contains an unsupported parameter: {name}.")


def text(given: Body, name: str) -> str:
    """A field that must be there, and a string."""
    if given.get(name) is None:
        raise Rejected("MISSING_PARAMETER", f"The request is missing a required parameter: {name}.")
    if not isinstance(given[name], str):
        raise invalid(name, "must be a string")
    return str(given[name])


def uuid4(given: Body, name: str) -> str:
    """An id, in canonical form."""
    value = text(given, name)
    if not _UUID4.fullmatch(value):
        raise invalid(name, "must be a UUID of version 4")
    return value


def amount(given: Body) -> str:
    """An amount in pawaPay's form, whatever the wallet allows."""
    if given.get("amount") is None:
        raise Rejected("MISSING_PARAMETER", "The request is missing a required parameter: amount.")
    value = given["amount"]
    if not isinstance(value, str) or not _AMOUNT.fullmatch(value):
        raise Rejected("INVALID_AMOUNT", "The amount must be a string, without leading or trailing zeros.")
    return value


def currency(given: Body, wallet: Wallet) -> str:
    """A currency of the wallet."""
    value = text(given, "currency")
    if value not in CURRENCIES or value not in wallet.currencies:
        raise Rejected("INVALID_CURRENCY", f"The currency {value} is not supported by {wallet.name}.")
    return value


def within_the_wallet(value: str, money: str, wallet: Wallet) -> None:
    """The decimals and the limits that a wallet has for an amount of a currency."""
    decimals = len(value.partition(".")[2])
    if decimals > wallet.currencies[money]:
        raise Rejected("INVALID_AMOUNT", f"{wallet.name} takes {wallet.currencies[money]} decimals of {money}.")
    least, most = wallet.limits(money)
    if not Decimal(least) <= Decimal(value) <= Decimal(most):
        raise Rejected("AMOUNT_OUT_OF_BOUNDS", f"The amount must be between {least} and {most} {money}.")


def payer(given: Body, name: str = "payer") -> tuple[str, Wallet]:
    """The number and the wallet of `payer`, whether or not they belong together."""
    party = _object(given, name)
    only(party, {"type", "accountDetails"})
    if text(party, "type") != "MMO":
        raise invalid(f"{name}.type", "must be MMO")
    details = _object(party, "accountDetails")
    only(details, {"phoneNumber", "provider"})
    number, wallet = text(details, "phoneNumber"), text(details, "provider")
    if not re.fullmatch(r"[0-9]{5,15}", number):
        raise invalid("phoneNumber", "must be digits, with the country code")
    if wallet not in WALLETS:
        raise Rejected("INVALID_PROVIDER", f"There is no provider {wallet}.")
    return number, WALLETS[wallet]


def _object(given: Body, name: str) -> Body:
    if given.get(name) is None:
        raise Rejected("MISSING_PARAMETER", f"The request is missing a required parameter: {name}.")
    value = given[name]
    if not isinstance(value, dict):
        raise invalid(name, "must be an object")
    return dict(value)


def customer_message(given: Body) -> None:
    """What the customer reads in the prompt."""
    if "customerMessage" in given and not _MESSAGE.fullmatch(text(given, "customerMessage")):
        raise invalid("customerMessage", "must be 4 to 22 letters, digits and spaces")


def client_reference(given: Body) -> None:
    """The caller's own reference."""
    if "clientReferenceId" in given:
        text(given, "clientReferenceId")


def metadata(given: Body) -> dict[str, str]:
    """The metadata, as one flat object."""
    listed = given.get("metadata", [])
    if not isinstance(listed, list) or len(listed) > _MOST_METADATA:
        raise invalid("metadata", f"must be a list of at most {_MOST_METADATA} objects")
    flat: dict[str, str] = {}
    for one in listed:
        name, value = _metadatum(one)
        if name in flat:
            raise Rejected("DUPLICATE_METADATA_FIELD", f"The metadata has {name} twice.")
        flat[name] = value
    return flat


def _metadatum(one: object) -> tuple[str, str]:
    if not isinstance(one, dict) or one.get("isPII", True) is not True:
        raise invalid("metadata", "must hold objects")
    entries = [(name, value) for name, value in one.items() if name != "isPII"]
    if len(entries) != 1 or not isinstance(entries[0][1], str):
        raise invalid("metadata", "must hold objects of one field, a string")
    return entries[0]


def what_the_flow_needs(given: Body, wallet: Wallet) -> None:
    """A code where the wallet has codes, addresses where it redirects, neither elsewhere."""
    _belongs(given, ("preAuthorisationCode",), is_needed=wallet.flow == "PREAUTH")
    _belongs(given, ("successfulUrl", "failedUrl"), is_needed=wallet.flow == "REDIRECT_AUTH")
    if wallet.flow == "PREAUTH":
        code = text(given, "preAuthorisationCode")
        if not 1 <= len(code) <= _LONGEST_CODE or not _ORANGE_CODE.fullmatch(code):
            raise invalid("preAuthorisationCode", "is not a code of this provider")
    for name in ("successfulUrl", "failedUrl"):
        if name in given and not is_acceptable(urlsplit(text(given, name))):
            raise invalid(name, "must be an https address")


def _belongs(given: Body, names: tuple[str, ...], *, is_needed: bool) -> None:
    for name in names:
        if is_needed:
            text(given, name)
        elif name in given:
            raise Rejected("UNSUPPORTED_PARAMETER", f"{name} is not supported by this provider.")
