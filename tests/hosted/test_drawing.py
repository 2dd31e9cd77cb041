"""The form that is drawn once for many: whatever differs, everybody is shown what a drawing of their own would show."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

import pytest
from flask import Flask

from ikawaari import clock
from ikawaari.checkout import public_view, sessions
from ikawaari.checkout.notes import Hindrance, Notes, Reason
from ikawaari.checkout.public_view import PublicMerchant
from ikawaari.checkout.quotes import Quote
from ikawaari.checkout.ways import Ways
from ikawaari.hosted import context, drawing, page_state
from ikawaari.hosted.context import Facts, Own
from ikawaari.hosted.drafts import Draft
from ikawaari.hosted.totals import Total
from ikawaari.providers.base import FailureCode
from ikawaari.shapes import CardFields
from tests import factories

ODD = "Chez <b>Awa</b> & {{ fils }} %(amount)s"
NO_TOTAL = Total(asked=False, quote=None)
PAYMENT = {"type": "mobile_money", "operator": "wave_sn", "phone": "+221 •• 12", "amount": 700, "fee_amount": 0}
SHOP = dict.fromkeys(PublicMerchant.__annotations__) | {"name": "Boutique", "country": "SN"}
# Of every field of the public view: other values, each of which makes another view.
VIEWS: Mapping[str, list[Any]] = {
    "id": ["cs_other"],
    "object": ["other"],
    "status": ["complete"],
    "payment_status": ["processing"],
    "mode": ["subscription"],
    "recurring": [{"interval": "month", "interval_count": 1, "trial_period_days": None}],
    "amount": [7_000, 8_000, None],
    "amount_min": [100],
    "amount_max": [9_000],
    "amount_presets": [[500, 1_000]],
    "fee_mode": ["customer_pays"],
    "fee_amount": [50],
    "fees": [[{"type": "card", "fee_amount": 50, "amount_total": 5_050}]],
    "currency": ["EUR", "GNF"],
    "country": ["CI", "ML"],
    "description": [None, ODD],
    "custom_text": [ODD, "Livré demain."],
    "line_items": [[{"name": ODD, "amount": 2_500, "quantity": 2}]],
    "custom_fields": [
        [factories.custom_field()],
        [factories.custom_field(label=ODD)],
        [factories.custom_field(required=True)],
        [factories.custom_field(type="dropdown")],
    ],
    "answered_fields": [["age"]],
    "merchant": [
        SHOP | {"name": ODD},
        SHOP | {"logo_url": "https://a.example/l.png", "color": "#aa0000"},
        SHOP | {"color": "#00aa00", "country": "CM"},
        *(SHOP | {name: ODD} for name in ("legal_name", "town")),
        *(SHOP | {name: "https://a.example/?a=1&b=<2>"} for name in ("terms_url", "refunds_url", "privacy_url")),
        SHOP | {"help_phone": "+221338000000"},
    ],
    "payment_methods": [[], [{"type": "card"}]],
    "customer": [
        {"name": None, "email": "a•••@b.example", "phone": None},
        {"name": "A", "email": None, "phone": "•• 12"},
    ],
    "next_action": [{"type": "mobile_money_ussd", "mobile_money_ussd": {"message": "", "dial_code": None}}],
    "payment": [{**PAYMENT, "status": "failed", "created": 1, "settled_at": 2, "deadline_at": None, "reference": "R"}],
    "last_payment_error": [{"code": "payer_declined", "message": ""}],
    "late": [True],
    "reference": ["5F1C0A7E"],
    "subscription": [{"status": "active", "current_period_end": 1, "cancel_at_period_end": False, "canceled_at": None}],
    "invoice": [{"period_start": 1, "period_end": 100_000}],
    "unavailable": ["used"],
    "thank_you": [ODD],
    "success_url": ["https://shop.example/paid"],
    "cancel_url": [None, "https://shop.example/?cart=1&more=<2>"],
    "expires_at": [1],
    "completed_at": [1],
    "livemode": [True],
    "locale": ["en"],
}
FIELDS = CardFields(ours="stripe.js", script="https://a.example/v3/", key="pk_live_1", scripts=(), frames=(), calls=())
# Of everything else that a page is drawn from.
FACTS: Mapping[str, list[Any]] = {
    "part": [True],
    "locale": ["en"],
    "draft": [Draft({"phone": "77 123", "email": "a@b.example"}), Draft({}, ("phone",)), Draft({"method": "card"})],
    "total": [Total(asked=True, quote=None), Total(asked=True, quote=Quote(5_000, 50, None))],
    "notes": [
        Notes(last_error=FailureCode.INSUFFICIENT_FUNDS),
        *(Notes(hindrances=(("wave_sn", Hindrance(Reason.MINIMUM, amount)),)) for amount in (500, 700)),
        *(Notes(hindrances=(("wave_sn", Hindrance(reason, 500)),)) for reason in Reason),
        Notes(hindrances=(("orange_sn", Hindrance(Reason.DOWN)),)),
        Notes(cards_are_down=True),
        Notes(is_canceled=True),
    ],
    "asked": ["pi_earlier"],
    "earlier": [{"kind": "waiting", "id": "pi_1", "amount": "5 000", "when": "hier à 10:00", "every": None}],
    "asks_email": [True],
    "asks_contact": [True],
    "checked": [True],
    "canceling": [True],
    "ways": [Ways(cancel="5f1c0a7e"), Ways(resume=True)],
    "rest": [90],
    "card": [FIELDS, replace(FIELDS, key="pk_live_2")],
    "next_payment": [1_800_000_000],
}
OWN = ("page", "query", "request_key", "seen", "price", "figure", "description", "custom_text", "cancel_url", "amount")


@pytest.fixture
def base(app: Flask) -> Iterator[Facts]:
    """What the page of an ordinary session is drawn from."""
    with app.test_request_context("/"):
        now = clock.now()
        session = factories.session(description="Commande 1", cancel_url="https://shop.example/cart")
        yield facts_of(public_view.public(sessions.look_up(session.id, now), now))


def facts_of(view: Any, **others: Any) -> Facts:
    """The facts of a session's page with this view."""
    now = clock.now()
    state, total = page_state.of(view, now), others.get("total", NO_TOTAL)
    given: dict[str, Any] = {
        "part": False,
        "locale": "fr",
        "draft": Draft(),
        "total": total,
        "own": context.own(view["id"], view, state, total, others.get("locale", "fr")),
        "next_payment": context.next_payment(view["recurring"], now),
    }
    return Facts(view=view, state=state, **given | others)


