"""Operators that are down, and limits, on the page: told before anything is sent, and not to be chosen."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ikawaari import clock
from ikawaari.checkout import breakers, conditions
from ikawaari.config import Config
from ikawaari.providers.capabilities import Condition, Limits
from ikawaari.store.models import CheckoutSession, PaymentAttempt
from tests import accounts as providers
from tests import factories
from tests.accounts import Aggregator, Cards
from tests.checkout.test_conditions import Speaking

ORANGE, WAVE = "orange_sn", "wave_sn"
FORM = {"method": "mobile_money", "country": "SN", "phone": "77 123 45 00"}


@pytest.fixture
def engine() -> str:
    """The page is the same on both, and the domain's tests run on both."""
    return "sqlite"


@pytest.fixture
def account(app: Flask, config: Config) -> str:
    """A live account of the house."""
    providers.install(config, Speaking, Aggregator, Cards)
    return providers.add(config).id


def say(account_id: str, *said: Condition) -> None:
    """The provider says so from now on."""
    Speaking.says = list(said)
    conditions.refresh(account_id, clock.now())
    Speaking.says = []


def limited(account_id: str, **limits: int) -> None:
    """Wave has these limits."""
    say(account_id, Condition(operator=WAVE, currency="XOF", limits=Limits(**limits)))


def session_of(**overrides: Any) -> CheckoutSession:
    """A live session."""
    return factories.session(livemode=True, **{"locale": "en"} | overrides)


def tiles(page: str) -> Mapping[str, tuple[bool, str]]:
    """The operators in their order: whether each can be chosen, and its line."""
    found = re.findall(r'<label class="pick[^"]*"><input type="radio" name="operator"(.*?)</label>', page, re.S)
    return {
        re.search(r'value="(\w+)"', tile)[1]: (  # type: ignore[index]
            " disabled" not in tile,
            plain("".join(re.findall(r'<small class="why">(.*?)</small>', tile))),
        )
        for tile in found
    }


def submit(client: FlaskClient, session: CheckoutSession, **form: str) -> str:
    """The page after its form was sent."""
    answer = client.post(f"/{session.id}/pay", data=FORM | form, headers={"Origin": "http://localhost"})
    return plain(client.get(answer.headers["Location"]).text)


def plain(text: str) -> str:
    """A text with ordinary spaces alone."""
    return text.translate({0xA0: " ", 0x202F: " "})


def available(client: FlaskClient, session: CheckoutSession) -> Mapping[str, bool]:
    """What the public JSON says of the operators, in its order."""
    (method,) = client.get(f"/api/checkout/{session.id}").json["payment_methods"]  # type: ignore[index]
    return {each["id"]: each["available"] for each in method["countries"][0]["operators"]}


LINES: list[tuple[str, Any, int, str]] = [
    ("en", {"minimum": 6_000}, 5_000, "Min. 6,000"),
    ("fr", {"minimum": 6_000}, 5_000, "Min. 6 000"),
    ("en", {"maximum": 4_000}, 5_000, "Max. 4,000"),
    ("fr", {"maximum": 999_999}, 1_000_000, "Max. 999 999"),
    ("en", {"step": 5}, 5_001, "Only multiples of 5"),
    ("fr", {"step": 5}, 5_001, "Par multiples de 5 seulement"),
]


@pytest.mark.parametrize("case", LINES, ids=lambda case: case[-1])
def test_an_operator_whose_limits_exclude_the_amount_is_last_and_says_which(
    client: FlaskClient, account: str, case: tuple[str, Any, int, str]
) -> None:
    locale, limits, amount, line = case
    limited(account, **limits)
    session = session_of(amount=amount, locale=locale)
    found = tiles(client.get(f"/{session.id}").text)
    assert (list(found)[-1], found[WAVE]) == (WAVE, (False, line))
    assert [tile for each, tile in found.items() if each != WAVE] == [(True, "")] * 3
    assert list(available(client, session).items()) == [*((each, True) for each in list(found)[:-1]), (WAVE, False)]


