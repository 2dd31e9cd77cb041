"""Payment links: an address to pay at, for as many as it was made for."""

from playwright.sync_api import Page

from tests.browser.conftest import Visit, forgive
from tests.browser.shop import Shop, make_link
from tests.browser.steps import end, pay_by_phone, see


def test_a_visitor_pays_and_the_next_one_is_told_kindly(
    customer: Page, visit: Visit, shop: Shop, complaints: list[str]
) -> None:
    link = make_link(shop, isSingleUse=True, thankYou="À mardi !")
    customer.goto(link["url"])
    pay_by_phone(customer)
    end(customer, "paid", "À mardi !")
    other = visit()
    other.goto(link["url"])
    see(other, "link-ended", "Ce lien ne sert plus")
    see(other, "link-ended", "Demandez un nouveau lien à Boutique Awa.")
    customer.goto(link["url"])
    customer.get_by_role("link", name="Voir votre reçu").click()
    see(customer, "paid", "À mardi !")
    forgive(complaints, "410")


def test_two_visitors_of_a_single_use_link_cannot_both_pay(visit: Visit, shop: Shop, complaints: list[str]) -> None:
    link = make_link(shop, isSingleUse=True)
    first, second = visit(), visit(script=False)
    for page in (first, second):
        page.goto(link["url"])
        see(page, "choose")
    pay_by_phone(first, "011")
    see(first, "prompt")
    pay_by_phone(second)
    see(second, "prompt", "Validez sur votre téléphone")
    forgive(complaints, "410")


def test_a_link_may_be_paid_again_and_again_by_the_same_visitor(page: Page, shop: Shop) -> None:
    link = make_link(shop, paymentMethodTypes=["mobile_money"])
    seen = set()
    for turn in range(2):
        page.goto(link["url"])
        if turn:
            see(page, "link-paid", "Vous avez payé")
            page.get_by_role("link", name="Payer encore une fois").click()
        see(page, "choose")
        seen.add(page.url.partition("?")[0])
        if not turn:
            page.goto(link["url"])  # a second look opens no second session
            seen.add(page.url)
        pay_by_phone(page)
        end(page, "paid")
    assert len(seen) == 2
