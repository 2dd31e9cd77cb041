"""What a merchant gave of itself, in a browser: the logo under the page's policy, the links, and nothing axe minds."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.shop import Shop, open_session
from tests.browser.steps import arrive, end, pay_by_phone, see
from tests.browser.test_accessible import sticks_out, violations
from tests.serving import Served

BRAND: dict[str, Any] = {
    "legal_name": "Boutique Awa et Filles SARL",
    "town": "Saint-Louis du Sénégal",
    "help_phone": "33 800 00 00",
    "whatsapp": "77 800 00 00",
    "terms_url": "https://awa.example/conditions",
    "refunds_url": "https://awa.example/remboursements",
    "privacy_url": "https://awa.example/confidentialite",
}


def test_a_customer_sees_who_sells_and_whom_to_ask(
    customer: Page, served: Served, new_shop: Callable[..., Shop]
) -> None:
    elsewhere = served.url.replace("127.0.0.1", "localhost")  # another origin, which only the policy can allow
    shop = new_shop(logo_url=f"{elsewhere}/static/demo-logo.svg", **BRAND)
    arrive(customer, open_session(shop, successUrl=None))
    see(customer, "choose")
    logo = customer.locator("header img")
    expect(logo).to_have_js_property("complete", True)
    assert logo.evaluate("image => image.naturalWidth") > 0
    foot = customer.locator("footer")
    expect(foot).to_contain_text(
        "Paiement sécurisé par Ikawaari pour Boutique Awa et Filles SARL, Saint-Louis du Sénégal."
    )
    expect(foot.get_by_role("link", name="Aide")).to_have_attribute("href", "tel:+221338000000")
    for name in ("terms_url", "refunds_url", "privacy_url"):
        expect(foot.locator(f'a[href="{BRAND[name]}"]')).to_be_visible()
    pay_by_phone(customer)
    end(customer, "paid")
    expect(customer.locator('main a[href^="https://wa.me/221778000000?text="]')).to_be_visible()
    if customer.evaluate("'htmx' in window"):  # axe waits for timers, which a page without script does not have
        assert not violations(customer)
    assert sticks_out(customer) == []
