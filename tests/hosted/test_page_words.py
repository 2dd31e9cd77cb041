"""What the page says: a word for everything that can happen, and each of them in French too."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any, cast

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale
from jinja2 import Environment, nodes

from ikawaari import clock
from ikawaari.checkout import merchant_view
from ikawaari.config import ROOT
from ikawaari.errors import CODES, AnyCode, IkawaariError
from ikawaari.hosted import drafts, wording
from ikawaari.hosted import faults as field_faults
from ikawaari.providers.base import FailureCode
from ikawaari.providers.sandbox import script, tokens
from ikawaari.shapes import Rhythm
from tests import factories

PO = ROOT / "ikawaari" / "translations" / "fr" / "LC_MESSAGES" / "messages.po"
KEYWORDS = {"_": None, "_l": None, "gettext": None, "ngettext": (1, 2), "lazy_gettext": None}


@pytest.fixture
def engine() -> str:
    """The page is the same on both, and the domain's tests run on both."""
    return "sqlite"


@pytest.fixture(scope="module")
def used() -> set[str]:
    """Every text that templates and code ask for."""
    found = [
        message
        for folder, pattern, method in (("ikawaari", "**.py", "python"), ("templates", "**.html", "jinja2"))
        for _file, _line, message, _comments, _context in extract_from_dir(
            ROOT / folder, [(pattern, method)], keywords=KEYWORDS
        )
    ]
    return {message if isinstance(message, str) else message[0] for message in found}


@pytest.fixture(scope="module")
def french() -> Catalog:
    """The French catalog."""
    with PO.open("rb") as file:
        return read_po(file, locale="fr")


def strings(catalog: Catalog, text: str) -> list[str]:
    """The translations of a text, one for each plural."""
    message = catalog.get(text)
    found = (message.string if message else "") or ""
    return [found] if isinstance(found, str) else [str(string) for string in found]


def test_every_text_is_translated_and_no_translation_is_left_over(used: set[str], french: Catalog) -> None:
    assert len(used) > 100
    assert [text for text in used if not all(strings(french, text))] == []
    known = {message.id[0] if isinstance(message.id, tuple) else message.id for message in french if message.id}
    assert known - used == set()


def test_translations_keep_every_placeholder(used: set[str], french: Catalog) -> None:
    for text in used:
        wanted = set(re.findall(r"%\(\w+\)s", text))
        assert all(set(re.findall(r"%\(\w+\)s", string)) == wanted for string in strings(french, text)), text


# How French is not set: U+202F stands before ; ! ? and in thousands, U+00A0 before : and units and inside « ».
FRENCH_FAULTS = {
    "a straight apostrophe": r"'",
    "no narrow space before ; ! ?": r"(?<!\u202f)[;!?](?![\w=])",
    "no no-break space before :": r"(?<!\u00a0):(?![0-9/])",
    "no no-break space inside « »": r"«(?!\u00a0)|(?<!\u00a0)»",
    # Not a phone number, whose groups of two stand beside.
    "another space in thousands": r"(?<![0-9])(?<![0-9]\s)[0-9]{1,3}[ \u00a0][0-9]{3}(?!\s?[0-9])",
    "a number parted from its unit": r"[0-9] (?:s|min|h|%|€|FCFA|FC)(?![\w’])",
    "foreign quotes": r"[\"“”]",
    "three points": r"\.\.\.",
}


def faults(text: str) -> list[str]:
    """What is not set as French is."""
    filled = re.sub(r"%\(\w+\)[sd]", "1", text)
    return [name for name, fault in FRENCH_FAULTS.items() if re.search(fault, filled)]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        *(("l'aide", 1), ("Payer ?", 1), ("Payer\u00a0?", 1), ("Merci!", 1), ("Aide : 33", 1), ("Aide\u202f: 33", 1)),
        *(("« Scanner »", 1), ("5 000 FCFA", 2), ("5\u00a0000\u00a0FCFA", 1), ("dans %(seconds)s s", 1), ('"Non"', 1)),
        *(
            ("L’aide\u202f? Merci\u202f! Aide\u00a0: «\u00a05\u202f000\u00a0FCFA\u00a0» à 21:46, 128 sur 300", 0),
            ("Attendez...", 1),
        ),
    ],
)
def test_faults_of_french_are_found(text: str, count: int) -> None:
    assert len(faults(text)) == count, faults(text)


def test_french_is_set_with_its_own_spaces_and_apostrophes(used: set[str], french: Catalog) -> None:
    spoken = [string for text in used for string in strings(french, text)]
    spoken += [messages["fr"] for messages in merchant_view._MESSAGES.values()]
    assert {string: faults(string) for string in spoken if faults(string)} == {}


