"""The browser script of the simulated Stripe, on a page of a shop at another address, under a strict content policy."""

import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from ikawaari.simulators.web import Answer, Request, Server
from tests.simulators.stripe_account import Account, error, query

NUMBER = "4242 4242 4242 4242"
OPTIONS = "{mode: 'payment', amount: 1000, currency: 'xof'}"


class ShopPage:
    """A page with a place for the card's fields, and everything that its server was sent."""

    def __init__(self, simulator: str) -> None:
        self.received: list[str] = []
        self._server = Server("127.0.0.1", 0, self._answer)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._body = f'<!DOCTYPE html><title>Shop</title><script src="{simulator}/v3/"></script><div id="card"></div>'
        # No connect-src: the script asks for everything from its frame.
        self._policy = f"default-src 'none'; script-src {simulator}; frame-src {simulator}"

    def _answer(self, request: Request) -> Answer:
        self.received.append(f"{request.target} {request.body.decode()} {request.headers}")
        return Answer(200, self._body.encode(), "text/html", {"Content-Security-Policy": self._policy})

    def open(self) -> Iterator["ShopPage"]:
        """Serve."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        yield self
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def shop_page(shop: Account, page: Page) -> Iterator[ShopPage]:
    """The page, open in a browser, with an unmounted element; nothing that the browser complains of."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if "Content Security" in message.text else None)
    page.on("pageerror", lambda problem: complaints.append(str(problem)))
    for opened in ShopPage(shop.base_url).open():
        page.goto(opened.url)
        page.evaluate(f"""() => {{
            window.stripe = Stripe({shop.keys["publishable_key"]!r}, {{locale: "en"}});
            window.elements = stripe.elements({OPTIONS});
            window.element = elements.create("payment");
        }}""")
        yield opened
    assert complaints == []


def fields(page: Page) -> FrameLocator:
    """The card's fields."""
    return page.frame_locator("#card iframe")


def type_card(page: Page, number: str = NUMBER, expiry: str = "12 / 34", cvc: str = "123") -> None:
    """Mount the element and fill it in."""
    page.evaluate("element.mount('#card')")
    for label, text in (("Card number", number), ("Expiration date", expiry), ("Security code", cvc)):
        fields(page).get_by_label(label).fill(text)


def token(page: Page, params: str = "{}") -> dict[str, Any]:
    """What `createConfirmationToken` returns for the typed card."""
    found: dict[str, Any] = page.evaluate(f"""async () => {{
        const submitted = await elements.submit();
        return submitted.error ? submitted : stripe.createConfirmationToken({{elements, params: {params}}});
    }}""")
    return found


def misuse(page: Page, script: str) -> str:
    """The message with which the script refuses."""
    said: str = page.evaluate(f"""async () => {{
        try {{ await ({script}); }} catch (problem) {{ return `${{problem.name}}: ${{problem.message}}`; }}
        return "";
    }}""")
    assert said.startswith("IntegrationError: ")
    return said


# ---------------------------------------------------------------- a typed card


def test_a_typed_card_pays_and_its_number_reaches_no_server_of_the_shop(
    shop: Account, shop_page: ShopPage, page: Page
) -> None:
    type_card(page)
    billing = "{payment_method_data: {billing_details: {name: 'Awa', address: {country: 'SN'}}}}"
    made = token(page, billing)["confirmationToken"]
    assert made["payment_method_preview"]["billing_details"]["name"] == "Awa"
    created = shop.create()
    paid = shop.post(f"/v1/payment_intents/{created['id']}/confirm", confirmation_token=made["id"]).json()
    assert paid["status"] == "succeeded"
    assert shop.charges()[0]["payer"] == "4242"
    assert "4242424242424242" not in str(made).replace(" ", "")
    assert not any("4242" in one for one in shop_page.received)
    assert "4242" not in page.content()
    assert urlsplit(page.frames[1].url).netloc == urlsplit(shop.base_url).netloc


@pytest.mark.parametrize("element", ["payment", "card"])
def test_either_element_has_the_fields(shop_page: ShopPage, page: Page, element: str) -> None:
    page.evaluate(f"element.destroy(); element = elements.create({element!r})")
    type_card(page)
    assert token(page)["confirmationToken"]["id"].startswith("ctoken_")


def test_a_token_says_where_to_return_and_what_it_is_saved_for(shop_page: ShopPage, page: Page) -> None:
    page.evaluate("elements.update({setupFutureUsage: 'off_session'})")
    type_card(page)
    made = token(page, "{return_url: 'https://pay.example.com/r/AbC'}")["confirmationToken"]
    assert (made["return_url"], made["setup_future_usage"]) == ("https://pay.example.com/r/AbC", "off_session")


MISTYPED = {
    "incomplete_number": {"number": "4242"},
    "incomplete_expiry": {"expiry": "1"},
    "incomplete_cvc": {"cvc": ""},
    "incorrect_number": {"number": "4242 4242 4242 4241"},
    "invalid_expiry_year": {"expiry": "01/20"},
    "parameter_invalid_integer": {"expiry": "13/34"},
}


def test_a_mistyped_card_gets_no_token_and_is_told(shop_page: ShopPage, page: Page) -> None:
    for code, typed in MISTYPED.items():
        type_card(page, **typed)
        refused = token(page)["error"]
        assert refused["code"] == code
        expect(fields(page).get_by_role("alert")).to_have_text(refused["message"])
        page.evaluate("element.unmount()")


