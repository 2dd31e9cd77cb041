"""The variables of the page's templates: the public view in the customer's words, amounts and dates."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from urllib.parse import urlencode

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from ikawaari import clock, countries, ids, operators, texts
from ikawaari.checkout import merchant_view, notes, subscriptions, ways
from ikawaari.checkout.notes import Hindrance, Notes, Reason
from ikawaari.checkout.public_view import PublicCheckout, PublicPayment
from ikawaari.checkout.repeats import Earlier
from ikawaari.checkout.ways import Ways
from ikawaari.hosted import (
    csp,
    drafts,
    faults,
    guesses,
    moments,
    page_state,
    prefixes,
    qr,
    sharing,
    shops,
    web,
    wording,
)
from ikawaari.hosted.drafts import Draft
from ikawaari.hosted.page_state import PageState
from ikawaari.hosted.totals import Total
from ikawaari.invariants import present
from ikawaari.money import Money
from ikawaari.operators import OPERATORS
from ikawaari.shapes import CardFields, MethodType, Recurring, Variables

_SLOW_REFRESH_SECONDS = 30
_DAY_SECONDS = 86_400
_BEFORE_A_VOWEL = re.compile(r"\bde (?=[AEÉIOU])")
_OF_OPERATORS = ("method", "operator", "amount")  # fields that are at fault if an operator cannot be paid by


@dataclass(frozen=True)
class Own:
    """The texts in which the same form differs between two customers: those of this session, and of this rendering.

    An empty text does not appear on the page.
    """

    page: str  # its path
    query: str  # what its addresses carry on for a browser that keeps no cookies
    request_key: str
    seen: str
    price: str
    figure: str  # the same in large, which may break before its unit
    description: str
    custom_text: str
    cancel_url: str
    amount: str  # in the currency's smallest unit, for a provider's card fields


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything that a page is rendered from; its templates read neither the request nor the clock."""

    part: bool  # `#checkout` alone
    locale: str
    view: PublicCheckout
    draft: Draft
    state: PageState
    total: Total
    own: Own
    notes: Notes = notes.NONE
    asked: str = ""  # the earlier payment about which the payer has been asked, as the form says
    earlier: Variables | None = None  # the one about which this page asks, in words
    asks_email: bool = False
    asks_contact: bool = False  # on the receipt
    checked: int = 0  # when the payer has just asked for the result, in Unix seconds
    canceling: bool = False  # the payer has asked to leave the payment, and it has not ended
    ways: Ways = ways.NONE
    rest: int = 0  # for how many seconds no further attempt is accepted
    card: CardFields | None = None  # of a live card
    next_payment: int | None = None  # of a subscription that begins now, in Unix seconds


def own(
    session_id: str,
    view: PublicCheckout,
    state: PageState,
    total: Total,
    locale: str,
    *,
    carried: Mapping[str, str] = MappingProxyType({}),
) -> Own:
    """The texts of a session's page. `carried`: what its addresses carry on."""
    amount = _amount(view, state, total)
    price = Money(amount, view["currency"]).format(locale) if amount else ""
    return Own(
        page=f"/{session_id}",
        query=urlencode(carried),
        request_key=ids.random_text(22),
        seen=state.seen,
        price=price,
        figure=Markup("\u00a0<wbr>").join(price.split("\u00a0")) if price else "",
        description=bdi(view["description"]) if view["description"] else "",
        custom_text=bdi(view["custom_text"]) if view["custom_text"] else "",
        cancel_url=page_state.safe_url(view["cancel_url"]) or "",
        amount=str(amount or ""),
    )


