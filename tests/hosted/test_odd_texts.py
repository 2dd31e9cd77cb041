"""Odd texts in every field of every door: never a 500, no money that is not booked, nothing stored that cannot be read.

Each field meets a part of them; IKAWAARI_ALL_TEXTS=1 sends all to each.
"""

import os
import random
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask

from ikawaari.config import Config
from ikawaari.errors import IkawaariError
from ikawaari.merchants import branding, merchants
from ikawaari.providers.sandbox.ledger import Charge
from ikawaari.store.models import CheckoutSession, PaymentAttempt
from tests import factories
from tests.factories import custom_field
from tests.merchant_api.calls import SESSIONS, Shop

EACH = 200 if os.environ.get("IKAWAARI_ALL_TEXTS") else 4
TOKEN = {"method": "card", "card_token": "tok_test_card"}
CARD = {"type": "card", "card": {"token": "tok_test_card"}}
WALLET = {"type": "mobile_money", "mobile_money": {"operator": "orange_sn", "phone_number": factories.phone()}}


def odd_texts() -> list[str]:
    """Two hundred texts that somebody's code stumbles over."""
    chance = random.Random(8)
    known = [
        *(
            "",
            " ",
            "\x00",
            "a\x00b",
            "\ud800",
            "\udfffx",
            "\udc80",
            "\x1b[2J",
            "\x7f",
            "\x85",
            "\ufffe",
            "\uffff",
            "\ufeff",
        ),
        *(
            "İ" * 200,
            "İ" * 200 + "@y.co",
            "ß" * 300 + "@y.co",
            "ŉ" * 250,
            "ﬃ" * 400,
            "n\x00ul@b.co",
            "İ@y.co",
            "a@b.co",
        ),
        *("\u202e1042", "\u2066\u2067\u2068", "سلام", "שלום", "\u0661\u0662\u0663", "𞤀𞤁", "a" * 10_000, "é" * 10_000),
        *(
            "😀" * 251,
            "👨‍👩‍👧‍👦" * 90,
            "e\u0301" * 300,
            "\u200b" * 300,
            "\n\r\n",
            "a\nb",
            "\t",
            "\v\f",
            "<b>&amp;'\"",
            "{{7*7}}",
        ),
        *(
            "%00",
            "%s%n",
            "'; DROP TABLE x;--",
            "\\x00",
            "\\u0000",
            "null",
            "true",
            "NaN",
            "-1",
            "1e999",
            "0x10",
            "1_000",
        ),
        *(
            "9" * 400,
            "٥٠٠",
            "1 000",
            "5.0000",
            "http://[",
            "https://a\x00b/",
            "//x",
            "javascript:1",
            "../../etc/passwd",
        ),
        *(
            "4242 4242 4242 4242",
            "tok_4242424242424242",
            "+221771234500",
            "+" * 500,
            "@" * 400,
            "." * 400,
            "a@" + "." * 310,
        ),
    ]
    letters = [chr(code) for code in range(1, 0x3000) if unicodedata.category(chr(code)) != "Cn"]
    while len(known) < 200:
        known.append(
            "".join(chance.choices([*letters, "\x00", "\ud83d", "\U0001f600"], k=chance.choice([3, 40, 320, 499])))
        )
    return known


TEXTS = odd_texts()


def some(place: int) -> Iterator[str]:
    """The texts that the field at `place` meets."""
    for number in range(EACH):
        yield TEXTS[(place * 7 + number * 33) % len(TEXTS)] if len(TEXTS) > EACH else TEXTS[number]


@pytest.fixture
def config(config: Config) -> Config:
    """Nobody is asked to rest: here every text is tried."""
    off: dict[str, Any] = dict.fromkeys(
        ("tries_per_session", "prompts_per_phone", "declines_per_card", "link_sessions_per_minute"), 0
    )
    return replace(config, merchant_rate_limit=10**9, **off)


@pytest.fixture
def shop(app: Flask) -> Shop:
    """A merchant who may ask as often as this test wants; its customers, too."""
    return Shop(app, rate_limit=1_000_000)


