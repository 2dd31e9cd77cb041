"""Events over REST: what happened is listed, found and told again."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from ikawaari import clock
from ikawaari.events import history
from ikawaari.store.models import Event, WebhookDelivery
from tests.events.receiver import Receiver, listening
from tests.merchant_api.calls import Shop, error, refused
from tests.merchant_api.test_webhook_endpoints import carry, made

PATH = "/api/v1/events"


@pytest.fixture
def own(shared_app: Flask) -> Shop:
    """A merchant to whom nothing has happened."""
    return Shop(shared_app, rate_limit=1_000_000)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Its server."""
    with listening() as opened:
        yield opened


def listed(shop: Shop, query: str = "") -> list[dict[str, Any]]:
    """The events of a query."""
    answer = shop.get(f"{PATH}?limit=100{query}")
    assert answer.status_code == 200, answer.text
    return list(answer.json["data"])


def test_an_event_is_listed_and_found_as_its_webhook_carries_it(own: Shop, receiver: Receiver) -> None:
    endpoint = made(own, receiver.url)
    session = own.opened(description="Été 🌞")
    carry(endpoint["id"])
    event = next(one for one in listed(own) if one["data"]["id"] == session["id"])
    assert event["type"] == "checkout.session.created"
    assert own.get(f"{PATH}/{event['id']}").json == event
    assert event in [heard.event for heard in receiver.heard]


def test_events_are_listed_newest_first_page_by_page(own: Shop) -> None:
    for _ in range(5):
        own.opened()
    everything = [event["id"] for event in listed(own)]
    page = own.get(f"{PATH}?limit=3").json
    seen = [event["id"] for event in page["data"]]
    while page["has_more"]:
        page = own.get(f"{PATH}?limit=3&cursor={page['next_cursor']}").json
        seen += [event["id"] for event in page["data"]]
    assert seen == everything
    assert len(set(seen)) == len(seen) >= 5
    times = [event["created"] for event in listed(own)]
    assert times == sorted(times, reverse=True)


def test_events_of_one_moment_are_listed_as_they_happened(own: Shop) -> None:
    with time_machine.travel(clock.now(), tick=False):
        for _ in range(6):
            own.opened()
    happened = [row.id for row in Event.select().where(Event.merchant == own.merchant).order_by(Event.sequence)]
    assert [event["id"] for event in listed(own)] == happened[::-1]
    before = own.get(f"{PATH}?limit=2&ending_before={happened[2]}").json
    assert [event["id"] for event in before["data"]] == happened[3:5][::-1]


def test_filters_choose(own: Shop) -> None:
    start = clock.now()
    sessions = []
    for minutes in range(3):
        with time_machine.travel(start + timedelta(minutes=minutes), tick=False):
            sessions.append(own.opened()["id"])
    (one,) = listed(own, f"&object_id={sessions[1]}")
    assert one["data"]["id"] == sessions[1]
    assert {event["type"] for event in listed(own, "&type=checkout.session.created")} == {"checkout.session.created"}
    assert listed(own, "&type=refund.failed") == []
    about = [
        event["data"]["id"] for event in listed(own, f"&created_gte={one['created']}&created_lte={one['created']}")
    ]
    assert sessions[1] in about
    assert sessions[0] not in about
    assert sessions[2] not in about


@pytest.mark.parametrize("query", ["type=x", "limit=0", "limit=101", "created_gte=x", "cursor=evt_0", "unheard=1"])
def test_odd_queries_are_refused(shared_shop: Shop, query: str) -> None:
    refused(shared_shop.get(f"{PATH}?{query}"), query.partition("=")[0])


def test_events_of_others_and_of_the_other_mode_are_not_seen(shared_app: Flask, own: Shop) -> None:
    own.opened()
    event = listed(own)[0]["id"]
    for stranger in (Shop(shared_app), Shop(shared_app, own.merchant, livemode=True)):
        assert listed(stranger) == []
        error(stranger.get(f"{PATH}/{event}"), 404, "IKW-RES-001")
        error(stranger.post(f"{PATH}/{event}/redeliver"), 404, "IKW-RES-001")


