"""Every state of the page, and how a customer gets there: for what must hold in all of them."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.shop import ORDER, Shop, end_link, expire, make_link, open_order, open_session, pay_over_api, tell
from tests.browser.steps import (
    arrive,
    check_now,
    choose_card,
    lose_recounts,
    pay,
    pay_by_card,
    pay_by_phone,
    see,
    type_phone,
)

FIELDS = [
    {"key": "size", "label": "Taille", "type": "dropdown", "options": ["S", "M", "L"], "required": True},
    {"key": "name", "label": "Nom à broder", "type": "text"},
    {"key": "count", "label": "Nombre de pièces", "type": "number"},
    {"key": "day", "label": "Jour de livraison", "type": "date"},
]
ITEMS = [{"name": "Wax hollandais, 6 yards", "amount": 1_500, "quantity": 3}, {"name": "Livraison", "amount": 500}]
MONTHLY: dict[str, Any] = {"mode": "subscription", "recurring": {"interval": "month"}}
TRIAL: dict[str, Any] = {"mode": "subscription", "recurring": {"interval": "month", "trialPeriodDays": 7}}
CHOSEN: dict[str, Any] = {
    "amount": None,
    "amountMin": 1_000,
    "amountMax": 50_000,
    "amountPresets": [2_000, 5_000, 10_000],
}
MOBILE: dict[str, Any] = {"paymentMethodTypes": ["mobile_money"]}
PREFILLED: dict[str, Any] = {"customerPhone": "+221771234500", "customerEmail": "awa@example.com"}
QUIET: dict[str, Any] = {"successUrl": None}


def opened(name: str = "choose", **fields: Any) -> Callable[[Page, Shop], dict[str, Any]]:
    """The page as it opens."""

    def reach(page: Page, shop: Shop) -> dict[str, Any]:
        session = open_session(shop, **fields)
        arrive(page, session)
        see(page, name)
        return session

    return reach


def paying(ending: str, name: str, **fields: Any) -> Callable[[Page, Shop], dict[str, Any]]:
    """After a payment by phone with that ending."""

    def reach(page: Page, shop: Shop) -> dict[str, Any]:
        session = opened(**(QUIET | fields))(page, shop)
        pay_by_phone(page, ending)
        see(page, name)
        return session

    return reach


def by_card(number: str, name: str) -> Callable[[Page, Shop], dict[str, Any]]:
    """After a payment by card."""

    def reach(page: Page, shop: Shop) -> dict[str, Any]:
        session = opened(**QUIET)(page, shop)
        pay_by_card(page, number)
        see(page, name)
        return session

    return reach


def card_form(page: Page, shop: Shop) -> None:
    """The card's fields."""
    opened()(page, shop)
    choose_card(page)


def faults(page: Page, shop: Shop) -> None:
    """Everything left empty or wrong."""
    opened(**CHOSEN, customFields=FIELDS)(page, shop)
    page.locator("#phone").fill("12")
    page.locator("#amount").fill("7")
    pay(page)
    see(page, "choose!")


def card_faults(page: Page, shop: Shop) -> None:
    """A card that is not on the test list."""
    opened()(page, shop)
    pay_by_card(page, "4111 1111 1111 1111")
    see(page, "choose!")


def card_declined(page: Page, shop: Shop) -> None:
    """Refused by the bank."""
    by_card("4000 0000 0000 0002", "choose")(page, shop)
    expect(page.locator(".bad")).to_be_visible()


def declined(page: Page, shop: Shop) -> None:
    """Refused, and free to try again."""
    opened(**QUIET)(page, shop)
    pay_by_phone(page, "001")
    expect(page.locator(".bad")).to_be_visible()


def checked(page: Page, shop: Shop) -> None:
    """Checked by hand, and still not confirmed."""
    paying("011", "prompt")(page, shop)
    check_now(page)
    expect(page.locator("main [role=status]")).to_be_visible()


def wallet(page: Page, shop: Shop) -> None:
    """About to be led to the wallet, which does not open."""
    page.route("**/sandbox/**", lambda route: route.fulfill(status=204))
    paying("010", "redirect")(page, shop)


def bank_screen(page: Page, shop: Shop) -> None:
    """The simulated bank, after the page led there by itself."""
    by_card("4000 0025 0000 3155", "redirect")(page, shop)
    see(page, "sandbox")


def wallet_screen(page: Page, shop: Shop) -> None:
    """The simulated wallet."""
    paying("010", "redirect")(page, shop)
    see(page, "sandbox")


def ordered(page: Page, shop: Shop) -> dict[str, Any]:
    """Quantities to choose, and a fee on top."""
    session = open_order(shop, line_items=ORDER, success_url=None, thank_you="Merci !\nVotre wax part demain.")
    arrive(page, session)
    see(page, "choose")
    return session