def of(facts: Facts) -> Variables:
    """The variables of the templates."""
    view, draft, state, locale = facts.view, facts.draft, facts.state, facts.locale
    payment = view["payment"]
    error, tried, shop = view["last_payment_error"], facts.notes.last_error, texts.unturned(view["merchant"]["name"])
    operator = _operator_name(view, payment["operator"]) if payment else None
    payer = str(_l("your card")) if payment and payment["type"] == MethodType.CARD else operator
    return {
        **vars(facts),
        **vars(facts.own),
        "other_locale": web.other_locale(locale),
        "language_page": "",
        "prefilled_phone": _national(view["customer"]["phone"], view),
        "payment": {**payment, "phone": _national(payment["phone"], view)} if payment else {},
        "chooses_amount": view["amount"] is None,
        "money": lambda amount: Money(amount, view["currency"]).format(locale),
        "bare": lambda amount: _without_unit(Money(amount, view["currency"]).format(locale)),
        "elided": _elided if locale == "fr" else Markup,
        "strong": lambda text: Markup("<b>{}</b>").format(text),
        "operator": operator,
        "menu": _menu(view, payment) if payment else None,
        "failure": _failure(facts, payer, shop) if error else None,
        "hindered": _hindered(facts),
        "last_error": tried and wording.failure(tried, operator, shop=shop),
        "words": wording,
        "trial": wording.trial(view["recurring"]),
        "logo": view["merchant"]["logo_url"] if csp.origin(view["merchant"]["logo_url"]) else None,
        "shop": shops.of(view["merchant"]),
        "unit": re.sub(r"[\d\s.,]", "", Money(0, view["currency"]).format(locale)),
        "whole": Money(0, view["currency"]).exponent == 0,
        "success_url": page_state.safe_url(view["success_url"]),
        "refresh": _refresh(_address(facts.own), state),
        "slow_refresh": _slow_refresh(_address(facts.own), state),
        **_choices(view, draft, facts.card),
        "all_down": _all_down(facts),
        "country_name": lambda code: countries.name(code, locale),
        "country_within": lambda code: countries.within(code, locale),
        "known_as": lambda operator: OPERATORS[operator].known_as if operator in OPERATORS else "",
        "note": _note(facts),
        "fault": lambda name: _fault(facts, name),
        **_moments(facts, payment),
    } | _of_state(facts)


def _of_state(facts: Facts) -> Variables:
    """What only some states show: a code to scan, the address that has ended, or what is sent on of a receipt."""
    view, payment = facts.view, facts.view["payment"]
    if facts.state.name == "qr":
        return {"qr": _qr(view), "sending": sharing.page(view)}
    if facts.state.name in {"expired", "unavailable"}:
        return {"address": merchant_view.page_url(view["id"])}
    if facts.state.name not in sharing.RECEIPTS:
        return {}
    operator = _operator_name(view, payment["operator"]) if payment else None
    return {"share": sharing.of(view, operator, _moments(facts, payment)["day"], facts.locale)}


def bdi(text: str) -> Markup:
    """A merchant's or a customer's text, isolated so that it cannot change the direction of the text around it."""
    return Markup("<bdi>{}</bdi>").format(texts.unturned(text))


def _amount(view: PublicCheckout, state: PageState, total: Total) -> int | None:
    """The form's total, or what the payer was asked to pay, or else the session's amount with the agreed fee."""
    if total.asked:
        return total.quote.total if total.quote else None
    if state.name == "choose":
        amount: int | None = view["amount"]
        return amount
    if view["payment"]:
        return int(view["payment"]["amount"])
    return None if view["amount"] is None else view["amount"] + view["fee_amount"]


def _choices(view: PublicCheckout, draft: Draft, card: CardFields | None) -> Variables:
    """What the open form offers, and what is chosen. A live card is typed in its provider's fields, or not here."""
    country = drafts.country_of(draft, view)
    return {
        "method": drafts.method(draft, view),
        "methods": [m for m in view["payment_methods"] if m["type"] != MethodType.CARD or card or not view["livemode"]],
        "country": country,
        "offers": drafts.offers(view),
        "offer": next((offer for offer in drafts.offers(view) if offer["country"] == country), None),
        "chosen_operator": drafts.operator_of(draft, view),
        "guessed": drafts.is_guessed(draft, view),
        "ported": _ported(draft, view),
        "placeholder": prefixes.placeholder(country) if country else "",
        "prefixes": prefixes,
    }


def _ported(draft: Draft, view: PublicCheckout) -> tuple[str, str] | None:
    """The operator to which the number was first assigned, and another one that was chosen; None if none was."""
    own = guesses.other_than_chosen(draft, view)
    if own is None:
        return None
    return _operator_name(view, own) or "", _operator_name(view, draft.get("operator")) or ""


