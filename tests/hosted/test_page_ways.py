"""The ways on from a page: what its visitor can do beside paying and waiting. Each is a form, so it needs no script."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ikawaari import clock
from ikawaari.checkout import attempts, cancellations, sessions, snapshots, subscriptions
from ikawaari.config import Config
from ikawaari.errors import Declined
from ikawaari.providers import registry
from ikawaari.store.models import CheckoutSession, Subscription
from tests import factories, scenes
from tests.checkout.test_abandonment import Odd
from tests.hosted.test_page_totals import seen
from tests.statements import sent

NOON = "2026-11-26T12:00:00Z"


@pytest.fixture
def engine() -> str:
    """The page is the same on both, and the domain's tests run on both."""
    return "sqlite"


def press(client: FlaskClient, session: CheckoutSession, action: str = "cancel", **headers: str) -> TestResponse:
    """Send the form of the page that leads there, as it stands there."""
    page = client.get(f"/{session.id}").text
    form = re.search(rf'<form[^>]* action="/{session.id}/{action}".*?</form>', page, re.DOTALL)
    assert form, page
    fields = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form[0]))
    return client.post(f"/{session.id}/{action}", data=fields, headers=headers)


def state(client: FlaskClient, session: CheckoutSession) -> str:
    """The state that the page shows."""
    found = re.search(r'data-state="([^"]*)"', client.get(f"/{session.id}").text)
    assert found
    return found[1]


# ---------------------------------------------------------------- leaving a payment


@pytest.mark.parametrize(
    ("make", "label"),
    [
        (lambda: scenes.tried("009"), "Changer de numéro ou de moyen"),
        (lambda: scenes.tried("010"), "Payer autrement"),
        (lambda: scenes.tried("500", operator="wave_sn", preferred_flow="qr"), "Payer autrement"),
        (lambda: scenes.tried_by_card("tok_test_3ds"), "Utiliser une autre carte"),
    ],
    ids=["code", "page", "qr", "bank"],
)
@pytest.mark.parametrize("cookies", [True, False])
def test_who_leaves_has_the_form_again(client: FlaskClient, make: Any, label: str, cookies: bool) -> None:
    client = client.application.test_client(use_cookies=cookies)
    session = make()
    assert label in seen(client, session)
    answer = press(client, session)
    assert (answer.status_code, answer.location) == (303, f"/{session.id}")
    assert state(client, session) == "choose"
    assert "Rien n’a été débité." in seen(client, session)


def test_who_leaves_finds_the_operator_as_it_was_without_cookies_too(client: FlaskClient) -> None:
    client = client.application.test_client(use_cookies=False)
    session = scenes.tried("010", operator="free_sn")
    press(client, session)
    page = client.get(f"/{session.id}").text
    assert re.search(r'name="operator" value="free_sn"[^>]* checked', page)
    assert "771234" not in page  # the number is for whoever typed it


@pytest.mark.parametrize("ending", ["011", "004"])
def test_what_cannot_be_called_off_has_no_such_way(client: FlaskClient, ending: str) -> None:
    session = scenes.tried(ending)
    assert "/cancel" not in client.get(f"/{session.id}").text
    assert client.post(f"/{session.id}/cancel", data={"payment": "00000000"}).status_code == 303
    assert state(client, session) in {"prompt", "unknown"}


def test_a_cancellation_without_an_answer_is_told_and_may_be_pressed_again(client: FlaskClient, config: Config) -> None:
    with time_machine.travel(NOON, tick=False) as traveller:
        provider = Odd(config)
        provider.trouble = "lost on the way"
        registry.configure([provider])
        session = scenes.tried("010")
        answer = press(client, session)
        assert answer.location == f"/{session.id}?canceling=1"
        page = client.get(answer.location).text
        assert 'data-state="redirect"' in page
        assert re.search(r'role="status">.*<strong>Pas encore annulé', page)
        traveller.shift(4)
        assert press(client, session).location == f"/{session.id}"
        assert state(client, session) == "choose"


def test_who_had_paid_is_shown_the_receipt(client: FlaskClient, config: Config) -> None:
    provider = Odd(config)
    provider.trouble = "paid before"
    registry.configure([provider])
    session = scenes.tried("010")
    press(client, session)
    assert state(client, session) == "paid"


