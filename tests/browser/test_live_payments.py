"""Mobile money in live mode, whole payments in a browser: through each provider, by each flow that it has."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ikawaari.simulators.cinetpay import CinetPay, LegacyCinetPay
from ikawaari.simulators.ground import Simulator
from ikawaari.simulators.mtn import Mtn
from ikawaari.simulators.pawapay import PawaPay
from ikawaari.simulators.wave import Wave
from tests.browser.conftest import DESKTOP, Visit
from tests.browser.live import add_account, open_shop, wait_for_method
from tests.browser.shop import Shop, ask, open_session
from tests.browser.steps import arrive, end, pay, see
from tests.browser.test_accessible import violations
from tests.serving import Served
from tests.simulators.talking import Talk, talk
from tests.simulators.wave_wallet import press

SMALL = {"viewport": {"width": 360, "height": 640}}
LARGE = DESKTOP | {"user_agent": None, "is_mobile": False, "has_touch": False, "device_scale_factor": 1}
SIMULATORS: Mapping[str, type[Simulator]] = {
    "pawapay": PawaPay,
    "cinetpay": CinetPay,
    "cinetpay-legacy": LegacyCinetPay,
    "wave": Wave,
    "mtn": Mtn,
}


@dataclass(frozen=True)
class Way:
    """How a payer of one operator pays through one provider."""

    provider: str
    operator: str
    number: str  # as it is typed
    currency: str = "XOF"
    account: str | None = None  # the country of the account, where the provider has one for each

    @property
    def country(self) -> str:
        """The payer's."""
        return self.operator[-2:].upper()

    def __str__(self) -> str:
        return f"{self.provider}-{self.operator}"


PUSH = [
    Way("pawapay", "orange_sn", "77 345 67 89"),
    Way("cinetpay", "free_sn", "76 345 67 89", account="SN"),
    Way("mtn", "mtn_cm", "6 70 12 34 56", currency="XAF", account="CM"),
]
CODE = [
    (Way("pawapay", "orange_bf", "07 34 56 78"), "*144*4*6*5000#", "123456"),
    (Way("cinetpay", "orange_bf", "07 34 56 78", account="BF"), "*144*4*6*5000#", "1234"),
]
PAGE = [
    Way("wave", "wave_sn", "77 345 67 89", account="SN"),
    Way("pawapay", "wave_sn", "77 345 67 89"),
    Way("cinetpay", "wave_sn", "77 345 67 89", account="SN"),
]


@dataclass(frozen=True)
class Counter:
    """A shop that takes one way to pay, and the simulator behind it."""

    way: Way
    shop: Shop
    sim: Talk

    def order(self) -> dict[str, Any]:
        """A session to pay."""
        session = open_session(self.shop, currency=self.way.currency)
        wait_for_method(session, self.shop.served, "mobile_money")
        return session

    def ask_for_it(self, page: Page, session: Mapping[str, Any]) -> None:
        """The customer types the number, chooses the operator, and presses Pay."""
        arrive(page, dict(session))
        page.locator("#phone").fill(self.way.number)
        page.locator(f"input[name=operator][value={self.way.operator}]").check()
        pay(page)

    def assert_paid_once(self, session: Mapping[str, Any]) -> None:
        """The API says paid, and the provider took the money once."""
        assert ask(self.shop, dict(session))["payment_status"] == "paid"
        taken = [charge for charge in self.sim.charges() if charge["state"] == "succeeded"]
        assert [float(charge["amount"]) for charge in taken] == [5_000]


Open = Callable[[Way], Counter]


@pytest.fixture
def counter(served: Served, request: pytest.FixtureRequest) -> Iterator[Counter]:
    """A new shop with an account of its own; payers approve after a moment."""
    way: Way = request.param
    shop, merchant_id = open_shop(served, country=way.country)
    with talk(SIMULATORS[way.provider](served.url, way.account)) as sim:
        name = way.provider.removesuffix("-legacy")
        account = add_account(served, name, merchant_id, sim.settings(), country=way.account)
        sim.set(callback_url=account.callback_url, settles_after=0 if way.provider == "wave" else 1)
        yield Counter(way, shop, sim)


def through(*ways: Way) -> pytest.MarkDecorator:
    """Shops with each of them."""
    return pytest.mark.parametrize("counter", ways, indirect=True, ids=str)


# Without script our page is the same for every provider: test_live_codes.py and test_codes_and_wallets.py have it, too.
SCRIPT = [pytest.param(True, id="script"), pytest.param(False, id="no script", marks=pytest.mark.long)]


