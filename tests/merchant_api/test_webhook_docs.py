"""The document's webhooks: every event that is really sent is as it is told."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from ikawaari import clock, worker
from ikawaari.checkout import enquiry
from ikawaari.events import delivery, outgoing
from ikawaari.events.types import EVENT_TYPES, TEST
from ikawaari.store.models import Event, PaymentAttempt
from tests.events.receiver import listening
from tests.merchant_api.calls import SESSIONS, Shop, app_on
from tests.merchant_api.documents import JSON, resolved, strict
from tests.merchant_api.test_webhook_endpoints import carry, made

INTENTS, REFUNDS = "/api/v1/payment-intents", "/api/v1/refunds"
LINKS, SUBSCRIPTIONS = ("/api/v1/payment_links", "/api/v2/payment_links"), "/api/v1/billing/subscriptions"


def pay(shop: Shop, session: dict[str, Any], **method: Any) -> None:
    """Try to pay a session, by card unless `method` says otherwise."""
    payment = {"type": "card", "card": {"token": "tok_test_card"}} | method
    answer = shop.client.post(f"/api/checkout/{session['id']}/pay", json={"payment_method": payment})
    assert answer.status_code in {200, 402}, answer.text


def wallet(ending: str) -> dict[str, Any]:
    """A mobile money payment with a number of the sandbox's script."""
    number = {"operator": "orange_sn", "phone_number": f"+221771234{ending}"}
    return {"type": "mobile_money", "mobile_money": number}


def decide(shop: Shop, session: dict[str, Any], status: str) -> None:
    """Decide for the payer."""
    body = {"payment_intent_id": session["payment_intent"], "status": status}
    assert shop.client.post("/api/test/mobile-money/callback", json=body).status_code == 200


def paid_rich_session(shop: Shop) -> dict[str, Any]:
    """A paid session that says all that a session can say."""
    fields = [{"key": "size", "label": "Size", "type": "dropdown", "options": ["S", "M"]}]
    session = shop.opened(
        lineItems=[{"name": "Wax", "amount": 5000, "currency": "XOF"}],
        customFields=fields,
        customerPhone="771234567",
        metadata={"order": [1, None]},
    )
    collected = {"customerDetails": {"name": "Awa", "email": "awa@boutique.example"}, "customFields": {"size": "S"}}
    payment = {"payment_method": wallet("014"), "collected": collected}
    assert shop.client.post(f"/api/checkout/{session['id']}/pay", json=payment).status_code == 200
    decide(shop, session, "succeeded")
    return session


def live_a_little(shop: Shop) -> None:
    """Have everything happen that events tell of."""
    unrefundable = paid_rich_session(shop)
    declined = shop.opened()
    pay(shop, declined, card={"token": "tok_test_declined"})
    pay(shop, declined)
    for intent in (unrefundable["payment_intent"], declined["payment_intent"]):
        assert shop.post(REFUNDS, {"payment_intent": intent, "amount": 2000, "reason": "x"}).status_code == 201
    for path in LINKS:
        link = shop.post(path, {"amount": 5000}).json
        assert shop.post(f"{path}/{link['id']}/deactivate").status_code == 200
    live_through_subscriptions(shop)
    for details in ({}, {"name": "Awa"}):  # the second time, her name is learned
        known = shop.opened()
        payment = {"payment_method": wallet("011"), "collected": {"customerDetails": details}}
        assert shop.client.post(f"/api/checkout/{known['id']}/pay", json=payment).status_code == 200
        decide(shop, known, "succeeded")
    late = shop.opened()
    pay(shop, late, **wallet("011"))
    decide(shop, late, "failed")
    assert shop.post(f"{SESSIONS}/{late['id']}/expire").status_code == 200
    decide(shop, late, "succeeded")
    assert shop.post(f"{INTENTS}/{shop.opened()['payment_intent']}/cancel").status_code == 200
    never_resolved(shop)
    work()


def never_resolved(shop: Shop) -> None:
    """A payment of which the provider has not said in a day how it ended."""
    session = shop.opened()
    pay(shop, session, **wallet("011"))
    attempt = PaymentAttempt.get(PaymentAttempt.intent == session["payment_intent"])
    attempt.change(submitted_at=attempt.submitted_at - timedelta(days=1))
    enquiry.enquire(attempt.id, clock.now())


def live_through_subscriptions(shop: Shop) -> None:
    """One that nobody pays any more, one that is canceled while it is behind, and one with a trial that is paid for."""
    declined = "tok_test_renewal_declined"
    for token, trial, steps in ((declined, None, 5), (declined, None, 1), ("tok_test_card", 7, 2)):
        session = shop.opened(
            mode="subscription", recurring={"interval": "month"} | ({"trialPeriodDays": trial} if trial else {})
        )
        pay(shop, session, card={"token": token})
        subscription = shop.get(f"{SESSIONS}/{session['id']}").json["subscription"]
        for _ in range(steps):
            assert shop.post(f"/api/test/subscriptions/{subscription}/advance").status_code == 200
            work()
        if steps < 5:
            assert shop.post(f"{SUBSCRIPTIONS}/{subscription}/cancel").status_code == 200


