"""What the page says: a word for everything that can happen, and each of them in French too."""

import re

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from flask import Flask
from flask_babel import force_locale

from ikawaari.config import ROOT
from ikawaari.errors import CODES, AnyCode, IkawaariError
from ikawaari.hosted import drafts, wording
from ikawaari.providers.base import FailureCode
from ikawaari.providers.sandbox import script, tokens
from ikawaari.shapes import Rhythm

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


def test_french_stops_do_not_begin_a_line(used: set[str], french: Catalog) -> None:
    for text in used:
        assert not any(re.search(" [:?!;»]|« ", string) for string in strings(french, text)), text


@pytest.mark.parametrize("code", FailureCode)
def test_every_failure_has_its_words(code: FailureCode) -> None:
    assert code in wording.FAILURES


def test_an_unheard_of_failure_promises_nothing(app: Flask) -> None:
    with app.test_request_context(), force_locale("en"):
        assert "Nothing was taken" not in str(wording.failure("made_up").advice)
        assert "Nothing was taken" not in str(wording.failure(FailureCode.INVALID_AMOUNT).advice)


@pytest.mark.parametrize("field", [*drafts._FAULTS.values(), "expiry", "cvc", "form"])
def test_every_field_has_its_words(field: str) -> None:
    assert field in wording.FAULTS or field == "name"


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
    assert [ending for ending, _words in wording.script()][1:] == list(script._BY_ENDING)


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
