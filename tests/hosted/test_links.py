"""The public address of a payment link, as browsers, robots and printers meet it."""

import io
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from ikawaari import clock
from ikawaari.checkout import attempts, links
from ikawaari.store.models import CheckoutSession, PaymentLink
from tests import factories

ROBOTS = (
    "WhatsApp/2.23.20.0 A",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "TelegramBot (like TwitterBot)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "Twitterbot/1.0",
    "Mozilla/5.0 (compatible; Snap URL Preview Service; bot; snapchat; https://developers.snap.com/robots)",
    "Viber/13.3.0.22 CFNetwork/1121.2.2 Darwin/19.6.0",
    "Slack-ImgProxy (+https://api.slack.com/robots)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/534+ (KHTML, like Gecko) BingPreview/1.0b",
    "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)",
    "meta-externalfetcher/1.1",
    "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari (compatible; Bytespider)",
    "Mozilla/5.0 (compatible; TikTokSpider; ttspider-feedback@tiktok.com)",
    "Mozilla/5.0 (X11; Linux x86_64) Chrome/119.0 Safari/537.36 Google-PageRenderer Google (+https://developers.google.com)",
    "GoogleMessages/1.0",
    "Mozilla/5.0 (Macintosh) AppleWebKit/601.2.4 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
)
PEOPLE = (
    "Mozilla/5.0 (Linux; Android 11; CUBOT NOTE 20 Build/RP1A) AppleWebKit/537.36 Chrome/119.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 12; CUBOT_X50/1) AppleWebKit/537.36 Chrome/119.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148 [FBAN/FBIOS;FBAV/440.0]",
    "Mozilla/5.0 (Linux; Android 10; wv) Version/4.0 Chrome/119.0 Mobile Safari/537.36 Instagram 300.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148 Snapchat/12.60 (like Safari/8617)",
    "Mozilla/5.0 (Linux; Android 13; wv) Chrome/119.0 Mobile Safari/537.36 trill_2023 BytedanceWebview/d8a21c6",
    "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1; U; fr) Presto/2.8.119 Version/11.10",
    "",
)


@pytest.fixture
def engine() -> str:
    """The pages are the same on both, and the domain's tests run on both."""
    return "sqlite"


def path(link: PaymentLink) -> str:
    """The link's address on this host."""
    return f"/pay/{link.slug}"


def opened() -> list[str]:
    """The ids of all sessions."""
    return [session.id for session in CheckoutSession.select()]


def pay(session_id: str) -> None:
    """Pay a session at once."""
    attempts.pay(session_id, factories.card_request(), clock.now())


def ended(client: FlaskClient, link: PaymentLink, **headers: str) -> str:
    """The page that a visit to an ended link gets."""
    answer = client.get(path(link), headers=headers)
    assert (answer.status_code, answer.mimetype) == (410, "text/html")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Boutique" in answer.text
    return answer.text


def test_a_visit_leads_to_the_page_of_a_session(client: FlaskClient) -> None:
    link = factories.link(description="Cotisation")
    answer = client.get(path(link))
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/{opened()[0]}")
    assert answer.headers["Cache-Control"] == "no-store"
    page = client.get(answer.headers["Location"])
    assert (page.status_code, "Cotisation" in page.text) == (200, True)


def test_a_browser_comes_back_to_its_own_session_and_another_gets_a_new_one(app: Flask) -> None:
    link = factories.link()
    one, other = app.test_client(), app.test_client()
    mine = one.get(path(link)).headers["Location"]
    assert one.get(path(link)).headers["Location"] == mine
    assert other.get(path(link)).headers["Location"] != mine


def test_the_cookie_is_for_that_address_alone_and_for_no_script(client: FlaskClient) -> None:
    link = factories.link()
    cookie = client.get(path(link)).headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Lax", f"Path={path(link)}"} <= set(cookie.split("; "))


def test_a_cookie_that_means_nothing_is_no_hindrance(client: FlaskClient) -> None:
    link = factories.link()
    for text in ("x", "cs_" + "0" * 27, "é", "a" * 4000):
        client.set_cookie("visit", text, path=path(link))
        assert client.get(path(link)).status_code == 303


