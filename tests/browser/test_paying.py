"""A payment that succeeds, from the open form to the shop, and one charge whatever the customer does meanwhile."""

import re
import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.shop import HOME, Shop, ask, assert_paid_once, listen, open_session, tell
from tests.browser.steps import (
    arrive,
    be_led_back,
    end,
    pay,
    pay_by_card,
    pay_by_phone,
    phone,
    return_to_shop,
    see,
    type_phone,
)
from tests.events.receiver import Heard, listening


def test_a_customer_pays_by_phone_and_is_led_back_to_the_shop(customer: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(customer, session)
    pay_by_phone(customer, "011")
    see(customer, "prompt", "Validez sur votre téléphone")
    tell(shop, session, "succeeded")
    see(customer, "paid", "C’est payé, merci !")
    customer.wait_for_url(f"{HOME}/thanks?session={session['id']}", timeout=15_000)
    assert_paid_once(shop, session)


def test_the_button_of_the_receipt_leads_to_the_shop(customer: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(customer, session)
    pay_by_phone(customer)
    end(customer, "paid")
    return_to_shop(customer)
    customer.wait_for_url(f"{HOME}/thanks?session={session['id']}")
    assert ask(shop, session)["payment_status"] == "paid"


def test_the_receipt_says_what_was_paid_to_whom_and_how(page: Page, shop: Shop) -> None:
    arrive(page, open_session(shop))
    pay_by_phone(page)
    end(page, "paid")
    for text in ("Total payé5 000 FCFA", "AvecOrange Money77 ••• •• 00"):
        expect(page.locator("main dl")).to_contain_text(text)
    expect(page.locator("dd.ref")).to_have_text(re.compile("^[0-9A-Z]{8}$"))
    expect(page.locator("body")).not_to_contain_text("771234500")


def test_who_comes_back_from_the_shop_stays_on_the_receipt(page: Page, shop: Shop) -> None:
    arrive(page, open_session(shop))
    pay_by_card(page)
    be_led_back(page)
    page.go_back()
    see(page, "paid")
    expect(page.locator(".auto")).to_be_hidden()


def test_a_second_payment_in_the_same_tab_leads_back_by_itself_too(page: Page, shop: Shop) -> None:
    for _ in range(2):
        arrive(page, open_session(shop, successUrl=f"{HOME}/same"))
        pay_by_card(page)
        be_led_back(page)


def test_the_shop_knows_before_its_customer_is_back(customer: Page, new_shop: Callable[..., Shop]) -> None:
    known: list[str] = []

    def answer(heard: Heard, _handler: object) -> int:
        time.sleep(1.5)
        known.append(heard.object_id)
        return 200

    with listening() as receiver:
        receiver.answer = answer
        shop = new_shop()
        listen(shop, receiver.url)
        session = open_session(shop)
        arrive(customer, session)
        pay_by_card(customer)
        customer.wait_for_url(f"{HOME}/thanks?session={session['id']}")
        assert known == [session["id"]]


def test_pressing_twice_pays_once(customer: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(customer, session)
    type_phone(customer)
    customer.get_by_role("button", name=re.compile("^Payer")).dblclick()
    end(customer, "paid")
    assert_paid_once(shop, session)


def test_a_reload_while_waiting_asks_nothing_and_pays_nothing(customer: Page, shop: Shop) -> None:
    session = open_session(shop, successUrl=None)
    arrive(customer, session)
    pay_by_phone(customer, "011")
    see(customer, "prompt")
    answer = customer.reload()
    assert answer is not None
    assert answer.request.method == "GET"
    tell(shop, session, "succeeded")
    end(customer, "paid")
    assert_paid_once(shop, session)


def test_the_back_button_while_waiting_shows_what_is_true(customer: Page, shop: Shop) -> None:
    session = open_session(shop, successUrl=None)
    customer.goto(f"{HOME}/cart")
    arrive(customer, session)
    pay_by_phone(customer, "011")
    see(customer, "prompt")
    customer.go_back()
    arrive(customer, session)
    see(customer, "prompt")
    tell(shop, session, "succeeded")
    end(customer, "paid")
    assert_paid_once(shop, session)


def test_a_second_tab_meets_the_same_wait_and_the_same_end(customer: Page, shop: Shop) -> None:
    session = open_session(shop, successUrl=None)
    arrive(customer, session)
    pay_by_phone(customer, "011")
    see(customer, "prompt")
    second = customer.context.new_page()
    arrive(second, session)
    see(second, "prompt")
    tell(shop, session, "succeeded")
    end(customer, "paid")
    end(second, "paid")
    assert_paid_once(shop, session)


def test_the_form_left_open_in_another_tab_cannot_pay_again(customer: Page, shop: Shop) -> None:
    session = open_session(shop, successUrl=None)
    arrive(customer, session)
    second = customer.context.new_page()
    arrive(second, session)
    pay_by_phone(second)
    end(second, "paid")
    type_phone(customer, "600")
    pay(customer)
    end(customer, "paid")
    assert_paid_once(shop, session)


def test_the_form_left_open_shows_the_payment_when_the_customer_looks_at_it_again(page: Page, shop: Shop) -> None:
    session = open_session(shop, successUrl=None)
    arrive(page, session)
    second = page.context.new_page()
    arrive(second, session)
    pay_by_phone(second)
    expect(second.locator("[data-state=choose]")).to_have_count(0)  # the payment has begun
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    end(page, "paid")


def test_two_phones_with_the_same_link_pay_once(visit: Visit, shop: Shop) -> None:
    session = open_session(shop, successUrl=None)
    first, second = visit(), visit()
    for page in (first, second):
        arrive(page, session)
        type_phone(page)
    pay(first)
    pay(second)
    end(first, "paid")
    end(second, "paid")
    assert_paid_once(shop, session)


def test_a_look_back_at_the_open_form_loses_nothing_typed(page: Page, shop: Shop) -> None:
    arrive(page, open_session(shop))
    type_phone(page, "5")
    with page.expect_response(lambda answer: "seen=" in answer.url) as answer:
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert answer.value.status == 204
    expect(phone(page)).to_have_value("77 123 45")