def test_a_card_that_is_no_test_card_is_declined(shop: Account, shop_page: ShopPage, page: Page) -> None:
    type_card(page, "4111 1111 1111 1111")
    confirm = f"/v1/payment_intents/{shop.create()['id']}/confirm"
    declined = error(shop.post(confirm, confirmation_token=token(page)["confirmationToken"]["id"]), 402)
    assert (declined["code"], declined["decline_code"]) == ("card_declined", "test_mode_live_card")


def test_the_page_hears_when_the_card_is_complete(shop_page: ShopPage, page: Page) -> None:
    page.evaluate("window.heard = []; element.on('change', ({complete, empty}) => heard.push([complete, empty]))")
    page.evaluate("element.on('ready', () => { window.isReady = true; })")
    type_card(page)
    page.wait_for_function("isReady && heard.at(-1)[0]")
    assert page.evaluate("heard[0]") == [False, False]
    page.evaluate("element.clear()")
    expect(fields(page).get_by_label("Card number")).to_have_value("")


def test_the_fields_speak_french(shop: Account, shop_page: ShopPage, page: Page) -> None:
    page.evaluate(f"""() => {{
        window.elements = Stripe({shop.keys["publishable_key"]!r}, {{locale: "fr"}}).elements({OPTIONS});
        elements.create("payment").mount("#card");
    }}""")
    expect(fields(page).get_by_label("Numéro de carte")).to_be_visible()
    assert page.evaluate("elements.submit()")["error"]["message"] == "Votre numéro de carte est incomplet."


# ---------------------------------------------------------------- 3-D Secure


def asked(shop: Account, page: Page, **given: Any) -> dict[str, Any]:
    """A payment that waits for the bank, with the card that was typed."""
    type_card(page, "4000 0027 6000 3184")
    made = token(page)["confirmationToken"]["id"]
    confirm = f"/v1/payment_intents/{shop.create()['id']}/confirm"
    found: dict[str, Any] = shop.post(confirm, confirmation_token=made, **given).json()
    assert found["status"] == "requires_action"
    return found


@pytest.mark.parametrize(("button", "word"), [("Complete", "succeeded"), ("Fail", "failed")])
def test_the_bank_is_asked_on_a_page_of_its_own(
    shop: Account, shop_page: ShopPage, page: Page, button: str, word: str
) -> None:
    waiting = asked(shop, page, return_url=f"{shop_page.url}/back?x=1")
    page.evaluate(f"void stripe.handleNextAction({{clientSecret: {waiting['client_secret']!r}}})")
    page.get_by_role("button", name=f"{button} authentication").click()
    page.wait_for_url(f"{shop_page.url}/back?*")
    returned = query(page.url)
    assert (returned["x"], returned["redirect_status"], returned["payment_intent"]) == ("1", word, waiting["id"])
    assert (shop.retrieve(waiting["id"])["status"] == "succeeded") == (word == "succeeded")


@pytest.mark.parametrize(
    ("button", "expected"),
    [("Complete", "r.paymentIntent.status"), ("Fail", "r.error.payment_intent.status")],
)
def test_the_bank_is_asked_over_the_page(
    shop: Account, shop_page: ShopPage, page: Page, button: str, expected: str
) -> None:
    waiting = asked(shop, page)
    page.evaluate(f"window.done = stripe.handleNextAction({{clientSecret: {waiting['client_secret']!r}}}); 0")
    page.frame_locator("iframe[title='3-D Secure']").get_by_role("button", name=button).click()
    assert page.evaluate(f"done.then((r) => {expected})") == shop.retrieve(waiting["id"])["status"]
    expect(page.locator("iframe[title='3-D Secure']")).to_have_count(0)


def test_the_page_asks_what_became_of_a_payment(shop: Account, shop_page: ShopPage, page: Page) -> None:
    paid = shop.pay(metadata={"attempt": "8f3c"})
    found = page.evaluate(f"stripe.retrievePaymentIntent({paid['client_secret']!r})")["paymentIntent"]
    assert (found["status"], "metadata" in found) == ("succeeded", False)
    guessed = f"{paid['id']}_secret_guessed"
    assert page.evaluate(f"stripe.retrievePaymentIntent({guessed!r})")["error"]["code"] == "resource_missing"


# ---------------------------------------------------------------- misuse


MISUSE = {
    "Stripe('sk_test_1')": "publishable key",
    "stripe.elements({mode: 'payment', amount: 10.5, currency: 'xof'})": "amount",
    "stripe.elements({mode: 'payment', amount: 1000, currency: 'XOF'})": "currency",
    "stripe.elements({amount: 1000, currency: 'xof'})": "mode",
    "elements.create('cash')": "Invalid Element type",
    "elements.create('payment')": "Can only create one",
    "element.mount('#nowhere')": "no DOM elements",
    "elements.submit()": "not been mounted",
    "stripe.createConfirmationToken({elements})": "elements.submit() must be called",
    "stripe.handleNextAction({clientSecret: 'pi_1'})": "clientSecret",
}


def test_the_script_refuses_misuse(shop_page: ShopPage, page: Page) -> None:
    for script, message in MISUSE.items():
        assert message in misuse(page, f"(async () => {script})()")


def test_unknown_params_of_a_token_are_refused(shop_page: ShopPage, page: Page) -> None:
    type_card(page)
    page.evaluate("elements.submit()")
    said = misuse(page, "stripe.createConfirmationToken({elements, params: {colour: 'red'}})")
    assert "Unrecognized params: colour" in said
