"""Card numbers are seen however they are written; order numbers, time stamps, phones and dates are none."""

import random
import time

import pytest

from ikawaari import cards
from tests import factories

VISA, AMEX = "4242424242424242", "378282246310005"
ISSUED = (
    *(VISA, AMEX, "5555555555554444", "6011111111111117", "2223003122003222", "30569309025904", "3566002020360505"),
    *("6200000000000005", "6759649826438453", "4222222222222", "4000000000000000006"),
)
SIGNS = (
    *("", " ", "/", "_", "-", ".", ",", ":", ";", "|", "*", "·", "–", "—", "'", "\\", "+", "=", "~", "\n", "\t"),
    *("\u200b", "\u200d", "\ufeff", "\u2060", "\u00ad", "\u00a0", "\u202f", "\u2009", "\u3000", "\u0301", "\u20e3"),
    *("  ", "--", "- ", " /", ". ", ", ", "\u00a0 ", "__", "\u200b\u200b", " \u200b"),
)
SCRIPTS = {"full-width": 0xFF10, "arabic-indic": 0x660, "persian": 0x6F0, "devanagari": 0x966, "mathematical": 0x1D7CE}


def groups(number: str, size: int) -> list[str]:
    """The digits of `number` in groups."""
    return [number[at : at + size] for at in range(0, len(number), size)]


@pytest.mark.parametrize("sign", SIGNS, ids=ascii)
def test_a_card_number_is_seen_whatever_stands_between_its_digits(sign: str) -> None:
    for number in ISSUED:
        for size in (1, 2, 4, 5):
            written = sign.join(groups(number, size))
            for text in (written, f"tok_{written}", f"my card is {written}, thanks", f"a{written}b"):
                assert cards.holds_number(text), ascii(text)


@pytest.mark.parametrize("zero", SCRIPTS.values(), ids=SCRIPTS)
def test_the_digits_of_every_script_are_digits(zero: int) -> None:
    for number in ISSUED:
        foreign = number.translate({ord("0") + digit: zero + digit for digit in range(10)})
        assert cards.holds_number(foreign)
        assert cards.holds_number(" ".join(groups(foreign, 4)))


@pytest.mark.parametrize(
    "text", ["3782 822463 10005", "flat 7 4000056655665556.", "4242 4242 4242 4242 12/26 123", "+4242424242424242"]
)
def test_a_card_number_is_seen_among_other_digits(text: str) -> None:
    assert cards.holds_number(text)
    assert cards.stands_in(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "4242424242424241", "424242424242", "1748858400000", "cs_4242", "order 12345678901234567890123"),
        *(
            "+221771234567",
            "00221771234567",
            "+2250700000000",
            "+225 07 00 00 00 00",
            "2250707070707",
            "+2250700000044",
        ),
        *("77 123 45 67 / 78 123 45 67", "+4915123456781", "+49 151 2345 6781"),
        *("2025-06-02 10:00:00", "2026-11-22 08:30:00", "30/12/2026 14:30:06", "le 30.01.2026 à 14:30:01"),
        "4f0f2c4e-0000-4000-8000-000000000000",
        *("Pointures 37/38/39/40/41/42/43", "34, 36, 38, 40, 42, 44, 46", "41 42 43 44 45 46 47 48"),
    ],
)
def test_phones_dates_ids_and_sizes_are_no_card_numbers(text: str) -> None:
    assert not cards.holds_number(text)


def test_no_number_of_a_phone_in_the_countries_we_serve_is_a_card() -> None:
    for country in ("SN", "CI", "ML", "BF", "GN", "CM", "CD", "BJ", "TG", "NE"):
        for ending in range(1000):
            number = factories.phone(f"{ending:03}", country)
            assert not cards.holds_number(number), number


def test_a_hundred_thousand_time_stamps_and_order_numbers_are_no_cards() -> None:
    chance = random.Random(8)
    stamps = [chance.randrange(1_000_000_000_000, 2_000_000_000_000) for _ in range(50_000)]
    orders = [chance.randrange(10**12, 10**13) for _ in range(50_000)]
    for number in map(str, stamps + orders):
        assert not cards.stands_in(f"Commande {number}"), number
        assert not cards.is_number(number), number
    assert not any(cards.holds_number(str(stamp)) for stamp in stamps)


@pytest.mark.parametrize("number", [VISA, "4242 4242 4242 4242", " 4242-4242-4242-4242 ", AMEX])
def test_a_reference_is_a_card_number_only_as_a_whole(number: str) -> None:
    assert cards.is_number(number)
    for reference in (f"CMD-{number}", f"{number}-A", f"{number} 1"):
        assert not cards.is_number(reference), reference


def test_every_reader_is_linear_in_a_text() -> None:
    for part in ("4 ", "4242 4241 ", "4", "42 ", "4/2 ", "4\u200b", "\u0664 ", "1/1/", "+4", "-"):
        for reader in (cards.holds_number, cards.is_number):
            short, long = (cost(reader, part * (size // len(part))) for size in (30_000, 120_000))
            assert long < 12 * short + 0.05, (part, reader)


def cost(reader: object, text: str) -> float:
    """Seconds of CPU, the best of three."""
    tried = []
    for _ in range(3):
        began = time.process_time()
        reader(text)  # type: ignore[operator]
        tried.append(time.process_time() - began)
    return min(tried)
