"""Webhook endpoints over REST: a bare array, a secret that is told twice in its life, and no internal address."""

from typing import Any

import pytest
from flask import Flask

from ikawaari import clock, sealing
from ikawaari.events import delivery
from ikawaari.store.models import WebhookEndpoint
from tests import factories
from tests.events.receiver import listening
from tests.merchant_api.calls import Answer, Shop, error, refused

PATH = "/api/v1/webhook-endpoints"
FIELDS = {"id", "object", "url", "enabled_events", "enabled", "status", "failing_since", "livemode", "created"} | {
    "secret_changes_at"
}


def made(shop: Shop, url: str = "https://93.184.216.34/hook", **body: Any) -> dict[str, Any]:
    """A new endpoint."""
    answer = shop.post(PATH, {"url": url} | body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json)


def carry(endpoint_id: str) -> None:
    """Deliver what is on its way."""
    for lane in range(delivery.LANES):
        delivery.carry(f"{endpoint_id}:{lane}", clock.now())


@pytest.fixture
def own(shared_app: Flask) -> Shop:
    """A merchant without endpoints."""
    return Shop(shared_app, rate_limit=1_000_000)


def test_an_endpoint_is_made_with_a_secret_that_no_other_answer_tells(own: Shop) -> None:
    answer = made(own, enabled_events=["refund.failed", "refund.created", "refund.failed"])
    assert set(answer) == FIELDS | {"secret"}
    assert answer["secret"].startswith("whsec_")
    assert len(answer["secret"]) >= 38
    assert answer["enabled_events"] == ["refund.created", "refund.failed"]
    assert (answer["enabled"], answer["status"], answer["livemode"]) == (True, "enabled", False)
    one = f"{PATH}/{answer['id']}"
    for other in (own.get(one), own.get(PATH), own.post(one, {}), own.post(f"{one}/test")):
        assert other.status_code == 200
        assert answer["secret"] not in other.text
        assert '"secret"' not in other.text


def test_the_list_is_a_bare_array_oldest_first(own: Shop) -> None:
    assert own.get(PATH).json == []
    ids = [made(own)["id"] for _ in range(3)]
    assert [row["id"] for row in own.get(PATH).json] == ids


def test_everything_is_wanted_unless_said_otherwise(own: Shop) -> None:
    assert made(own)["enabled_events"] == ["*"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["url"]),
        ({"url": "x", "enabled_events": []}, ["url", "enabled_events"]),
        ({"url": "https://u:p@93.184.216.34/"}, ["url"]),
        ({"url": "https://93.184.216.34/", "enabled_events": ["nonsense"]}, ["enabled_events"]),
        ({"url": "https://10.0.0.1/"}, ["url"]),
        ({"url": "http://169.254.169.254/latest/meta-data"}, ["url"]),
        ({"url": "https://[::ffff:10.0.0.1]/"}, ["url"]),
        ({"url": "https://0xA9FEA9FE/"}, ["url"]),
    ],
)
def test_what_is_wrong_is_said_of_each_field(shared_shop: Shop, body: dict[str, Any], fields: list[str]) -> None:
    answer = shared_shop.post(PATH, body)
    assert answer.status_code == 400, answer.text
    assert {name.partition(".")[0].partition("[")[0] for name in answer.json["error"]["details"]} == set(fields)


@pytest.mark.parametrize("url", ["http://93.184.216.34/", "https://127.0.0.1/", "https://localhost/", "https://[::1]/"])
def test_live_mode_takes_neither_http_nor_loopback_also_on_update(shared_app: Flask, url: str) -> None:
    live = Shop(shared_app, livemode=True)
    refused(live.post(PATH, {"url": url}), "url")
    endpoint = made(live)
    refused(live.post(f"{PATH}/{endpoint['id']}", {"url": url}), "url")
    assert live.get(f"{PATH}/{endpoint['id']}").json["url"] == endpoint["url"]


def test_test_mode_takes_http_and_loopback(own: Shop) -> None:
    assert made(own, "http://127.0.0.1:8080/x")["url"] == "http://127.0.0.1:8080/x"


def test_an_update_changes_what_is_given_alone(own: Shop) -> None:
    before = made(own)
    one = f"{PATH}/{before.pop('id')}"
    before.pop("secret")
    for change in ({"enabled_events": ["refund.created"]}, {"url": "https://93.184.216.34/2"}, {"enabled": False}, {}):
        answer: Answer = own.post(one, change)
        before |= change
        before["status"] = "enabled" if before["enabled"] else "disabled"
        assert {name: answer.json[name] for name in before} == before


def test_rotation_tells_a_new_secret_once(own: Shop) -> None:
    endpoint = made(own)
    rotated = own.post(f"{PATH}/{endpoint['id']}/rotate_secret")
    assert rotated.status_code == 200
    assert rotated.json["secret"] != endpoint["secret"]
    assert sealing.open_sealed(WebhookEndpoint.get_by_id(endpoint["id"]).secret) == rotated.json["secret"]