# ---------------------------------------------------------------- nothing is said that is in no catalog

NAMES = {"Ikawaari", "WhatsApp", "English", "Français"}  # the same in every language
_TRANSLATES = {"_", "gettext", "ngettext"}
_LOOKS_LIKE_WORDS = re.compile(r"[^\W\d_]{2,}")
_MARKUP = r"<[^>]*>|&\w+;|\?\w+=|[\w:-]+=\"[^\"]*\"?|\bautofocus\b"  # a macro may be a part of a tag or an address
_SAID_IN = (
    r'(?:alt|aria-label|title|placeholder|(?:name="description"|property="og:(?:title|description)") content)="([^"]*)"'
)
_ENGLISH = {"docs", "gallery"}  # for developers
TEMPLATES = [path for path in sorted((ROOT / "templates").rglob("*.html")) if path.parent.name not in _ENGLISH]


def said_outside(source: str) -> set[str]:
    """Words of a template that no catalog has: in its text, in attributes that people read, and in its expressions."""
    tree = Environment(autoescape=True, extensions=["jinja2.ext.i18n"]).parse(source)
    markup = "\0".join(data.data for data in tree.find_all(nodes.TemplateData))
    markup = re.sub(r"<(style|svg|script)\b.*?</\1>", " ", markup, flags=re.DOTALL)
    read = [re.sub(_MARKUP, " ", markup), *re.findall(_SAID_IN, markup)]
    found = {word for text in read for word in _LOOKS_LIKE_WORDS.findall(text)}
    return (found | set(_consts(tree))) - NAMES


def _consts(node: nodes.Node) -> Iterator[str]:
    """Sentences, and words with a capital, in quotes that are no argument of a translation."""
    for child in node.iter_child_nodes():
        if isinstance(child, nodes.Call) and isinstance(child.node, nodes.Name) and child.node.name in _TRANSLATES:
            continue
        text = child.value if isinstance(child, nodes.Const) and isinstance(child.value, str) else ""
        text = re.sub(_MARKUP, "", text)
        if re.search(r"^[A-ZÀ-Ý][a-zà-ÿ]|[^\W\d_] [^\W\d_]", text):
            yield text
        yield from _consts(child)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_a_template_says_nothing_that_is_in_no_catalog(path: Path) -> None:
    assert said_outside(path.read_text()) == set()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>{{ _('Pay') }}</p>", set()),
        ("<p>Payer {{ _('now') }}</p>", {"Payer"}),
        ('<img alt="Logo">', {"Logo"}),
        ('<meta name="description" content="Payer">', {"Payer"}),
        ("{{ 'Payer' if x else _('Pay') }}", {"Payer"}),
        ("{% set text = 'payer ici' %}{{ text }}", {"payer ici"}),
        ("<p class=\"main two\">{% include 'checkout/parts/title.html' %} 5:02 Ikawaari</p>", set()),
    ],
)
def test_words_outside_the_catalog_are_found(source: str, found: set[str]) -> None:
    assert said_outside(source) == found


@pytest.mark.parametrize("code", FailureCode)
def test_every_failure_has_its_words(code: FailureCode) -> None:
    assert code in wording.FAILURES


def test_an_unheard_of_failure_promises_nothing(app: Flask) -> None:
    with app.test_request_context(), force_locale("en"):
        assert "Nothing was taken" not in str(wording.failure("made_up").advice)
        assert "Nothing was taken" not in str(wording.failure(FailureCode.INVALID_AMOUNT).advice)


@pytest.mark.parametrize("field", [*drafts._FAULTS.values(), "expiry", "cvc", "form"])
def test_every_field_has_its_words(field: str) -> None:
    assert field in field_faults._FIELDS or field in field_faults._SAID or field == "name"


@pytest.mark.parametrize("row", CODES.values(), ids=CODES)
def test_every_error_has_its_page(app: Flask, row: AnyCode) -> None:
    with app.test_request_context(), force_locale("en"):
        notice = wording.error(IkawaariError(row), row.status)
        assert str(notice.title)
        assert str(notice.advice)


@pytest.mark.parametrize(("number", "_words"), wording.test_cards())
def test_the_listed_test_cards_are_those_that_work(number: str, _words: object) -> None:
    assert tokens.tokenize(number, 12, 2040, "123")


def test_the_listed_endings_are_those_of_the_sandbox() -> None:
    *deciding, (_any_other, _paid) = wording.tappable()
    assert sorted(ending for ending, _words in (*deciding, *wording.other_endings())) == sorted(script._BY_ENDING)


