"""The gallery: it shows every template of the page's states, in both languages, and only on a developer's machine."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import get_args

import pytest
from babel.messages.pofile import read_po
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import Environment
from werkzeug.test import TestResponse

from ikawaari.config import ROOT, Config
from ikawaari.hosted import gallery, page_state
from ikawaari.providers.base import FailureCode
from tests import factories
from tests.apps import app_of
from tests.hosted.test_page_words import PO

AT = "/sandbox/gallery"
CHECKOUT = ROOT / "templates" / "checkout"


@pytest.fixture
def engine() -> str:
    """The gallery reads no table."""
    return "sqlite"


class _Text(HTMLParser):
    """What a page says to its reader, without its styles."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._is_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_style = tag == "style"
        self.said += [value for name, value in attrs if value and name in {"aria-label", "placeholder", "content"}]

    def handle_endtag(self, tag: str) -> None:
        self._is_style = False

    def handle_data(self, data: str) -> None:
        if not self._is_style:
            self.said.append(data)


def words_of(html: str) -> str:
    """The page's text, with single blanks."""
    text = _Text()
    text.feed(html)
    return re.sub(r"\s+", " ", " ".join(text.said))


@pytest.fixture(scope="module")
def foreign() -> dict[str, list[str]]:
    """For each language, sentences that only the other one has."""
    with PO.open("rb") as file:
        every = [(one.id, one.string) for one in read_po(file)]
    known = [(english, french) for english, french in every if isinstance(english, str) and isinstance(french, str)]
    plain = [pair for pair in known if "%" not in pair[0] and len(pair[0]) > 12]
    pairs = [(" ".join(english.split()), " ".join(french.split())) for english, french in plain]
    return {"fr": [english for english, _ in pairs], "en": [french for _, french in pairs]}


def wrong_with(page: TestResponse, name: str, locale: str, foreign: list[str]) -> list[object]:
    """What is wrong with the page of the state `name`."""
    shown = re.search(r'data-state="([a-z_-]+)!?"', page.text)
    words = words_of(page.text)
    return [
        *([page.status_code] if page.status_code != 200 else []),
        *([shown] if not shown or shown[1] != name.partition(".")[0] else []),
        *(text for text in (*foreign, "None", "%(", "&lt;") if text in words),
        *(["language"] if f'<html lang="{locale}"' not in page.text else []),
    ]


@pytest.mark.parametrize("locale", ["fr", "en"])
def test_every_state_is_the_one_that_its_name_says_and_in_one_language(
    client: FlaskClient, foreign: dict[str, list[str]], locale: str
) -> None:
    for name in gallery.NAMES:
        page = client.get(f"{AT}/{name}?lang={locale}")
        assert (name, wrong_with(page, name, locale, foreign[locale])) == (name, [])


