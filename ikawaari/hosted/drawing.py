"""The page's HTML. The form that most customers see first is rendered once for everybody who sees the same one.

If two customers of a shop have not typed anything, their forms differ in a few texts only, those of `Own`. The form is
rendered with placeholders for them and cached; each customer's texts are filled in. A forgotten difference would show
one shop's texts to another's customer. To avoid this, the cached form is rendered from its key, and nothing else.
"""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from flask import render_template
from flask_babel import force_locale
from markupsafe import escape

from ikawaari.checkout.notes import Notes
from ikawaari.checkout.public_view import PublicCheckout
from ikawaari.edge import json_answers
from ikawaari.hosted import context, csp, web
from ikawaari.hosted.context import Facts, Own
from ikawaari.hosted.drafts import Draft
from ikawaari.hosted.page_state import PageState
from ikawaari.hosted.totals import Total
from ikawaari.shapes import CardFields

_KEPT = 256  # drawings of 15 KB
_MARK = f"mark-{secrets.token_hex(12)}-"  # nobody can type it
_MARKS = re.compile(f"{_MARK}([a-z_]+)-")
_OPEN = PageState("choose", f"{_MARK}seen-", 200, None, None, None, held=False)
_NO_DRAFT, _NO_TOTAL = Draft(), Total(asked=False, quote=None)
# What the open form shows of a view. The rest of it is `Own`, or is not there while nobody has tried to pay.
_SHOWN = (
    *("amount_min", "amount_max", "amount_presets", "currency", "country", "custom_fields", "answered_fields"),
    *("merchant", "payment_methods", "livemode"),
)
_ABSENT: Mapping[str, Any] = {
    **dict.fromkeys(("payment", "last_payment_error", "recurring", "invoice", "subscription", "success_url")),
    "line_items": [],
    "customer": {"name": None, "email": None, "phone": None},
}


def html(facts: Facts) -> str:
    """The page, or its part."""
    plain = _plain(facts)
    if not _is_plain(facts, plain):
        return draw(facts)
    own = vars(facts.own)
    view = {name: value for name, value in plain.view.items() if name != "payment_methods"}
    key = json.dumps([plain.part, plain.locale, view, vars(plain.own)])
    pieces = _pieces(key, json_answers.text_of(plain.view["payment_methods"]), plain.card, plain.notes)
    return "".join([escape(own[piece]) if index % 2 else piece for index, piece in enumerate(pieces)])


def draw(facts: Facts) -> str:
    """The same, drawn from the beginning."""
    template = "checkout/part.html" if facts.part else "checkout/page.html"
    style = csp.style(facts.view["merchant"]["color"])
    with force_locale(facts.locale):
        return render_template(template, style=style, scripts=web.scripts(facts.card), **context.of(facts))


def _plain(facts: Facts) -> Facts:
    """The same page as an open form in which there is nothing but what the key of a drawing holds."""
    view: Any = facts.view
    shown = {name: view[name] for name in _SHOWN}
    amount = None if view["amount"] is None else 1  # any one stands for all: `Own` has its text
    own = Own(**{name: text and f"{_MARK}{name}-" for name, text in vars(facts.own).items()})
    view = {**_ABSENT, **shown, "amount": amount}
    told = Notes(hindrances=facts.notes.hindrances, cards_are_down=facts.notes.cards_are_down)
    return _open_form(facts.part, facts.locale, view, own, card=facts.card, notes=told)


def _is_plain(facts: Facts, plain: Facts) -> bool:
    """Whether the page is that open form, but for its own texts."""
    same = replace(plain, view=facts.view, own=facts.own, state=replace(_OPEN, seen=facts.state.seen))
    view: Any = facts.view
    return facts == same and all(view[name] == absent for name, absent in _ABSENT.items())


def _open_form(part: bool, locale: str, view: PublicCheckout, own: Own, **more: Any) -> Facts:
    return Facts(part=part, locale=locale, view=view, draft=_NO_DRAFT, state=_OPEN, total=_NO_TOTAL, own=own, **more)


@lru_cache(_KEPT)
def _pieces(key: str, methods: str, card: CardFields | None, notes: Notes) -> tuple[str, ...]:
    """The drawing in pieces: every second one is the name of a text of `Own`."""
    part, locale, view, own = json.loads(key)
    view["payment_methods"] = json.loads(methods)
    return tuple(_MARKS.split(draw(_open_form(part, locale, view, Own(**own), card=card, notes=notes))))