@pytest.mark.parametrize(("locale", "words"), [("en", "Not working now"), ("fr", "En panne")])
def test_an_operator_that_is_down_is_last_and_says_so(
    client: FlaskClient, account: str, locale: str, words: str
) -> None:
    session = session_of(locale=locale)
    assert next(iter(tiles(client.get(f"/{session.id}").text).items())) == (ORANGE, (True, ""))
    breakers.open_now((account, ORANGE), breakers.Reason.FAILURES)
    found = tiles(client.get(f"/{session.id}").text)
    assert list(found.items())[-1] == (ORANGE, (False, words))
    assert list(available(client, session).items())[-1] == (ORANGE, False)


def test_two_customers_of_a_shop_see_their_own_limits(client: FlaskClient, account: str) -> None:
    """The open form is drawn once for many amounts."""
    limited(account, minimum=6_000)
    pages = [tiles(client.get(f"/{session_of(amount=amount).id}").text)[WAVE] for amount in (5_000, 7_000, 5_000)]
    assert pages == [(False, "Min. 6,000"), (True, ""), (False, "Min. 6,000")]


def test_of_several_accounts_the_widest_limits_are_told(client: FlaskClient, account: str, config: Config) -> None:
    providers.add(config, "aggregator")
    limited(account, minimum=6_000, maximum=9_000_000)
    assert tiles(client.get(f"/{session_of(amount=5_000).id}").text)[WAVE] == (True, "")
    page = client.get(f"/{session_of(amount=9_000_001).id}").text
    assert tiles(page)[WAVE] == (False, "Max. 9,000,000")


def test_the_fee_counts(client: FlaskClient, account: str) -> None:
    limited(account, maximum=5_000)
    shop = factories.merchant(fees={"mobile_money": {"basis_points": 100, "fixed": 0}})
    session = factories.session(shop, livemode=True, locale="en", amount=5_000, fee_mode="customer_pays")
    assert tiles(client.get(f"/{session.id}").text)[WAVE] == (False, "Max. 5,000")
    assert tiles(client.get(f"/{session_of(amount=5_000).id}").text)[WAVE] == (True, "")


def test_where_the_customer_chooses_the_amount_the_limit_is_told_when_it_is_passed(
    client: FlaskClient, account: str
) -> None:
    limited(account, minimum=500)
    session = session_of(amount=None)
    assert tiles(client.get(f"/{session.id}").text)[WAVE] == (True, "")
    page = submit(client, session, operator=WAVE, amount="100")
    assert tiles(page)[WAVE] == (True, "Min. 500"), "another amount may be typed"
    assert re.search(r'id="amount-problem"><svg.*?</svg> Wave takes at least 500 FCFA\.<', page)
    assert not PaymentAttempt.select().exists()
    assert available(client, session)[WAVE]
    submit(client, session, operator=WAVE, amount="500")
    assert PaymentAttempt.get().amount == 500


def test_a_page_from_before_sends_an_amount_that_is_told_to_be_too_small(client: FlaskClient, account: str) -> None:
    session = session_of(amount=400)
    limited(account, minimum=500)
    page = submit(client, session, operator=WAVE)
    assert re.search(r'id="operator-problem"><svg.*?</svg> Wave takes at least 500 FCFA\.<', page)
    assert not PaymentAttempt.select().exists()


def test_who_chose_an_operator_that_has_just_gone_down_is_not_charged_by_another(
    client: FlaskClient, account: str
) -> None:
    session = session_of()
    breakers.open_now((account, WAVE), breakers.Reason.FAILURES)
    page = submit(client, session, operator=WAVE)  # with a number of Orange
    assert "Wave is not working now. Choose another way to pay." in page
    assert not PaymentAttempt.select().exists()


