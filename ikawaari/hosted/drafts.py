"""What the customer typed, kept for fifteen minutes in a signed cookie, so that a mistake, a decline or a reload loses
nothing. The cookie is sent to this one page only. It never contains a card number, its code or a one-time code.

Of a browser that keeps no cookies the same is stored in the database, and the address has a token for it. Whether a
browser keeps them is known from an empty draft, which comes with the page: without it, a form is sent with no cookie.
"""

import re
from bisect import bisect
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import current_app, request
from itsdangerous import BadData, URLSafeSerializer
from werkzeug.wrappers import Response

from ikawaari import cards, clock, countries, phones, texts
from ikawaari.checkout import page_drafts
from ikawaari.checkout.payment_methods import PayRequest
from ikawaari.checkout.public_view import OfferedCountry, OfferedOperator, PublicCheckout
from ikawaari.edge.requests import is_https
from ikawaari.errors import Details, ValidationFailed
from ikawaari.hosted import amounts, prefixes, web
from ikawaari.operators import OPERATORS
from ikawaari.shapes import MethodType
from ikawaari.states import PaymentStatus

LIFETIME_SECONDS = 15 * 60
FIELD = "field."  # the prefix of a custom field's key in the form
QUANTITY = "quantity."  # the prefix of a line item's index
_COOKIE = "draft"
_NAMES = {"method", "amount", "preset", "country", "operator", "phone", "name", "email"}
_ANSWERS = re.compile(r"field\.[A-Za-z0-9_-]{1,40}|quantity\.[0-9]{1,3}")
_COUNTRY = re.compile("[A-Za-z]{2}")
_STEP = re.compile(r"([0-9]{1,3})\.(1|-1)")
_MAX_COOKIE = 3_500
_MOST_FAULTS = 30
# The domain's field names, and the page's names for the same fields.
_FAULTS = {
    "phone_number": "phone",
    "country": "phone",
    "operator": "operator",
    "type": "method",
    "payment_method": "method",
    "card_token": "number",
    "amount": "amount",
    "customer.name": "name",
    "customer.email": "email",
    "quantities": "quantities",
    "agreed_total": "total",
    "otp": "otp",
}
_PREFIXES = {"custom_fields.": FIELD, "quantities.": QUANTITY}


@dataclass(frozen=True)
class Draft:
    """The typed values by form name, and the names of wrong ones, with the reason if it is more than "wrong"."""

    values: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)  # by form name; `faults.py` has their sentences

    def get(self, name: str) -> str:
        """What was typed into `name`, or an empty text."""
        return self.values.get(name, "")

    def blame(self, details: Details) -> "Draft":
        """The same draft, with the fields of an error's `details` marked as wrong."""
        return replace(self, faults=tuple(dict.fromkeys(_fault(path) for path in details)), reasons={})

    def ask_code(self, dial: str) -> "Draft":
        """The same draft, with a code to be dialed for the one that the operator wants; no form can send it."""
        return replace(self, values={**self.values, "dial": dial})


def typed(form: Mapping[str, str]) -> Draft:
    """The draft of a submitted form: known names only. Values that must not be stored are left out and marked as wrong.

    A draft with faults is shown again and never paid, because the values that were left out would be missing.
    """
    known = {name: texts.trimmed(form[name]) for name in form if name in _NAMES or name.startswith((FIELD, QUANTITY))}
    reasons = {name if _is_known(name) else "form": _reason(name, text) for name, text in known.items()}
    wrong = {name: reason for name, reason in reasons.items() if reason}
    kept = {name: text for name, text in known.items() if text and _is_known(name) and name not in wrong}
    return Draft(kept, tuple(wrong), wrong)


def move(draft: Draft, country: str) -> Draft:
    """The draft in another country, without a number that names a third one, which would lead back."""
    own = _phone_country(draft)
    phone = prefixes.national(draft.get("phone")) if own in {None, country} else ""
    country = country if _COUNTRY.fullmatch(country) else draft.get("country")
    return Draft({**draft.values, "country": country, "operator": "", "phone": phone})