def new_session() -> CheckoutSession:
    """A session that asks for everything."""
    fields = [custom_field("q"), custom_field("n", "number"), custom_field("d", "date"), custom_field("o", "dropdown")]
    item = {"name": "Wax", "amount": 5_000, "quantity": 1, "adjustable_quantity": {"minimum": 1, "maximum": 9}}
    return factories.session(custom_fields=fields, line_items=[item])


def booked_and_readable(shop: Shop, session: CheckoutSession) -> None:
    """What the provider took is booked, and whatever was stored can be read."""
    charged = {charge.id for charge in Charge.select().where(Charge.taken > 0)}
    succeeded = {row.id for row in PaymentAttempt.select().where(PaymentAttempt.amount_received.is_null(False))}
    assert charged == succeeded
    assert shop.client.get(f"/{session.id}").status_code < 500
    assert shop.client.get(f"/api/checkout/{session.id}").status_code == 200


FORM = (
    *(
        "name",
        "email",
        "field.q",
        "field.n",
        "field.d",
        "field.o",
        "field.zz",
        "amount",
        "operator",
        "country",
        "method",
    ),
    *(
        "preset",
        "quantity.0",
        "quantity.9",
        "agreed",
        "card_token",
        "show_country",
        "phone",
        "recount",
        "number",
        "otp",
    ),
)


def test_no_odd_text_in_the_pages_form_breaks_anything(shop: Shop) -> None:
    session = new_session()
    for place, name in enumerate(FORM):
        for text in some(place):
            form = TOKEN | {name: text.encode("utf-8", "replace").decode()}
            answer = shop.client.post(f"/{session.id}/pay", data=form)
            assert answer.status_code in (303, 307, 413), (name, text[:40])
            if CheckoutSession.get_by_id(session.id).payment_status != "unpaid":
                booked_and_readable(shop, session)
                session = new_session()
        for part in ("number", "expiry", "cvc"):
            form = {"method": "card", "number": "4242424242424242", "expiry": "12/40", "cvc": "123"}
            card = form | {part: TEXTS[place].encode("utf-8", "replace").decode()}
            assert shop.client.post(f"/{session.id}/card", data=card).status_code == 303
            session = new_session() if CheckoutSession.get_by_id(session.id).payment_status != "unpaid" else session
    booked_and_readable(shop, session)


def in_details(name: str) -> Callable[[str], dict[str, Any]]:
    """A body whose customer's `name` is the text."""
    return lambda text: {"payment_method": CARD, "collected": {"customerDetails": {name: text}}}


def in_answers(key: str) -> Callable[[str], dict[str, Any]]:
    """A body whose answer to `key` is the text."""
    return lambda text: {"payment_method": CARD, "collected": {"customFields": {key: text}}}


def in_wallet(name: str) -> Callable[[str], dict[str, Any]]:
    """A body whose wallet's `name` is the text."""
    wallet: dict[str, Any] = WALLET["mobile_money"]  # type: ignore[assignment]
    return lambda text: {"payment_method": {"type": "mobile_money", "mobile_money": wallet | {name: text}}}


PUBLIC: tuple[Callable[[str], dict[str, Any]], ...] = (
    *map(in_details, ("name", "email", "phone", "address")),
    *map(in_answers, ("q", "n", "d", "o")),
    *map(in_wallet, ("country", "operator", "phone_number", "preferred_flow", "otp")),
    lambda text: {"payment_method": {"type": text}},
    lambda text: {"payment_method": {"type": "card", "card": {"token": text}}},
    lambda text: {"payment_method": CARD, "return_url": text},
    lambda text: {"payment_method": CARD, "session_id": text},
    lambda text: {"payment_method": CARD, text: 1},
    lambda text: {"payment_method": CARD, "collected": {"customFields": {text: text}}},
)


def test_no_odd_text_in_the_public_json_breaks_anything(shop: Shop) -> None:
    session = new_session()
    for place, body in enumerate(PUBLIC):
        for text in some(place):
            answer = shop.post(f"/api/checkout/{session.id}/pay", body(text))
            assert answer.status_code in (200, 400, 402, 413), (place, text[:40], answer.text)
            if CheckoutSession.get_by_id(session.id).payment_status != "unpaid":
                booked_and_readable(shop, session)
                session = new_session()
    booked_and_readable(shop, session)