@pytest.mark.parametrize("chosen", [{"operator": ORANGE}, {}], ids=["chosen", "guessed by the number"])
def test_a_page_from_before_is_told_that_the_operator_is_down(
    client: FlaskClient, account: str, chosen: Mapping[str, str]
) -> None:
    session = session_of()
    breakers.open_now((account, ORANGE), breakers.Reason.FAILURES)
    page = submit(client, session, **chosen)
    assert "Orange Money is not working now. Choose another way to pay." in page
    assert not PaymentAttempt.select().exists()


def test_the_api_names_the_field_and_the_limits(client: FlaskClient, account: str) -> None:
    limited(account, minimum=500)
    wallet = {"type": "mobile_money", "mobile_money": {"operator": WAVE, "phone_number": factories.phone()}}
    for amount, collected, field in (
        (400, {}, "payment_method.mobile_money.operator"),
        (None, {"amount": 400}, "collected.amount"),
    ):
        session = session_of(amount=amount)
        body = {"payment_method": wallet, "collected": collected}
        answer = client.post(f"/api/checkout/{session.id}/pay", json=body)
        told: Any = answer.json
        assert (answer.status_code, told["error"]["code"]) == (400, "IKW-CHK-002")
        assert told["error"]["details"] == {field: ["wave_sn takes at least 500 XOF, in the smallest unit"]}


def test_where_nothing_can_be_paid_by_the_page_looks_again_by_itself_and_by_a_press(
    client: FlaskClient, account: str
) -> None:
    session = session_of(payment_method_types=["mobile_money"])
    seen = re.search(r'hx-get="([^"]*seen=[^"]*)" hx-trigger="check"', client.get(f"/{session.id}").text)
    assert seen, "a form that can be paid asks nothing by itself"
    operators = list(tiles(client.get(f"/{session.id}").text))
    for operator in operators:
        breakers.open_now((account, operator), breakers.Reason.FAILURES)
    page = client.get(seen[1], headers={"HX-Request": "true"}).text
    assert not any(free for free, _ in tiles(page).values())
    assert re.search(rf'<a class="main" href="/{session.id}">Try again</a>', page)
    assert "data-pay" not in page
    again = re.search(r'hx-get="([^"]*seen=[^"]*)" hx-trigger="check, every 30s"', page)
    assert again
    assert client.get(again[1], headers={"HX-Request": "true"}).status_code == 204
    breakers.close_now((account, WAVE), True)
    page = client.get(again[1], headers={"HX-Request": "true"}).text
    assert tiles(page)[WAVE] == (True, "")
    assert "data-pay" in page


def test_no_second_look_makes_an_amount_smaller_or_larger(client: FlaskClient, account: str) -> None:
    every = tiles(client.get(f"/{session_of().id}").text)
    say(account, *(Condition(operator=one, currency="XOF", limits=Limits(minimum=500)) for one in every))
    page = client.get(f"/{session_of(amount=400, payment_method_types=['mobile_money']).id}").text
    assert {line for _, line in tiles(page).values()} == {"Min. 500"}
    assert ">Try again<" not in page


def test_cards_that_are_down_are_shown_and_cannot_be_chosen(client: FlaskClient, account: str, config: Config) -> None:
    cards = providers.add(config, "cards")
    session, only_cards = session_of(), session_of(payment_method_types=["card"])
    breakers.open_now((cards.id, ""), breakers.Reason.FAILURES)
    page = client.get(f"/{session.id}").text
    label = re.search(r'<input type="radio" name="method" value="card"(.*?)</label>', page, re.S)
    assert label
    assert "disabled" in label[1]
    assert "Not working now" in label[1]
    alone = client.get(f"/{only_cards.id}").text
    assert "Cards are not working right now" in alone
    assert f'<a class="main" href="/{only_cards.id}">Try again</a>' in alone
    shown: Any = client.get(f"/api/checkout/{session.id}").json
    assert [method["type"] for method in shown["payment_methods"]] == ["mobile_money"]