def step(draft: Draft, change: str, view: PublicCheckout) -> Draft:
    """The draft with one more or one less of a line item; `change`: its index and +1 or -1, such as "0.-1"."""
    found = _STEP.fullmatch(change)
    item = view["line_items"][int(found[1])] if found and int(found[1]) < len(view["line_items"]) else None
    bounds = item.get("adjustable_quantity") if item else None
    if not found or not item or not bounds:
        return draft
    name = f"{QUANTITY}{found[1]}"
    typed = draft.get(name)
    count = (int(typed) if re.fullmatch("[0-9]{1,7}", typed) else item["quantity"]) + int(found[2])
    return replace(
        draft, values={**draft.values, name: str(min(max(count, bounds["minimum"]), bounds["maximum"]))}, faults=()
    )


def try_number(draft: Draft, ending: str) -> Draft:
    """The draft with a number of the sandbox that ends in these digits, for somebody who tries the page."""
    country = draft.get("country")
    if country not in prefixes.PATTERNS or not re.fullmatch("[0-9]{1,3}", ending):
        return draft
    return Draft({**draft.values, "phone": prefixes.example(country, ending), "operator": "", "method": "mobile_money"})


def renew(draft: Draft) -> Draft:
    """The draft with today's number in place of a former one, marked, so that the payer sees it before it is used."""
    if draft.get("method") == MethodType.CARD:
        return draft
    try:
        phones.parse(draft.get("phone"), draft.get("country") or None)
    except phones.FormerPhone as former:
        country = former.phone.country
        digits = former.phone.e164.removeprefix(f"+{countries.COUNTRIES[country].dial_code}")
        values = {**draft.values, "country": country, "phone": prefixes.grouped(country, digits)}
        return Draft(values, (*draft.faults, "phone"), {**draft.reasons, "phone": "former"})
    except phones.InvalidPhone:
        pass
    return draft


def load(session_id: str, now: datetime, *, shows: bool = False) -> Draft:
    """The draft that was kept for this page; empty if there is none, or it is old or forged.

    `shows`: the page is about to show it, so it is not kept in the database any longer.
    """
    text = request.cookies.get(_COOKIE)
    if not text and (token := web.draft_token()):
        text = (page_drafts.take if shows else page_drafts.read)(session_id, token, now)
    if not text:  # as most requests: a signer takes a while to make
        return Draft()
    try:
        kept = _signer(session_id).loads(text)
    except BadData:
        return Draft()
    if clock.unix(now) - kept["at"] > LIFETIME_SECONDS:
        return Draft()
    return Draft(kept["values"], tuple(kept["faults"]), kept["reasons"])


def of_earlier(view: PublicCheckout) -> Draft:
    """What the session knows of its latest payment, for a browser that kept nothing. The number is not shown."""
    payment = view["payment"]
    if payment is None or view["payment_status"] != PaymentStatus.UNPAID:
        return Draft()
    known = OPERATORS.get(payment["operator"] or "")
    values = {"operator": known.id, "country": known.country} if known else {}
    return Draft({"method": payment["type"], **values})


def keep(response: Response, session_id: str, draft: Draft, now: datetime) -> Response:
    """Store `draft` in the browser, for this page, and in the database if the browser has sent no cookie of ours."""
    text = _signed(session_id, draft, now)
    if not {_COOKIE, web.LANGUAGE} & set(request.cookies):
        address = urlsplit(response.location or "")
        query = dict(parse_qsl(address.query)) | {web.DRAFT: page_drafts.store_text(session_id, text, now)}
        response.location = address._replace(query=urlencode(query)).geturl()
    return _set_cookie(response, session_id, text)


def probe(response: Response, session_id: str) -> Response:
    """Give the browser an empty draft: a form that is sent without it comes from one that keeps no cookies."""
    return response if request.cookies else _set_cookie(response, session_id, "")


def _set_cookie(response: Response, session_id: str, text: str) -> Response:
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
    """Delete the draft after use."""
    if _COOKIE in request.cookies:
        response.delete_cookie(_COOKIE, path=f"/{session_id}")
    return response