def variants(base: Facts) -> Iterator[Facts]:
    """The page with each single thing changed."""
    for name, values in VIEWS.items():
        for value in values:
            yield facts_of({**base.view, "completed_at": 1, name: value})
    for name, values in FACTS.items():
        yield from (facts_of(base.view, **{name: value}) for value in values)


def chosen_amount(base: Facts) -> Facts:
    """The same where the customer chooses the amount and answers a question, so that more is shown."""
    return facts_of({**base.view, "amount": None, "custom_fields": [factories.custom_field("age", required=True)]})


def unnamed(facts: Facts) -> Facts:
    """The same without the random words that every drawing has."""
    return replace(facts, own=replace(facts.own, request_key=""))


def test_every_input_is_varied(base: Facts) -> None:
    """A new field of the view or of the facts needs its variants above."""
    assert set(VIEWS) == set(base.view)
    assert {*FACTS, "view", "state", "own"} == {field.name for field in fields(Facts)}
    assert set(OWN) == {field.name for field in fields(Own)}


@pytest.mark.long(engine="postgres")  # what is drawn of what was read knows no engine
def test_everybody_is_shown_what_a_drawing_of_their_own_would_show(base: Facts) -> None:
    """Twice, so that each variant meets the drawings of all others."""
    pages = [facts for start in (base, chosen_amount(base)) for facts in (start, *variants(start))]
    for facts in [*pages, *pages]:
        assert drawing.html(facts) == drawing.draw(facts)


@pytest.mark.parametrize("name", [*drawing._SHOWN, "amount", "description", "custom_text", "cancel_url"])
def test_each_variant_of_what_the_form_shows_has_a_page_of_its_own(base: Facts, name: str) -> None:
    """Else the test above would compare one page with itself."""
    start = chosen_amount(base)
    values = [value for value in VIEWS[name] if value != {**start.view}[name]]
    pages = {drawing.draw(unnamed(facts_of({**start.view, name: value}))) for value in values}
    assert len(pages | {drawing.draw(unnamed(start))}) == len(values) + 1


def test_the_open_form_is_drawn_once_for_all_sessions_of_a_shop(base: Facts, monkeypatch: pytest.MonkeyPatch) -> None:
    """The amount, the description and the addresses are filled in."""
    drawing.html(base)
    monkeypatch.setattr(drawing, "draw", None)
    other = {"amount": 123_000, "description": ODD, "cancel_url": "https://other.example/", "id": "cs_other"}
    page = drawing.html(facts_of({**base.view, **other}))
    assert "123\u202f000" in page
    assert "&lt;b&gt;Awa&lt;/b&gt; &amp; {{ fils }} %(amount)s" in page
    assert 'href="https://other.example/"' in page
    assert 'action="/cs_other/pay"' in page


def test_a_form_with_something_typed_is_not_kept(base: Facts) -> None:
    """What one customer typed is in no memory that another one's page comes from."""
    before = drawing._pieces.cache_info().currsize
    for facts in variants(base):
        if facts.draft != Draft() or facts.view["customer"] != base.view["customer"]:
            drawing.html(facts)
    assert drawing._pieces.cache_info().currsize == before
