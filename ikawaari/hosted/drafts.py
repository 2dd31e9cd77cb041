"""What the customer typed, kept fifteen minutes in a signed cookie: a mistake, a decline or a reload loses nothing.

The cookie is sent to this one page only. A card number, its code or a one-time code never enters it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from flask import current_app, request
from itsdangerous import BadData, URLSafeSerializer
from werkzeug.wrappers import Response

from ikawaari import clock, money, phones
from ikawaari.checkout.payment_methods import PayRequest
from ikawaari.edge.requests import is_https
from ikawaari.errors import Details, ValidationFailed

LIFETIME_SECONDS = 15 * 60
FIELD = "field."  # what precedes a custom field's key in the form
QUANTITY = "quantity."  # what precedes a line item's index
_COOKIE = "draft"
_NAMES = {"method", "amount", "preset", "country", "operator", "phone", "name", "email"}
_MAX_VALUE, _MAX_COOKIE = 300, 3_500
# The API's field paths, as the page names the same fields.
_FAULTS = {
    "payment_method.mobile_money.phone_number": "phone",
    "payment_method.mobile_money.country": "phone",
    "payment_method.mobile_money.operator": "operator",
    "payment_method.type": "method",
    "payment_method.card.token": "number",
    "collected.amount": "amount",
    "collected.customerDetails.name": "name",
    "collected.customerDetails.email": "email",
    "collected.quantities": "quantities",
    "agreed_total": "total",
    "otp": "otp",
}
_PREFIXES = {"collected.customFields.": FIELD, "collected.quantities.": QUANTITY}


@dataclass(frozen=True)
class Draft:
    """The typed values by form name, and the names of those at fault."""

    values: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    def get(self, name: str) -> str:
        """What was typed into `name`, or nothing."""
        return self.values.get(name, "")

    def blame(self, details: Details) -> "Draft":
        """The same draft with the fields of an error's `details` at fault."""
        return replace(self, faults=tuple(dict.fromkeys(_fault(path) for path in details)))


def typed(form: Mapping[str, str]) -> Draft:
    """The draft of a submitted form: known names only, so never a card."""
    known = [name for name in form if name in _NAMES or name.startswith((FIELD, QUANTITY))]
    kept = {name: form[name].strip()[:_MAX_VALUE] for name in known}
    return Draft({name: text for name, text in kept.items() if text})


def move(draft: Draft, country: str) -> Draft:
    """The draft in another country; a number that names its own would only lead back."""
    phone = draft.get("phone") if _phone_country(draft) is None else ""
    return Draft({**draft.values, "country": country, "operator": "", "phone": phone})


def load(session_id: str, now: datetime) -> Draft:
    """The draft that the browser kept for this page; empty when there is none, or it is old or forged."""
    try:
        kept = _signer(session_id).loads(request.cookies.get(_COOKIE, ""))
    except BadData:
        return Draft()
    if clock.unix(now) - kept["at"] > LIFETIME_SECONDS:
        return Draft()
    return Draft(kept["values"], tuple(kept["faults"]))


def keep(response: Response, session_id: str, draft: Draft, now: datetime) -> Response:
    """Let the browser keep `draft` for this page."""
    text = _signed(session_id, draft, now)
    response.set_cookie(
        _COOKIE,
        text,
        max_age=LIFETIME_SECONDS,
        path=f"/{session_id}",
        secure=is_https(),
        httponly=True,
        samesite="Lax",
    )
    return response


def forget(response: Response, session_id: str) -> Response:
    """Drop the draft, once it has served."""
    if _COOKIE in request.cookies:
        response.delete_cookie(_COOKIE, path=f"/{session_id}")
    return response


def to_request(
    draft: Draft,
    view: Mapping[str, Any],
    *,
    return_url: str,
    agreed_total: int | None = None,
    card_token: str | None = None,
    desktop: bool = False,
) -> PayRequest:
    """What to ask the domain for. Raises ValidationFailed when a number cannot be read; all else it judges itself."""
    amount = _amount(draft, view)
    common: dict[str, Any] = {
        "amount": amount,
        "quantities": _quantities(draft, view),
        "agreed_total": amount if agreed_total is None else agreed_total,
        "customer": {name: draft.get(name) for name in ("name", "email") if draft.get(name)},
        "custom_fields": {name[len(FIELD) :]: text for name, text in draft.values.items() if name.startswith(FIELD)},
        "return_url": return_url,
    }
    if method(draft, view) == "card":
        return PayRequest(type="card", card_token=card_token, **common)
    country = country_of(draft, view)
    operator = operator_of(draft, view)
    flow = "qr" if desktop and _prefers_qr(view, operator) else None
    phone = draft.get("phone") or None
    return PayRequest(
        type="mobile_money", country=country, operator=operator, phone_number=phone, preferred_flow=flow, **common
    )