def to_request(
    draft: Draft,
    view: PublicCheckout,
    *,
    return_url: str,
    agreed_total: int | None = None,
    asked: str | None = None,
    card_token: str | None = None,
    otp: str | None = None,
    desktop: bool = False,
) -> PayRequest:
    """The request to the domain. Raises ValidationFailed if a number cannot be parsed; the domain checks the rest."""
    amount = chosen_amount(draft, view)
    common: dict[str, Any] = {
        "amount": amount,
        "quantities": _quantities(draft, view),
        "agreed_total": amount if agreed_total is None else agreed_total,
        "customer": {name: draft.get(name) for name in ("name", "email") if draft.get(name)},
        "custom_fields": {name[len(FIELD) :]: text for name, text in draft.values.items() if name.startswith(FIELD)},
        "return_url": return_url,
        "asked": asked,
    }
    # The choice counts even if it is no longer offered: this press must not pay by another method.
    if (draft.get("method") or method(draft, view)) == MethodType.CARD:
        return PayRequest(type=MethodType.CARD, card_token=card_token, **common)
    country = country_of(draft, view)
    operator = wanted_operator(draft, view)
    flow = "qr" if desktop and _prefers_qr(view, operator) else None
    phone = draft.get("phone") or None
    return PayRequest(
        type=MethodType.MOBILE_MONEY,
        country=country,
        operator=operator,
        phone_number=phone,
        preferred_flow=flow,
        otp=otp,
        **common,
    )


def method(draft: Draft, view: PublicCheckout) -> str:
    """The chosen method, or else the first one offered."""
    offered = [offer["type"] for offer in view["payment_methods"]]
    return draft.get("method") if draft.get("method") in offered else (offered[0] if offered else "")


def country_of(draft: Draft, view: PublicCheckout) -> str | None:
    """The country to show: the number's own if typed with its code, or else the chosen one, or else the session's."""
    offered = [offer["country"] for offer in offers(view)]
    wanted = (_phone_country(draft), draft.get("country"), view["customer"].get("country"), view["country"])
    return next((country for country in wanted if country in offered), offered[0] if offered else None)


def operator_of(draft: Draft, view: PublicCheckout) -> str | None:
    """The chosen operator, or else the one that the number was first assigned to, if it can be paid by."""
    wanted = wanted_operator(draft, view)
    return wanted if wanted in {offer["id"] for offer in _operators(draft, view) if offer["available"]} else None


def is_guessed(draft: Draft, view: PublicCheckout) -> bool:
    """Whether the operator comes from the number and not from a choice: the page says so before anything is sent."""
    return bool(operator_of(draft, view)) and draft.get("operator") != operator_of(draft, view)


def assigned_operator(draft: Draft, view: PublicCheckout) -> str | None:
    """The operator to which the number was first assigned, whether or not it is offered; None if we know none."""
    return _guess(draft.get("phone") or view["customer"].get("phone") or "", country_of(draft, view))


def wanted_operator(draft: Draft, view: PublicCheckout) -> str | None:
    """The same whether or not it can be paid by: who has chosen one that cannot must not be charged by another."""
    wanted = (draft.get("operator"), assigned_operator(draft, view))
    offered = {offer["id"] for offer in _operators(draft, view)}
    return next((operator for operator in wanted if operator in offered), None)


def _operators(draft: Draft, view: PublicCheckout) -> list[OfferedOperator]:
    return operators_in(view, country_of(draft, view))


def offers(view: PublicCheckout) -> list[OfferedCountry]:
    """The countries offered for mobile money, each with its operators."""
    found = (offer["countries"] for offer in view["payment_methods"] if offer["type"] == MethodType.MOBILE_MONEY)
    return next(found, [])


def operators_in(view: PublicCheckout, country: str | None) -> list[OfferedOperator]:
    """The operators offered in `country`."""
    return next((offer["operators"] for offer in offers(view) if offer["country"] == country), [])


def _is_known(name: str) -> bool:
    return name in _NAMES or (_ANSWERS.fullmatch(name) is not None and not cards.holds_number(name))