def _failure(facts: Facts, payer: str | None, shop: str) -> wording.Notice:
    """Why the latest payment failed. `payer`: the operator, or the card, that was asked for it."""
    view, payment = facts.view, facts.view["payment"]
    error = present(view["last_payment_error"], "only a failure is told")
    by_wallet = payment is not None and payment["type"] == MethodType.MOBILE_MONEY
    in_wallet = payment is not None and by_wallet and not page_state.prompts(view, payment)
    return wording.failure(error["code"], payer, facts.notes.or_else, in_wallet=in_wallet, shop=shop)


def _hindered(facts: Facts) -> Mapping[str, LazyString]:
    """What stands in the way of paying by each operator, as its line says."""
    return {
        operator: wording.hindrance(one, _without_unit(_limit(facts, one))) for operator, one in facts.notes.hindrances
    }


def _all_down(facts: Facts) -> bool:
    """Whether there is nothing to pay by in the country of the form until an operator answers again."""
    country = drafts.country_of(facts.draft, facts.view)
    hindered = dict(facts.notes.hindrances)
    shown = [hindered.get(operator["id"]) for operator in drafts.operators_in(facts.view, country)]
    is_down = any(one and one.reason == Reason.DOWN for one in shown)
    return is_down and not page_state.is_payable(facts.view, country)


def _limit(facts: Facts, hindrance: Hindrance) -> str:
    return Money(hindrance.amount, facts.view["currency"]).format(facts.locale)


def _fault(facts: Facts, name: str) -> faults.Text | None:
    draft, view = facts.draft, facts.view
    if name not in draft.faults:
        return None
    operator = drafts.wanted_operator(draft, view) if name in _OF_OPERATORS else None
    if operator and (found := dict(facts.notes.hindrances).get(operator)):
        return wording.hindered(found, _operator_name(view, operator) or operator, _limit(facts, found))
    if name == "operator" and _note(facts):
        return None
    return faults.text(name, draft, view, facts.locale)


def _note(facts: Facts) -> LazyString | str | None:
    """What is said beside the operator of a form that shows a guess before it is sent. Nothing is wrong with it."""
    draft, view = facts.draft, facts.view
    country, operator = drafts.country_of(draft, view) or "", drafts.wanted_operator(draft, view)
    if operator in dict(facts.notes.hindrances):  # that is what has to be told
        return None
    from_country = countries.out_of(country, facts.locale)
    return guesses.words(draft.reasons.get("operator", ""), _operator_name(view, operator), from_country)


def _moments(facts: Facts, payment: PublicPayment | None) -> Variables:
    """Dates and times, as they are where the shop is."""
    view, locale = facts.view, facts.locale
    country = view["country"] or view["merchant"]["country"]
    paid = page_state.moment(page_state.settled(payment), country) if payment else None
    begun = page_state.moment(payment["created"], country) if payment else None
    ends = payment["deadline_at"] if payment else None
    return {
        "day": lambda seconds: moments.day(page_state.moment(seconds, country), locale),
        # The last whole day of a period that ends then: the next one begins on the day of its end.
        "last_day": lambda seconds: moments.day(page_state.moment(seconds - _DAY_SECONDS, country), locale),
        "day_nearby": lambda seconds: moments.day_nearby(page_state.moment(seconds, country), paid, locale),
        "instant": lambda seconds: _instant(page_state.moment(seconds, country), begun, locale),
        "paid_at": moments.day_and_time(paid, locale) if paid else "",
        "now_at": moments.time(page_state.moment(facts.checked, country), locale, seconds=True),
        "ends_at": moments.time(page_state.moment(ends, country), locale) if ends else "",
        "life": _life(payment),
        "renewal": _renewal(facts, country),
    }


def _renewal(facts: Facts, country: str | None) -> str:
    """When a subscription that starts now is paid again; empty for anything else."""
    recurring, at = facts.view["recurring"], facts.next_payment
    return wording.renewal(recurring, page_state.moment(at, country), facts.locale) if recurring and at else ""


def _instant(at: datetime, begun: datetime | None, locale: str) -> str | None:
    """The time of an instant, with its day if the payment began on another one."""
    same_day = begun is not None and at.date() == begun.date()
    return moments.time(at, locale) if same_day else moments.day_and_time(at, locale)