def method(draft: Draft, view: Mapping[str, Any]) -> str:
    """The method chosen, else the first offered."""
    offered = [offer["type"] for offer in view["payment_methods"]]
    return draft.get("method") if draft.get("method") in offered else (offered[0] if offered else "")


def country_of(draft: Draft, view: Mapping[str, Any]) -> str | None:
    """The country to show: the number's own when typed with its code, else the one picked, else the session's."""
    offered = [offer["country"] for offer in offers(view)]
    wanted = (_phone_country(draft), draft.get("country"), view["customer"].get("country"), view["country"])
    return next((country for country in wanted if country in offered), offered[0] if offered else None)


def operator_of(draft: Draft, view: Mapping[str, Any]) -> str | None:
    """The operator picked, else the one that the number was first given to, when it is offered."""
    country = country_of(draft, view)
    offered = [offer["id"] for offer in operators_in(view, country) if offer["available"]]
    wanted = (draft.get("operator"), _guess(draft.get("phone") or view["customer"].get("phone") or "", country))
    return next((operator for operator in wanted if operator in offered), None)


def offers(view: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The countries offered for mobile money, each with its operators."""
    found = (offer["countries"] for offer in view["payment_methods"] if offer["type"] == "mobile_money")
    return next(found, [])


def operators_in(view: Mapping[str, Any], country: str | None) -> list[dict[str, Any]]:
    """The operators offered in `country`."""
    return next((offer["operators"] for offer in offers(view) if offer["country"] == country), [])


def _fault(path: str) -> str:
    for ours, theirs in _PREFIXES.items():
        if path.startswith(ours):
            return theirs + path[len(ours) :]
    return _FAULTS.get(path, "form")


def _amount(draft: Draft, view: Mapping[str, Any]) -> int | None:
    if view["amount"] is not None:
        return None
    text = draft.get("amount") or draft.get("preset")
    try:
        return read_amount(text, view["currency"])
    except ValueError:
        raise ValidationFailed({"collected.amount": ["must be an amount"]}) from None


def _quantities(draft: Draft, view: Mapping[str, Any]) -> list[int] | None:
    """One number for each line item; None when none was chosen."""
    if not any(name.startswith(QUANTITY) for name in draft.values):
        return None
    typed = [draft.get(f"{QUANTITY}{index}") or str(item["quantity"]) for index, item in enumerate(view["line_items"])]
    wrong = [index for index, text in enumerate(typed) if not re.fullmatch("[0-9]{1,7}", text)]
    if wrong:
        raise ValidationFailed({f"collected.quantities.{index}": ["must be a whole number"] for index in wrong})
    return [int(text) for text in typed]


def read_amount(text: str, currency: str) -> int:
    """Minor units of an amount as people type it: "5 000", "5.000", "12,50". Raises ValueError."""
    digits = re.sub(r"[\s\u202f\u00a0]", "", text)
    exponent = money.EXPONENTS[currency]
    digits = re.sub(r"[.,](?=[0-9]{3}(?![0-9]))", "", digits) if exponent != 3 else digits
    return money.from_decimal_string(digits.replace(",", "."), currency).amount


def _phone_country(draft: Draft) -> str | None:
    if not draft.get("phone").startswith(("+", "00")):
        return None
    try:
        return phones.parse(draft.get("phone"), None).country
    except phones.InvalidPhone:
        return None


def _guess(phone: str, country: str | None) -> str | None:
    # A masked number still shows the digits that name its network.
    try:
        return phones.guess_operator(phones.parse(phone.replace("•", "1"), country))
    except phones.InvalidPhone:
        return None


def _prefers_qr(view: Mapping[str, Any], operator: str | None) -> bool:
    """Whether the operator shows a code to scan rather than asking on the phone."""
    flows = [offer["flows"] for country in offers(view) for offer in country["operators"] if offer["id"] == operator]
    return bool(flows) and "qr" in flows[0] and "ussd_push" not in flows[0]


def _signed(session_id: str, draft: Draft, now: datetime) -> str:
    values = dict(draft.values)
    while True:
        text = _signer(session_id).dumps({"at": clock.unix(now), "values": values, "faults": draft.faults})
        if len(text) <= _MAX_COOKIE or not values:
            return str(text)
        del values[max(values, key=lambda name: len(values[name]))]


def _signer(session_id: str) -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt=f"draft:{session_id}")
