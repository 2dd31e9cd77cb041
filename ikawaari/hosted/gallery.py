"""The gallery: every state of the hosted page from fixtures, on a local server only.

For designers, translators and tests. It reads no table, and its forms lead nowhere.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, Flask, Response, make_response, render_template, request
from flask_babel import force_locale

from ikawaari.config import Config
from ikawaari.errors import NotFound
from ikawaari.hosted import context, csp, moments, page_state, web
from ikawaari.hosted.context import Facts
from ikawaari.hosted.gallery_screens import SCREENS
from ikawaari.hosted.gallery_states import STATES
from ikawaari.hosted.gallery_views import HOME, NOW, Fixture, Screen

SCHEMES = ("light", "dark")
WIDTHS = (320, 360, 1280)
_HEIGHT = 900  # of a frame, in pixels
NAMES = (*STATES, *SCREENS)
_BUSY = re.compile(
    r'(?P<tag><(?P<name>button|span)[^>]* data-(?:busy|lock)="(?P<text>[^"]*)"[^>]*>).*?(?P<end></(?P=name)>)',
    re.DOTALL,
)

bp = Blueprint("gallery", __name__, url_prefix=HOME)
bp.after_request(web.compress)  # and no cookie remembers the language of a picture


def register(app: Flask, config: Config) -> None:
    """Serve the gallery on a developer's machine; on any other server its address leads nowhere."""
    if config.is_local:
        app.register_blueprint(bp)


@bp.get("")
def index() -> Response:
    """Every state, with its links."""
    return _own_page("gallery/index.html", names=NAMES, locales=web.LOCALES, schemes=SCHEMES)


@bp.get("/<name>")
def show(name: str) -> Response:
    """The page in one state: `?lang=fr` or `en`, `?scheme=light` or `dark`; without a scheme, the browser's."""
    fixture, locale = _found(name), web.header_locale()
    html, style = _screen(fixture, locale) if isinstance(fixture, Screen) else _state(name, fixture, locale)
    return csp.protect(make_response(html), style, shows_own=True)


@bp.get("/<name>/widths")
def widths(name: str) -> Response:
    """One state in every width, side by side."""
    _found(name)
    return _own_page("gallery/widths.html", name=name, widths=WIDTHS, height=_HEIGHT, **_carried())


def _found(name: str) -> Fixture | Screen:
    fixture: Fixture | Screen | None = STATES.get(name) or SCREENS.get(name)
    if fixture is None:
        raise NotFound("page")
    return fixture


def _facts(name: str, fixture: Fixture, locale: str) -> Facts:
    """What the page is drawn from. Its addresses are those of this state, so a reload shows it again."""
    view = fixture.view
    state = page_state.of(view, NOW, told=fixture.told)
    own = context.own(f"{HOME[1:]}/{name}", view, state, fixture.total, locale, carried=_carried())
    return Facts(
        part=False,
        locale=locale,
        view=view,
        draft=fixture.draft,
        state=state,
        total=fixture.total,
        own=replace(own, request_key=""),
        notes=fixture.notes,
        ways=fixture.ways,
        earlier=context.earlier(fixture.earlier, view["country"], locale, NOW),
        next_payment=context.next_payment(view["recurring"], NOW),
        **fixture.more,
    )


def _state(name: str, fixture: Fixture, locale: str) -> tuple[str, csp.Style]:
    """The page of a session, with its style. A picture does not load itself again."""
    style = _style(fixture.view["merchant"]["color"])
    with force_locale(locale):
        variables = {**context.of(_facts(name, fixture, locale)), "refresh": None, "slow_refresh": None}
        return _with_script(render_template(fixture.template, style=style, **variables), fixture), style


def _with_script(html: str, fixture: Fixture) -> str:
    """The page after what a script does to it, for none runs in the gallery."""
    if fixture.network:
        html = html.replace(f'data-net="{fixture.network}" hidden', f'data-net="{fixture.network}"')
    if fixture.message:
        _, _, after = html.partition(f'<template id="told-{fixture.message}">')
        html = html.replace('<form id="pay"', f'{after.partition("</template>")[0]}<form id="pay"')
    if fixture.is_busy:
        html = html.replace('<form id="pay"', '<form id="pay" aria-busy="true"')
        html = _BUSY.sub(r"\g<tag>\g<text>\g<end>", html)
    return html


def _screen(screen: Screen, locale: str) -> tuple[str, csp.Style]:
    """Another page, with its style: the amount, the earlier payment and a day are put in words here."""
    variables = {**screen.variables}
    if told := variables.get("earlier"):
        variables["earlier"] = context.earlier(told, "SN", locale, NOW)
    if amount := variables.get("amount"):
        variables["amount"] = amount.format(locale)
    if ended_on := variables.get("ended_on"):
        variables["ended_on"] = moments.day(ended_on, locale)
    return web.screen(screen.template, locale, None, sheet=_style(None), **variables)


def _style(color: str | None) -> csp.Style:
    style = csp.style(color)
    return csp.in_scheme(style, _scheme()) if _scheme() else style


def _scheme() -> str:
    """The color scheme that is asked for; empty for the browser's own."""
    asked = request.args.get("scheme", "")
    return asked if asked in SCHEMES else ""


def _carried() -> Mapping[str, str]:
    """What the addresses on a page carry on."""
    scheme = _scheme()
    return {web.LANGUAGE: web.header_locale(), **({"scheme": scheme} if scheme else {})}


def _own_page(template: str, **variables: Any) -> Response:
    html, style = web.screen(template, "en", None, **variables)
    return csp.protect(make_response(html), style, shows_own=True)