def test_every_template_of_the_page_is_drawn_by_some_state(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: set[str] = set()
    environment: Environment = app.jinja_env
    get_template = environment._load_template

    def note(name: str, *others: object) -> object:
        drawn.add(name)
        return get_template(name, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(environment, "_load_template", note)
    client = app.test_client()
    for name in gallery.NAMES:
        client.get(f"{AT}/{name}")
    templates = {f"checkout/{path.relative_to(CHECKOUT).as_posix()}" for path in CHECKOUT.rglob("*.html")}
    # These answer htmx alone: parts of pages that the gallery draws as a whole.
    assert templates - drawn == {"checkout/part.html"}


# The design's states and their parts, as its papers list them, and where the gallery has each.
DESIGN = {
    "open, empty, typed, in a brand's color": "choose.empty choose.typed choose.color",
    "shop without logo, help or terms": "choose.plain-shop",
    "prefilled number": "choose.prefilled",
    "one method, card alone, five operators": "choose.mobile-money choose.card-alone choose.five-operators",
    "down, limits, all down, cards down": "choose.down choose.down-chosen choose.all-down choose.cards-down",
    "guess without a script, another operator": "choose.guess choose.ported",
    "card, live card": "choose.card choose.card-faults choose.card-live",
    "sending": "choose.sending sending.phone sending.card",
    "offline, pressed, not sent, no answer": "choose.offline choose.offline-pressed choose.not-sent choose.no-answer",
    "offline while waiting, server down": "prompt.offline prompt.server-down",
    "too fast": "choose.too-fast otp.too-fast",
    "field errors, operator none": "choose.error choose.faults choose.no-operator",
    "amount, presets, both": "choose.amount choose.presets choose.preset-and-other",
    "items, quantities, questions": "choose.items choose.quantities choose.questions",
    "fee, total changed": "choose.fee choose.fee-changed",
    "subscription, trial, invoice": "choose.subscription choose.trial choose.invoice",
    "prompt, checked, cancelable": "prompt.menu prompt.dial prompt.app prompt.checked prompt.cancelable",
    "time over": "time_over.phone time_over.cancelable",
    "OTP, by SMS only, error, code first": "otp.dial otp.sms otp.error choose.code-first choose.code-first-error",
    "redirect, QR": "redirect.wallet redirect.bank qr.wave",
    "second device": "device.code code.empty code.form code.wrong code.wait",
    "unknown": "unknown.phone unknown.card unknown.checked",
    "paid, held, fee, items": "paid.plain paid.way-back paid.held paid.fee paid.items receipt.paid",
    "trial, past due, stopped": "trial.begun past_due.invoice past_due.no-invoice paid.stopped paid.ended",
    "refund part, whole, by card": "refunded.part refunded.under-way refunded.whole refunded.card",
    "late, expired, approved, link ended": "late.paid expired.way-back expired.no-way-back expired.approved",
    "link ended, used, already paid": "link-ended.inactive link-ended.used link-paid.again unavailable.used",
    "canceled, not found, ours broken": "expired.canceled choose.failed-canceled error.404 error.500",
}


def test_every_state_that_a_session_can_be_in_has_its_pictures() -> None:
    assert set(get_args(page_state.Name)) <= {name.partition(".")[0] for name in gallery.NAMES}


@pytest.mark.parametrize("names", DESIGN.values(), ids=DESIGN)
def test_every_state_of_the_design_has_its_pictures(names: str) -> None:
    assert set(names.split()) <= set(gallery.NAMES)


LINES = {
    "choose.offline": "Rien n’est parti : attendez, puis appuyez sur Payer.",
    "choose.offline-pressed": "Pas de réseau. Nous vérifions dès qu’il revient.",
    "choose.no-answer": "Nous vérifions ce qu’il en est.",
    "choose.not-sent": "Rien n’a été envoyé",
    "choose.sending": "Envoi de la demande… Un instant : ne fermez pas la page.",
    "prompt.offline": "Pas de réseau. La page reprend toute seule.",
    "prompt.server-down": "Le serveur ne répond pas.",
}


@pytest.mark.parametrize("name", LINES)
def test_what_only_a_script_says_is_seen_in_the_gallery_and_nothing_else_of_it(client: FlaskClient, name: str) -> None:
    page = client.get(f"{AT}/{name}?lang=fr").text
    seen = re.sub(r"<template.*?</template>|<p [^>]* hidden>.*?</p>", "", page, flags=re.DOTALL)
    said = words_of(seen).replace("\u202f", " ").replace("\xa0", " ")
    assert LINES[name] in said
    assert [other for other, line in LINES.items() if line in said] == [name]


def test_every_reason_of_a_failure_that_a_page_words_on_its_own_has_a_state(client: FlaskClient) -> None:
    named = {name.partition("failed-")[2].replace("-", "_") for name in gallery.NAMES}
    shared = {"invalid_phone", "wallet_limit", "not_allowed", "expired"}  # worded as another one
    cards = {"card_declined", "card_expired", "authentication_required", "authentication_failed"}
    assert {code.value for code in FailureCode} - shared - cards <= named


def test_the_index_leads_to_every_state(client: FlaskClient) -> None:
    index = unescape(client.get(AT).text)
    for name in gallery.NAMES:
        assert f"{AT}/{name}?lang=fr&scheme=dark" in index


def test_a_scheme_that_is_asked_for_depends_on_no_browser(client: FlaskClient) -> None:
    light, dark = (client.get(f"{AT}/choose.empty?scheme={scheme}").text for scheme in gallery.SCHEMES)
    both = client.get(f"{AT}/choose.empty").text
    style = re.compile("<style>(.*?)</style>", re.DOTALL)
    queries = [sheet[1].count("prefers-color-scheme") for sheet in map(style.search, (light, dark, both)) if sheet]
    assert queries == [0, 0, 2]
    assert "@media all{:root{--ground:#121110" in dark
    assert "@media not all{:root{--ground:#121110" in light


def test_nothing_can_be_pressed_in_the_gallery(client: FlaskClient) -> None:
    for name in ("choose.typed", "prompt.cancelable", "otp.sms", "paid.subscription", "sandbox.wallet"):
        page = client.get(f"{AT}/{name}").text
        assert "<script" not in page
        for action in re.findall(r'<form[^>]* action="([^"?]*)', page):
            assert client.post(action).status_code in {404, 405}
        assert client.post(f"{AT}/{name}").status_code in {404, 405}


def test_only_pages_of_the_gallery_may_be_framed_and_only_by_each_other(client: FlaskClient) -> None:
    for path in (f"{AT}/prompt.menu", f"{AT}/prompt.menu/widths"):
        answer = client.get(path)
        assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    page = client.get(f"/{factories.session().id}")
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("path", [f"{AT}/no.such", f"{AT}/no.such/widths"])
def test_an_unknown_state_is_not_found(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "public", [{"pay_url": "https://pay.example"}, {"api_url": "https://api.example", "pay_url": "https://pay.example"}]
)
def test_a_server_that_others_reach_has_no_gallery(config: Config, public: dict[str, str]) -> None:
    client = app_of(Config(**{**vars(config), **public})).test_client()
    for path in (AT, f"{AT}/choose.empty", f"{AT}/choose.empty/widths"):
        assert client.get(path).status_code == 404
