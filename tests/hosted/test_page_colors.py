"""A merchant's color stays readable, whatever it is, in both schemes."""

import itertools

import pytest

from ikawaari.hosted import colors
from ikawaari.hosted.colors import Rgb, Scheme

WHITE = (255, 255, 255)
GROUNDS = {"light": (WHITE, (245, 243, 239)), "dark": ((18, 17, 16), (29, 28, 26))}
STEPS = range(0, 256, 17)


def rgb(text: str) -> Rgb:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:], 16)


def worst(scheme: Scheme, grounds: tuple[Rgb, ...]) -> dict[str, float]:
    accent = rgb(scheme.accent)
    return {
        "header": colors.contrast(rgb(scheme.header), rgb(scheme.ink)),
        "label": colors.contrast(rgb(scheme.button), rgb(scheme.label)),
        "accent": min(colors.contrast(accent, ground) for ground in (*grounds, rgb(scheme.tint))),
    }


def test_whatever_the_color_its_texts_are_readable_in_both_schemes() -> None:
    for parts in itertools.product(STEPS, repeat=3):
        palette = colors.palette("#{:02x}{:02x}{:02x}".format(*parts))
        for name in ("light", "dark"):
            found = worst(getattr(palette, name), GROUNDS[name])
            assert min(found.values()) >= 4.5, (parts, name, found)


def test_whatever_the_color_the_button_is_seen_on_the_card() -> None:
    for parts in itertools.product(STEPS, repeat=3):
        palette = colors.palette("#{:02x}{:02x}{:02x}".format(*parts))
        assert colors.contrast(rgb(palette.light.button), WHITE) >= 1.35, parts
        assert colors.contrast(rgb(palette.dark.button), (29, 28, 26)) >= 2.6, parts


def test_a_color_that_reads_well_is_left_alone() -> None:
    light = colors.palette("#0b5d4b").light
    assert (light.accent, light.button, light.header, light.strip) == ("#0b5d4b",) * 4


@pytest.mark.parametrize("color", ["#fff", "#777", "#000"])
def test_white_gray_and_black_never_give_a_pale_or_dead_button(color: str) -> None:
    palette = colors.palette(color)
    assert (palette.light.button, palette.light.label) == ("#1b1a17", "#ffffff")
    assert (palette.dark.button, palette.dark.label) == ("#f4f2ee", "#1d1c1a")


def test_yellow_stays_yellow_with_black_ink() -> None:
    palette = colors.palette("#ffd500")
    assert (palette.light.button, palette.light.label) == ("#ffd500", "#000000")
    assert (palette.dark.header, palette.dark.strip) == ("#2a2825", "#ffd500")  # no glare in the dark


def test_a_gray_header_is_darkened_until_white_reads_well() -> None:
    header = colors.palette("#777777").light.header
    assert 7 <= colors.contrast(rgb(header), WHITE) < 8


def test_a_white_header_is_parted_from_the_sheet_by_a_line() -> None:
    assert colors.palette("#ffffff").light.hair == "#e4dfd6"
    assert colors.palette("#0b5d4b").light.hair == "#0b5d4b"


def test_a_short_color_is_the_long_one() -> None:
    assert colors.palette("#fc0") == colors.palette("#ffcc00")


@pytest.mark.parametrize("color", [None, "", "red", "#12", "#1234567", "#ff0000;}body{display:none", "url(x)"])
def test_what_is_no_color_gives_ours(color: str | None) -> None:
    assert colors.palette(color) == colors.palette(colors.OURS)