def _elided(text: Markup) -> Markup:
    """A French text with its "de" before a name that begins with a vowel: "d’Orange Money"."""
    return Markup(_BEFORE_A_VOWEL.sub("d’", text))  # noqa: S704  only "de " goes


def _life(payment: PublicPayment | None) -> int:
    """For how many seconds the payment could be approved, from its beginning; at least 1."""
    return max(1, (payment["deadline_at"] or 0) - payment["created"]) if payment else 1


def _without_unit(amount: str) -> str:
    """An amount without its currency, where another one beside it names it."""
    return re.sub(r"^[^0-9]+|[^0-9]+$", "", amount)


def earlier(told: Earlier | None, country: str | None, locale: str, now: datetime) -> Variables | None:
    """What a payer is asked about before paying again, in words: the amount, when, and how often."""
    if told is None:
        return None
    then, today = page_state.moment(told["at"], country), page_state.moment(clock.unix(now), country)
    recurring = {"interval": told.get("interval"), "interval_count": told.get("interval_count")}
    operator = OPERATORS.get(told.get("operator") or "")
    return {
        **told,
        "amount": Money(told["amount"], told["currency"]).format(locale),
        "when": moments.when(then, today, locale),
        "operator": operator.name if operator else None,
        "every": recurring if recurring["interval"] else None,
    }


def next_payment(recurring: Recurring | None, now: datetime) -> int | None:
    """When a subscription that starts now is paid for the first time after today, in Unix seconds."""
    if recurring is None:
        return None
    days = recurring.get("trial_period_days")
    if days:
        return clock.unix(now + timedelta(days=days))
    return clock.unix(subscriptions.period_end(now, recurring["interval"], recurring["interval_count"]))


def _tied(text: str | None) -> str | None:
    """A masked number, or a date, without line breaks."""
    return text.replace(" ", "\u00a0") if text else None


def _address(own: Own) -> str:
    return f"{own.page}?{own.query}" if own.query else own.page


def _slow_refresh(page: str, state: PageState) -> str | None:
    """What a browser does in which the scripts did not arrive; `checkout.js` calls it off."""
    return f"{_SLOW_REFRESH_SECONDS};url={page}" if state.reloads else None


def _national(phone: str | None, view: PublicCheckout) -> str | None:
    """A masked number, without the code of the country that the page is about."""
    country = countries.find(view["country"] or view["merchant"]["country"] or "")
    return _tied(phone.removeprefix(f"+{country.dial_code} ") if phone and country else phone)


def _refresh(page: str, state: PageState) -> str | None:
    """What a browser without JavaScript does by itself."""
    if state.forward and state.name != "redirect":
        return f"{state.forward.after_seconds};url={state.forward.url}"
    return f"{max(5, state.poll_seconds)};url={page}" if state.poll_seconds and state.reloads else None


def _operator_name(view: PublicCheckout, operator: str | None) -> str | None:
    known = (offer for country in drafts.offers(view) for offer in country["operators"])
    names = {offer["id"]: str(offer["name"]) for offer in known}
    found = operators.find(operator, None) if operator else None
    name = names.get(operator or "") or (found.name if found else operator)
    return name.partition(" (")[0] if name else None  # its other name stands beside it where it is chosen


def _menu(view: PublicCheckout, payment: PublicPayment) -> Variables:
    """Where the payer finds a payment that waits: what the provider says, a code to dial, or an app.

    The codes of the sandbox are invented: nobody is told to dial one.
    """
    operator, action = OPERATORS.get(payment["operator"] or ""), view["next_action"]
    prompt = action.get("mobile_money_ussd") if action and view["livemode"] else None
    return {
        "steps": prompt.get("instructions") if prompt else None,
        "payee": shops.payer_name(view),
        "code": prompt["dial_code"] if prompt else operator and operator.menu,
        "is_app": bool(operator and operator.is_app),
    }


def _qr(view: PublicCheckout) -> Variables:
    action = present(view["next_action"], "a page with a code to scan has it from the provider")
    data = action["display_qr_code"]["data"] or ""
    return {"svg": qr.svg(data), "url": page_state.safe_url(data)}
