"""What the browser may load, and the one inline stylesheet: its hash is the only style the policy allows."""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from flask import Response, current_app
from markupsafe import Markup

from ikawaari.hosted import colors
from ikawaari.shapes import CardFields

# The address is a capability, so it must not leave; but `no-referrer` would also empty the Origin of our own forms.
REFERRER_POLICY = "same-origin"
SCRIPT, HTMX = "checkout.js", "vendor/htmx-4.0.1.min.js"
_WITH_A_POLICY = (
    ("Referrer-Policy", REFERRER_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
    ("Vary", "HX-Request"),
)
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")
_COMMENTS_AND_BLANKS = re.compile(r"/\*.*?\*/|\s+", re.DOTALL)
_AROUND_SIGNS = re.compile(r" *([{};,!]) *")
_IF_DARK = re.compile(r"@media ?\(prefers-color-scheme:dark\)")
_SELECTOR = re.compile(r"[^{};]+(?=\{)")


@dataclass(frozen=True)
class Style:
    """The stylesheet in a merchant's colors, its hash for the policy, and the colors of the header in both schemes."""

    text: Markup
    digest: str
    header: str
    dark_header: str


def style(color: str | None) -> Style:
    """The stylesheet in the merchant's color, or in ours."""
    return _style(current_app.static_folder or "", color)


def in_scheme(sheet: Style, scheme: str) -> Style:
    """The stylesheet as a browser in that scheme, `light` or `dark`, applies it, whatever this browser prefers."""
    media = "@media all" if scheme == "dark" else "@media not all"
    text = f"{_IF_DARK.sub(media, sheet.text)}:root{{color-scheme:{scheme}}}"
    header = sheet.dark_header if scheme == "dark" else sheet.header
    return Style(Markup(text), _digest(text), header, header)  # noqa: S704  our own


def protect(
    response: Response,
    sheet: Style,
    *,
    logo: str | None = None,
    leads_to: str | None = None,
    card: CardFields | None = None,
    shows_own: bool = False,
) -> Response:
    """Add the policy to a new response.

    `leads_to` is where the form ends up: Chromium applies form-action to redirects, too. `card`: its fields may load.
    `shows_own`: pages of ours may frame it, and it may frame them.
    """
    scripts, calls, frames = (card.scripts, card.calls, card.frames) if card else ((), (), ())
    ancestors = "'none'"
    if shows_own:
        frames, ancestors = (*frames, "'self'"), "'self'"
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
    framed = f"frame-src {' '.join(frames)}; " if frames else ""
    policy = (
        f"default-src 'none'; script-src {_own(scripts)}; connect-src {_own(calls)}; {framed}base-uri 'none'; "
        f"frame-ancestors {ancestors}; style-src '{sheet.digest}'; img-src 'self' data:{_source(logo)}; "
        f"form-action 'self'{_source(leads_to)}"
    )
    response.headers.extend((("Content-Security-Policy", policy), *_WITH_A_POLICY))
    return response


def _own(sources: Sequence[str]) -> str:
    return " ".join(("'self'", *sources))


@lru_cache(maxsize=8)
def script_version(folder: str, name: str = SCRIPT) -> str:
    """A version that changes with our own script, so that browsers may cache it for a year; htmx has it in its name."""
    return hashlib.sha256((Path(folder) / name).read_bytes()).hexdigest()[:8]


def origin(url: str | None) -> str | None:
    """The origin of an http(s) URL, None for anything that cannot be part of a policy."""
    try:
        parts = urlsplit(url or "")
    except ValueError:  # such as http://[
        return None
    text = f"{parts.scheme}://{parts.netloc}"
    return text if _ORIGIN.fullmatch(text) else None


def _source(url: str | None) -> str:
    source = origin(url)
    return f" {source}" if source else ""


@lru_cache(maxsize=512)
def _style(folder: str, color: str | None) -> Style:
    palette = colors.palette(color)
    text = palette.css() + _sheet(folder)
    return Style(Markup(text), _digest(text), palette.light.header, palette.dark.header)  # noqa: S704  our own


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@lru_cache(maxsize=8)
def _sheet(folder: str) -> str:
    return _minified((Path(folder) / "checkout.css").read_text(encoding="utf-8"))


def _minified(css: str) -> str:
    """The stylesheet without comments and unnecessary blanks, because each page contains it.

    A blank before a colon stays, because `a :focus` differs from `a:focus`. Blanks around signs in a value stay, too:
    `+` in `min(…)` needs them.
    """
    css = _AROUND_SIGNS.sub(r"\1", _COMMENTS_AND_BLANKS.sub(" ", css))
    css = _SELECTOR.sub(lambda selector: re.sub(" *([>+~]) *", r"\1", selector[0]), css)
    return re.sub(": +", ":", css).replace(";}", "}").strip()