UNSENT = ["invoice.finalized", "customer.deleted", "payout.*", "payout.paid", "dispute.created", "balance.available"]


@pytest.mark.parametrize("names", [UNSENT, ["dispute.*"], [*UNSENT, "refund.created", "*"]])
def test_documented_names_that_are_never_sent_are_accepted_in_silence(own: Shop, names: list[str]) -> None:
    endpoint = made(own, enabled_events=names)
    assert endpoint["enabled_events"] == sorted(names)
    one = f"{PATH}/{endpoint['id']}"
    assert own.post(one, {"enabled_events": names[::-1]}).json["enabled_events"] == sorted(names)


@pytest.mark.parametrize(
    "name",
    ["payout", "payout.", "payout.a b", "payouts.paid", "customer.del", "invoice.finalized\n", "xpayout.paid", "a.*"],
)
def test_names_that_nobody_documents_are_refused(own: Shop, name: str) -> None:
    refused(own.post(PATH, {"url": "https://93.184.216.34/", "enabled_events": [name]}), "enabled_events.0")
    endpoint = made(own)
    refused(own.post(f"{PATH}/{endpoint['id']}", {"enabled_events": [name]}), "enabled_events.0")


def test_a_deleted_endpoint_is_gone(own: Shop) -> None:
    one = f"{PATH}/{made(own)['id']}"
    answer = own.client.delete(one, headers={"Authorization": f"Bearer {own.key}"})
    assert (answer.status_code, answer.json["deleted"]) == (200, True)
    error(own.get(one), 404, "IKW-RES-001")
    assert own.get(PATH).json == []


def test_a_merchant_has_twenty_endpoints_at_most(own: Shop) -> None:
    for _ in range(20):
        made(own)
    refused(own.post(PATH, {"url": "https://93.184.216.34/"}), "url")


def test_a_test_event_reaches_its_endpoint_alone_and_is_listed_among_its_deliveries(own: Shop) -> None:
    with listening() as receiver, listening() as other:
        endpoint, second = made(own, receiver.url), made(own, other.url)
        sent = own.post(f"{PATH}/{endpoint['id']}/test").json
        assert (sent["event_type"], sent["status"], sent["tries"]) == ("webhook_endpoint.test", "pending", [])
        carry(endpoint["id"])
        carry(second["id"])
        assert receiver.ids == [sent["event"]]
        assert not other.heard
        (listed,) = own.get(f"{PATH}/{endpoint['id']}/deliveries").json["data"]
        assert (listed["id"], listed["status"], listed["next_try_at"]) == (sent["id"], "succeeded", None)
        assert [one["http_status"] for one in listed["tries"]] == [200]
        assert own.get("/api/v1/events").json["data"] == []


def test_deliveries_are_paged_newest_first(own: Shop) -> None:
    endpoint = made(own)
    sent = [own.post(f"{PATH}/{endpoint['id']}/test").json["id"] for _ in range(5)]
    seen, cursor = [], ""
    for _ in range(3):
        page = own.get(f"{PATH}/{endpoint['id']}/deliveries?limit=2{cursor}").json
        seen += [row["id"] for row in page["data"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == sent[::-1]
    assert not page["has_more"]


ONE, EVENT = f"{PATH}/{{endpoint_id}}", "/api/v1/events/{event_id}"
OF_ONE_OBJECT = [
    ("GET", ONE),
    ("POST", ONE),
    ("DELETE", ONE),
    ("POST", f"{ONE}/rotate_secret"),
    ("POST", f"{ONE}/test"),
    ("GET", f"{ONE}/deliveries"),
    ("GET", EVENT),
    ("POST", f"{EVENT}/redeliver"),
]


@pytest.mark.parametrize(("method", "path"), OF_ONE_OBJECT, ids=[*map(" ".join, OF_ONE_OBJECT)])
def test_an_endpoint_and_an_event_are_their_merchant_s_of_their_mode_alone(own: Shop, method: str, path: str) -> None:
    own.opened()
    ids = {"endpoint_id": made(own)["id"], "event_id": own.get("/api/v1/events").json["data"][0]["id"]}

    def call(key: str, **named: str) -> Answer:
        headers = {"Authorization": f"Bearer {key}"}
        return own.client.open(path.format(**named), method=method, headers=headers)

    for key in (factories.credential(), factories.credential(own.merchant, livemode=True)):
        error(call(key, **ids), 404, "IKW-RES-001")
    for odd in ("x", "%00", "%FF", "' OR 1=1 --", "a" * 500):
        error(call(own.key, **dict.fromkeys(ids, odd)), 404, "IKW-RES-001")
    assert call(own.key, **ids).status_code == 200