def test_another_site_presses_nothing(client: FlaskClient) -> None:
    session = scenes.tried("010")
    assert press(client, session, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert state(client, session) == "redirect"


def test_what_the_shop_has_canceled_is_no_page_that_has_run_out(client: FlaskClient) -> None:
    canceled, ended = (factories.session(cancel_url="https://shop.example/cart") for _ in range(2))
    intent = snapshots.intent_of(canceled)
    assert intent
    cancellations.cancel(intent.id, clock.now())
    sessions.expire(ended, clock.now())
    assert "Paiement annulé Rien n’a été débité. Retourner à Boutique" in seen(client, canceled)
    assert "Paiement annulé ·" in client.get(f"/{canceled.id}").text.replace("\xa0", " ")
    assert "Cette page a expiré" in seen(client, ended)
    assert "annulé" not in seen(client, ended)


# ---------------------------------------------------------------- subscriptions


@time_machine.travel(NOON, tick=False)
def test_who_has_stopped_a_subscription_may_take_it_up_again(client: FlaskClient) -> None:
    session = scenes.subscribed()
    assert "/resume" not in client.get(f"/{session.id}").text
    press(client, session, "stop")
    assert "Reprendre l’abonnement" in seen(client, session)
    assert press(client, session, "resume").location == f"/{session.id}"
    assert "Prochain paiement : 5 000 FCFA le 26 décembre 2026." in seen(client, session)
    assert client.post(f"/{session.id}/resume").status_code == 303  # from a page that is old by now


def test_nobody_takes_up_what_the_shop_has_ended(client: FlaskClient) -> None:
    session = scenes.subscribed()
    subscriptions.cancel(Subscription.get(), clock.now(), at_period_end=True)
    assert "/resume" not in client.get(f"/{session.id}").text
    client.post(f"/{session.id}/resume")
    assert Subscription.get().cancel_at_period_end


def test_there_is_nothing_to_take_up_without_a_subscription(client: FlaskClient) -> None:
    assert client.post(f"/{factories.session().id}/resume").status_code == 404


def test_who_owes_a_period_is_led_to_its_page(client: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False) as traveller:
        session = scenes.past_due(traveller)
        text = seen(client, session)
        assert "Un paiement manque" in text
        assert "Celui du 26 décembre 2026 au 25 janvier 2027 n’est pas passé." in text
        assert "Sinon, l’abonnement s’arrête le 6 janvier 2027." in text
        assert "Merci" not in text
        page = client.get(f"/{session.id}").text
        link = re.search(r'<a class="main" href="/(cs_\w+)">Payer 5.000.FCFA maintenant', page)
        assert link
        attempts.pay(link[1], factories.card_request(), clock.now())
        assert state(client, session) == "paid"


def test_a_stopped_one_that_owes_a_period_may_be_paid_and_taken_up(client: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False) as traveller:
        session = scenes.past_due(traveller)
        press(client, session, "stop")
        text = seen(client, session)
        assert "Payer 5 000 FCFA maintenant" in text
        press(client, session, "resume")
        assert "Reprendre" not in seen(client, session)


def test_once_nobody_can_pay_it_any_more_the_page_leads_to_the_shop(client: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False) as traveller:
        session = scenes.past_due(traveller)
        traveller.shift(timedelta(days=10, seconds=1))  # and no worker was there
        assert "maintenant" not in seen(client, session)
        assert "Demandez à Boutique comment le régler." in seen(client, session)


# ---------------------------------------------------------------- money that went back


@time_machine.travel(NOON, tick=False)
@pytest.mark.parametrize(("amounts", "left"), [([1_500], 3_500), ([1_500, 500], 3_000), ([5_000], 0)])
def test_each_refund_has_its_day_and_its_amount(client: FlaskClient, amounts: list[int], left: int) -> None:
    session = scenes.refunded(*amounts)
    text = seen(client, session)
    assert text.count("Remboursé le 26 novembre −") == len(amounts)
    for amount in amounts:
        assert f"− {amount:,} FCFA".replace(",", " ") in text
    assert (f"Reste payé {left:,} FCFA".replace(",", " ") in text) == bool(left)


def test_a_refund_that_is_under_way_is_not_yet_money_back(client: FlaskClient) -> None:
    session = factories.session()
    with time_machine.travel(NOON, tick=False) as traveller:
        scenes.tried("013", session)
        traveller.shift(60)
        scenes.work()
        scenes.order_refund(session, 1_500)
        scenes.work()
        traveller.shift(60)
        scenes.work()
        scenes.order_refund(session, 500)
        text = seen(client, session)
        assert "Remboursement en cours depuis le 26 novembre − 500 FCFA" in text
        assert "Reste payé 3 500 FCFA" in text


def test_the_receipt_lists_what_was_bought(client: FlaskClient) -> None:
    items = [{"name": "Savon", "amount": 1_000, "quantity": 3}, {"name": "Miel", "amount": 2_000, "quantity": 1}]
    session = scenes.tried_by_card(line_items=items)
    receipt = seen(client, session).partition("C’est payé")[2] or seen(client, session).partition("Merci")[2]
    assert "3 × Savon 3 000 FCFA" in receipt
    assert "Miel 2 000 FCFA" in receipt


# ---------------------------------------------------------------- when the time is over


@pytest.mark.parametrize("ending", ["009", "010", "011"])
def test_when_the_time_is_over_the_page_asks_and_promises_no_hour_for_a_second_payment(
    client: FlaskClient, ending: str
) -> None:
    with time_machine.travel(NOON, tick=False) as traveller:
        session = scenes.time_over(traveller, ending)
        text = seen(client, session)
        assert state(client, session) == "time_over"
        assert "Ne payez pas encore une deuxième fois." in text
        assert "Nous la demandons au moins jusqu’au 27 novembre 2026, 12:00." in text
        press(client, session, "check")
        assert state(client, session) == ("time_over" if ending == "011" else "choose")


def test_an_hour_that_has_passed_is_not_told(client: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False) as traveller:
        session = scenes.tried("011")
        traveller.shift(timedelta(days=2))
        assert "au moins jusqu’à" not in seen(client, session)


# ---------------------------------------------------------------- failed, and paid after all


def test_who_was_told_that_it_failed_sees_it_paid_after_all_without_a_press(client: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False) as traveller:
        session = scenes.doubted()
        page = client.get(f"/{session.id}").text
        assert 'data-state="choose"' in page
        poll = re.search(r'<i id="poll" hx-get="([^"]*)" hx-trigger="([^"]*)"', page)
        assert poll
        assert poll[2] == "check, every 10s"
        assert "http-equiv" not in page.partition("</head>")[0]  # nothing that is typed is lost by a reload
        assert client.get(poll[1], headers={"HX-Request": "true"}).status_code == 204
        traveller.shift(61)
        scenes.work()
        assert 'data-state="paid"' in client.get(poll[1], headers={"HX-Request": "true"}).text


def test_the_next_visitor_of_a_shared_page_gets_nothing_chosen_by_the_one_before(client: FlaskClient) -> None:
    link = factories.link(max_uses=1)
    page = client.get(f"/pay/{link.slug}").location.partition("?")[0]
    with pytest.raises(Declined):
        attempts.pay(page[1:], factories.pay_request(factories.phone("008"), operator="free_sn"), clock.now())
    stranger = client.application.test_client().get(page).text
    assert 'data-state="choose"' in stranger
    assert not re.search(r'name="operator" value="[^"]*"[^>]* checked', stranger)


def test_who_says_on_an_expired_page_that_they_had_approved_is_asked_for(client: FlaskClient) -> None:
    session = factories.session()
    assert '/check"' not in client.get(f"/{sessions.expire(session, clock.now()).id}").text  # nobody was asked
    with time_machine.travel(NOON, tick=False) as traveller:
        session = scenes.expired()
        assert state(client, session) == "expired"
        press(client, session, "check")
        assert "Dernière vérification à" in client.get(f"/{session.id}?checked=1").text
        traveller.shift(10)
        press(client, session, "check")
        assert state(client, session) == "late"


# ---------------------------------------------------------------- what it costs


@pytest.mark.parametrize(
    "make",
    [
        lambda _: scenes.tried("010"),
        lambda _: scenes.stopped(),
        scenes.past_due,
        lambda _: scenes.refunded(1_500, 500),
        scenes.time_over,
        lambda _: scenes.left(),
    ],
    ids=["waiting", "stopped", "past due", "refunded", "time over", "left"],
)
def test_no_page_with_ways_on_reads_more_than_twice(client: FlaskClient, make: Any) -> None:
    with time_machine.travel(NOON, tick=False) as traveller:
        session = make(traveller)
        traveller.shift(60)
        client.get(f"/{session.id}")  # accounts and their health are known from now on
        with sent() as statements:
            assert client.get(f"/{session.id}").status_code == 200
    assert len(statements) <= 2, statements
