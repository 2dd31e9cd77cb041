"""A subscription on its page: what is taken and when, how to stop it; and pages whose payment link has ended."""

import re
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient

from ikawaari import clock, store
from ikawaari.checkout import attempts, outbox
from ikawaari.store.models import CheckoutSession, Event, Invoice, PaymentLink, Subscription
from tests import factories
from tests.hosted.test_page_totals import seen

MONTHLY = {"interval": "month", "interval_count": 1}
JANUARY = "2027-01-31T10:00:00Z"


@pytest.fixture
def engine() -> str:
    """The page is the same on both, and the domain's tests run on both."""
    return "sqlite"


def subscribed(**recurring: Any) -> CheckoutSession:
    """A session of a subscription that has begun."""
    session = factories.session(mode="subscription", recurring=MONTHLY | recurring)
    attempts.pay(session.id, factories.card_request(), clock.now())
    return session


def invoiced() -> CheckoutSession:
    """A session that pays the second period of a subscription."""
    first, renewal = subscribed(), factories.session()
    subscription = Subscription.get(Subscription.session == first.id)
    Invoice.create(
        id="in_1",
        merchant=renewal.merchant_id,
        livemode=False,
        subscription=subscription,
        session=renewal,
        period=2,
        period_start=clock.now(),
        period_end=subscription.current_period_end,
        status="open",
        amount=5_000,
        currency="XOF",
        created_at=clock.now(),
    )
    return renewal


def linked(**fields: Any) -> CheckoutSession:
    """A session of a payment link."""
    session = factories.session(cancel_url=None)
    columns = {"version": 1, "slug": "s", "livemode": False, "active": True, "amount_presets": [], "currency": "XOF"}
    empty = {"payment_method_types": [], "line_items": [], "custom_fields": [], "metadata": {}, "locale": "fr"}
    row = columns | empty | {"merchant": session.merchant_id, "fee_mode": "merchant_pays", "created_at": clock.now()}
    session.change(payment_link=PaymentLink.create(id="link", **row | fields))
    return session


@time_machine.travel(JANUARY, tick=False)
@pytest.mark.parametrize(
    ("days", "terms"), [(None, "Puis dès le 28 février, chaque mois"), (7, "Gratuit jusqu’au 7 février 2027")]
)
def test_the_terms_name_the_day_of_the_next_payment_and_the_way_out(
    client: FlaskClient, days: int | None, terms: str
) -> None:
    session = factories.session(mode="subscription", recurring=MONTHLY | {"trial_period_days": days})
    text = seen(client, session)
    assert terms in text
    assert "Vous arrêtez quand vous voulez." in text


@time_machine.travel(JANUARY, tick=False)
def test_the_receipt_names_the_next_payment_and_stops_it(client: FlaskClient) -> None:
    session = subscribed()
    assert "Prochain paiement : 5 000 FCFA le 28 février 2027." in seen(client, session)
    answer = client.post(f"/{session.id}/stop")
    assert (answer.status_code, answer.location) == (303, f"/{session.id}")
    text = seen(client, session)
    assert "Abonnement arrêté Il reste actif jusqu’au 27 février 2027. Plus rien ne sera débité." in text
    assert "Prochain paiement" not in text
    assert "C’est payé" not in text
    assert "Arrêter l’abonnement" not in text
    assert Subscription.get().cancel_at_period_end


def move(status: str, **changes: Any) -> None:
    with store.atomic():
        outbox.move(Subscription.get(), status, clock.now(), **changes)


def test_a_subscription_that_has_ended_says_so_and_is_not_stopped_again(client: FlaskClient) -> None:
    session = subscribed(trial_period_days=7)
    move("canceled", canceled_at=clock.now())
    told = Event.select().count()
    assert client.post(f"/{session.id}/stop").status_code == 303
    assert "Abonnement arrêté Votre abonnement est terminé. Plus rien n’est débité." in seen(client, session)
    assert Event.select().count() == told


def test_a_payment_that_is_missing_is_not_called_the_next_one_and_stays_due(client: FlaskClient) -> None:
    session = subscribed()
    move("past_due")
    text = seen(client, session)
    assert "Un paiement manque" in text
    assert "Prochain paiement" not in text
    assert "plus rien n’est débité" not in text
    client.post(f"/{session.id}/stop")
    assert "seul le paiement qui manque est encore demandé." in seen(client, session)


@pytest.mark.parametrize("path", ["{id}/stop", "cs_0000000000000000/stop"])
def test_there_is_nothing_to_stop_without_a_subscription(client: FlaskClient, path: str) -> None:
    session = factories.session()
    assert client.post(f"/{path.format(id=session.id)}").status_code == 404


def test_another_site_stops_no_subscription(client: FlaskClient) -> None:
    session = subscribed()
    assert client.post(f"/{session.id}/stop", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert not Subscription.get().cancel_at_period_end


def test_a_stopped_subscriptions_page_stays_to_be_read(client: FlaskClient) -> None:
    session = factories.session(mode="subscription", recurring=MONTHLY, success_url="https://shop.example/ok")
    attempts.pay(session.id, factories.card_request(), clock.now())
    assert "data-forward" in client.get(f"/{session.id}").text
    client.post(f"/{session.id}/stop")
    assert "data-forward" not in client.get(f"/{session.id}").text


@time_machine.travel(JANUARY, tick=False)
def test_a_renewal_says_which_period_it_pays(client: FlaskClient) -> None:
    assert "Du 31 janvier 2027 au 27 février 2027" in seen(client, invoiced())


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"active": False}, "La boutique l’a fermé."),
        ({"max_uses": 1}, "Tous les paiements prévus ont été faits."),
    ],
)
def test_a_page_whose_link_has_ended_says_so_and_whom_to_ask(
    client: FlaskClient, fields: dict[str, Any], word: str
) -> None:
    session = linked(**fields)
    other = factories.session()
    attempts.pay(other.id, factories.card_request(), clock.now())
    other.change(payment_link=session.payment_link_id)
    assert client.get(f"/{session.id}").status_code == 410
    text = seen(client, session)
    assert word in text
    assert re.search(r"Demandez un nouveau lien à\s+Boutique\s*\.", text), "the shop's name stands apart, in a <bdi>"
    assert "/pay" not in client.get(f"/{session.id}").text
