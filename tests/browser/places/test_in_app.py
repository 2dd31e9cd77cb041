"""Browsers inside other apps, by the names that they give themselves: nothing of the page depends on them."""

import re

import pytest
import requests

from tests.browser.conftest import PHONE, Visit
from tests.browser.shop import Shop, assert_paid_once, make_link, open_session
from tests.browser.steps import arrive, end, pay_by_phone, see

_ANDROID = (
    "Mozilla/5.0 (Linux; Android 13; TECNO BG6 Build/TP1A.220624.014; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
)
_VIEW = f"{_ANDROID}Version/4.0 Chrome/131.0.6778.81 Mobile Safari/537.36"
_IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
)
AGENTS = {
    "WhatsApp": f"{_VIEW} WhatsApp/2.24.20.89",
    "Facebook": f"{_VIEW} [FB_IAB/FB4A;FBAV/487.0.0.46.77;IABMV/1;]",
    "TikTok": f"{_VIEW} trill_360504 JsSdk/1.0 NetType/MOBILE Channel/googleplay AppName/musical_ly app_version/36.5.4 "
    "ByteLocale/fr ByteFullLocale/fr Region/SN BytedanceWebview/d8a21c6",
    "WhatsApp, iPhone": f"{_IPHONE} WhatsApp/24.20.79",
    "Facebook, iPhone": f"{_IPHONE} [FBAN/FBIOS;FBAV/487.0.0.46.77;FBBV/648990511;FBDV/iPhone12,1;FBSN/iOS]",
    "TikTok, iPhone": f"{_IPHONE} musical_ly_36.5.4 JsSdk/2.0 NetType/4G Channel/App Store ByteLocale/fr Region/SN "
    "BytedanceWebview/d8a21c6",
}
OFTEN = "Facebook"
# What such browsers keep from pages: the clipboard, sharing and windows of their own.
_TAKE_AWAY = """() => {
    for (const name of ['clipboard', 'share']) Object.defineProperty(navigator, name, { value: undefined });
    window.open = () => null;
}"""


def test_the_page_is_the_same_in_every_app(shop: Shop) -> None:
    address = open_session(shop)["url"]

    def shown(agent: str) -> str:
        page = requests.get(address, headers={"User-Agent": agent, "Accept-Language": "fr"}, timeout=10).text
        return re.sub(r'(name="request_key" value=")[^"]+', r"\1", page)

    usual = shown(str(PHONE["user_agent"]))
    assert 'data-state="choose"' in usual
    assert [app for app, agent in AGENTS.items() if shown(agent) != usual] == []


@pytest.mark.parametrize("app", [OFTEN, *(pytest.param(app, marks=pytest.mark.long) for app in AGENTS if app != OFTEN)])
def test_a_link_that_is_tapped_in_an_app_opens_the_form_and_pays(visit: Visit, shop: Shop, app: str) -> None:
    page = visit(user_agent=AGENTS[app])
    page.add_init_script(f"({_TAKE_AWAY})()")
    page.goto(make_link(shop)["url"])
    see(page, "choose")
    assert page.context.pages == [page]
    pay_by_phone(page)
    see(page, "prompt")
    end(page, "paid")


@pytest.mark.long
@pytest.mark.parametrize("app", AGENTS)
def test_a_sessions_page_pays_in_an_app_without_script(visit: Visit, shop: Shop, app: str) -> None:
    session = open_session(shop, successUrl=None)
    page = visit(script=False, user_agent=AGENTS[app])
    arrive(page, session)
    pay_by_phone(page)
    end(page, "paid")
    assert_paid_once(shop, session)
