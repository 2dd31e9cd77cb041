"""Each flow from its first page to its end: with a script, without, without cookies, and with a network that is cut.

The network is cut in the middle of each step: a press does not leave, and is made again once the network is back; a
page that waits says that it is offline. With IKAWAARI_FILM, every step is kept as a picture in that folder.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from ikawaari.store.models import Merchant
from tests.browser.conftest import DESKTOP, Visit, forgive
from tests.browser.shop import Shop, make_link, open_session
from tests.browser.states import MONTHLY, TRIAL
from tests.browser.steps import CARD, PAY, arrive, check_now, choose_card, end, phone, see, type_phone
from tests.browser.test_live_codes import live_shop, order, pawapay  # noqa: F401 - fixtures
from tests.browser.test_no_cookies import proxy  # noqa: F401 - a fixture
from tests.places import PLACES
from tests.serving import Served

COMPUTER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
WAYS = ["script", "no-script", "no-cookies", "no-cookies-no-script", "cut"]
SIZE = {"width": 360, "height": 640}
NOISE = ("ERR_", "Failed to fetch", "410", "404")
LIVE = {"code first"}  # the sandbox has no operator that wants the code before the charge
FLOWS: dict[str, Callable[["Film", Shop], None]] = {}


@dataclass
class Film:
    """A page, and what is kept of it. `cuts`: the network goes away at each step."""

    page: Page
    folder: Path | None
    cuts: bool
    at: Callable[[str], str]  # the address of a place
    taken: list[str] = field(default_factory=list)

    def shot(self, name: str) -> None:
        """Keep what the customer sees."""
        self.taken.append(name)
        if self.folder:
            self.page.screenshot(path=self.folder / f"{len(self.taken):02}-{name}.png")

    def press(self, button: Locator, name: str) -> None:
        """Press; with a network that is away first, and again when the page says that nothing was sent."""
        self.shot(name)
        if not self.cuts:
            button.click()
            return
        self.page.context.set_offline(True)
        button.click()
        self.shot(f"{name}-offline")
        self.page.context.set_offline(False)
        expect(self.page.locator("[data-told]")).to_contain_text("Rien n’a été envoyé")
        self.shot(f"{name}-unsent")
        button.click()

    def wait(self, state: str) -> None:
        """See a state that waits; the network goes away and comes back meanwhile."""
        see(self.page, state)
        self.shot(state)
        if self.cuts:
            self.page.context.set_offline(True)
            expect(self.page.get_by_text("Pas de réseau. La page reprend toute seule.")).to_be_visible()
            self.shot(f"{state}-offline")
            self.page.context.set_offline(False)

    def pay(self) -> None:
        """Press the button that pays."""
        self.press(self.page.get_by_role("button", name=PAY), "open")

    def ends(self, state: str) -> None:
        """See how it ends."""
        end(self.page, state)
        self.shot(state)


def flow(name: str) -> Callable[[Callable[[Film, Shop], None]], Callable[[Film, Shop], None]]:
    """One of the flows that are filmed."""

    def note(act: Callable[[Film, Shop], None]) -> Callable[[Film, Shop], None]:
        FLOWS[name] = act
        return act

    return note


def by_card(film: Film, number: str) -> None:
    """Type a card and pay."""
    choose_card(film.page)
    for name, text in (CARD | {"number": number}).items():
        film.page.locator(f"#{name}").fill(text)
    film.pay()


@flow("push")
def push(film: Film, shop: Shop) -> None:
    """A prompt on the phone."""
    arrive(film.page, open_session(shop, successUrl=None))
    film.shot("empty")
    type_phone(film.page)
    film.pay()
    film.wait("prompt")
    film.ends("paid")


@flow("code")
def code(film: Film, shop: Shop) -> None:
    """A code that the operator sends."""
    arrive(film.page, open_session(shop, successUrl=None))
    type_phone(film.page, "009")
    film.pay()
    see(film.page, "otp")
    film.shot("otp")
    film.page.locator("#otp").fill("123456")
    film.press(film.page.locator("main button[data-pay]"), "typed")
    film.ends("paid")


@flow("code first")
def code_first(film: Film, shop: Shop) -> None:
    """A code that the customer dials for before anything is charged."""
    arrive(film.page, order(shop, "BF"))
    film.shot("empty")
    phone(film.page).fill("07 34 56 78")
    film.page.get_by_label("Orange Money").check()
    film.pay()
    see(film.page, "choose", "Composez ce code et tapez votre code secret")
    film.shot("dial")
    film.page.get_by_label("Le code reçu par SMS").fill("123456")
    film.press(film.page.get_by_role("button", name=PAY), "typed")
    film.ends("paid")


@flow("wallet")
def wallet(film: Film, shop: Shop) -> None:
    """A wallet's own page."""
    arrive(film.page, open_session(shop, successUrl=None))
    type_phone(film.page, "010")
    film.pay()
    approve(film)


