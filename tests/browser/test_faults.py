"""What a fault looks like and how it is told: headings, a summary, the title, the focus, with a script and without."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser import states
from tests.browser.conftest import Visit
from tests.browser.shop import Shop, open_session
from tests.browser.steps import arrive, pay, phone, see, type_phone


def headings(page: Page) -> list[str]:
    """The headings that a screen reader lists, each behind its level."""
    found = page.locator("h1, h2, h3").evaluate_all(
        "all => all.filter(one => !one.closest('[aria-hidden=true], template, [hidden]'))"
        ".map(one => one.tagName + ' ' + one.textContent.trim())"
    )
    return [str(text) for text in found]


@pytest.mark.parametrize(
    "fields",
    [pytest.param(states.CHOSEN, marks=pytest.mark.long), {}, {"lineItems": states.ITEMS, "amount": None}],
)
def test_the_first_heading_is_the_amount_and_the_only_one_of_its_level(
    page: Page, shop: Shop, fields: dict[str, Any]
) -> None:
    arrive(page, open_session(shop, **fields))
    first, *others = headings(page)
    assert re.match(r"H1 (Vous choisissez|Montant|Payer)", first), first
    assert all(text.startswith("H2 ") for text in others)


def test_faults_are_summed_up_in_the_title_and_in_a_box_whose_links_lead_to_them(customer: Page, shop: Shop) -> None:
    arrive(customer, open_session(shop, **states.CHOSEN, customFields=states.FIELDS))
    phone(customer).fill("12")
    customer.locator("#amount").fill("7")
    pay(customer)
    see(customer, "choose!")
    expect(customer).to_have_title(re.compile("^Erreur\u00a0: Paiement"))
    box = customer.locator(".box.bad")
    expect(box).to_be_focused()
    links = box.locator("a")
    expect(box).to_contain_text(f"{links.count()} réponses à corriger")
    assert links.count() >= 3
    for link in links.all():
        name = (link.get_attribute("href") or "").removeprefix("#")
        field = customer.locator(f"[id='{name}']")
        said = customer.locator(f"[id='{name}-problem']")
        expect(said).to_have_text(re.compile(rf"^\s*{re.escape(link.inner_text())}\s*$"))
        assert f"{name}-problem" in (field.get_attribute("aria-describedby") or "")
        link.click()
        expect(field).to_be_in_viewport()


def test_one_fault_has_the_focus_and_the_title(customer: Page, shop: Shop) -> None:
    arrive(customer, open_session(shop))
    type_phone(customer)
    phone(customer).fill("77 12")
    pay(customer)
    see(customer, "choose!")
    expect(customer).to_have_title(re.compile("^Erreur\u00a0: "))
    expect(phone(customer)).to_be_focused()
    expect(phone(customer)).to_have_attribute("aria-invalid", "true")
    expect(customer.locator(".box.bad")).to_have_count(0)


def test_a_guess_is_a_note_and_no_error(visit: Visit, shop: Shop) -> None:
    page = visit(script=False)
    arrive(page, open_session(shop))
    phone(page).fill("771234500")
    pay(page)
    see(page, "choose!", "Nous pensons à Orange Money")
    expect(page).not_to_have_title(re.compile("Erreur"))
    expect(page.locator("#operator-note")).to_be_focused()
    expect(page.locator("[aria-invalid=true]")).to_have_count(0)
    expect(page.get_by_role("radio", name="Orange Money")).to_be_checked()


def test_another_country_is_announced_and_the_number_has_the_focus(page: Page, shop: Shop) -> None:
    arrive(page, open_session(shop))
    page.locator("summary[aria-label*='Changer de pays']").click()
    page.get_by_role("button", name="Mali").click()
    expect(page.locator(".land, .lands summary").first).to_contain_text("+223")
    expect(phone(page)).to_be_focused()
    expect(page.locator("#live")).to_have_text("Mali, +223. Changer de pays")


def test_without_a_script_another_country_is_there_after_one_press(visit: Visit, shop: Shop) -> None:
    page = visit(script=False)
    arrive(page, open_session(shop))
    page.locator("summary[aria-label*='Changer de pays']").click()
    page.get_by_role("button", name="Mali").click()
    expect(page.locator(".lands summary")).to_have_attribute("aria-label", "Mali, +223. Changer de pays")
    expect(page.get_by_role("radio", name="Moov Money")).to_have_count(1)