@pytest.mark.parametrize(
    ("interval", "count", "english", "french"),
    [
        ("month", 1, "every month", "chaque mois"),
        ("month", 3, "every 3 months", "tous les 3 mois"),
        ("week", 1, "every week", "chaque semaine"),
        ("week", 2, "every 2 weeks", "toutes les 2 semaines"),
        ("year", 1, "every year", "chaque année"),
        ("day", 10, "every 10 days", "tous les 10 jours"),
    ],
)
def test_how_often_is_said_as_people_say_it(app: Flask, interval: str, count: int, english: str, french: str) -> None:
    recurring: Rhythm = {"interval": interval, "interval_count": count}
    for locale, text in (("en", english), ("fr", french)):
        with app.test_request_context(), force_locale(locale):
            assert wording.every(recurring) == text


@pytest.mark.parametrize(
    ("interval", "count", "english", "french"),
    [
        *(("day", 1, "a day", "par jour"), ("week", 1, "a week", "par semaine"), ("year", 1, "a year", "par an")),
        *(("month", 1, "a month", "par mois"), ("month", 3, "every 3 months", "tous les 3 mois")),
    ],
)
def test_an_amount_says_how_often(app: Flask, interval: str, count: int, english: str, french: str) -> None:
    for locale, text in (("en", english), ("fr", french)):
        with app.test_request_context(), force_locale(locale):
            assert wording.per({"interval": interval, "interval_count": count}) == text


@pytest.mark.parametrize(
    ("rhythm", "first", "english", "french"),
    [
        (("month", 1), (12, 25), "Then on the 25th of each month", "Puis le 25 de chaque mois"),
        (("month", 1), (12, 1), "Then on the 1st of each month", "Puis le 1er de chaque mois"),
        (("month", 1), (12, 22), "Then on the 22nd of each month", "Puis le 22 de chaque mois"),
        (("month", 1), (12, 13), "Then on the 13th of each month", "Puis le 13 de chaque mois"),
        (("month", 1), (12, 31), "Then from 31 December, every month", "Puis dès le 31 décembre, chaque mois"),
        (("month", 1), (2, 28), "Then from 28 February, every month", "Puis dès le 28 février, chaque mois"),
        (("year", 1), (11, 1), "Then on 1 November each year", "Puis le 1er novembre de chaque année"),
        (("week", 2), (12, 9), "Then from 9 December, every 2 weeks", "Puis dès le 9 décembre, toutes les 2 semaines"),
    ],
)
def test_a_renewal_is_said_by_its_day(
    app: Flask, rhythm: tuple[str, int], first: tuple[int, int], english: str, french: str
) -> None:
    moment, recurring = datetime(2026, *first, tzinfo=UTC), dict(zip(Rhythm.__annotations__, rhythm, strict=True))
    for locale, text in (("en", english), ("fr", french)):
        with app.test_request_context(), force_locale(locale):
            said = wording.renewal(cast("Rhythm", recurring), moment, locale)
        assert said.replace("\u00a0", " ") == text


# ---------------------------------------------------------------- the pages as they are read


def read(page: str) -> set[str]:
    """The texts of a page, one for each element; a merchant's own texts, in <bdi>, are an x."""
    body = re.sub(r"<(style|svg|script|head)\b.*?</\1>", "", page, flags=re.DOTALL)
    inline = re.sub(r"</?(?:a|b|i|small|span|strong)\b[^>]*>", "", re.sub(r"<bdi>.*?</bdi>", "x", body))
    return {unescape(text).strip() for text in re.split(r"<[^>]*>|\n", inline)}


@pytest.mark.parametrize("state", ["choose", "choose!", "prompt", "otp", "redirect", "unknown", "paid", "expired"])
def test_a_french_page_is_set_as_french_with_its_amounts_dates_and_numbers(client: FlaskClient, state: str) -> None:
    brand: dict[str, Any] = {
        "town": "Dakar",
        "help_phone": "33 800 00 00",
        "whatsapp": "77 800 00 00",
        "terms_url": "https://a.example/",
    }
    session = factories.session(factories.merchant("Boutique", **brand), amount=1_234_500, locale="fr")
    endings = {"choose!": "77", "prompt": "011", "otp": "009", "redirect": "010", "unknown": "004", "paid": "500"}
    if state in endings:
        phone = endings[state] if state == "choose!" else factories.phone(endings[state])
        form = {"method": "mobile_money", "operator": "orange_sn", "phone": phone}
        card = {"method": "card", "card_token": "tok_test_card"}
        client.post(f"/{session.id}/pay", data=card if state == "paid" else form)
    if state == "expired":
        session.change(expires_at=clock.now())
    page = client.get(f"/{session.id}").text
    assert f'data-state="{state}"' in page
    assert {text: faults(text) for text in read(page) if faults(text)} == {}
    assert "1\u202f234\u202f500\u00a0FCFA" in page