@flow("3-D Secure")
def secure(film: Film, shop: Shop) -> None:
    """A card whose bank asks first."""
    arrive(film.page, open_session(shop, successUrl=None))
    by_card(film, "4000 0025 0000 3155")
    approve(film)


def approve(film: Film) -> None:
    """Go to the wallet or the bank, and come back."""
    film.wait("redirect")
    film.page.locator("a.main").click()
    see(film.page, "sandbox")
    film.shot("sandbox")
    film.page.get_by_role("button", name="Accepter").click()
    film.ends("paid")


@flow("card")
def card(film: Film, shop: Shop) -> None:
    """A card."""
    arrive(film.page, open_session(shop, successUrl=None))
    by_card(film, CARD["number"])
    film.ends("paid")


@flow("decline")
def decline(film: Film, shop: Shop) -> None:
    """Not enough money, and then another number."""
    arrive(film.page, open_session(shop, successUrl=None))
    type_phone(film.page, "001")
    film.pay()
    film.wait("prompt")
    end(film.page, "choose")
    film.shot("declined")
    type_phone(film.page)
    film.page.get_by_role("button", name=PAY).click()
    film.ends("paid")


@flow("link")
def link(film: Film, shop: Shop) -> None:
    """A payment link, paid and opened again."""
    address = make_link(shop)["url"]
    film.page.goto(address)
    type_phone(film.page)
    film.pay()
    film.wait("prompt")
    film.ends("paid")
    film.page.goto(address)
    film.shot("again")


@flow("subscription")
def subscription(film: Film, shop: Shop) -> None:
    """A subscription, stopped and resumed."""
    arrive(film.page, open_session(shop, successUrl=None, customerEmail="awa@example.com", **MONTHLY))
    by_card(film, CARD["number"])
    film.ends("paid")
    film.page.locator("main summary").click()
    film.press(film.page.get_by_role("button", name="Oui, arrêter l’abonnement"), "stop")
    expect(film.page.get_by_role("button", name="Reprendre l’abonnement")).to_be_visible()
    film.press(film.page.get_by_role("button", name="Reprendre l’abonnement"), "stopped")
    expect(film.page.locator("main summary")).to_be_visible()
    film.shot("resumed")


@flow("trial")
def trial(film: Film, shop: Shop) -> None:
    """A trial."""
    arrive(film.page, open_session(shop, successUrl=None, **TRIAL))
    type_phone(film.page)
    film.press(film.page.locator("button.main"), "open")
    film.ends("trial")


@flow("past due")
def past_due(film: Film, shop: Shop) -> None:
    """What a subscription owes, paid."""
    film.page.goto(film.at("past due"))
    see(film.page, "past_due")
    film.shot("past due")
    film.page.locator("a.main").click()
    see(film.page, "choose")
    by_card(film, CARD["number"])
    film.ends("paid")


@flow("refund")
def refund(film: Film, shop: Shop) -> None:
    """A part that went back."""
    film.page.goto(film.at("refunded in part"))
    see(film.page, "refunded")
    film.shot("refunded")


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> Path | None:
    """Where the pictures of this flow go."""
    films = os.environ.get("IKAWAARI_FILM")
    name = re.sub(r".*\[chromium-|\]", "", request.node.name).replace(" ", "_")
    kept = Path(films) / name if films else None
    if kept:
        kept.mkdir(parents=True, exist_ok=True)
    return kept


@pytest.fixture
def at(still: Served, owner: Merchant) -> Callable[[str], str]:
    """The address of a new place."""
    return lambda name: still.url + PLACES[name](owner).path


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_comes_to_its_end(  # noqa: PLR0917
    request: pytest.FixtureRequest,
    visit: Visit,
    shop: Shop,
    at: Callable[[str], str],
    complaints: list[str],
    folder: Path | None,
    name: str,
    way: str,
) -> None:
    options: dict[str, Any] = {"viewport": SIZE, "script": "no-script" not in way}
    if "no-cookies" in way:
        options["proxy"] = {"server": request.getfixturevalue("proxy"), "bypass": "<-loopback>"}
    owner = request.getfixturevalue("live_shop") if name in LIVE else shop
    FLOWS[name](Film(visit(**options), folder, way == "cut", at), owner)
    # What takes a picture hides the caret by a style of its own, which htmx may meet.
    forgive(complaints, *NOISE, *(["Applying inline style"] if folder else []))


@pytest.mark.long
def test_a_code_is_scanned_from_a_desktop(
    visit: Visit, shop: Shop, at: Callable[[str], str], folder: Path | None
) -> None:
    desktop = Film(visit(**DESKTOP, is_mobile=False, user_agent=COMPUTER), folder, cuts=False, at=at)
    arrive(desktop.page, open_session(shop, successUrl=None))
    type_phone(desktop.page)
    desktop.page.get_by_label("Wave").check(force=True)
    desktop.pay()
    desktop.wait("qr")
    check_now(desktop.page)
    see(desktop.page, "qr")
    desktop.shot("checked")
