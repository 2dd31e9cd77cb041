"""The total that a page shows and the one that is charged: the same, whatever the form brings."""

import html
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from ikawaari import clock
from ikawaari.checkout import attempts, snapshots
from ikawaari.errors import ValidationFailed
from ikawaari.hosted import pages
from ikawaari.hosted.drafts import Draft
from ikawaari.store.models import CheckoutSession, PaymentAttempt
from tests import factories
from tests.hosted.test_page_drafts import CARD
from tests.hosted.test_page_routes import FIRST_FLIGHT_BYTES

FEES = {"mobile_money": {"basis_points": 150, "fixed": 0}, "card": {"basis_points": 250, "fixed": 100}}
ITEMS = [
    {"name": "Pagne", "amount": 1_500, "quantity": 2, "adjustable_quantity": {"minimum": 1, "maximum": 10}},
    {"name": "Livraison", "amount": 500, "quantity": 1},
]
PHONE = {"method": "mobile_money", "phone": "771234011", "operator": "orange_sn"}


@pytest.fixture
def engine() -> str:
    """The page is the same on both, and the domain's tests run on both."""
    return "sqlite"


def session(**fields: Any) -> CheckoutSession:
    """A session whose customer pays the fees of the shop."""
    owner = factories.merchant()
    owner.change(fees=FEES)
    return factories.session(owner, **({"fee_mode": "customer_pays"} | fields))