@pytest.fixture(params=SCRIPT)
def phone(request: pytest.FixtureRequest, visit: Visit) -> Page:
    """A small phone with script, then one without."""
    return visit(script=request.param, **SMALL)


@pytest.fixture(params=SCRIPT)
def desktop(request: pytest.FixtureRequest, visit: Visit) -> Page:
    """A computer with script, then one without."""
    return visit(script=request.param, **LARGE)


# ---------------------------------------------------------------- a prompt on the phone


@through(*PUSH)
def test_a_prompt_is_approved_on_the_phone(phone: Page, counter: Counter) -> None:
    session = counter.order()
    counter.ask_for_it(phone, session)
    end(phone, "paid")
    counter.assert_paid_once(session)


# ---------------------------------------------------------------- a code before the charge


@pytest.mark.parametrize(("counter", "dial", "code"), CODE, indirect=["counter"], ids=str)
def test_a_code_is_dialed_for_before_anything_starts(phone: Page, counter: Counter, dial: str, code: str) -> None:
    session = counter.order()
    counter.ask_for_it(phone, session)
    expect(phone.locator(".dial b")).to_have_text(dial)
    assert counter.sim.charges() == []
    phone.get_by_label("Le code reçu par SMS").fill(code)
    pay(phone)
    end(phone, "paid")
    counter.assert_paid_once(session)


# ---------------------------------------------------------------- a wallet's own page


@through(*PAGE)
def test_a_wallet_is_opened_on_the_phone_and_leads_back(phone: Page, counter: Counter) -> None:
    session = counter.order()
    counter.ask_for_it(phone, session)
    end(phone, "redirect", "Payez dans Wave")
    phone.locator("a.main").click()
    phone.get_by_role("button", name="Pay").click()
    end(phone, "paid")
    counter.assert_paid_once(session)


@through(Way("cinetpay-legacy", "orange_sn", "77 345 67 89", account="SN"))
def test_a_page_leads_back_by_a_form_of_its_own_site(phone: Page, counter: Counter) -> None:
    session = counter.order()
    counter.ask_for_it(phone, session)
    end(phone, "redirect")
    phone.locator("a.main").click()
    phone.get_by_role("button", name="Pay").click()
    phone.get_by_role("button", name="Back to the shop").click()
    end(phone, "paid")
    counter.assert_paid_once(session)


@through(*PAGE[:2])
def test_a_code_to_scan_is_shown_on_a_computer(desktop: Page, counter: Counter) -> None:
    session = counter.order()
    counter.ask_for_it(desktop, session)
    end(desktop, "qr", "Scannez")
    expect(desktop.locator(".qr svg")).to_be_visible()
    press({"wave_launch_url": desktop.locator("a.main[href^=http]").get_attribute("href")}, "pay")
    end(desktop, "paid")
    counter.assert_paid_once(session)


@through(PAGE[0])
def test_a_try_that_failed_in_the_app_is_told_and_the_next_one_pays(phone: Page, counter: Counter) -> None:
    session = counter.order()
    counter.ask_for_it(phone, session)
    end(phone, "redirect")
    phone.locator("a.main").click()
    phone.get_by_role("button", name="Decline").click()
    see(phone, "redirect")
    end(phone, "redirect")
    expect(phone.locator(".box.bad")).to_contain_text("Solde")
    phone.locator("a.main").click()
    phone.get_by_role("button", name="Pay").click()
    end(phone, "paid")
    counter.assert_paid_once(session)


@through(PAGE[0])
def test_who_comes_back_without_paying_may_open_the_app_again(phone: Page, counter: Counter) -> None:
    session = counter.order()
    counter.ask_for_it(phone, session)
    end(phone, "redirect")
    phone.locator("a.main").click()
    phone.get_by_role("button", name="Cancel").click()
    see(phone, "redirect")
    phone.locator("a.main").click()
    phone.get_by_role("button", name="Pay").click()
    end(phone, "paid")
    counter.assert_paid_once(session)


# ---------------------------------------------------------------- for everybody


@through(PAGE[0])
def test_axe_finds_nothing_on_a_live_page(visit: Visit, counter: Counter) -> None:
    page, ours = visit(**SMALL), counter.shop.served.url
    page.route(lambda url: not url.startswith(ours), lambda route: route.fulfill(status=204))  # the app does not open
    counter.ask_for_it(page, counter.order())
    end(page, "redirect")
    assert not violations(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
