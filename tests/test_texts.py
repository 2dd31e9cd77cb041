"""Texts from outside: what can be stored, and one form for each kind."""

import pytest

from ikawaari import texts

UNSTORABLE = ("\x00", "\x01", "\x08", "\x1b[31m", "\x1f", "\x7f", "\ud800", "\udfff", "\udc80")
STORABLE = ("", "é", "😀", "a\tb\r\nc", "\u202e1042", "\u0092", "\ufffe", "İ", "𐀀", "\u200b")


@pytest.mark.parametrize("part", UNSTORABLE, ids=ascii)
def test_what_an_engine_or_a_log_cannot_bear_is_no_text(part: str) -> None:
    assert not texts.is_storable(f"a{part}b")
    assert texts.problem(f"a{part}b", 500) == "must not hold control characters or half a surrogate pair"
    cleaned = texts.cleaned(f"a{part}b", 500)
    assert texts.is_storable(cleaned)
    assert cleaned.startswith("a�")


@pytest.mark.parametrize("text", STORABLE, ids=ascii)
def test_all_else_is_text_and_stays_as_it_is(text: str) -> None:
    assert texts.problem(text, 500) is None
    assert texts.cleaned(text, 500) == text


def test_what_is_too_long_is_said_and_only_a_machines_words_are_cut() -> None:
    assert texts.problem("a" * 501, 500) == "must have at most 500 characters"
    assert texts.cleaned("a" * 501, 500) == "a" * 500


@pytest.mark.parametrize("address", ["awa@example.com", "a+b@sous.domaine.sn", "é@exemple.sn", "Awa@Example.COM"])
def test_an_email_address_is_stored_as_typed_without_what_a_paste_brings_along(address: str) -> None:
    for typed in (address, f" {address}\t", f"\ufeff{address}\u200b", f"{address}\n"):
        assert texts.email(typed) == address
        assert texts.email_identity(typed) == address.lower()


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "@example.com", "a@", "a@b", "a@.b", "a@b.", "a b@example.com", "a@@example.com", "a@b@c.d"),
        *("a" * 320 + "@b.sn", "İ" * 200 + "@y.co", "n\x00ul@b.co", "a\ud800@b.co", "a@b\u2028.co"),
    ],
    ids=ascii,
)
def test_another_text_is_no_email_address(text: str) -> None:
    with pytest.raises(ValueError, match="e-mail"):
        texts.email(text)


def test_a_choice_is_compared_without_its_blanks() -> None:
    assert texts.choice(" Rouge \u00a0 vif\r\n") == texts.choice("Rouge vif")
    assert texts.choice("rouge") != texts.choice("Rouge")


@pytest.mark.parametrize(
    "url",
    [
        *("http://[", "https://[::1/", "//shop.example", "javascript:alert(1)", "https://", "https://u:p@shop.example"),
        *("https://shop.example:port/", "https://shop.example:0/", "https://shop.example/\x00", "https://s/\ud800"),
        *("https://shop.example/a b", "https://shop.example\\@evil.example/", "https://s.example/" + "a" * 2048, ""),
    ],
    ids=ascii,
)
def test_what_leads_nowhere_is_no_address(url: str) -> None:
    assert not texts.is_web_url(url)
    assert texts.is_web_url("HTTPS://shop.example:8443/é?a=b#c")
