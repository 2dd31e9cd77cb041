"""A merchant's color stays readable, whatever it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ikawaari.hosted import colors
from ikawaari.hosted.colors import Rgb

LIGHT_GROUNDS = ((255, 255, 255), (244, 242, 238))
DARK_GROUNDS = ((19, 18, 17), (32, 31, 29), (42, 41, 38))


def rgb(text: str) -> Rgb:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:], 16)


@given(st.integers(0, 0xFFFFFF))
def test_any_color_keeps_its_ink_its_text_and_its_edges_readable(number: int) -> None:
    palette = colors.palette(f"#{number:06x}")
    assert colors.contrast(rgb(palette.brand), rgb(palette.ink)) >= 4.5
    for (text, edge), grounds in ((palette.light, LIGHT_GROUNDS), (palette.dark, DARK_GROUNDS)):
        for ground in grounds:
            assert colors.contrast(rgb(text), ground) >= 4.5
            assert colors.contrast(rgb(edge), ground) >= 3


def test_a_color_that_reads_well_is_left_alone() -> None:
    assert colors.palette("#0b5d4b").light == ("#0b5d4b", "#0b5d4b")


def test_a_short_color_is_the_long_one() -> None:
    assert colors.palette("#fc0") == colors.palette("#ffcc00")


@pytest.mark.parametrize("color", [None, "", "red", "#12", "#1234567", "#ff0000;}body{display:none", "url(x)"])
def test_what_is_no_color_gives_ours(color: str | None) -> None:
    assert colors.palette(color) == colors.palette(colors.OURS)