def asked(page: Page, shop: Shop) -> None:
    """Pressed before the total of an amount was shown."""
    lose_recounts(page)
    arrive(page, open_order(shop, amount=None, amount_presets=[2_000]))
    page.locator("#amount").fill("3001")
    page.locator("button.main").click()
    see(page, "choose!")


def received(page: Page, shop: Shop) -> None:
    """A receipt with a fee and a word of the shop."""
    ordered(page, shop)
    pay_by_phone(page)
    see(page, "paid")


def subscribed(page: Page, shop: Shop) -> dict[str, Any]:
    """A subscription that may be stopped."""
    session = opened(**QUIET, **MONTHLY, customerEmail="awa@example.com")(page, shop)
    pay_by_card(page)
    see(page, "paid")
    page.locator("main summary").click()
    return session


def stopped(page: Page, shop: Shop) -> None:
    """A subscription that was stopped."""
    subscribed(page, shop)
    page.get_by_role("button", name="Oui, arrêter l’abonnement").click()
    see(page, "paid", "Abonnement arrêté")


def expired(page: Page, shop: Shop) -> None:
    """Ended by the merchant."""
    session = open_session(shop)
    expire(shop, session)
    arrive(page, session)
    see(page, "expired")


def late(page: Page, shop: Shop) -> dict[str, Any]:
    """Declined, expired, and then the operator corrects itself."""
    session = paying("011", "prompt")(page, shop)
    tell(shop, session, "failed")
    expire(shop, session)
    tell(shop, session, "succeeded")
    page.reload()
    return session


def time_over(page: Page, shop: Shop) -> None:
    """Nobody approved, and the operator has not said so yet."""
    paying("011", "prompt")(page, shop)
    expect(page.locator("main ol")).to_have_count(0)


def to_scan(page: Page, shop: Shop) -> None:
    """A code to scan, which the sandbox shows to whoever asks the API for it."""
    session = open_session(shop)
    pay_over_api(shop, session, operator="wave_sn", phone_number="+221771234500", preferred_flow="qr")
    arrive(page, session)
    see(page, "qr")


def trial_begun(page: Page, shop: Shop) -> None:
    """A trial that has just begun."""
    opened(**QUIET, **TRIAL)(page, shop)
    type_phone(page)
    page.locator("button.main").click()
    see(page, "trial")


def link_ended(page: Page, shop: Shop) -> None:
    """A payment link that the shop has ended."""
    link = make_link(shop)
    end_link(shop, link)
    page.goto(link["url"])
    see(page, "link-ended")


def link_used(page: Page, shop: Shop) -> None:
    """The open form of a link that somebody else uses up meanwhile."""
    link = make_link(shop, maxUses=1)
    page.goto(link["url"])
    end_link(shop, link)
    page.reload()
    see(page, "unavailable")


def unfolded(page: Page, shop: Shop) -> None:
    """Everything that folds, unfolded."""
    opened()(page, shop)
    outer = page.locator("summary:not(details details > summary)")
    for summary in reversed(outer.all()):  # the numbers of test mode cover what is below them
        summary.click()
    page.locator("details details").evaluate("one => { one.open = true }")


def no_such_session(page: Page, shop: Shop) -> None:
    """A link that leads to nothing."""
    page.goto(f"{shop.served.url}/cs_{'0' * 32}")
    see(page, "error")


STATES: dict[str, Callable[[Page, Shop], Any]] = {
    "choose": opened(lineItems=ITEMS, amount=None),
    "card form": card_form,
    "amount and questions": opened(**CHOSEN, customFields=FIELDS),
    "only mobile money": opened(**MOBILE, **PREFILLED),
    "order": ordered,
    "total asked": asked,
    "paid with a fee": received,
    "subscription": opened(**MONTHLY),
    "subscribed": subscribed,
    "stopped": stopped,
    "trial": opened(**TRIAL),
    "faults": faults,
    "card faults": card_faults,
    "declined": declined,
    "prompt": paying("011", "prompt"),
    "checked": checked,
    "code": paying("009", "otp"),
    "wallet": wallet,
    "wallet's screen": wallet_screen,
    "bank's screen": bank_screen,
    "unknown": paying("004", "unknown"),
    "paid": by_card("4242 4242 4242 4242", "paid"),
    "card declined": card_declined,
    "paid, with a way back": paying("500", "paid", successUrl="https://shop.example/thanks"),
    "trial begun": trial_begun,
    "time over": time_over,
    "to scan": to_scan,
    "unfolded": unfolded,
    "expired": expired,
    "late": late,
    "link ended": link_ended,
    "link ended meanwhile": link_used,
    "not found": no_such_session,
}