def _reason(name: str, text: str) -> str:
    """Why a typed value must not be stored; empty if it may."""
    if not _is_known(name):
        return "signs"
    if len(text) > texts.LONGEST_ANSWER:  # first, because everything else reads the text
        return "long"
    if cards.holds_number(text) and not (name == "phone" and _is_phone(text)):
        return "card"
    return "" if texts.is_storable(text) else "signs"


def _is_phone(text: str) -> bool:
    try:
        phones.parse(text, None)
    except phones.InvalidPhone:
        return False
    return True


def _fault(path: str) -> str:
    for ours, theirs in _PREFIXES.items():
        if path.startswith(ours):
            return theirs + path[len(ours) :]
    return _FAULTS.get(path, "form")


def chosen_amount(draft: Draft, view: PublicCheckout) -> int | None:
    """The amount that was typed or picked, in the smallest unit; None if the session has its own.

    Raises ValidationFailed if it cannot be read.
    """
    if view["amount"] is not None:
        return None
    preset = draft.get("preset")
    chosen = int(preset) if amounts.is_preset(preset, view) else None  # in the smallest unit, as the page wrote it
    if chosen is not None and not draft.get("amount"):
        return chosen
    try:
        typed = amounts.read(draft.get("amount"), view["currency"])
    except ValueError:
        raise ValidationFailed({"amount": ["must be an amount"]}) from None
    if chosen not in {None, typed}:
        raise ValidationFailed({"amount": ["is another one than the chosen preset"]})
    return typed


def _quantities(draft: Draft, view: PublicCheckout) -> list[int] | None:
    """One number for each line item; None if none was chosen."""
    if not any(name.startswith(QUANTITY) for name in draft.values):
        return None
    typed = [draft.get(f"{QUANTITY}{index}") or str(item["quantity"]) for index, item in enumerate(view["line_items"])]
    wrong = [index for index, text in enumerate(typed) if not re.fullmatch("[0-9]{1,7}", text)]
    if wrong:
        raise ValidationFailed({f"quantities.{index}": ["must be a whole number"] for index in wrong})
    return [int(text) for text in typed]


def _phone_country(draft: Draft) -> str | None:
    if not draft.get("phone").startswith(("+", "00")):
        return None
    try:
        return phones.parse(draft.get("phone"), None).country
    except phones.FormerPhone as former:
        return former.phone.country
    except phones.InvalidPhone:
        return None


def _guess(phone: str, country: str | None) -> str | None:
    # A masked number still shows the digits that identify its network.
    try:
        return phones.guess_operator(phones.parse(phone.replace("•", "1"), country))
    except phones.InvalidPhone:
        return None


def _prefers_qr(view: PublicCheckout, operator: str | None) -> bool:
    """Whether the operator shows a QR code instead of a prompt on the phone."""
    flows = [offer["flows"] for country in offers(view) for offer in country["operators"] if offer["id"] == operator]
    return bool(flows) and "qr" in flows[0] and "ussd_push" not in flows[0]


def _signed(session_id: str, draft: Draft, now: datetime) -> str:
    """The draft as stored in its cookie: as many answers as fit, the shortest first."""
    signer, answers = _signer(session_id), sorted(draft.values.items(), key=lambda answer: len(answer[1]))
    faults = draft.faults[:_MOST_FAULTS]
    facts = {"at": clock.unix(now), "faults": faults, "reasons": {name: draft.reasons.get(name, "") for name in faults}}

    def text(count: int) -> str:
        return str(signer.dumps(facts | {"values": dict(answers[:count])}))

    # By halving, a hundred fields are signed seven times instead of a hundred.
    fitting = bisect(range(1, len(answers) + 1), False, key=lambda count: len(text(count)) > _MAX_COOKIE)
    return text(fitting)


def _signer(session_id: str) -> URLSafeSerializer:
    config = current_app.config["IKAWAARI"]
    # The last one signs, and all verify.
    return URLSafeSerializer([*reversed(config.old_secrets), config.secret_key], salt=f"draft 2:{session_id}")