def work() -> None:
    """Do what is due, but for the webhooks."""
    while worker.run_once(clock.now(), kinds=worker.MONEY):
        pass


@pytest.fixture(scope="module")
def bodies(shared_url: str) -> Iterator[list[dict[str, Any]]]:
    """What a merchant's server heard of all that, and of a test."""
    with app_on(shared_url) as app, listening() as receiver:
        shop = Shop(app, rate_limit=1_000_000)
        endpoint = made(shop, receiver.url)
        live_a_little(shop)
        assert shop.post(f"/api/v1/webhook-endpoints/{endpoint['id']}/test").status_code == 200
        carry(endpoint["id"])
        assert len(receiver.heard) == Event.select().where(Event.merchant == shop.merchant).count()
        yield [{"event": heard.event, "signature": heard.headers["Ikawaari-Signature"]} for heard in receiver.heard]


def operation(document: dict[str, Any], type_: str) -> dict[str, Any]:
    """How the document tells of an event."""
    return dict(document["webhooks"][type_]["post"])


def check(document: dict[str, Any], type_: str, event: dict[str, Any]) -> None:
    """Assert that the event is as it is told, and has nothing besides."""
    strict(document, operation(document, type_)["requestBody"]["content"][JSON]["schema"]).validate(event)


def test_every_event_that_is_sent_is_as_it_is_told(document: dict[str, Any], bodies: list[dict[str, Any]]) -> None:
    for body in bodies:
        check(document, body["event"]["type"], body["event"])
    assert {body["event"]["type"] for body in bodies} == document["webhooks"].keys()


def test_every_signature_is_as_it_is_told(document: dict[str, Any], bodies: list[dict[str, Any]]) -> None:
    header = document["components"]["parameters"]["Ikawaari-Signature"]
    assert (header["name"], header["in"], header["required"]) == ("Ikawaari-Signature", "header", True)
    for signature in (header["example"], *(body["signature"] for body in bodies)):
        assert re.fullmatch(header["schema"]["pattern"], signature)


def test_the_signature_to_check_code_with_is_right(document: dict[str, Any]) -> None:
    words = " ".join(document["info"]["description"].split())
    found = re.search(r"with the secret `(\w+)` the body `(.+?)` at (\d+) is signed `t=(\d+),v1=(\w+)`", words)
    assert found
    secret, body, at, stamp, given = found.groups()
    assert given == hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    assert at == stamp


def test_every_example_is_an_event_of_its_type(document: dict[str, Any]) -> None:
    for type_ in document["webhooks"]:
        example = operation(document, type_)["requestBody"]["content"][JSON]["example"]
        check(document, type_, example)
        assert example["type"] == type_
        assert example["data"]["object"] == ("checkout.session" if "session" in type_ else type_.partition(".")[0])


def test_another_type_or_object_is_not_taken_for_it(document: dict[str, Any], bodies: list[dict[str, Any]]) -> None:
    event = next(body["event"] for body in bodies if body["event"]["type"] == "refund.created")
    schema = operation(document, "refund.succeeded")["requestBody"]["content"][JSON]["schema"]
    assert not strict(document, schema).is_valid(event)
    assert strict(document, schema).is_valid(event | {"type": "refund.succeeded"})
    assert not strict(document, schema).is_valid(event | {"type": "refund.succeeded", "data": {"id": "re_1"}})


def test_only_types_that_one_may_subscribe_to_are_told_of_and_the_test(document: dict[str, Any]) -> None:
    assert document["webhooks"].keys() <= EVENT_TYPES | {TEST}
    assert {"checkout.session.completed", "refund.failed", TEST} <= document["webhooks"].keys()


def test_every_webhook_says_what_happened_and_what_to_answer(document: dict[str, Any]) -> None:
    names = [operation(document, type_)["operationId"] for type_ in document["webhooks"]]
    names += [one["operationId"] for item in document["paths"].values() for one in item.values() if "responses" in one]
    assert len(set(names)) == len(names)
    for type_ in document["webhooks"]:
        told = operation(document, type_)
        assert told["summary"].endswith(".")
        assert told["tags"][0] in [tag["name"] for tag in document["tags"]]
        assert told["responses"].keys() == {"2XX", "default"}
        assert "10 seconds" in resolved(document, told["responses"]["2XX"])["description"]


def test_the_retries_are_told_as_they_are(document: dict[str, Any]) -> None:
    assert outgoing.TIMEOUT_SECONDS == 10
    assert [wait.total_seconds() / 60 for wait in delivery.RETRIES] == [5, 30, 120, 480, 1440]
    words = "retried after 5 minutes, 30 minutes, 2 hours, 8 hours and 24 hours, each counted from the previous try"
    assert words in document["info"]["description"]
    assert words in document["components"]["responses"]["WebhookNotTaken"]["description"]


def test_the_events_of_the_api_are_told_as_their_webhooks(document: dict[str, Any]) -> None:
    example = document["paths"]["/api/v1/events/{event_id}"]["get"]["responses"]["200"]["content"][JSON]["example"]
    check(document, example["type"], json.loads(json.dumps(example)))
