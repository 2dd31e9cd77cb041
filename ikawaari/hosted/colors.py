"""A merchant's color, made readable whatever it is (WCAG 2 contrast). Pure functions."""

import re
from collections.abc import Callable
from dataclasses import dataclass

OURS = "#0b5d4b"
_HEX = re.compile(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)
_LIGHT, _DARK = (
    (244, 242, 238),
    (42, 41, 38),
)  # --note of checkout.css: in each scheme the background with the least contrast
_TEXT, _SHAPE = 4.5, 3.0  # the minimum contrast of text, and of a control's edge

Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class Palette:
    """The color, the ink readable on it, and per scheme a variant for text and one for edges."""

    brand: str
    ink: str
    light: tuple[str, str]
    dark: tuple[str, str]

    def css(self) -> str:
        """The palette as custom properties."""
        base = f"--brand:{self.brand};--ink:{self.ink};"
        dark = _properties(self.dark)
        return f":root{{{base}{_properties(self.light)}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}"


def palette(color: str | None) -> Palette:
    """The palette of `color` (#rgb or #rrggbb); ours if it is no color."""
    brand = _parse(color) or _parse(OURS) or _BLACK
    ink = _WHITE if contrast(brand, _WHITE) >= contrast(brand, _BLACK) else _BLACK
    light = (_until(brand, _LIGHT, _TEXT, _darker), _until(brand, _LIGHT, _SHAPE, _darker))
    dark = (_until(brand, _DARK, _TEXT, _lighter), _until(brand, _DARK, _SHAPE, _lighter))
    return Palette(_hex(brand), _hex(ink), light, dark)


def contrast(one: Rgb, other: Rgb) -> float:
    """The contrast ratio of two colors, 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _properties(variants: tuple[str, str]) -> str:
    return f"--accent:{variants[0]};--rim:{variants[1]}"


def _until(color: Rgb, ground: Rgb, least: float, step: Callable[[Rgb], Rgb]) -> str:
    while contrast(color, ground) < least:
        color = step(color)
    return _hex(color)


def _darker(color: Rgb) -> Rgb:
    red, green, blue = (int(part * 0.94) for part in color)
    return red, green, blue


def _lighter(color: Rgb) -> Rgb:
    red, green, blue = (255 - int((255 - part) * 0.94) for part in color)
    return red, green, blue


def _luminance(color: Rgb) -> float:
    red, green, blue = (_linear(part / 255) for part in color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _parse(color: str | None) -> Rgb | None:
    match = _HEX.fullmatch(color or "")
    if not match:
        return None
    digits = match[1] if len(match[1]) == 6 else "".join(digit * 2 for digit in match[1])
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def _hex(color: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)
