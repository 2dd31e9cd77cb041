"""A merchant's color, made readable whatever it is, in the light and in the dark scheme. Pure functions.

The contrasts are those of WCAG 2. Only the header, the button and what is selected take the merchant's color; what
has a meaning (error, success, warning) has colors of its own, in `checkout.css`.
"""

import re
from collections.abc import Callable
from colorsys import hls_to_rgb, rgb_to_hls
from dataclasses import astuple, dataclass, fields

OURS = "#0b5d4b"
_HEX = re.compile(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_GRAY_SPREAD = 28  # between its highest and its lowest part, below which a color counts as neutral
_TEXT = 4.5  # the minimum contrast of text
_TEXT_ON_TINT = 4.55
_HEADER = 7.0  # of white on a gray header
_HAIR = 1.25  # below it, header and card need a line between them
_MOST_SATURATION = 0.68

Rgb = tuple[int, int, int]
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)


@dataclass(frozen=True)
class Scheme:
    """The colors of one scheme, as CSS writes them; the names are those of its custom properties."""

    accent: str  # links, focus, the edge of what is selected
    tint: str  # the background of what is selected
    button: str
    label: str  # the text on the button
    header: str
    ink: str  # the text on the header
    strip: str  # a line above the header
    hair: str  # the upper edge of the sheet below the header


@dataclass(frozen=True)
class Palette:
    """The colors of both schemes."""

    light: Scheme
    dark: Scheme

    def css(self) -> str:
        """The palette as custom properties."""
        light, dark = _properties(self.light), _properties(self.dark)
        return f":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}"


@dataclass(frozen=True)
class _Ground:
    """What a scheme has without a merchant, as in `checkout.css`, and how it moves a color towards contrast."""

    ground: Rgb
    card: Rgb
    text: Rgb
    line: Rgb
    share: float  # of the accent in the tint
    least_button: float  # contrast to the card
    step: Callable[[Rgb], Rgb]


def palette(color: str | None) -> Palette:
    """The palette of `color` (#rgb or #rrggbb); ours if it is no color."""
    brand = _parse(color) or _parse(OURS) or _BLACK
    return Palette(_scheme(brand, _LIGHT, _header(brand), brand), _scheme(brand, _DARK, *_dark_header(brand)))


def contrast(one: Rgb, other: Rgb) -> float:
    """The contrast ratio of two colors, 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _scheme(brand: Rgb, on: _Ground, header: Rgb, strip: Rgb) -> Scheme:
    neutral = _is_neutral(brand)
    accent = on.text if neutral else _accent(brand, on)
    button = on.text if neutral else _until(brand, on.step, lambda color: contrast(color, on.card) >= on.least_button)
    label = on.card if neutral else _ink(button)
    hair = on.line if contrast(header, on.card) < _HAIR else header
    colors = (accent, _tint(accent, on), button, label, header, _ink(header), strip, hair)
    return Scheme(*map(_hex, colors))


def _accent(brand: Rgb, on: _Ground) -> Rgb:
    """The brand, readable on the ground, on a card and on its own tint."""
    readable = _until(brand, on.step, lambda color: min(contrast(color, on.ground), contrast(color, on.card)) >= _TEXT)
    return _until(readable, on.step, lambda color: contrast(color, _tint(color, on)) >= _TEXT_ON_TINT)


def _tint(accent: Rgb, on: _Ground) -> Rgb:
    red, green, blue = (
        round(mine * on.share + its * (1 - on.share)) for mine, its in zip(accent, on.card, strict=True)
    )
    return red, green, blue


def _header(brand: Rgb) -> Rgb:
    """The brand; a gray in the middle is darkened, because neither white nor black reads well on it."""
    if _is_neutral(brand) and 0.1 < _luminance(brand) < 0.4:
        return _until(brand, _darker, lambda color: contrast(color, _WHITE) >= _HEADER)
    return brand


def _dark_header(brand: Rgb) -> tuple[Rgb, Rgb]:
    """The header and its strip in the dark scheme, where a bright header would dazzle: the strip keeps its color."""
    return (_RAISED, brand) if _luminance(brand) > 0.35 else (_header(brand), _header(brand))


def _ink(color: Rgb) -> Rgb:
    return _WHITE if contrast(color, _WHITE) >= _TEXT else _BLACK


def _is_neutral(color: Rgb) -> bool:
    return max(color) - min(color) < _GRAY_SPREAD


def _properties(scheme: Scheme) -> str:
    names = (field.name for field in fields(scheme))
    return ";".join(f"--{name}:{value}" for name, value in zip(names, astuple(scheme), strict=True))


def _until(color: Rgb, step: Callable[[Rgb], Rgb], is_enough: Callable[[Rgb], bool]) -> Rgb:
    while not is_enough(color):
        color = step(color)
    return color


def _darker(color: Rgb) -> Rgb:
    red, green, blue = (int(part * 0.94) for part in color)
    return red, green, blue


def _lighter(color: Rgb) -> Rgb:
    """A little lighter in hue and saturation of its own: mixed with white, it would turn gray."""
    hue, light, saturation = rgb_to_hls(*(part / 255 for part in color))
    red, green, blue = hls_to_rgb(hue, min(1.0, light + 0.02), min(saturation, _MOST_SATURATION))
    return round(red * 255), round(green * 255), round(blue * 255)


_LIGHT = _Ground((245, 243, 239), _WHITE, (27, 26, 23), (228, 223, 214), 0.09, 1.35, _darker)
_DARK = _Ground((18, 17, 16), (29, 28, 26), (244, 242, 238), (58, 55, 51), 0.18, 2.6, _lighter)
_RAISED = (42, 40, 37)  # --raised of checkout.css


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