@pytest.mark.parametrize(
    "url", ["/pay/nowhere", "/pay/nowhere/qr.svg", "/pay/nowhere/qr.png", "/pay/" + "a" * 300, "/pay/é"]
)
def test_there_is_a_page_for_an_address_that_is_none(client: FlaskClient, url: str) -> None:
    answer = client.get(url)
    assert (answer.status_code, answer.mimetype) == (404, "text/html")


def test_head_opens_no_session(client: FlaskClient) -> None:
    link = factories.link()
    assert (client.head(path(link)).status_code, opened()) == (200, [])
    links.deactivate(link, clock.now())
    assert client.head(path(link)).status_code == 410


@pytest.mark.parametrize("agent", ROBOTS)
def test_a_robot_sees_what_it_is_about_and_opens_no_session(client: FlaskClient, agent: str) -> None:
    link = factories.link(description="Cotisation <mars>")
    answer = client.get(path(link), headers={"User-Agent": agent})
    assert (answer.status_code, opened()) == (200, [])
    assert '<meta property="og:title" content="Cotisation &lt;mars&gt;">' in answer.text
    assert "5 000 FCFA" in re.sub(r"\s", " ", answer.text)
    assert client.get(path(link) + "?open", headers={"User-Agent": agent}).status_code == 303


@pytest.mark.parametrize("agent", PEOPLE)
def test_people_are_not_taken_for_robots(client: FlaskClient, agent: str) -> None:
    assert client.get(path(factories.link()), headers={"User-Agent": agent}).status_code == 303


@pytest.mark.parametrize("header", ["Purpose", "Sec-Purpose", "X-Moz", "X-Purpose"])
def test_a_browser_that_only_reads_ahead_opens_no_session(client: FlaskClient, header: str) -> None:
    answer = client.get(path(factories.link()), headers={header: "prefetch;prerender"})
    assert (answer.status_code, opened()) == (200, [])


@pytest.mark.parametrize(
    ("why", "french", "english"),
    [
        ("inactive", "l’a fermé le ", "closed it on "),
        ("expired", "Ce lien de paiement a expiré", "This payment link has expired"),
        ("used", "Tous les paiements prévus ont été faits.", "All its payments have been made."),
    ],
)
def test_an_ended_link_says_why_in_both_languages(app: Flask, why: str, french: str, english: str) -> None:
    soon = clock.now() + timedelta(minutes=5) if why == "expired" else None
    for locale, words in (("fr", french), ("en", english)):
        link = factories.link(locale=locale, max_uses=1, expires_at=soon)
        if why == "inactive":
            links.deactivate(link, clock.now())
        if why == "used":
            pay(app.test_client().get(path(link)).headers["Location"].removeprefix("/"))
        with time_machine.travel(clock.now() + timedelta(minutes=6)):
            page = ended(app.test_client(), link)
        assert words in page
        assert f'lang="{locale}"' in page
        assert ("Demandez un nouveau lien" if locale == "fr" else "for a new link") in page


def test_who_paid_with_a_single_use_link_finds_the_receipt(app: Flask) -> None:
    link = factories.link(max_uses=1, locale="fr")
    payer = app.test_client()
    own = payer.get(path(link)).headers["Location"]
    pay(own.removeprefix("/"))
    assert f'href="{own}"' in ended(payer, link)
    assert own not in ended(app.test_client(), link)


def test_the_pages_allow_nothing_but_their_style(client: FlaskClient) -> None:
    link = factories.link()
    for answer in (client.head(path(link)), client.get(path(link), headers={"User-Agent": ROBOTS[0]})):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


@pytest.mark.parametrize(("kind", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_a_qr_code_of_the_address_may_be_kept(client: FlaskClient, kind: str, start: bytes) -> None:
    link = factories.link()
    answer = client.get(f"{path(link)}/qr.{kind}")
    assert answer.status_code == 200
    assert answer.mimetype == {"svg": "image/svg+xml", "png": "image/png"}[kind]
    assert answer.headers["Cache-Control"] == "public, max-age=86400"
    assert answer.data.startswith(start)
    assert (answer.data, opened()) == (drawn(f"http://localhost{path(link)}", kind), [])


def drawn(text: str, kind: str) -> bytes:
    """The QR code of a text as such a picture."""
    import segno

    options: dict[str, Any] = {"omitsize": True} if kind == "svg" else {"scale": 12}
    out = io.BytesIO()
    segno.make(text, error="m").save(out, kind=kind, border=4, light="#fff", **options)
    return out.getvalue()