def test_one_event_is_told_again_with_the_same_bytes(own: Shop, receiver: Receiver) -> None:
    endpoint = made(own, receiver.url)
    session = own.opened()
    carry(endpoint["id"])
    (event,) = listed(own, f"&object_id={session['id']}")
    before = len(receiver.heard)
    answer = own.post(f"{PATH}/{event['id']}/redeliver")
    assert (answer.status_code, answer.json["events"], answer.json["deliveries"]) == (200, 1, 1)
    carry(endpoint["id"])
    assert receiver.ids[before:] == [event["id"]]
    assert len({heard.body for heard in receiver.heard if heard.event["id"] == event["id"]}) == 1


def test_an_endpoint_made_later_hears_of_the_past_by_a_range(own: Shop, receiver: Receiver) -> None:
    start = int(clock.now().timestamp()) - 7200
    for minutes in range(4):
        with time_machine.travel(start + 60 * minutes, tick=False):
            own.opened()
    late = made(own, receiver.url)
    answer = own.post(f"{PATH}/redeliver", {"created_gte": start + 60, "created_lte": start + 120})
    wanted = [event for event in listed(own) if start + 60 <= event["created"] <= start + 120]
    assert answer.json["events"] == answer.json["deliveries"] == len(wanted) >= 2
    assert (answer.json["has_more"], answer.json["next_cursor"]) == (False, None)
    carry(late["id"])
    assert sorted(receiver.ids) == sorted(event["id"] for event in wanted)


def test_a_range_is_asked_for_whole(shared_shop: Shop) -> None:
    refused(shared_shop.post(f"{PATH}/redeliver", {}), "created_gte", "created_lte")
    answer = shared_shop.post(f"{PATH}/redeliver", {"created_gte": 0, "created_lte": 1})
    assert answer.json == {
        "object": "redelivery",
        "events": 0,
        "deliveries": 0,
        "has_more": False,
        "next_cursor": None,
    }


def test_a_range_of_one_second_is_sent_again_in_parts(
    monkeypatch: pytest.MonkeyPatch, own: Shop, receiver: Receiver
) -> None:
    with time_machine.travel(clock.now(), tick=False):
        moment = int(clock.now().timestamp())
        for _ in range(5):
            own.opened()
    happened = [event["id"] for event in listed(own)]
    late = made(own, receiver.url)
    monkeypatch.setattr(history, "MOST_AT_ONCE", 2)
    one_second = {"created_gte": moment, "created_lte": moment}
    told = own.post(f"{PATH}/redeliver", one_second).json
    sent = told["events"]
    while told["has_more"]:
        assert sent <= len(happened)
        told = own.post(f"{PATH}/redeliver", one_second | {"cursor": told["next_cursor"]}).json
        sent += told["events"]
    assert (sent, told["next_cursor"]) == (len(happened), None)
    carry(late["id"])
    assert sorted(receiver.ids) == sorted(happened)


def test_a_range_goes_on_behind_an_event_of_one_s_own_alone(own: Shop, shared_shop: Shop) -> None:
    own.opened()
    foreign = {"created_gte": 0, "created_lte": 1, "cursor": listed(own)[0]["id"]}
    refused(shared_shop.post(f"{PATH}/redeliver", foreign), "cursor")


def test_a_session_that_is_refused_tells_nothing(own: Shop, receiver: Receiver) -> None:
    made(own, receiver.url)
    assert own.post("/api/v1/checkout/sessions", {"amount": -1}).status_code == 400
    assert not Event.select().where(Event.merchant == own.merchant).exists()
    own.opened()
    events = Event.select().where(Event.merchant == own.merchant)
    deliveries = WebhookDelivery.select().join(Event).where(Event.merchant == own.merchant)
    assert events.count() == deliveries.count() > 0