def seen(client: FlaskClient, of: CheckoutSession) -> str:
    """The page's text, without tags and with plain spaces."""
    page = client.get(f"/{of.id}").text.partition('<div id="net"')[0]  # behind it is what only a script says
    text = html.unescape(re.sub("<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL))
    return re.sub(r"\s+", " ", text)


def agreed(client: FlaskClient, of: CheckoutSession) -> str | None:
    """The total that the form carries."""
    found = re.search(r'name="agreed" value="(\d*)"', client.get(f"/{of.id}").text)
    return found[1] if found else None


def pay(client: FlaskClient, of: CheckoutSession, **form: str) -> list[tuple[int, int]]:
    """Submit the form; what was asked of the payer, with the fee's part, try by try."""
    path = "card" if "number" in form else "pay"
    assert client.post(f"/{of.id}/{path}", data=PHONE | form).status_code == 303
    return [(row.amount, row.fee_amount) for row in PaymentAttempt.select().order_by(PaymentAttempt.created_at)]


def test_a_plain_page_carries_no_total_and_asks_nothing(client: FlaskClient) -> None:
    plain = session(fee_mode="merchant_pays", line_items=ITEMS[1:])
    assert agreed(client, plain) is None
    assert 'id="total"' not in client.get(f"/{plain.id}").text
    assert pay(client, plain, agreed="1") == [(500, 0)]


def test_amount_fee_and_total_are_shown_before_and_after(client: FlaskClient) -> None:
    paid = session()
    text = seen(client, paid)
    assert "Montant 5 000 FCFA Frais de paiement 75 FCFA Total 5 075 FCFA" in text
    assert "Payer 5 075 FCFA" in text
    assert pay(client, paid, agreed="5075") == [(5_075, 75)]
    card = session()
    assert pay(client, card, **CARD | {"number": "4242424242424242"}, agreed="5225")[1:] == [(5_225, 225)]
    assert "Montant 5 000 FCFA Frais de paiement 225 FCFA Total payé 5 225 FCFA Avec Carte" in seen(client, card)


@pytest.mark.parametrize("shown", ["", "0", "5000", "5074", "5075.0", "-5075", "५०७५", "9" * 30, "9" * 5_000])
def test_a_form_without_the_total_pays_nothing_and_is_shown_it(client: FlaskClient, shown: str) -> None:
    unpaid = session()
    assert pay(client, unpaid, agreed=shown) == []
    assert "Le total est maintenant 5 075 FCFA. Vérifiez, puis payez." in seen(client, unpaid)
    assert 'value="771234011"' in client.get(f"/{unpaid.id}").text
    assert pay(client, unpaid, agreed=agreed(client, unpaid) or "") == [(5_075, 75)]


@pytest.mark.parametrize(
    ("changes", "total"),
    [
        ({"quantity.0": "3"}, 5_075),
        ({"method": "card", "card_token": "tok_test_card"}, 3_688),
        ({"quantity.0": "10", "method": "card", "card_token": "tok_test_card"}, 15_988),
    ],
)
def test_what_changes_the_total_is_asked_again_and_then_charged(
    client: FlaskClient, changes: dict[str, str], total: int
) -> None:
    basket = session(line_items=ITEMS)
    assert agreed(client, basket) == "3553"
    assert pay(client, basket, agreed="3553", **changes) == []
    assert agreed(client, basket) == str(total)
    [(charged, _fee)] = pay(client, basket, agreed=str(total), **changes)
    assert charged == total


@pytest.mark.parametrize("amount", [5_000, None])
def test_a_fee_that_begins_while_a_plain_form_is_read_is_not_charged(client: FlaskClient, amount: int | None) -> None:
    owner = factories.merchant()
    plain = factories.session(owner, amount=amount, fee_mode="customer_pays")
    with client.application.test_request_context(method="POST"):
        sent = pages._pay_request(snapshots.of(plain), Draft(PHONE | {"amount": "5000"}), None, clock.now())
    owner.change(fees=FEES)
    with pytest.raises(ValidationFailed) as refusal:
        attempts.pay(plain.id, sent, clock.now())
    assert set(refusal.value.details) == {"agreed_total"}


def test_quantities_without_a_fee_are_asked_about_as_well(client: FlaskClient) -> None:
    basket = session(line_items=ITEMS, fee_mode="merchant_pays")
    assert pay(client, basket, agreed="3500", **{"quantity.0": "4"}) == []
    assert "Total 6 500 FCFA" in seen(client, basket)
    assert pay(client, basket, agreed="6500", **{"quantity.0": "4"}) == [(6_500, 0)]


def test_a_chosen_amount_is_paid_once_its_fee_was_seen(client: FlaskClient) -> None:
    chosen = session(amount=None, amount_presets=[2_000])
    assert agreed(client, chosen) is None
    assert "Voir le total" in seen(client, chosen)
    assert pay(client, chosen, amount="3 001") == []
    assert pay(client, chosen, amount="3 001", agreed=agreed(client, chosen) or "") == [(3_047, 46)]


@pytest.mark.parametrize(("count", "word"), [("0", "de 1 à 10"), ("11", "de 1 à 10"), ("two", "de 1 à 10")])
def test_a_wrong_quantity_is_told_beside_it(client: FlaskClient, count: str, word: str) -> None:
    basket = session(line_items=ITEMS)
    assert pay(client, basket, agreed="3553", **{"quantity.0": count}) == []
    assert f"Choisissez {word}." in seen(client, basket)
    assert agreed(client, basket) is None


def test_a_recount_keeps_the_form_and_pays_nothing(client: FlaskClient) -> None:
    basket = session(line_items=ITEMS)
    form = CARD | {"recount": "1", "agreed": "3688", "quantity.0": "3"}
    answer = client.post(f"/{basket.id}/pay", data=form)
    assert (answer.status_code, answer.location.split("?")[0]) == (303, f"/{basket.id}")
    assert PaymentAttempt.select().count() == 0
    assert agreed(client, basket) == "5225"
    assert "4111" not in client.get(f"/{basket.id}").text


def test_after_a_decline_the_form_stands_as_it_was_and_other_quantities_may_be_paid(client: FlaskClient) -> None:
    basket = session(line_items=ITEMS)
    pay(client, basket, phone="771234008", agreed="5075", **{"quantity.0": "3"})
    assert agreed(client, basket) == "5075"
    assert pay(client, basket, agreed="5075", **{"quantity.0": "1"}) == [(5_075, 75)]
    assert pay(client, basket, agreed="2030", **{"quantity.0": "1"}) == [(5_075, 75), (2_030, 30)]


def test_a_trial_shows_what_each_month_will_take_and_that_today_is_free(client: FlaskClient) -> None:
    recurring = {"interval": "month", "interval_count": 1, "trial_period_days": 7}
    trial = session(mode="subscription", recurring=recurring)
    assert "Total par mois 5 075 FCFA Gratuit jusqu’au" in seen(client, trial)
    assert pay(client, trial, agreed="5000") == []
    assert "Commencer gratuitement" in seen(client, trial)
    pay(client, trial, agreed="5075")
    assert "Ensuite 5 075 FCFA par mois" in seen(client, trial)


def test_the_shops_word_is_on_the_receipt_alone(client: FlaskClient) -> None:
    thanked = session(fee_mode="merchant_pays", thank_you="Merci <Awa> !", success_url="https://shop.example/ok")
    assert "Merci <Awa>" not in seen(client, thanked)
    pay(client, thanked, **CARD | {"number": "4242424242424242"})
    page = client.get(f"/{thanked.id}").text
    assert "Merci &lt;Awa&gt; !" in page
    assert 'href="https://shop.example/ok"' in page
    assert "data-forward" not in page


def test_the_fullest_page_fits_in_the_first_flight(client: FlaskClient) -> None:
    fields = [factories.custom_field(f"f{number}", "dropdown") for number in range(20)]
    bounds = {"minimum": 0, "maximum": 20}
    items = [
        {"name": f"Pagne numéro {number}", "amount": 1_000, "quantity": 2, "adjustable_quantity": bounds}
        for number in range(20)
    ]
    recurring = {"interval": "month", "interval_count": 1}
    full = session(
        line_items=items, custom_fields=fields, description="Commande " * 20, mode="subscription", recurring=recurring
    )
    answer = client.get(f"/{full.id}", headers={"Accept-Encoding": "gzip"})
    assert len(answer.data) + len(str(answer.headers)) < FIRST_FLIGHT_BYTES