OPTIONS = {"key": "o", "label": "O", "type": "dropdown"}
MERCHANT: tuple[tuple[str, Callable[[str], dict[str, Any]]], ...] = (
    *(
        (SESSIONS, lambda text, name=name: {"amount": 5000, name: text})
        for name in ("description", "customText", "clientReferenceId")
    ),
    *((SESSIONS, lambda text, name=name: {name: text}) for name in ("customerEmail", "customerPhone", "successUrl")),
    *((SESSIONS, lambda text, name=name: {name: text}) for name in ("currency", "country", "locale", "mode", "x")),
    (SESSIONS, lambda text: {"metadata": {"k": text, text: [text]}}),
    (SESSIONS, lambda text: {"lineItems": [{"name": text, "amount": 1}]}),
    (SESSIONS, lambda text: {"customFields": [{"key": "a", "label": text, "type": "text"}]}),
    (SESSIONS, lambda text: {"customFields": [OPTIONS | {"options": [text, {"label": text, "value": text + "x"}]}]}),
    ("/api/v2/payment_links", lambda text: {"amount": 1, "description": text, "thankYou": text}),
    ("/api/v2/payment_links", lambda text: {"amount": 1, "customText": text}),
    ("/api/v2/payment_links", lambda text: {"amount": 1, "successUrl": text, "expiresAt": text}),
    ("/api/v1/payment-intents", lambda text: {"amount": 1, "currency": "xof", "description": text, "customer": text}),
    ("/api/v1/payment-intents", lambda text: {"amount": 1, "currency": "xof", "customer_email": text}),
    ("/api/v1/payment-intents", lambda text: {"amount": 1, "currency": "xof", "payment_method": text}),
    ("/api/v1/refunds", lambda text: {"payment_intent": text, "reason": text, "metadata": {"a": text}}),
    ("/api/v1/webhook-endpoints", lambda text: {"url": text}),
    ("/api/test/mobile-money/callback", lambda text: {"payment_intent_id": text, "status": "failed"}),
)


def test_no_odd_text_of_a_merchant_breaks_anything(shop: Shop) -> None:
    for place, (path, body) in enumerate(MERCHANT):
        for text in some(place):
            answer = shop.post(path, body(text))
            assert answer.status_code < 500, (path, text[:40], answer.text)
            if answer.status_code == 201 and "id" in answer.json:
                assert shop.get(f"{path}/{answer.json['id']}").status_code == 200, (path, text[:40])
                shown = answer.json.get("url", "").removeprefix("http://localhost")
                assert path.endswith("endpoints") or shop.client.get(shown).status_code < 500
    for path in (SESSIONS, "/api/v2/payment_links", "/api/v1/payment-intents", "/api/v1/events"):
        assert shop.get(f"{path}?limit=100").status_code == 200


FILTERS = {
    SESSIONS: (
        "client_reference_id",
        "customer_email",
        "customer",
        "payment_intent",
        "status",
        "cursor",
        "created_gte",
    ),
    "/api/v1/customers": ("email", "phone", "starting_after"),
    "/api/v1/events": ("object_id", "type"),
    "/api/v1/payment-intents": ("customer", "status", "limit"),
    "/api/v1/refunds": ("payment_intent",),
}


def test_no_odd_text_of_an_address_breaks_anything(shop: Shop) -> None:
    place = 0
    for path, names in FILTERS.items():
        for name in names:
            place += 1
            for text in some(place):
                asked = quote(text, errors="surrogatepass")
                assert shop.get(f"{path}?{name}={asked}").status_code < 500, (path, name, text[:40])
                assert shop.get(f"{path}/{quote(text, safe='', errors='surrogatepass')}").status_code < 500, text[:40]
    for number, path in enumerate(("/", "/pay/", "/sandbox/", "/api/checkout/", "/callbacks/")):
        for text in some(number):
            name = quote(text, safe="", errors="surrogatepass")
            assert shop.client.get(path + name).status_code < 500, text[:40]
            assert shop.client.post(path + name, data=b"{}").status_code < 500, text[:40]


def test_no_odd_text_of_an_operator_is_stored_unread(app: Flask) -> None:
    for text in some(0):
        for field in ("name", "country", *branding.READERS):
            try:
                made = factories.merchant(**{field: text})
            except IkawaariError:
                continue
            assert merchants.get(made.id).name
